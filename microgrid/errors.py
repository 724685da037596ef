"""What can go wrong, said so that a person knows what to do next.

MicrogridError
 |- InvalidInput   a file or an argument has mistakes; all of them at once   (exit code 2)
 `- Environment    something is missing on this machine                      (exit code 3)

Every problem carries a code of the catalogue `microgrid/errors.yaml`; `microgrid explain CODE` prints the
entry. A search that finds nothing is a result, not an error, and has no class here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

SHOWN_AT_ONCE = 20  # a longer list is not read; the rest is counted
SHOWN_LENGTH = 600  # of one sentence
SOURCE_WIDTH = 100  # of a line of the file, so that the caret stays under its place on a terminal
CATALOGUE_FILE = Path(__file__).with_name("errors.yaml")
_HIDDEN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake or finding: where it is, what is wrong, why, and what to type next.

    `line` and `column` count from 1 and are 0 when unknown; `source` is the text of that line; `width` is the
    number of characters the caret line underlines.
    """

    code: str
    what: str
    why: str = ""
    fix: str = ""
    file: str = ""
    line: int = 0
    column: int = 0
    source: str = ""
    width: int = 1

    def __str__(self) -> str:
        """Return the problem as it is printed on a terminal."""
        first = f"{_shown(self.place)}{self.code}: {_shown(self.what)}"
        return "\n".join([first, *_source_lines(self), *_advice_lines(self)])

    @property
    def place(self) -> str:
        """Return `file:line:column: `, as far as it is known."""
        known = [self.file, *(str(number) for number in (self.line, self.column) if number)]
        return ":".join(part for part in known if part) + ": " if self.file else ""


class MicrogridError(Exception):
    """Something a person can put right; carries every problem found, not only the first."""

    exit_code: ClassVar[int] = 2

    def __init__(self, *problems: Problem) -> None:
        super().__init__(*problems)
        self.problems = problems

    def __str__(self) -> str:
        """Return all problems, at most twenty in full."""
        return as_text(self.problems)


class InvalidInput(MicrogridError):  # noqa: N818 - what it says to a person, in the person's words
    """A file or an argument has mistakes; nothing was written."""

    exit_code = 2


class Environment(MicrogridError):  # noqa: N818 - the machine is at fault, not a rule of ours
    """Something is missing on this machine: a package, the network, room on the disk."""

    exit_code = 3


def as_text(problems: tuple[Problem, ...]) -> str:
    """Return the problems as a person reads them, the first twenty in full and the rest counted."""
    shown = [str(problem) for problem in problems[:SHOWN_AT_ONCE]]
    rest = len(problems) - len(shown)
    return "\n\n".join([*shown, *([f"and {rest} more"] if rest else [])])


def as_json(problem: Problem) -> dict[str, str | int]:
    """Return the problem as the object that `--json` prints: all fields, unknown ones left out."""
    names = ("code", "what", "why", "fix", "file", "line", "column")
    fields = {name: getattr(problem, name) for name in names}
    return {name: value for name, value in fields.items() if value or name in {"code", "what"}}


def _source_lines(problem: Problem) -> list[str]:
    if not problem.line or not problem.source:
        return []
    text, column = _excerpt(_HIDDEN.sub("?", problem.source.rstrip("\r\n").replace("\t", " ")), problem.column)
    lines = [f"{problem.line:>4} | {text}"]
    if problem.column:
        width = max(1, min(problem.width, len(text) - column + 1))
        lines.append(" " * 4 + " | " + " " * (column - 1) + "^" * width)
    return lines


def _excerpt(text: str, column: int) -> tuple[str, int]:
    """Return the part of a long line around a column, and the column in it."""
    start = max(0, column - 1 - SOURCE_WIDTH // 2) if len(text) > SOURCE_WIDTH else 0
    part = text[start : start + SOURCE_WIDTH]
    before, after = "..." if start else "", "..." if start + len(part) < len(text) else ""
    return f"{before}{part}{after}", column - start + len(before)


def _advice_lines(problem: Problem) -> list[str]:
    pairs = (("why", problem.why), ("fix", problem.fix))
    return [f"   {word}: {_shown(text)}" for word, text in pairs if text]


def _shown(text: str) -> str:
    """Return text of a file or a name so that it cannot write over the terminal, and not endless."""
    plain = _HIDDEN.sub(lambda found: ascii(found[0])[1:-1], text)
    return plain if len(plain) <= SHOWN_LENGTH else f"{plain[:SHOWN_LENGTH]}..."


class AlreadyThere(Exception):  # noqa: N818 - a fact met again is no error yet
    """A record of this id exists: the caller decides whether it is the same fact again."""

    def __init__(self, kind: str, id: str) -> None:  # noqa: A002  the field's name
        super().__init__(f"{kind} '{id}' is there already")
        self.kind, self.id = kind, id


class Contradiction(MicrogridError):  # noqa: N818 - what it says to a person
    """A fact came twice under one id with different contents; nothing was written."""


class Collision(Exception):  # noqa: N818 - nobody made a mistake
    """Two transactions got in each other's way; this one was undone and can be run again as a whole."""
