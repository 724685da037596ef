"""Supply sold by time: days bought with credit, given back by a reversal, and not lost to outages; and when bills end.

Days are local days of the site, so that a week bought on a Monday morning ends on a Monday morning, also where clocks
change in between.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from microgrid.billing.credit import MICRO
from microgrid.billing.local_time import DAY, day_start, days_later, local_day, month_start, next_month
from microgrid.billing.plans import PostpaidRules, Tax, TimeRules, with_tax
from microgrid.kept import ChargeDay, Credit


@dataclass(frozen=True, slots=True)
class Bought:
    """Periods bought (or, negative, given back), what they cost, and until when supply is paid with them."""

    periods: int
    amount_minor: int
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Outage:
    """A time in which the grid did not supply."""

    from_at: datetime
    to_at: datetime


def buy_time(credit: Credit, rules: TimeRules, tax: Tax, now: datetime, zone: ZoneInfo) -> Bought:
    """Return the whole periods that an account's credit buys, after the time already paid or from now on.

    What is left stays credit. Nothing is bought in debt: a debt is paid first.
    """
    price_minor = with_tax(rules.price_minor, tax)
    periods = max(0, credit.available_minor) // price_minor
    if not periods:
        return Bought(0, 0, credit.paid_until)
    start = now if credit.paid_until is None else max(now, credit.paid_until)
    return Bought(periods, periods * price_minor, days_later(start, periods * rules.days, zone))


def return_time(credit: Credit, rules: TimeRules, tax: Tax, now: datetime, zone: ZoneInfo) -> Bought:
    """Return the whole unused periods that go back to cover a debt after a reversal; the rest stays debt."""
    debt_minor = max(0, -credit.available_minor)
    if not debt_minor or credit.paid_until is None or credit.paid_until <= now:
        return Bought(0, 0, credit.paid_until)
    price_minor = with_tax(rules.price_minor, tax)
    unused = _whole_periods(now, credit.paid_until, rules.days, zone)
    periods = min(unused, -(-debt_minor // price_minor))
    return Bought(-periods, -periods * price_minor, days_later(credit.paid_until, -periods * rules.days, zone))


def with_time(credit: Credit, bought: Bought) -> Credit:
    """Return a credit after time was bought or given back."""
    accrued_micro = credit.accrued_micro + bought.amount_minor * MICRO
    return replace(credit, accrued_micro=accrued_micro, paid_until=bought.until)


def with_time_on(day: ChargeDay, bought: Bought) -> ChargeDay:
    """Return the charge day on which time was bought: it carries the price."""
    accrued_micro = day.accrued_micro + bought.amount_minor * MICRO
    return replace(day, accrued_micro=accrued_micro, bought_minor=day.bought_minor + bought.amount_minor)


def after_outages(paid_until: datetime, rules: TimeRules, outages: Iterable[Outage]) -> datetime:
    """Return until when supply is paid if outages longer than the plan says do not use up time; they must not overlap.

    Only what lies within paid time counts, and time given back by one outage can be hit by the next.
    """
    if rules.pause_after_s is None:
        return paid_until
    until = paid_until
    for outage in sorted(outages, key=lambda one: one.from_at):
        lost = min(outage.to_at, until) - outage.from_at if outage.from_at < until else timedelta(0)
        if outage.to_at - outage.from_at > timedelta(seconds=rules.pause_after_s) and lost > timedelta(0):
            until += outage.to_at - outage.from_at
    return until


def bill_until(
    credit: Credit, days: Iterable[ChargeDay], rules: PostpaidRules, today: date, zone: ZoneInfo
) -> datetime:
    """Return until when a postpaid account is supplied: the due date of its oldest unpaid bill, and grace.

    A month's bill is what accrued in it, in whole minor units; payments cover the oldest first. `days` are the
    charge days of all months that can be unpaid. A debt older than them is due since before the first.
    """
    month = month_start(_oldest_unpaid(credit, sorted(days, key=lambda row: row.day), today))
    return day_start(next_month(month) + DAY * (rules.due_days + rules.grace_days), zone)


def _oldest_unpaid(credit: Credit, days: Sequence[ChargeDay], today: date) -> date:
    """Return a day of the oldest month whose bill is not paid in full; the running month when all are."""
    debt_minor = -credit.available_minor
    if debt_minor <= 0:
        return today
    months = sorted({month_start(row.day) for row in days} | {month_start(today)}, reverse=True)
    for month in months:
        later_micro = sum(row.accrued_micro for row in days if row.day >= month)
        since_minor = credit.accrued_micro // MICRO - (credit.accrued_micro - later_micro) // MICRO
        if debt_minor <= since_minor:
            return month
    return months[-1] - DAY


def _whole_periods(now: datetime, until: datetime, days: int, zone: ZoneInfo) -> int:
    """Return how many whole periods can be taken off paid time without reaching into the past."""
    most = (local_day(until, zone) - local_day(now, zone)).days // days
    return most if days_later(until, -most * days, zone) >= now else most - 1
