"""Chance, as an argument: whoever runs a fleet passes where its numbers come from, so that a seed repeats a day."""

from __future__ import annotations

from typing import Protocol

U32 = 2**32


class Chance(Protocol):
    """A source of numbers, such as a `numpy.random.Generator` or a `secrets.SystemRandom`."""

    def random(self) -> float:
        """Return a number from 0 up to, not including, 1."""


def whole(chance: Chance, below: int) -> int:
    """Return a whole number from 0 up to, not including, `below`."""
    return int(chance.random() * below)


def between(chance: Chance, low: float, high: float) -> float:
    """Return a number between two others."""
    return low + chance.random() * (high - low)


def happens(chance: Chance, share: float) -> bool:
    """Return whether something happens that does in this share of cases; what never does draws no number."""
    return share > 0 and chance.random() < share
