"""How migrations say what they make: a line of columns per table, `?` after a kind that may be empty."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeEngine

TEXT = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")  # one order of ids everywhere: by bytes
TYPES: dict[str, TypeEngine[Any]] = {
    "text": TEXT,
    "whole": sa.BigInteger(),
    "truth": sa.Boolean(),
    "octets": sa.LargeBinary(),
}


def table(name: str, columns: str, key: str, *, clustered: bool = True) -> None:
    """Make a table; `columns` is such as `id text, at_us whole, note text?`."""
    made = [column(each) for each in columns.split(", ")]
    op.create_table(name, *made, sa.PrimaryKeyConstraint(*key.split()), sqlite_with_rowid=not clustered)


def column(described: str) -> sa.Column[Any]:
    """Return a column from its name and kind."""
    name, kind = described.split()
    return sa.Column(name, TYPES[kind.rstrip("?")], nullable=kind.endswith("?"))


def add_column(table_name: str, described: str, filled_with: str = "") -> None:
    """Add a column to a table that has rows; `filled_with` is what SQL gives those that say nothing else."""
    made = column(described)
    made.server_default = sa.DefaultClause(sa.text(filled_with)) if filled_with else None
    op.add_column(table_name, made)


def index(name: str, table_name: str, columns: str, only: str = "", *, unique: bool = False) -> None:
    """Make an index, of all rows or only of some; `unique` refuses the same values twice."""
    where = sa.text(only) if only else None
    columns_of = columns.split()
    op.create_index(name, table_name, columns_of, unique=unique, sqlite_where=where, postgresql_where=where)
