"""Tables people export as CSV: any usual separator, decimal comma and encoding, read in blocks of rows.

The file is read once, front to back, and never changed; what had to be guessed about it is kept as notes.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from microgrid.errors import InvalidInput, Problem
from microgrid.files import content_of

FloatArray = npt.NDArray[np.float64]
SEPARATORS = ",;\t|"
SEPARATOR_NAMES = {";": "semicolons", "\t": "tabs", "|": "bars"}
PROBLEMS_MAX = 20
TOP_LINES = 30  # in which the column names are looked for
BLOCK_ROWS = 20_000
EMPTY = frozenset({"", "na", "n/a", "nan", "null", "none", "-"})


@dataclass(frozen=True, slots=True, eq=False)
class CsvTable:
    """The text of a CSV file and how it is built; `blocks` gives its rows."""

    path: Path
    text: str
    separator: str
    header: tuple[str, ...]
    header_line: int
    notes: tuple[str, ...]

    @property
    def file(self) -> str:
        """Return the name of the file as it is shown in messages."""
        return self.path.name


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Some rows after each other: their line numbers and, for each column of the header, their texts."""

    lines: Sequence[int]
    columns: tuple[tuple[str, ...], ...]
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Numbers:
    """The numbers of one column of a block, NaN where a cell is empty."""

    values: FloatArray
    has_decimal_comma: bool = False
    problems: tuple[Problem, ...] = ()


def open_csv(path: Path) -> CsvTable:
    """Read a CSV file and its header; raise InvalidInput when there is no table in it."""
    text, notes = _text(path)
    lines = ((number, line) for number, line in enumerate(io.StringIO(text), start=1) if _is_row(line))
    top = list(islice(lines, TOP_LINES))
    if not top:
        what = f"{path.name} is empty"
        raise InvalidInput(Problem("MG-D201", what, fix="export the data again", file=path.name))
    number, first = _header_line(top)
    separator = max(SEPARATORS, key=first.count)
    table = CsvTable(path, text, separator, (), number - 1, notes)
    (header_line, *_), (cells, *_) = next(_raw_blocks(table))
    header = tuple(cell.strip() for cell in cells)
    while len(header) > 1 and not header[-1]:  # a separator at the end of each line
        header = header[:-1]
    table = replace(table, header=header, header_line=header_line)
    if next(blocks(table), None) is None:
        what = f"{path.name} has column names only, no rows of data"
        raise InvalidInput(Problem("MG-D202", what, fix="export the data again", file=path.name, line=number))
    if number > top[0][0]:
        notes += (f"column names are taken from line {number}; the lines above are left out",)
    if separator != ",":
        notes += (f"columns are separated by {SEPARATOR_NAMES[separator]}",)
    return replace(table, notes=notes)


def _header_line(top: list[tuple[int, str]]) -> tuple[int, str]:
    """Return the line of the column names: the first one, or below a title the first one with separators."""
    if any(separator in top[0][1] for separator in SEPARATORS):
        return top[0]
    return next((line for line in top if any(separator in line[1] for separator in SEPARATORS)), top[0])


def blocks(table: CsvTable) -> Iterator[Block]:
    """Yield the rows of a table in blocks; rows with too few or too many cells come as problems."""
    for lines, rows in _raw_blocks(table):
        block = _block(table, rows, lines)
        if block.lines or block.problems:
            yield block


def numbers(table: CsvTable, block: Block, column: int) -> Numbers:
    """Read a column of a block as numbers; what is no number is a problem with its line and column."""
    cells = block.columns[column]
    try:
        values = np.fromiter(map(float, cells), dtype=np.float64, count=len(cells))
    except ValueError:
        return _careful_numbers(table, block, column)
    return Numbers(values) if np.isfinite(values).all() else _careful_numbers(table, block, column)


def located(table: CsvTable, problem: Problem, line: int, column: int) -> Problem:
    """Return a problem with the place, in characters, of a cell of a line (columns counted from 0)."""
    source = table.text.split("\n", line)[line - 1].rstrip("\r")
    cells = source.split(table.separator)
    before = sum(len(cell) + 1 for cell in cells[:column])
    cell = cells[column] if column < len(cells) else ""
    indent = len(cell) - len(cell.lstrip())
    place = before + indent + 1 if '"' not in source else 0
    return replace(problem, file=table.file, line=line, column=place, source=source, width=max(1, len(cell.strip())))


