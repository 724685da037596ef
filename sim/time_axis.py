"""The time axis of a data file: from time stamps to the equal steps of one ordinary year in standard time.

`read_axis` (or `axis_of_rows`, for a file without times) says which step each row is; `to_standard_year` puts
the values into a year of 365 days from 1 January, fills short gaps, refuses long ones, and notes all it did.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import gcd

import numpy as np
import numpy.typing as npt

from microgrid.errors import Problem
from sim.time_gaps import YEAR_DAYS, YEAR_START_S, Folded, YearRules, fill_year
from sim.time_text import (
    DAY_S,
    PROBLEMS_MAX,
    BoolArray,
    IntArray,
    parse_times,
    standard_offset_s,
    text_of,
)

__all__ = (
    "STEPS_S",
    "Axis",
    "Year",
    "YearRules",
    "axis_of_rows",
    "days_of_year",
    "detect_step",
    "parse_times",
    "read_axis",
    "resample",
    "standard_offset_s",
    "to_standard_year",
)

FloatArray = npt.NDArray[np.float64]
STEPS_S = (3600, 1800, 900, 600, 300, 60)
MONTH_STARTS = (0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334)  # days before each month


@dataclass(frozen=True, slots=True, eq=False)
class Axis:
    """The steps of a file: `order` are the row numbers by time, `utc_s` when each step begins, rising.

    Times are meaningful only when `problems` is empty.
    """

    order: IntArray
    utc_s: IntArray
    step_s: int
    notes: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Year:
    """Values of one year, shape (m, k): m steps of `step_s` from 1 January 00:00 standard time.

    There is no 29 February. `filled` (m,) marks steps with a value that no row of the file gave. Values are
    meaningful only when `problems` is empty.
    """

    values: FloatArray
    step_s: int
    filled: BoolArray
    notes: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()


def read_axis(texts: Sequence[str], lines: Sequence[int], zone: str, file: str = "", column: int = 0) -> Axis:
    """Read a time column and find its step; the clock of `zone` holds for stamps without an offset.

    `lines` are the line numbers of the rows in `file`, and `column` where the time starts, for messages.
    """
    stamps = parse_times(texts, lines, zone, file, column)
    order = _by_time(stamps.clock_s)
    turned = order.size > 0 and order[0] != 0
    utc_s, clock_s = stamps.utc_s[order], stamps.clock_s[order]
    step_s = detect_step(utc_s)
    line_of = np.asarray(lines, dtype=np.int64)[order]
    problems = stamps.problems or _order_problems(utc_s, clock_s, step_s, line_of)
    problems = problems or _step_problems(utc_s, clock_s, step_s, line_of)
    if problems:
        named = tuple(replace(problem, file=file, column=column) for problem in problems)
        return Axis(order, utc_s, step_s, stamps.notes, named)
    begin_s, label_notes = _step_begins(utc_s, clock_s, step_s)
    newest_first = ("rows were newest first and are read the other way round",) if turned else ()
    return Axis(order, begin_s, step_s, stamps.notes + newest_first + label_notes)


def axis_of_rows(count: int, utc_offset_s: int, file: str = "") -> Axis:
    """Return the axis of a file without times, whose rows must be the steps of a year from 1 January."""
    leap_start_s = YEAR_START_S - (YEAR_DAYS + 1) * DAY_S  # 2024
    for days, start_s in ((YEAR_DAYS, YEAR_START_S), (YEAR_DAYS + 1, leap_start_s)):
        step_s = days * DAY_S // count if count and days * DAY_S % count == 0 else 0
        if step_s in STEPS_S:
            rows = np.arange(count, dtype=np.int64)
            year = "a year" if days == YEAR_DAYS else "a leap year"
            note = f"the file has no times: {count:,} rows are {step_s // 60} min steps of {year} from 1 January"
            return Axis(rows, start_s - utc_offset_s + step_s * rows, step_s, (note,))
    nothing = np.zeros(0, dtype=np.int64)
    return Axis(nothing, nothing, 0, (), (_rows_unexplained(count, file),))


def detect_step(utc_s: IntArray) -> int:
    """Return the most common distance between rising times in seconds, 0 when there is none."""
    steps, counts = np.unique(np.diff(utc_s), return_counts=True)
    forward = steps > 0
    return int(steps[forward][np.argmax(counts[forward])]) if forward.any() else 0


def to_standard_year(axis: Axis, values: FloatArray, utc_offset_s: int, rules: YearRules) -> Year:
    """Put the rows of a file into one ordinary year of the site's standard time, `utc_offset_s` ahead of UTC.

    `values` (n, k), in the order of the file, are means over the step of each row, NaN where there is none.
    Where steps straddle those of the site's clock (a file in UTC for a zone of half hours) they are split, so
    that totals are kept.
    """
    local_s = axis.utc_s + utc_offset_s
    grid_s = gcd(axis.step_s, int(local_s[0] % axis.step_s))
    folded, notes = _fold(local_s, values[axis.order], axis.step_s, grid_s)
    missing = np.isnan(folded.table).any(axis=1)
    if len(rules.lines):
        rules = replace(rules, lines=[rules.lines[row] for row in axis.order])
    filled = fill_year(folded, rules)
    return Year(
        resample(filled.table, grid_s, axis.step_s),
        axis.step_s,
        np.asarray(missing.reshape(-1, axis.step_s // grid_s).any(axis=1), dtype=np.bool_),
        axis.notes + notes + filled.notes,
        filled.problems,
    )


def resample(values: FloatArray, step_s: int, new_step_s: int) -> FloatArray:
    """Return mean values (m, k) over steps of another length; the total over the whole is kept."""
    common_s = gcd(step_s, new_step_s)
    fine = np.repeat(values, step_s // common_s, axis=0) if common_s < step_s else values
    parts = new_step_s // common_s
    return fine.reshape(-1, parts, values.shape[1]).mean(axis=1) if parts > 1 else fine


def _fold(local_s: IntArray, values: FloatArray, step_s: int, grid_s: int) -> tuple[Folded, tuple[str, ...]]:
    """Put rows, in order of time, into the steps of a year; the first year of a longer file counts."""
    parts = step_s // grid_s
    pieces_s = (local_s[:, None] + grid_s * np.arange(parts, dtype=np.int64)).ravel()
    day, leap = days_of_year(pieces_s)
    used = np.flatnonzero(~leap & (pieces_s < pieces_s[0] + (YEAR_DAYS + 1) * DAY_S))
    steps, first = np.unique((day * DAY_S + pieces_s % DAY_S)[used] // grid_s, return_index=True)
    row_of = np.full(YEAR_DAYS * DAY_S // grid_s, -1, dtype=np.int64)
    row_of[steps] = used[first] // parts
    weekday = np.full(YEAR_DAYS, -1, dtype=np.int64)
    weekday[day[used[first]]] = (pieces_s[used[first]] // DAY_S + 3) % 7  # 1970-01-01 was a Thursday
    table = np.where(row_of[:, None] >= 0, values[row_of], np.nan)
    beyond = int((~leap).sum() - steps.size) // parts
    notes = [f"29 February left out ({int(leap.sum()) // parts:,} rows)"] if leap.any() else []
    notes += [f"{beyond:,} rows after the first year left out"] if beyond else []
    return Folded(table, grid_s, row_of, weekday), tuple(notes)


def days_of_year(times_s: IntArray) -> tuple[IntArray, BoolArray]:
    """Return the day of an ordinary year for each time, and which are 29 February."""
    days = (times_s // DAY_S).astype("M8[D]")
    months = days.astype("M8[M]")
    month, day = months.astype(np.int64) % 12, (days - months).astype(np.int64)
    return np.array(MONTH_STARTS, dtype=np.int64)[month] + day, (month == 1) & (day == 28)


# --- from stamps to steps ---


def _by_time(clock_s: IntArray) -> IntArray:
    """Return the rows by time: as they are, or turned round when the newest is first."""
    rows = np.arange(clock_s.size, dtype=np.int64)
    backward = int((np.diff(clock_s) < 0).sum())
    return rows[::-1].copy() if 2 * backward > clock_s.size else rows


def _order_problems(utc_s: IntArray, clock_s: IntArray, step_s: int, line_of: IntArray) -> tuple[Problem, ...]:
    """Name the rows whose time does not come after that of the row before."""
    ahead_s = np.diff(utc_s)
    jumps = _summer_time_jumps(ahead_s, step_s)
    wrong = (jumps if jumps.size else np.flatnonzero(ahead_s <= 0)) + 1
    problem = _jump_problem if jumps.size else _order_problem
    return tuple(
        replace(problem(int(clock_s[row]), int(clock_s[row - 1])), line=int(line_of[row]))
        for row in wrong[:PROBLEMS_MAX]
    )


def _summer_time_jumps(ahead_s: IntArray, step_s: int) -> IntArray:
    """Return where a clock goes back one hour, as the end of summer time looks in a zone that has none."""
    back = np.flatnonzero(ahead_s == step_s - 3600)
    leaps = np.flatnonzero(ahead_s == step_s + 3600)
    if step_s == 3600:  # an hour twice may be a slip of the pen; only with the hour lost in spring is it a clock
        back = back[[bool((np.abs(leaps - row) * step_s > 60 * DAY_S).any()) for row in back]]
    return back if back.size <= 2 else back[:0]


def _jump_problem(now_s: int, _before_s: int) -> Problem:
    return Problem(
        code="MG-D294",
        what=f"time jumps back one hour at {text_of(now_s)}",
        why="looks like a local clock with summer time, which the zone of the file does not have",
        fix="export the times in UTC, such as 2025-10-26T00:00Z, or with their offset",
    )


def _order_problem(now_s: int, before_s: int) -> Problem:
    if now_s == before_s:
        return Problem("MG-D295", f"time {text_of(now_s)} occurs twice", fix="keep one of the two rows")
    what = f"time {text_of(now_s)} comes after {text_of(before_s)}"
    return Problem("MG-D296", what, fix="sort the rows by time, without repeats")


def _step_problems(utc_s: IntArray, clock_s: IntArray, step_s: int, line_of: IntArray) -> tuple[Problem, ...]:
    """Name a step that is not supported, or rows that are off the grid of the others."""
    if step_s not in STEPS_S:
        what = f"rows are {step_s / 60:g} min apart" if step_s else "there are too few rows to find their step"
        return (Problem("MG-D297", what, fix="give one row each 60, 30, 15, 10, 5 or 1 min"),)
    off_s = np.abs((utc_s - _phase_s(utc_s, step_s) + step_s // 2) % step_s - step_s // 2)
    return tuple(
        Problem(
            "MG-D297",
            f"time {text_of(int(clock_s[row]))} is off the {step_s // 60} min grid of the other rows",
            fix="give every row the same distance from the next",
            line=int(line_of[row]),
        )
        for row in np.flatnonzero(off_s * 10 > step_s)[:PROBLEMS_MAX]
    )


def _phase_s(times_s: IntArray, step_s: int) -> int:
    """Return how far into a step the stamps usually are."""
    phases, counts = np.unique(times_s % step_s, return_counts=True)
    return int(phases[np.argmax(counts)])


def _step_begins(utc_s: IntArray, clock_s: IntArray, step_s: int) -> tuple[IntArray, tuple[str, ...]]:
    """Return when the step of each stamp begins, from where in the step the stamps are."""
    phase_s = _phase_s(utc_s, step_s)
    grid_s = (utc_s - phase_s + step_s // 2) // step_s * step_s + phase_s
    notes = ("times a few seconds off were moved to the full step",) if (grid_s != utc_s).any() else ()
    if late_s := _phase_s(clock_s, step_s):
        note = f"times are {late_s / 60:g} min after the start of the {step_s // 60} min step they stand for"
        return grid_s - late_s, (*notes, note)
    if clock_s[0] % DAY_S == step_s and clock_s[-1] % DAY_S == 0:
        return grid_s - step_s, (*notes, f"times are the ends of their {step_s // 60} min steps")
    return grid_s, notes


def _rows_unexplained(count: int, file: str) -> Problem:
    return Problem(
        code="MG-D299",
        what=f"{count:,} rows without times are not the steps of a year",
        why="a year has 8,760 hours, or 17,520, 35,040, 52,560, 105,120 or 525,600 steps of 30 to 1 min",
        fix="add a time column, such as 2025-01-31 18:00",
        file=file,
    )
