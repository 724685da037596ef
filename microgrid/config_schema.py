"""What a file's JSON schema says about one place: which keys, which kind of value, between which bounds."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from typing import Any

from microgrid.config_document import KEY, Location

Schema = dict[str, Any]  # a JSON schema is a dictionary of anything; it never leaves the config modules

_KINDS = {
    "number": "a number",
    "integer": "a whole number",
    "string": "text",
    "boolean": "true or false",
    "array": "a list",
    "object": "a section of keys",
}
UNITS = frozenset({"w", "kw", "mw", "wh", "kwh", "mwh", "m", "km", "c", "k", "deg", "h", "min", "s"})
UNITS |= {"fraction", "year", "years", "month", "day", "litre", "kg"}


def at(schema: Schema, location: Location) -> Schema:
    """Return the part of a schema that describes one place; an empty one where the file may not go."""
    part = _resolved(schema, schema)
    for name in location:
        if name != KEY:
            steps = (_step(schema, choice, name) for choice in alternatives(schema, part))
            part = next((step for step in steps if step is not None), part)
    return part


def alternatives(schema: Schema, part: Schema) -> list[Schema]:
    """Return the kinds of value a place allows, one schema each; `null` is left out."""
    choices = part.get("anyOf") or part.get("oneOf") or [part]
    resolved = (_resolved(schema, choice) for choice in choices)
    return [choice for choice in resolved if choice.get("type") != "null"]


def keys(schema: Schema, part: Schema) -> dict[str, bool]:
    """Return the keys allowed in a section, and whether each is required."""
    found: dict[str, bool] = {}
    for choice in alternatives(schema, part):
        required = choice.get("required", ())
        found.update({name: name in required for name in choice.get("properties", {})})
        found.update(dict.fromkeys(choice.get("propertyNames", {}).get("enum", ()), False))
    return found


def kind(schema: Schema, part: Schema) -> str:
    """Return in words what a place takes, such as 'a number or a list'."""
    return " or ".join(dict.fromkeys(_kinds(alternatives(schema, part)))) or "something else"


def choices(schema: Schema, part: Schema) -> tuple[str, ...]:
    """Return the words or numbers a place allows, none when it is not a choice."""
    found: list[object] = []
    for choice in alternatives(schema, part):
        found += choice.get("enum", [choice["const"]] if "const" in choice else [])
    return tuple(str(value) for value in found)


def bounds(schema: Schema, part: Schema) -> tuple[str, Schema]:
    """Return in words between which bounds a number must lie, and the schema that says so."""
    names = ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum")
    for choice in alternatives(schema, part):
        if any(name in choice for name in names):
            return _between(*(choice.get(name) for name in names)), choice
    return "in range", {}


def nearest(word: str, candidates: Iterable[str]) -> str:
    """Return the candidate a person most likely meant, empty when none is near."""
    plain = {re.sub(r"[^a-z0-9]", "", name.lower()): name for name in candidates}
    asked = re.sub(r"[^a-z0-9]", "", word.lower())
    if asked in plain:
        return plain[asked]
    near = difflib.get_close_matches(asked, plain, n=1, cutoff=0.65)
    longer = [name for name in plain if len(asked) >= 3 and name.startswith(asked)]
    found = near or (longer if len(longer) == 1 else [])
    return plain[found[0]] if found else ""


def surely(word: str, near: str) -> bool:
    """Tell whether a word is so near to another that a program may replace it: a letter or two, or its start."""
    asked, meant = (re.sub(r"[^a-z0-9]", "", name.lower()) for name in (word, near))
    alike = difflib.SequenceMatcher(None, asked, meant).ratio() >= 0.75
    return bool(asked) and (alike or (len(asked) >= 3 and meant.startswith(asked)))


def same_unit(one: str, other: str) -> bool:
    """Tell whether two keys name the same unit, so that one may stand for the other without a new number."""
    units = [{part for part in name.lower().split("_") if part in UNITS} for name in (one, other)]
    return units[0] == units[1] or not units[0]


def _resolved(schema: Schema, part: Schema) -> Schema:
    while "$ref" in part:
        name = str(part["$ref"]).rsplit("/", maxsplit=1)[-1]
        beside = {key: value for key, value in part.items() if key != "$ref"}
        part = {**schema["$defs"][name], **beside}
    return part


def _step(schema: Schema, part: Schema, name: str | int) -> Schema | None:
    if isinstance(name, int):
        found = part.get("items")
    else:
        beyond = part.get("additionalProperties")
        found = part.get("properties", {}).get(name, beyond if isinstance(beyond, dict) else None)
    return _resolved(schema, found) if isinstance(found, dict) else None


def _kinds(choices: list[Schema]) -> Iterator[str]:
    for choice in choices:
        if choice.get("format") == "date":
            yield "a date such as 2026-11-01"
        elif choice.get("type") in _KINDS:
            yield _KINDS[choice["type"]]


def _between(low: float | None, above: float | None, high: float | None, below: float | None) -> str:
    if low is not None and high is not None:
        return f"between {low:g} and {high:g}"
    least = [f"at least {low:g}"] if low is not None else [f"above {above:g}"] if above is not None else []
    most = [f"at most {high:g}"] if high is not None else [f"below {below:g}"] if below is not None else []
    return " and ".join(least + most)
