"""A meter obeys the newest proven state, enforces it alone, and tells what it measured."""

from __future__ import annotations

from dataclasses import replace

import pytest

from device import meter as logic
from device.messages import (
    Event,
    EventKind,
    FailTerms,
    Link,
    Readings,
    Relay,
    Reported,
    Request,
    RequestKind,
    Result,
)
from device.rows import rows_of
from device.signing import MeterKeys
from device.state import Flash, Move, Save
from tests.meter.bench import EPOCH, KEYS, NOON_S, PLATE, Bench, ready, signed, wanted

HOUR_S = 3600


def answer(bench: Bench, **fields: object) -> Reported:
    """Tell a desired state and return what the meter reports."""
    told = bench.tell(wanted(**fields))  # type: ignore[arg-type]  # the test names fields
    assert isinstance(told, Reported)
    return told


def test_paid_energy_flows_to_the_last_watt_hour_and_ends_alone() -> None:
    bench = ready()
    told = answer(bench)
    assert (told.revision, told.relay, told.result) == (1, Relay.CLOSED, Result.OK)
    bench.run(500, 2 * HOUR_S)
    assert bench.register_wh() == 1000
    bench.run(500, 10 * HOUR_S)
    assert (bench.register_wh(), bench.is_on()) == (1000, False)
    assert bench.moves == [True, False]
    assert bench.reports()[-1].relay == Relay.OPEN
    events = [message for message in bench.said if isinstance(message, Event)]
    assert [(event.kind, event.value) for event in events] == [
        (EventKind.LOW_CREDIT, 100),
        (EventKind.LIMIT_REACHED, 1000),
    ]


def test_only_a_newer_state_is_taken_and_every_one_is_answered() -> None:
    bench = ready()
    answer(bench, revision=7)
    assert answer(bench, revision=5, on=False).result == Result.STALE
    assert answer(bench, revision=7, on=False).result == Result.OK  # held already: told again
    assert bench.is_on()
    assert bench.moves == [True]
    assert answer(bench, revision=8, on=False).relay == Relay.OPEN


def test_a_forged_replayed_or_foreign_state_moves_nothing() -> None:
    bench = ready()
    answer(bench)
    stranger = MeterKeys((bytes(32), None))
    for body in (signed(wanted(2, on=False), stranger), signed(wanted(2, on=False))[:-1], b"", b"\x00" * 300):
        bench.meter, effects = logic.on_message(bench.meter, "desired", body)
        bench.do(effects)
        assert bench.reports()[-1].result == Result.BAD_MAC
    request = Request(RequestKind.TIME, 2, 1, 4711, NOON_S)
    bench.meter, effects = logic.on_message(bench.meter, "desired", signed(request))  # proven for another topic
    assert effects
    assert (bench.meter.flash.revision, bench.is_on()) == (1, True)
    assert answer(bench, revision=2, not_after_s=NOON_S - 1).result == Result.EXPIRED
    assert (bench.meter.flash.revision, bench.is_on()) == (1, True)


def test_what_is_to_last_is_saved_before_the_relay_moves() -> None:
    bench = ready()
    meter, effects = logic.on_message(bench.meter, "desired", signed(wanted(3)))
    first_move = next(number for number, effect in enumerate(effects) if isinstance(effect, Move))
    saved = [effect.flash for effect in effects[:first_move] if isinstance(effect, Save)]
    assert saved[-1].revision == 3
    for done in range(len(effects) + 1):  # the power goes between any two of them
        cut = ready(flash=Flash(EPOCH, clock_s=NOON_S))
        for effect in effects[:done]:
            if isinstance(effect, Save):
                cut.flash = effect.flash
        cut.cut_power()
        assert cut.is_on() == (cut.meter.flash.revision == 3)
    assert meter.flash.revision == 3


def test_a_power_cut_neither_gives_nor_takes_energy() -> None:
    bench = ready()
    answer(bench)
    bench.run(360, HOUR_S)
    assert bench.register_wh() == 360
    bench.cut_power()
    assert 350 <= bench.register_wh() <= 360  # at most 10 Wh are lost
    assert bench.is_on()
    bench.run(1000, 10 * HOUR_S)
    assert (bench.register_wh(), bench.is_on()) == (1000, False)


