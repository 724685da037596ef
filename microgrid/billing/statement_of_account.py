"""The statement of an account as its customer reads it: what came in, what was used, and what is left, day by day."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from microgrid.billing import ledger
from microgrid.billing.ledger import Journal
from microgrid.billing.local_time import DAY, day_start, is_period, local_day
from microgrid.customers.records import Site
from microgrid.customers.service import need
from microgrid.errors import InvalidInput, Problem
from microgrid.ports import UnitOfWork

LONGEST_DAYS = 400
PAGE = 500  # journals read at once
PROVIDERS: Mapping[str, str] = {"mpesa": "M-Pesa", "momo": "MoMo", "airtel": "Airtel Money", "cash": "cash"}
SOLD: Mapping[str, str] = {"energy": "Energy", "rental": "Supply by time", "appliance": "Appliance", "fees": "Fees"}
MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October")
MONTH_NAMES = (*MONTHS, "November", "December")


@dataclass(frozen=True, slots=True)
class Line:
    """One line: on which local day it was booked, for which day, what it is, and what is left after it."""

    journal_id: str
    day: date
    value_day: date
    words: str
    amount_minor: int  # what the customer gained is positive
    balance_minor: int


@dataclass(frozen=True, slots=True)
class UsedDay:
    """What was used on one local day, and how much of it was free or estimated."""

    day: date
    used_wh: int
    free_wh: int
    estimated_wh: int


@dataclass(frozen=True, slots=True)
class AccountStatement:
    """An account from one local day to another, both included."""

    account_id: str
    customer_name: str
    site: Site
    first: date
    last: date
    opening_minor: int
    lines: tuple[Line, ...]
    closing_minor: int
    days: tuple[UsedDay, ...]
    used_not_posted_minor: int  # as of now

    @property
    def adds_up(self) -> bool:
        """Say whether opening and lines lead to what the books say is left at the end."""
        return self.opening_minor + sum(line.amount_minor for line in self.lines) == self.closing_minor


def statement_of(uow: UnitOfWork, account_id: str, first: date, last: date) -> AccountStatement:
    """Return the statement of an account; InvalidInput for a period that is none, or too long."""
    _refuse_period(first, last)
    account = need(uow.accounts, account_id, "account")
    site = need(uow.sites, account.site_id, "site")
    zone = ZoneInfo(site.timezone)
    start, end = day_start(first, zone), day_start(last + DAY, zone)
    name = ledger.customer(account_id)
    opening_minor = -uow.history.posted_before_minor(name, site.currency, start)
    journals = _pages(lambda after: uow.history.posted(name, start, end, after, PAGE))
    credit = uow.credits.get(account_id)
    days = uow.credits.days_of(account_id, first, last)
    return AccountStatement(
        account_id,
        need(uow.customers, account.customer_id, "customer").name,
        site,
        first,
        last,
        opening_minor,
        tuple(_lines(journals, name, zone, opening_minor)),
        -uow.history.posted_before_minor(name, site.currency, end),
        tuple(UsedDay(row.day, row.used_wh, row.free_wh, row.estimated_wh) for row in days),
        credit.accrued_micro // 1_000_000 - credit.charged_minor,
    )


def day_in_words(day: date) -> str:
    """Return a day as people write it, such as 2 March 2026."""
    return f"{day.day} {MONTH_NAMES[day.month - 1]} {day.year}"


def words(journal: Journal, name: str, zone: ZoneInfo) -> str:
    """Return what a journal means to the customer whose account it touches, in a few words."""
    taken_back = "" if journal.reverses is None else " taken back"
    kind, _, subject = (journal.reverses or journal.id).partition(":")
    if kind == "payment":
        return f"Payment {_receipt(subject)}{taken_back}"
    if kind == "move":
        return f"Payment {_receipt(subject.rpartition(':')[0])} {_moved(journal, name)}{taken_back}"
    if kind == "charge":
        return f"{_sold(journal)} of {day_in_words(local_day(journal.value_at, zone))}{taken_back}"
    if kind == "fee":
        return f"Connection fee{taken_back}"
    plain = journal.kind.replace("_", " ")
    return f"{plain[:1].upper()}{plain[1:]} {day_in_words(local_day(journal.value_at, zone))}"


def _refuse_period(first: date, last: date) -> None:
    if is_period(first, last, LONGEST_DAYS):
        return
    what = f"from {first.isoformat()} to {last.isoformat()} is no period of 1 to {LONGEST_DAYS} days"
    raise InvalidInput(Problem("MG-P069", what, fix="name the first and the last day, such as 2026-10-01 2026-10-31"))


def _pages(read: Callable[[str], list[Journal]]) -> Iterator[Journal]:
    after = ""
    while page := read(after):
        yield from page
        after = page[-1].id


def _lines(journals: Iterable[Journal], name: str, zone: ZoneInfo, opening_minor: int) -> Iterator[Line]:
    balance_minor = opening_minor
    for journal in journals:
        amount_minor = -sum(entry.amount_minor for entry in journal.entries if entry.account == name)
        balance_minor += amount_minor
        day, value_day = (local_day(at, zone) for at in (journal.posted_at, journal.value_at))
        yield Line(journal.id, day, value_day, words(journal, name, zone), amount_minor, balance_minor)


def _receipt(payment_id: str) -> str:
    """Return the receipt of a payment, and how it was paid."""
    provider, _, rest = payment_id.partition(":")
    receipt = rest.partition(":")[2].partition(":")[0]
    return f"{receipt} by {PROVIDERS.get(provider, provider)}"


def _moved(journal: Journal, name: str) -> str:
    gained_minor = -sum(entry.amount_minor for entry in journal.entries if entry.account == name)
    gained = (gained_minor > 0) == (journal.reverses is None)
    other = next((entry.account for entry in journal.entries if entry.account != name), "")
    if other.startswith(ledger.customer("")):
        return f"moved {'here from' if gained else 'from here to'} {other.removeprefix(ledger.customer(''))}"
    return "found to be yours" if gained else "found not to be yours"


def _sold(journal: Journal) -> str:
    kinds = [entry.account.split(":")[1] for entry in journal.entries if entry.account.startswith("revenue:")]
    return SOLD.get(kinds[0], kinds[0].capitalize()) if kinds else "Supply"
