"""What an account has used and what it has left: exact accrual by local day, and what is posted of it.

Energy accrues in micro (millionths of a minor unit) without any rounding. The accrual of a day is a pure function of
the set of readings, fits and plan versions; `charge` applies a change to the days it concerns and gives the same days
as `accrue` over everything. Only `to_post` rounds: down, in the customer's favour.

A month with blocks or an allowance is priced as one walk over its days: the first Wh are free, further ones outside of
bands fill the blocks. Only energy under plans with blocks or an allowance takes part in the walk.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from microgrid.billing.ledger import Entry, Journal, customer, revenue
from microgrid.billing.local_time import day_start, days_of_month, month_start
from microgrid.billing.plans import EnergyRules, LeaseRules, PlanVersion, Tax, TimeRules, split_tax, with_tax
from microgrid.billing.register import PLAIN, Piece, Term, Use, fit_pieces
from microgrid.customers.records import Fit, Site
from microgrid.kept import ChargeDay, Credit
from microgrid.monitoring.readings import Reading

MICRO = 1_000_000  # of a minor unit


@dataclass(frozen=True, slots=True)
class MonthState:
    """How far an account is in a month: energy that takes part in blocks and allowances, and that fills blocks."""

    used_wh: int = 0
    block_wh: int = 0
    free_wh: int = 0
    micro: int = 0


NEW_MONTH = MonthState()


def days_needed(pieces: Iterable[Piece]) -> tuple[date, ...]:
    """Return the days whose stored rows `charge` needs: those touched, and whole months where prices depend on them."""
    days: set[date] = set()
    for piece in pieces:
        days.update(days_of_month(piece.day) if _by_month(piece) else (piece.day,))
    return tuple(sorted(days))


def charge(
    account_id: str, pieces: Iterable[Piece], stored: Iterable[ChargeDay], terms: Sequence[Term]
) -> tuple[ChargeDay, ...]:
    """Return the charge days that pieces change, by day, from those stored for `days_needed(pieces)`.

    `terms` are all of the account's: months are priced again by the plans their energy was used under.
    """
    by_day: dict[date, list[Piece]] = {}
    for piece in pieces:
        by_day.setdefault(piece.day, []).append(piece)
    before = {row.day: row for row in stored}
    after = dict(before)
    for day, own in by_day.items():
        after[day] = _with_pieces(before.get(day) or ChargeDay(account_id, day), own)
    months = {month_start(day) for day, own in by_day.items() if any(map(_by_month, own))}
    plans = _plans(terms) if months else {}
    for month in months:
        after.update(_repriced(account_id, month, before, after, plans))
    changed = (row for day, row in after.items() if row is not before.get(day))
    real = (row for row in changed if row != (before.get(row.day) or ChargeDay(account_id, row.day)))
    return tuple(sorted(real, key=lambda row: row.day))


def accrue(
    account_id: str, fits: Mapping[Fit, Iterable[Reading]], terms: Sequence[Term], zone: ZoneInfo
) -> tuple[ChargeDay, ...]:
    """Return all charge days of an account from everything known: each fit with its readings, in any order."""
    pieces = [piece for fit, readings in fits.items() for piece in fit_pieces(fit, readings, terms, zone)]
    return charge(account_id, pieces, (), terms)


def recomputed(stored: Iterable[ChargeDay], fresh: Iterable[ChargeDay]) -> tuple[ChargeDay, ...]:
    """Return the days to store when fresh ones of `accrue` replace stored ones: time bought stays, old energy goes."""
    before, after = {row.day: row for row in stored}, {row.day: row for row in fresh}
    found = []
    for day in sorted(before.keys() | after.keys()):
        old = before.get(day) or ChargeDay(after[day].account_id, day)
        energy = after.get(day) or ChargeDay(old.account_id, day)
        accrued_micro = energy.accrued_micro + old.bought_minor * MICRO
        row = replace(energy, accrued_micro=accrued_micro, bought_minor=old.bought_minor)
        if row != old:
            found.append(row)
    return tuple(found)


def with_days(credit: Credit, stored: Iterable[ChargeDay], changed: Iterable[ChargeDay]) -> Credit:
    """Return a credit after its charge days changed from the stored rows to the changed ones."""
    known = {row.day: row.accrued_micro for row in stored}
    added_micro = sum(row.accrued_micro - known.get(row.day, 0) for row in changed)
    return replace(credit, accrued_micro=credit.accrued_micro + added_micro)


def month_state(month: date, days: Iterable[ChargeDay], terms: Sequence[Term]) -> MonthState:
    """Return how far an account is in the month of a day, from its charge days."""
    mine = sorted((row for row in days if month_start(row.day) == month_start(month)), key=lambda row: row.day)
    return list(_walk(mine, _plans(terms) if any(row.uses for row in mine) else {}).values())[-1] if mine else NEW_MONTH


def to_post(credit: Credit) -> int:
    """Return the whole minor units accrued and not charged yet, rounded down; negative after a correction."""
    return credit.accrued_micro // MICRO - credit.charged_minor


def posted(credit: Credit) -> Credit:
    """Return a credit whose accrual is posted; what is available does not change by it."""
    amount_minor = to_post(credit)
    balance_minor, charged_minor = credit.balance_minor - amount_minor, credit.charged_minor + amount_minor
    return replace(credit, balance_minor=balance_minor, charged_minor=charged_minor)


def charge_journal(credit: Credit, site: Site, plan: PlanVersion, at: datetime, value_day: date) -> Journal | None:
    """Return the journal that posts what `to_post` says, or None when that is nothing.

    `value_day` is the local day it is for; its value date is when that day begins. A correction after a late reading
    has the opposite sign. The id names the account, the day, what was charged before, and when.
    """
    amount_minor = to_post(credit)
    if not amount_minor:
        return None
    moment = f"{at:%Y%m%dT%H%M%S.%f}"
    return Journal(
        f"charge:{credit.account_id}:{value_day.isoformat()}:{credit.charged_minor}:{moment}",
        "charge",
        site.currency,
        at,
        day_start(value_day, ZoneInfo(site.timezone)),
        sale_entries(credit.account_id, site.id, revenue_kind(plan), amount_minor, plan.tax),
    )


def fee_journal(account_id: str, site: Site, plan: PlanVersion, at: datetime) -> Journal | None:
    """Return the journal of a plan's connection fee, once per account and plan; None when there is no fee."""
    amount_minor = with_tax(plan.connection_fee_minor, plan.tax)
    if not amount_minor:
        return None
    entries = sale_entries(account_id, site.id, "fees", amount_minor, plan.tax)
    return Journal(f"fee:{account_id}:{plan.plan_id}", "fee", site.currency, at, at, entries)