def test_paid_time_ends_by_the_clock_and_without_one_by_powered_seconds() -> None:
    bench = ready()
    answer(bench, cutoff_wh=None, until_s=NOON_S + HOUR_S)
    bench.run(100, HOUR_S - 1)
    assert bench.is_on()
    bench.run(100, 1)
    assert not bench.is_on()
    again = ready()
    answer(again, cutoff_wh=None, until_s=NOON_S + HOUR_S)
    again.run(100, 1800)
    again.cut_power()  # it was off for who knows how long
    again.run(100, 1799)
    assert again.is_on()
    again.run(100, 1000)
    assert not again.is_on()


def test_a_replayed_time_does_not_move_the_clock() -> None:
    bench = ready()
    old = Request(RequestKind.TIME, 1, bench.meter.flash.boot, 4711, NOON_S)
    bench.run(0, 7200)
    bench.meter, _ = logic.on_connect(bench.meter, 4712)
    assert bench.tell(old) is None
    assert bench.meter.now_s == NOON_S + 7200
    told = bench.tell(replace(old, birth=4712, service_time_s=NOON_S + 9000))
    assert isinstance(told, Reported)
    assert bench.meter.now_s == NOON_S + 9000


def test_a_state_that_may_be_an_old_copy_needs_a_clock_first() -> None:
    meter, effects = logic.boot(PLATE, Flash(EPOCH))
    bench = Bench(meter, Flash(EPOCH))
    bench.do(effects)
    assert answer(bench).result == Result.CLOCK_UNKNOWN
    assert not bench.is_on()
    bench.meter, _ = logic.on_connect(bench.meter, 1)
    bench.tell(Request(RequestKind.TIME, 1, 1, 1, NOON_S))
    assert answer(bench).result == Result.OK
    assert bench.is_on()


def test_grace_then_lifeline_then_off_and_a_new_revision_does_not_begin_them_again() -> None:
    fail = FailTerms(grace_s=600, lifeline_w=50, lifeline_s=1200)
    bench = ready()
    answer(bench, cutoff_wh=0, fail=fail)
    assert bench.is_on()
    bench.run(300, 600)
    assert bench.register_wh() == 50
    assert logic.on_message(bench.meter, "desired", signed(wanted(1)))[0].stage.name == "LIFELINE"
    answer(bench, revision=2, cutoff_wh=0, fail=fail)  # the same again with another number
    bench.run(300, 30)  # more than the lifeline gives
    assert not bench.is_on()
    bench.run(300, 60)
    assert bench.is_on()  # closed again after a minute
    bench.run(40, 3600)
    assert not bench.is_on()
    assert answer(bench, revision=3, cutoff_wh=5000, fail=fail).relay == Relay.CLOSED


def test_a_critical_connection_is_limited_and_never_dark() -> None:
    bench = ready()
    answer(bench, cutoff_wh=0, fail=FailTerms(lifeline_w=60, critical=True))
    bench.run(40, 30 * 86_400)
    assert bench.is_on()
    assert bench.register_wh() == 40 * 24 * 30


def test_in_quiet_hours_supply_goes_on_up_to_an_allowance() -> None:
    noon = NOON_S % 86_400
    quiet = FailTerms(quiet_from_s=noon, quiet_to_s=noon + 6 * HOUR_S, quiet_max_wh=200)
    bench = ready()
    answer(bench, cutoff_wh=0, fail=quiet)
    bench.run(10, 6 * HOUR_S)
    assert (bench.register_wh(), bench.is_on()) == (60, False)  # the limit acts at their end
    other = ready()
    answer(other, cutoff_wh=0, fail=quiet)
    other.run(400, 6 * HOUR_S)
    assert (other.register_wh(), other.is_on()) == (200, False)


def test_the_energy_of_a_day_ends_at_its_limit_and_begins_again_at_local_midnight() -> None:
    bench = ready()
    answer(bench, cutoff_wh=None, daily_wh=300, day_start_s=21 * HOUR_S)  # midnight in Nairobi
    bench.run(100, 9 * HOUR_S - 1)
    assert (bench.register_wh(), bench.is_on()) == (300, False)
    bench.run(100, 1)
    assert bench.is_on()
    bench.run(100, 24 * HOUR_S)
    assert bench.register_wh() == 600


def test_a_register_of_another_epoch_counts_as_used_up() -> None:
    bench = ready()
    assert answer(bench, epoch=EPOCH + 1, cutoff_wh=10**6).relay == Relay.OPEN
    assert bench.reports()[-1].epoch == EPOCH


