"""Who did what, in memory, as strict as the triggers of a database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from microgrid.kept import AuditRow
from microgrid.store.changes import Changes
from microgrid.store.memory_tables import MemoryTable, SortedKeys
from microgrid.store.records import Kept


class MemoryTrail(MemoryTable[AuditRow]):
    """Who did what to which thing; rows not in the chain are kept apart, so that old ones cost nothing."""

    def __init__(self, changes: Changes, kept: Kept) -> None:
        super().__init__(changes, kept)
        self._waiting: SortedKeys[tuple[datetime, str]] = SortedKeys()
        self._chain: SortedKeys[tuple[int, str]] = SortedKeys()

    def put(self, row: AuditRow) -> None:
        """Insert, or replace a row that is not sealed."""
        old = self._rows.get(row.id)
        if old is not None and old.number is not None:
            raise ValueError("the audit log is never changed: write another row instead")
        super().put(row)

    def unsealed(self, limit: int) -> Sequence[AuditRow]:
        """Return rows that are not in the chain yet, oldest first."""
        self._changes.check_open()
        return [self._rows[key] for _, key in self._waiting.all()[:limit]]

    def sealed(self, after: int = 0, limit: int = 100) -> Sequence[AuditRow]:
        """Return the next rows of the chain after the one of a number."""
        self._changes.check_open()
        return [self._rows[key] for _, key in self._chain.after((after + 1, ""), limit)]

    def _insert(self, key: str, row: AuditRow) -> None:
        super()._insert(key, row)
        self._place(row)

    def _remove(self, key: str) -> None:
        self._take_out(self._rows[key])
        super()._remove(key)

    def _replace(self, key: str, row: AuditRow) -> None:
        self._take_out(self._rows[key])
        super()._replace(key, row)
        self._place(row)

    def _place(self, row: AuditRow) -> None:
        if row.number is None:
            self._waiting.add((row.at, row.id))
        else:
            self._chain.add((row.number, row.id))

    def _take_out(self, row: AuditRow) -> None:
        if row.number is None:
            self._waiting.remove((row.at, row.id))
        else:
            self._chain.remove((row.number, row.id))
