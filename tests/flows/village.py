"""A small village with a clock set by hand: what a test does there, and what it sees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from microgrid import actions, flows
from microgrid.billing.payments import Payment, payment_id
from microgrid.billing.plans import Block, EnergyRules, PlanVersion, Rules, Tax
from microgrid.billing.service import Receipt
from microgrid.billing.sightings import Seen
from microgrid.customers.records import Account, Connection, Customer, Enrolment, Fit, Meter, Site
from microgrid.kept import AuditRow
from microgrid.monitoring.readings import Reading
from microgrid.ports import Core
from microgrid.store.memory import MemoryStore
from microgrid.store.sql import SqlStore
from microgrid.store.verify import verify
from microgrid.switching.sites import CAREFREE, SiteState
from microgrid.switching.supply import Desired
from microgrid.switching.told import Ask

START = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)  # Monday 9:00 in Nairobi
AnyStore = MemoryStore | SqlStore


@dataclass
class HandClock:
    """A clock that a test sets by hand."""

    at: datetime = START

    def now(self) -> datetime:
        return self.at

    def pass_(self, **time: int) -> None:
        self.at += timedelta(**time)


@dataclass
class Sent:
    """Everything sent to meters and people, in order."""

    orders: list[tuple[str, Desired]] = field(default_factory=list)
    asks: list[tuple[str, Ask]] = field(default_factory=list)
    texts: list[tuple[str, str]] = field(default_factory=list)
    broken: bool = False

    def meter(self) -> MeterBox:
        return MeterBox(self)

    def people(self) -> TextBox:
        return TextBox(self)


@dataclass
class MeterBox:
    sent: Sent

    def send(self, meter_id: str, desired: Desired) -> None:
        self.sent.orders.append((meter_id, desired))

    def request(self, meter_id: str, ask: Ask) -> None:
        self.sent.asks.append((meter_id, ask))


@dataclass
class TextBox:
    sent: Sent

    def send(self, to: str, text: str, key: str) -> None:
        if self.sent.broken:
            raise OSError(f"no network for {key}")
        self.sent.texts.append((to, text))


@dataclass
class Village:
    """One site in Kenya and what a test does there."""

    core: Core
    store: AnyStore
    clock: HandClock
    sent: Sent
    seq: int = 0

    def settle_in(self, rules: Rules, name: str = "K-104", fee_minor: int = 0, warn_minor: int = 0) -> None:
        """Add a customer with an account, a meter and a plan."""
        actions.add_site(self.core, Site("kisiju", "Kisiju", "Africa/Nairobi", "KES", 2), "test")
        with self.store.begin() as uow:
            uow.site_states.put(SiteState("kisiju", CAREFREE))  # supply ends at exact moments
        version = PlanVersion("home", 1, START - timedelta(days=60), "KES", rules, Tax(), fee_minor, warn_minor)
        actions.add_plan(self.core, version, "test")
        self.move_in(name)

    def move_in(self, name: str) -> None:
        """Add one more customer on the same plan."""
        number = f"{abs(hash(name)) % 10**6:06}" if name != "K-104" else "000104"
        actions.add_customer(self.core, Customer(f"c-{name}", "Amina", f"+254712{number}"), "test")
        actions.add_account(self.core, Account(name, f"c-{name}", "kisiju", START), "test")
        actions.add_connection(self.core, Connection(f"p-{name}", name, "kisiju"), "test")
        actions.add_meter(self.core, Meter(f"M-{name}"), "test")
        actions.fit_meter(self.core, Fit(f"f-{name}", f"M-{name}", f"p-{name}", 1, START, 1000), "test")
        actions.enrol(self.core, Enrolment(f"e-{name}", name, "home", START), "test")

    def payment(self, receipt: str, amount_minor: int, reference: str = "K-104", **other: str) -> Payment:
        """Return a payment as a provider tells it."""
        made = Payment(
            payment_id("mpesa", "600638", receipt),
            "mpesa",
            "600638",
            receipt,
            amount_minor,
            "KES",
            self.clock.now(),
            self.clock.now(),
            reference,
            status="posted",
        )
        return replace(made, **other)  # type: ignore[arg-type]  # the test names fields of the record

    def pay(self, receipt: str, amount_minor: int, reference: str = "K-104", **other: str) -> Receipt:
        """Let a payment arrive."""
        return flows.on_payment(self.core, Seen(self.payment(receipt, amount_minor, reference, **other)))

    def use(self, register_wh: int, name: str = "K-104") -> flows.Taken:
        """Let the meter tell its register."""
        self.seq += 1
        reading = Reading(f"M-{name}", 1, self.seq, self.clock.now(), register_wh)
        return flows.on_readings(self.core, [reading])

    def desired(self, name: str = "K-104") -> Desired:
        """Return what the meter should do."""
        with self.store.read() as uow:
            found = uow.twins.get(f"M-{name}").desired
        assert found is not None
        return found

    def credit_minor(self, name: str = "K-104") -> int:
        """Return what an account has left to use."""
        with self.store.read() as uow:
            return uow.credits.get(name).available_minor

    def balance_minor(self, account: str) -> int:
        """Return the sum of an account of the books."""
        with self.store.read() as uow:
            return uow.ledger.balance_minor(account, "KES")

    def audit(self, subject: str) -> Sequence[AuditRow]:
        """Return who did what to a thing, oldest first."""
        with self.store.read() as uow:
            return sorted(uow.audit.where(subject=subject), key=lambda row: row.at)

    def tick(self) -> None:
        """Let what is due by the clock be done."""
        flows.on_tick(self.core)

    def are_books_true(self) -> None:
        """Prove the books."""
        assert verify(self.store).broken == ()


ENERGY = EnergyRules((Block(None, 25_000_000),))  # KES 250 per kWh, 25 cents per Wh: 25 minor units


def make_village(store: AnyStore, **ports: Any) -> Village:
    """Return an empty village on a store; `ports` are further ways to the outside, by their names in `Core`."""
    clock, sent = HandClock(), Sent()
    return Village(Core(store, clock, sent.meter(), sent.people(), **ports), store, clock, sent)
