"""Users and appliances as plain records, the form in which the compiled engine reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.demand.appliances import (
    DAY_MIN,
    MAX_DUTY_CYCLES,
    MAX_DUTY_WINDOWS,
    MAX_WINDOWS,
    YEAR_DAYS,
    Appliance,
    User,
    faults,
)
from sim.inputs import DAYS_IN_MONTHS
from sim.randomness import stream
from sim.time_gaps import FIRST_WEEKDAY

FloatArray = NDArray[np.float64]
Records = NDArray[Any]


APPLIANCE = np.dtype(
    [
        ("number", "i8"),
        ("power_w", "f8"),
        ("by_day_row", "i8"),  # row of `Tables.by_day_w`, -1: the power is the same on all days
        ("window_count", "i8"),
        ("windows", "i8", (MAX_WINDOWS, 2)),
        ("daily_use_min", "f8"),
        ("minimum_cycle_min", "i8"),
        ("window_jitter", "f8"),
        ("use_jitter", "f8"),
        ("power_jitter", "f8"),
        ("occasional_use", "f8"),
        ("fixed", "i8"),
        ("flat", "i8"),
        ("weekdays", "i8"),  # 0 weekday, 1 weekend, 2 all
        ("months", "i8"),  # bit m: used in month m, counted from 0
        ("preference", "i8"),
        ("continuous", "i8"),
        ("cycle_count", "i8"),
        ("cycle_power_w", "f8", (MAX_DUTY_CYCLES, 2)),
        ("cycle_min", "i8", (MAX_DUTY_CYCLES, 2)),
        ("cycle_jitter", "f8", (MAX_DUTY_CYCLES,)),
        ("cycle_windows", "i8", (MAX_DUTY_CYCLES, MAX_DUTY_WINDOWS, 2)),
    ],
    align=True,
)
PLAIN_FIELDS = (
    "number", "power_w", "daily_use_min", "minimum_cycle_min", "window_jitter", "use_jitter", "power_jitter",
    "occasional_use", "fixed", "flat", "preference",
)  # fmt: skip
USER = np.dtype(
    [
        ("key_0", "u8"),
        ("key_1", "u8"),
        ("first", "i8"),  # appliances first to end - 1 are this user's
        ("end", "i8"),
        ("preferences", "i8"),
        ("peak_min", "f8"),
        ("peak_span_min", "f8"),
    ],
    align=True,
)
DAY = np.dtype([("weekend", "i8"), ("month", "i8"), ("peak_shift", "f8"), ("peak_width", "f8")], align=True)


@dataclass(frozen=True, slots=True, eq=False)
class Tables:
    """Everything the engine needs to know of the customers, as arrays of records."""

    appliances: Records
    users: Records
    days: Records  # one for each day of the year
    by_day_w: FloatArray  # (rows, 365) powers of appliances that change by day


def tables(users: Sequence[User], seed: int) -> Tables:
    """Return the records of users whose random numbers are named by `seed` and each user's name.

    Raises ValueError for an appliance that cannot be run; whoever reads a file has reported it before.
    """
    names = [user.name for user in users]
    if len(set(names)) != len(names):
        raise ValueError(f"two users have the same name and would have the same random numbers: {sorted(names)}")
    appliances = [appliance for user in users for appliance in user.appliances]
    by_day = [appliance.power_by_day_w for appliance in appliances if appliance.power_by_day_w]
    records, next_row = np.zeros(len(appliances), APPLIANCE), 0
    for record, appliance in zip(records, appliances, strict=True):
        _fill_appliance(record, appliance, next_row)
        next_row += bool(appliance.power_by_day_w)
    by_day_w = np.array(by_day, dtype=np.float64).reshape(len(by_day), YEAR_DAYS)
    return Tables(records, _user_records(users, seed), _day_records(seed), by_day_w)


def _fill_appliance(record: Any, appliance: Appliance, next_row: int) -> None:
    wrong = "; ".join(faults(appliance))
    if wrong:
        raise ValueError(f"appliance {appliance.name!r}: {wrong}")
    for word in PLAIN_FIELDS:
        record[word] = getattr(appliance, word)
    record["by_day_row"] = next_row if appliance.power_by_day_w else -1
    record["window_count"] = len(appliance.windows)
    record["windows"][: len(appliance.windows)] = appliance.windows
    record["weekdays"] = ("weekday", "weekend", "all").index(appliance.weekdays)
    record["months"] = sum(1 << (month - 1) for month in set(appliance.months or range(1, 13)))
    record["continuous"] = appliance.continuous_duty_cycle
    record["cycle_count"] = len(appliance.duty_cycles)
    for index, cycle in enumerate(appliance.duty_cycles):
        record["cycle_power_w"][index] = (cycle.first_power_w, cycle.second_power_w)
        record["cycle_min"][index] = (cycle.first_min, cycle.second_min)
        record["cycle_jitter"][index] = cycle.jitter
        record["cycle_windows"][index, : len(cycle.windows)] = cycle.windows


def _user_records(users: Sequence[User], seed: int) -> Records:
    records, first = np.zeros(len(users), USER), 0
    for record, user in zip(records, users, strict=True):
        record["key_0"], record["key_1"] = stream(seed, "demand", user.name).integers(0, 2**32, 2, dtype=np.uint64)
        record["first"], record["end"] = first, first + len(user.appliances)
        record["preferences"] = user.preferences
        record["peak_min"], record["peak_span_min"] = _peak_period(user)
        first += len(user.appliances)
    return records


def _peak_period(user: User) -> tuple[float, float]:
    """Return middle and length [min] of the time in which all of a user's appliances could draw the most."""
    most_w = np.zeros(DAY_MIN)
    for appliance in user.appliances:
        power_w = float(np.mean(appliance.power_by_day_w)) if appliance.power_by_day_w else appliance.power_w
        for start, end in appliance.windows:
            most_w[start:end] += appliance.number * power_w
    minutes = np.flatnonzero(most_w >= most_w.max() * (1.0 - 1e-9))
    return float(np.round(minutes.mean())), float(minutes[-1] - minutes[0])


def _day_records(seed: int) -> Records:
    records = np.zeros(YEAR_DAYS, DAY)
    records["weekend"] = (np.arange(YEAR_DAYS) + FIRST_WEEKDAY) % 7 >= 5
    records["month"] = np.repeat(np.arange(12), DAYS_IN_MONTHS)
    draws = stream(seed, "demand peak").standard_normal((YEAR_DAYS, 2))
    records["peak_shift"], records["peak_width"] = draws[:, 0], draws[:, 1]
    return records
