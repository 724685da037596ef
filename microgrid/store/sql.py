"""Everything in a database: SQLite in a file, or PostgreSQL.

SQLite has one writer: a transaction that writes begins as such, and threads of this program queue for it in order.
On PostgreSQL transactions run side by side (READ COMMITTED) and lock the rows they change; see `Collision`.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from types import TracebackType

from microgrid.errors import Collision
from microgrid.kept import OutboxItem
from microgrid.ports import UnitOfWork
from microgrid.store.connections import Connections, Held, busy
from microgrid.store.opening import BUSY_S, driven, parse, reached, require_present, unreachable
from microgrid.store.rows import EPOCH
from microgrid.store.sql_unit import SqlUnit

COLLISIONS = {"40001", "40P01"}  # SQL states: serialisation failure, deadlock detected


class SqlStore:
    """A store in a database; its tables must be of this version (`microgrid db upgrade`)."""

    def __init__(self, address: str) -> None:
        self.url = parse(address)
        self.engine = driven(self.url)
        self.is_postgres = self.url.get_backend_name() == "postgresql"
        with reached(self.url), self.engine.connect() as connection:
            require_present(self.url, connection)
        self.operational_error: type[Exception] = self.engine.dialect.loaded_dbapi.OperationalError
        self.connections = Connections(self.engine)
        self.writer: threading.Lock | None = None if self.is_postgres else threading.Lock()
        self.here = threading.local()

    def begin(self) -> Transaction:
        """Open a transaction: committed at the end of the block, rolled back by any exception."""
        return Transaction(self, "BEGIN" if self.is_postgres else "BEGIN IMMEDIATE", writing=True)

    def read(self) -> Transaction:
        """Open a transaction that sees one moment of the store, writes nothing and holds up nobody."""
        begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY" if self.is_postgres else "BEGIN"
        return Transaction(self, begin, writing=False)

    def check(self) -> None:
        """Raise Environment when the database takes no writes, or its tables are of another version."""
        with reached(self.url), self.engine.connect() as connection:
            require_present(self.url, connection)
        with suppress(_NotKept), self.begin() as uow:
            uow.outbox.put(OutboxItem("check", "check", "", "", EPOCH, EPOCH))
            raise _NotKept

    def unit_here(self) -> SqlUnit:
        """Return the unit of work of the transaction that is open in this thread."""
        held: Held | None = getattr(self.here, "held", None)
        if held is None:
            raise RuntimeError("this thread has no transaction open")
        return held.unit

    def close(self) -> None:
        """Close all connections."""
        self.connections.close()

    def in_words(self, error: BaseException) -> BaseException:
        """Return what a driver's error means to us; any other stays as it is."""
        if getattr(error, "sqlstate", None) in COLLISIONS:
            return Collision(str(error))
        if not isinstance(error, self.operational_error):
            return error
        if "database is locked" in str(error):
            return busy(f"another program has been writing to {self.url.database} for {BUSY_S} s")
        return unreachable(self.url, error)


class _NotKept(Exception):  # noqa: N818 - nothing went wrong
    """Ends a transaction whose writes are only tried."""


class Transaction:
    """One transaction on one connection."""

    __slots__ = ("_begin", "_store", "_writer", "_writing")

    def __init__(self, store: SqlStore, begin: str, *, writing: bool) -> None:
        self._store, self._begin, self._writing = store, begin, writing
        self._writer = store.writer if writing else None

    def __enter__(self) -> UnitOfWork:
        here = self._store.here
        if getattr(here, "held", None) is not None:
            raise RuntimeError("this thread has a transaction open already; flows open one and services never do")
        if self._writer is not None:
            self._writer.acquire()
        try:
            here.held = self._opened()
        except BaseException:
            if self._writer is not None:
                self._writer.release()
            raise
        unit: SqlUnit = here.held.unit
        return unit

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        here = self._store.here
        held, here.held = here.held, None
        try:
            self._end(held, error)
        finally:
            if self._writer is not None:
                self._writer.release()

    def _opened(self) -> Held:
        """Return a connection with the transaction begun; when one went stale, all idle ones did, and are replaced."""
        store = self._store
        for last_try in (False, True):
            held = store.connections.take()
            try:
                held.unit.session.open(self._begin, writing=self._writing)
                break
            except Exception as error:
                store.connections.discard(held)
                if last_try or not store.is_postgres:
                    raise store.in_words(error) from error
                store.connections.close()
        return held

    def _end(self, held: Held, error: BaseException | None) -> None:
        store = self._store
        try:
            held.unit.close(keep=error is None)
        except BaseException as failed:
            store.connections.discard(held)
            raise store.in_words(error or failed) from failed
        store.connections.give_back(held)
        if error is not None:
            said = store.in_words(error)
            if said is not error:
                raise said from error


def open_store(address: str) -> SqlStore:
    """Return the store at the path of a SQLite file or the URL of a PostgreSQL database."""
    return SqlStore(address)
