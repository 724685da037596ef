"""Commands about customers beside adding them: find, import, numbers, lines of a grid, rows of meters set aside."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import typer

from microgrid import actions, importing, metering, people
from microgrid.api.bodies import plain
from microgrid.cli.operating import actor
from microgrid.cli.output import talk, write_json
from microgrid.cli.serving import open_core
from microgrid.customers.households import COLUMNS, REQUIRED
from microgrid.customers.records import Feeder
from microgrid.errors import InvalidInput, Problem, as_json
from microgrid.importing import Line

FILE_MAX = 20_000_000  # bytes: a hundred thousand customers
BAD_INPUT = 2


def find(folder: Path, text: str) -> None:
    """Show who may be meant by a text."""
    found = people.find(open_core(folder), text)
    if not found:
        talk(f"nobody is known by '{text}', nor by anything near to it")
    write_json("microgrid.customers/1", {"customers": plain(found)})


def import_file(folder: Path, file: Path, *, dry_run: bool) -> None:
    """Add the customers of a CSV file, all of them or none."""
    lines = read_lines(file)
    done = importing.import_customers(open_core(folder), lines, file.as_posix(), actor(), write=not dry_run)
    for problem in done.refused:
        talk(str(problem))
    refused = len({problem.line for problem in done.refused})
    said = "" if done.written else "; nothing was written" + (", as it was only tried" if dry_run else "")
    talk(f"{done.new} new, {done.known} known, {refused} refused{said}")
    counts = {"new": done.new, "known": done.known, "written": done.written}
    write_json("microgrid.import/1", {**counts, "refused": [as_json(problem) for problem in done.refused]})
    if done.refused:
        raise typer.Exit(BAD_INPUT)


def add_phone(folder: Path, customer: str, number: str) -> None:
    """Add a number a customer is known by."""
    write_json("microgrid.phone/1", {"phone": plain(people.add_phone(open_core(folder), customer, number, actor()))})


def end_phone(folder: Path, phone: str) -> None:
    """Note that a number is no longer its customer's."""
    write_json("microgrid.phone/1", {"phone": plain(people.end_phone(open_core(folder), phone, actor()))})


def add_feeder(folder: Path, feeder: Feeder) -> None:
    """Add a line from the powerhouse."""
    write_json("microgrid.feeder/1", {"feeder": plain(actions.add_feeder(open_core(folder), feeder, actor()))})


def set_aside(folder: Path, reading: str, why: str) -> None:
    """Set a row of a meter aside."""
    aside = metering.set_reading_aside(open_core(folder), reading, why, actor())
    write_json("microgrid.aside/1", {"aside": plain(aside)})


def list_aside(folder: Path, meter: str, after: str) -> None:
    """Show the rows of a meter that are kept aside."""
    page = metering.rows_aside(open_core(folder), meter, after, 100)
    write_json("microgrid.asides/1", {"asides": plain(page.items), "next": page.next})


def read_lines(file: Path) -> Sequence[Line]:
    """Return the lines of a CSV file by the names of its columns; InvalidInput when they are not those we know."""
    text = _text_of(file)
    separator = ";" if text.partition("\n")[0].count(";") > text.partition("\n")[0].count(",") else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        rows = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        what = f"this is not CSV: {error}"
        raise InvalidInput(Problem("MG-A030", what, file=file.as_posix(), line=reader.line_num)) from None
    if not rows:
        raise InvalidInput(Problem("MG-A030", f"'{file.as_posix()}' is empty", fix=f"begin with {','.join(REQUIRED)}"))
    names = [name.strip() for name in rows[0][1]]
    problems = [*_of_columns(names), *_of_widths(names, rows[1:])]
    if problems:
        raise InvalidInput(*(_in_file(problem, file) for problem in problems))
    return [Line(number, dict(zip(names, row, strict=True))) for number, row in rows[1:]]


def _text_of(file: Path) -> str:
    try:
        if file.stat().st_size > FILE_MAX:
            what = f"'{file.as_posix()}' is larger than {FILE_MAX // 1_000_000} MB"
            raise InvalidInput(Problem("MG-A030", what, fix="import it in parts"))
        return file.read_text(encoding="utf-8-sig")
    except OSError as error:
        what = f"'{file.as_posix()}' cannot be read: {(error.strerror or str(error)).lower()}"
        raise InvalidInput(Problem("MG-A030", what, fix="check its name and who may read it")) from None
    except UnicodeDecodeError:
        what = f"'{file.as_posix()}' is not UTF-8 text"
        raise InvalidInput(Problem("MG-A030", what, fix="save it as CSV in UTF-8")) from None


def _of_columns(names: Sequence[str]) -> Sequence[Problem]:
    strange = [name for name in names if name not in COLUMNS]
    missing = [name for name in REQUIRED if name not in names]
    twice = sorted({name for name in names if names.count(name) > 1 and name not in strange})
    fix = f"the columns are {', '.join(COLUMNS)}"
    told = {"there is no column": strange, "this column is missing:": missing, "this column is there twice:": twice}
    return [Problem("MG-A030", f"{what} '{name[:40]}'", fix=fix, line=1) for what in told for name in told[what]]


def _of_widths(names: Sequence[str], rows: Sequence[tuple[int, list[str]]]) -> Sequence[Problem]:
    fix = "put quotes around a cell that holds the separator"
    return [
        Problem("MG-A030", f"this line has {len(row)} cells, the first line has {len(names)}", fix=fix, line=number)
        for number, row in rows
        if len(row) != len(names)
    ]


def _in_file(problem: Problem, file: Path) -> Problem:
    return Problem(problem.code, problem.what, problem.why, problem.fix, file.as_posix(), problem.line)
