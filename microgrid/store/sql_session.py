"""One connection of a driver and the transaction that is open on it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any, Protocol

from microgrid.home_ports import Home
from microgrid.kept import Credit
from microgrid.store.changes import refuse_closed, refuse_unlocked
from microgrid.store.rows import Value
from microgrid.store.sql_text import Among, Gather, Texts


class Cursor(Protocol):
    """What both drivers offer."""

    @property
    def rowcount(self) -> int:
        """Return how many rows the last statement changed."""

    def execute(self, statement: Any, parameters: Any = ...) -> object:
        """Run a statement."""

    def executemany(self, statement: Any, parameters: Any) -> object:
        """Run a statement once per set of parameters."""

    def fetchone(self) -> Any:
        """Return the next row, or nothing."""

    def fetchall(self) -> Sequence[Any]:
        """Return all rows."""


class ClosedCursor:
    """Stands where a cursor was, after the transaction."""

    rowcount = 0

    def execute(self, statement: Any, parameters: Any = ()) -> object:  # noqa: ARG002 - refused whatever they are
        """Refuse."""
        refuse_closed(is_open=False)

    def executemany(self, statement: Any, parameters: Any) -> object:
        """Refuse."""
        return self.execute(statement, parameters)

    def fetchone(self) -> Any:
        """Give nothing."""

    def fetchall(self) -> list[Any]:
        """Give nothing."""
        return []


CLOSED = ClosedCursor()


class Session:
    """An open transaction: the driver's cursor, and what it knows of the accounts it has locked.

    Nobody else changes a hot row that is locked, nor what its account is charged by, so each is read once; and it is
    written once, at the end, as it then is.
    """

    __slots__ = ("_depth", "cursor", "driver_cursor", "homes", "late", "locked", "texts", "writing")

    def __init__(self, driver_cursor: Cursor, texts: Texts) -> None:
        self.driver_cursor = driver_cursor
        self.texts = texts
        self.cursor: Cursor = CLOSED
        self.writing = False
        self.locked: dict[str, Credit] = {}
        self.late: dict[str, list[Value]] = {}  # rows of locked accounts that are still to be written
        self.homes: dict[str, Home] = {}
        self._depth = 0

    def open(self, begin: str, *, writing: bool) -> None:
        """Begin a transaction."""
        self.driver_cursor.execute(begin)
        self.cursor, self.writing = self.driver_cursor, writing

    def close(self, end: str) -> None:
        """End the transaction with COMMIT or ROLLBACK."""
        self.cursor, self.writing, self._depth = CLOSED, False, 0
        self.locked.clear()
        self.late.clear()
        self.homes.clear()
        self.driver_cursor.execute(end)

    def row(self, text: str, *parameters: Any) -> Any:
        """Return the first row of an answer, or nothing."""
        self.cursor.execute(text, parameters)
        return self.cursor.fetchone()

    def rows(self, text: str, *parameters: Any) -> list[Any]:
        """Return all rows of an answer."""
        self.cursor.execute(text, parameters)
        return list(self.cursor.fetchall())

    def among(self, ask: Among, keys: Sequence[Any]) -> list[Any]:
        """Return all rows of the answer to a question about these keys."""
        if len(keys) == 1:
            return self.rows(ask.one, *[keys[0]] * ask.times)
        return self.rows(ask.many, *[self.texts.listed(keys)] * ask.times) if keys else []

    def write(self, text: str, parameters: Sequence[Any]) -> int:
        """Change rows and return how many were changed."""
        if not self.writing:
            self.check_writing()
        cursor = self.cursor
        cursor.execute(text, parameters)
        return cursor.rowcount

    def write_all(self, one: str, many: str | None, rows: Sequence[Sequence[Any]]) -> None:
        """Write many rows at once."""
        self.check_writing()
        if many is None:
            self.cursor.executemany(one, rows)
        elif rows:
            self.cursor.execute(many, [list(each) for each in zip(*rows, strict=True)])

    def claim_all(
        self, one: str, many: str | None, rows: Sequence[Sequence[Any]], key_width: int
    ) -> set[tuple[Any, ...]]:
        """Insert rows whose keys, their first columns, differ; return the keys that were free."""
        self.check_writing()
        if not rows:
            return set()
        if many is None:
            return self._claim_each(one, rows, key_width)
        return set(self.rows(many, *(list(each) for each in zip(*rows, strict=True))))

    def _claim_each(self, one: str, rows: Sequence[Sequence[Any]], key_width: int) -> set[tuple[Any, ...]]:
        """Claim keys of rows where no list can be given: all at once, or one by one where some are taken."""
        part = self.enter_part()
        self.cursor.executemany(one, rows)
        are_free = self.cursor.rowcount == len(rows)
        self.leave_part(part, keep=are_free)
        return {tuple(row[:key_width]) for row in rows if are_free or self.write(one, row)}

    def gather(self, ask: Gather, keys: Sequence[tuple[Any, ...]]) -> Iterator[tuple[int, Any]]:
        """Yield each row of the answers to one question about many keys, with the place of its key."""
        if ask.many is None or len(keys) == 1:
            for place, key in enumerate(keys):
                for row in self.rows(ask.one, *key):
                    yield place, row
        elif keys:
            for place, *row in self.rows(ask.many, 1, *(list(each) for each in zip(*keys, strict=True))):
                yield place, row

    def check_writing(self) -> None:
        """Refuse to change anything in a transaction that only reads, or in none."""
        if not self.writing:
            refuse_closed(is_open=self.cursor is not CLOSED)

    def check_locked(self, account_id: str) -> None:
        """Refuse to change the hot row of an account that this transaction has not locked."""
        if account_id not in self.locked:
            self.check_writing()
            refuse_unlocked(account_id)

    def savepoint(self) -> Savepoint:
        """Open a part of the transaction."""
        return Savepoint(self)

    def enter_part(self) -> str:
        """Set a savepoint and return its name."""
        self._depth += 1
        name = f"part_{self._depth}"
        self.cursor.execute(f"SAVEPOINT {name}")
        return name

    def leave_part(self, name: str, *, keep: bool) -> None:
        """Keep or undo what was written since a savepoint."""
        self._depth -= 1
        if not keep:
            self.cursor.execute(f"ROLLBACK TO SAVEPOINT {name}")
        self.cursor.execute(f"RELEASE SAVEPOINT {name}")


class Savepoint:
    """A part of a transaction that is kept or undone by itself."""

    __slots__ = ("_late", "_locked", "_name", "_session")

    def __init__(self, session: Session) -> None:
        self._session = session
        self._name = ""
        self._locked: dict[str, Credit] = {}
        self._late: dict[str, list[Value]] = {}

    def __enter__(self) -> None:
        self._locked, self._late = dict(self._session.locked), dict(self._session.late)
        self._name = self._session.enter_part()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session.leave_part(self._name, keep=kind is None)
        if kind is not None:
            self._session.locked = self._locked  # the database has let go of later locks too
            self._session.late = self._late
            self._session.homes.clear()
