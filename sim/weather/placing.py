"""Putting the rows of a file on the steps of one year: which year, which step, what is said twice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from microgrid.errors import InvalidInput, Problem
from sim.time_axis import days_of_year
from sim.weather.record import LIGHT, MESSAGES_MAX, Record, clock_text_of, span_text, without_sign_noise
from sim.weather.series import DAY_S, TYPICAL_YEAR, FloatArray, IntArray, Steps

WHOLE_DAYS = 365
ENOUGH_DAYS = 347  # 95 % of a year: what is missing is then a matter for the gap rules


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """The columns of a file on all steps of one year of the file's clock, NaN where no row says anything.

    `line` is the line of each step's row in the file, or of the last row before it.
    """

    steps: Steps
    columns: dict[str, FloatArray]
    line: IntArray
    notes: tuple[str, ...] = ()


def place_on_year(record: Record, draw: int = 0) -> Placed:
    """Return the rows of one year; of a file with several, `draw` 0 is that of median light, 1, 2, ... others."""
    chosen, year, notes = _rows_of_one_year(record, draw)
    second_of_year, on_29_february = _second_of_year(record.start_s[chosen])
    rows = chosen[~on_29_february]
    index = second_of_year[~on_29_february] // record.step_s
    _refuse_repeats(record, rows, index)
    if on_29_february.any():
        notes += (f"29 February dropped ({int(on_29_february.sum())} rows)",)
    steps = Steps(record.step_s, record.utc_offset_s, year)
    columns = {name: _spread(values[rows], index, steps.count) for name, values in without_sign_noise(record).items()}
    return Placed(steps, columns, _lines(record.lines[rows], index, steps.count), record.notes + notes)


def _rows_of_one_year(record: Record, draw: int) -> tuple[IntArray, int, tuple[str, ...]]:
    """Return the rows to use, the non-leap year that stands for them, and what was decided."""
    every_row = np.arange(record.start_s.size, dtype=np.int64)
    years = record.start_s.astype("datetime64[s]").astype("datetime64[Y]").astype(np.int64) + 1970
    if record.typical:
        return every_row, TYPICAL_YEAR, ()
    if _mixes_years(record):
        return every_row, TYPICAL_YEAR, ("months from different years are put on one",)
    needed = ENOUGH_DAYS * DAY_S // record.step_s
    whole = [int(year) for year in np.unique(years) if np.count_nonzero(years == year) >= needed]
    if whole:
        year = _by_light(record, years, whole)[draw % len(whole)]
        many = f"{len(whole)} whole years in the file, {year} is used: the middle one by its light"
        return every_row[years == year], _non_leap(year), (many,) if len(whole) > 1 else ()
    if every_row.size < needed:
        raise InvalidInput(_too_short(record))
    return _first_365_days(record, every_row)


def _by_light(record: Record, years: IntArray, whole: list[int]) -> list[int]:
    """Return the years of a file in a fixed order that begins with the one of median light."""
    light = next(record.columns[name] for name in (*LIGHT, "pv_kw_per_kw") if name in record.columns)
    by_light = sorted(whole, key=lambda year: float(np.nanmean(light[years == year])))
    middle = (len(whole) - 1) // 2
    return [*by_light[middle:], *by_light[:middle]]


def _mixes_years(record: Record) -> bool:
    """Tell whether at most a year of rows is spread over more than a year, as in typical years."""
    length_s = int(record.start_s.max() - record.start_s.min())
    return record.start_s.size * record.step_s <= (WHOLE_DAYS + 1) * DAY_S < length_s


def _first_365_days(record: Record, every_row: IntArray) -> tuple[IntArray, int, tuple[str, ...]]:
    """Return twelve months that start in one year and end in the next."""
    first_s = int(record.start_s.min())
    day_of_row = record.start_s // DAY_S
    leap_days = int(np.unique(day_of_row[_second_of_year(record.start_s)[1]]).size)
    rows = every_row[record.start_s < first_s + (WHOLE_DAYS + min(leap_days, 1)) * DAY_S]
    year = _non_leap(int(np.datetime64(first_s, "s").astype("datetime64[Y]").astype(np.int64)) + 1970)
    return rows, year, (f"twelve months from {str(np.datetime64(first_s, 's'))[:10]} stand for one year",)


def _non_leap(year: int) -> int:
    is_leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return TYPICAL_YEAR if is_leap else year


def _second_of_year(start_s: IntArray) -> tuple[IntArray, NDArray[np.bool_]]:
    """Return each moment's place in a non-leap year of the same days, and which are on 29 February."""
    day, on_29_february = days_of_year(start_s)
    return day * DAY_S + start_s % DAY_S, on_29_february


def _refuse_repeats(record: Record, rows: IntArray, index: IntArray) -> None:
    order = np.argsort(index, kind="stable")
    again = order[1:][index[order][1:] == index[order][:-1]]
    if again.size == 0:
        return
    problems = [
        Problem(
            "MG-D111",
            f"the time {clock_text_of(record.start_s[rows[row]])} is there twice",
            why="summer time repeats an hour in autumn, or two files were joined with an overlap",
            fix="remove the repeated row, or name the clock with  file_timezone:  under weather",
            file=record.file,
            line=int(record.lines[rows[row]]),
        )
        for row in again[:MESSAGES_MAX]
    ]
    raise InvalidInput(*problems)


def _spread(values: FloatArray, index: IntArray, count: int) -> FloatArray:
    full = np.full(count, np.nan)
    full[index] = values
    return full


def _lines(lines: IntArray, index: IntArray, count: int) -> IntArray:
    full = np.zeros(count, dtype=np.int64)
    full[index] = lines
    known = np.maximum.accumulate(np.where(full > 0, np.arange(count), 0))
    return full[known]


def _too_short(record: Record) -> Problem:
    days = record.start_s.size * record.step_s / DAY_S
    return Problem(
        "MG-D110",
        f"the file has {record.start_s.size} rows of {span_text(record.step_s)}: {days:.1f} days, not a year",
        why="a plan needs the dry and the rainy season",
        fix="give 365 days, or the twelve monthly means under  weather:  instead of the file",
        file=record.file,
    )
