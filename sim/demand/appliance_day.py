"""One appliance on one day: today's windows, time of use and switch-on events, compiled.

The steps and the equation numbers are those of Lombardi, Balderrama, Quoilin and Colombo, Energy 177, 2019.
Every function takes the records of `sim.demand.tables`; arrays called `free` hold spots of time in which an
appliance may still be switched on, shape (spots, 2), as [start, end) in minutes of the day.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.demand.appliances import DAY_MIN
from sim.demand.chance import Draws, between, inner, normal, uniform, varied
from sim.demand.tables import Records

FloatArray = NDArray[np.float64]

PEAK_MEAN_SHARE = 0.5  # in the peak, mean share of like pieces that are on together (mu_peak)
PEAK_SHARE_SPREAD = 0.5  # and its standard deviation over its mean (s_peak)
OFF_PEAK_FACTOR = 0.5  # off the peak: makes "all on" rarer than any other number (op_factor)
WINDOW_SHARE = 0.99  # of the windows' time is the most that is used
DUTY_MISSES = 100  # starts outside all duty-cycle windows after which an appliance rests for the day
ALWAYS = 2  # code of `weekdays` for every day


@inner
def is_used(state: Draws, appliance: Any, today: Any, choice: int) -> bool:
    """Return whether an appliance is used at all today."""
    if appliance["daily_use_min"] == 0.0 or uniform(state) > appliance["occasional_use"]:
        return False
    if appliance["preference"] != 0 and appliance["preference"] != choice:
        return False
    if appliance["weekdays"] != ALWAYS and appliance["weekdays"] != today["weekend"]:
        return False
    return bool((appliance["months"] >> today["month"]) & 1 == 1)


@inner
def appliance_day(
    state: Draws, appliance: Any, power_w: float, peak_start: int, peak_end: int, free: Records,
    cycles: Records, out_w: FloatArray,
) -> None:  # fmt: skip
    """Place switch-on events in the free time of today's windows until today's time of use is spent."""
    count, open_min = _open_windows(state, appliance, free)
    if appliance["flat"] == 1:
        _fill_windows(state, appliance, power_w, free, count, cycles, out_w)
        return
    use_min = _use_today_min(state, appliance, open_min)
    count, cycle_min = _drop_short(free, count, appliance["minimum_cycle_min"])
    _cycles_today(state, appliance, cycles)
    used_min, misses = 0, 0
    while used_min < use_min and misses < DUTY_MISSES:
        spot, begin, length_min = _draw_event(state, free, count, cycle_min, use_min)
        if spot < 0:
            return
        pattern = _pattern_of(appliance, begin, begin + length_min)
        if pattern < 0:
            misses += 1
            continue
        if appliance["cycle_count"] > 0 and appliance["continuous"] == 0:
            length_min = max(1, min(length_min, cycles[pattern]["minutes"][0] + cycles[pattern]["minutes"][1]))
        length_min = min(length_min, use_min - used_min)
        in_peak_min = min(begin + length_min, peak_end) - max(begin, peak_start)
        pieces = pieces_on(state, appliance, in_peak_min)
        if appliance["cycle_count"] > 0:
            _add_pattern(out_w, begin, begin + length_min, 0, cycles[pattern], pieces)
        else:
            event_w = pieces * power_w * varied(state, appliance["power_jitter"])
            _add_constant(out_w, begin, begin + length_min, event_w)
        count = _take_out(free, count, spot, begin, begin + length_min, cycle_min)
        used_min += length_min


@inner
def _fill_windows(
    state: Draws,
    appliance: Any,
    power_w: float,
    free: Records,
    count: int,
    cycles: Records,
    out_w: FloatArray,
) -> None:
    """Run an appliance for its whole windows, at one power or in its first duty cycle, as a thermostat."""
    if appliance["cycle_count"] == 0:
        for spot in range(count):
            _add_constant(out_w, free[spot, 0], free[spot, 1], appliance["number"] * power_w)
        return
    _cycles_today(state, appliance, cycles)
    for spot in range(count):
        phase_min = between(state, 0, cycles[0]["minutes"][0] + cycles[0]["minutes"][1] - 1)
        _add_pattern(out_w, free[spot, 0], free[spot, 1], phase_min, cycles[0], appliance["number"])


@inner
def _open_windows(state: Draws, appliance: Any, free: Records) -> tuple[int, int]:
    """Write today's windows to `free`, in order and merged where they meet; return count and minutes."""
    count = 0
    for window in range(appliance["window_count"]):
        first, last = appliance["windows"][window, 0], appliance["windows"][window, 1]
        jitter_min = int(appliance["window_jitter"] * (last - first))
        begin = max(0, first + between(state, -jitter_min, jitter_min))
        end = min(DAY_MIN, last + between(state, -jitter_min, jitter_min))
        if begin >= end:
            continue
        place = count
        while place > 0 and free[place - 1, 0] > begin:
            free[place, 0], free[place, 1] = free[place - 1, 0], free[place - 1, 1]
            place -= 1
        free[place, 0], free[place, 1] = begin, end
        count += 1
    return _merge(free, count)


