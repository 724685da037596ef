"""What things cost: plans, versioned and dated, each a frozen rules document. All integers.

A price is in thousandths of a minor unit per kWh, so one Wh at price p costs exactly p micro (millionths of a minor
unit): energy is charged without rounding, and rounded down to whole minor units only when it is posted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise

from microgrid.currency import CODES
from microgrid.errors import Problem

PPM = 1_000_000  # of a whole
MINUTES_OF_DAY = 24 * 60


@dataclass(frozen=True, slots=True)
class Block:
    """A step of a block tariff: up to so many Wh in a local month at this price."""

    up_to_wh: int | None  # None: all further energy
    price_milli_minor_per_kwh: int


@dataclass(frozen=True, slots=True)
class Band:
    """A time-of-use band of the local day that replaces the block price; one past midnight is written as two."""

    from_minute: int
    to_minute: int
    price_milli_minor_per_kwh: int


@dataclass(frozen=True, slots=True)
class EnergyRules:
    """Per kWh: blocks of a local month, and bands of the day; a free basic allowance first.

    The first `free_wh_per_month` of a local month cost nothing, whenever they are used. Energy in a band is paid at
    the band's price and does not count towards blocks.
    """

    blocks: tuple[Block, ...]
    bands: tuple[Band, ...] = ()
    free_wh_per_month: int = 0
    power_limit_w: int | None = None
    daily_wh: int | None = None

    @property
    def by_month(self) -> bool:
        """Return whether what a Wh costs depends on what was used before it in its month."""
        return len(self.blocks) > 1 or self.free_wh_per_month > 0


@dataclass(frozen=True, slots=True)
class TimeRules:
    """Per day, week or month of supply, with limits.

    An outage of the grid longer than `pause_after_s` does not use up paid time; None: time runs whatever happens.
    """

    price_minor: int
    days: int
    power_limit_w: int | None = None
    daily_wh: int | None = None
    pause_after_s: int | None = None


@dataclass(frozen=True, slots=True)
class PostpaidRules:
    """Energy on credit: a bill each local month, due after so many days, then grace; a credit limit."""

    energy: EnergyRules
    due_days: int
    grace_days: int
    credit_limit_minor: int


@dataclass(frozen=True, slots=True)
class LeaseRules:
    """Lease to own: deposit, then an instalment each so many `days` or `months`; unlocked for ever at the end.

    The deposit pays for the first `deposit_days`. `payoff_discount_basis_points` is taken off what is not yet due
    when all of it is paid at once; 250 of them are 2.5 %.
    """

    deposit_minor: int
    instalment_minor: int
    days: int
    instalments: int
    grace_days: int = 0
    months: int = 0  # in place of days
    deposit_days: int = 0
    payoff_discount_basis_points: int = 0


@dataclass(frozen=True, slots=True)
class Levy:
    """A further charge of the state on sales, beside tax, with a line of its own in the books."""

    name: str
    rate_ppm: int


@dataclass(frozen=True, slots=True)
class Tax:
    """Tax and levies on sales in millionths of the net price; included in the price or added to it."""

    rate_ppm: int = 0
    included: bool = True
    levies: tuple[Levy, ...] = ()

    @property
    def total_ppm(self) -> int:
        """Return tax and levies together."""
        return self.rate_ppm + sum(levy.rate_ppm for levy in self.levies)


@dataclass(frozen=True, slots=True)
class ClassTax:
    """What one class of customers, such as businesses, is taxed in place of the plan's own rate."""

    customer_class: str
    tax: Tax


Rules = EnergyRules | TimeRules | PostpaidRules | LeaseRules


@dataclass(frozen=True, slots=True)
class PlanVersion:
    """One version of a plan, in force from a moment until the next version."""

    plan_id: str
    version: int
    effective_from: datetime
    currency: str
    rules: Rules
    tax: Tax = Tax()
    connection_fee_minor: int = 0
    warn_below_minor: int = 0
    instalment_share_ppm: int = PPM  # of a payment, at most so much pays instalments that are due
    class_taxes: tuple[ClassTax, ...] = ()  # in place of `tax`

    @property
    def id(self) -> str:
        """Return what names this version everywhere."""
        return f"{self.plan_id}@{self.version}"

    def for_class(self, customer_class: str) -> PlanVersion:
        """Return this version as one class of customers is charged by it; a class not named pays the plan's tax."""
        own = next((one.tax for one in self.class_taxes if one.customer_class == customer_class), None)
        return self if own is None else replace(self, tax=own)

    @property
    def energy(self) -> EnergyRules | None:
        """Return how its energy is priced, or None where energy is not sold by the kWh."""
        if isinstance(self.rules, PostpaidRules):
            return self.rules.energy
        return self.rules if isinstance(self.rules, EnergyRules) else None


