"""The floor beneath a transaction: exactly its SQL statements and parameters, with no code of ours between."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from microgrid.store.opening import driven, parse
from microgrid.store.sql import SqlStore
from microgrid.store.sql_session import Cursor


@dataclass(slots=True)
class Statement:
    """One statement as it went to the driver, and how its answer was read."""

    run: str  # execute or executemany
    text: Any
    parameters: Any
    fetch: str = ""


class Recorder:
    """A driver's cursor that writes down what it is asked."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor
        self.statements: list[Statement] = []

    @property
    def rowcount(self) -> int:
        """Return how many rows the last statement changed."""
        return self._cursor.rowcount

    def execute(self, statement: Any, parameters: Any = ()) -> object:
        """Run a statement."""
        self.statements.append(Statement("execute", statement, parameters))
        return self._cursor.execute(statement, parameters)

    def executemany(self, statement: Any, parameters: Any) -> object:
        """Run a statement once per set of parameters."""
        self.statements.append(Statement("executemany", statement, parameters))
        return self._cursor.executemany(statement, parameters)

    def fetchone(self) -> Any:
        """Return the next row, or nothing."""
        self.statements[-1].fetch = "fetchone"
        return self._cursor.fetchone()

    def fetchall(self) -> Sequence[Any]:
        """Return all rows."""
        self.statements[-1].fetch = "fetchall"
        return self._cursor.fetchall()


def recorded(store: SqlStore, work: Callable[[], object]) -> list[Statement]:
    """Return what a store's driver is asked while this thread works."""
    held = store.connections.take()
    store.connections.give_back(held)  # the one used last is given out first
    session = held.unit.session
    recorder = Recorder(session.driver_cursor)
    session.driver_cursor, driver = recorder, session.driver_cursor
    try:
        work()
    finally:
        session.driver_cursor = driver
    return recorder.statements


@contextmanager
def cursor(address: str) -> Iterator[Any]:
    """Open a driver's cursor with the settings a store of ours uses."""
    connection = driven(parse(address)).raw_connection()
    try:
        yield connection.cursor()
    finally:
        connection.invalidate()


def replay_s(address: str, statements: Sequence[Statement]) -> float:
    """Return how long the statements take on the driver alone."""
    with cursor(address) as driver:
        steps = [
            (getattr(driver, each.run), each.text, each.parameters, getattr(driver, each.fetch) if each.fetch else None)
            for each in statements
        ]
        started_s = time.perf_counter()
        for run, text, parameters, fetch in steps:
            run(text, parameters)
            if fetch is not None:
                fetch()
        return time.perf_counter() - started_s


def raw_commit_ms(address: str, commits: int) -> float:
    """Return how long a transaction of two small rows takes."""
    begin = "BEGIN" if "://" in address else "BEGIN IMMEDIATE"
    with cursor(address) as driver:
        driver.execute("CREATE TABLE IF NOT EXISTS two_rows (a BIGINT, b BIGINT)")
        started_s = time.perf_counter()
        for number in range(commits):
            driver.execute(begin)
            driver.execute(f"INSERT INTO two_rows VALUES ({number}, 1)")  # noqa: S608 - a number of our own
            driver.execute(f"INSERT INTO two_rows VALUES ({number}, 2)")  # noqa: S608
            driver.execute("COMMIT")
        return (time.perf_counter() - started_s) / commits * 1000