def sale_entries(account_id: str, site_id: str, kind: str, amount_minor: int, tax: Tax) -> tuple[Entry, ...]:
    """Return the lines of a sale paid from an account's credit."""
    return sold_entries(customer(account_id), site_id, kind, amount_minor, tax)


def sold_entries(debited: str, site_id: str, kind: str, amount_minor: int, tax: Tax) -> tuple[Entry, ...]:
    """Return the lines of a sale that debits an account: revenue, tax and levies; lines of nothing left out."""
    parts = split_tax(amount_minor, tax)
    lines = [Entry(debited, amount_minor), Entry(revenue(kind, site_id), -parts.net_minor)]
    lines.append(Entry(f"tax:{site_id}", -parts.tax_minor))
    for levy, levy_minor in zip(tax.levies, parts.levies_minor, strict=True):
        lines.append(Entry(f"tax:{site_id}:{levy.name}", -levy_minor))
    return tuple(line for line in lines if line.amount_minor)


def revenue_kind(plan: PlanVersion) -> str:
    """Return what a plan sells, as the books name it."""
    if isinstance(plan.rules, TimeRules):
        return "rental"
    return "appliance" if isinstance(plan.rules, LeaseRules) else "energy"


def block_micro(energy: EnergyRules, tax: Tax, from_wh: int, wh: int) -> int:
    """Return what so many Wh outside of bands cost, after others of the same month have filled the blocks."""
    micro, start = 0, 0
    for block in energy.blocks:
        end = from_wh + wh if block.up_to_wh is None else block.up_to_wh
        inside = min(end, from_wh + wh) - max(start, from_wh)
        if inside > 0:
            micro += inside * with_tax(block.price_milli_minor_per_kwh, tax)
        start = end
    return micro


