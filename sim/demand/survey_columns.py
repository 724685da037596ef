"""What the columns of a household survey are: how many of which appliance, how long, and how strong.

Survey tools (KoboToolbox, ODK) put the names of groups before a question's name, such as
`appliances/tv_count`; only the last part counts. Names of appliances are those of the catalogue, its titles, or
everyday words for them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Literal

from microgrid.errors import Problem

Role = Literal["count", "hours", "minutes", "power_w"]

EVERYDAY_WORDS = {
    "bulb": "led_bulb", "light": "led_bulb", "light_bulb": "led_bulb", "lamp": "led_bulb", "led": "led_bulb",
    "outdoor_bulb": "security_light", "outside_light": "security_light",
    "mobile": "phone", "mobile_phone": "phone", "cell_phone": "phone", "cellphone": "phone", "smartphone": "phone",
    "television": "tv", "refrigerator": "fridge", "dvd_player": "dvd", "music_system": "stereo",
    "pc": "computer", "desktop": "computer", "notebook": "laptop", "blender": "mixer", "wifi": "router",
    "air_conditioning": "air_conditioner", "ac": "air_conditioner", "hotplate": "hot_plate",
    "electric_iron": "iron", "electric_kettle": "kettle", "water_pump": "house_pump",
}  # fmt: skip
ID_NAMES = frozenset(
    {"household_id", "hh_id", "household", "house_id", "home_id", "customer_id", "id", "uuid", "instanceid"}
)
_MANY = "(?:number|num|no|count|qty|quantity|how_many)"
_TIME = "(?:_(?:used|use))?(?:_(?:per|a|each))?(?:_?day|_daily)?"
_ROLES: tuple[tuple[Role, re.Pattern[str]], ...] = (
    ("power_w", re.compile(r"(.+?)(?:_power|_rated)?_(?:w|watt|watts)")),
    ("hours", re.compile(rf"(?:daily_)?(?:hours|hrs)(?:_of)?_(.+?){_TIME}|(.+?)_(?:daily_)?(?:hours?|hrs?|h){_TIME}")),
    ("minutes", re.compile(rf"(?:daily_)?minutes(?:_of)?_(.+?){_TIME}|(.+?)_(?:daily_)?(?:minutes?|mins?){_TIME}")),
    ("count", re.compile(rf"{_MANY}(?:_of)?_(.+)|(.+?)_(?:{_MANY}|owned|n)")),
)


@dataclass(frozen=True, slots=True)
class Asked:
    """The columns of one appliance: `kind` of the catalogue, or a name of the survey's own with its power."""

    kind: str
    columns: dict[Role, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Questions:
    """What a survey asked: the column of the household's name (-1: none) and those of its appliances."""

    household: int
    asked: tuple[Asked, ...]
    notes: tuple[str, ...]
    problems: tuple[Problem, ...]


def questions_of(header: tuple[str, ...], titles: Mapping[str, str], file: str, line: int) -> Questions:
    """Sort the columns of a survey; `titles` are the catalogue's appliances with their titles.

    A column that counts something the catalogue does not know is left out and noted (rooms, children), unless
    it comes close to an appliance or also has hours: then it is a mistake, since leaving it out would lose load.
    """
    known = _words(titles)
    parts = [_role(plain(name)) for name in header]
    household = next((column for column, (_, base) in enumerate(parts) if base in ID_NAMES), -1)
    found: dict[str, Asked] = {}
    unknown: dict[str, Asked] = {}
    problems: list[Problem] = []
    for column, (role, base) in enumerate(parts):
        kind = known.get(base) or known.get(_singular(base))
        if column == household or (kind is None and role is None):
            continue
        asked = (found if kind else unknown).setdefault(kind or base, Asked(kind or base))
        other = asked.columns.setdefault(role or "count", column)
        if other != column:
            problems.append(_twice(header[other], header[column], kind or base, file, line))
    own = {base: asked for base, asked in unknown.items() if asked.columns.keys() >= {"power_w", "count"}}
    for base, asked in unknown.items():
        if base not in own and (mistake := _unknown(base, asked, header, known, file, line)):
            problems.append(mistake)
    used = {column for asked in (*found.values(), *own.values()) for column in asked.columns.values()}
    left = [name for column, name in enumerate(header) if column not in used | {household}]
    notes = (f"columns left out: {', '.join(left)}",) if left else ()
    if not used and not problems:
        problems.append(_no_appliance(file, line, titles))
    return Questions(household, (*found.values(), *own.values()), notes, tuple(problems))


def plain(name: str) -> str:
    """Return the last part of a column name in one spelling: `appliances/TV count` is `tv_count`."""
    last = re.split(r"[/:.]|(?<=[a-z0-9])-(?=[a-z])", name.strip())[-1]
    return re.sub(r"[^a-z0-9]+", "_", last.lower()).strip("_")


def _role(name: str) -> tuple[Role | None, str]:
    """Return what a column tells, and about what; a bare name tells no role."""
    for role, pattern in _ROLES:
        if match := pattern.fullmatch(name):
            return role, next(group for group in match.groups() if group)
    return None, name


def _words(titles: Mapping[str, str]) -> dict[str, str]:
    """Return every name an appliance goes by."""
    named = {plain(title): kind for kind, title in titles.items()} | {kind: kind for kind in titles}
    return {word: kind for word, kind in EVERYDAY_WORDS.items() if kind in titles} | named


def _singular(word: str) -> str:
    return word.removesuffix("es") if word.endswith(("shes", "ches")) else word.removesuffix("s")


def _unknown(
    base: str, asked: Asked, header: tuple[str, ...], known: Mapping[str, str], file: str, line: int
) -> Problem | None:
    """Return a mistake when a column is about an appliance, or nearly one, that the catalogue does not have."""
    near = get_close_matches(_singular(base), known, n=1, cutoff=0.75)
    near += [word for word in map(_singular, base.split("_")) if word in known]
    if not near and asked.columns.keys() == {"count"}:
        return None
    column = min(asked.columns.values())
    guess = f"rename it {known[near[0]]}_{'_'.join(_ending(asked))}" if near else "take a name of the catalogue"
    return Problem(
        code="MG-D272",
        what=f"{base!r} in column {header[column]!r} is not an appliance of the catalogue",
        why="leaving it out would lose load",
        fix=f"{guess}, or add columns {base}_power_w and {base}_hours, or remove the column",
        file=file,
        line=line,
    )


def _ending(asked: Asked) -> tuple[str, ...]:
    return (min(asked.columns, key=lambda role: asked.columns[role]),)


def _twice(first: str, second: str, kind: str, file: str, line: int) -> Problem:
    return Problem(
        code="MG-D275",
        what=f"columns {first!r} and {second!r} are both about {kind!r}",
        fix="add them up in one column, or remove one",
        file=file,
        line=line,
    )


def _no_appliance(file: str, line: int, titles: Mapping[str, str]) -> Problem:
    return Problem(
        code="MG-D271",
        what="no column is about an appliance",
        fix=f"name columns such as led_bulb_count, led_bulb_hours; the catalogue has {', '.join(titles)}",
        file=file,
        line=line,
    )
