"""From a validator's findings to sentences: what is wrong at which place, why, and what to type instead."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pydantic_core import ErrorDetails

from microgrid import config_numbers, config_schema
from microgrid.config_document import KEY, Document, Location, Mark, Node
from microgrid.config_model import Advice, Broken, BrokenRulesError, FileModel
from microgrid.errors import Problem

_HALVES = ("January February March April May June", "July August September October November December")
MONTHS = tuple(month for half in _HALVES for month in half.split())


@dataclass(frozen=True, slots=True)
class Edit:
    """A piece of the file's text, from one offset to another, and what may stand there instead."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Mistake:
    """One problem of a file with the edit that puts it right, if a program may."""

    problem: Problem
    edit: Edit | None = None


@dataclass(frozen=True, slots=True)
class Rename:
    """A key that is taken for another one that was meant."""

    parent: Location
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Reviewer:
    """Says what is wrong in one document of one model."""

    document: Document
    model: type[FileModel]
    schema: config_schema.Schema

    def renames(self, errors: list[ErrorDetails]) -> list[Rename]:
        """Return the unknown keys that are near to a key that may stand there and does not."""
        found: dict[tuple[Location, str], Rename] = {}
        for error in errors:
            if not _is_unknown_key(error):
                continue
            *parent, old = (name for name in error["loc"] if name != KEY)
            place, node = self.document.deepest(tuple(parent))
            allowed = config_schema.keys(self.schema, config_schema.at(self.schema, place))
            free = [name for name in allowed if node.child(name) is None and (place, name) not in found]
            required = [name for name in free if allowed[name]]
            new = config_schema.nearest(str(old), required) or config_schema.nearest(str(old), free)
            if new:
                found[place, new] = Rename(place, str(old), new)
        return list(found.values())

    def renamed(self, rename: Rename) -> Mistake:
        """Return the mistake of a misspelt key."""
        key = self._key(rename.parent, rename.old)
        what = f"unknown key '{rename.old}'{_inside(rename.parent)}"
        if not config_schema.same_unit(rename.old, rename.new):
            fix = f"did you mean '{rename.new}'? Mind the unit: the number may have to change too"
            return Mistake(self.document.problem(key, "MG-C001", what, fix=fix))
        if not config_schema.surely(rename.old, rename.new):
            return Mistake(self.document.problem(key, "MG-C001", what, fix=f"did you mean '{rename.new}'?"))
        fix = f"did you mean '{rename.new}'?  (microgrid check --fix will rename it)"
        return Mistake(self.document.problem(key, "MG-C001", what, fix=fix), Edit(key.start, key.end, rename.new))

    def mistakes(self, error: ErrorDetails) -> Iterator[Mistake]:
        """Yield what is wrong in one finding of the validator; a rule between keys may yield several."""
        location: Location = error["loc"]
        cause = error.get("ctx", {}).get("error")
        if isinstance(cause, BrokenRulesError):
            yield from (broken(self.document, rule, location) for rule in cause.broken)
        elif _is_unknown_key(error):
            yield self._unknown(location)
        elif error["type"] == "missing":
            yield self._missing(location)
        else:
            yield from self._refused(location, error["type"])

    def _unknown(self, location: Location) -> Mistake:
        *parent, old = (name for name in location if name != KEY)
        place, node = self.document.deepest(tuple(parent))
        allowed = config_schema.keys(self.schema, config_schema.at(self.schema, place))
        section = self._section_with(str(old)) if place else ""
        present = config_schema.nearest(str(old), [name for name in allowed if node.child(name)])
        fix = f"allowed here: {', '.join(allowed)}"
        fix = f"'{present}' is here already; remove one of the two" if present else fix
        fix = f"it belongs in '{section}'" if section else fix
        what = f"unknown key '{old}'{_inside(place)}"
        return Mistake(self.document.problem(self._key(place, str(old)), "MG-C001", what, fix=fix))

    def _section_with(self, key: str) -> str:
        sections = config_schema.keys(self.schema, self.schema)
        parts = {name: config_schema.at(self.schema, (name,)) for name in sections}
        return next((name for name, part in parts.items() if key in config_schema.keys(self.schema, part)), "")

    def _missing(self, location: Location) -> Mistake:
        place, node = self.document.deepest(location)
        key = str(location[-1])
        part = config_schema.at(self.schema, (*place, key))
        what = f"the key '{key}' is missing{_inside(place)}"
        fix = f"add  {key}: ...  ({part.get('description') or config_schema.kind(self.schema, part)})"
        if not place:
            return Mistake(Problem("MG-C002", what, fix=fix, file=self.document.file))
        mark = node.key or Mark(node.at.line, node.at.column, node.at.start, node.at.start + 1)
        return Mistake(self.document.problem(mark, "MG-C002", what, fix=fix))

    def _refused(self, location: Location, error_type: str) -> Iterator[Mistake]:
        place, node = self.document.deepest(location)
        if place and isinstance(place[-1], int):  # the validator counts only right items, so count them here
            yield from self._wrong_length(place[:-1])
        if error_type in {"too_short", "too_long"}:
            yield from self._wrong_length(place)
            return
        code, what = self._sentence(place, node, error_type)
        advice = self._advice(place, node)
        empty = node.at.start == node.at.end  # `key:` and nothing behind it
        mark = node.key if empty and node.key is not None else node.at
        problem = self.document.problem(mark, code, what, advice.why, advice.fix)
        edit = Edit(node.at.start, node.at.end, advice.replacement) if advice.replacement else None
        yield Mistake(problem, edit)

    def _wrong_length(self, place: Location) -> Iterator[Mistake]:
        node = self.document.deepest(place)[1]
        needed = _length(self.schema, config_schema.at(self.schema, place), len(node.children))
        if needed:
            what = f"{_name(place)} needs {needed}, got {len(node.children)}"
            yield Mistake(self.document.problem(node.at, "MG-C006", what))

    def _sentence(self, place: Location, node: Node, error_type: str) -> tuple[str, str]:
        part = config_schema.at(self.schema, place)
        name = _name(place)
        if node.kind == "scalar" and node.scalar is None:
            return "MG-C002", f"{name} has no value"
        got = self._got(place, node)
        if error_type.startswith(("greater_than", "less_than", "finite")):
            return "MG-C003", f"{name} must be {config_schema.bounds(self.schema, part)[0]}, got {got}"
        if error_type.startswith(("literal", "enum")):
            return (
                "MG-C005",
                f"{name} must be one of {', '.join(config_schema.choices(self.schema, part))}, got {got}",
            )
        if error_type.startswith("string_"):
            return "MG-C004", f"{name} must be {part.get('description', 'text')}, got {got}"
        return "MG-C004", f"{name} must be {config_schema.kind(self.schema, part)}, got {got}"

    def _got(self, place: Location, node: Node) -> str:
        if self.document.hidden.intersection(name for name in place if isinstance(name, str)):
            return "***"
        if node.kind == "mapping":
            return "a section of keys"
        if node.kind == "list":
            return f"a list of {len(node.children)}"
        typed = self.document.typed(node)
        short = typed if len(typed) <= 40 else f"{typed[:40]}..."
        return f"'{short.strip(chr(34) + chr(39))}'" if isinstance(node.scalar, str) else short

    def _advice(self, place: Location, node: Node) -> Advice:
        if self.document.hidden.intersection(name for name in place if isinstance(name, str)):
            return Advice()
        own = self.model.advice(place, node.plain(), self.document.root.plain())
        if own is not None:
            return own
        part = config_schema.at(self.schema, place)
        words = config_schema.choices(self.schema, part)
        if words:
            near = config_schema.nearest(str(node.scalar), words)
            sure = near if near and config_schema.surely(str(node.scalar), near) else ""
            return Advice(fix=f"did you mean '{near}'?" if near else "", replacement=sure)
        if node.kind != "scalar":
            return _advice_for_structure(self.schema, part, node)
        return config_numbers.advice(_key_name(place), node.scalar, config_schema.bounds(self.schema, part)[1])

    def _key(self, parent: Location, key: str) -> Mark:
        child = self.document.deepest(parent)[1].child(key)
        assert child is not None, "the validator names only keys that are in the file"
        return child.key or child.at


