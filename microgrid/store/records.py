"""What is kept, table by table: the record, its key, and the fields it can be found by."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from microgrid.billing.differences import DifferenceItem
from microgrid.billing.lease_contracts import LeaseContract
from microgrid.billing.ledger import Entry, Journal, faults
from microgrid.billing.month_close import ClosedMonth
from microgrid.billing.payments import Payment, RefundDue
from microgrid.billing.plans import PlanProposal, PlanVersion
from microgrid.billing.pushes import Push
from microgrid.billing.sightings import Alarm, Sighted
from microgrid.billing.statement_rows import StatementEntry
from microgrid.customers.agents import Agent, Handover
from microgrid.customers.records import (
    Account,
    Connection,
    Customer,
    Enrolment,
    Feeder,
    Fit,
    Meter,
    NameWord,
    Phone,
    Site,
)
from microgrid.customers.subscribers import Subscriber
from microgrid.errors import Contradiction, Problem
from microgrid.kept import Approval, AuditRow, ChainHead, ChargeDay, Credit, KeptBalance, OutboxItem, RawEvent
from microgrid.monitoring.readings import Aside, Reading
from microgrid.store.rows import RowMap
from microgrid.switching.device_records import BrokerUser, Claim, DeviceModel
from microgrid.switching.meter_records import (
    BridgeLease,
    Contact,
    DeadLetter,
    MeterEpoch,
    MeterEvent,
    MeterKeysRow,
    Sending,
)
from microgrid.switching.sites import GridOutage, SiteState
from microgrid.switching.supply import Decision, Enabling, Twin
from microgrid.switching.token_records import GivenToken, KeptDevice


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
    Kept("phones", "phone", Phone, ("customer_id", "number", "hash", "tail")),
    Kept("name_words", "word of a name", NameWord, ("word", "customer_id")),
    Kept("accounts", "account", Account, ("customer_id", "site_id", "spelling")),
    Kept("enrolments", "enrolment", Enrolment, ("account_id", "plan_id")),
    Kept("feeders", "feeder", Feeder, ("site_id",)),
    Kept("connections", "connection", Connection, ("account_id", "site_id")),
    Kept("meters", "meter", Meter, ("spelling",)),
    Kept("fits", "fit", Fit, ("meter_id", "connection_id")),
    Kept("asides", "reading set aside", Aside, ("meter_id",)),
    Kept("plans", "plan version", PlanVersion, ("plan_id",), plan_key),
    Kept("plan_proposals", "plan proposal", PlanProposal, ("plan_id",)),
    Kept("contracts", "contract", LeaseContract, ("account_id", "device", "state")),
    Kept("site_states", "state of a site", SiteState),
    Kept("outages", "outage", GridOutage, ("site_id",)),
    Kept("payments", "payment", Payment, ("account_id", "status", "payer", "receipt")),
    Kept("sightings", "sighting", Sighted, ("payment_id",)),
    Kept("pushes", "payment request", Push, ("account_id", "request_id")),
    Kept("alarms", "alarm", Alarm, ("subject", "settled_by")),
    Kept("raw_events", "raw event", RawEvent),
    Kept("outbox", "outbox item", OutboxItem, ("kind", "to")),
    Kept("decisions", "decision", Decision),
    Kept("enablings", "change of supply", Enabling, ("connection_id",)),
    Kept("audit", "audit row", AuditRow, ("subject",)),
    Kept("approvals", "request", Approval, ("subject", "granted")),
    Kept("statement_rows", "row of a statement", StatementEntry, ("day", "movement")),
    Kept("differences", "difference", DifferenceItem, ("account", "state")),
    Kept("month_closes", "closed month", ClosedMonth, ("account",)),
    Kept("refunds", "refund", RefundDue, ("state",)),
    Kept("token_devices", "token device", KeptDevice),
    Kept("tokens", "token", GivenToken, ("serial", "source")),
    Kept("chain_heads", "end of a chain", ChainHead),
    Kept("agents", "agent", Agent, ("site_id",)),
    Kept("handovers", "hand-over", Handover, ("agent_id",)),
    Kept("subscribers", "webhook", Subscriber, ("ended_by",)),
    Kept("meter_keys", "meter's keys", MeterKeysRow, ("site_id",)),
    Kept("meter_epochs", "register epoch", MeterEpoch, ("meter_id",)),
    Kept("contacts", "meter's contact", Contact),
    Kept("sendings", "sending", Sending),
    Kept("meter_events", "event of a meter", MeterEvent, ("meter_id",)),
    Kept("dead_letters", "message not taken", DeadLetter),
    Kept("bridge_leases", "part of the meters", BridgeLease),
    Kept("device_models", "device model", DeviceModel),
    Kept("broker_users", "user of the broker", BrokerUser, ("site_id",)),
    Kept("claims", "claim", Claim, ("code_hash",)),
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


# Accounts of single customers: each has few lines, or a row of its own, so that no daily balance is kept.
PERSONAL = ("customer", "receivable")

HEAD_ROWS: RowMap[JournalHead] = RowMap(JournalHead, "journals")
LINE_ROWS: RowMap[EntryLine] = RowMap(EntryLine, "entries", key="journal_id", indexed=("account", "currency"))
CREDIT_ROWS: RowMap[Credit] = RowMap(Credit, "credits", key="account_id")
BALANCE_ROWS: RowMap[KeptBalance] = RowMap(KeptBalance, "balance_days", key="account", indexed=("currency",))
DAY_ROWS: RowMap[ChargeDay] = RowMap(ChargeDay, "charge_days", key="account_id")
READING_ROWS: RowMap[Reading] = RowMap(Reading, "readings", key="meter_id")
TWIN_ROWS: RowMap[Twin] = RowMap(Twin, "twins", key="meter_id")
