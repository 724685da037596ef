"""A YAML file as a tree that remembers where each key and value stands, so that a message can point at it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Literal

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode

from microgrid.errors import InvalidInput, Problem

Location = tuple[str | int, ...]  # keys and list positions from the top of the file, as pydantic gives them
LARGEST = 1e15  # no size, price or count of a plan is larger; beyond it sums overflow
SIZE_MAX = 1_000_000  # bytes of a file that a person writes
DEPTH_MAX = 40
NODES_MAX = 20_000  # values of a file, each alias counted as what it stands for
KEY = "[key]"  # pydantic's last element when the key itself is wrong

_INFINITE = float("inf")
_LINE_END = re.compile("\r\n|[\n\r]")
# control characters, halves of surrogate pairs, and what turns the direction of a line
_UNFIT = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


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


NOTHING = Node("scalar", Mark(0, 0, 0, 0))


@dataclass(frozen=True, slots=True)
class Document:
    """A whole file: its name as the person typed it, its text and its tree."""

    file: str
    text: str
    root: Node
    hidden: frozenset[str] = frozenset()  # keys whose values are shown to nobody

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
        source = shown_line(self.text, mark.line, self.hidden)
        width = max(1, min(mark.end - mark.start, len(source) - mark.column + 1))
        return Problem(code, what, why, fix, self.file, mark.line, mark.column, source, width)

    def renamed(self, parent: Location, old: str, new: str) -> Document:
        """Return the document as if one key had been spelt differently; places stay those of the file."""
        return replace(self, root=_renamed(self.root, parent, old, new))


def read_document(path: Path, file: str, hidden: frozenset[str] = frozenset()) -> Document:
    """Read a YAML file; raises InvalidInput when it is not there, is not text, is empty or is not YAML."""
    return parse(_text_of(path, file), file, hidden)


def parse(text: str, file: str, hidden: frozenset[str] = frozenset()) -> Document:
    """Return the tree of a YAML text; raises InvalidInput with double keys, or the first slip of syntax.

    No message shows the value of a key in `hidden`.
    """
    yaml = YAML(typ="safe", pure=True)
    try:
        composed = yaml.compose(text)
    except MarkedYAMLError as error:
        raise InvalidInput(_syntax_problem(error, text, file, hidden)) from None
    except YAMLError as error:
        raise InvalidInput(Problem("MG-C007", f"this is not YAML: {_first_line(error)}", file=file)) from None
    except RecursionError:
        raise InvalidInput(_too_deep(file)) from None
    if composed is None:
        raise InvalidInput(_empty(file))
    reader = _Reader(yaml, Document(file, text, NOTHING, hidden), [], count(1))
    document = Document(file, text, reader.node(composed, None, ()), hidden)
    if reader.problems:
        raise InvalidInput(*reader.problems)
    return document


def _text_of(path: Path, file: str) -> str:
    try:
        with path.open("rb") as opened:
            content = opened.read(SIZE_MAX + 1)
        if len(content) > SIZE_MAX:
            why = "what a person writes has a few thousand characters; measured data belong in files of their own"
            what = f"'{file}' is larger than {SIZE_MAX // 1000:,} kB"
            raise InvalidInput(Problem("MG-C013", what, why, "name the scenario, not its data"))
        return content.decode("utf-8-sig")
    except FileNotFoundError:
        near = ", ".join(sorted(found.name for found in path.parent.glob("*.y*ml"))[:5])
        fix = f"in that folder there is: {near}" if near else "make one:  microgrid new my-village"
        raise InvalidInput(Problem("MG-C010", f"there is no file '{file}'", fix=fix)) from None
    except IsADirectoryError:
        fix = "name the YAML file inside it"
        raise InvalidInput(Problem("MG-C011", f"'{file}' is a folder, not a file", fix=fix)) from None
    except NotADirectoryError:
        raise InvalidInput(Problem("MG-C010", f"there is no file '{file}'")) from None
    except OSError as error:
        what = f"'{file}' cannot be read: {(error.strerror or str(error)).lower()}"
        raise InvalidInput(Problem("MG-C013", what, fix="check its name and who may read it")) from None
    except UnicodeDecodeError as error:
        what = f"this is not UTF-8 text (byte {error.start} is 0x{error.object[error.start]:02x})"
        why = "it may be a spreadsheet, or text saved in an older encoding"
        fix = "save it again as UTF-8 text"
        raise InvalidInput(Problem("MG-C012", what, why, fix, file)) from None


@dataclass(frozen=True, slots=True)
class _Reader:
    """Turns ruamel's nodes into ours, collecting what is wrong on the way."""

    yaml: YAML
    document: Document  # without its tree, which is being made
    problems: list[Problem]
    numbers: Iterator[int]  # counts the values, so that aliases of aliases end

    def node(self, composed: object, key: Mark | None, above: tuple[int, ...]) -> Node:
        """Return one value with all that is inside it."""
        at = _mark(composed)
        if len(above) > DEPTH_MAX or next(self.numbers) > NODES_MAX:
            raise InvalidInput(_too_deep(self.document.file))
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
            if isinstance(key, ScalarNode) and self.unfit(key.value, at):
                continue
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
            value = self.yaml.constructor.construct_object(composed)
        except (YAMLError, ValueError, LookupError, TypeError, ArithmeticError, AttributeError) as error:
            told = "" if self.document.hidden else f": {_first_line(error)}"  # it quotes what it cannot read
            self.report(at, "MG-C007", f"this value cannot be read{told}")
            return None
        return None if self.unfit(value, at) else value

    def unfit(self, value: object, at: Mark) -> bool:
        """Report text that would write over a terminal, and numbers beyond anything real."""
        if isinstance(value, str) and (found := _UNFIT.search(value)):
            what = f"this text holds a character that cannot be shown (U+{ord(found[0]):04X})"
            self.report(at, "MG-C014", what, fix="write it on one line, in letters")
            return True
        too_large = isinstance(value, int) and abs(value) > 2**64  # a seed may be longer than a size
        too_large |= isinstance(value, float) and LARGEST < abs(value) < _INFINITE
        if too_large:
            fix = "write all digits, and mind the unit in the key's name"
            self.report(at, "MG-C015", "this number is larger than anything a plan holds", fix=fix)
            return True
        return False

    def report(self, at: Mark, code: str, what: str, why: str = "", fix: str = "") -> None:
        """Keep a mistake with its place."""
        self.problems.append(self.document.problem(at, code, what, why, fix))


