"""What the control plane needs from the outside, as small protocols; adapters fulfil them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Protocol, TypeVar

from microgrid.billing.differences import DifferenceItem
from microgrid.billing.history import History
from microgrid.billing.lease_contracts import LeaseContract
from microgrid.billing.ledger import Journal
from microgrid.billing.month_close import ClosedMonth
from microgrid.billing.payments import Payment, RefundDue
from microgrid.billing.plans import PlanProposal, PlanVersion
from microgrid.billing.pushes import Push
from microgrid.billing.sightings import Alarm, Sighted
from microgrid.billing.statement_rows import StatementEntry
from microgrid.clock import Clock
from microgrid.counts import Counts
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
from microgrid.customers.subscribers import NO_POSTER, Poster, Subscriber
from microgrid.errors import Collision, InvalidInput, Problem
from microgrid.home_ports import Homes
from microgrid.kept import Approval, AuditRow, ChainHead, ChargeDay, Credit, KeptBalance, OutboxItem, RawEvent
from microgrid.money_ports import Providers
from microgrid.monitoring.readings import Aside, Reading
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
from microgrid.switching.supply import Decision, Desired, Enabling, Twin
from microgrid.switching.token_records import GivenToken, KeptDevice
from microgrid.switching.told import Ask

Row = TypeVar("Row")
Result = TypeVar("Result")

ATTEMPTS = 5  # of one flow, when transactions get in each other's way


class Table(Protocol[Row]):
    """Records of one kind, by id."""

    def add(self, row: Row) -> None:
        """Insert; raises microgrid.errors.AlreadyThere when the id is taken."""

    def get(self, key: str) -> Row | None:
        """Return the record of an id, or nothing."""

    def hold(self, key: str) -> Row | None:
        """Return the record of an id and keep others from changing it until this transaction ends."""

    def get_all(self, keys: Iterable[str]) -> dict[str, Row]:
        """Return the records of many ids at once, by id; ids without a record are left out."""

    def put(self, row: Row) -> None:
        """Insert, or replace the record of the same id."""

    def put_all(self, rows: Sequence[Row]) -> None:
        """Insert or replace many records at once."""

    def where(self, **equal: object) -> Sequence[Row]:
        """Return the records whose indexed fields equal all of these, by id."""

    def where_in(self, field: str, values: Iterable[str]) -> Sequence[Row]:
        """Return the records whose indexed field is one of these, by id."""

    def page(self, after: str = "", limit: int = 100, **equal: object) -> Sequence[Row]:
        """Return the next records by id after one; with fields, of those whose indexed fields equal all of these."""


class Outbox(Table[OutboxItem], Protocol):
    """What is to be sent after the commit that decided it."""

    def due(self, kind: str, now: datetime, limit: int) -> Sequence[OutboxItem]:
        """Return items of a kind, not done, whose time has come, most overdue first."""


class Balances(Protocol):
    """Balances of accounts that many write to, kept once a day so that a sum never reads all of history."""

    def accounts(self, after: str, limit: int) -> Sequence[str]:
        """Return the next accounts of the books by name, without those of single customers."""

    def kept_until(self, account: str) -> datetime | None:
        """Return up to which moment an account's balances are kept."""

    def latest(self, account: str, currency: str) -> KeptBalance | None:
        """Return the newest kept balance of an account."""

    def moved(self, account: str, since: datetime | None, until: datetime) -> dict[str, int]:
        """Return by currency the sum of what was posted from one moment on and before another."""

    def put_all(self, rows: Sequence[KeptBalance]) -> None:
        """Keep balances."""

    def forget_after(self, moment: datetime) -> None:
        """Forget the balances that are kept up to later moments than this; they can be summed again."""


class Trail(Table[AuditRow], Protocol):
    """Who did what; a row once sealed is never changed, and none is ever deleted."""

    def unsealed(self, limit: int) -> Sequence[AuditRow]:
        """Return rows that are not in the chain yet, oldest first."""

    def sealed(self, after: int = 0, limit: int = 100) -> Sequence[AuditRow]:
        """Return the next rows of the chain after the one of a number."""


