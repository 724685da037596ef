"""What a meter lets through at the edges: half-hour zones, nights past midnight, critical homes, two ways of paying."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device import meter as logic
from device.keypad import Keypad
from device.limits import DAY_S, Stage, as_told, is_quiet, local_day, seconds_to_change
from device.messages import Capability, Desired, Event, EventKind, FailTerms
from device.openpaygo import Secret, codes, text_of
from device.state import Flash
from tests.meter.bench import EPOCH, NOON_S, PLATE, Bench, ready, wanted

HOUR_S, HALF_S = 3600, 1800
NOON = NOON_S % DAY_S


def told(fail: FailTerms | None = None, **fields: object) -> Bench:
    """Return a meter that holds a state."""
    bench = ready()
    bench.tell(wanted(1, fail=fail or FailTerms(), **fields))
    return bench


# Local days -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "zone",
    [
        "Africa/Dar_es_Salaam",
        "Asia/Kolkata",
        "Asia/Kathmandu",
        "Pacific/Marquesas",
        "Pacific/Kiritimati",
        "Etc/GMT+12",
        "UTC",
    ],
)
def test_the_local_day_changes_at_the_local_midnight(zone: str) -> None:
    midnight = datetime(2026, 3, 2, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    begins = int(midnight.timestamp()) % DAY_S
    desired = wanted(1, day_start_s=begins)
    for day in range(400):
        at = int((midnight + timedelta(days=day)).timestamp())
        number = local_day(desired, at)
        assert local_day(desired, at - 1) == number - 1
        assert local_day(desired, at + DAY_S - 1) == number


def test_a_day_that_begins_with_the_next_utc_day_begins_with_this_one() -> None:
    for second in (0, 1, HOUR_S, DAY_S - 1):
        first, last = wanted(1, day_start_s=0), wanted(1, day_start_s=DAY_S)
        assert local_day(first, NOON_S + second) - local_day(last, NOON_S + second) == 1


@pytest.mark.parametrize(("offset_min", "hours"), [(330, 6.5), (345, 6.25), (180, 9.0), (-570, 21.5), (0, 12.0)])
def test_the_energy_of_a_day_begins_again_at_midnight_in_half_hour_zones(offset_min: int, hours: float) -> None:
    bench = told(cutoff_wh=None, daily_wh=100, day_start_s=-offset_min * 60 % DAY_S)
    bench.run(200, int(hours * HOUR_S) - 1)
    assert (bench.register_wh(), bench.is_on()) == (100, False)
    bench.run(200, 1)
    assert bench.is_on()
    bench.run(200, DAY_S)
    assert bench.register_wh() == 200


def test_a_long_step_over_midnight_counts_for_both_days() -> None:
    bench = told(cutoff_wh=None, daily_wh=500, day_start_s=NOON + HOUR_S)
    bench.meter, effects = logic.on_step(bench.meter, 200, 3 * HOUR_S)  # an hour of it before midnight
    bench.do(effects)
    assert bench.meter.used.day_began_ws == 200 * HOUR_S
    assert bench.is_on()
    bench.run(200, HOUR_S)
    assert (bench.register_wh(), bench.is_on()) == (700, False)


def test_a_critical_connection_lives_on_its_lifeline_when_the_energy_of_the_day_is_used() -> None:
    bench = told(FailTerms(lifeline_w=60, critical=True), cutoff_wh=None, daily_wh=100, day_start_s=NOON + 6 * HOUR_S)
    bench.run(100, HOUR_S)
    stages = [bench.meter.stage]
    bench.run(50, 5 * HOUR_S - 1)
    assert bench.is_on()
    bench.run(500, 72)  # midnight comes, then 10 Wh
    stages.append(bench.meter.stage)
    bench.run(100, 3250)
    stages.append(bench.meter.stage)
    assert stages == [Stage.LIFELINE, Stage.FULL, Stage.LIFELINE]
    assert bench.is_on()
    bench.run(100, 30)
    assert not bench.is_on()  # more than its lifeline, and closed again a minute later
    bench.run(50, 60)
    assert bench.is_on()


def test_after_a_power_cut_the_day_goes_on() -> None:
    bench = told(cutoff_wh=None, daily_wh=100, day_start_s=0)
    bench.run(100, HOUR_S)
    bench.cut_power()
    assert not bench.is_on()
    bench.run(100, 12 * HOUR_S)
    assert bench.register_wh() == 200


# Quiet hours ----------------------------------------------------------------------------------------------------------


@given(st.integers(0, DAY_S), st.integers(0, DAY_S), st.integers(0, 2**33))
def test_quiet_hours_are_the_seconds_from_the_first_to_the_last(begin: int, end: int, now_s: int) -> None:
    fail = FailTerms(quiet_from_s=begin, quiet_to_s=end, quiet_max_wh=1)
    second = now_s % DAY_S
    assert is_quiet(fail, now_s) == (begin <= second < end if begin <= end else not end <= second < begin)


def test_a_night_past_midnight_is_one_night() -> None:
    night = FailTerms(quiet_from_s=NOON + 6 * HOUR_S, quiet_to_s=NOON - 6 * HOUR_S, quiet_max_wh=300)
    bench = told(night, cutoff_wh=0)
    assert not bench.is_on()
    bench.run(100, 6 * HOUR_S)
    assert bench.is_on()
    bench.run(100, 12 * HOUR_S - 1)  # the UTC day changes within
    assert (bench.register_wh(), bench.is_on()) == (300, False)
    bench.run(100, 12 * HOUR_S + 1)
    assert bench.is_on()  # the next night
    bench.run(10, 12 * HOUR_S - 1)
    assert (bench.register_wh(), bench.is_on()) == (419, True)
    bench.run(10, 1)
    assert not bench.is_on()


def test_a_power_cut_in_the_night_gives_no_second_allowance() -> None:
    bench = told(FailTerms(quiet_from_s=NOON, quiet_to_s=NOON + 6 * HOUR_S, quiet_max_wh=200), cutoff_wh=0)
    for _ in range(20):
        bench.run(100, 600)
        bench.cut_power()
    bench.run(100, 2 * HOUR_S)
    assert 200 <= bench.register_wh() <= 200 + 1
    assert not bench.is_on()


def test_a_new_revision_in_the_night_gives_no_second_allowance() -> None:
    night = FailTerms(quiet_from_s=NOON, quiet_to_s=NOON + 6 * HOUR_S, quiet_max_wh=200)
    bench = told(night, cutoff_wh=0)
    for revision in range(2, 12):
        bench.run(100, 1200)
        bench.tell(wanted(revision, cutoff_wh=0, fail=night))
    assert (bench.register_wh(), bench.is_on()) == (200, False)


def test_grace_waits_until_the_night_is_over() -> None:
    terms = FailTerms(grace_s=600, quiet_from_s=NOON, quiet_to_s=NOON + HOUR_S, quiet_max_wh=1000)
    bench = told(terms, cutoff_wh=0)
    bench.run(100, HOUR_S + 599)
    assert bench.is_on()
    bench.run(100, 1)
    assert not bench.is_on()


def test_paid_before_the_night_ends_the_limit_does_not_act() -> None:
    night = FailTerms(quiet_from_s=NOON, quiet_to_s=NOON + HOUR_S, quiet_max_wh=1000)
    bench = told(night, cutoff_wh=0)
    bench.run(100, HOUR_S // 2)
    bench.tell(wanted(2, cutoff_wh=5000, fail=night))
    bench.run(100, 10 * HOUR_S)
    assert bench.is_on()
    assert bench.moves == [True]


# Stepping -------------------------------------------------------------------------------------------------------------

terms = st.builds(
    FailTerms,
    st.integers(0, 900),
    st.sampled_from([0, 40, 5000]),
    st.integers(0, 900),
    st.booleans(),
    st.integers(NOON - 1000, NOON + 3000),
    st.integers(NOON - 1000, NOON + 3000),
    st.integers(0, 60),
)
states = st.builds(
    wanted,
    st.just(1),
    cutoff_wh=st.none() | st.integers(0, 300),
    until_s=st.none() | st.integers(NOON_S - 10, NOON_S + 1500),
    daily_wh=st.none() | st.integers(0, 200),
    day_start_s=st.integers(NOON - 100, NOON + 3600),
    fail=terms,
)


@given(states, st.integers(0, 900))
@settings(max_examples=20)
def test_the_longest_steps_that_miss_no_limit_end_as_steps_of_a_second(desired: Desired, load_w: int) -> None:
    quick, slow = ready(), ready()
    for bench in (quick, slow):
        bench.tell(desired)
    quick.run(load_w, HALF_S)
    for _ in range(HALF_S):
        slow.run(load_w, 1)
    assert (quick.register_wh(), quick.moves, limits_told(quick)) == (slow.register_wh(), slow.moves, limits_told(slow))


def limits_told(bench: Bench) -> list[tuple[EventKind, int, int]]:
    events = [each for each in bench.said if isinstance(each, Event) and each.kind != EventKind.LOW_CREDIT]
    return [(each.kind, each.value, each.time_s) for each in events]


@given(states, st.integers(0, 900), st.integers(0, 3600))
def test_a_step_to_the_next_change_is_at_least_a_second(desired: Desired, power_w: int, later_s: int) -> None:
    used = ready().meter.used
    found = seconds_to_change(as_told(desired), used, NOON_S + later_s, EPOCH, power_w)
    assert found is None or found >= 1
    assert seconds_to_change(as_told(replace(desired, on=False)), used, NOON_S, EPOCH, power_w) is None


# Two ways of paying ---------------------------------------------------------------------------------------------------

SECRET = Secret(123_456_789, bytes(range(16)))
CODES = {value: list(islice(codes(SECRET, value), 24)) for value in range(1, 10)}
BY_TOKEN = replace(PLATE, capabilities=PLATE.capabilities | Capability.KEYPAD)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=8), st.data())
@settings(max_examples=60)
def test_a_payment_counts_once_however_it_comes(units: list[int], data: st.DataObject) -> None:
    """Payment k is both in desired state k and in token k; each comes late, repeated, out of order or not at all."""
    bench = ready(BY_TOKEN, Flash(EPOCH, keypad=Keypad(SECRET)))
    bench.tell(wanted(1, cutoff_wh=0, tokens_included=1))
    paid_wh = [100 * sum(units[: number + 1]) for number in range(len(units))]
    ways = st.tuples(st.sampled_from(["message", "token"]), st.integers(0, len(units) - 1))
    held_wh = 0
    for way, number in data.draw(st.lists(ways, max_size=20)):
        count = 2 * (number + 1)
        if way == "message":
            bench.tell(wanted(2 + number, cutoff_wh=paid_wh[number], tokens_included=count))
        else:
            bench.type(text_of(SECRET, CODES[units[number]][count - 1][1]))
        left_wh = bench.meter.left_wh
        assert left_wh is not None
        assert held_wh <= left_wh <= paid_wh[-1]
        held_wh = left_wh
    bench.tell(wanted(2 + len(units), cutoff_wh=paid_wh[-1], tokens_included=2 * len(units)))
    for number, value in enumerate(units):
        bench.type(text_of(SECRET, CODES[value][2 * number + 1][1]))
    assert bench.meter.left_wh == paid_wh[-1]
