"""The tables of both databases, made from the records; the migrations make the same ones, and a test compares them.

There are no foreign keys: ids come from outside, and a fact may arrive before the record it names. Texts sort by their
bytes on both databases, so that pages and locks come in one order everywhere.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Index, LargeBinary, MetaData, Table, Text, text
from sqlalchemy.dialects.postgresql import TEXT as POSTGRES_TEXT
from sqlalchemy.types import TypeEngine

from microgrid.store import rows
from microgrid.store.records import (
    BALANCE_ROWS,
    CREDIT_ROWS,
    DAY_ROWS,
    HEAD_ROWS,
    LINE_ROWS,
    READING_ROWS,
    TABLES,
    TWIN_ROWS,
)

METADATA = MetaData()

REVISION = "0002"  # the newest of the migrations, which make these tables

BYTE_ORDER = Text().with_variant(POSTGRES_TEXT(collation="C"), "postgresql")

TYPES: dict[rows.Kind, TypeEngine[Any]] = {
    "text": BYTE_ORDER,
    "integer": BigInteger(),
    "boolean": Boolean(),
    "time": BigInteger(),
    "day": BYTE_ORDER,
    "bytes": LargeBinary(),
    "document": BYTE_ORDER,
}

# Of an account, whose accrual and charges differ by a whole minor unit or more.
OWES_POSTING = "NOT (accrued_micro BETWEEN charged_minor * 1000000 AND charged_minor * 1000000 + 999999)"


def _table(name: str, columns: tuple[rows.Column, ...], key: tuple[str, ...], *, clustered: bool = True) -> Table:
    """Return a table; `clustered` keeps its rows in the key's own tree on SQLite, one write instead of two."""
    made = [
        Column(each.name, TYPES[each.kind], primary_key=each.name in key, nullable=each.optional) for each in columns
    ]
    return Table(name, METADATA, *made, sqlite_with_rowid=not clustered)


LONG = ("raw_events", "decisions")  # rows so long that they would fill the pages of their key's own tree

KEPT = {kept.name: _table(kept.name, kept.rows().columns, ("id",), clustered=kept.name not in LONG) for kept in TABLES}

for _kept in TABLES:
    for _field in _kept.indexed:
        Index(f"{_kept.name}_by_{_field}", KEPT[_kept.name].c[_field])

JOURNALS = _table("journals", HEAD_ROWS.columns, ("id",))
ENTRIES = _table("entries", LINE_ROWS.columns, ("journal_id", "line"))
Index(
    "entries_by_account",
    *(ENTRIES.c[name] for name in ("account", "posted_at_us", "journal_id", "currency", "amount_minor")),
)
REVERSING = text("reverses IS NOT NULL")
Index("journals_by_reverses", JOURNALS.c.reverses, sqlite_where=REVERSING, postgresql_where=REVERSING)

CREDITS = _table("credits", CREDIT_ROWS.columns, ("account_id",))
Index(
    "credits_to_post",
    CREDITS.c.account_id,
    sqlite_where=text(OWES_POSTING),
    postgresql_where=text(OWES_POSTING),
)

BALANCE_DAYS = _table("balance_days", BALANCE_ROWS.columns, ("account", "until_us", "currency"))

CHARGE_DAYS = _table("charge_days", DAY_ROWS.columns, ("account_id", "day"))

READINGS = _table("readings", READING_ROWS.columns, ("meter_id", "epoch", "seq"))
Index("readings_by_time", *(READINGS.c[name] for name in ("meter_id", "epoch", "at_us", "seq")))

TWINS = _table("twins", TWIN_ROWS.columns, ("meter_id",))
Index("twins_by_next_send_at", TWINS.c.next_send_at_us)

UNSEALED, SEALED = text("number IS NULL"), text("number IS NOT NULL")
_audit = KEPT["audit"].c
Index("audit_unsealed", _audit.at_us, _audit.id, sqlite_where=UNSEALED, postgresql_where=UNSEALED)
Index("audit_by_number", _audit.number, unique=True, sqlite_where=SEALED, postgresql_where=SEALED)

Index(
    "outbox_by_due_at",
    KEPT["outbox"].c.kind,
    KEPT["outbox"].c.due_at_us,
    sqlite_where=text("done_at_us IS NULL"),
    postgresql_where=text("done_at_us IS NULL"),
)
