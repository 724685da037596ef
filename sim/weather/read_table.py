"""Tables in text files: separators, decimal commas, missing cells, and text where a number belongs."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from microgrid.errors import InvalidInput, Problem
from sim.weather.record import MESSAGES_MAX
from sim.weather.series import FloatArray, IntArray

MISSING = frozenset({"", "-", "--", "na", "n/a", "nan", "null", "none", "missing"})
_DECIMAL_COMMA = re.compile(r"\s*-?\d+,\d+\s*")
_LOOKED_AT = 50  # rows from which separator and decimal sign are told


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """The cells of a table by column, as text, with the line of the file each row stands on."""

    file: str
    names: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...]
    lines: IntArray
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class Mistakes:
    """The mistakes found so far in one file, so that all of them are told at once."""

    found: list[Problem]

    def raise_if_any(self) -> None:
        """Raise InvalidInput with all mistakes, or do nothing."""
        if self.found:
            raise InvalidInput(*self.found[:MESSAGES_MAX])


def read_table(file: str, text_lines: Sequence[str], header: int) -> Table:
    """Return the table whose column names stand on line `header`, from 0; it ends at the first blank line.

    Raises InvalidInput for a row with another number of cells than there are names, and for a table
    without rows.
    """
    separator = max(",;\t", key=text_lines[header].count)
    body = _until_blank(text_lines[header:])
    names = tuple(name.strip() for name in next(csv.reader(body[:1], delimiter=separator)))
    if len(body) < 2:
        what = f"the file has column names but no rows: {', '.join(names)}"
        raise InvalidInput(Problem("MG-D103", what, fix="export the file again, with its rows", file=file))
    columns = _columns(file, names, body[1:], separator, header + 2)
    decimal_comma = separator != "," and any(
        _DECIMAL_COMMA.fullmatch(cell) for column in columns for cell in column[:_LOOKED_AT]
    )
    if decimal_comma:
        columns = tuple(tuple(cell.replace(",", ".") for cell in column) for column in columns)
    lines = header + 2 + np.arange(len(body) - 1, dtype=np.int64)
    return Table(file, names, columns, lines, _separator_notes(separator, decimal_comma=decimal_comma))


def _columns(
    file: str, names: tuple[str, ...], body: Sequence[str], separator: str, first_line: int
) -> tuple[tuple[str, ...], ...]:
    """Return the cells by column; without quotes a plain split is ten times as fast as the csv module."""
    size = len(names)
    if not any('"' in line for line in body) and all(line.count(separator) == size - 1 for line in body):
        cells = separator.join(body).split(separator)
        return tuple(tuple(cells[place::size]) for place in range(size))
    rows = list(csv.reader(body, delimiter=separator, skipinitialspace=True))
    _refuse_ragged(file, names, rows, first_line)
    return tuple(zip(*rows, strict=True))


def numbers(table: Table, column: int, mistakes: Mistakes, missing_below: float = -900.0) -> FloatArray:
    """Return a column as numbers, NaN where a cell is empty or a marker like -999; collect what is text."""
    cells = table.cells[column]
    try:
        values = np.array(cells, dtype=np.float64)
    except ValueError:
        values = np.array([_number(cell) for cell in cells], dtype=np.float64)
        for row in np.flatnonzero(np.isposinf(values))[:MESSAGES_MAX]:
            mistakes.found.append(_not_a_number(table, column, int(row)))
    return np.where(np.isfinite(values) & (values > missing_below), values, np.nan)


def _number(cell: str) -> float:
    """Return the number in a cell, NaN for a missing one and infinity for text."""
    if cell.strip().lower() in MISSING:
        return float("nan")
    try:
        return float(cell)
    except ValueError:
        return float("inf")


def _not_a_number(table: Table, column: int, row: int) -> Problem:
    cell = table.cells[column][row].strip()
    return Problem(
        "MG-D107",
        f"column {column + 1} ({table.names[column]}) has the text {cell!r}, not a number",
        fix="correct the cell, or leave it empty so that it counts as a gap",
        file=table.file,
        line=int(table.lines[row]),
    )


def _until_blank(text_lines: Sequence[str]) -> list[str]:
    end = next((i for i, line in enumerate(text_lines) if not line.strip(" ,;\t")), len(text_lines))
    return list(text_lines[:end])


def _refuse_ragged(file: str, names: tuple[str, ...], rows: list[list[str]], first_line: int) -> None:
    ragged = [row for row, cells in enumerate(rows) if len(cells) != len(names)]
    problems = [
        Problem(
            "MG-D105",
            f"the row has {len(rows[row])} cells, but there are {len(names)} column names",
            fix="write the missing or surplus cells, or save the table again as CSV",
            file=file,
            line=first_line + row,
        )
        for row in ragged[:MESSAGES_MAX]
    ]
    if problems:
        raise InvalidInput(*problems)


def _separator_notes(separator: str, *, decimal_comma: bool) -> tuple[str, ...]:
    names = {",": "comma", ";": "semicolon", "\t": "tab"}
    comma = " and decimal comma" if decimal_comma else ""
    return () if separator == "," else (f"{names[separator]} separated{comma}",)
