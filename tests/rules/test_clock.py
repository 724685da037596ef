"""Time is an argument: what the two clocks say."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from microgrid.clock import Clock, FixedClock, WallClock, stopwatch

NOON_IN_NAIROBI = datetime(2026, 11, 23, 12, 0, tzinfo=timezone(timedelta(hours=3)))


def test_a_fixed_clock_says_the_same_moment_in_utc() -> None:
    clock: Clock = FixedClock(NOON_IN_NAIROBI)
    assert [clock.now(), clock.now()] == [datetime(2026, 11, 23, 9, 0, tzinfo=UTC)] * 2
    assert clock.now().tzinfo is UTC


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match=r"needs its zone, got 2026-11-23T12:00:00"):
        FixedClock(NOON_IN_NAIROBI.replace(tzinfo=None))


def test_the_wall_clock_is_utc_and_does_not_go_back() -> None:
    clock: Clock = WallClock()
    first, second = clock.now(), clock.now()
    assert first.tzinfo is UTC
    assert second >= first


def test_a_stopwatch_counts_up_from_zero() -> None:
    seconds = stopwatch()
    assert 0.0 <= seconds() <= seconds()
