"""Which week of a year to look at: the worst, a typical one, and the best."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

DAYS = 7
SAME_WH = 3  # decimals; sums that differ only by rounding count as equal


@dataclass(frozen=True, slots=True)
class Week:
    """Seven days in a row, from midnight to midnight, and what a planner would ask about them first."""

    first_day: int  # of the year, 0 is the first of January
    unserved_kwh: float
    lowest_energy_wh: float
    genset_kwh: float
    pv_kwh: float


@dataclass(frozen=True, slots=True)
class Weeks:
    """Three weeks of one year."""

    worst: Week
    typical: Week
    best: Week


def find_weeks(
    unserved_w: FloatArray, energy_wh: FloatArray, genset_w: FloatArray, pv_w: FloatArray, dt_h: float
) -> Weeks:
    """Return the worst, the typical and the best week of a year; arrays (n,) of whole days, means over `dt_h` hours.

    Every run of seven days counts, 359 of them in a year. A week is worse than another when more energy is unserved;
    if that is equal, when the battery falls lower; then when the engine gives more; then when the sun gives less; then
    when it comes first. The worst week leads this order, the best ends it, and the typical one stands in the middle:
    as many weeks are worse as better. Raises ValueError for less than seven whole days.
    """
    steps_per_day = round(24.0 / dt_h)
    if unserved_w.size % steps_per_day or unserved_w.size < DAYS * steps_per_day:
        raise ValueError(f"{unserved_w.size} steps of {dt_h} h are not at least seven whole days")
    unserved_wh, genset_wh, pv_wh = (
        _sum_of_weeks(power_w, steps_per_day) * dt_h for power_w in (unserved_w, genset_w, pv_w)
    )
    lowest_wh = _days_of_weeks(energy_wh.reshape(-1, steps_per_day).min(axis=1)).min(axis=1)
    keys = (pv_wh, -genset_wh, lowest_wh, -unserved_wh)  # lexsort takes the most important last
    order = np.lexsort([np.round(key, SAME_WH) for key in keys])

    def week(rank: int) -> Week:
        day = int(order[rank])
        return Week(
            day, float(unserved_wh[day]) / 1e3, float(lowest_wh[day]), float(genset_wh[day]) / 1e3, pv_wh[day] / 1e3
        )

    return Weeks(week(0), week(order.size // 2), week(-1))


def steps_of(week: Week, dt_h: float) -> slice:
    """Return where a week lies in the arrays of its year."""
    steps_per_day = round(24.0 / dt_h)
    return slice(week.first_day * steps_per_day, (week.first_day + DAYS) * steps_per_day)


def _sum_of_weeks(power_w: FloatArray, steps_per_day: int) -> FloatArray:
    total: FloatArray = _days_of_weeks(power_w.reshape(-1, steps_per_day).sum(axis=1)).sum(axis=1)
    return total


def _days_of_weeks(by_day: FloatArray) -> FloatArray:
    return np.lib.stride_tricks.sliding_window_view(by_day, DAYS)
