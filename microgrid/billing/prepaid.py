"""Supply bought ahead, on an open transaction: days of it, or energy that a keypad token carries to a meter.

Energy in a token is charged on the local day it is sold, at the price of that moment: nobody sees when it is used.
"""

from __future__ import annotations

from datetime import datetime

from microgrid.billing.charging import post_accrued
from microgrid.billing.credit import MICRO, MonthState, block_micro, charge, days_needed, month_state, with_days
from microgrid.billing.local_time import local_day, month_start
from microgrid.billing.paid_time import Bought, with_time, with_time_on
from microgrid.billing.plans import EnergyRules, PlanVersion, Tax
from microgrid.billing.register import Piece
from microgrid.billing.standing import Standing
from microgrid.kept import Credit
from microgrid.ports import UnitOfWork


def charge_time(uow: UnitOfWork, standing: Standing, credit: Credit, bought: Bought, now: datetime) -> Credit:
    """Charge a locked account for time it bought, or gave back, and return its credit."""
    day = uow.credits.day(credit.account_id, local_day(now, standing.zone))
    uow.credits.put_day(with_time_on(day, bought))
    after = with_time(credit, bought)
    uow.credits.put(after)
    return post_accrued(uow, standing, after, now)


def charge_energy(
    uow: UnitOfWork, standing: Standing, plan: PlanVersion, credit: Credit, energy_wh: int, now: datetime
) -> Credit:
    """Charge a locked account for energy it takes ahead, and return its credit."""
    piece = Piece(local_day(now, standing.zone), energy_wh, plan=plan)
    stored = uow.credits.days((credit.account_id, day) for day in days_needed((piece,)))
    own = list(stored.values())
    changed = charge(credit.account_id, (piece,), own, standing.terms)
    uow.credits.put_days(changed)
    after = with_days(credit, own, changed)
    uow.credits.put(after)
    return post_accrued(uow, standing, after, now)


def month_so_far(uow: UnitOfWork, standing: Standing, energy: EnergyRules, now: datetime) -> MonthState:
    """Return how far an account is in the month, where a price depends on it."""
    if not energy.by_month:
        return MonthState()
    today = local_day(now, standing.zone)
    days = uow.credits.days_of(standing.account.id, month_start(today), today)
    return month_state(today, days, standing.terms)


def price_micro(energy: EnergyRules, tax: Tax, month: MonthState, energy_wh: int) -> int:
    """Return what so much further energy costs now: what is left of the free allowance first, then by blocks."""
    free_wh = min(energy_wh, max(0, energy.free_wh_per_month - month.used_wh))
    return block_micro(energy, tax, month.block_wh, energy_wh - free_wh)


def steps_bought(credit: Credit, energy: EnergyRules, tax: Tax, month: MonthState, step_wh: int, most: int) -> int:
    """Return how many whole steps of energy the credit of an account buys now, at most so many."""
    budget_micro = (credit.balance_minor + credit.charged_minor) * MICRO - credit.accrued_micro
    if budget_micro < 0:  # a debt is paid first, before a free allowance too
        return 0
    fits, beyond = 0, most + 1
    while beyond - fits > 1:  # the price never falls with the energy
        middle = (fits + beyond) // 2
        if price_micro(energy, tax, month, middle * step_wh) <= budget_micro:
            fits = middle
        else:
            beyond = middle
    return fits
