"""What people ask to see: read from one moment of the store, decided nowhere here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from microgrid.billing import ledger
from microgrid.billing.ledger import Journal
from microgrid.billing.payments import Payment
from microgrid.customers.records import Account, Customer, Site
from microgrid.customers.service import find_account, fitted, need, unknown
from microgrid.errors import InvalidInput
from microgrid.ports import Core, UnitOfWork
from microgrid.switching.service import explain
from microgrid.switching.supply import Desired, Reported


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list, and after which id the next part begins (None: this is the end)."""

    items: Sequence[Any]
    next: str | None


@dataclass(frozen=True, slots=True)
class CustomerView:
    """A customer and the accounts it pays into."""

    customer: Customer
    accounts: Sequence[Account]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a statement: what was booked; what the customer gained is positive."""

    journal_id: str
    kind: str
    at: datetime
    value_at: datetime
    amount_minor: int
    note: str


@dataclass(frozen=True, slots=True)
class AccountView:
    """An account as its customer sees it: what is left to use now, and how it came to that."""

    account: Account
    site: Site
    balance_minor: int
    used_not_posted_micro: int
    available_minor: int
    paid_until: datetime | None
    lines: Sequence[Line]
    next: str | None


@dataclass(frozen=True, slots=True)
class SupplyView:
    """What a meter should do and why, and what it says it does."""

    meter_id: str
    why: str  # with the numbers of this moment; the desired supply has those of its revision
    desired: Desired | None
    reported: Reported | None
    in_sync: bool
    site: Site | None


@dataclass(frozen=True, slots=True)
class Unmatched:
    """A payment whose account is not known, and the accounts it may be meant for."""

    payment: Payment
    suggestions: Sequence[str]


def zone(site: Site | None) -> ZoneInfo:
    """Return the clock of a site; UTC where there is none."""
    return ZoneInfo(site.timezone if site is not None else "UTC")


def reaches_store(core: Core) -> bool:
    """Read something from the store; raises what the store raises when it cannot be reached."""
    with core.store.read() as uow:
        uow.sites.page(limit=1)
    return True


def page(core: Core, table: str, after: str, limit: int) -> Page:
    """Return the next records of a table by id."""
    with core.store.read() as uow:
        rows = getattr(uow, table).page(after, limit + 1)
    return Page(rows[:limit], rows[limit - 1].id if len(rows) > limit else None)


def customer(core: Core, customer_id: str) -> CustomerView:
    """Return a customer; InvalidInput when there is none of this id."""
    with core.store.read() as uow:
        found = need(uow.customers, customer_id, "customer")
        return CustomerView(found, uow.accounts.where(customer_id=customer_id))


def payment(core: Core, payment_id: str) -> Payment:
    """Return a payment; InvalidInput when there is none of this id."""
    with core.store.read() as uow:
        return need(uow.payments, payment_id, "payment")


def account(core: Core, account_id: str, after: str = "", limit: int = 100) -> AccountView:
    """Return an account with its credit and a part of its statement."""
    with core.store.read() as uow:
        found = need(uow.accounts, account_id, "account")
        credit = uow.credits.get(account_id)
        name = ledger.customer(account_id)
        if after:
            need_journal(uow, after)
        journals = uow.ledger.journals_of(name, after, limit + 1)
        return AccountView(
            found,
            need(uow.sites, found.site_id, "site"),
            credit.balance_minor,
            credit.accrued_micro - credit.charged_minor * 1_000_000,
            credit.available_minor,
            credit.paid_until,
            [_line(journal, name) for journal in journals[:limit]],
            journals[limit - 1].id if len(journals) > limit else None,
        )


def supply(core: Core, meter_id: str) -> SupplyView:
    """Return the picture of a meter; InvalidInput when there is no such meter."""
    with core.store.read() as uow:
        need(uow.meters, meter_id, "meter")
        twin = uow.twins.get(meter_id)
        why = explain(uow, meter_id, core.clock.now())
        return SupplyView(meter_id, why, twin.desired, twin.reported, twin.in_sync, _site_of(uow, meter_id))


def suspense(core: Core, after: str, limit: int) -> Page:
    """Return payments in suspense by id, each with the accounts it may be meant for."""
    with core.store.read() as uow:
        waiting = [row for row in uow.payments.where(status="suspense") if row.id > after]
        items = [
            Unmatched(row, find_account(uow, row.reference, "", row.payer, row.payer_kind).suggestions)
            for row in waiting[:limit]
        ]
    return Page(items, items[-1].payment.id if len(waiting) > limit else None)


def need_journal(uow: UnitOfWork, journal_id: str) -> Journal:
    """Return a journal that a request names; InvalidInput when there is none."""
    found = uow.ledger.find(journal_id)
    if found is None:
        raise InvalidInput(unknown("journal", journal_id))
    return found


def _line(journal: Journal, name: str) -> Line:
    amount_minor = -sum(entry.amount_minor for entry in journal.entries if entry.account == name)
    return Line(journal.id, journal.kind, journal.posted_at, journal.value_at, amount_minor, journal.note)


def _site_of(uow: UnitOfWork, meter_id: str) -> Site | None:
    for fit in fitted(uow.fits.where(meter_id=meter_id)):
        connection = uow.connections.get(fit.connection_id)
        if connection is not None:
            return uow.sites.get(connection.site_id)
    return None
