"""What is due when: one heap for a whole fleet."""

from __future__ import annotations

import heapq
from itertools import count
from typing import Generic, TypeVar

Thing = TypeVar("Thing")


class Timers(Generic[Thing]):
    """Things by the moment they are due; those of one moment in the order they were put there.

    Thousands of the same kind may say that their order does not matter; they have to be comparable, by whatever.
    """

    __slots__ = ("_heap", "_numbers")

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Thing]] = []
        self._numbers = count(1)

    def at(self, moment_s: float, thing: Thing) -> None:
        """Let a thing be due at a moment."""
        heapq.heappush(self._heap, (moment_s, next(self._numbers), thing))

    def at_any_rate(self, moment_s: float, thing: Thing) -> None:
        """Let a thing be due at a moment, before what is ordered then; this takes less memory."""
        heapq.heappush(self._heap, (moment_s, 0, thing))

    def due(self, now_s: float) -> list[Thing]:
        """Return what is due by now, earliest first, and forget it."""
        found = []
        while self._heap and self._heap[0][0] <= now_s:
            found.append(heapq.heappop(self._heap)[2])
        return found

    def wait_s(self, now_s: float, longest_s: float) -> float:
        """Return how long nothing is due, at most so long."""
        return max(0.0, min(longest_s, self._heap[0][0] - now_s)) if self._heap else longest_s

    def __len__(self) -> int:
        return len(self._heap)