def _text(path: Path) -> tuple[str, tuple[str, ...]]:
    """Return the text of a file in the encodings spreadsheets write."""
    try:
        data = content_of(path)
    except OSError as error:
        what = f"cannot read {path.name}: {error.strerror or error}"
        raise InvalidInput(Problem("MG-D200", what, fix="check the name of the file", file=path.name)) from error
    if data.startswith(b"PK"):
        what = f"{path.name} is a workbook or an archive, not a CSV file"
        fix = "open it in a spreadsheet program and save it as CSV"
        raise InvalidInput(Problem("MG-D200", what, fix=fix, file=path.name))
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _unix(data.decode("utf-16", errors="replace")), ("text is UTF-16",)
    try:
        return _unix(data.decode("utf-8-sig")), ()
    except UnicodeDecodeError:
        return _unix(data.decode("cp1252", errors="replace")), ("text is not UTF-8 and was read as Windows-1252",)


def _unix(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")


def _is_row(line: str) -> bool:
    return bool(line.strip(SEPARATORS + " \n")) and not line.startswith(("#", "sep="))


def _raw_blocks(table: CsvTable) -> Iterator[tuple[Sequence[int], list[list[str]]]]:
    """Yield line numbers and cells of everything below the header, empty lines and comments included."""
    stream = io.StringIO(table.text)
    for _ in range(table.header_line):
        stream.readline()
    reader = csv.reader(stream, delimiter=table.separator)
    try:
        if '"' in table.text:  # a quoted cell may run over several lines
            numbered = ((table.header_line + reader.line_num, row) for row in reader)
            while block := list(islice(numbered, BLOCK_ROWS)):
                yield [line for line, _ in block], [row for _, row in block]
        while rows := list(islice(reader, BLOCK_ROWS)):
            end = table.header_line + reader.line_num
            yield range(end - len(rows) + 1, end + 1), rows
    except csv.Error as error:
        what = f"the row cannot be split into cells: {error}"
        line = table.header_line + reader.line_num
        fix = "look for a quotation mark that is never closed"
        raise InvalidInput(Problem("MG-D203", what, fix=fix, file=table.file, line=line)) from error


def _block(table: CsvTable, rows: list[list[str]], lines: Sequence[int]) -> Block:
    """Sort the rows of a block into columns, and set aside what is no row of the table."""
    width = len(table.header)
    if set(map(len, rows)) == {width}:
        columns = tuple(zip(*rows, strict=True))
        if all(columns[0]) and not any(cell[0] in "# " for cell in columns[0]):
            return Block(lines, columns, ())
    is_row = [any(map(str.strip, row)) and not row[0].startswith("#") for row in rows]
    fits = [len(row) >= width and not any(map(str.strip, row[width:])) for row in rows]
    whole = [number for number, row in enumerate(rows) if is_row[number] and fits[number]]
    ragged = [number for number, row in enumerate(rows) if is_row[number] and not fits[number]]
    return Block(
        [lines[number] for number in whole],
        tuple(zip(*(rows[number][:width] for number in whole), strict=True)) or ((),) * width,
        tuple(_ragged(table, rows[number], lines[number]) for number in ragged[:PROBLEMS_MAX]),
    )


def _ragged(table: CsvTable, row: Sequence[str], line: int) -> Problem:
    too_many = len(row) > len(table.header)
    return Problem(
        code="MG-D203",
        what=f"the row has {len(row)} cells, the header has {len(table.header)}",
        why="a decimal comma looks like a separator" if too_many and table.separator == "," else "",
        fix="export with decimal points, or with ; between columns" if too_many else "complete or remove the row",
        file=table.file,
        line=line,
    )


def _careful_numbers(table: CsvTable, block: Block, column: int) -> Numbers:
    """Read a column with empty cells, decimal commas or mistakes."""
    values = np.full(len(block.lines), np.nan)
    problems: list[Problem] = []
    has_comma = False
    for row, cell in enumerate(block.columns[column]):
        text = cell.strip()
        if text.lower() in EMPTY:
            continue
        if table.separator != "," and "," in text:
            has_comma, text = True, text.replace(",", ".")
        value = _float(text)
        if value is None:
            problems.append(_no_number(table, block.lines[row], column, cell))
        else:
            values[row] = value
        if len(problems) == PROBLEMS_MAX:
            break
    return Numbers(values, has_comma, tuple(problems))


def _float(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if abs(value) < float("inf") else None


def _no_number(table: CsvTable, line: int, column: int, cell: str) -> Problem:
    problem = Problem(
        code="MG-D204",
        what=f"{cell.strip()!r} in column {table.header[column]!r} is not a number",
        fix="write 1234.5, without thousands separator and without unit; leave unknown values empty",
    )
    return located(table, problem, line, column)
