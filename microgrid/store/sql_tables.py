"""Records of one kind in a database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Select, bindparam, select

from microgrid.errors import AlreadyThere
from microgrid.kept import OutboxItem
from microgrid.store import tables
from microgrid.store.records import Kept, refuse_unindexed
from microgrid.store.rows import Value, microseconds
from microgrid.store.sql_session import Session
from microgrid.store.sql_text import Among, Texts

Row = TypeVar("Row")


class TableTexts:
    """The statements about one table, each compiled when it is first needed."""

    def __init__(self, kept: Kept, texts: Texts) -> None:
        self.kept = kept
        self.mapping = kept.rows()
        self.texts = texts
        self._table = tables.KEPT[kept.name]
        self._where: dict[tuple[tuple[str, bool], ...], str] = {}
        self._page: dict[tuple[tuple[str, bool], ...], str] = {}
        self._where_in: dict[str, Among] = {}

    @cached_property
    def insert(self) -> str:
        """Return what claims an id."""
        return self.texts.insert(self._table)

    @cached_property
    def upsert(self) -> str:
        """Return what stores a record."""
        return self.texts.upsert(self._table)

    @cached_property
    def upsert_many(self) -> str | None:
        """Return what stores many records, where the database takes lists."""
        return self.texts.upsert_many(self._table)

    @cached_property
    def get(self) -> str:
        """Return what finds a record."""
        return self.texts.text(self._one(), "id")

    @cached_property
    def hold(self) -> str:
        """Return what finds a record and keeps it from being changed; SQLite has one writer anyway."""
        return self.texts.text(self._one().with_for_update(), "id")

    @cached_property
    def get_all(self) -> Among:
        """Return what finds many records."""
        return self.where_in("id")

    def page(self, fields: tuple[tuple[str, bool], ...]) -> str:
        """Return what finds the next records by id, of those with these fields; see `where`."""
        if fields not in self._page:
            conditions, names = self._equal(fields)
            later = self._by_id().where(*conditions, self._table.c.id > bindparam("after"))
            self._page[fields] = self.texts.text(later.limit(bindparam("limit")), *names, "after", "limit")
        return self._page[fields]

    @cached_property
    def due(self) -> str:
        """Return what finds the items of the outbox whose time has come."""
        c = self._table.c
        due = (c.done_at_us.is_(None), c.kind == bindparam("kind"), c.due_at_us <= bindparam("now"))
        waiting = self._by_id(c.due_at_us).where(*due)
        return self.texts.text(waiting.limit(bindparam("limit")), "kind", "now", "limit")

    def where(self, fields: tuple[tuple[str, bool], ...]) -> str:
        """Return what finds records by these fields; True stands for a field that is empty."""
        if fields not in self._where:
            conditions, names = self._equal(fields)
            self._where[fields] = self.texts.text(self._by_id().where(*conditions), *names)
        return self._where[fields]

    def where_in(self, field: str) -> Among:
        """Return what finds records by a list of values of one field."""
        if field not in self._where_in:
            column, ordered = self._table.c[field], self._by_id()
            self._where_in[field] = self.texts.among(lambda is_asked: ordered.where(is_asked(column)))
        return self._where_in[field]

    def _equal(self, fields: tuple[tuple[str, bool], ...]) -> tuple[list[ColumnElement[bool]], list[str]]:
        """Return the conditions that fields have their values or are empty, and the names of the parameters."""
        columns = self._table.c
        conditions = [columns[name].is_(None) if empty else columns[name] == bindparam(name) for name, empty in fields]
        return conditions, [name for name, empty in fields if not empty]

    def _one(self) -> Select[Any]:
        return select(self._table).where(self._table.c.id == bindparam("id"))

    def _by_id(self, *first: Any) -> Select[Any]:
        return select(self._table).order_by(*first, self._table.c.id)


class SqlTable(Generic[Row]):
    """Records of one kind, by id."""

    def __init__(self, session: Session, texts: TableTexts) -> None:
        self._session = session
        self._texts = texts
        self._mapping = texts.mapping

    def add(self, row: Row) -> None:
        """Insert; raises AlreadyThere when the id is taken."""
        if not self._session.write(self._texts.insert, self._mapping.values(row)):
            raise AlreadyThere(self._texts.kept.noun, self._mapping.key_of(row))

    def get(self, key: str) -> Row | None:
        """Return the record of an id, or nothing."""
        found = self._session.row(self._texts.get, self._mapping.asked(key))
        return None if found is None else self._mapping.record(found)

    def hold(self, key: str) -> Row | None:
        """Return the record of an id and keep others from changing it until this transaction ends."""
        if not self._session.writing:
            return self.get(key)
        found = self._session.row(self._texts.hold, self._mapping.asked(key))
        return None if found is None else self._mapping.record(found)

    def get_all(self, keys: Iterable[str]) -> dict[str, Row]:
        """Return the records of many ids, by id."""
        asked = sorted({self._mapping.asked(key) for key in keys})
        found = self._session.among(self._texts.get_all, asked)
        return {self._mapping.key_of(row): row for row in self._mapping.records(found)}

    def put(self, row: Row) -> None:
        """Insert, or replace the record of the same id."""
        self._session.write(self._texts.upsert, self._mapping.values(row))

    def put_all(self, rows: Sequence[Row]) -> None:
        """Insert or replace many records."""
        latest = {self._mapping.key_of(row): row for row in rows}
        values = [self._mapping.values(row) for row in latest.values()]
        self._session.write_all(self._texts.upsert, self._texts.upsert_many, values)

    def where(self, **equal: object) -> Sequence[Row]:
        """Return the records whose indexed fields equal all of these, by id."""
        refuse_unindexed(self._texts.kept, equal)
        fields, values = self._asked(equal)
        return self._mapping.records(self._session.rows(self._texts.where(fields), *values))

    def where_in(self, field: str, values: Iterable[str]) -> Sequence[Row]:
        """Return the records whose indexed field is one of these, by id."""
        refuse_unindexed(self._texts.kept, {field: None})
        asked = sorted({self._mapping.asked(value) for value in values})
        return self._mapping.records(self._session.among(self._texts.where_in(field), asked))

    def page(self, after: str = "", limit: int = 100, **equal: object) -> Sequence[Row]:
        """Return the next records by id after one; with fields, of those whose indexed fields equal all of these."""
        if equal:
            refuse_unindexed(self._texts.kept, equal)
        fields, values = self._asked(equal)
        asked = (*values, self._mapping.asked(after), limit)
        return self._mapping.records(self._session.rows(self._texts.page(fields), *asked))

    def _asked(self, equal: Mapping[str, object]) -> tuple[tuple[tuple[str, bool], ...], list[Value]]:
        """Return fields, each with whether it is to be empty, and the values of the others."""
        fields = tuple((field, value is None) for field, value in sorted(equal.items()))
        return fields, [self._mapping.encoded(field, equal[field]) for field, empty in fields if not empty]


class SqlOutbox(SqlTable[OutboxItem]):
    """What is to be sent; an index of items not done keeps old ones from costing anything."""

    def due(self, kind: str, now: datetime, limit: int) -> Sequence[OutboxItem]:
        """Return items of a kind, not done, whose time has come, most overdue first."""
        asked = (self._mapping.asked(kind), microseconds(now), limit)
        return self._mapping.records(self._session.rows(self._texts.due, *asked))
