"""The worst, the typical and the best week of a year."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.report.weeks import FloatArray, find_weeks, steps_of

NOTHING = np.zeros(8760)
FULL = np.full(8760, 1000.0)


def by_day(values: FloatArray | list[float]) -> FloatArray:
    """Return hourly values of a year that are the same all day."""
    return np.repeat(np.asarray(values, dtype=np.float64), 24)


def test_energy_not_served_comes_first() -> None:
    unserved_w = NOTHING.copy()
    unserved_w[40 * 24 + 20] = 3000.0
    sun_w = by_day(np.arange(365.0)[::-1])  # the year's end is darkest, but nothing is missing there
    found = find_weeks(unserved_w, FULL, NOTHING, sun_w, 1.0)
    assert found.worst.unserved_kwh == 3.0
    assert found.worst.first_day == 40  # of the seven weeks with that evening the darkest
    assert (found.best.unserved_kwh, found.best.first_day) == (0.0, 0)


def test_a_lower_battery_comes_before_more_engine_and_less_sun() -> None:
    energy_wh, genset_w = FULL.copy(), NOTHING.copy()
    energy_wh[200 * 24] = 999.0
    genset_w[100 * 24] = 500.0
    found = find_weeks(NOTHING, energy_wh, genset_w, FULL, 1.0)
    assert found.worst.first_day == 194  # the first week that holds day 200
    assert found.worst.lowest_energy_wh == 999.0


def test_the_typical_week_stands_in_the_middle() -> None:
    found = find_weeks(NOTHING, FULL, NOTHING, by_day(np.arange(365.0)), 1.0)
    assert [week.first_day for week in (found.worst, found.typical, found.best)] == [0, 179, 358]
    assert found.typical.pv_kwh == pytest.approx(sum(range(179, 186)) * 24 / 1000.0)


def test_like_weeks_are_taken_in_the_order_of_the_year() -> None:
    found = find_weeks(NOTHING, FULL, NOTHING, FULL, 1.0)
    assert [week.first_day for week in (found.worst, found.typical, found.best)] == [0, 179, 358]


@settings(max_examples=20)
@given(st.integers(0, 2**32))
def test_no_week_is_worse_than_the_worst_and_finer_steps_change_nothing(seed: int) -> None:
    chance = np.random.Generator(np.random.Philox(seed))
    unserved_w, sun_w = (np.round(chance.gamma(0.3, 100.0, 8760)) for _ in range(2))
    found = find_weeks(unserved_w, FULL, NOTHING, sun_w, 1.0)
    sums_kwh = [unserved_w[day * 24 : day * 24 + 168].sum() / 1000.0 for day in range(359)]
    assert found.worst.unserved_kwh == pytest.approx(max(sums_kwh))
    assert found.best.unserved_kwh == pytest.approx(min(sums_kwh))
    assert found.typical.unserved_kwh == pytest.approx(np.median(sums_kwh))
    unserved_w, energy_wh, genset_w, sun_w = (np.repeat(each, 4) for each in (unserved_w, FULL, NOTHING, sun_w))
    assert find_weeks(unserved_w, energy_wh, genset_w, sun_w, 0.25) == found


def test_a_week_says_where_its_steps_are() -> None:
    week = find_weeks(NOTHING, FULL, NOTHING, by_day(np.arange(365.0)), 1.0).typical
    assert steps_of(week, 1.0) == slice(179 * 24, 186 * 24)
    assert steps_of(week, 0.25) == slice(179 * 96, 186 * 96)


@pytest.mark.parametrize("steps", [6 * 24, 7 * 24 + 5])
def test_less_than_seven_whole_days_are_refused(steps: int) -> None:
    short = np.zeros(steps)
    with pytest.raises(ValueError, match=f"{steps} steps of 1.0 h are not at least seven whole days"):
        find_weeks(short, short, short, short, 1.0)
