"""Messages that are lost, doubled, late, forged or foreign change nothing that was paid for."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from device.codec import encode
from device.faults import Fault, Mishap
from device.messages import Desired, FailTerms, Relay, Reported, RequestKind
from device.messages import Request as DeviceRequest
from device.messages import Result as DeviceResult
from device.signing import MeterKeys, sealed, topic
from microgrid import meter_flows
from microgrid.bridge.carrier import Arrived
from microgrid.bridge.wire import seconds
from tests.bridge.field import SITE, Field, Radio, key_of

METER = "M-K-104"
ORDERS = topic(SITE, METER, "desired")
REPORTS = topic(SITE, METER, "reported")
OWN = MeterKeys((key_of(METER), None))
OWN_HEAD = sealed(b"", OWN, REPORTS)[:10]
HOUR_S = 3600


@pytest.fixture
def lit(place: Field) -> Field:
    """Return a village with a meter that has been paid for, and is on."""
    radio = place.install(load_w=400)
    radio.come()
    place.settle()
    place.village.pay("R1", 100_000)
    place.settle()
    assert place.is_on()
    return place


def radio(place: Field) -> Radio:
    return place.radios[METER]


def alarms(place: Field) -> list[str]:
    with place.core.store.read() as uow:
        return [alarm.id.split(":")[0] for alarm in uow.alarms.where(subject=f"meter:{METER}")]


def dead(place: Field) -> list[str]:
    with place.core.store.read() as uow:
        return [letter.reason for letter in uow.dead_letters.page()]


def say(place: Field, kind: str, body: bytes) -> None:
    place.hub.publish(topic(SITE, METER, kind), body, retain=False)
    place.settle()


def reported(place: Field, **fields: object) -> bytes:
    """Return what the meter might say, signed by it."""
    now_s = seconds(place.village.clock.now())
    held = place.village.desired().revision
    said = Reported(held, Relay.CLOSED, 1000, DeviceResult.OK, now_s, 1, 400, 0, 7_000, None)
    return sealed(encode(replace(said, **fields)), OWN, REPORTS)  # type: ignore[arg-type]


def test_every_message_may_come_five_times(place: Field) -> None:
    place.install(load_w=400)
    place.hub.copies = 5
    radio(place).come()
    place.settle()
    place.village.pay("R1", 100_000)
    place.run(12 * HOUR_S, 300)
    assert (place.village.credit_minor(), radio(place).device.meter.used.register_wh) == (0, 5000)
    place.village.are_books_true()


def test_an_older_order_changes_nothing_and_the_newest_is_told_again(lit: Field) -> None:
    held = lit.village.desired().revision
    old = Desired(held - 1, False, None, None, None, 0, FailTerms(), 2**32, 7_000)
    lit.hub.publish(ORDERS, sealed(encode(old), OWN, ORDERS), retain=True)
    lit.settle()
    assert lit.is_on()
    assert lit.twin().confirmed
    radio(lit).go()
    radio(lit).come()  # what the broker keeps is the newest again
    lit.settle()
    assert lit.twin().reported is not None
    assert lit.twin().reported.result == "ok"  # type: ignore[union-attr]  # looked at above


def test_an_order_forged_by_a_neighbour_or_the_broker_moves_nothing_and_calls_for_a_person(lit: Field) -> None:
    forged = Desired(99, False, None, None, None, 0, FailTerms(), 2**32, 7_000)
    body = sealed(encode(forged), MeterKeys((key_of("M-OTHER"), None)), ORDERS)
    lit.hub.publish(ORDERS, body, retain=True)
    lit.settle()
    assert lit.is_on()
    assert alarms(lit) == ["proof"]
    assert lit.twin().in_sync


@pytest.mark.parametrize(
    ("kind", "body", "why"),
    [
        ("reported", b"", "COSE"),
        ("reported", b"\x00" * 700, "more than 512"),
        ("event", b"\xd1\x84", "COSE"),
        ("link", sealed(b"\xa0", MeterKeys((bytes(32), None)), "x"), "proof does not fit"),
        ("reported", sealed(b"\xa1\x00\x01", OWN, REPORTS), "key 1"),
        ("readings", sealed(b"\xff", OWN, topic(SITE, METER, "readings")), "CBOR"),
        ("reported", sealed(b"\xa0", OWN, topic(SITE, METER, "link")), "proof does not fit"),
    ],
)
def test_what_is_no_message_is_kept_with_the_reason_and_hinders_nothing(
    lit: Field, kind: str, body: bytes, why: str
) -> None:
    say(lit, kind, body)
    assert [why in reason for reason in dead(lit)] == [True]
    lit.village.pay("R2", 100_000)
    lit.settle()
    assert lit.twin().confirmed


def test_messages_of_strangers_are_dead_letters_on_one_shelf(lit: Field) -> None:
    for number in range(300):
        lit.hub.publish(f"mg/1/{SITE}/M-{number}/reported", bytes([number % 256]), retain=False)
        lit.hub.publish(f"mg/1/elsewhere/{METER}/reported", reported(lit), retain=False)
    lit.settle()
    with lit.core.store.read() as uow:
        letters = uow.dead_letters.page(limit=1000)
    assert len(letters) <= 21
    assert sum(letter.repeats + 1 for letter in letters) == 600
    assert any("belongs to site 'kisiju'" in letter.reason for letter in letters)


def test_what_a_meter_said_to_another_service_cannot_be_replayed_in_another_direction(lit: Field) -> None:
    body = reported(lit)
    say(lit, "event", body)
    assert "proof does not fit" in dead(lit)[0]


def test_a_late_will_does_not_make_a_meter_gone(lit: Field) -> None:
    old = radio(lit).device.will(radio(lit).births)
    radio(lit).come()
    lit.settle()
    lit.hub.publish(topic(SITE, METER, "link"), old, retain=True)
    lit.settle()
    with lit.core.store.read() as uow:
        contact = uow.contacts.get(METER)
        assert contact is not None
        assert contact.here
    radio(lit).go()
    lit.settle()
    with lit.core.store.read() as uow:
        contact = uow.contacts.get(METER)
        assert contact is not None
        assert not contact.here


def test_who_paid_while_the_meter_was_away_has_light_when_it_comes(place: Field) -> None:
    radio_ = place.install(load_w=100)
    radio_.come()
    place.settle()
    radio_.go()
    place.settle()
    place.village.pay("R1", 100_000)
    place.run(3 * 86_400, 3600)
    assert not place.is_on()
    place.hub.lose_memory()
    radio_.come()
    place.settle()
    assert place.is_on()
    assert place.twin().attempts == 0


def test_lost_rows_are_asked_for_again(lit: Field) -> None:
    radio_ = radio(lit)
    lit.run(HOUR_S)
    radio_.go()
    lit.run(5 * HOUR_S)
    assert radio_.lost
    radio_.come()
    lit.run(4 * HOUR_S)
    with lit.core.store.read() as uow:
        rows = uow.readings.between(METER, 1, lit.village.clock.now() - timedelta(days=2), lit.village.clock.now())
        contact = uow.contacts.get(METER)
    quarters = {row.at for row in rows if row.at.minute % 15 == 0}
    assert len(quarters) >= 36  # of ten hours less what waits for its batch to fill
    assert contact is not None
    assert contact.missing == ()


def test_an_old_request_for_rows_is_given_up(lit: Field) -> None:
    with lit.core.store.begin() as uow:
        contact = uow.contacts.get(METER)
        assert contact is not None
        uow.contacts.put(replace(contact, seen_to=contact.seen_to + 50))
    radio(lit).device.cut_power()  # a block of numbers is skipped
    radio(lit).come()
    lit.run(3 * 86_400, 900)
    with lit.core.store.read() as uow:
        contact = uow.contacts.get(METER)
    assert contact is not None
    assert contact.missing == ()


def test_a_meter_that_lost_its_memory_begins_a_new_fit_and_gets_what_is_left(lit: Field) -> None:
    radio_ = radio(lit)
    lit.run(4 * HOUR_S)
    used_minor = 100_000 - lit.village.credit_minor()
    assert used_minor > 0
    radio_.go()
    radio_.say(radio_.device.lose_memory(8_000))
    radio_.come()
    lit.settle()
    assert lit.is_on()
    with lit.core.store.read() as uow:
        fits = sorted(uow.fits.where(meter_id=METER), key=lambda fit: fit.epoch)
    assert [(fit.epoch, fit.removed_at is None) for fit in fits] == [(1, False), (2, True)]
    assert fits[1].first_register_wh == 0
    assert lit.village.desired().epoch == 2
    lit.run(24 * HOUR_S, 300)
    assert not lit.is_on()
    assert lit.village.credit_minor() == 0
    lit.village.are_books_true()


def test_a_welded_relay_is_no_confirmation_and_calls_for_a_person(lit: Field) -> None:
    radio_ = radio(lit)
    radio_.say(radio_.device.suffer(Mishap(0, METER, Fault.WELDED), 0))
    lit.run(12 * HOUR_S, 300)
    assert lit.is_on()
    assert "relay" in alarms(lit)
    assert not lit.twin().confirmed
    assert lit.twin().in_sync


def test_books_restored_from_yesterday_overtake_the_meter(lit: Field) -> None:
    say(lit, "reported", reported(lit, revision=900))
    assert lit.village.desired().revision == 901
    assert lit.twin().desired is not None


@pytest.mark.parametrize("years", [-10, 10])
def test_a_clock_ten_years_off_is_set_right_and_nothing_is_gained_or_lost(lit: Field, years: int) -> None:
    radio_ = radio(lit)
    lit.run(2 * HOUR_S)
    wrong_s = seconds(lit.village.clock.now() + timedelta(days=3652 * years // 10))
    radio_.device.set_clock(wrong_s)
    lit.village.pay("R2", 25_000)
    lit.settle()
    radio_.go()
    radio_.come()
    lit.settle()
    assert abs(radio_.device.meter.now_s - seconds(lit.village.clock.now())) <= 1
    lit.run(24 * HOUR_S, 300)
    assert lit.village.credit_minor() == 0
    assert radio_.device.meter.used.register_wh == 6000
    assert lit.twin().confirmed
    lit.village.are_books_true()


def test_a_replayed_time_is_not_taken(lit: Field) -> None:
    now_s = seconds(lit.village.clock.now())
    old = DeviceRequest(RequestKind.TIME, 1, 1, 4711, now_s - 86_400)
    body = sealed(encode(old), OWN, topic(SITE, METER, "request"))
    lit.hub.publish(topic(SITE, METER, "request"), body, retain=False)
    lit.settle()
    assert radio(lit).device.meter.now_s == now_s


def test_two_devices_under_one_name_are_noticed_within_a_minute(lit: Field) -> None:
    for _ in range(4):
        lit.village.clock.pass_(seconds=10)
        radio(lit).come()
        lit.settle()
    assert "flapping" in alarms(lit)


def test_a_meter_that_refuses_for_want_of_a_clock_is_told_the_time_and_obeys(place: Field) -> None:
    radio_ = place.install(load_w=100)
    place.village.pay("R1", 100_000)
    radio_.come()
    place.settle()
    assert place.is_on()


def test_a_meter_long_silent_calls_for_a_person_once(lit: Field) -> None:
    radio(lit).go()
    lit.settle()
    lit.village.pay("R2", 100_000)
    lit.run(4 * 86_400, 3600)
    assert alarms(lit).count("silent") == 1


def test_a_worker_takes_reports_before_readings_and_forgets_none(place: Field) -> None:
    inbox = place.inbox
    for number in range(1200):
        inbox.put(Arrived(f"mg/1/{SITE}/M-{number}/readings", b"x"))
    done: list[str] = []
    inbox.put(Arrived(topic(SITE, METER, "reported"), b"y", done=lambda: done.append("report")))
    place.install()
    inbox.work()
    assert done == ["report"]
    while inbox.work():
        pass
    assert inbox.waiting() == 0


def test_orders_that_find_no_way_wait_and_only_the_newest_goes(place: Field) -> None:
    radio_ = place.install(load_w=100)
    radio_.come()
    place.settle()
    place.hub.is_away = True
    for number in range(5):
        place.village.pay(f"R{number}", 100_000)
        place.outgoing.work()
    assert place.outgoing.waiting() == 1

    place.hub.is_away = False
    place.hub.went.clear()
    place.settle()
    assert place.hub.went.count(ORDERS) == 1
    assert place.is_on()


def test_what_waits_is_told_when_the_way_is_back_however_long_it_was_gone(lit: Field) -> None:
    radio(lit).go()
    lit.settle()
    lit.village.pay("R2", 100_000)
    lit.run(2 * 86_400, 1800)
    assert lit.outgoing.waiting() == 0
    assert lit.twin().next_send_at is not None
    meter_flows.catch_up(lit.core)
    assert lit.outgoing.waiting() == 1


def check_noise(place: Field, count: int) -> None:
    """Let so many messages of any bytes come, some of them begun as ours begin."""
    chance = np.random.default_rng(11)
    kinds = ("reported", "readings", "event", "link")
    begins = (b"", OWN_HEAD, OWN_HEAD + b"\x58")
    done = [0]

    def one() -> None:
        done[0] += 1

    for number in range(count):
        body = begins[number % 3] + chance.bytes(int(chance.integers(0, 60)))
        place.inbox.put(Arrived(topic(SITE, METER, kinds[number % 4]), body, done=one))
        if number % 400 == 399:
            place.settle()
    place.settle()
    assert done == [count]
    assert len(dead(place)) <= 80
    place.village.pay("R2", 100_000)
    place.settle()
    assert place.twin().confirmed


def test_thousands_of_messages_of_any_bytes_change_nothing(lit: Field) -> None:
    check_noise(lit, 50_000)


@pytest.mark.long
def test_a_million_messages_of_any_bytes_change_nothing(lit: Field) -> None:
    check_noise(lit, 1_000_000)


def test_a_message_that_was_changed_anywhere_is_refused(lit: Field) -> None:
    good, chance = reported(lit), np.random.default_rng(5)
    before = lit.twin().reported
    for _ in range(2_000):
        changed = bytearray(good)
        changed[int(chance.integers(0, len(good)))] ^= 1 << int(chance.integers(0, 8))
        lit.inbox.put(Arrived(REPORTS, bytes(changed)))
    lit.settle()
    assert lit.twin().reported == before
