"""Measured loads from a CSV file: a site total, one column per priority class, or one per meter."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

import numpy as np
import numpy.typing as npt

from microgrid.errors import InvalidInput, Problem
from sim.demand.csv_table import Block, CsvTable, blocks, located, numbers, open_csv
from sim.demand.load_columns import WATTS, Layout, LoadColumn, layout_of
from sim.quantities import PRIORITIES
from sim.scenario import Site
from sim.time_axis import (
    Axis,
    YearRules,
    axis_of_rows,
    read_axis,
    resample,
    standard_offset_s,
    to_standard_year,
)
from sim.time_text import PROBLEMS_MAX, text_of

FloatArray = npt.NDArray[np.float64]
REGISTER_ROWS = 48  # a load that never falls for so many rows is the reading of a meter
LARGEST_W = 1e11  # a hundred gigawatts: a unit too small, or a marker for a missing value
GAP_FIX = "add the missing rows, or cut the file to whole weeks without the gap"


@dataclass(frozen=True, slots=True, eq=False)
class FileLoad:
    """A year of measured load: mean power per class over each step, standard time, from 1 January.

    `load_w` (3, n) has the classes critical, standard, deferrable. `connections` is the number of meters in
    the file, 0 when it only has sums. `notes` tell what was understood and assumed.
    """

    step_s: int
    load_w: FloatArray
    connections: int
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """All rows of a file: line numbers, time texts, and loads (n, k) in the units of their columns."""

    lines: list[int]
    times: list[str]
    loads: FloatArray
    notes: tuple[str, ...]
    problems: tuple[Problem, ...]


def read_load_csv(path: Path, site: Site, step_minutes: int) -> FileLoad:
    """Read a load file into one year at the step of the study; the energy of the file is kept.

    Times without an offset are the clock of the site. Raises InvalidInput with every mistake of the file.
    """
    table = open_csv(path)
    layout = _layout(table)
    rows = _read_rows(table, layout)
    offset_s = standard_offset_s(site.timezone)
    axis = _axis(table, layout, rows, site)
    problems = layout.problems + rows.problems
    if layout.time or not problems:  # without times, a row left out for its mistakes makes the count wrong too
        problems += axis.problems
    if problems:
        raise InvalidInput(*sorted(problems, key=lambda problem: problem.line)[:PROBLEMS_MAX])
    year_w, year_notes = _year_w(table, layout, rows, axis, offset_s)
    load_w = np.ascontiguousarray(resample(year_w, axis.step_s, 60 * step_minutes).T)
    if not load_w.any():
        what = "the load is zero all year"
        raise InvalidInput(Problem("MG-D212", what, fix="check which column was exported", file=table.file))
    summary = _summary(rows, axis, site, offset_s)
    meters = sum(load.kind == "meter" for load in layout.loads)
    notes = (summary, *table.notes, *layout.notes, *rows.notes, *year_notes, *_meaning(layout, meters))
    return FileLoad(60 * step_minutes, load_w, meters, notes)


def _layout(table: CsvTable) -> Layout:
    """Return what the columns mean, looking at the names and the first rows."""
    first = next(blocks(table))
    has_numbers = tuple(
        bool(np.isfinite(numbers(table, first, column).values).any()) for column in range(len(table.header))
    )
    return layout_of(table.header, has_numbers, table.file, table.header_line)


def _read_rows(table: CsvTable, layout: Layout) -> _Rows:
    """Read times and loads of all rows, with every mistake in their cells."""
    lines: list[int] = []
    times: list[str] = []
    loads = [np.zeros((0, len(layout.loads)))]
    problems: list[Problem] = []
    has_comma = False
    for block in blocks(table):
        lines.extend(block.lines)
        times.extend(_times(block, layout))
        columns = [numbers(table, block, load.index) for load in layout.loads]
        problems += chain(block.problems, *(column.problems for column in columns))
        problems += _negative(table, block, layout, [column.values for column in columns])
        has_comma |= any(column.has_decimal_comma for column in columns)
        if columns:
            loads.append(np.stack([column.values for column in columns], axis=1))
        if len(problems) >= PROBLEMS_MAX:
            break
    table_of_loads = np.concatenate(loads)
    if not problems:
        problems += _unlikely(table, layout, table_of_loads)
    notes = ("decimal commas are read as decimal points",) if has_comma else ()
    return _Rows(lines, times, table_of_loads, notes, tuple(problems))


def _times(block: Block, layout: Layout) -> list[str]:
    parts = [block.columns[index] for index in layout.time]
    return [" ".join(cells) for cells in zip(*parts, strict=True)] if len(parts) > 1 else list(*parts)


def _negative(table: CsvTable, block: Block, layout: Layout, columns: list[FloatArray]) -> list[Problem]:
    """Name every cell below zero."""
    found = []
    for load, values in zip(layout.loads, columns, strict=True):
        for row in np.flatnonzero(values < 0.0)[:PROBLEMS_MAX]:
            problem = Problem(
                code="MG-D209",
                what=f"load {values[row]:g} in column {load.name!r} is negative",
                why="a load takes power; feeding in is not a load",
                fix="set it to 0, or turn the sign of the column",
            )
            found.append(located(table, problem, block.lines[row], load.index))
    return found


def _unlikely(table: CsvTable, layout: Layout, loads: FloatArray) -> list[Problem]:
    """Name columns that are empty, or that are meter readings rather than the energy of each step."""
    found = []
    for load, values in zip(layout.loads, loads.T, strict=True):
        known = values[~np.isnan(values)]
        if not known.size:
            what = f"column {load.name!r} has no values"
            found.append(Problem("MG-D211", what, fix="remove it", file=table.file, line=table.header_line))
        elif load.is_energy and _is_register(known):
            found.append(_register(table, load))
        elif known.max() > LARGEST_W / WATTS[load.unit]:
            what = f"column {load.name!r} reaches {known.max():g} {load.unit.replace('w', 'W')}"
            fix = "check the unit, and leave cells without a value empty"
            found.append(Problem("MG-D213", what, "no village uses that much", fix, table.file, table.header_line))
    return found


def _is_register(values: FloatArray) -> bool:
    steps = np.diff(values)
    return values.size >= REGISTER_ROWS and bool((steps >= 0.0).all() and (steps > 0.0).sum() * 4 > steps.size)


def _register(table: CsvTable, load: LoadColumn) -> Problem:
    return Problem(
        code="MG-D210",
        what=f"column {load.name!r} never falls: it looks like the reading of a meter",
        why="each row is read as the energy of its own step",
        fix="export the differences between readings",
        file=table.file,
        line=table.header_line,
    )


def _axis(table: CsvTable, layout: Layout, rows: _Rows, site: Site) -> Axis:
    if not layout.time:
        return axis_of_rows(len(rows.lines), standard_offset_s(site.timezone), table.file)
    zone = "UTC" if layout.is_utc else site.timezone
    axis = read_axis(rows.times, rows.lines, zone, table.file)
    first = layout.time[0]
    named = (located(table, problem, problem.line, first) if problem.line else problem for problem in axis.problems)
    return replace(axis, problems=tuple(named))


def _year_w(
    table: CsvTable, layout: Layout, rows: _Rows, axis: Axis, offset_s: int
) -> tuple[FloatArray, tuple[str, ...]]:
    """Return the year's load (m, 3) in W; columns without gaps are added up first, to need less memory."""
    per_hour = 3600.0 / axis.step_s
    factors = [WATTS[load.unit] * (per_hour if load.is_energy else 1.0) for load in layout.loads]
    to_classes = np.zeros((len(layout.loads), len(PRIORITIES)))
    for number, load in enumerate(layout.loads):
        to_classes[number, load.priority] = factors[number]
    loads = rows.loads
    if not np.isnan(loads).any():
        loads, to_classes = loads @ to_classes, np.eye(len(PRIORITIES))
    rules = YearRules(table.file, rows.lines, short_file="repeat", gap_fix=GAP_FIX)
    year = to_standard_year(axis, loads, offset_s, rules)
    if year.problems:
        raise InvalidInput(*year.problems)
    return year.values @ to_classes, year.notes


def _summary(rows: _Rows, axis: Axis, site: Site, offset_s: int) -> str:
    first, last = (text_of(int(axis.utc_s[row]) + offset_s) for row in (0, -1))
    return (
        f"{len(rows.lines):,} rows, {axis.step_s // 60} min steps, {first} to {last}, standard time of {site.timezone}"
    )


def _meaning(layout: Layout, meters: int) -> tuple[str, ...]:
    if meters:
        return (f"{meters} columns are {meters} meters, each one connection",)
    kind = "site total, all of priority standard" if layout.loads[0].kind == "total" else "one column per class"
    return (f"{kind}; the file does not tell the number of connections",)
