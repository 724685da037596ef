"""Cells of a workbook's first sheet: one table with column names, read as numbers, words and yes or no.

Mistakes are collected with their cell, such as `Sheet1!F12`, so that all of them can be told at once.
"""

from __future__ import annotations

import re
import warnings
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from microgrid.errors import InvalidInput, Problem
from microgrid.files import content_of

SERIES = re.compile(r"=\s*(?:'([^']+)'|([^!']+))!\$?([A-Z]+)\$?([0-9]+):\$?([A-Z]+)\$?([0-9]+)")
# what comes out of an archive or its XML when bytes of it are wrong; RuntimeError: it is locked with a password
_BROKEN = (LookupError, ValueError, TypeError, AttributeError, SyntaxError, EOFError, RuntimeError, zlib.error)
YES = frozenset({"yes", "y", "true", "1"})
NO = frozenset({"no", "n", "false", "0"})


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """The first sheet of a workbook: its columns by name, and the workbook as formulas and as stored values."""

    file: str
    title: str
    columns: dict[str, int]
    formulas: Any  # openpyxl workbooks; the package has no types
    values: Any


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """One row of the sheet; what is wrong in it is added to `problems`."""

    sheet: Sheet
    number: int
    problems: list[Problem] = field(default_factory=list)

    def value(self, name: str) -> Any:
        """Return what stands in a column, None when it is empty or there is no such column."""
        column = self.sheet.columns.get(name)
        if column is None:
            return None
        written = self.sheet.formulas.worksheets[0].cell(self.number, column).value
        if not isinstance(written, str):
            return written
        if not written.startswith("="):
            return written.strip() or None
        stored = self.sheet.values.worksheets[0].cell(self.number, column).value
        if stored is None and not SERIES.fullmatch(written):
            fix = "open the workbook in a spreadsheet program and save it, or write the value"
            self.refuse(name, "MG-D253", f"the formula {written} has no stored result", fix=fix)
        return stored

    def text(self, name: str) -> str:
        """Return a word, empty when there is none."""
        value = self.value(name)
        return "" if value is None else str(value).strip()

    def real(self, name: str, default: float, low: float = 0.0, high: float = float("inf")) -> float:
        """Return a number between two bounds, the default when the cell is empty."""
        value = self.value(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int | float):
            return self._refuse(name, f"{value!r} is not a number", "write a number", default)
        if not low <= value <= high:
            bounds = f"at least {low:g}" if high == float("inf") else f"between {low:g} and {high:g}"
            per_cent = f"per cent? then write {value / 100:g}" if high == 1.0 < value <= 100.0 else bounds
            return self._refuse(name, f"{name} is {value:g}, it must be {bounds}", per_cent, default)
        return float(value)

    def whole(self, name: str, default: int, low: int = 0, high: float = float("inf")) -> int:
        """Return a whole number between two bounds, the default when the cell is empty."""
        value = self.real(name, default, low, high)
        if value != int(value):
            return int(self._refuse(name, f"{name} is {value:g}", "write a whole number", default))
        return int(value)

    def yes(self, name: str) -> bool:
        """Return a yes or no, no when the cell is empty."""
        word = self.text(name).lower().removesuffix(".0")
        if word and word not in YES | NO:
            self._refuse(name, f"{name} is {word!r}", "write yes or no", 0.0)
        return word in YES

    def refuse(self, name: str, code: str, what: str, why: str = "", fix: str = "") -> None:
        """Add a mistake of a cell, or of the row when the sheet lacks the column."""
        column = self.sheet.columns.get(name, 0)
        what = f"{self.cell(name)}: {what}"
        self.problems.append(Problem(code, what, why, fix, self.sheet.file, self.number, column))

    def cell(self, name: str) -> str:
        """Return a cell's name, such as `Sheet1!F12`."""
        from openpyxl.utils import get_column_letter

        column = self.sheet.columns.get(name)
        letter = get_column_letter(column) if column else "row "
        return f"{self.sheet.title}!{letter}{self.number}"

    def _refuse(self, name: str, what: str, fix: str, default: float) -> float:
        self.refuse(name, "MG-D253", what, fix=fix)
        return default


def open_sheet(path: Path) -> Sheet:
    """Open the first sheet of a workbook; raise InvalidInput when there is no table in it."""
    import openpyxl
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        data = content_of(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles and drawings, which say nothing about demand
            formulas = openpyxl.load_workbook(BytesIO(data))
            values = openpyxl.load_workbook(BytesIO(data), data_only=True)
    except OSError as error:
        what = f"cannot read {path.name}: {error.strerror or error}"
        raise InvalidInput(Problem("MG-D250", what, fix="check the name of the file", file=path.name)) from error
    except (BadZipFile, InvalidFileException, *_BROKEN) as error:
        what = f"{path.name} is not an .xlsx workbook"
        raise InvalidInput(
            Problem("MG-D250", what, fix="save it as .xlsx, not .xls or .ods", file=path.name)
        ) from error
    if not formulas.worksheets:
        what = f"{path.name} has no sheet with cells"
        raise InvalidInput(Problem("MG-D250", what, fix="export the workbook again", file=path.name))
    first = formulas.worksheets[0]
    names = [str(cell.value).strip() if cell.value is not None else "" for cell in first[1]]
    columns = {name: number for number, name in reversed(list(enumerate(names, start=1))) if name}
    return Sheet(path.name, first.title, columns, formulas, values)


def rows_of(sheet: Sheet, problems: list[Problem]) -> Iterator[Row]:
    """Yield the rows below the column names that hold anything."""
    first = sheet.formulas.worksheets[0]
    for number, cells in enumerate(first.iter_rows(min_row=2, values_only=True), start=2):
        if any(cell is not None and str(cell).strip() for cell in cells):
            yield Row(sheet, number, problems)


def series_cells(row: Row, name: str) -> list[list[Any]] | None:
    """Return the cells of another sheet that a formula such as `=Sheet2!A1:A366` points to, else None."""
    written = row.sheet.formulas.worksheets[0].cell(row.number, row.sheet.columns[name]).value
    match = SERIES.fullmatch(written.strip()) if isinstance(written, str) else None
    if match is None:
        return None
    quoted, plain, *corners = match.groups()
    title = (quoted or plain).strip()
    if title not in row.sheet.values.sheetnames:
        row.refuse(name, "MG-D253", f"there is no sheet {title!r}", fix="point to an existing sheet")
        return []
    area = "{}{}:{}{}".format(*corners)
    return [[cell.value for cell in cells] for cells in row.sheet.values[title][area]]