def _by_month(piece: Piece) -> bool:
    energy = None if piece.plan is None else piece.plan.energy
    return energy is not None and energy.by_month


def _with_pieces(row: ChargeDay, pieces: Iterable[Piece]) -> ChargeDay:
    """Return a day with pieces added; energy priced by its month is only kept, to be priced with the whole month."""
    used_wh, estimated_wh, micro, uses = row.used_wh, row.estimated_wh, row.accrued_micro, row.uses
    for piece in pieces:
        used_wh += piece.wh
        estimated_wh += piece.wh if piece.estimated else 0
        energy = None if piece.plan is None else piece.plan.energy
        if piece.plan is None or energy is None:
            continue
        if energy.by_month:
            uses = _with_use(uses, piece.plan.id, piece)
        else:
            micro += _micro(piece.plan, piece.band, 0, piece.wh)
    return ChargeDay(row.account_id, row.day, used_wh, row.free_wh, estimated_wh, micro, row.bought_minor, uses)


def _with_use(uses: Sequence[Use], plan_id: str, piece: Piece) -> tuple[Use, ...]:
    sums = {(use.plan, use.band): use.wh for use in uses}
    key = (plan_id, piece.band)
    sums[key] = sums.get(key, 0) + piece.wh
    return tuple(Use(plan, band, wh) for (plan, band), wh in sorted(sums.items()) if wh)


def _micro(plan: PlanVersion, band: int, block_wh: int, wh: int) -> int:
    """Return what energy of one plan and band costs; without blocks also for a negative correction."""
    energy = plan.energy
    assert energy is not None
    if band != PLAIN:
        return wh * with_tax(energy.bands[band].price_milli_minor_per_kwh, plan.tax)
    if len(energy.blocks) == 1:
        return wh * with_tax(energy.blocks[0].price_milli_minor_per_kwh, plan.tax)
    return block_micro(energy, plan.tax, block_wh, wh)


def _plans(terms: Sequence[Term]) -> dict[str, tuple[int, PlanVersion]]:
    """Return the plan versions by id, each with its place in time."""
    found: dict[str, tuple[int, PlanVersion]] = {}
    for place, term in enumerate(terms):
        found.setdefault(term.plan.id, (place, term.plan))
    return found


def _repriced(
    account_id: str,
    month: date,
    before: Mapping[date, ChargeDay],
    after: Mapping[date, ChargeDay],
    plans: Mapping[str, tuple[int, PlanVersion]],
) -> dict[date, ChargeDay]:
    """Return the days of a month with the new prices of their energy in place of the old ones."""
    touched = (day for day, row in after.items() if row.uses or row is not before.get(day))
    days = sorted(day for day in touched if month_start(day) == month)
    old = _walk([before.get(day) or ChargeDay(account_id, day) for day in days], plans)
    new = _walk([after[day] for day in days], plans)
    found, old_state, new_state = {}, NEW_MONTH, NEW_MONTH
    for day in days:
        row = after[day]
        micro = (new[day].micro - new_state.micro) - (old[day].micro - old_state.micro)
        free_wh = new[day].free_wh - new_state.free_wh
        if micro or free_wh != row.free_wh:
            found[day] = replace(row, accrued_micro=row.accrued_micro + micro, free_wh=free_wh)
        old_state, new_state = old[day], new[day]
    return found


def _walk(days: Sequence[ChargeDay], plans: Mapping[str, tuple[int, PlanVersion]]) -> dict[date, MonthState]:
    """Return how far the month is at the end of each of its days, in order; within a day one order always holds."""
    state, found = NEW_MONTH, {}
    for row in days:
        for use in sorted(row.uses, key=lambda one: (plans[one.plan][0], one.band)):
            state = _after_use(state, use, plans[use.plan][1])
        found[row.day] = state
    return found


def _after_use(state: MonthState, use: Use, plan: PlanVersion) -> MonthState:
    energy = plan.energy
    assert energy is not None
    free_wh = min(use.wh, max(0, energy.free_wh_per_month - state.used_wh))
    paid_wh = use.wh - free_wh
    return MonthState(
        state.used_wh + use.wh,
        state.block_wh + (paid_wh if use.band == PLAIN else 0),
        state.free_wh + free_wh,
        state.micro + _micro(plan, use.band, state.block_wh, paid_wh),
    )
