"""What is due when: one heap for a whole fleet."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from itertools import count
from typing import Generic, TypeVar

Thing = TypeVar("Thing")


class Timers(Generic[Thing]):
    """Things by the moment they are due; those of one moment in the order they were put there."""

    __slots__ = ("_heap", "_numbers")

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Thing]] = []
        self._numbers = count()

    def at(self, moment_s: float, thing: Thing) -> None:
        """Let a thing be due at a moment."""
        heapq.heappush(self._heap, (moment_s, next(self._numbers), thing))

    def due(self, now_s: float) -> Iterator[Thing]:
        """Give what is due by now, earliest first, and forget it; what is put there meanwhile may wait."""
        last = next(self._numbers)
        while self._heap and self._heap[0][0] <= now_s and self._heap[0][1] < last:
            yield heapq.heappop(self._heap)[2]

    def wait_s(self, now_s: float, longest_s: float) -> float:
        """Return how long nothing is due, at most so long."""
        return max(0.0, min(longest_s, self._heap[0][0] - now_s)) if self._heap else longest_s

    def __len__(self) -> int:
        return len(self._heap)
