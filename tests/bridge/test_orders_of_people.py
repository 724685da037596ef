"""What people order of meters: on, off, limited, by credit again; how far each order is; and what is only tried."""

from __future__ import annotations

import pytest

from device.faults import Fault, Mishap
from microgrid import meter_views, meters
from microgrid.actions import add_meter, add_site
from microgrid.customers.reach import Reach
from microgrid.customers.records import Meter, Site
from microgrid.errors import InvalidInput
from microgrid.meters import OrderOf, Successor
from microgrid.switching.device_records import DeviceModel
from microgrid.switching.progress import Progress
from tests.bridge.field import Field

METER = "M-K-104"
OFF = OrderOf("off", "tamper check")


def progress(place: Field) -> Progress:
    """Return how far the meter is."""
    return meter_views.progress_of(place.core, METER)


def test_an_order_is_asked_sent_and_confirmed(place: Field) -> None:
    radio = place.install(load_w=100)
    radio.come()
    place.village.pay("R1", 100_000)
    place.settle()
    place.village.clock.pass_(seconds=1)
    done = meters.order(place.core, METER, OFF, "person:asha")
    assert done.is_new
    assert (progress(place).state, progress(place).asked_at) == ("asked", place.village.clock.now())
    place.outgoing.work()
    place.outgoing.write_down()
    sent = progress(place)
    assert (sent.state, sent.times_sent, sent.sent_at) == ("sent", 1, place.village.clock.now())
    assert place.is_on()
    place.settle()
    told = progress(place)
    assert (told.state, told.is_on, told.confirmed_at) == ("confirmed", False, place.village.clock.now())
    assert not place.is_on()
    meters.order(place.core, METER, OrderOf("none", "checked"), "person:asha")
    place.settle()
    assert place.is_on()
    assert [row.action for row in place.village.audit("order:p-K-104")] == ["off", "none"]


def test_a_limit_holds_the_power_and_credit_stays_what_it_was(place: Field) -> None:
    radio = place.install(load_w=400)
    radio.come()
    place.village.pay("R1", 100_000)
    place.settle()
    done = meters.order(place.core, METER, OrderOf("limit", "weak line", 200), "asha")
    assert done.desired is not None
    assert done.before is not None
    assert (done.desired.supply.power_limit_w, done.before.supply.power_limit_w) == (200, None)
    assert done.desired.supply.cutoff_wh == done.before.supply.cutoff_wh
    assert done.desired.supply.reason == "At most 200 W are supplied by order: weak line."
    place.settle()
    place.run(60, 10)
    assert not place.is_on()
    told = progress(place)
    assert (told.state, told.said) == ("confirmed", "a limit of power or of energy in a day acts")
    for wrong in (OrderOf("limit", "?"), OrderOf("limit", "?", 0), OrderOf("on", "?", 5)):
        with pytest.raises(InvalidInput, match="MG-M011"):
            meters.order(place.core, METER, wrong, "asha")
    meters.order(place.core, METER, OrderOf("none", "mended"), "asha")
    place.settle()
    assert place.is_on()


def test_what_is_only_tried_is_neither_written_nor_sent(place: Field) -> None:
    radio = place.install()
    radio.come()
    place.village.pay("R1", 100_000)
    place.settle()
    before = place.twin()
    tried = meters.order(place.core, METER, OFF, "asha", write=False)
    assert tried.desired is not None
    assert (tried.is_new, tried.written, tried.desired.supply.on) == (True, False, False)
    assert (place.twin(), place.village.audit("order:p-K-104"), place.outgoing.waiting()) == (before, [], 0)
    again = meters.order(place.core, METER, OrderOf("none", "?"), "asha", write=False)
    assert not again.is_new


def test_who_does_not_answer_is_said_to_and_catches_up(place: Field) -> None:
    radio = place.install()
    place.village.pay("R1", 100_000)
    radio.come()
    place.settle()
    radio.go()
    place.village.clock.pass_(minutes=5)
    heard_at = progress(place).heard_at
    meters.order(place.core, METER, OFF, "asha")
    place.settle()
    assert progress(place).state == "sent"
    place.run(120)
    late = progress(place)
    assert (late.state, late.heard_at) == ("not answered", heard_at)
    assert late.times_sent > 1
    radio.come()
    place.settle()
    assert progress(place).state == "confirmed"


def test_a_welded_relay_is_no_confirmation(place: Field) -> None:
    radio = place.install(load_w=150)
    radio.come()
    place.village.pay("R1", 100_000)
    place.settle()
    radio.device.suffer(Mishap(0, METER, Fault.WELDED), 1)
    meters.order(place.core, METER, OFF, "asha")
    place.settle()
    told = progress(place)
    assert (told.state, told.is_on) == ("disagrees", True)
    assert "should be OFF, but its relay is closed" in told.said
    assert meter_views.meter(place.core, METER).doubts


