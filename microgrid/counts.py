"""How much of what is kept, for those who watch over a running service."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Tally:
    """How many there are of one sort, and since when the oldest is there."""

    sort: tuple[str, ...]
    count: int
    oldest: datetime | None = None


class Counts(Protocol):
    """Counts of what is kept; some look at every row, so they are asked for now and then, not at every request."""

    def payments(self) -> Sequence[Tally]:
        """Return payments by provider and status, and when the oldest of each came in."""

    def waiting(self) -> Sequence[Tally]:
        """Return what is still to be sent by kind, and when the oldest of each became due."""

    def unsealed(self) -> int:
        """Return how many audit rows are not in the chain yet."""

    def twins(self) -> tuple[int, int]:
        """Return how many meters hold what they should, by their own word, and how many do not."""