@inner
def _merge(free: Records, count: int) -> tuple[int, int]:
    """Join overlapping spots, which are in order of their start; return count and minutes."""
    kept, total_min = 0, 0
    for spot in range(count):
        if kept > 0 and free[spot, 0] <= free[kept - 1, 1]:
            free[kept - 1, 1] = max(free[kept - 1, 1], free[spot, 1])
        else:
            free[kept, 0], free[kept, 1] = free[spot, 0], free[spot, 1]
            kept += 1
    for spot in range(kept):
        total_min += free[spot, 1] - free[spot, 0]
    return kept, total_min


@inner
def _use_today_min(state: Draws, appliance: Any, open_min: int) -> int:
    """Return today's minutes of use: about the usual, at least one cycle, at most what the windows hold."""
    use_min = round(appliance["daily_use_min"] * varied(state, appliance["use_jitter"]))
    use_min = max(use_min, appliance["minimum_cycle_min"])
    return int(min(use_min, max(1, int(WINDOW_SHARE * open_min)), open_min))


@inner
def _drop_short(free: Records, count: int, cycle_min: int) -> tuple[int, int]:
    """Drop spots too short for one cycle; where all are, a cycle is as short as the longest spot."""
    longest_min = 0
    for spot in range(count):
        longest_min = max(longest_min, free[spot, 1] - free[spot, 0])
    shortest_min, kept = min(cycle_min, longest_min), 0
    for spot in range(count):
        if free[spot, 1] - free[spot, 0] >= shortest_min:
            free[kept, 0], free[kept, 1] = free[spot, 0], free[spot, 1]
            kept += 1
    return kept, shortest_min


@inner
def _draw_event(state: Draws, free: Records, count: int, cycle_min: int, use_min: int) -> tuple[int, int, int]:
    """Return spot, start and minutes of a switch-on, each possible start alike; spot -1: no room is left."""
    starts = 0
    for spot in range(count):
        starts += free[spot, 1] - free[spot, 0] - cycle_min + 1
    if starts == 0:
        return -1, 0, 0
    pick, spot = int(uniform(state) * starts), 0
    while pick >= free[spot, 1] - free[spot, 0] - cycle_min + 1:
        pick -= free[spot, 1] - free[spot, 0] - cycle_min + 1
        spot += 1
    begin = free[spot, 0] + pick
    longest_min = max(cycle_min, min(use_min, free[spot, 1] - begin))
    return spot, begin, int(cycle_min + uniform(state) * (longest_min - cycle_min))


@inner
def _take_out(free: Records, count: int, spot: int, begin: int, end: int, cycle_min: int) -> int:
    """Remove an event from its spot; return how many spots can still hold a cycle."""
    spot_begin, spot_end = free[spot, 0], free[spot, 1]
    free[spot, 0], free[spot, 1] = free[count - 1, 0], free[count - 1, 1]
    count -= 1
    if begin - spot_begin >= cycle_min:
        free[count, 0], free[count, 1] = spot_begin, begin
        count += 1
    if spot_end - end >= cycle_min:
        free[count, 0], free[count, 1] = end, spot_end
        count += 1
    return count


@inner
def pieces_on(state: Draws, appliance: Any, in_peak_min: int) -> int:
    """Return how many like pieces one event switches on (equations 3 and 4 of the paper)."""
    number = appliance["number"]
    if appliance["fixed"] == 1 or number == 1:
        return int(number)
    if in_peak_min > 0:
        share = PEAK_MEAN_SHARE * (1.0 + PEAK_SHARE_SPREAD * normal(state))
        return int(min(number, max(1, math.ceil(number * share))))
    return int(min(number, 1 + int(uniform(state) * (number - OFF_PEAK_FACTOR))))


@inner
def _pattern_of(appliance: Any, begin: int, end: int) -> int:
    """Return the first duty cycle whose windows an event touches; -1: none; 0 without duty cycles."""
    if appliance["cycle_count"] == 0:
        return 0
    for pattern in range(appliance["cycle_count"]):
        for window in range(2):
            if begin < appliance["cycle_windows"][pattern, window, 1] and (
                end > appliance["cycle_windows"][pattern, window, 0]
            ):
                return pattern
    return -1


@inner
def _cycles_today(state: Draws, appliance: Any, cycles: Records) -> None:
    """Write today's duty cycles: durations and powers varied and, of three, each in either order."""
    for pattern in range(appliance["cycle_count"]):
        swap = 0
        if appliance["cycle_count"] == 3:
            swap = between(state, 0, 1)
        for part in range(2):
            minutes = appliance["cycle_min"][pattern, part] * varied(state, appliance["cycle_jitter"][pattern])
            power_w = appliance["cycle_power_w"][pattern, part] * varied(state, appliance["power_jitter"])
            cycles[pattern]["minutes"][part ^ swap] = int(minutes)
            cycles[pattern]["power_w"][part ^ swap] = power_w


@inner
def _add_constant(out_w: FloatArray, begin: int, end: int, power_w: float) -> None:
    """Add one power from minute `begin` to `end`; a loop, because compiling a slice takes seconds."""
    for minute in range(begin, end):
        out_w[minute] += power_w


@inner
def _add_pattern(out_w: FloatArray, begin: int, end: int, phase_min: int, cycle: Any, pieces: int) -> None:
    """Add a duty cycle, repeated from minute `begin` to `end` and begun `phase_min` into its period."""
    first_min = cycle["minutes"][0]
    period_min = max(1, first_min + cycle["minutes"][1])
    for minute in range(begin, end):
        part = 0 if (minute - begin + phase_min) % period_min < first_min else 1
        out_w[minute] += pieces * cycle["power_w"][part]
