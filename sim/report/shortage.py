"""When and why power was missing in a year: the empty battery, the small inverter, or neither."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sim.inputs import DAYS_IN_MONTHS

FloatArray = npt.NDArray[np.float64]

MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
AT_LIMIT = 1.0 - 1e-6  # of a limit: from here on a part gives all it can
WINDOW_H = 4  # of the day: the hours named are the four in a row in which most is missing


@dataclass(frozen=True, slots=True)
class Shortage:
    """The energy missing in a year, sorted by its cause, and when most of it was missing."""

    unserved_kwh: float
    inverter_full: float  # part of the missing energy, 0 to 1
    battery_full: float  # the battery gives as much as it may at once
    battery_low: float  # the rest: there is too little in the battery
    worst_month: str
    worst_month_part: float
    worst_hour: int  # the first of four in a row
    worst_hours_part: float


def shortage_of(
    unserved_w: FloatArray,
    inverter_w: FloatArray,
    battery_w: FloatArray,
    inverter_limit_w: float,
    battery_limit_w: FloatArray,
    dt_h: float,
) -> Shortage | None:
    """Return when and why energy was missing in a year of 365 days, None when nothing was.

    Arrays (n,), means over steps of `dt_h` hours; the battery may give less at once when it is cold, so its limit is an
    array too. A step in which the inverter gives all it can is the inverter's; of the others, one in which the battery
    gives all it may is the battery's power's; the rest is for want of energy.
    """
    missing = float(unserved_w.sum())
    if missing * dt_h < 1.0:  # less than a watt-hour is rounding
        return None
    at_inverter = inverter_w >= inverter_limit_w * AT_LIMIT
    at_battery = ~at_inverter & (battery_w > 0.0) & (battery_w >= battery_limit_w * AT_LIMIT)
    inverter_full, battery_full = (float(unserved_w[marks].sum()) / missing for marks in (at_inverter, at_battery))
    by_month, by_window = _by_month(unserved_w), _by_window(unserved_w)
    month, hour = int(by_month.argmax()), int(by_window.argmax())
    return Shortage(
        unserved_kwh=missing * dt_h / 1000.0,
        inverter_full=inverter_full,
        battery_full=battery_full,
        battery_low=max(0.0, 1.0 - inverter_full - battery_full),
        worst_month=MONTHS[month],
        worst_month_part=float(by_month[month]) / missing,
        worst_hour=hour,
        worst_hours_part=float(by_window[hour]) / missing,
    )


def _by_month(power_w: FloatArray) -> FloatArray:
    first_days = np.concatenate([[0], np.cumsum(DAYS_IN_MONTHS)[:-1]])
    sums: FloatArray = np.add.reduceat(power_w.reshape(365, -1).sum(axis=1), first_days)
    return sums


def _by_window(power_w: FloatArray) -> FloatArray:
    """Return the sums over four hours in a row, by the hour of the day in which they begin."""
    by_hour = power_w.reshape(365, 24, -1).sum(axis=(0, 2))
    sums: FloatArray = np.sum([np.roll(by_hour, -hour) for hour in range(WINDOW_H)], axis=0)
    return sums
