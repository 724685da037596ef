"""What another price would mean for those who are charged by a plan: everything they used, priced again.

The energy of the last days is taken from the registers and priced twice, by what was in force and by what is proposed;
time that was bought is priced at its new daily price. Nothing is stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from heapq import nlargest

from microgrid.billing.credit import MICRO, charge
from microgrid.billing.local_time import DAY, day_start, local_day, month_start
from microgrid.billing.plans import PlanVersion, TimeRules, with_tax
from microgrid.billing.register import Piece, Term, fit_pieces
from microgrid.billing.standing import Standing
from microgrid.customers.records import Fit
from microgrid.errors import InvalidInput, Problem
from microgrid.kept import ChargeDay
from microgrid.ports import UnitOfWork

BEFORE_WINDOW = 7 * DAY  # how far back the reading is looked for that a window begins after
MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Change:
    """What one account paid, and what it would have paid."""

    account_id: str
    before_minor: int
    after_minor: int

    @property
    def difference_minor(self) -> int:
        """Return how much more it would have paid; negative is less."""
        return self.after_minor - self.before_minor


@dataclass(frozen=True, slots=True)
class Preview:
    """What a proposed price would have meant for all accounts of a plan over some days."""

    plan_id: str
    days: int
    accounts: int
    before_minor: int
    after_minor: int
    pay_more: int
    pay_less: int
    pay_the_same: int
    largest: tuple[Change, ...]


def summed_up(plan_id: str, days: int, changes: Sequence[Change], most: int) -> Preview:
    """Return totals of changes and the largest of them, either way."""
    differences = [change.difference_minor for change in changes]
    return Preview(
        plan_id,
        days,
        len(changes),
        sum(change.before_minor for change in changes),
        sum(change.after_minor for change in changes),
        sum(1 for one in differences if one > 0),
        sum(1 for one in differences if one < 0),
        sum(1 for one in differences if not one),
        tuple(nlargest(most, changes, key=lambda one: (abs(one.difference_minor), one.account_id))),
    )


def change_of(
    uow: UnitOfWork, standing: Standing, fits: Iterable[Fit], proposed: PlanVersion, days: int, now: datetime
) -> Change:
    """Return what an account paid under a plan on the last whole days, and what it would have paid as proposed."""
    today = local_day(now, standing.zone)
    first = today - DAY * days
    mine = proposed.for_class(standing.customer_class)
    if isinstance(mine.rules, TimeRules):
        return _of_time(uow, standing, mine, mine.rules, first, today)
    begin, end = day_start(month_start(first), standing.zone), day_start(today, standing.zone)
    after = tuple(replace(term, plan=mine) if term.plan.plan_id == mine.plan_id else term for term in standing.terms)
    sums = [
        _sum_minor(
            charge(standing.account.id, _pieces(uow, standing, fits, terms, mine.plan_id, begin, end), (), terms), first
        )
        for terms in (standing.terms, after)
    ]
    return Change(standing.account.id, *sums)


def refuse_other_kind(plan_id: str, versions: Iterable[PlanVersion], proposed: PlanVersion) -> None:
    """Refuse to compare what is sold in another way, or for other money, and leases, whose terms are signed."""
    known = max(versions, key=lambda one: (one.effective_from, one.version))
    kinds = (type(known.rules), known.currency), (type(proposed.rules), proposed.currency)
    if kinds[0] != kinds[1]:
        told = [f"{kind.__name__.removesuffix('Rules').lower()} in {currency}" for kind, currency in kinds]
        what = f"plan '{plan_id}' sells {told[0]}, the proposal {told[1]}"
        raise InvalidInput(Problem("MG-P221", what, fix="make it a plan of its own, and enrol accounts in it"))


def _pieces(
    uow: UnitOfWork,
    standing: Standing,
    fits: Iterable[Fit],
    terms: Sequence[Term],
    plan_id: str,
    begin: datetime,
    end: datetime,
) -> list[Piece]:
    """Return the energy that was used under a plan between two moments, as these terms price it."""
    found: list[Piece] = []
    for fit in fits:
        rows = uow.readings.between(fit.meter_id, fit.epoch, max(fit.fitted_at, begin - BEFORE_WINDOW), end)
        if not rows:
            continue
        seen = fit
        if fit.fitted_at < begin - BEFORE_WINDOW:
            seen = replace(fit, fitted_at=rows[0].at, first_register_wh=rows[0].register_wh)
        pieces = fit_pieces(replace(seen, removed_at=None, last_register_wh=None), rows, terms, standing.zone)
        found += [one for one in pieces if one.plan is not None and one.plan.plan_id == plan_id]
    first = local_day(begin, standing.zone)
    return [one for one in found if one.day >= first]


def _sum_minor(days: Iterable[ChargeDay], first: date) -> int:
    return sum(row.accrued_micro for row in days if row.day >= first) // MICRO


def _of_time(
    uow: UnitOfWork, standing: Standing, proposed: PlanVersion, rules: TimeRules, first: date, today: date
) -> Change:
    """Return what time bought under a plan cost, and what as many days would have cost as proposed, rounded down."""
    before_minor = after_minor = 0
    for row in uow.credits.days_of(standing.account.id, first, today - DAY):
        plan = standing.plan_at(day_start(row.day + DAY, standing.zone) - MOMENT)
        if plan is None or plan.plan_id != proposed.plan_id or not isinstance(plan.rules, TimeRules):
            continue
        before_minor += row.bought_minor
        price_minor = with_tax(plan.rules.price_minor, plan.tax) * rules.days
        after_minor += row.bought_minor * plan.rules.days * with_tax(rules.price_minor, proposed.tax) // price_minor
    return Change(standing.account.id, before_minor, after_minor)
