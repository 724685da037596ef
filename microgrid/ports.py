"""What the control plane needs from the outside, as small protocols; adapters fulfil them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol, TypeVar

from microgrid.billing.ledger import Journal
from microgrid.billing.payments import Payment
from microgrid.billing.plans import PlanVersion
from microgrid.billing.register import Use
from microgrid.clock import Clock
from microgrid.customers.records import Account, Connection, Customer, Enrolment, Fit, Meter, Site
from microgrid.errors import Collision, InvalidInput, Problem
from microgrid.monitoring.readings import Reading
from microgrid.switching.supply import Desired, Twin

Row = TypeVar("Row")
Result = TypeVar("Result")

ATTEMPTS = 5  # of one flow, when transactions get in each other's way


@dataclass(frozen=True, slots=True)
class Credit:
    """The hot row of an account, locked by whoever changes it.

    Available credit is `balance_minor` - (`accrued_micro` // 1,000,000 - `charged_minor`): what was posted, less what
    was used and not yet posted, rounded down in the customer's favour. A micro is a millionth of a minor unit.
    """

    account_id: str
    balance_minor: int = 0  # credit positive: minus the sum of the entries of `customer:<account>`
    accrued_micro: int = 0  # of all energy and time ever used
    charged_minor: int = 0  # of it, already posted to the ledger
    paid_until: datetime | None = None  # prepaid time
    low_warned: bool = False  # hysteresis of the low-credit message
    cut_since: datetime | None = None

    @property
    def available_minor(self) -> int:
        """Return what is left to use; negative is debt."""
        return self.balance_minor - (self.accrued_micro // 1_000_000 - self.charged_minor)


@dataclass(frozen=True, slots=True)
class ChargeDay:
    """What one account used on one local day: a pure function of readings, fits and plans, and of the time it bought.

    `uses` keeps the energy whose price depends on its month (blocks, allowances), so that a late reading of one day
    moves the price of the later ones.
    """

    account_id: str
    day: date
    used_wh: int = 0
    free_wh: int = 0
    estimated_wh: int = 0
    accrued_micro: int = 0  # energy, and time bought on the day
    bought_minor: int = 0  # of it, time bought
    uses: tuple[Use, ...] = ()


@dataclass(frozen=True, slots=True)
class RawEvent:
    """A request exactly as it came in, kept before anything is made of it."""

    id: str
    source: str
    received_at: datetime
    address: str
    headers: str
    body: bytes
    outcome: str  # what became of it: posted payment id, or the reason why nothing was


@dataclass(frozen=True, slots=True)
class OutboxItem:
    """Something to be sent after the commit that decided it: an SMS, a webhook, a provider enquiry."""

    id: str
    kind: str
    to: str
    body: str
    created_at: datetime
    due_at: datetime
    attempts: int = 0
    done_at: datetime | None = None
    last_error: str = ""


@dataclass(frozen=True, slots=True)
class AuditRow:
    """Who did what to which thing, when; sealed into a hash chain by `on_tick`."""

    id: str
    at: datetime
    actor: str
    action: str
    subject: str
    detail: str


@dataclass(frozen=True, slots=True)
class Approval:
    """Something one person asked for and another has to agree to; `request` is all that is needed to do it, in JSON.

    `granted` stays empty until somebody decides.
    """

    id: str
    action: str
    subject: str
    request: str
    note: str
    asked_by: str
    asked_at: datetime
    decided_by: str = ""
    decided_at: datetime | None = None
    granted: bool | None = None


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

    def page(self, after: str = "", limit: int = 100) -> Sequence[Row]:
        """Return the next records by id after one."""


class Outbox(Table[OutboxItem], Protocol):
    """What is to be sent after the commit that decided it."""

    def due(self, kind: str, now: datetime, limit: int) -> Sequence[OutboxItem]:
        """Return items of a kind, not done, whose time has come, most overdue first."""


class Ledger(Protocol):
    """The insert-only books."""

    def post(self, journal: Journal) -> None:
        """Insert a balanced journal; raises AlreadyThere when its id is taken, ValueError when it does not balance."""

    def post_all(self, journals: Sequence[Journal]) -> None:
        """Insert many balanced journals at once; as `post`, and all or none of them."""

    def find(self, journal_id: str) -> Journal | None:
        """Return a journal, or nothing."""

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

    def neighbours(self, reading: Reading) -> tuple[Reading | None, Reading | None]:
        """Return the readings of the same meter and epoch just before and after it in time."""

    def neighbours_all(self, readings: Sequence[Reading]) -> dict[str, tuple[Reading | None, Reading | None]]:
        """Return the neighbours of many readings at once, by the id of the reading."""

    def between(self, meter_id: str, epoch: int, first: datetime, last: datetime) -> Sequence[Reading]:
        """Return the readings of a meter and epoch from one moment to another, both included, in order."""

    def latest(self, meter_id: str) -> Reading | None:
        """Return the newest reading of a meter: of its highest epoch the last in time."""


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
    accounts: Table[Account]
    enrolments: Table[Enrolment]
    connections: Table[Connection]
    meters: Table[Meter]
    fits: Table[Fit]
    plans: Table[PlanVersion]  # id: plan_id@version
    payments: Table[Payment]
    raw_events: Table[RawEvent]
    outbox: Outbox
    audit: Table[AuditRow]
    approvals: Table[Approval]
    ledger: Ledger
    credits: Credits
    readings: Readings
    twins: Twins

    def savepoint(self) -> AbstractContextManager[None]:
        """Open a part of the transaction: what it wrote is undone, and only that, when it raises."""


class Store(Protocol):
    """Where everything is kept."""

    def begin(self) -> AbstractContextManager[UnitOfWork]:
        """Open a transaction: committed at the end of the block, rolled back by any exception."""

    def read(self) -> AbstractContextManager[UnitOfWork]:
        """Open a transaction that sees one moment of the store, writes nothing and holds up nobody."""


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
        """Send the desired state; nothing is known until the meter reports."""


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
