"""Household surveys (CSV, one row per household): which appliances people have, and how long they use them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from microgrid.errors import InvalidInput, Problem
from sim.demand.appliances import DAY_MIN, Appliance, User, window_minutes
from sim.demand.csv_table import Block, CsvTable, blocks, located, numbers, open_csv
from sim.demand.survey_columns import Asked, Questions, Role, questions_of
from sim.demand.tiers import Use, appliance_catalogue, plain_appliances, used_appliances, windows_min
from sim.demand.user_list import UserList

PROBLEMS_MAX = 20
COUNT_MAX = 60  # of one kind in one home; surveys often code "not known" as 99
POWER_MAX_W = 20_000.0
ANSWERS = {"yes": "1", "y": "1", "true": "1", "no": "0", "n": "0", "false": "0"}
LIMITS: dict[Role, tuple[float, str, str]] = {
    "count": (COUNT_MAX, "MG-D273", "leave unknown answers empty"),
    "hours": (24.0, "MG-D274", "write hours a day, 0 to 24; leave unknown answers empty"),
    "minutes": (DAY_MIN, "MG-D274", "write minutes a day, 0 to 1440; leave unknown answers empty"),
    "power_w": (POWER_MAX_W, "MG-D276", "write the power of one piece in W"),
}


@dataclass(frozen=True, slots=True)
class Owned:
    """What one household told about one appliance; None: not answered."""

    kind: str
    number: int
    hours: float | None
    power_w: float | None


@dataclass(frozen=True, slots=True)
class _Home:
    line: int
    owned: tuple[Owned, ...]
    answered: bool


def read_survey(path: Path) -> UserList:
    """Read a household survey; like households, and only identical ones, become one user.

    Powers, windows and missing hours come from the catalogue and are noted. Raises InvalidInput with every
    mistake of the file.
    """
    table = open_csv(path)
    titles = {kind: entry.title for kind, entry in appliance_catalogue().items()}
    questions = questions_of(table.header, titles, table.file, table.header_line)
    problems = list(questions.problems)
    homes = [home for block in blocks(table) for home in _homes(table, block, questions, problems)]
    problems += _repeated_households(table, questions)
    if problems:
        raise InvalidInput(*sorted(problems, key=lambda problem: problem.line)[:PROBLEMS_MAX])
    users = _users([home for home in homes if home.owned])
    if not users:
        what = "no household of the survey has an appliance"
        raise InvalidInput(Problem("MG-D278", what, fix="check the columns of the counts", file=table.file))
    notes = (*_home_notes(homes, users), *_appliance_notes(table, questions, homes), *questions.notes)
    return UserList(users, (*table.notes, *notes))


# --- rows ---


def _homes(table: CsvTable, block: Block, questions: Questions, problems: list[Problem]) -> Iterator[_Home]:
    """Yield the households of a block, adding what is wrong in their cells."""
    told = [_told(table, block, asked, problems) for asked in questions.asked]
    problems += block.problems
    for row, line in enumerate(block.lines):
        answers = [
            (asked, {role: values[row] for role, values in by_role.items()})
            for asked, by_role in zip(questions.asked, told, strict=True)
        ]
        owned = tuple(filter(None, (_owned(asked.kind, answer) for asked, answer in answers)))
        answered = any(value is not None for _, answer in answers for value in answer.values())
        problems += _half_told(table, questions, owned, line)
        yield _Home(line, owned, answered)


def _told(table: CsvTable, block: Block, asked: Asked, problems: list[Problem]) -> dict[Role, list[float | None]]:
    """Return the answers about one appliance by row, None where there is none."""
    return {role: _answers(table, block, role, column, problems) for role, column in asked.columns.items()}


def _answers(table: CsvTable, block: Block, role: Role, column: int, problems: list[Problem]) -> list[float | None]:
    cells = tuple(ANSWERS.get(cell.strip().lower(), cell) for cell in block.columns[column])
    columns = (*block.columns[:column], cells, *block.columns[column + 1 :])
    read = numbers(table, replace(block, columns=columns), column)
    problems += read.problems
    answers = [None if value != value else float(value) for value in read.values]  # noqa: PLR0124  NaN is empty
    limit, code, fix = LIMITS[role]
    for row, answer in enumerate(answers):
        if answer is None or (0.0 <= answer <= limit and (role != "count" or answer == int(answer))):
            continue
        what = f"{answer:g} in column {table.header[column]!r} is not a possible {_word(role)}"
        problems.append(located(table, Problem(code, what, fix=fix), block.lines[row], column))
    return answers


def _word(role: Role) -> str:
    return {"count": "number of pieces", "hours": "time", "minutes": "time", "power_w": "power"}[role]


def _owned(kind: str, answer: dict[Role, float | None]) -> Owned | None:
    """Return what a household has of one kind, None when it has none or does not use it."""
    hours, minutes = answer.get("hours"), answer.get("minutes")
    if hours is None and minutes is not None:
        hours = minutes / 60.0
    count = answer.get("count")
    if "count" not in answer:  # only hours were asked: who uses one has one
        count = 1.0 if hours else 0.0
    if not count or hours == 0.0:
        return None
    return Owned(kind, int(count), hours, answer.get("power_w"))


def _half_told(table: CsvTable, questions: Questions, owned: Sequence[Owned], line: int) -> Iterator[Problem]:
    """Yield what is missing about appliances that are not in the catalogue."""
    for own in owned:
        if own.kind in appliance_catalogue() or (own.power_w and own.hours is not None):
            continue
        asked = next(asked for asked in questions.asked if asked.kind == own.kind)
        what = f"the power or the hours of {own.kind!r} are missing"
        why = "the catalogue does not have this appliance, so there is nothing to assume"
        problem = Problem("MG-D279", what, why, f"fill in {own.kind}_power_w and {own.kind}_hours")
        yield located(table, problem, line, min(asked.columns.values()))


def _repeated_households(table: CsvTable, questions: Questions) -> list[Problem]:
    """Name rows whose household was in an earlier row."""
    if questions.household < 0:
        return []
    first: dict[str, int] = {}
    found = []
    for block in blocks(table):
        for line, cell in zip(block.lines, block.columns[questions.household], strict=True):
            if cell.strip() and first.setdefault(cell.strip(), line) != line:
                what = f"household {cell.strip()!r} is also in row {first[cell.strip()]}"
                problem = Problem("MG-D277", what, fix="keep the row that holds")
                found.append(located(table, problem, line, questions.household))
    return found[:PROBLEMS_MAX]


# --- users ---


def _users(homes: Sequence[_Home]) -> tuple[User, ...]:
    """Return one user for each distinct list of appliances, named by it, so that rows may come in any order."""
    counts = Counter(home.owned for home in homes)
    return tuple(
        User(f"survey: {', '.join(map(_text, owned))}", count, _appliances(owned)) for owned, count in counts.items()
    )


def _text(owned: Owned) -> str:
    hours = "" if owned.hours is None else f" {owned.hours:g} h"
    power = "" if owned.power_w is None else f" {owned.power_w:g} W"
    return f"{owned.number} {owned.kind}{power}{hours}"


def _appliances(home: Sequence[Owned]) -> tuple[Appliance, ...]:
    return tuple(piece for owned in home for piece in _pieces(owned))


def _pieces(owned: Owned) -> tuple[Appliance, ...]:
    """Return the appliances of one kind; what was not told is as usual for the kind."""
    usual = appliance_catalogue().get(owned.kind)
    if usual is None:
        hours, power_w = owned.hours or 0.0, owned.power_w or 0.0
        return plain_appliances(owned.kind, owned.number, power_w, hours, ((0, DAY_MIN),))
    windows = usual.windows
    if owned.hours is not None:
        windows = _as_text(widened(windows_min(usual.windows), round(60 * owned.hours)))
    often = None if owned.hours is None else 1.0  # hours of a survey are those of a mean day
    use = {"kind": owned.kind, "number": owned.number, "power_w": owned.power_w, "hours_per_day": owned.hours}
    return used_appliances((Use.model_validate({**use, "windows": windows, "occasional_use": often}),), ())


def widened(windows: tuple[tuple[int, int], ...], minutes: int) -> tuple[tuple[int, int], ...]:
    """Return windows that hold so many minutes a day: each grown alike at both ends, joined where they meet."""
    grown = windows
    while window_minutes(grown) < min(minutes, DAY_MIN):
        spans = [(max(0, start - 15), min(DAY_MIN, end + 15)) for start, end in grown]
        joined = [spans[0]]
        for start, end in spans[1:]:
            if start <= joined[-1][1]:
                joined[-1] = (joined[-1][0], end)
            else:
                joined.append((start, end))
        grown = tuple(joined)
    return grown


def _as_text(windows: tuple[tuple[int, int], ...]) -> tuple[str, ...]:
    return tuple(f"{start // 60:02d}:{start % 60:02d}-{end // 60:02d}:{end % 60:02d}" for start, end in windows)


# --- notes ---


def _home_notes(homes: Sequence[_Home], users: Sequence[User]) -> tuple[str, ...]:
    kept = sum(user.count for user in users)
    silent = [home.line for home in homes if not home.answered]
    empty = [home.line for home in homes if home.answered and not home.owned]
    notes = [f"survey of {len(homes)} households: {kept} with appliances, priority standard"]
    if silent:
        notes.append(f"no answer on any appliance, left out: {_rows(silent)}")
    if empty:
        notes.append(f"none of the appliances asked for, left out: {_rows(empty)}")
    return tuple(notes)


def _rows(lines: Sequence[int]) -> str:
    shown = ", ".join(map(str, lines[:10])) + (", ..." if len(lines) > 10 else "")
    return f"{len(lines)} household{'s' if len(lines) > 1 else ''} (row {shown})"


def _appliance_notes(table: CsvTable, questions: Questions, homes: Sequence[_Home]) -> Iterator[str]:
    """Yield, for each appliance, where its number, power, hours and windows come from."""
    for asked in questions.asked:
        owned = [(home.line, own) for home in homes for own in home.owned if own.kind == asked.kind]
        names = ", ".join(repr(table.header[column]) for column in asked.columns.values())
        yield "; ".join([f"{asked.kind}: from {names}", *_assumed(asked, owned)])


def _assumed(asked: Asked, owned: Sequence[tuple[int, Owned]]) -> Iterator[str]:
    usual = appliance_catalogue().get(asked.kind)
    if usual is None:
        yield "not in the catalogue: it may run all day"
        return
    without_power = [line for line, own in owned if own.power_w is None]
    without_hours = [line for line, own in owned if own.hours is None]
    if without_power:
        yield f"{usual.power_w:g} W from the catalogue for {_rows(without_power)}"
    if without_hours:
        yield f"{usual.hours_per_day:g} h a day from the catalogue for {_rows(without_hours)}"
    if "count" not in asked.columns:
        yield "one each, since only hours were asked"
    yield f"windows {', '.join(usual.windows)} from the catalogue"
    open_min = window_minutes(windows_min(usual.windows))
    long = [line for line, own in owned if own.hours is not None and 60 * own.hours > open_min]
    if long:
        yield f"widened, since used longer, for {_rows(long)}"
