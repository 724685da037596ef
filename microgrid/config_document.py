"""A YAML file as a tree that remembers where each key and value stands, so that a message can point at it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode

from microgrid.errors import InvalidInput, Problem

Location = tuple[str | int, ...]  # keys and list positions from the top of the file, as pydantic gives them
KEY = "[key]"  # pydantic's last element when the key itself is wrong


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a piece of text stands: line and column from 1, offsets into the file from 0."""

    line: int
    column: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Node:
    """One value of the file with its place, the place of its key, and what is inside it."""

    kind: Literal["scalar", "list", "mapping"]
    at: Mark
    key: Mark | None = None
    scalar: object = None
    children: tuple[tuple[str | int, Node], ...] = ()

    def child(self, name: str | int) -> Node | None:
        """Return the value under a key or at a position of a list, None where there is none."""
        return next((node for key, node in self.children if key == name), None)

    def plain(self) -> object:
        """Return the value as ordinary Python data."""
        if self.kind == "mapping":
            return {str(key): node.plain() for key, node in self.children}
        return [node.plain() for _, node in self.children] if self.kind == "list" else self.scalar


@dataclass(frozen=True, slots=True)
class Document:
    """A whole file: its name as the person typed it, its text and its tree."""

    file: str
    text: str
    root: Node

    def deepest(self, location: Location) -> tuple[Location, Node]:
        """Return how far a location can be followed, and the value found there."""
        found: list[str | int] = []
        node = self.root
        for name in location:
            child = node.child(name)
            if child is not None:
                found.append(name)
                node = child
        return tuple(found), node

    def typed(self, node: Node) -> str:
        """Return a value as the person typed it."""
        return self.text[node.at.start : node.at.end].strip()

    def problem(self, mark: Mark, code: str, what: str, why: str = "", fix: str = "") -> Problem:
        """Return a problem that shows this place of the file."""
        lines = self.text.split("\n")
        source = lines[mark.line - 1].rstrip("\r") if mark.line <= len(lines) else ""
        width = max(1, min(mark.end - mark.start, len(source) - mark.column + 1))
        return Problem(code, what, why, fix, self.file, mark.line, mark.column, source, width)

    def renamed(self, parent: Location, old: str, new: str) -> Document:
        """Return the document as if one key had been spelt differently; places stay those of the file."""
        return replace(self, root=_renamed(self.root, parent, old, new))


def read_document(path: Path, file: str) -> Document:
    """Read a YAML file; raises InvalidInput when it is not there, is not text, is empty or is not YAML."""
    return parse(_text_of(path, file), file)


def parse(text: str, file: str) -> Document:
    """Return the tree of a YAML text; raises InvalidInput with double keys, or the first slip of syntax."""
    yaml = YAML(typ="safe", pure=True)
    try:
        composed = yaml.compose(text)
    except MarkedYAMLError as error:
        raise InvalidInput(_syntax_problem(error, text, file)) from None
    except YAMLError as error:
        raise InvalidInput(Problem("MG-C007", f"this is not YAML: {_first_line(error)}", file=file)) from None
    if composed is None:
        raise InvalidInput(_empty(file))
    reader = _Reader(yaml, text, file, [])
    document = Document(file, text, reader.node(composed, None, ()))
    if reader.problems:
        raise InvalidInput(*reader.problems)
    return document


def _text_of(path: Path, file: str) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        near = ", ".join(sorted(found.name for found in path.parent.glob("*.y*ml"))[:5])
        fix = f"in that folder there is: {near}" if near else "make one:  microgrid new my-village"
        raise InvalidInput(Problem("MG-C010", f"there is no file '{file}'", fix=fix)) from None
    except IsADirectoryError:
        fix = "name the YAML file inside it"
        raise InvalidInput(Problem("MG-C011", f"'{file}' is a folder, not a file", fix=fix)) from None
    except NotADirectoryError:
        raise InvalidInput(Problem("MG-C010", f"there is no file '{file}'")) from None
    except UnicodeDecodeError as error:
        what = f"this is not UTF-8 text (byte {error.start} is 0x{error.object[error.start]:02x})"
        why = "it may be a spreadsheet, or text saved in an older encoding"
        fix = "save it again as UTF-8 text"
        raise InvalidInput(Problem("MG-C012", what, why, fix, file)) from None


