"""Everything in memory, for simulations and tests: one lock, an undo list, and as strict as a database.

A transaction notes how to take back each change, so that its cost does not grow with what is stored.
"""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Any

from microgrid.ports import UnitOfWork
from microgrid.store.changes import Changes
from microgrid.store.memory_balances import MemoryBalances
from microgrid.store.memory_books import MemoryCredits, MemoryLedger
from microgrid.store.memory_counts import MemoryCounts
from microgrid.store.memory_history import MemoryHistory
from microgrid.store.memory_homes import MemoryHomes
from microgrid.store.memory_meters import MemoryReadings, MemoryTwins
from microgrid.store.memory_tables import MemoryOutbox, MemoryTable
from microgrid.store.memory_trail import MemoryTrail
from microgrid.store.records import TABLES
from microgrid.store.unit import Unit

SPECIAL: dict[str, type[MemoryTable[Any]]] = {"outbox": MemoryOutbox, "audit": MemoryTrail}


class MemoryUnit(Unit):
    """The one unit of work of a memory store; usable only between `begin` and its end."""

    def __init__(self, changes: Changes) -> None:
        self.changes = changes
        for kept in TABLES:
            made: type[MemoryTable[Any]] = SPECIAL.get(kept.name, MemoryTable)
            setattr(self, kept.name, made(changes, kept))
        self.homes = MemoryHomes(self)
        self.counts = MemoryCounts(self)
        books = MemoryLedger(changes)
        self.ledger, self.balances = books, MemoryBalances(changes, books)
        self.history = MemoryHistory(books)
        self.credits = MemoryCredits(changes)
        self.readings = MemoryReadings(changes)
        self.twins = MemoryTwins(changes)

    def savepoint(self) -> _Savepoint:
        """Open a part of the transaction: what it wrote is undone, and only that, when it raises."""
        return _Savepoint(self.changes)


class MemoryStore:
    """A store that forgets everything when the program ends."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holder: int | None = None
        self._changes = Changes()
        self.unit = MemoryUnit(self._changes)

    def begin(self) -> _Transaction:
        """Open a transaction: committed at the end of the block, rolled back by any exception."""
        return _Transaction(self, writing=True)

    def read(self) -> _Transaction:
        """Open a transaction that writes nothing; it waits for its turn, as every one in memory."""
        return _Transaction(self, writing=False)

    def check(self) -> None:
        """Find nothing wrong: memory takes writes as long as there is any."""

    def enter(self, *, writing: bool) -> None:
        """Wait for the store and open it."""
        if self._holder == threading.get_ident():
            raise RuntimeError("this thread has a transaction open already; flows open one and services never do")
        self._lock.acquire()
        self._holder = threading.get_ident()
        self._changes.open(writing=writing)

    def leave(self, *, keep: bool) -> None:
        """Close the store, keeping what was written or undoing it."""
        try:
            if not keep:
                self._changes.undo_to(0)
        finally:
            self._changes.close()
            self._holder = None
            self._lock.release()


class _Transaction:
    def __init__(self, store: MemoryStore, *, writing: bool) -> None:
        self._store, self._writing = store, writing

    def __enter__(self) -> UnitOfWork:
        self._store.enter(writing=self._writing)
        return self._store.unit

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._store.leave(keep=kind is None)


class _Savepoint:
    def __init__(self, changes: Changes) -> None:
        self._changes = changes
        self._mark, self._locked = 0, frozenset[str]()

    def __enter__(self) -> None:
        self._mark, self._locked = self._changes.mark(), frozenset(self._changes.locked)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._changes.undo_to(self._mark)
            self._changes.locked = set(self._locked)
