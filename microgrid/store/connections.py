"""The open connections of a store, each with its unit of work; the one used last is given out first.

A pool of SQLAlchemy does more at each turn than we need, and takes longer over it than a payment's statements.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass

from sqlalchemy import Engine
from sqlalchemy.pool import PoolProxiedConnection

from microgrid.errors import Environment, Problem
from microgrid.store.opening import BUSY_S, CONNECTIONS, reached
from microgrid.store.sql_session import Session
from microgrid.store.sql_unit import AllTexts, SqlUnit


@dataclass(frozen=True, slots=True)
class Held:
    """A connection in use."""

    connection: PoolProxiedConnection
    unit: SqlUnit


class Connections:
    """Connections to one database, opened when they are needed, at most so many at a time."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._texts = AllTexts(engine)
        self._idle: deque[Held] = deque()
        self._free = threading.BoundedSemaphore(CONNECTIONS)

    def take(self) -> Held:
        """Return a connection, waiting for one if all are in use."""
        if not self._free.acquire(timeout=BUSY_S):
            raise busy(f"no connection to the database came free for {BUSY_S} s")
        try:
            return self._idle.pop()
        except IndexError:
            return self._opened()

    def give_back(self, held: Held) -> None:
        """Take a connection back for the next."""
        self._idle.append(held)
        self._free.release()

    def discard(self, held: Held) -> None:
        """Close a connection that is of no use any more."""
        held.connection.invalidate()
        self._free.release()

    def close(self) -> None:
        """Close all connections that are not in use."""
        while self._idle:
            self._idle.pop().connection.close()

    def _opened(self) -> Held:
        try:
            with reached(self._engine.url):
                connection = self._engine.raw_connection()
            return Held(connection, SqlUnit(Session(connection.cursor(), self._texts.texts), self._texts))
        except BaseException:
            self._free.release()
            raise


def busy(what: str) -> Environment:
    """Return the error for a database that others keep from us."""
    fix = "let the other work finish, or stop the program that holds the database, and try again"
    return Environment(Problem("MG-E063", what, why="nothing was written", fix=fix))
