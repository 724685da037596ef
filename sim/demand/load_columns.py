"""What the columns of a load file are: time, site total, one per class or one per meter, and their units."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from microgrid.errors import Problem
from sim.quantities import PRIORITIES

Kind = Literal["total", "class", "meter"]
Unit = Literal["w", "kw", "mw", "wh", "kwh"]

TIME_NAMES = frozenset(
    {
        "time",
        "timestamp",
        "datetime",
        "date_time",
        "date",
        "local_time",
        "time_local",
        "utc",
        "time_utc",
        "utc_time",
    }
    | {"timestamp_utc", "datetime_utc", "period_start", "start", "start_time", "zeit", "heure", "hora"}
)
TOTAL_NAMES = frozenset(
    {
        "load",
        "total",
        "demand",
        "power",
        "site",
        "consumption",
        "energy",
        "site_total",
        "total_load",
        "site_load",
    }
)
IGNORED_NAMES = frozenset({"", "index", "row", "id", "no", "number", "hour", "step", "unnamed_0", "hour_of_year"})
NAMES_FIX = "put column names first, such as  time,load_kw  or  time,critical_kw,standard_kw,deferrable_kw"
WATTS: dict[Unit, float] = {"w": 1.0, "kw": 1e3, "mw": 1e6, "wh": 1.0, "kwh": 1e3}


@dataclass(frozen=True, slots=True)
class LoadColumn:
    """One column of power: where it stands, its unit, and whom it is about (priority 0 to 2)."""

    index: int
    name: str
    unit: Unit
    kind: Kind
    priority: int

    @property
    def is_energy(self) -> bool:
        """Tell whether the cells are energy per step rather than power."""
        return self.unit in {"wh", "kwh"}


@dataclass(frozen=True, slots=True)
class Layout:
    """How to read a load file: `time` are the columns that make up the time, none when rows have no time."""

    time: tuple[int, ...]
    is_utc: bool
    loads: tuple[LoadColumn, ...]
    notes: tuple[str, ...]
    problems: tuple[Problem, ...]


def layout_of(header: tuple[str, ...], has_numbers: tuple[bool, ...], file: str, line: int) -> Layout:
    """Read the meaning of a load file out of its column names.

    `has_numbers` tells for each column whether its first cells hold any number; a column of text alone, such
    as remarks, is left out and noted. A meter belongs to the class its name holds (`shop_3_deferrable_kw`),
    else to standard.
    """
    if any(map(_is_number, header)):
        return Layout((), is_utc=False, loads=(), notes=(), problems=(_no_names(header, file, line),))
    names = [_plain(name) for name in header]
    time = _time_columns(names)
    if not time and not has_numbers[0] and _unit(names[0]) is None:
        time = (0,)  # an index without a name, or a time in another language
    others = [index for index in range(len(header)) if index not in time]
    kept = [
        index for index in others if _unit(names[index]) or (has_numbers[index] and names[index] not in IGNORED_NAMES)
    ]
    left = [header[index] or f"column {index + 1}" for index in others if index not in kept]
    loads, problems = [], []
    for index in kept:
        load = _load_column(index, header[index], names[index])
        if load is None:
            problems.append(_without_unit(header[index], file, line))
        else:
            loads.append(load)
    notes = (f"left out: {', '.join(left)}",) if left else ()
    problems += _mixed(loads, file, line) + _repeated([names[load.index] for load in loads], file, line)
    if not loads and not problems:
        problems.append(_no_load(header, file, line))
    is_utc = any("utc" in names[index].split("_") for index in time)
    return Layout(time, is_utc, tuple(loads), notes, tuple(problems))


def _plain(name: str) -> str:
    """Return a column name in one spelling: `Load (kW)` is `load_kw`."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def _time_columns(names: list[str]) -> tuple[int, ...]:
    """Return the column of the time, or those of date and time of day."""
    if "date" in names and "time" in names:
        return names.index("date"), names.index("time")
    return tuple(index for index, name in enumerate(names) if name in TIME_NAMES)[:1]


def _load_column(index: int, written: str, name: str) -> LoadColumn | None:
    """Return what a column of numbers means, None when its name has no unit."""
    unit = _unit(name)
    if unit is None:
        return None
    base = name.removesuffix(unit).rstrip("_") or "load"
    words = base.split("_")
    classes = [number for number, priority in enumerate(PRIORITIES) if priority in words]
    priority = classes[0] if classes else PRIORITIES.index("standard")
    rest = "_".join(word for word in words if word not in PRIORITIES)
    kind: Kind = "meter"
    if classes and rest in TOTAL_NAMES | {""}:
        kind = "class"
    elif base in TOTAL_NAMES:
        kind = "total"
    return LoadColumn(index, written, unit, kind, priority)


def _unit(name: str) -> Unit | None:
    """Return the unit a column name ends with."""
    last = name.rpartition("_")[2]
    return next((unit for unit in WATTS if unit == last), None)


def _is_number(cell: str) -> bool:
    return re.fullmatch(r"[-+]?[0-9]+([.,][0-9]*)?([eE][-+]?[0-9]+)?", cell) is not None


def _without_unit(name: str, file: str, line: int) -> Problem:
    base = _plain(name) or "load"
    return Problem(
        code="MG-D205",
        what=f"column {name!r} has no unit",
        why="the same numbers could be W, kW or kWh: a factor of a thousand",
        fix=f"rename it {base}_kw (or {base}_w, or {base}_kwh for energy in each step), or remove it",
        file=file,
        line=line,
    )


def _mixed(loads: list[LoadColumn], file: str, line: int) -> list[Problem]:
    kinds = sorted({load.kind for load in loads})
    if len(kinds) < 2:
        return []
    words = {"total": "a site total", "class": "a priority class", "meter": "a single meter"}
    examples = [next(load for load in loads if load.kind == kind) for kind in kinds]
    told = " and ".join(f"{load.name!r} is {words[load.kind]}" for load in examples)
    return [
        Problem(
            code="MG-D206",
            what=f"column {told}",
            why="adding them up would count the same energy twice",
            fix="keep the site total, or the classes, or the meters",
            file=file,
            line=line,
        )
    ]


def _repeated(names: list[str], file: str, line: int) -> list[Problem]:
    twice = sorted({name for name in names if names.count(name) > 1})
    return [
        Problem("MG-D207", f"there are two columns {name!r}", fix="rename one of them", file=file, line=line)
        for name in twice
    ]


def _no_load(header: tuple[str, ...], file: str, line: int) -> Problem:
    why = f"the first line reads: {', '.join(header)[:80]}"
    return Problem("MG-D208", "there is no column of loads", why, NAMES_FIX, file, line)


def _no_names(header: tuple[str, ...], file: str, line: int) -> Problem:
    why = f"the first line reads: {', '.join(header)[:80]}"
    return Problem("MG-D208", "the first line holds numbers, not column names", why, NAMES_FIX, file, line)
