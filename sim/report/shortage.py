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
NEAR = 0.01  # of the battery's energy: closer to its floor than this, it counts as empty
WINDOW_H = 4  # of the day: the hours named are the four in a row in which most is missing


@dataclass(frozen=True, slots=True)
class Limit:
    """What a system cannot exceed in one year."""

    inverter_w: float
    floor_wh: float  # what stays in the battery
    ceiling_wh: float


@dataclass(frozen=True, slots=True)
class Shortage:
    """The energy missing in a year, sorted by its cause, and when most of it was missing."""

    unserved_kwh: float
    battery_empty: float  # part of the missing energy, 0 to 1
    inverter_full: float
    held_back: float  # let go by priority, or more than the battery may give at once
    worst_month: str
    worst_month_part: float
    worst_hour: int  # the first of four in a row
    worst_hours_part: float


def shortage_of(
    unserved_w: FloatArray, inverter_w: FloatArray, energy_wh: FloatArray, limit: Limit, dt_h: float
) -> Shortage | None:
    """Return when and why energy was missing in a year of 365 days, None when nothing was.

    Arrays (n,), means over steps of `dt_h` hours, energy at the end of each. A step in which the inverter gives all it
    can is the inverter's; of the others, a step that ends with an empty battery is the battery's; the rest was held
    back.
    """
    missing = unserved_w.sum()
    if missing * dt_h < 1.0:  # less than a watt-hour is rounding
        return None
    full = inverter_w >= limit.inverter_w * (1.0 - 1e-6)
    empty = ~full & (energy_wh <= limit.floor_wh + NEAR * limit.ceiling_wh)
    by_day = unserved_w.reshape(365, -1)
    first_days = np.concatenate([[0], np.cumsum(DAYS_IN_MONTHS)[:-1]])
    by_month = np.add.reduceat(by_day.sum(axis=1), first_days)
    by_hour = by_day.reshape(365, 24, -1).sum(axis=(0, 2))
    by_window = sum(np.roll(by_hour, -hour) for hour in range(WINDOW_H))
    month, hour = int(by_month.argmax()), int(np.argmax(by_window))
    full_part, empty_part = (float(unserved_w[marks].sum() / missing) for marks in (full, empty))
    return Shortage(
        unserved_kwh=float(missing) * dt_h / 1000.0,
        battery_empty=empty_part,
        inverter_full=full_part,
        held_back=max(0.0, 1.0 - full_part - empty_part),
        worst_month=MONTHS[month],
        worst_month_part=float(by_month[month] / missing),
        worst_hour=hour,
        worst_hours_part=float(np.asarray(by_window)[hour] / missing),
    )
