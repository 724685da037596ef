"""What is kept, table by table: the record, its key, and the fields it can be found by."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from microgrid.billing.ledger import Entry, Journal, faults
from microgrid.billing.payments import Payment
from microgrid.billing.plans import PlanVersion
from microgrid.customers.records import Account, Connection, Customer, Enrolment, Fit, Meter, Site
from microgrid.errors import Contradiction, Problem
from microgrid.monitoring.readings import Reading
from microgrid.ports import Approval, AuditRow, ChargeDay, Credit, OutboxItem, RawEvent
from microgrid.store.rows import RowMap
from microgrid.switching.supply import Twin


@dataclass(frozen=True, slots=True)
class Kept:
    """One table of records: `indexed` are the fields `where` accepts, `noun` is what a person calls a record."""

    name: str
    noun: str
    record: type[Any]
    indexed: tuple[str, ...] = ()
    key_of: Callable[[Any], str] | None = None  # where the id is made of several fields

    def rows(self) -> RowMap[Any]:
        """Return how these records become rows."""
        return RowMap(self.record, self.name, indexed=self.indexed, key_of=self.key_of)


def refuse_unindexed(kept: Kept, equal: Mapping[str, object]) -> None:
    """Refuse to search by a field without an index: it would read the whole table."""
    strange = [field for field in equal if field not in kept.indexed]
    if strange or not equal:
        asked = ", ".join(strange) or "nothing"
        raise ValueError(f"{kept.name} cannot be found by {asked}, only by {', '.join(kept.indexed) or 'id'}")


def plan_key(plan: PlanVersion) -> str:
    """Return the id of a plan version."""
    return f"{plan.plan_id}@{plan.version}"


TABLES = (
    Kept("sites", "site", Site),
    Kept("customers", "customer", Customer, ("phone",)),
    Kept("accounts", "account", Account, ("customer_id", "site_id")),
    Kept("enrolments", "enrolment", Enrolment, ("account_id", "plan_id")),
    Kept("connections", "connection", Connection, ("account_id", "site_id")),
    Kept("meters", "meter", Meter),
    Kept("fits", "fit", Fit, ("meter_id", "connection_id")),
    Kept("plans", "plan version", PlanVersion, ("plan_id",), plan_key),
    Kept("payments", "payment", Payment, ("account_id", "status", "payer", "receipt")),
    Kept("raw_events", "raw event", RawEvent),
    Kept("outbox", "outbox item", OutboxItem, ("kind", "to")),
    Kept("audit", "audit row", AuditRow, ("subject",)),
    Kept("approvals", "request", Approval, ("subject",)),
)


@dataclass(frozen=True, slots=True)
class JournalHead:
    """A journal without its lines."""

    id: str
    kind: str
    currency: str
    posted_at: datetime
    value_at: datetime
    reverses: str | None
    note: str


@dataclass(frozen=True, slots=True)
class EntryLine:
    """A line of a journal; it repeats the journal's currency and time, so that one index answers balances."""

    journal_id: str
    line: int
    account: str
    currency: str
    posted_at: datetime
    amount_minor: int


def head_of(journal: Journal) -> JournalHead:
    """Return a journal without its lines."""
    return JournalHead(
        journal.id,
        journal.kind,
        journal.currency,
        journal.posted_at,
        journal.value_at,
        journal.reverses,
        journal.note,
    )


def lines_of(journal: Journal) -> list[EntryLine]:
    """Return the lines of a journal, numbered from 0."""
    return [
        EntryLine(journal.id, line, entry.account, journal.currency, journal.posted_at, entry.amount_minor)
        for line, entry in enumerate(journal.entries)
    ]


def joined(head: JournalHead, entries: tuple[Entry, ...]) -> Journal:
    """Return the journal of a head and its entries."""
    return Journal(head.id, head.kind, head.currency, head.posted_at, head.value_at, entries, head.reverses, head.note)


def refuse_unbalanced(journal: Journal) -> None:
    """Refuse a journal that is no true booking; none of our flows makes one."""
    found = "; ".join(faults(journal))
    if found:
        raise ValueError(f"journal '{journal.id}' is not posted: {found}")


def owes_posting(credit: Credit) -> bool:
    """Say whether an account's accrual and its posted charges differ by a whole minor unit."""
    return credit.accrued_micro // 1_000_000 != credit.charged_minor


def refuse_contradiction(known: Reading, arrived: Reading) -> None:
    """Refuse a reading that says something else than the stored one of the same id."""
    if known != arrived:
        what = f"reading '{arrived.id}' is stored as {_said(known)} but {_said(arrived)} arrived"
        why = "a meter gives each row its own number and never changes it; nothing was written"
        fix = "look at the meter: it lost its memory (begin a new epoch) or two meters answer to one name"
        raise Contradiction(Problem("MG-M001", what, why=why, fix=fix))


def _said(reading: Reading) -> str:
    shown = f"{reading.register_wh} Wh at {reading.at:%Y-%m-%d %H:%M:%S.%f}"
    parts = (("W", reading.power_w), ("dV", reading.voltage_dv))
    return ", ".join([shown, *(f"{value} {unit}" for unit, value in parts if value is not None)])


HEAD_ROWS: RowMap[JournalHead] = RowMap(JournalHead, "journals")
LINE_ROWS: RowMap[EntryLine] = RowMap(EntryLine, "entries", key="journal_id", indexed=("account", "currency"))
CREDIT_ROWS: RowMap[Credit] = RowMap(Credit, "credits", key="account_id")
DAY_ROWS: RowMap[ChargeDay] = RowMap(ChargeDay, "charge_days", key="account_id")
READING_ROWS: RowMap[Reading] = RowMap(Reading, "readings", key="meter_id")
TWIN_ROWS: RowMap[Twin] = RowMap(Twin, "twins", key="meter_id")