def test_a_meter_is_asked_and_told_the_time(place: Field) -> None:
    radio = place.install()
    with pytest.raises(InvalidInput, match="MG-M078"):
        meters.ask(place.core, METER, "time", "asha")
    radio.come()
    place.settle()
    place.village.clock.pass_(seconds=30)
    radio.device.set_clock(0)
    for kind in ("time", "report"):
        asked_at = meters.ask(place.core, METER, kind, "asha")
        place.settle()
        reported = place.twin().reported
        assert reported is not None
        assert reported.received_at == asked_at
    assert radio.device.meter.now_s > 1_700_000_000
    with pytest.raises(InvalidInput, match="MG-A001"):
        meters.ask(place.core, "M-9", "report", "asha")


def test_what_takes_tokens_only_cannot_be_seen_and_nothing_is_ordered_of_it(place: Field) -> None:
    add_meter(place.core, Meter("L-1", "T"), "test")
    add_meter(place.core, Meter("M-2"), "test")
    for act in (
        lambda: meters.order(place.core, "L-1", OFF, "asha"),
        lambda: meters.ask(place.core, "L-1", "report", "asha"),
    ):
        with pytest.raises(InvalidInput, match=r"MG-M080.*\n.*microgrid token new L-1"):
            act()
    assert meter_views.meter(place.core, "L-1").line.progress.state == "unseen"
    with pytest.raises(InvalidInput, match="MG-M079"):
        meters.order(place.core, "M-2", OFF, "asha")


def test_a_swap_is_one_step_and_can_be_tried(place: Field) -> None:
    add_meter(place.core, Meter("M-2"), "test")
    tried = meters.swap(place.core, METER, 1200, Successor("M-2", 5), "asha", write=False)
    assert (tried.meter_id, tried.connection_id, tried.epoch) == ("M-2", "p-K-104", 1)
    assert meter_views.meter(place.core, METER).line.connection_id == "p-K-104"
    meters.swap(place.core, METER, 1200, Successor("M-2", 5), "asha")
    assert meter_views.meter(place.core, METER).line.connection_id is None
    assert meter_views.meter(place.core, "M-2").line.connection_id == "p-K-104"
    with pytest.raises(InvalidInput, match="MG-M079"):
        meters.swap(place.core, METER, 1200, Successor("M-2", 5), "asha")


def test_a_list_shows_each_meter_and_who_is_silent(place: Field) -> None:
    place.village.move_in("K-105")
    add_site(place.core, Site("gulu", "Gulu", "Africa/Nairobi", "KES", 2), "test")
    meters.add_model(place.core, DeviceModel("sleeper", "M", 7 * 86_400), "asha")
    add_meter(place.core, Meter("M-S", model_id="sleeper"), "test")
    radio = place.install()
    radio.come()
    place.settle()
    first = meter_views.meters(place.core, "", 2)
    assert [line.meter_id for line in first.items] == [METER, "M-K-105"]
    assert [line.meter_id for line in meter_views.meters(place.core, str(first.next), 2).items] == ["M-S"]
    assert [line.meter_id for line in meter_views.meters(place.core, "", 5, "kisiju").items] == [METER, "M-K-105"]
    assert list(meter_views.meters(place.core, "", 5, "gulu").items) == []
    bound = Reach(meters=frozenset({"M-K-105"}))
    assert [line.meter_id for line in meter_views.meters(place.core, "", 5, reach=bound).items] == ["M-K-105"]
    radio.go()
    place.village.clock.pass_(days=2)
    silent = {line.meter_id: line.silent for line in meter_views.meters(place.core, "", 5).items}
    assert silent == {METER: True, "M-K-105": False, "M-S": False}
    assert meter_views.meter(place.core, "M-S").expected_contact_s == 7 * 86_400
    assert [one.id for one in meter_views.without_keys(place.core, "kisiju")] == ["M-K-105"]


def test_silence_calls_for_a_person_when_a_meter_is_later_than_its_model_allows(place: Field) -> None:
    radio = place.install()
    radio.come()
    place.village.pay("R1", 100_000)
    place.settle()
    radio.go()
    place.village.clock.pass_(hours=24)
    meters.order(place.core, METER, OFF, "asha")
    place.run(600, 300)
    assert meter_views.meter(place.core, METER).doubts == []
    place.run(7200, 600)
    (said,) = {doubt for doubt in meter_views.meter(place.core, METER).doubts if "is to do something else" in doubt}
    assert said.startswith("meter 'M-K-104' has not been heard since 2026-03-02 06:00 UTC")