@dataclass(frozen=True, slots=True)
class PlanProposal:
    """A version of a plan that waits until a second person agrees to it."""

    id: str
    plan_id: str
    plan: PlanVersion


@dataclass(frozen=True, slots=True)
class Split:
    """A sale taken apart: what is ours, and what is the state's, line by line."""

    net_minor: int
    tax_minor: int
    levies_minor: tuple[int, ...] = ()


def with_tax(amount: int, tax: Tax) -> int:
    """Return what a customer pays for a price, amount or price per kWh: tax that is not included rounded half up."""
    return amount if tax.included else amount + half_up(amount * tax.total_ppm, PPM)


def split_tax(paid_minor: int, tax: Tax) -> Split:
    """Return the parts of what a customer paid: tax and levies each rounded half up, the rest is ours.

    Works on amounts from `with_tax`, so it is the same for tax that is included and tax that is added. The parts
    always add up; a correction (negative) is the mirror image of its sale.
    """
    if paid_minor < 0:
        sale = split_tax(-paid_minor, tax)
        return Split(-sale.net_minor, -sale.tax_minor, tuple(-levy for levy in sale.levies_minor))
    whole_ppm = PPM + tax.total_ppm
    tax_minor = half_up(paid_minor * tax.rate_ppm, whole_ppm)
    levies_minor = tuple(half_up(paid_minor * levy.rate_ppm, whole_ppm) for levy in tax.levies)
    return Split(paid_minor - tax_minor - sum(levies_minor), tax_minor, levies_minor)


def half_up(numerator: int, denominator: int) -> int:
    """Return a quotient of whole numbers rounded to the nearest one, halves upwards."""
    return (2 * numerator + denominator) // (2 * denominator)


def faults(plan: PlanVersion) -> tuple[Problem, ...]:
    """Return everything in a plan that cannot be meant, all of it together."""
    found = [*_number_faults("connection_fee_minor", plan.connection_fee_minor, 0)]
    found += _number_faults("warn_below_minor", plan.warn_below_minor, 0)
    found += _number_faults("version", plan.version, 1)
    found += _number_faults("instalment_share_ppm", plan.instalment_share_ppm, 0, PPM)
    found += _tax_faults(plan)
    if plan.currency not in CODES:
        found.append(_fault("MG-P204", f"plan '{plan.plan_id}' is priced in '{plan.currency}'"))
    if plan.effective_from.utcoffset() is None:
        found.append(_fault("MG-P205", f"plan '{plan.plan_id}' begins at {plan.effective_from.isoformat()}"))
    return (*found, *_rules_faults(plan))


def _tax_faults(plan: PlanVersion) -> Iterable[Problem]:
    of_classes = ((f"class_taxes.{one.customer_class}", one.tax) for one in plan.class_taxes)
    for where, tax in (("tax", plan.tax), *of_classes):
        yield from _number_faults(f"{where}.rate_ppm", tax.rate_ppm, 0, PPM)
        for levy in tax.levies:
            yield from _number_faults(f"{where}.levies.{levy.name}", levy.rate_ppm, 0, PPM)
        yield from _repeated_faults(f"{where}.levies", [levy.name for levy in tax.levies])
    yield from _repeated_faults("class_taxes", [one.customer_class for one in plan.class_taxes])


def _repeated_faults(where: str, names: Sequence[str]) -> Iterable[Problem]:
    for name in sorted({name for name in names if names.count(name) > 1 or not name or ":" in name}):
        yield _fault("MG-P210", f"`{where}` has '{name}' twice, or it is no name")


