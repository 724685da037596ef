"""Counts of what a store in memory keeps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from microgrid.counts import Tally
from microgrid.store.memory_meters import MemoryTwins

if TYPE_CHECKING:
    from microgrid.store.memory import MemoryUnit

ALL = 10**9


class MemoryCounts:
    """The `Counts` port on a store in memory."""

    def __init__(self, unit: MemoryUnit) -> None:
        self._unit = unit

    def payments(self) -> Sequence[Tally]:
        """Return payments by provider and status, and when the oldest of each came in."""
        return _tallied(((row.provider, row.status), row.received_at) for row in self._unit.payments.page(limit=ALL))

    def waiting(self) -> Sequence[Tally]:
        """Return what is still to be sent by kind, and when the oldest of each became due."""
        waiting = (row for row in self._unit.outbox.page(limit=ALL) if row.done_at is None)
        return _tallied(((row.kind,), row.due_at) for row in waiting)

    def unsealed(self) -> int:
        """Return how many audit rows are not in the chain yet."""
        return len(self._unit.audit.unsealed(ALL))

    def twins(self) -> tuple[int, int]:
        """Return how many meters hold what they should, by their own word, and how many do not."""
        twins = self._unit.twins
        assert isinstance(twins, MemoryTwins)
        told = [twin.in_sync for twin in twins.all()]
        return sum(told), len(told) - sum(told)


def _tallied(found: Iterable[tuple[tuple[str, ...], datetime]]) -> Sequence[Tally]:
    by_sort: dict[tuple[str, ...], list[datetime]] = {}
    for sort, at in found:
        by_sort.setdefault(sort, []).append(at)
    return [Tally(sort, len(times), min(times)) for sort, times in sorted(by_sort.items())]