def test_overload_opens_three_times_and_then_waits_to_be_asked() -> None:
    bench = ready()
    answer(bench, cutoff_wh=None, power_limit_w=500)
    for pause_s in (60, 300, 900):
        bench.run(900, 30)
        assert not bench.is_on()
        bench.run(900, pause_s)
        assert bench.is_on()
    bench.run(900, 30)
    bench.run(900, 86_400)
    assert not bench.is_on()
    answer(bench, revision=2, cutoff_wh=None, power_limit_w=500)
    assert bench.is_on()
    bench.run(400, 86_400)
    assert bench.is_on()


def test_a_motor_may_start_above_the_limit() -> None:
    bench = ready()
    answer(bench, cutoff_wh=None, power_limit_w=500)
    for _ in range(60):
        bench.meter, effects = logic.on_step(bench.meter, 5000, 1)
        bench.do(effects)
        bench.run(300, 29)
    assert bench.is_on()


def test_a_welded_relay_is_told_once_and_its_energy_is_counted() -> None:
    bench = ready()
    answer(bench)
    bench.welded = True
    bench.run(500, 2 * HOUR_S)
    assert bench.reports()[-1].result == Result.RELAY_DISAGREES
    assert bench.is_on()
    bench.run(500, 2 * HOUR_S)
    assert bench.register_wh() == 2000
    events = [message.kind for message in bench.said if isinstance(message, Event)]
    assert events.count(EventKind.RELAY_DISAGREES) == 1
    assert bench.moves == [True, False]


def test_rows_come_every_quarter_of_an_hour_in_batches_and_again_when_asked() -> None:
    bench = ready()
    answer(bench, cutoff_wh=None)
    bench.run(1200, 6 * HOUR_S)
    batches = [message for message in bench.said if isinstance(message, Readings)]
    assert [len(rows_of(batch)) for batch in batches] == [12, 12]
    rows = [row for batch in batches for row in rows_of(batch)]
    assert [row.register_wh for row in rows] == [300 * (n + 1) for n in range(24)]
    assert [row.time_s for row in rows] == [NOON_S + 900 * (n + 1) for n in range(24)]
    assert len({row.seq for row in rows}) == 24
    bench.said.clear()
    bench.tell(Request(RequestKind.RESEND, 2, 0, 0, NOON_S, (rows[3].seq, rows[5].seq)))
    again = [message for message in bench.said if isinstance(message, Readings)]
    assert [row for batch in again for row in rows_of(batch)] == rows[3:6]


def test_numbers_are_never_used_twice_whatever_the_power_does() -> None:
    bench = ready()
    answer(bench, cutoff_wh=None)
    for minutes in (20, 50, 3, 700, 31):
        bench.run(100, minutes * 60)
        bench.cut_power()
    seqs = [row.seq for row in bench.ring]
    assert len(seqs) == len(set(seqs))
    assert seqs == sorted(seqs)


def test_it_says_who_it_is_when_it_comes_and_when_it_goes() -> None:
    bench = ready()
    bench.meter, effects = logic.on_connect(bench.meter, 99)
    bench.do(effects)
    here = bench.said[-1]
    assert isinstance(here, Link)
    assert (here.here, here.boot, here.birth) == (True, 1, 99)


@pytest.mark.parametrize(("power_w", "dt_s"), [(-1, 1), (1, 0)])
def test_no_meter_counts_backwards(power_w: int, dt_s: int) -> None:
    with pytest.raises(ValueError, match="cannot count"):
        logic.on_step(ready().meter, power_w, dt_s)


def test_both_key_slots_open_messages_while_a_key_is_changed() -> None:
    bench = ready()
    fresh = bytes(range(1, 33))
    old = KEYS.slots[0]
    for keys, result in (
        (MeterKeys((old, fresh), 1), Result.BAD_MAC),  # it does not know the fresh one yet
        (KEYS, Result.OK),
    ):
        bench.meter, effects = logic.on_message(bench.meter, "desired", signed(wanted(1), keys))
        bench.do(effects)
        assert bench.reports()[-1].result == result
    bench.meter = bench.meter._replace(nameplate=replace(PLATE, keys=MeterKeys((old, fresh), 0)))
    bench.meter, effects = logic.on_message(
        bench.meter, "desired", signed(wanted(2, on=False), MeterKeys((old, fresh), 1))
    )
    bench.do(effects)
    assert (bench.meter.flash.revision, bench.is_on()) == (2, False)
