"""What is used becomes what is charged, on an open transaction; the rules are in `credit` and `register`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from microgrid.billing import asides
from microgrid.billing.credit import charge, charge_journal, days_needed, fee_journal, posted, with_days
from microgrid.billing.local_time import DAY, day_start, local_day
from microgrid.billing.plans import PlanVersion, faults
from microgrid.billing.register import Piece, Term, changes, fit_pieces, negated
from microgrid.billing.standing import Standing, stand, stand_all
from microgrid.customers.records import Site
from microgrid.customers.service import add_once
from microgrid.errors import Collision, Contradiction, InvalidInput, Problem
from microgrid.home_ports import Place
from microgrid.kept import ChargeDay, Credit, OutboxItem
from microgrid.monitoring.readings import Reading
from microgrid.ports import UnitOfWork

END_OF_TIME = datetime(9999, 1, 1, tzinfo=UTC)
POSTING = "post charges"  # the kind of outbox item that says when a site's next day begins


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of readings: how many are new, what contradicts, and the credit of whom they charge."""

    new: int
    problems: tuple[Problem, ...]
    touched: tuple[Credit, ...]


def take_in(uow: UnitOfWork, told: Sequence[Reading], now: datetime) -> Stored:
    """Store readings once each and charge what they show; those of a meter that is fitted nowhere are kept for later.

    A reading that contradicts a stored one is left out and told, and one of an impossible moment is kept aside; the
    others are facts all the same.
    """
    admitted = asides.admit(uow, told, now)
    places = _places(uow, {reading.meter_id for reading in admitted.rows})
    rows = uow.credits.lock({place.account_id for place in places})
    _refuse_moved(uow, rows, places)
    fresh, problems = _store(uow, admitted.rows)
    if fresh and rows:
        neighbours = uow.readings.neighbours_all(fresh)
        doubted = asides.sift(uow, fresh, places, neighbours, now)
        if doubted:
            problems = (*problems, *doubted.values())
            fresh = [reading for reading in fresh if reading.id not in doubted]
            neighbours = uow.readings.neighbours_all(fresh)
        rows = _charge(uow, rows, _pieces(uow, fresh, places, neighbours))
    asides.count_again(uow, fresh, admitted, now)
    return Stored(len(fresh), (*admitted.problems, *problems), tuple(rows.values()) if fresh else ())


@contextmanager
def rewriting(uow: UnitOfWork, account_id: str) -> Iterator[None]:
    """Change fits or plans of an account within the block; afterwards it is charged as if it had always been so.

    What was posted stays as it is: the difference is posted as a correction.
    """
    rows = uow.credits.lock((account_id,))
    before, old_terms = _used(uow, account_id)
    yield
    after, terms = _used(uow, account_id)
    if before != after:
        pieces = [*negated(before), *after]
        _charge(uow, rows, {account_id: (pieces, (*terms, *(term for term in old_terms if term not in terms)))})


def add_plan(uow: UnitOfWork, plan: PlanVersion, now: datetime) -> PlanVersion:
    """Add a version of a plan; once somebody is charged by the plan, versions begin in the future."""
    found = faults(plan)
    if found:
        raise InvalidInput(*found)
    if uow.plans.get(plan.id) is None and plan.effective_from < now and uow.enrolments.where(plan_id=plan.plan_id):
        what = f"plan '{plan.id}' would begin at {plan.effective_from.isoformat()}, and accounts are charged by it"
        why = "a price is not changed for what was used already"
        raise InvalidInput(Problem("MG-P006", what, why, f"let it begin after {now.isoformat(timespec='seconds')}"))
    return add_once(uow.plans, plan, plan.id, "plan version")


def charge_fee(uow: UnitOfWork, standing: Standing, plan: PlanVersion, now: datetime) -> None:
    """Post a plan's connection fee, once per account and plan: the next payment pays it."""
    account_id = standing.account.id
    journal = fee_journal(account_id, standing.site, plan, now)
    if journal is None or uow.ledger.find(journal.id) is not None:
        return
    uow.ledger.post(journal)
    credit = uow.credits.lock((account_id,))[account_id]
    uow.credits.put(replace(credit, balance_minor=credit.balance_minor - journal.entries[0].amount_minor))


def post_accrued(uow: UnitOfWork, standing: Standing, credit: Credit, now: datetime, days_ago: int = 0) -> Credit:
    """Post what a locked account has used since the last posting, in whole minor units, and return its credit.

    `days_ago` says which local day it is booked for.
    """
    plan = standing.plan_at(now) or next((term.plan for term in reversed(standing.terms)), None)
    day = local_day(now, standing.zone) - DAY * days_ago
    journal = None if plan is None else charge_journal(credit, standing.site, plan, now, day)
    if journal is None:
        return credit
    uow.ledger.post(journal)
    after = posted(credit)
    uow.credits.put(after)
    return after