@dataclass(frozen=True, slots=True)
class _Reader:
    """Turns ruamel's nodes into ours, collecting what is wrong on the way."""

    yaml: YAML
    text: str
    file: str
    problems: list[Problem]

    def node(self, composed: object, key: Mark | None, above: tuple[int, ...]) -> Node:
        """Return one value with all that is inside it."""
        at = _mark(composed)
        if id(composed) in above:
            self.report(at, "MG-C007", "this alias contains itself")
        elif isinstance(composed, MappingNode):
            return Node("mapping", at, key, children=self.pairs(composed.value, (*above, id(composed))))
        elif isinstance(composed, SequenceNode):
            below = (*above, id(composed))
            items = ((place, self.node(item, None, below)) for place, item in enumerate(composed.value))
            return Node("list", at, key, children=tuple(items))
        elif isinstance(composed, ScalarNode):
            return Node("scalar", at, key, scalar=self.scalar(composed, at))
        return Node("scalar", at, key)

    def pairs(self, pairs: list[tuple[object, object]], above: tuple[int, ...]) -> tuple[tuple[str, Node], ...]:
        """Return the keys and values of one section; a key written twice is a mistake."""
        found: dict[str, Node] = {}
        for key, value in pairs:
            at = _mark(key)
            if not isinstance(key, ScalarNode):
                self.report(at, "MG-C007", "a key must be a word, not a list or a section")
            elif key.value in found:
                first = found[key.value].key
                where = f"it stands on line {first.line} already" if first else ""
                self.report(at, "MG-C008", f"'{key.value}' is written twice", where, "remove one of the two")
            else:
                found[str(key.value)] = self.node(value, at, above)
        return tuple(found.items())

    def scalar(self, composed: object, at: Mark) -> object:
        """Return a single value: text, a number, a date, true, false or nothing."""
        try:
            return self.yaml.constructor.construct_object(composed)
        except (YAMLError, ValueError) as error:
            self.report(at, "MG-C007", f"this value cannot be read: {_first_line(error)}")
            return None

    def report(self, at: Mark, code: str, what: str, why: str = "", fix: str = "") -> None:
        """Keep a mistake with its place."""
        self.problems.append(Document(self.file, self.text, Node("scalar", at)).problem(at, code, what, why, fix))


def _mark(composed: object) -> Mark:
    start = composed.start_mark  # type: ignore[attr-defined]  # ruamel leaves its nodes untyped
    end = composed.end_mark  # type: ignore[attr-defined]
    return Mark(start.line + 1, start.column + 1, start.index, end.index)


def _renamed(node: Node, parent: Location, old: str, new: str) -> Node:
    if not parent:
        return replace(node, children=tuple((new if key == old else key, child) for key, child in node.children))
    inside = (
        (key, _renamed(child, parent[1:], old, new) if key == parent[0] else child) for key, child in node.children
    )
    return replace(node, children=tuple(inside))


def _empty(file: str) -> Problem:
    fix = "start from a template:  microgrid new my-village"
    return Problem("MG-C009", "the file is empty", "it holds no keys, or only comments", fix, file)


def _syntax_problem(error: MarkedYAMLError, text: str, file: str) -> Problem:
    at = error.problem_mark or error.context_mark
    if at is None:
        return Problem("MG-C007", f"this is not YAML: {_first_line(error)}", file=file)
    line = text.split("\n")[at.line] if at.line < text.count("\n") + 1 else ""
    mark = Mark(at.line + 1, at.column + 1, at.index, at.index + 1)
    document = Document(file, text, Node("scalar", mark))
    if "\t" in line[: at.column + 1]:
        fix = "use spaces: two for each level"
        return document.problem(mark, "MG-C007", "a tab stands where YAML needs spaces", fix=fix)
    what = f"this is not YAML: {error.problem or error.context}"
    return document.problem(mark, "MG-C007", what, _syntax_reason(error), _syntax_advice(str(error.problem)))


def _syntax_reason(error: MarkedYAMLError) -> str:
    start = error.context_mark
    return f"{error.context}, which began on line {start.line + 1}" if error.context and start else ""


def _syntax_advice(problem: str) -> str:
    advice = {
        "mapping values are not allowed": "write one  key: value  on a line, or put quotes around the text",
        "expected ',' or ']'": "close the list with ]",
        "expected ',' or '}'": "close the section with }",
        "found unexpected end of stream": "close the quotes",
        "expected <block end>": "line up the keys of one section in one column",
        "but found another document": "keep one scenario in a file; remove the line '---'",
    }
    return next((text for start, text in advice.items() if start in problem), "")


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", maxsplit=1)[0]
