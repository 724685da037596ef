"""What the key figures of a site are counted from: read from one moment of the store, by local days of the site."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from functools import cached_property
from zoneinfo import ZoneInfo

from microgrid.billing.contracts import ContractLine, LineKind, days_past_due
from microgrid.billing.kpis import Balance, Contract
from microgrid.billing.lease_contracts import LeaseContract
from microgrid.billing.ledger import Journal, customer, lease_receivable, revenue
from microgrid.billing.local_time import DAY, day_start, days_of_month, local_day
from microgrid.billing.reliability import Interval, Supplied, clocks, gaps, merged
from microgrid.billing.site_kpis import EnabledDays, Energy, Income, Paying
from microgrid.customers.records import Account, Connection, Fit, Site
from microgrid.ports import UnitOfWork
from microgrid.switching.sites import GridOutage
from microgrid.switching.supply import Enabling

ACTIVE_DAYS = 30
SUPPLY = ("energy", "rental")  # kinds of sales; devices and fees are no use of supply
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
LATE = timedelta(days=400)  # a journal is valued at most so long after it was posted
PAGE = 500
PAID_BY: Mapping[str, LineKind] = {
    "instalment": "instalment",
    "instalment_back": "instalment",
    "deposit": "deposit",
    "deposit_back": "deposit",
}


@dataclass(frozen=True, slots=True)
class Period:
    """Local days of a site, both included."""

    first: date
    last: date
    zone: ZoneInfo

    @property
    def start(self) -> datetime:
        """Return the moment it begins."""
        return day_start(self.first, self.zone)

    @property
    def end(self) -> datetime:
        """Return the moment it is over."""
        return day_start(self.last + DAY, self.zone)

    @property
    def days(self) -> Sequence[date]:
        """Return every day of it."""
        return [self.first + DAY * number for number in range((self.last - self.first).days + 1)]

    @property
    def months(self) -> Fraction:
        """Return its length in months: exactly 1 for each calendar month, parts of one by its days."""
        return sum((Fraction(1, len(days_of_month(day))) for day in self.days), start=Fraction(0))


@dataclass(frozen=True, slots=True)
class Leased:
    """A contract with every journal on it, oldest first."""

    contract: LeaseContract
    journals: Sequence[Journal]


class SiteRecords:
    """One site in one period, read from an open transaction as far as it is asked for."""

    def __init__(self, uow: UnitOfWork, site: Site, period: Period, now: datetime) -> None:
        self._uow, self.site, self.period, self._now = uow, site, period, now

    @cached_property
    def contracts(self) -> Sequence[Contract]:
        """Return the leases of the site with what was paid on them until the period was over."""
        return [
            Contract(one.contract.id, one.contract.terms, one.contract.started_on, self._lines(one, self.period.end))
            for one in self._leased
        ]

    def balances(self, day: date) -> Sequence[Balance]:
        """Return what every lease still owed when a day was over, and for how many days it was late."""
        end = day_start(day + DAY, self.period.zone)
        return [self._balance(one, day, end) for one in self._leased if one.contract.started_on <= day]

    @cached_property
    def paying(self) -> Sequence[Paying]:
        """Return the accounts that were open when the period was over, and when they last paid in its last days."""
        return [self._paying(account) for account in self._accounts if not _closed(account, self.period.end)]

    @cached_property
    def active_connections(self) -> Sequence[str]:
        """Return the connections of the accounts that paid in the last 30 days of the period."""
        active = {one.account_id for one in self.paying if one.last_paid_on is not None}
        return [one.id for one in self._connections if one.account_id in active]

    @cached_property
    def enabled_days(self) -> Sequence[EnabledDays]:
        """Return on how many days of the period each connection was enabled for half of the day or longer."""
        return [self._enabled_days(one) for one in self.supplied if one.enabled or one.connection_id in self._changes]

    @cached_property
    def income(self) -> Sequence[Income]:
        """Return the journals of sales of supply whose value date lies in the period, tax out."""
        place = {one.account_id: one.id for one in reversed(self._connections)}
        found = []
        for kind in SUPPLY:
            name = revenue(kind, self.site.id)
            span = self.period.start, self.period.end, self.period.start - LATE
            for journal in self._uow.history.valued(name, *span):
                sold_minor = -sum(entry.amount_minor for entry in journal.entries if entry.account == name)
                account_id = _customer_of(journal)
                found.append(Income(journal.id, place.get(account_id, account_id), kind, sold_minor))
        return found

    @cached_property
    def energy_sold(self) -> Sequence[Energy]:
        """Return what each account used in the period [Wh]."""
        days = self.period.first, self.period.last
        used = ((one.id, self._uow.credits.days_of(one.id, *days)) for one in self._accounts)
        return [Energy(account_id, sum(day.used_wh for day in charged)) for account_id, charged in used if charged]

    @cached_property
    def clock_period(self) -> Interval:
        """Return the part of the period that is over: of the rest nobody knows."""
        return Interval(self.period.start, max(self.period.start, min(self.period.end, self._now)))

    @cached_property
    def supplied(self) -> Sequence[Supplied]:
        """Return every connection with its two clocks: enabled by its account, supplied by the grid."""
        fits = self._fits
        found = []
        for one in self._connections:
            there = _connected(fits.get(one.id, ()), self.clock_period.end)
            if there is not None:
                enabled = _enabled(self._changes.get(one.id, ()), there)
                found.append(Supplied(one.id, there, enabled, self._grid_on(one, there)))
        return found

    @cached_property
    def knows_outages(self) -> bool:
        """Say whether anybody ever wrote down an outage here: without one, no outage is not known from not asked."""
        return bool(self._outages)

    @cached_property
    def _accounts(self) -> Sequence[Account]:
        found = self._uow.accounts.where(site_id=self.site.id)
        return [account for account in found if account.opened_at < self.period.end]

    @cached_property
    def _connections(self) -> Sequence[Connection]:
        return self._uow.connections.where(site_id=self.site.id)

    @cached_property
    def _fits(self) -> Mapping[str, Sequence[Fit]]:
        found: dict[str, list[Fit]] = {}
        for fit in self._uow.fits.where_in("connection_id", [one.id for one in self._connections]):
            found.setdefault(fit.connection_id, []).append(fit)
        return found

    @cached_property
    def _changes(self) -> Mapping[str, Sequence[Enabling]]:
        found: dict[str, list[Enabling]] = {}
        for row in self._uow.enablings.where_in("connection_id", [one.id for one in self._connections]):
            found.setdefault(row.connection_id, []).append(row)
        return found

    @cached_property
    def _outages(self) -> Sequence[GridOutage]:
        return self._uow.outages.where(site_id=self.site.id)

    @cached_property
    def _leased(self) -> Sequence[Leased]:
        found = self._uow.contracts.where_in("account_id", [account.id for account in self._accounts])
        return [Leased(contract, self._journals(lease_receivable(contract.id), LONG_AGO)) for contract in found]

    def _journals(self, account: str, first: datetime) -> Sequence[Journal]:
        """Return the journals of an account from a moment until the period is over, oldest first."""
        found: list[Journal] = []
        while True:
            after = found[-1].id if found else ""
            page = self._uow.history.posted(account, first, self.period.end, after, PAGE)
            found += page
            if len(page) < PAGE:
                return found

    def _lines(self, one: Leased, end: datetime) -> tuple[ContractLine, ...]:
        """Return what was applied to a contract before a moment, reversals as what they take back."""
        kinds = {journal.id: journal.kind for journal in one.journals}
        name, found = lease_receivable(one.contract.id), []
        for journal in one.journals:
            kind = PAID_BY.get(kinds.get(journal.reverses or "", journal.kind))
            if kind is not None and journal.posted_at < end:
                paid_minor = -sum(entry.amount_minor for entry in journal.entries if entry.account == name)
                day = local_day(journal.posted_at, self.period.zone)
                found.append(ContractLine(journal.id, kind, day, paid_minor))
        return (*found, *self._waiver(one, end))

    def _waiver(self, one: Leased, end: datetime) -> Iterable[ContractLine]:
        key = f"lease:{one.contract.id}:{one.contract.payoff_booking:06}"
        for journal in one.journals:
            if journal.id == key and journal.posted_at < end:
                day = local_day(journal.posted_at, self.period.zone)
                yield ContractLine(key, "waiver", day, one.contract.waived_minor)

    def _balance(self, one: Leased, day: date, end: datetime) -> Balance:
        contract, lines = one.contract, self._lines(one, end)
        paid_minor = sum(line.amount_minor for line in lines if line.kind == "instalment")
        towards_minor = sum(line.amount_minor for line in lines)
        given_up = contract.written_off_at is not None and contract.written_off_at < end
        left_minor = contract.terms.deposit_minor + contract.terms.financed_minor - towards_minor
        late = 0 if given_up or left_minor <= 0 else days_past_due(contract.terms, contract.started_on, paid_minor, day)
        behind = tuple(journal.id for journal in one.journals if journal.posted_at < end)
        return Balance(contract.id, 0 if given_up else left_minor, late, behind)

    def _paying(self, account: Account) -> Paying:
        first = self.period.end - DAY * (ACTIVE_DAYS + 1)
        found = self._journals(customer(account.id), first)
        taken_back = {journal.reverses for journal in found}
        paid = [journal for journal in found if journal.id not in taken_back and _is_paid_in(journal, account.id)]
        started_on = local_day(account.opened_at, self.period.zone)
        if not paid:
            return Paying(account.id, started_on, None)
        last = max(paid, key=lambda journal: (journal.value_at, journal.id))
        return Paying(account.id, started_on, local_day(last.value_at, self.period.zone), last.id)

    def _enabled_days(self, one: Supplied) -> EnabledDays:
        days = [self._day(day) for day in self.period.days]
        there = [clocks(one, day) for day in days if day.length_s > 0]
        there = [day for day in there if day.connected_s > 0]
        return EnabledDays(one.connection_id, sum(2 * day.enabled_s >= day.connected_s for day in there), len(there))

    def _day(self, day: date) -> Interval:
        start = day_start(day, self.period.zone)
        return Interval(start, max(start, min(day_start(day + DAY, self.period.zone), self.clock_period.end)))

    def _grid_on(self, connection: Connection, there: Interval) -> tuple[Interval, ...]:
        off = (
            Interval(outage.from_at, outage.to_at or there.end)
            for outage in self._outages
            if outage.feeder_id in ("", connection.feeder_id)
        )
        return gaps(merged(off, there), there)


def _closed(account: Account, end: datetime) -> bool:
    return account.closed_at is not None and account.closed_at < end


def _is_paid_in(journal: Journal, account_id: str) -> bool:
    """Say whether a journal brought money of a payment to an account."""
    name = customer(account_id)
    gained_minor = -sum(entry.amount_minor for entry in journal.entries if entry.account == name)
    return journal.kind in ("payment", "move") and gained_minor > 0


def _customer_of(journal: Journal) -> str:
    prefix = customer("")
    named = (entry.account.removeprefix(prefix) for entry in journal.entries if entry.account.startswith(prefix))
    return next(named, "")


def _connected(fits: Sequence[Fit], end: datetime) -> Interval | None:
    """Return from when until when a connection had a meter; changes of the meter in between are no gap."""
    if not fits:
        return None
    open_ended = any(fit.removed_at is None for fit in fits)
    until = end if open_ended else max(fit.removed_at for fit in fits if fit.removed_at is not None)
    start = min(fit.fitted_at for fit in fits)
    return Interval(start, min(until, end)) if start < min(until, end) else None


def _enabled(changes: Sequence[Enabling], there: Interval) -> tuple[Interval, ...]:
    """Return when a connection was enabled, from its changes in any order."""
    ordered = sorted(changes, key=lambda row: (row.at, row.id))
    ends = [*(row.at for row in ordered[1:]), there.end]
    found = (Interval(row.at, end) for row, end in zip(ordered, ends, strict=True) if row.enabled and row.at < end)
    return merged(found, there)
