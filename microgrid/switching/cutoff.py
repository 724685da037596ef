"""How far a meter may run on the credit there is: a register that is safe whatever the customer does next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from microgrid.billing.credit import MICRO, MonthState
from microgrid.billing.local_time import MINUTES_OF_DAY
from microgrid.billing.plans import EnergyRules, PlanVersion, with_tax
from microgrid.kept import Credit


@dataclass(frozen=True, slots=True)
class _Step:
    """A price per kWh for further energy from so many Wh on."""

    from_wh: int
    price: int


def covered_wh(budget_micro: int, plans: Sequence[PlanVersion], month: MonthState, sharing: int = 1) -> int | None:
    """Return how many further Wh a budget surely covers, or None for any number.

    Each Wh is taken at the dearest price it can have: in any band, at any time, in this month's blocks or anew in a
    later month, under any of the plan versions given. What remains of a free allowance comes on top, in debt too.
    Several connections that draw on one account (`sharing`) each get their share of both, decided at the same time.
    In debt the result is negative: about what was used too much, so that the cutoff stays where credit ended.
    """
    energies = [energy for plan in plans if (energy := plan.energy) is not None]
    free_wh = min((max(0, energy.free_wh_per_month - month.used_wh) for energy in energies), default=0) // sharing
    steps = _steps(tuple(plans), month.block_wh, together=sharing > 1)
    if not steps or steps[-1].price == 0:
        return None
    if budget_micro < 0 and not free_wh:
        return budget_micro // max(1, steps[0].price)
    return free_wh + _bought_wh(max(0, budget_micro) // sharing, steps)


def budget_micro(credit: Credit, limit_minor: int = 0) -> int:
    """Return what is left to use in micro, exactly, with a credit limit."""
    return (credit.balance_minor + credit.charged_minor + limit_minor) * MICRO - credit.accrued_micro


def _bought_wh(budget: int, steps: Sequence[_Step]) -> int:
    """Return how many Wh a budget buys on rising steps, in whole Wh rounded down."""
    for step, following in zip(steps, [*steps[1:], None], strict=True):
        if following is None or (following.from_wh - step.from_wh) * step.price > budget:
            return step.from_wh + budget // step.price
        budget -= (following.from_wh - step.from_wh) * step.price
    raise AssertionError("steps have no end")


@lru_cache(maxsize=4096)
def _steps(plans: tuple[PlanVersion, ...], block_wh: int, *, together: bool) -> Sequence[_Step]:
    """Return the dearest price of the next, second, ... Wh: it never falls."""
    energies = [(plan, energy) for plan in plans if (energy := plan.energy) is not None]
    offers = [offer for plan, energy in energies for offer in _offers(plan, energy, block_wh)]
    if together and offers:  # others on the account can fill the blocks first
        return [_Step(0, max(offer.price for offer in offers))]
    steps: list[_Step] = []
    for offer in sorted(offers, key=lambda one: (one.from_wh, -one.price)):
        if not steps or offer.price > steps[-1].price:
            steps.append(offer)
    return steps


def _offers(plan: PlanVersion, energy: EnergyRules, block_wh: int) -> list[_Step]:
    """Return from which further Wh on each price of a plan can apply at the earliest."""
    found = [_Step(0, with_tax(band.price_milli_minor_per_kwh, plan.tax)) for band in energy.bands]
    if sum(band.to_minute - band.from_minute for band in energy.bands) == MINUTES_OF_DAY:
        return found  # there is no time outside of bands
    start_wh = 0
    for block in energy.blocks:
        price = with_tax(block.price_milli_minor_per_kwh, plan.tax)
        found.append(_Step(start_wh, price))  # of a later month, which begins at its first block
        if block.up_to_wh is None or block.up_to_wh > block_wh:
            found.append(_Step(max(0, start_wh - block_wh), price))
        start_wh = start_wh if block.up_to_wh is None else block.up_to_wh
    return found
