"""Missing weather: short gaps are bridged and named, long ones refused, or filled from other days."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from microgrid.errors import InvalidInput, Problem
from sim.time_gaps import missing_runs
from sim.weather.placing import Placed
from sim.weather.record import LIGHT, MESSAGES_MAX, WORDS, span_text
from sim.weather.series import DAY_S, FloatArray, clock_text

SHORT_S = 3 * 3600  # longer than this the sun of that time is a guess
FOLLOWS_THE_SUN = (*LIGHT, "pv_kw_per_kw")
HIGH_ENOUGH_W_M2 = 20.0  # below, light over the light above the atmosphere is noise


class Gap(NamedTuple):
    """Steps without a value, in one column or in several alike; `first` may run over the end of the year."""

    first: int
    steps: int
    names: tuple[str, ...]


class Filled(NamedTuple):
    """Columns without gaps, and what was done about them."""

    columns: dict[str, FloatArray]
    notes: tuple[str, ...]
    fills: tuple[str, ...]


def fill_gaps(placed: Placed, extraterrestrial_w_m2: FloatArray, file: str, *, long_allowed: bool) -> Filled:
    """Return the columns without gaps.

    Gaps of up to 3 h are bridged in a straight line: light relative to the light above the atmosphere
    (n,) [W/m2], other values as they are. Longer gaps raise InvalidInput with every row, or, when
    allowed, take the mean of the same time on the nearest days before and after that have it.
    """
    gaps = find_gaps(placed.columns)
    step_s = placed.steps.step_s
    long = tuple(gap for gap in gaps if gap.steps * step_s > SHORT_S)
    short = tuple(gap for gap in gaps if gap.steps * step_s <= SHORT_S)
    if long and not long_allowed:
        raise InvalidInput(*(_too_long(gap, placed, file) for gap in long[:MESSAGES_MAX]))
    columns = dict(placed.columns)
    for gap in long:
        for name in gap.names:
            columns[name] = _from_other_days(columns[name], gap, DAY_S // step_s)
    for name in {name for gap in short for name in gap.names}:
        columns[name] = _bridged(name, columns[name], extraterrestrial_w_m2)
    return Filled(columns, _short_note(short, placed), tuple(_fill_text(gap, step_s) for gap in long))


def find_gaps(columns: dict[str, FloatArray]) -> tuple[Gap, ...]:
    """Return the runs of missing steps, columns with the same run together; the year is a ring."""
    found: dict[tuple[int, int], list[str]] = {}
    for name, values in columns.items():
        for run in missing_runs(np.isnan(values)):
            found.setdefault(run, []).append(name)
    return tuple(Gap(first, count, tuple(names)) for (first, count), names in sorted(found.items()))


def _bridged(name: str, values: FloatArray, extraterrestrial_w_m2: FloatArray) -> FloatArray:
    """Return the column with every missing step on a straight line between its neighbours."""
    missing = np.isnan(values)
    if name not in FOLLOWS_THE_SUN:
        return np.where(missing, ring_line(values, ~missing), values)
    usable = ~missing & (extraterrestrial_w_m2 > HIGH_ENOUGH_W_M2)
    ratio = ring_line(np.divide(values, extraterrestrial_w_m2, out=np.zeros_like(values), where=usable), usable)
    return np.where(missing, ratio * extraterrestrial_w_m2, values)


def ring_line(values: FloatArray, known: NDArray[np.bool_]) -> FloatArray:
    """Return the known values joined by straight lines, the last to the first; zero when nothing is known."""
    if not known.any():
        return np.zeros_like(values)
    at = np.flatnonzero(known).astype(np.float64)
    steps = np.arange(values.size, dtype=np.float64)
    return np.asarray(np.interp(steps, at, values[known], period=values.size), dtype=np.float64)


def _from_other_days(values: FloatArray, gap: Gap, steps_per_day: int) -> FloatArray:
    """Return the column with one gap filled by the mean of the same time on the nearest days that have it."""
    missing = (gap.first + np.arange(gap.steps)) % values.size
    days = values.size // steps_per_day
    by_day = values.reshape(days, steps_per_day)
    filled = values.copy()
    for step in missing:
        day, time = divmod(int(step), steps_per_day)
        known = np.flatnonzero(~np.isnan(by_day[:, time]))
        if known.size == 0:
            continue
        before = known[np.argmin((day - known) % days)]
        after = known[np.argmin((known - day) % days)]
        filled[step] = (by_day[before, time] + by_day[after, time]) / 2.0
    return filled


def _too_long(gap: Gap, placed: Placed, file: str) -> Problem:
    step_s = placed.steps.step_s
    length, start = span_text(gap.steps * step_s), clock_text(gap.first * step_s)
    return Problem(
        "MG-D112",
        f"{_words(gap)} missing for {length} from {start}",
        why="gaps of up to 3 h are filled; over a longer one the sun of that time would be a guess",
        fix="add the rows, or write  fill: long  under weather to take neighbouring days (marked in reports)",
        file=file,
        line=int(placed.line[gap.first]),
    )


def _short_note(gaps: tuple[Gap, ...], placed: Placed) -> tuple[str, ...]:
    if not gaps:
        return ()
    step_s = placed.steps.step_s
    total = span_text(sum(gap.steps for gap in gaps) * step_s)
    places = [f"{clock_text(gap.first * step_s)} (line {placed.line[gap.first]})" for gap in gaps[:5]]
    rest = f" and {len(gaps) - 5} more" if len(gaps) > 5 else ""
    gaps_text = "1 gap" if len(gaps) == 1 else f"{len(gaps)} gaps"
    return (f"{gaps_text} ({total}) filled by interpolation: {', '.join(places)}{rest}",)


def _fill_text(gap: Gap, step_s: int) -> str:
    length, start = span_text(gap.steps * step_s), clock_text(gap.first * step_s)
    return f"{_words(gap)} from {start} for {length} filled from neighbouring days"


def _words(gap: Gap) -> str:
    return ", ".join(WORDS[name] for name in gap.names)