class Ledger(Protocol):
    """The insert-only books."""

    def post(self, journal: Journal) -> None:
        """Insert a balanced journal; raises AlreadyThere when its id is taken, ValueError when it does not balance."""

    def post_all(self, journals: Sequence[Journal]) -> None:
        """Insert many balanced journals at once; as `post`, and all or none of them."""

    def find(self, journal_id: str) -> Journal | None:
        """Return a journal, or nothing."""

    def find_all(self, journal_ids: Iterable[str]) -> dict[str, Journal]:
        """Return many journals at once, by id; ids without a journal are left out."""

    def balance_minor(self, account: str, currency: str) -> int:
        """Return the sum of an account's entries: debit positive."""

    def journals_of(self, account: str, after: str = "", limit: int = 100) -> Sequence[Journal]:
        """Return the journals that touch an account, oldest first; `after` is the id of a journal."""

    def page(self, after: str = "", limit: int = 100) -> Sequence[Journal]:
        """Return the next journals of the whole books by id after one."""


class Credits(Protocol):
    """The hot rows of accounts."""

    def lock(self, account_ids: Iterable[str]) -> dict[str, Credit]:
        """Lock and return rows in ascending id; a new account has an empty one."""

    def put(self, credit: Credit) -> None:
        """Store a locked row; ValueError when this transaction has not locked it."""

    def put_all(self, rows: Sequence[Credit]) -> None:
        """Store many locked rows at once."""

    def get(self, account_id: str) -> Credit:
        """Return a row to look at, without a lock; a new account has an empty one."""

    def day(self, account_id: str, day: date) -> ChargeDay:
        """Return a charge day, empty if there is none."""

    def put_day(self, charge: ChargeDay) -> None:
        """Store a charge day of a locked account."""

    def days(self, keys: Iterable[tuple[str, date]]) -> dict[tuple[str, date], ChargeDay]:
        """Return the charge days of many accounts and days at once, empty ones where there are none."""

    def days_of(self, account_id: str, first: date, last: date) -> Sequence[ChargeDay]:
        """Return the stored charge days of an account from one day to another, both included, in order."""

    def put_days(self, charges: Sequence[ChargeDay]) -> None:
        """Store many charge days of locked accounts at once."""

    def unposted(self, limit: int) -> Sequence[str]:
        """Return accounts whose accrual and charges differ by a whole minor unit, either sign, by id."""


class Readings(Protocol):
    """Meter rows, once each."""

    def add_all(self, readings: Sequence[Reading]) -> Sequence[Reading]:
        """Insert those not yet known and return them; same id with another content raises Contradiction."""

    def find(self, meter_id: str, epoch: int, seq: int) -> Reading | None:
        """Return a reading by its number, or nothing."""

    def remove(self, readings: Sequence[Reading]) -> None:
        """Take readings out of what is charged; whoever does keeps them as `Aside` in the same transaction."""

    def neighbours(self, reading: Reading) -> tuple[Reading | None, Reading | None]:
        """Return the readings of the same meter and epoch just before and after it in time."""

    def neighbours_all(self, readings: Sequence[Reading]) -> dict[str, tuple[Reading | None, Reading | None]]:
        """Return the neighbours of many readings at once, by the id of the reading."""

    def between(self, meter_id: str, epoch: int, first: datetime, last: datetime) -> Sequence[Reading]:
        """Return the readings of a meter and epoch from one moment to another, both included, in order."""

    def latest(self, meter_id: str) -> Reading | None:
        """Return the newest reading of a meter: of its highest epoch the last in time."""

    def latest_all(self, meter_ids: Iterable[str]) -> dict[str, Reading]:
        """Return the newest readings of many meters, by meter; meters without any are left out."""


class Twins(Protocol):
    """Our pictures of meters."""

    def get(self, meter_id: str) -> Twin:
        """Return a twin, empty if nothing was ever desired or reported; a writing transaction holds it."""

    def put(self, twin: Twin) -> None:
        """Store a twin."""

    def get_all(self, meter_ids: Iterable[str]) -> dict[str, Twin]:
        """Return many twins at once, as `get`, by meter."""

    def put_all(self, twins: Sequence[Twin]) -> None:
        """Store many twins at once."""

    def due(self, now: datetime, limit: int) -> Sequence[Twin]:
        """Return twins whose next sending is due, most overdue first."""


