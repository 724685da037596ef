"""Time, as an argument: the only module of the control plane that reads this machine's clocks."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Says what time it is; what it says is always UTC."""

    def now(self) -> datetime:
        """Return the present moment, in UTC."""


@dataclass(frozen=True, slots=True)
class WallClock:
    """The clock of this machine."""

    def now(self) -> datetime:
        """Return the present moment of this machine, in UTC."""
        return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class FixedClock:
    """A clock that always says the same moment; for tests and for running something again."""

    at: datetime

    def __post_init__(self) -> None:
        if self.at.utcoffset() is None:
            raise ValueError(f"a moment needs its zone, got {self.at.isoformat()}; write it with tzinfo=UTC")

    def now(self) -> datetime:
        """Return the one moment this clock knows, in UTC."""
        return self.at.astimezone(UTC)


def stopwatch() -> Callable[[], float]:
    """Start measuring and return a function that says how many seconds have passed since."""
    started_s = time.perf_counter()
    return lambda: time.perf_counter() - started_s