def _rules_faults(plan: PlanVersion) -> Iterable[Problem]:
    rules = plan.rules
    if isinstance(rules, LeaseRules):
        from microgrid.billing.contracts import mistakes_in, terms_of  # it knows plans

        yield from _number_faults("days", rules.days, 0)
        yield from _number_faults("months", rules.months, 0)
        if (rules.days > 0) == (rules.months > 0):
            pays = f"pays {rules.days} days and {rules.months} months"
            yield _fault("MG-P211", f"an instalment of plan '{plan.plan_id}' {pays}")
        else:
            yield from mistakes_in(terms_of(rules, plan.currency, plan.tax))
    elif isinstance(rules, TimeRules):
        yield from _time_faults(rules)
    elif isinstance(rules, PostpaidRules):
        for name in ("due_days", "grace_days", "credit_limit_minor"):
            yield from _number_faults(name, getattr(rules, name), 0)
        yield from _energy_faults(rules.energy)
    else:
        yield from _energy_faults(rules)


def _time_faults(rules: TimeRules) -> Iterable[Problem]:
    yield from _number_faults("price_minor", rules.price_minor, 1)
    yield from _number_faults("days", rules.days, 1)
    yield from _limit_faults(rules)
    if rules.pause_after_s is not None:
        yield from _number_faults("pause_after_s", rules.pause_after_s, 0)


def _limit_faults(rules: TimeRules | EnergyRules) -> Iterable[Problem]:
    for name in ("power_limit_w", "daily_wh"):
        if (limit := getattr(rules, name)) is not None:
            yield from _number_faults(name, limit, 1)


def _energy_faults(rules: EnergyRules) -> Iterable[Problem]:
    yield from _limit_faults(rules)
    yield from _number_faults("free_wh_per_month", rules.free_wh_per_month, 0)
    prices = [block.price_milli_minor_per_kwh for block in rules.blocks]
    for price in (*prices, *(band.price_milli_minor_per_kwh for band in rules.bands)):
        yield from _number_faults("price_milli_minor_per_kwh", price, 0)
    yield from _block_faults(rules.blocks)
    yield from _band_faults(rules.bands)


def _block_faults(blocks: tuple[Block, ...]) -> Iterable[Problem]:
    if not blocks or blocks[-1].up_to_wh is not None:
        ends = blocks[-1].up_to_wh if blocks else 0
        yield _fault("MG-P202", f"no block has a price for energy above {ends} Wh in a month")
    ends_wh = [block.up_to_wh for block in blocks[:-1]]
    if None in ends_wh:
        yield _fault("MG-P202", "a block after the one without an end can never be reached")
    rising = [0, *(end for end in ends_wh if end is not None)]
    for lower, upper in pairwise(rising):
        if upper <= lower:
            yield _fault("MG-P202", f"a block ends at {upper} Wh, but the one before it at {lower} Wh")


def _band_faults(bands: tuple[Band, ...]) -> Iterable[Problem]:
    for band in bands:
        if not 0 <= band.from_minute < band.to_minute <= MINUTES_OF_DAY:
            yield _fault("MG-P203", f"a band lasts from minute {band.from_minute} to {band.to_minute} of the day")
    for first, second in pairwise(sorted(bands, key=lambda band: band.from_minute)):
        if second.from_minute < first.to_minute:
            at = f"minute {second.from_minute} of the day"
            yield _fault("MG-P203", f"two bands have a price for {at}")


def _number_faults(name: str, value: int, least: int, most: int | None = None) -> Iterable[Problem]:
    if value < least or (most is not None and value > most):
        bound = f"at least {least}" if most is None else f"between {least} and {most}"
        yield _fault("MG-P201", f"`{name}` of a plan is {value}, but must be {bound}")


def _fault(code: str, what: str) -> Problem:
    fixes = {
        "MG-P201": "Correct the number; money is in minor units, prices in thousandths of them per kWh.",
        "MG-P202": "Write blocks from the smallest `up_to_wh` up, the last one with none.",
        "MG-P203": "Write bands within 0 and 1440 that do not overlap; split one past midnight into two.",
        "MG-P204": "Use a code of ISO 4217, such as KES.",
        "MG-P205": "Write the time with its offset, such as 2026-11-01T00:00+03:00.",
        "MG-P210": "Give each levy and each class of customers a name of its own, without a colon.",
        "MG-P211": "Write `days` or `months`, one of them above zero.",
    }
    return Problem(code, f"{what}; the plan was not stored", fix=fixes[code])
