"""What people ask to see: read from one moment of the store, decided nowhere here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from microgrid.billing import ledger
from microgrid.billing.bills import UNPAID_DAYS, Bill, bills_of
from microgrid.billing.ledger import Journal
from microgrid.billing.local_time import DAY, local_day, month_start
from microgrid.billing.payments import Payment
from microgrid.billing.plans import PostpaidRules
from microgrid.billing.standing import stand
from microgrid.billing.statement_of_account import AccountStatement, statement_of
from microgrid.billing.suspense import to_give_back, unmatched
from microgrid.customers.people import phones_of
from microgrid.customers.reach import EVERYTHING, Reach, within
from microgrid.customers.records import Account, Customer, Phone, Site
from microgrid.customers.service import fitted, need, unknown
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
    """A customer, the accounts it pays into, and the numbers it is known by."""

    customer: Customer
    accounts: Sequence[Account]
    phones: Sequence[Phone]


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
    instalments_due_minor: int  # of its contracts, beside the credit
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


def paged(rows: Sequence[Any], limit: int) -> Page:
    """Return a page of records with ids, of which one more was read than fits on it."""
    return Page(rows[:limit], rows[limit - 1].id if len(rows) > limit else None)


def zone(site: Site | None) -> ZoneInfo:
    """Return the clock of a site; UTC where there is none."""
    return ZoneInfo(site.timezone if site is not None else "UTC")


def reaches_store(core: Core) -> bool:
    """Read something from the store; raises what the store raises when it cannot be reached."""
    with core.store.read() as uow:
        uow.sites.page(limit=1)
    return True


def page(core: Core, table: str, after: str, limit: int, reach: Reach = EVERYTHING) -> Page:
    """Return the next records of a table by id; those out of reach are left out, so that a page may have fewer."""
    with core.store.read() as uow:
        rows = getattr(uow, table).page(after, limit + 1)
        shown = within(uow, reach, table.removesuffix("s"), rows[:limit])
    return Page(shown, rows[limit - 1].id if len(rows) > limit else None)


def customer(core: Core, customer_id: str, reach: Reach = EVERYTHING) -> CustomerView:
    """Return a customer; InvalidInput when there is none of this id."""
    with core.store.read() as uow:
        found = need(uow.customers, customer_id, "customer")
        accounts = within(uow, reach, "account", uow.accounts.where(customer_id=customer_id))
        return CustomerView(found, accounts, phones_of(uow, customer_id))


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
            credit.instalments_due_minor,
            credit.paid_until,
            [line_of(journal, name) for journal in journals[:limit]],
            journals[limit - 1].id if len(journals) > limit else None,
        )


def bills(core: Core, account_id: str) -> Sequence[Bill]:
    """Return the bills of a postpaid account, oldest first; none where the account is charged in another way."""
    now = core.clock.now()
    with core.store.read() as uow:
        standing = stand(uow, account_id)
        plan = standing.plan_at(now)
        if plan is None or not isinstance(plan.rules, PostpaidRules):
            return ()
        today = local_day(now, standing.zone)
        days = uow.credits.days_of(account_id, month_start(today - DAY * UNPAID_DAYS), today)
        return bills_of(uow.credits.get(account_id), days, plan.rules, today)


def supply(core: Core, meter_id: str) -> SupplyView:
    """Return the picture of a meter; InvalidInput when there is no such meter."""
    with core.store.read() as uow:
        need(uow.meters, meter_id, "meter")
        twin = uow.twins.get(meter_id)
        why = explain(uow, meter_id, core.clock.now())
        return SupplyView(meter_id, why, twin.desired, twin.reported, twin.in_sync, _site_of(uow, meter_id))


def meter_at(core: Core, connection_id: str) -> str | None:
    """Return the meter that is fitted to a connection, or nothing."""
    with core.store.read() as uow:
        return next((fit.meter_id for fit in fitted(uow.fits.where(connection_id=connection_id))), None)


def suspense(core: Core, after: str, limit: int) -> Page:
    """Return payments in suspense by id, each with the accounts it may be meant for."""
    with core.store.read() as uow:
        found = unmatched(uow, after, limit + 1)
    return Page(found[:limit], found[limit - 1].payment.id if len(found) > limit else None)


def differences(core: Core, state: str, after: str, limit: int) -> Page:
    """Return differences between books, messages and statements by id: those in a state."""
    with core.store.read() as uow:
        return paged(uow.differences.page(after, limit + 1, state=state), limit)


def account_statement(core: Core, account_id: str, first: date, last: date) -> AccountStatement:
    """Return the statement of an account from one local day to another."""
    with core.store.read() as uow:
        return statement_of(uow, account_id, first, last)


def refunds(core: Core, after: str, limit: int) -> Page:
    """Return payments whose owner was not found in time, to be given back, by id."""
    with core.store.read() as uow:
        found = to_give_back(uow, after, limit + 1)
    return Page(found[:limit], found[limit - 1].payment.id if len(found) > limit else None)


def need_journal(uow: UnitOfWork, journal_id: str) -> Journal:
    """Return a journal that a request names; InvalidInput when there is none."""
    found = uow.ledger.find(journal_id)
    if found is None:
        raise InvalidInput(unknown("journal", journal_id))
    return found


def line_of(journal: Journal, name: str, sign: int = -1) -> Line:
    """Return what a journal did to an account; `sign` is -1 where a credit is a gain, as for a customer's."""
    amount_minor = sign * sum(entry.amount_minor for entry in journal.entries if entry.account == name)
    return Line(journal.id, journal.kind, journal.posted_at, journal.value_at, amount_minor, journal.note)


def _site_of(uow: UnitOfWork, meter_id: str) -> Site | None:
    for fit in fitted(uow.fits.where(meter_id=meter_id)):
        connection = uow.connections.get(fit.connection_id)
        if connection is not None:
            return uow.sites.get(connection.site_id)
    return None
