"""Who uses which appliance and when: the words the demand engine, the catalogue and the file readers share.

The terms are those of the RAMP method (Lombardi, Balderrama, Quoilin and Colombo, Energy 177, 2019), with
RAMP's own names in brackets below. Times of day are minutes after midnight; 1440 ends the day.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from sim.quantities import Priority

Weekdays = Literal["all", "weekday", "weekend"]
DAY_MIN = 1440
YEAR_DAYS = 365
MAX_WINDOWS = 3
MAX_DUTY_CYCLES = 3
MAX_DUTY_WINDOWS = 2
MAX_PREFERENCE = 3
_WINDOW = re.compile(r"(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})")


@dataclass(frozen=True, slots=True)
class DutyCycle:
    """One pattern of a cycling appliance: a first power for some minutes, then a second power, and again."""

    first_power_w: float  # (p_11)
    first_min: int  # (t_11)
    second_power_w: float  # (p_12)
    second_min: int  # (t_12)
    windows: tuple[tuple[int, int], ...] = ((0, DAY_MIN),)  # up to two [start, end) in which it applies (cw11, cw12)
    jitter: float = 0.0  # fraction by which both durations vary (r_c1)


@dataclass(frozen=True, slots=True)
class Appliance:
    """One kind of appliance of one user: how many, how strong, how long a day and between which hours."""

    name: str
    number: int
    power_w: float  # of one of them
    windows: tuple[tuple[int, int], ...]  # up to three [start, end), minutes of the day (window_1..3)
    daily_use_min: float  # total minutes of use on a day of use (func_time)
    minimum_cycle_min: int = 1  # shortest time it stays on (func_cycle)
    window_jitter: float = 0.0  # fraction of a window's length by which its ends move (random_var_w)
    use_jitter: float = 0.0  # fraction by which the daily use varies (time_fraction_random_variability)
    power_jitter: float = 0.0  # fraction by which the power varies (thermal_p_var)
    occasional_use: float = 1.0  # share of days on which it is used at all (occasional_use)
    fixed: bool = False  # all of them are always on together (fixed)
    flat: bool = False  # on during its whole windows, in its first duty cycle if it has one (flat)
    weekdays: Weekdays = "all"  # (wd_we_type: 0 weekday, 1 weekend, 2 all)
    months: tuple[int, ...] = ()  # 1 to 12, the months in which it is used; none named: all year
    duty_cycles: tuple[DutyCycle, ...] = ()  # up to three (fixed_cycle and its p_, t_, cw_ columns)
    continuous_duty_cycle: bool = True  # the pattern repeats while on; False: each start runs it once
    preference: int = 0  # which daily choice of the user it belongs to; 0: used whatever the choice (pref_index)
    power_by_day_w: tuple[float, ...] = ()  # 365 powers, one for each day of the year, instead of `power_w`
    start_factor: float = 1.0  # current of a motor start over its running current; 1: no motor


@dataclass(frozen=True, slots=True)
class User:
    """A group of like customers, such as 60 homes or one mill."""

    name: str  # names its random numbers: two users of one community have different names
    count: int  # customers (num_users)
    appliances: tuple[Appliance, ...]
    priority: Priority = "standard"
    preferences: int = 0  # daily choices a customer draws one from, 1 to 3; 0: none (user_preference)
    three_phase: bool = False


def each_alone(appliance: Appliance) -> tuple[Appliance, ...]:
    """Return one appliance for each piece, so that the daily energy is number x power x time of use.

    In RAMP's terms an appliance of number n is used together and on average little more than half of the
    pieces are on at once; whoever writes "3 bulbs, 5 hours a day" means that each of the three burns for five
    hours.
    """
    if appliance.number == 1:
        return (appliance,)
    return tuple(
        replace(appliance, name=f"{appliance.name} {piece}", number=1) for piece in range(1, appliance.number + 1)
    )


def faults(appliance: Appliance) -> Iterator[str]:
    """Yield every reason why the demand engine cannot work with an appliance, in plain words."""
    yield from _number_faults(appliance)
    yield from _window_faults(appliance)
    yield from _cycle_faults(appliance)


def window_minutes(windows: tuple[tuple[int, int], ...]) -> int:
    """Return how many minutes of the day windows cover together."""
    return sum(end - start for start, end in windows)


def window_min(text: str) -> tuple[int, int] | None:
    """Return start and end of a window in minutes of the day, None when it is none; the end may be 24:00.

    A window that ends before it starts runs over midnight; one without length is none.

    >>> window_min("18:00-23:30")
    (1080, 1410)
    """
    match = _WINDOW.fullmatch(text.strip())
    if match is None:
        return None
    hours = [int(match[1]), int(match[3])]
    minutes = [int(match[2]), int(match[4])]
    start, end = (60 * hour + minute for hour, minute in zip(hours, minutes, strict=True))
    inside = max(minutes) < 60 and start < DAY_MIN and end <= DAY_MIN
    return (start, end) if inside and start != end else None


def largest_power_w(appliance: Appliance) -> float:
    """Return the most that one piece can draw while running, without jitter and without its start [W]."""
    if appliance.duty_cycles:
        return max(max(cycle.first_power_w, cycle.second_power_w) for cycle in appliance.duty_cycles)
    return max(appliance.power_by_day_w, default=appliance.power_w)


def _number_faults(appliance: Appliance) -> Iterator[str]:
    if appliance.number < 1:
        yield f"the number is {appliance.number}, it must be at least 1"
    if min((appliance.power_w, *appliance.power_by_day_w)) < 0.0:
        yield "the power is negative"
    if appliance.power_by_day_w and len(appliance.power_by_day_w) != YEAR_DAYS:
        yield f"there are {len(appliance.power_by_day_w)} powers by day, a year needs {YEAR_DAYS}"
    for word in ("window_jitter", "use_jitter", "power_jitter", "occasional_use"):
        if not 0.0 <= getattr(appliance, word) <= 1.0:
            yield f"{word} is {getattr(appliance, word):g}, it must be a fraction between 0 and 1"
    if not 0 <= appliance.preference <= MAX_PREFERENCE:
        yield f"preference is {appliance.preference}, it must be between 0 and {MAX_PREFERENCE}"
    if any(not 1 <= month <= 12 for month in appliance.months):
        yield f"months are {appliance.months}, each must be 1 to 12"
    if appliance.start_factor < 1.0:
        yield f"start_factor is {appliance.start_factor:g}, a motor never starts below its running current"


def _window_faults(appliance: Appliance) -> Iterator[str]:
    windows = appliance.windows
    if not 1 <= len(windows) <= MAX_WINDOWS:
        yield f"there are {len(windows)} windows, it must be 1 to {MAX_WINDOWS}"
    for start, end in windows:
        if not 0 <= start < end <= DAY_MIN:
            yield f"window {start}-{end} min is not inside the day (0 to {DAY_MIN}, start before end)"
    available_min = window_minutes(windows)
    if not 0.0 <= appliance.daily_use_min <= available_min:
        yield f"daily use {appliance.daily_use_min:g} min exceeds its windows of {available_min} min"
    if not 1 <= appliance.minimum_cycle_min <= max(1, available_min):
        yield f"minimum cycle {appliance.minimum_cycle_min} min exceeds its windows of {available_min} min"


def _cycle_faults(appliance: Appliance) -> Iterator[str]:
    if len(appliance.duty_cycles) > MAX_DUTY_CYCLES:
        yield f"there are {len(appliance.duty_cycles)} duty cycles, at most {MAX_DUTY_CYCLES} are possible"
    for index, cycle in enumerate(appliance.duty_cycles, start=1):
        if min(cycle.first_min, cycle.second_min) < 0 or cycle.first_min + cycle.second_min < 1:
            yield f"duty cycle {index} lasts {cycle.first_min} + {cycle.second_min} min, at least 1 is needed"
        if min(cycle.first_power_w, cycle.second_power_w) < 0.0:
            yield f"duty cycle {index} has a negative power"
        if not 0.0 <= cycle.jitter <= 1.0:
            yield f"duty cycle {index} has jitter {cycle.jitter:g}, it must be a fraction between 0 and 1"
        if len(cycle.windows) > MAX_DUTY_WINDOWS:
            yield f"duty cycle {index} has {len(cycle.windows)} windows, at most {MAX_DUTY_WINDOWS} fit"