def broken(document: Document, rule: Broken, section: Location = ()) -> Mistake:
    """Return the mistake of a rule between keys, at the place the rule names inside a section."""
    place, node = document.deepest((*section, *rule.at))
    at_key = node.kind != "scalar" and not rule.replacement
    if not place:
        return Mistake(Problem(rule.code, rule.what, rule.why, rule.fix, document.file))
    mark = node.key if at_key and node.key is not None else node.at
    edit = Edit(node.at.start, node.at.end, rule.replacement) if rule.replacement else None
    return Mistake(document.problem(mark, rule.code, rule.what, rule.why, rule.fix), edit)


def _is_unknown_key(error: ErrorDetails) -> bool:
    return error["type"] == "extra_forbidden" or KEY in error["loc"]


def _inside(place: Location) -> str:
    return f" in {_name(place)}" if place else ""


def _key_name(place: Location) -> str:
    return next((name for name in reversed(place) if isinstance(name, str)), "value")


def _name(place: Location) -> str:
    """Return a place in words: `weather.monthly_temp_c, value 3 (March)`."""
    path = ".".join(name for name in place if isinstance(name, str)) or "the file"
    last = place[-1] if place else None
    if not isinstance(last, int):
        return path
    month = f" ({MONTHS[last]})" if "month" in path and last < 12 else ""
    return f"{path}, value {last + 1}{month}"


def _length(schema: config_schema.Schema, part: config_schema.Schema, count: int) -> str:
    """Return in words how many values a list needs, empty when `count` is right."""
    for choice in config_schema.alternatives(schema, part):
        low, high = choice.get("minItems", 0), choice.get("maxItems")
        if choice.get("type") != "array" or low <= count <= (count if high is None else high):
            continue
        if low == high == 12:
            return "12 numbers, one for each month"
        return f"at least {low} value{'s' if low > 1 else ''}" if high is None else f"{low} to {high} values"
    return ""


def _advice_for_structure(schema: config_schema.Schema, part: config_schema.Schema, node: Node) -> Advice:
    kinds = [choice.get("type") for choice in config_schema.alternatives(schema, part)]
    if node.kind == "mapping" and "array" in kinds:
        return Advice(fix="begin each item with '- ', or put the section in [ ]")
    if node.kind == "list" and "array" not in kinds:
        return Advice(fix="write one value, without [ ]")
    return Advice()
