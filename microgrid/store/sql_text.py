"""Statements, built once with SQLAlchemy and compiled to the driver's own text.

Going through SQLAlchemy's execution at every payment costs four times what the driver takes; its text costs nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, any_, bindparam, column, func, select, true
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.sql import ClauseElement
from sqlalchemy.sql.dml import ReturningInsert
from sqlalchemy.types import TypeEngine

Build = Callable[[Mapping[str, ColumnElement[Any]]], Select[Any]]
IsAsked = Callable[[ColumnElement[Any]], ColumnElement[bool]]


@dataclass(frozen=True, slots=True)
class Gather:
    """One question asked of many keys: a text per key, or one text for all where the database takes lists."""

    one: str
    many: str | None


@dataclass(frozen=True, slots=True)
class Among:
    """One question about some keys: a text for a single key, which is quicker, and one for a list of them."""

    one: str
    many: str
    times: int  # how often the key, or the list, is a parameter


class Texts:
    """How statements are written for one database."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self.is_postgres = dialect.name == "postgresql"

    def text(self, statement: ClauseElement, *names: str) -> str:
        """Return the text of a statement whose parameters come in this order."""
        compiled = statement.compile(dialect=self._dialect, compile_kwargs={"render_postcompile": True})
        order = tuple(getattr(compiled, "positiontup", None) or ())
        written = str(compiled)
        if written.endswith(" OFFSET ?"):  # SQLAlchemy gives each LIMIT of SQLite an OFFSET of 0, as a parameter
            written, order = written.removesuffix(" OFFSET ?"), order[:-1]
        if order != names:
            raise AssertionError(f"parameters come as {order}, not as {names}: {written}")
        return written

    def insert(self, table: Table) -> str:
        """Return what inserts a row, or does nothing when its key is taken."""
        return self.text(self._insert(table).on_conflict_do_nothing(), *_names(table))

    def insert_rows(self, table: Table, count: int) -> str:
        """Return what inserts so many rows in one statement."""
        names = [[f"{name}_{row}" for name in _names(table)] for row in range(count)]
        rows: list[dict[str, Any]] = [
            {name: bindparam(f"{name}_{row}") for name in _names(table)} for row in range(count)
        ]
        return self.text(self._insert(table).values(rows), *(name for each in names for name in each))

    def upsert(self, table: Table) -> str:
        """Return what inserts a row, or replaces the one of the same key."""
        return self.text(self._replacing(table, self._insert(table)), *_names(table))

    def insert_many(self, table: Table) -> str | None:
        """Return what inserts rows given as one list per column, and gives back the keys that were free."""
        if not self.is_postgres:
            return None
        statement = self._from_lists(table).on_conflict_do_nothing()
        returning: ReturningInsert[Any] = statement.returning(*table.primary_key.columns)
        return self.text(returning, *_names(table))

    def upsert_many(self, table: Table) -> str | None:
        """Return what inserts or replaces rows given as one list per column; no key may come twice."""
        if not self.is_postgres:
            return None
        return self.text(self._replacing(table, self._from_lists(table)), *_names(table))

    def gather(self, build: Build, types: Mapping[str, TypeEngine[Any]]) -> Gather:
        """Return a question with named values, for one set of values and for many sets at once."""
        one = build({name: bindparam(name, type_=kind) for name, kind in types.items()})
        return Gather(self.text(one, *types), self._many(build, types) if self.is_postgres else None)

    def among(self, build: Callable[[IsAsked], ClauseElement]) -> Among:
        """Return a question about keys; `build` is given what says that a column is one of them."""
        one, times = self._asking(build, lambda within, name: within == bindparam(name))
        many, _ = self._asking(build, self._in_list)
        return Among(one, many, times)

    def _asking(
        self, build: Callable[[IsAsked], ClauseElement], is_asked: Callable[[ColumnElement[Any], str], Any]
    ) -> tuple[str, int]:
        names: list[str] = []

        def named(within: ColumnElement[Any]) -> ColumnElement[bool]:
            names.append(f"asked_{len(names)}")
            condition: ColumnElement[bool] = is_asked(within, names[-1])
            return condition

        return self.text(build(named), *names), len(names)

    def _in_list(self, within: ColumnElement[Any], name: str) -> ColumnElement[bool]:
        if self.is_postgres:
            return within == any_(bindparam(name, type_=postgresql.ARRAY(within.type)))
        each = func.json_each(bindparam(name)).table_valued("value")
        return within.in_(select(each.c.value))

    def listed(self, values: Iterable[Any]) -> Any:
        """Return a list as the parameter that a question about many keys expects."""
        return list(values) if self.is_postgres else json.dumps(list(values))

    def _insert(self, table: Table) -> Any:
        return postgresql.insert(table) if self.is_postgres else sqlite.insert(table)

    def _from_lists(self, table: Table) -> Any:
        names = _names(table)
        lists = func.unnest(*(bindparam(name, type_=postgresql.ARRAY(table.c[name].type)) for name in names))
        given = lists.table_valued(*(column(name, table.c[name].type) for name in names)).render_derived()
        return postgresql.insert(table).from_select(names, select(*given.c))

    def _many(self, build: Build, types: Mapping[str, TypeEngine[Any]]) -> str:
        lists = func.unnest(*(bindparam(name, type_=postgresql.ARRAY(kind)) for name, kind in types.items()))
        columns = [column(name, kind) for name, kind in types.items()]
        asked = lists.table_valued(*columns, with_ordinality="place", name="asked").render_derived()
        found = build({name: asked.c[name] for name in types}).lateral("found")
        return self.text(select(asked.c.place - 1, *found.c).select_from(asked.join(found, true())), "place_1", *types)

    @staticmethod
    def _replacing(table: Table, statement: Any) -> Any:
        keys = [each.name for each in table.primary_key.columns]
        rest = {name: statement.excluded[name] for name in _names(table) if name not in keys}
        return statement.on_conflict_do_update(index_elements=keys, set_=rest)


def _names(table: Table) -> Sequence[str]:
    return [each.name for each in table.columns]
