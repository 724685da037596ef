"""Putting right what a program may put right in a person's file, touching nothing else in it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from microgrid.config import Examination, Model, review
from microgrid.config_document import parse, read_document
from microgrid.config_mistakes import Edit

ROUNDS = 5  # one repair may uncover another mistake


@dataclass(frozen=True, slots=True)
class Repair:
    """The text of a file before and after the safe repairs."""

    file: str
    before: str
    after: str

    @property
    def changed(self) -> bool:
        """Tell whether there was anything to put right."""
        return self.before != self.after

    @property
    def diff(self) -> str:
        """Return the changes line by line, as `diff -u` shows them."""
        before, after = self.before.splitlines(keepends=True), self.after.splitlines(keepends=True)
        return "".join(difflib.unified_diff(before, after, self.file, f"{self.file} (repaired)", n=0))


def repaired(path: Path, model: type[Model]) -> Repair:
    """Return a file with misspelt keys renamed, per cent turned into fractions and the like; writes nothing.

    Comments, order and spacing stay as they are, because only the wrong characters are replaced.
    """
    document = read_document(path, path.as_posix())
    text = document.text
    for _ in range(ROUNDS):
        examination: Examination[Model] = review(parse(text, document.file), model)
        if not examination.edits:
            break
        text = applied(text, examination.edits)
    return Repair(document.file, document.text, text)


def applied(text: str, edits: Iterable[Edit]) -> str:
    """Return a text with its edits made; of two that overlap, the first is made."""
    done: list[str] = []
    position = 0
    for edit in sorted(edits, key=lambda edit: edit.start):
        if edit.start >= position:
            done += [text[position : edit.start], edit.text]
            position = edit.end
    return "".join([*done, text[position:]])
