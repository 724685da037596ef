"""Bills of a postpaid account: what accrued in each local month, when it is due, and what of it is paid."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from microgrid.billing.credit import MICRO
from microgrid.billing.local_time import DAY, month_start, next_month
from microgrid.billing.plans import PostpaidRules
from microgrid.kept import ChargeDay, Credit

UNPAID_DAYS = 400  # how far back a bill can be open

BillState = Literal["running", "open", "overdue", "paid"]


@dataclass(frozen=True, slots=True)
class Bill:
    """What one month cost in whole minor units; supply goes on until the grace after its due day is over."""

    month: date  # its first day
    energy_wh: int
    amount_minor: int
    paid_minor: int
    due_on: date
    supplied_until: date  # the first day without supply, if it stays unpaid
    state: BillState


def bills_of(credit: Credit, days: Iterable[ChargeDay], rules: PostpaidRules, today: date) -> Sequence[Bill]:
    """Return the bills of the months with charge days, oldest first; payments cover the oldest month first.

    `days` reach back to the month of the oldest debt. Amounts are differences of what accrued in all, rounded down, so
    that bills and further debt add up to what is owed.
    """
    rows = sorted(days, key=lambda row: row.day)
    months = sorted({month_start(row.day) for row in rows})
    later_micro = sum(row.accrued_micro for row in rows)
    unpaid_minor, found = max(0, -credit.available_minor), list[Bill]()
    amounts: dict[date, int] = {}
    for month in months:
        before = (credit.accrued_micro - later_micro) // MICRO
        later_micro -= sum(row.accrued_micro for row in rows if month_start(row.day) == month)
        amounts[month] = (credit.accrued_micro - later_micro) // MICRO - before
    for month in reversed(months):
        open_minor = min(unpaid_minor, max(0, amounts[month]))
        unpaid_minor -= open_minor
        energy_wh = sum(row.used_wh for row in rows if month_start(row.day) == month)
        found.append(_bill(month, energy_wh, amounts[month], open_minor, rules, today))
    return found[::-1]


def _bill(month: date, energy_wh: int, amount_minor: int, open_minor: int, rules: PostpaidRules, today: date) -> Bill:
    due_on = next_month(month) + DAY * rules.due_days
    ends_on = due_on + DAY * rules.grace_days
    state: BillState = "paid" if not open_minor else "open" if today < due_on else "overdue"
    if month == month_start(today):
        state = "running"
    return Bill(month, energy_wh, amount_minor, amount_minor - open_minor, due_on, ends_on, state)
