"""The list that comes with a delivery of meters: one row each, with the starting code and the key of its tokens.

Columns by name, in any order: serial, starting_code, key; and, where the maker says so, divider, restricted, extended,
count, test_code. No message repeats a code or a key.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from microgrid.errors import InvalidInput, Problem
from microgrid.files import content_of
from microgrid.switching.token_devices import proves
from microgrid.switching.tokens import HandOver, new_device

NEEDED = ("serial", "starting_code", "key")
KNOWN = (*NEEDED, "divider", "restricted", "extended", "count", "test_code")
TRUTHS = {"": False, "no": False, "false": False, "0": False, "yes": True, "true": True, "1": True}
MOST_BYTES = 10_000_000
COLUMNS = f"begin it with the line  {','.join(KNOWN)}"


def read_hand_over(path: Path) -> Sequence[HandOver]:
    """Return the meters of a maker's list; InvalidInput with every row that cannot be used, and why."""
    lines = _text(path).splitlines()
    reader = csv.DictReader(lines, delimiter=";" if lines and ";" in lines[0] else ",")
    _check_columns(path, [name.strip().lower() for name in reader.fieldnames or ()])
    reader.fieldnames = [name.strip().lower() for name in reader.fieldnames or ()]
    found: list[HandOver] = []
    problems: list[Problem] = []
    lines_of: dict[str, int] = {}
    for row in reader:
        given, wrong = _read(row)
        if given is not None and given.serial in lines_of:
            wrong.append(Problem("MG-K055", f"meter '{given.serial}' is in line {lines_of[given.serial]} already"))
        if given is not None:
            lines_of.setdefault(given.serial, reader.line_num)
            found.append(given)
        problems += [replace(each, file=path.as_posix(), line=reader.line_num) for each in wrong]
    if problems:
        raise InvalidInput(*problems)
    return found


def _text(path: Path) -> str:
    try:
        content = content_of(path)
    except OSError as error:
        raise InvalidInput(_unreadable(path, f"cannot be read: {error.strerror}")) from None
    if len(content) > MOST_BYTES:
        raise InvalidInput(_unreadable(path, f"has {len(content):,} bytes, a list has at most {MOST_BYTES:,}"))
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidInput(_unreadable(path, "is no text in UTF-8")) from None


def _unreadable(path: Path, why: str) -> Problem:
    return Problem("MG-K055", f"the list '{path.as_posix()}' {why}", fix="save it again as CSV in UTF-8")


def _check_columns(path: Path, names: Sequence[str]) -> None:
    missing = [name for name in NEEDED if name not in names]
    strange = [name for name in names if name not in KNOWN]
    if missing:
        what = f"the list '{path.as_posix()}' has no column {' and no column '.join(missing)}"
        raise InvalidInput(Problem("MG-K055", what, fix=COLUMNS))
    if strange or len(set(names)) < len(names):
        what = f"the list '{path.as_posix()}' has columns that mean nothing here, or the same one twice"
        raise InvalidInput(Problem("MG-K055", what, fix=COLUMNS))


def _read(row: Mapping[str | None, str | list[str] | None]) -> tuple[HandOver | None, list[Problem]]:
    """Return the meter of a row as far as it can be read, and what is wrong with it."""
    cells = {name: str(row.get(name) or "").strip() for name in KNOWN}
    wrong = [Problem("MG-K055", each) for each in _cell_faults(row, cells)]
    if wrong:
        return None, wrong
    given = HandOver(
        cells["serial"],
        int(cells["starting_code"]),
        cells["key"],
        int(cells["divider"] or 1),
        int(cells["count"] or 1),
        TRUTHS[cells["restricted"].lower()],
        TRUTHS[cells["extended"].lower()],
    )
    try:
        new_device(given)
    except InvalidInput as error:
        return given, list(error.problems)
    if cells["test_code"] and not proves(given, cells["test_code"]):
        what = f"the test code of meter '{given.serial}' was not made with its starting code and key"
        return given, [Problem("MG-K057", what, fix="ask the maker for the right row")]
    return given, []


def _cell_faults(row: Mapping[str | None, str | list[str] | None], cells: Mapping[str, str]) -> Iterator[str]:
    if row.get(None):
        yield "the row has more cells than the first line"
    for name in ("starting_code", "divider", "count"):
        cell = cells[name]
        is_whole = cell.isascii() and cell.isdigit() and len(cell) <= 9
        if not is_whole and (cell or name in NEEDED):
            yield f"{name} of meter '{cells['serial']}' is no whole number of 1 to 9 digits"
    for name in ("restricted", "extended"):
        if cells[name].lower() not in TRUTHS:
            yield f"{name} of meter '{cells['serial']}' is neither yes nor no"
