"""Steps of a year for which a file has no value: short gaps bridged, long ones refused, short files repeated.

Everything done is told in notes. A table here has shape (m, k): m steps of a year of 365 days that begins on
1 January, k columns, NaN where there is no value.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from microgrid.errors import Problem
from sim.time_text import DAY_S, PROBLEMS_MAX, BoolArray, IntArray, text_of

FloatArray = npt.NDArray[np.float64]
YEAR_DAYS = 365
YEAR_START_S = 1_735_689_600  # 1 January 2025, a Wednesday: the year of files that name no date
FIRST_WEEKDAY = 2  # of that year, Monday is 0
WEEK_DAYS = 7
GAP_MAX_S = 3 * 3600  # a longer gap is not bridged by a straight line


@dataclass(frozen=True, slots=True)
class YearRules:
    """What to do where a file has no values, and how to name its rows.

    `lines` are the line numbers of the file's rows. `long_gaps`: those over 3 h are refused, or filled from
    the same hours of the days around. `short_file`: less than a year is refused, or its days are repeated by
    weekday. `gap_fix` is what to type when a gap is refused.
    """

    file: str = ""
    lines: Sequence[int] = ()
    long_gaps: Literal["refuse", "neighbours"] = "refuse"
    short_file: Literal["refuse", "repeat"] = "refuse"
    gap_fix: str = "add the missing rows"


@dataclass(frozen=True, slots=True, eq=False)
class Folded:
    """Rows of a file put into the steps of a year: which row each step has (-1: none), and real weekdays.

    `weekday` (365,) is the weekday, Monday 0, of the file's date on each day of the year, -1 without one.
    """

    table: FloatArray
    step_s: int
    row_of: IntArray
    weekday: IntArray


@dataclass(frozen=True, slots=True)
class Gap:
    """A run of steps without value in some column; `inside`: the file goes on after it."""

    start: int
    count: int
    inside: bool


@dataclass(frozen=True, slots=True, eq=False)
class Filled:
    """The table with what could be filled, what was done, and what could not be."""

    table: FloatArray
    notes: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()


def fill_year(folded: Folded, rules: YearRules) -> Filled:
    """Give every step of the year a value, or say why that would be guessing."""
    gaps = find_gaps(folded)
    limit = GAP_MAX_S // folded.step_s
    short = [gap for gap in gaps if gap.count <= limit]
    long = [gap for gap in gaps if gap.count > limit and gap.inside]
    if long and rules.long_gaps == "refuse":
        return Filled(folded.table, (), tuple(_refused(gap, folded, rules) for gap in long[:PROBLEMS_MAX]))
    table = _from_days_around(_straight(folded.table, short), long, DAY_S // folded.step_s)
    notes = _gap_notes(short, folded.step_s, "by a straight line")
    notes += _gap_notes(long, folded.step_s, "from the days around")
    if not np.isnan(table).any():
        return Filled(table, notes)
    repeated = _repeat_days(table, folded.weekday, rules)
    return Filled(repeated.table, notes + repeated.notes, repeated.problems)


def find_gaps(folded: Folded) -> tuple[Gap, ...]:
    """Return the runs of steps without value in any column, each once; one may run through the new year."""
    runs = {run for column in np.isnan(folded.table).T if column.any() for run in missing_runs(column)}
    size = folded.row_of.size
    after_end = (int(np.argmax(folded.row_of)) + 1) % size
    is_year = bool(folded.row_of[after_end] >= 0)
    return tuple(
        Gap(start, count, inside=is_year or (after_end - start) % size >= count) for start, count in sorted(runs)
    )


def missing_runs(missing: BoolArray) -> list[tuple[int, int]]:
    """Return (start, length) of each run of true values; the year is a ring, so a run may go over its end."""
    if missing.all():
        return [(0, missing.size)]
    turn = int(np.argmin(missing))
    ring = np.concatenate((np.roll(missing, -turn), [False])).astype(np.int8)
    edges = np.diff(ring, prepend=0)
    starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    lengths = (ends - starts).tolist()
    return list(zip(((starts + turn) % missing.size).tolist(), lengths, strict=True))


def _steps(gap: Gap, size: int) -> IntArray:
    return (gap.start + np.arange(gap.count, dtype=np.int64)) % size


def _straight(table: FloatArray, gaps: Sequence[Gap]) -> FloatArray:
    """Return the table with gaps bridged by straight lines, through the new year where needed."""
    filled = table.copy()
    for column in np.flatnonzero(np.isnan(table).any(axis=0)) if gaps else ():
        known = np.flatnonzero(~np.isnan(table[:, column]))
        steps = np.concatenate([_steps(gap, len(table)) for gap in gaps])
        lost = steps[np.isnan(table[steps, column])]
        if known.size:
            filled[lost, column] = np.interp(lost, known, table[known, column], period=len(table))
    return filled


def _from_days_around(table: FloatArray, gaps: Sequence[Gap], day_steps: int) -> FloatArray:
    """Return the table with gaps as the mean of the nearest known days, before and after, at that hour."""
    filled = table.copy()
    for gap in gaps:
        steps = _steps(gap, len(table))
        before, after = (_nearest_day(table, steps, sign * day_steps) for sign in (-1, 1))
        filled[steps] = np.where(np.isnan(table[steps]), (before + after) / 2.0, table[steps])
    return filled


def _nearest_day(table: FloatArray, steps: IntArray, stride: int) -> FloatArray:
    """Return the values of the nearest day on one side that has them."""
    found = np.full((steps.size, table.shape[1]), np.nan)
    for days in range(1, YEAR_DAYS):
        missing = np.isnan(found)
        if not missing.any():
            break
        found = np.where(missing, table[(steps + days * stride) % len(table)], found)
    return found


def _repeat_days(table: FloatArray, weekday: IntArray, rules: YearRules) -> Filled:
    """Return the year with every day the file lacks as its nearest whole day of the same weekday."""
    days = table.reshape(YEAR_DAYS, -1, table.shape[1])
    whole = np.flatnonzero(~np.isnan(days).any(axis=(1, 2)))
    if rules.short_file == "refuse" or whole.size < WEEK_DAYS:
        return Filled(table, (), (_too_short(whole.size, rules),))
    wanted = np.arange(YEAR_DAYS)
    away = np.abs(wanted[:, None] - whole)
    other_weekday = weekday[whole] != (wanted[:, None] + FIRST_WEEKDAY) % WEEK_DAYS
    source = whole[np.argmin(np.minimum(away, YEAR_DAYS - away) + YEAR_DAYS * other_weekday, axis=1)]
    source[whole] = whole
    note = (
        f"the file has {whole.size} whole days: each of the other {YEAR_DAYS - whole.size} "
        "repeats the nearest one of the same weekday"
    )
    return Filled(days[source].reshape(table.shape), (note,))


def _refused(gap: Gap, folded: Folded, rules: YearRules) -> Problem:
    rows = folded.row_of[_steps(Gap(gap.start, gap.count + 1, gap.inside), folded.row_of.size)]
    known = rows[rows >= 0]
    return Problem(
        code="MG-D298",
        what=f"no values for {_hours(gap.count * folded.step_s)}, {_span(gap, folded.step_s)}",
        why=f"up to {_hours(GAP_MAX_S)} is filled by a straight line; more would be a guess",
        fix=rules.gap_fix,
        file=rules.file,
        line=rules.lines[int(known[0])] if len(rules.lines) and known.size else 0,
    )


def _too_short(whole_days: int, rules: YearRules) -> Problem:
    needed = f"{WEEK_DAYS} whole days" if rules.short_file == "repeat" else f"{YEAR_DAYS} days"
    return Problem(
        code="MG-D299",
        what=f"the file has {whole_days} whole days, {needed} are needed",
        why="a plan needs a year; a week is the least that shows weekdays and week-ends",
        fix="export a longer time",
        file=rules.file,
    )


def _gap_notes(gaps: Sequence[Gap], step_s: int, how: str) -> tuple[str, ...]:
    if not gaps:
        return ()
    total = _hours(sum(gap.count for gap in gaps) * step_s)
    spans = "; ".join(_span(gap, step_s) for gap in gaps[:3]) + ("; ..." if len(gaps) > 3 else "")
    return (f"{len(gaps)} gap{'s' if len(gaps) > 1 else ''} ({total}) filled {how}: {spans}",)


def _span(gap: Gap, step_s: int) -> str:
    """Return a gap in words, without its year: the year of a plan is no calendar year."""
    first, end = (text_of(YEAR_START_S + step * step_s)[5:] for step in (gap.start, gap.start + gap.count))
    return f"{first} to {end}"


def _hours(seconds: int) -> str:
    return f"{seconds / 3600:g} h" if seconds >= 3600 else f"{seconds / 60:g} min"
