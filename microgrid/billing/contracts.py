"""Lease to own: a deposit, equal instalments, and the customer's own device at the end.

The deposit covers the first days, if the terms say so; after them one instalment falls due on the first day of
each period, and pays for that period. All days are local days of the site. Everything here follows from the
terms, the start and the sum paid, so that it can be worked out again at any time with the same result.
"""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from microgrid.billing.plans import LeaseRules, Tax, with_tax
from microgrid.errors import Problem

PeriodUnit = Literal["day", "week", "month"]
LineKind = Literal["instalment", "prepayment", "deposit", "fee", "penalty", "subsidy", "waiver"]
TOWARDS_OWNING = frozenset({"instalment", "subsidy", "waiver"})
BASIS_POINTS = 10_000  # of a whole: 250 basis points are 2.5 %
DAYS_OF = {"day": 1, "week": 7}
NO_TAX = Tax()


@dataclass(frozen=True, slots=True)
class LeaseTerms:
    """What a customer signs: deposit, instalments, grace, and what paying early is worth.

    One instalment is due per `period_count` of `period_unit` (7 and "day", or 1 and "month"), `periods` times.
    `payoff_discount_basis_points` is taken off what is not yet due when all of it is paid at once.
    """

    currency: str
    deposit_minor: int
    instalment_minor: int
    period_unit: PeriodUnit
    periods: int
    period_count: int = 1
    deposit_days: int = 0
    grace_days: int = 0
    payoff_discount_basis_points: int = 0

    @property
    def financed_minor(self) -> int:
        """Return all instalments together; the deposit is not among them."""
        return self.instalment_minor * self.periods


@dataclass(frozen=True, slots=True)
class Instalment:
    """One instalment of a schedule, numbered from 1."""

    number: int
    due_on: date
    amount_minor: int


@dataclass(frozen=True, slots=True)
class ContractLine:
    """One journal line of a contract on a local day; taken back, it comes again with a negative amount.

    Only `instalment` is money applied to instalments. A `waiver` is a discount granted; a `prepayment` waits on
    the account until an `instalment` line applies it.
    """

    line_id: str
    kind: LineKind
    day: date
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Payoff:
    """What ends a lease on a day: the sum to pay, and the discount that the payment earns."""

    amount_minor: int
    waived_minor: int


def terms_of(rules: LeaseRules, currency: str, tax: Tax = NO_TAX) -> LeaseTerms:
    """Return the terms that a lease plan offers: what a customer pays, tax on top of the price included."""
    return LeaseTerms(
        currency,
        with_tax(rules.deposit_minor, tax),
        with_tax(rules.instalment_minor, tax),
        "month" if rules.months else "day",
        rules.instalments,
        period_count=rules.months or rules.days,
        deposit_days=rules.deposit_days,
        grace_days=rules.grace_days,
        payoff_discount_basis_points=rules.payoff_discount_basis_points,
    )


def period_start(terms: LeaseTerms, started_on: date, periods: int) -> date:
    """Return the local day on which so many periods are over; months end on their last day where too short."""
    first = started_on + timedelta(days=terms.deposit_days)
    steps = periods * terms.period_count
    if terms.period_unit == "month":
        return months_later(first, steps)
    return first + timedelta(days=steps * DAYS_OF[terms.period_unit])


def schedule(terms: LeaseTerms, started_on: date) -> tuple[Instalment, ...]:
    """Return every instalment with the local day it falls due."""
    amount_minor = terms.instalment_minor
    return tuple(Instalment(n + 1, period_start(terms, started_on, n), amount_minor) for n in range(terms.periods))


def due_by(terms: LeaseTerms, started_on: date, day: date) -> int:
    """Return the sum of the instalments that fell due on that day or before."""
    if day < period_start(terms, started_on, 0):
        return 0
    return terms.instalment_minor * min(_whole_periods(terms, started_on, day) + 1, terms.periods)


def accrued_by(terms: LeaseTerms, started_on: date, day: date) -> int:
    """Return what is due when each instalment is spread evenly over its days, in whole minor units, rounded down.

    A day counts when it is over. This makes daily, weekly and monthly contracts comparable.
    """
    whole = min(max(_whole_periods(terms, started_on, day), 0), terms.periods)
    due_minor = whole * terms.instalment_minor
    start = period_start(terms, started_on, whole)
    if whole == terms.periods or day <= start:
        return due_minor
    return due_minor + terms.instalment_minor * (day - start).days // _days_of_period(terms, started_on, whole)


def applied(terms: LeaseTerms, started_on: date, paid_minor: int, day: date) -> int:
    """Return the part of what was paid that instalments due by that day have taken; the rest is paid ahead."""
    return min(paid_minor, due_by(terms, started_on, day))


