"""What a file's model may add to plain types: rules between keys, and advice for particular mistakes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from microgrid.config_document import Location


@dataclass(frozen=True, slots=True)
class Broken:
    """A rule between keys that the data break: where, which, and what to do.

    `replacement` is what `check --fix` may write in place of the value; empty when a person must decide.
    """

    at: Location
    code: str
    what: str
    why: str = ""
    fix: str = ""
    replacement: str = ""


@dataclass(frozen=True, slots=True)
class Advice:
    """Why a value is wrong and what to type instead, known only to the model it belongs to."""

    why: str = ""
    fix: str = ""
    replacement: str = ""


class BrokenRulesError(ValueError):
    """Every rule of one section that its data break."""

    def __init__(self, *broken: Broken) -> None:
        super().__init__("; ".join(rule.what for rule in broken))
        self.broken = broken


def enforce(broken: Iterable[Broken]) -> None:
    """Raise BrokenRulesError when there is any; a model calls it at the end of its own check."""
    found = tuple(broken)
    if found:
        raise BrokenRulesError(*found)


def refusal(code: str, what: str, why: str = "", fix: str = "", replacement: str = "") -> BrokenRulesError:
    """Return what a value's own validator raises to refuse it."""
    return BrokenRulesError(Broken((), code, what, why, fix, replacement))


class Frozen(BaseModel):
    """Data that never changes after it was read, and that refuses a key it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class FileModel(Frozen):
    """A whole file that a person writes."""

    @classmethod
    def broken_rules(cls, sections: Mapping[str, object]) -> Iterator[Broken]:  # noqa: ARG003 - others have rules
        """Yield each broken rule between sections; only sections that are right in themselves are given."""
        yield from ()

    @classmethod
    def advice(cls, location: Location, value: object, data: object) -> Advice | None:  # noqa: ARG003
        """Return what the model knows about a refused value; `data` is the whole file as plain values."""
        return None