def _too_deep(file: str) -> Problem:
    what = f"the file holds more than {NODES_MAX:,} values, or more than {DEPTH_MAX} inside each other"
    return Problem("MG-C016", what, "aliases count as what they stand for", "write a simpler file", file)


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


def shown_line(text: str, number: int, hidden: frozenset[str]) -> str:
    """Return a line as it may be shown: without what stands behind a hidden key, there or on the lines below it."""
    if not hidden:
        return _line(text, number)
    names = "|".join(re.escape(name) for name in sorted(hidden))
    key = re.compile(rf"^((.*?)\b(?:{names})['\"]?\s*:).*$")
    inside: int | None = None  # how far in the hidden key stands whose value goes on
    for place, line in enumerate(_LINE_END.split(text), start=1):
        indent = _indent(line)
        inside = None if inside is not None and line.strip() and indent <= inside else inside
        found = key.match(line)
        if place == number:
            return "***" if inside is not None else f"{found[1]} ***" if found else line
        if inside is None and found:  # of `- key:` the value is indented more than the key, and so is not the next key
            inside = indent if set("{[").intersection(found[2]) else len(found[2].rstrip("'\""))
    return ""


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _line(text: str, number: int) -> str:
    """Return a line as YAML counts them: a lone return ends one too."""
    lines = _LINE_END.split(text)
    return lines[number - 1] if number <= len(lines) else ""


def _empty(file: str) -> Problem:
    fix = "start from a template:  microgrid new my-village"
    return Problem("MG-C009", "the file is empty", "it holds no keys, or only comments", fix, file)


def _syntax_problem(error: MarkedYAMLError, text: str, file: str, hidden: frozenset[str]) -> Problem:
    at = error.problem_mark or error.context_mark
    if at is None:
        return Problem("MG-C007", f"this is not YAML: {_first_line(error)}", file=file)
    line = _line(text, at.line + 1)
    mark = Mark(at.line + 1, at.column + 1, at.index, at.index + 1)
    document = Document(file, text, NOTHING, hidden)
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
