"""What meters measure becomes a charge, whatever kind they are; what cannot be taken in hinders nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from device.codec import encode
from device.messages import Capability, Event, EventKind, Readings
from device.signing import MeterKeys, sealed, topic
from microgrid import actions, meter_flows, sites
from microgrid.bridge.carrier import Arrived
from microgrid.bridge.inbox import Inbox
from microgrid.bridge.keyring import Keyring
from microgrid.bridge.wire import seconds
from microgrid.customers.records import Meter
from microgrid.errors import Environment, Problem
from microgrid.ports import Core
from microgrid.switching.told import Batch, Row
from tests.bridge.field import ALL, SITE, Field, key_of

METER = "M-K-104"
HOUR_S = 3600


def event(place: Field, kind: EventKind, value: int, seq: int = 900) -> None:
    """Let the meter tell that something happened."""
    told = Event(7_000, seq, kind, value, seconds(place.village.clock.now()))
    about = topic(SITE, METER, "event")
    place.hub.publish(about, sealed(encode(told), MeterKeys((key_of(METER), None)), about), retain=False)
    place.settle()


def lit(place: Field, capabilities: int = ALL) -> Field:
    """Return a village with a meter that has been paid for."""
    place.install(load_w=400, capabilities=capabilities).come()
    place.settle()
    place.village.pay("R1", 100_000)
    place.settle()
    assert place.is_on()
    return place


def test_a_meter_without_rows_is_charged_by_what_it_reports(place: Field) -> None:
    lit(place, capabilities=Capability.SWITCH)
    place.run(5 * HOUR_S, 300)
    assert meter_flows.ask_registers(place.core, "") == ""
    place.settle()
    assert place.village.credit_minor() == 100_000 - 5 * 400 * 25
    place.run(7 * HOUR_S, 300)
    assert place.village.credit_minor() == 0
    assert place.radios[METER].device.meter.used.register_wh == 5000
    place.village.are_books_true()


def test_the_register_at_which_a_limit_acted_is_charged_at_once(place: Field) -> None:
    lit(place)
    place.run(10 * HOUR_S + 60, 60)
    assert not place.is_on()
    assert place.village.credit_minor() == 0
    with place.core.store.read() as uow:
        kinds = [one.kind for one in uow.meter_events.where(meter_id=METER)]
    assert sorted(kinds) == ["limit_reached", "low_credit"]


def test_supply_goes_on_at_once_where_there_is_credit_when_a_limit_acts(place: Field) -> None:
    lit(place)
    place.run(5 * HOUR_S)
    place.hub.is_away = True
    place.village.pay("R2", 100_000)
    place.run(6 * HOUR_S)
    assert not place.is_on()  # as far as it knew
    place.hub.is_away = False
    place.run(60, 5)
    assert place.is_on()


def test_an_opened_meter_is_off_until_somebody_has_looked(place: Field) -> None:
    lit(place)
    event(place, EventKind.TAMPER, 3)
    assert not place.is_on()
    event(place, EventKind.TAMPER, 3)  # the same again
    assert len(place.village.audit(f"tamper:{METER}")) == 1
    sites.tell_seal(place.core, METER, "sealed", "test", "looked at")
    place.settle()
    assert place.is_on()


def test_an_order_of_a_person_reaches_the_meter(place: Field) -> None:
    lit(place)
    actions.order_supply(place.core, "p-K-104", "off", "person:test", "repair")
    place.settle()
    assert not place.is_on()
    assert place.twin().confirmed


def test_books_out_of_reach_lose_no_message(place: Field) -> None:
    lit(place)
    done: list[str] = []

    class Unreachable:
        def read(self) -> object:
            raise Environment(Problem("MG-E063", "the database is away"))

        begin = read

    away = Core(Unreachable(), place.core.clock, place.core.link, place.core.notifier)  # type: ignore[arg-type]  # it has no table at all
    waiting = Inbox(away, Keyring(place.core.keys))
    report = place.radios[METER].device.hear("request", b"")  # nothing: it is not proven
    assert report == []
    body = place.radios[METER].device.connect(7)[0].body
    waiting.put(Arrived(topic(SITE, METER, "link"), body, done=lambda: done.append("link")))
    for _ in range(3):
        with pytest.raises(Environment):
            waiting.work()
    assert (done, waiting.waiting()) == ([], 1)
    waiting.core = place.core
    assert waiting.work() == 1
    assert done == ["link"]


def test_a_bug_of_ours_over_one_message_hinders_no_other(place: Field) -> None:
    lit(place)

    def breaks(core: Core, batches: Sequence[Batch]) -> None:
        if any(row.register_wh == 4242 for batch in batches for row in batch.rows):
            raise ZeroDivisionError("of all things")
        meter_flows.on_rows(core, batches)

    place.inbox.flows = tuple((kind, breaks if kind is Batch else flow) for kind, flow in place.inbox.flows)
    at_s, about = seconds(place.village.clock.now()), topic(SITE, METER, "readings")
    for seq in range(20):
        rows = Readings(7_000, 100 + seq, at_s + seq, 4242 if seq == 7 else 1000 + 10 * seq, 900, None, ())
        body = sealed(encode(rows), MeterKeys((key_of(METER), None)), about)
        place.hub.publish(about, body, retain=False)
    place.settle()
    with place.core.store.read() as uow:
        begun = place.village.clock.now()
        assert len(uow.readings.between(METER, 1, begun, begun + timedelta(hours=1))) == 19
        assert ["of all things" in letter.reason for letter in uow.dead_letters.page()] == [True]


def test_rows_of_a_meter_that_is_fitted_nowhere_are_kept_for_later(place: Field) -> None:
    at = place.village.clock.now()
    rows = (Row(1, at, 500, None, None), Row(2, at + timedelta(minutes=15), 600, None, None))
    with place.core.store.begin() as uow:
        uow.meters.add(Meter("M-NEW"))
    taken = meter_flows.on_rows(place.core, [Batch("M-NEW", 5, rows), Batch("M-NEW", 5, rows)])
    assert (taken.new, taken.known) == (2, 2)
