"""Villages to measure on: so many homes that pay by the kWh, each with a meter that has been read and told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice

from microgrid.billing.ledger import Entry, Journal, cash, customer
from microgrid.billing.payments import Payment, payment_id
from microgrid.billing.plans import Block, EnergyRules, PlanVersion
from microgrid.billing.sightings import Seen, sighted
from microgrid.customers.records import Account, Connection, Customer, Enrolment, Fit, Meter, Site
from microgrid.kept import RawEvent
from microgrid.monitoring.readings import Reading
from microgrid.ports import Core, UnitOfWork
from microgrid.store.sql import SqlStore
from microgrid.switching.service import settle

SHORTCODE = "600638"
START = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
FIRST_REGISTER_WH = 1000
PAYMENT_MINOR = 500_00
PRICE = EnergyRules((Block(None, 25_000_000),))  # 25 minor units for one Wh
TOGETHER = 2000  # homes in one transaction
BODY = (
    b'{"TransactionType":"Pay Bill","TransID":"%s","TransTime":"20260302090000","TransAmount":"500.00",'
    b'"BusinessShortCode":"600638","BillRefNumber":"%s","InvoiceNumber":"","OrgAccountBalance":"49197.00",'
    b'"ThirdPartyTransID":"","MSISDN":"25470****149","FirstName":"Amina","MiddleName":"","LastName":""}'
)


@dataclass
class HandClock:
    """A clock that moves when it is told to."""

    at: datetime = START + timedelta(hours=1)

    def now(self) -> datetime:
        """Return the moment it was set to."""
        return self.at


@dataclass
class Nowhere:
    """Stands for meters and people: what is sent is counted."""

    sent: int = 0

    def send(self, *_: object) -> None:
        """Count it."""
        self.sent += 1

    def request(self, *_: object) -> None:
        """Ask nothing."""


@dataclass
class Village:
    """Homes on a store, and what can happen there."""

    core: Core
    store: SqlStore
    homes: int
    clock: HandClock

    def payment(self, number: int, prefix: str = "R") -> tuple[Seen, RawEvent]:
        """Return a payment of one of the homes as a provider's message gives it; homes take turns in no order."""
        home, receipt = name(number * 7919 % self.homes), f"{prefix}{number:09}"
        now = self.clock.now()
        paid = Payment(
            payment_id("mpesa", SHORTCODE, receipt),
            "mpesa",
            SHORTCODE,
            receipt,
            500_00 + number % 1000,
            "KES",
            now - timedelta(seconds=2),
            now,
            home,
            "25470****149",
            "masked",
            status="posted",
        )
        key = f"mpesa:{SHORTCODE}:confirmation:{prefix}{number:031x}"
        body = BODY % (receipt.encode(), home.encode())
        raw = RawEvent(
            key, f"mpesa:{SHORTCODE}", now, "196.201.214.200", '{"content-type": "application/json"}', body, ""
        )
        return Seen(paid, channel="c2b"), raw

    def readings(self, first_home: int, homes: int, rows_each: int, turn: int) -> list[Reading]:
        """Return rows of so many meters, 15 minutes apart, as a gateway hands them over; `turn` counts batches."""
        return [
            Reading(
                meter(home % self.homes),
                1,
                2 + turn * rows_each + row,
                START + timedelta(minutes=15 * (1 + turn * rows_each + row)),
                FIRST_REGISTER_WH + 5 * (1 + turn * rows_each + row),
                power_w=20,
                voltage_dv=2300,
            )
            for home in range(first_home, first_home + homes)
            for row in range(rows_each)
        ]


def name(number: int) -> str:
    """Return the account of a home."""
    return f"K-{number:07}"


def meter(number: int) -> str:
    """Return the meter of a home."""
    return f"M-{number:07}"


def settled(store: SqlStore, homes: int) -> Village:
    """Return a village whose homes have paid once, have been read once, and know what to do."""
    with store.begin() as uow:
        uow.sites.put(Site("kisiju", "Kisiju", "Africa/Nairobi", "KES", 2))
        uow.plans.put(PlanVersion("home", 1, START - timedelta(days=60), "KES", PRICE))
    numbers = iter(range(homes))
    while some := list(islice(numbers, TOGETHER)):
        with store.begin() as uow:
            _move_in(uow, some)
            settle(uow, [name(number) for number in some], START)
    return on_store(store, homes)


def on_store(store: SqlStore, homes: int) -> Village:
    """Return the village of a store that has its homes already."""
    sink, clock = Nowhere(), HandClock()
    return Village(Core(store, clock, sink, sink), store, homes, clock)


def _move_in(uow: UnitOfWork, numbers: Sequence[int]) -> None:
    uow.customers.put_all([Customer(f"C-{n:07}", "Amina", f"+2547{n:08}") for n in numbers])
    uow.accounts.put_all([Account(name(n), f"C-{n:07}", "kisiju", START) for n in numbers])
    uow.connections.put_all([Connection(f"P-{n:07}", name(n), "kisiju") for n in numbers])
    uow.meters.put_all([Meter(meter(n)) for n in numbers])
    uow.fits.put_all([Fit(f"F-{n:07}", meter(n), f"P-{n:07}", 1, START, FIRST_REGISTER_WH) for n in numbers])
    uow.enrolments.put_all([Enrolment(f"E-{n:07}", name(n), "home", START) for n in numbers])
    uow.readings.add_all([Reading(meter(n), 1, 1, START, FIRST_REGISTER_WH) for n in numbers])
    _pay(uow, [(f"F{n:09}", name(n)) for n in numbers], 1)


def pay_often(store: SqlStore, homes: int, payments: int) -> None:
    """Let each home of a village pay many times more; nothing but the books and their papers is written."""
    for first in range(0, homes, TOGETHER):
        some = range(first, min(homes, first + TOGETHER))
        for turn in range(2, payments + 2):
            with store.begin() as uow:
                _pay(uow, [(f"H{turn:03}{n:07}", name(n)) for n in some], turn)


def _pay(uow: UnitOfWork, receipts: Sequence[tuple[str, str]], times: int) -> None:
    """Book one payment of each of some homes, which have paid so many times then."""
    paid = [_paid(receipt, home) for receipt, home in receipts]
    uow.payments.put_all([payment for payment, _ in paid])
    uow.sightings.put_all([sighted(payment.id, "c2b", "", START) for payment, _ in paid])
    uow.ledger.post_all([journal for _, journal in paid])
    rows = uow.credits.lock(home for _, home in receipts)
    uow.credits.put_all([replace(row, balance_minor=PAYMENT_MINOR * times) for row in rows.values()])


def _paid(receipt: str, home: str) -> tuple[Payment, Journal]:
    key = payment_id("mpesa", SHORTCODE, receipt)
    facts = ("mpesa", SHORTCODE, receipt, PAYMENT_MINOR, "KES", START, START, home)
    paid = Payment(key, *facts, account_id=home, status="posted", journal_id=f"payment:{key}")
    entries = (Entry(cash("mpesa", SHORTCODE), PAYMENT_MINOR), Entry(customer(home), -PAYMENT_MINOR))
    return paid, Journal(f"payment:{key}", "payment", "KES", START, START, entries)