def days_paid_for(terms: LeaseTerms, started_on: date, paid_minor: int) -> int:
    """Return how many days from the start are paid for, those of the deposit included, rounded down to whole days."""
    whole, rest_minor = divmod(min(max(paid_minor, 0), terms.financed_minor), terms.instalment_minor)
    days = (period_start(terms, started_on, whole) - started_on).days
    if not rest_minor:
        return days
    return days + rest_minor * _days_of_period(terms, started_on, whole) // terms.instalment_minor


def days_past_due(terms: LeaseTerms, started_on: date, paid_minor: int, day: date) -> int:
    """Return how many days are due but not paid for; grace changes when supply ends, not what is owed."""
    days_due = min(day, period_start(terms, started_on, terms.periods)) - started_on
    return max(0, days_due.days - days_paid_for(terms, started_on, paid_minor))


def is_paid_off(terms: LeaseTerms, paid_minor: int, waived_minor: int = 0) -> bool:
    """Return whether the device now belongs to the customer."""
    return paid_minor + waived_minor >= terms.financed_minor


def owned_on(terms: LeaseTerms, lines: Sequence[ContractLine]) -> date | None:
    """Return the day the device became the customer's own, or None; money taken back ends it until paid again."""
    total_minor, owned = 0, None
    for day, amount_minor in _amount_by_day(lines):
        total_minor += amount_minor
        owned = (owned or day) if total_minor >= terms.financed_minor else None
    return owned


def supplied_until(
    terms: LeaseTerms, started_on: date, paid_minor: int, zone: ZoneInfo, *, waived_minor: int = 0
) -> datetime | None:
    """Return the UTC time at which paid days and grace end (local midnight), or None: unlocked for ever."""
    if is_paid_off(terms, paid_minor, waived_minor):
        return None
    days = days_paid_for(terms, started_on, paid_minor) + terms.grace_days
    return datetime.combine(started_on + timedelta(days=days), time.min, zone).astimezone(UTC)


def payoff(terms: LeaseTerms, started_on: date, paid_minor: int, day: date) -> Payoff:
    """Return what it takes to own the device on that day; the discount is rounded down to a whole minor unit."""
    left_minor = max(0, terms.financed_minor - paid_minor)
    ahead_minor = min(left_minor, terms.financed_minor - due_by(terms, started_on, day))
    waived_minor = ahead_minor * terms.payoff_discount_basis_points // BASIS_POINTS
    return Payoff(left_minor - waived_minor, waived_minor)


def months_later(day: date, months: int) -> date:
    """Return the same day of a later month, or its last one; always counted from the first, so 31 comes back."""
    years, month = divmod(day.month - 1 + months, 12)
    year = day.year + years
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def mistakes_in(terms: LeaseTerms) -> tuple[Problem, ...]:
    """Return everything in a lease's terms that cannot be meant, all of it together."""
    lowest = {"deposit_minor": 0, "instalment_minor": 1, "periods": 1, "period_count": 1, "deposit_days": 0}
    lowest |= {"grace_days": 0, "payoff_discount_basis_points": 0}
    found = [
        _outside(name, getattr(terms, name), f"at least {least}")
        for name, least in lowest.items()
        if getattr(terms, name) < least
    ]
    if terms.payoff_discount_basis_points > BASIS_POINTS:
        found.append(
            _outside("payoff_discount_basis_points", terms.payoff_discount_basis_points, f"at most {BASIS_POINTS}")
        )
    return tuple(found)


def _amount_by_day(lines: Sequence[ContractLine]) -> list[tuple[date, int]]:
    """Return what counts towards owning, day by day, so that the order within a day decides nothing."""
    sums: dict[date, int] = {}
    for line in lines:
        if line.kind in TOWARDS_OWNING:
            sums[line.day] = sums.get(line.day, 0) + line.amount_minor
    return sorted(sums.items())


def _outside(name: str, value: int, bound: str) -> Problem:
    return Problem(
        "MG-P301",
        f"`{name}` of the lease is {value}, but must be {bound}; the plan was not stored",
        fix=f"Give `{name}` a whole number of {bound}.",
    )


def _whole_periods(terms: LeaseTerms, started_on: date, day: date) -> int:
    """Return how many periods are over at the beginning of that day; may pass the term, negative before it begins."""
    first = period_start(terms, started_on, 0)
    if terms.period_unit == "month":
        months = (day.year - first.year) * 12 + day.month - first.month
        months -= 1 if months_later(first, months) > day else 0
        return months // terms.period_count
    return (day - first).days // (DAYS_OF[terms.period_unit] * terms.period_count)


def _days_of_period(terms: LeaseTerms, started_on: date, number: int) -> int:
    return (period_start(terms, started_on, number + 1) - period_start(terms, started_on, number)).days