class UnitOfWork(Protocol):
    """One open transaction and everything in it."""

    sites: Table[Site]
    customers: Table[Customer]
    phones: Table[Phone]
    name_words: Table[NameWord]
    accounts: Table[Account]
    enrolments: Table[Enrolment]
    feeders: Table[Feeder]
    connections: Table[Connection]
    meters: Table[Meter]
    fits: Table[Fit]
    asides: Table[Aside]
    plans: Table[PlanVersion]  # id: plan_id@version
    plan_proposals: Table[PlanProposal]
    contracts: Table[LeaseContract]
    site_states: Table[SiteState]
    outages: Table[GridOutage]
    payments: Table[Payment]
    sightings: Table[Sighted]
    pushes: Table[Push]
    alarms: Table[Alarm]
    raw_events: Table[RawEvent]
    outbox: Outbox
    audit: Trail
    chain_heads: Table[ChainHead]
    agents: Table[Agent]
    handovers: Table[Handover]
    balances: Balances
    approvals: Table[Approval]
    decisions: Table[Decision]
    enablings: Table[Enabling]
    statement_rows: Table[StatementEntry]
    differences: Table[DifferenceItem]
    month_closes: Table[ClosedMonth]
    refunds: Table[RefundDue]
    subscribers: Table[Subscriber]
    counts: Counts
    homes: Homes
    ledger: Ledger
    history: History
    credits: Credits
    readings: Readings
    twins: Twins
    token_devices: Table[KeptDevice]
    tokens: Table[GivenToken]
    meter_keys: Table[MeterKeysRow]
    meter_epochs: Table[MeterEpoch]
    contacts: Table[Contact]
    sendings: Table[Sending]
    meter_events: Table[MeterEvent]
    dead_letters: Table[DeadLetter]
    bridge_leases: Table[BridgeLease]
    device_models: Table[DeviceModel]
    broker_users: Table[BrokerUser]
    claims: Table[Claim]

    def savepoint(self) -> AbstractContextManager[None]:
        """Open a part of the transaction: what it wrote is undone, and only that, when it raises."""


class Store(Protocol):
    """Where everything is kept."""

    def begin(self) -> AbstractContextManager[UnitOfWork]:
        """Open a transaction: committed at the end of the block, rolled back by any exception."""

    def read(self) -> AbstractContextManager[UnitOfWork]:
        """Open a transaction that sees one moment of the store, writes nothing and holds up nobody."""

    def check(self) -> None:
        """Raise Environment when the store takes no writes, or was made for another version."""


def transact(store: Store, flow: Callable[[UnitOfWork], Result]) -> Result:
    """Run a flow in a transaction of its own; if it collides with another, run the whole flow again, five times."""
    for _ in range(ATTEMPTS - 1):
        try:
            with store.begin() as uow:
                return flow(uow)
        except Collision:
            continue  # nothing of it was written
    with store.begin() as uow:
        return flow(uow)


class MeterLink(Protocol):
    """The way to meters."""

    def send(self, meter_id: str, desired: Desired) -> None:
        """Send the desired state; nothing is known until the meter reports. Raises OSError when out of reach."""

    def request(self, meter_id: str, ask: Ask) -> None:
        """Ask a meter something; who does not hear it is asked again another time."""


class Notifier(Protocol):
    """The way to people."""

    def send(self, to: str, text: str, key: str) -> None:
        """Send a text once per key."""


class Keys(Protocol):
    """Keeps secrets of meters and partners unreadable in the store; the key for it lies elsewhere."""

    def seal(self, secret: bytes, owner: str) -> bytes:
        """Return a secret encrypted for its owner, such as `meter:M-104`."""

    def unseal(self, sealed: bytes, owner: str) -> bytes:
        """Return a secret; InvalidInput when it was sealed with another key or for another owner."""


class NoKeys:
    """Stands where no key file is set up: nothing secret can be kept or read."""

    def seal(self, secret: bytes, owner: str) -> bytes:  # noqa: ARG002 - as the port says
        """Refuse."""
        raise _no_key(owner)

    def unseal(self, sealed: bytes, owner: str) -> bytes:  # noqa: ARG002 - as the port says
        """Refuse."""
        raise _no_key(owner)


def _no_key(owner: str) -> InvalidInput:
    what = f"there is no key to keep the secret of {owner} with"
    return InvalidInput(Problem("MG-A015", what, fix="make one: microgrid db new-key"))


NO_KEYS = NoKeys()


@dataclass(frozen=True, slots=True)
class Core:
    """The control plane, joined: every flow takes one."""

    store: Store
    clock: Clock
    link: MeterLink
    notifier: Notifier
    keys: Keys = NO_KEYS
    poster: Poster = NO_POSTER
    providers: Providers = field(default_factory=dict)
    refund_after: timedelta = timedelta(days=30)  # in suspense, before a payment is to be given back