def plan_posting(uow: UnitOfWork, site: Site, now: datetime) -> None:
    """Note when the next local day of a site begins: what was used until then is posted then."""
    zone = ZoneInfo(site.timezone)
    due_at = day_start(local_day(now, zone) + DAY, zone)
    uow.outbox.put(OutboxItem(f"post:{site.id}", POSTING, site.id, "", now, due_at))


def post_due(uow: UnitOfWork, now: datetime, limit: int) -> bool:
    """Post what some accounts have used, when a day has ended somewhere; say whether there is more to post."""
    ended = uow.outbox.due(POSTING, now, limit)
    if not ended:
        return False
    accounts = uow.credits.unposted(limit)
    rows, standings = uow.credits.lock(accounts), stand_all(uow, accounts)
    done = [key for key in accounts if post_accrued(uow, standings[key], rows[key], now, 1) != rows[key]]
    if done and len(accounts) == limit:
        return True
    for item in ended:
        site = uow.sites.get(item.to)
        if site is not None:
            plan_posting(uow, site, now)
    return False


def _places(uow: UnitOfWork, meter_ids: set[str]) -> Sequence[Place]:
    """Return where meters are fitted; one that is fitted nowhere is held, so that nobody fits it meanwhile."""
    places = uow.homes.places(meter_ids)
    loose = meter_ids - {place.fit.meter_id for place in places if place.fit.removed_at is None}
    held = [meter_id for meter_id in sorted(loose) if uow.meters.hold(meter_id) is not None]
    return uow.homes.places(meter_ids) if held else places


def _refuse_moved(uow: UnitOfWork, account_ids: Iterable[str], places: Iterable[Place]) -> None:
    """Begin again when a meter was taken off its connection before the account was locked."""
    homes = uow.homes.get_all(account_ids)
    current = {fit for home in homes.values() for fit in home.fits}
    for place in places:
        if place.account_id in homes and place.fit.removed_at is None and place.fit not in current:
            raise Collision(f"meter '{place.fit.meter_id}' was taken off while its rows came in")


def _store(uow: UnitOfWork, readings: Sequence[Reading]) -> tuple[Sequence[Reading], tuple[Problem, ...]]:
    """Store readings at once; one by one only where some contradict."""
    try:
        return uow.readings.add_all(readings), ()
    except Contradiction:
        pass  # and none of them is stored
    fresh: list[Reading] = []
    problems: list[Problem] = []
    for reading in readings:
        try:
            fresh += uow.readings.add_all((reading,))
        except Contradiction as error:
            problems += error.problems
    return fresh, tuple(problems)


def _pieces(
    uow: UnitOfWork,
    fresh: Sequence[Reading],
    places: Sequence[Place],
    neighbours: asides.Neighbours,
) -> dict[str, tuple[list[Piece], tuple[Term, ...]]]:
    """Return by account what new readings change, and what the account is charged by."""
    standings = stand_all(uow, {place.account_id for place in places})
    found: dict[str, tuple[list[Piece], tuple[Term, ...]]] = {}
    by_meter: dict[str, list[Reading]] = {}
    for reading in fresh:
        by_meter.setdefault(reading.meter_id, []).append(reading)
    for place in places:
        standing = standings[place.account_id]
        rows = by_meter.get(place.fit.meter_id, [])
        pieces, _ = found.setdefault(place.account_id, ([], standing.terms))
        pieces += changes(place.fit, rows, neighbours, standing.terms, standing.zone)
    return found


def _charge(
    uow: UnitOfWork, rows: Mapping[str, Credit], used: Mapping[str, tuple[list[Piece], tuple[Term, ...]]]
) -> dict[str, Credit]:
    """Add pieces of energy to the charge days of locked accounts and to their accrual; return all their credits."""
    needed = {key: days_needed(pieces) for key, (pieces, _) in used.items()}
    stored = uow.credits.days((key, day) for key, days in needed.items() for day in days)
    days: list[ChargeDay] = []
    after: list[Credit] = []
    for key, (pieces, terms) in used.items():
        own = [stored[key, day] for day in needed[key]]
        changed = charge(key, pieces, own, terms)
        days += changed
        after.append(with_days(rows[key], own, changed))
    uow.credits.put_days(days)
    uow.credits.put_all(after)
    return {**rows, **{credit.account_id: credit for credit in after}}


def _used(uow: UnitOfWork, account_id: str) -> tuple[list[Piece], tuple[Term, ...]]:
    """Return everything an account has used, from all its readings, and what it is charged by."""
    standing = stand(uow, account_id)
    connections = uow.connections.where(account_id=account_id)
    found: list[Piece] = []
    for fit in uow.fits.where_in("connection_id", [connection.id for connection in connections]):
        rows = uow.readings.between(fit.meter_id, fit.epoch, fit.fitted_at, fit.removed_at or END_OF_TIME)
        found += fit_pieces(fit, rows, standing.terms, standing.zone)
    return found, standing.terms
