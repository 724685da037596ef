"""How far credit may be used before supply is decided again: a meter keeps its limits alone, also between decisions.

So not every reading needs a decision. One is made when a twentieth of what was left has been used, when a warning is
due, when a price changes or paid time ends, and every six hours; and always by whoever changes something else.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from microgrid.billing.plans import PlanVersion, PostpaidRules
from microgrid.billing.register import Term
from microgrid.kept import Credit

PARTS = 20  # of what is left; a smaller part is not worth telling a meter either
MICRO = 1_000_000  # of a minor unit
AT_THE_LATEST = timedelta(hours=6)


def crosses(credit: Credit, now: datetime) -> bool:
    """Tell whether supply is to be decided again for an account whose meters have told their registers."""
    if credit.line_micro is None or credit.line_at is None:
        return True
    return credit.left_micro <= credit.line_micro or credit.line_at <= now


def with_line(
    credit: Credit, plan: PlanVersion | None, terms: Iterable[Term], ends_at: datetime | None, now: datetime
) -> Credit:
    """Return a credit that knows when supply is to be decided again; `ends_at` is when paid time ends, if it does.

    What has been used up has no line, nor has energy whose price depends on what was used before in its month: there
    supply is decided again at every reading.
    """
    limit_minor = plan.rules.credit_limit_minor if plan is not None and isinstance(plan.rules, PostpaidRules) else 0
    room_micro = credit.left_micro + limit_minor * MICRO
    if plan is None or room_micro <= 0 or (plan.energy is not None and plan.energy.by_month):
        return credit if credit.line_micro is None else replace(credit, line_micro=None, line_at=None)
    line_micro = credit.left_micro - max(1, room_micro // PARTS)
    warned_micro = (plan.warn_below_minor - 1) * MICRO
    if credit.left_micro > warned_micro:
        line_micro = max(line_micro, warned_micro)
    return replace(credit, line_micro=line_micro, line_at=_line_at(terms, ends_at, now))


def _line_at(terms: Iterable[Term], ends_at: datetime | None, now: datetime) -> datetime:
    moments = [now + AT_THE_LATEST, *(moment for term in terms for moment in (term.from_at, term.until) if moment)]
    return min(moment for moment in (*moments, ends_at) if moment is not None and moment > now)
