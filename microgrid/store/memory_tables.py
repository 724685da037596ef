"""Records of one kind in memory, with indexes for the fields they are found by."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Generic, TypeVar

from microgrid.errors import AlreadyThere
from microgrid.kept import OutboxItem
from microgrid.store.changes import Changes
from microgrid.store.records import Kept, refuse_unindexed

Row = TypeVar("Row")
Key = TypeVar("Key", bound="str | tuple[Any, ...]")


class SortedKeys(Generic[Key]):
    """Keys in order. New ones wait at the side until somebody looks, so that adding costs nothing."""

    __slots__ = ("_fresh", "_sorted")

    def __init__(self) -> None:
        self._sorted: list[Key] = []
        self._fresh: list[Key] = []

    def add(self, key: Key) -> None:
        """Add a key that is not there."""
        self._fresh.append(key)

    def remove(self, key: Key) -> None:
        """Take out a key that is there; one added last goes quickest."""
        if self._fresh and self._fresh[-1] == key:
            self._fresh.pop()
        else:
            keys = self.all()
            del keys[bisect_left(keys, key)]

    def all(self) -> list[Key]:
        """Return all keys in order; a list to look at, not to change."""
        if self._fresh:
            self._sorted.extend(self._fresh)
            self._sorted.sort()  # two runs in order are merged in one pass
            self._fresh.clear()
        return self._sorted

    def after(self, key: Key, limit: int) -> list[Key]:
        """Return the next keys after one."""
        keys = self.all()
        first = bisect_right(keys, key)
        return keys[first : first + limit]


class MemoryTable(Generic[Row]):
    """Records of one kind, by id."""

    def __init__(self, changes: Changes, kept: Kept) -> None:
        self._changes = changes
        self._kept = kept
        self._mapping = kept.rows()
        self._key_of = self._mapping.key_of
        self._rows: dict[str, Row] = {}
        self._keys: SortedKeys[str] = SortedKeys()
        self._indexes: dict[str, dict[object, dict[str, None]]] = {field: {} for field in kept.indexed}

    def add(self, row: Row) -> None:
        """Insert; raises AlreadyThere when the id is taken."""
        self._mapping.check(row)
        key = self._key_of(row)
        if key in self._rows:
            self._changes.check_open()
            raise AlreadyThere(self._kept.noun, key)
        self._changes.note(self._remove, key)
        self._insert(key, row)

    def get(self, key: str) -> Row | None:
        """Return the record of an id, or nothing."""
        self._changes.check_open()
        return self._rows.get(self._mapping.asked(key))

    def hold(self, key: str) -> Row | None:
        """Return the record of an id; nobody else is in the store, so nobody changes it."""
        return self.get(key)

    def get_all(self, keys: Iterable[str]) -> dict[str, Row]:
        """Return the records of many ids, by id."""
        self._changes.check_open()
        rows = self._rows
        return {key: rows[key] for key in sorted(set(keys)) if self._mapping.asked(key) in rows}

    def put(self, row: Row) -> None:
        """Insert, or replace the record of the same id."""
        self._mapping.check(row)
        key = self._key_of(row)
        old = self._rows.get(key)
        if old is None:
            self._changes.note(self._remove, key)
            self._insert(key, row)
        else:
            self._changes.note(self._replace, key, old)
            self._replace(key, row)

    def put_all(self, rows: Sequence[Row]) -> None:
        """Insert or replace many records."""
        for row in rows:
            self.put(row)

    def where(self, **equal: object) -> Sequence[Row]:
        """Return the records whose indexed fields equal all of these, by id."""
        self._changes.check_open()
        refuse_unindexed(self._kept, equal)
        for field, value in equal.items():
            self._mapping.encoded(field, value)
        found = sorted((self._indexes[field].get(value, {}) for field, value in equal.items()), key=len)
        keys = set(found[0]).intersection(*found[1:])
        return [self._rows[key] for key in sorted(keys)]

    def where_in(self, field: str, values: Iterable[str]) -> Sequence[Row]:
        """Return the records whose indexed field is one of these, by id."""
        self._changes.check_open()
        refuse_unindexed(self._kept, {field: None})
        index = self._indexes[field]
        keys = {key for value in values for key in index.get(self._mapping.asked(value), ())}
        return [self._rows[key] for key in sorted(keys)]

    def page(self, after: str = "", limit: int = 100, **equal: object) -> Sequence[Row]:
        """Return the next records by id after one; with fields, of those whose indexed fields equal all of these."""
        self._changes.check_open()
        asked = self._mapping.asked(after)
        if equal:
            return [row for row in self.where(**equal) if self._key_of(row) > asked][:limit]
        return [self._rows[key] for key in self._keys.after(asked, limit)]

    def all(self) -> Iterable[Row]:
        """Return every record, in no order."""
        return self._rows.values()

    def _insert(self, key: str, row: Row) -> None:
        self._rows[key] = row
        self._keys.add(key)
        for field, index in self._indexes.items():
            index.setdefault(getattr(row, field), {})[key] = None

    def _remove(self, key: str) -> None:
        row = self._rows.pop(key)
        self._keys.remove(key)
        for field in self._indexes:
            self._unindex(field, getattr(row, field), key)

    def _replace(self, key: str, row: Row) -> None:
        old, self._rows[key] = self._rows[key], row
        for field, index in self._indexes.items():
            before, now = getattr(old, field), getattr(row, field)
            if before != now:
                self._unindex(field, before, key)
                index.setdefault(now, {})[key] = None

    def _unindex(self, field: str, value: object, key: str) -> None:
        keys = self._indexes[field][value]
        del keys[key]
        if not keys:
            del self._indexes[field][value]


class MemoryOutbox(MemoryTable[OutboxItem]):
    """What is to be sent; items not done are kept apart, so that old ones cost nothing."""

    def __init__(self, changes: Changes, kept: Kept) -> None:
        super().__init__(changes, kept)
        self._waiting: dict[str, OutboxItem] = {}

    def due(self, kind: str, now: datetime, limit: int) -> Sequence[OutboxItem]:
        """Return items of a kind, not done, whose time has come, most overdue first."""
        self._changes.check_open()
        due = [item for item in self._waiting.values() if item.kind == kind and item.due_at <= now]
        return sorted(due, key=lambda item: (item.due_at, item.id))[:limit]

    def _insert(self, key: str, row: OutboxItem) -> None:
        super()._insert(key, row)
        self._wait(row)

    def _remove(self, key: str) -> None:
        super()._remove(key)
        self._waiting.pop(key, None)

    def _replace(self, key: str, row: OutboxItem) -> None:
        super()._replace(key, row)
        self._wait(row)

    def _wait(self, item: OutboxItem) -> None:
        if item.done_at is None:
            self._waiting[item.id] = item
        else:
            self._waiting.pop(item.id, None)
