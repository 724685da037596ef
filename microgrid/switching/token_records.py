"""What is kept of meters with a keypad, and of every token that was given out."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

TokenKind = Literal["add", "set", "disable", "sync"]
TokenUnit = Literal["time", "energy", "none"]


@dataclass(frozen=True, slots=True)
class KeptDevice:
    """A meter that takes tokens. Its starting code and key are sealed for it alone, under a key kept elsewhere.

    `divider` is the number of units in a day. `count` is that of the newest token given out, `typed_count` of the
    newest known to be typed, `outstanding` are tokens that add, were given out and may still be typed.
    """

    id: str  # the meter
    sealed: bytes = field(repr=False)
    divider: int
    restricted: bool
    extended: bool
    count: int
    typed_count: int
    outstanding: tuple[int, ...]
    registered_at: datetime


@dataclass(frozen=True, slots=True)
class GivenToken:
    """One token given out, kept before anybody saw it.

    The digits are kept open: they are of use on this one meter only, its owner gets them as a plain text anyway, and
    they say nothing about the meter's key. So they can be shown again even where that key is out of reach.
    """

    id: str  # meter:count
    serial: str  # the meter
    count: int
    kind: TokenKind
    value: int  # units
    unit: TokenUnit
    digits: str = field(repr=False)
    source: str  # the payment, the request of a person, or the agreement of two, that it was given for
    issued_at: datetime
    actor: str
    note: str = ""
    assumed_typed_at: datetime | None = None  # from when on it is taken as typed, where no meter ever says so

    @property
    def spaced(self) -> str:
        """Return the digits in groups of three, as they are read out."""
        return " ".join(self.digits[start : start + 3] for start in range(0, len(self.digits), 3))


def token_id(serial: str, count: int) -> str:
    """Return the id of a token; those of one meter lie side by side in the order in which they were given."""
    return f"{serial}:{count:08}"
