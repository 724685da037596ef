"""What people do with prices: see what another one would mean, and ask for it from a day on; two have to agree.

As every action: one transaction, who did it written down. What is only looked at is read in parts, so that it holds up
nobody.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from microgrid import approvals
from microgrid.billing import charging
from microgrid.billing.local_time import DAY, day_start, local_day
from microgrid.billing.plans import PlanProposal, PlanVersion, faults
from microgrid.billing.standing import standing_of
from microgrid.billing.tariffs import Change, Preview, change_of, refuse_other_kind, summed_up
from microgrid.customers.service import need, note, unknown
from microgrid.errors import InvalidInput, Problem
from microgrid.kept import Approval
from microgrid.ports import Core, UnitOfWork, transact
from microgrid.switching.site_changes import state_of
from microgrid.views import Page

TARIFF = "tariff"  # what approvals call it
BATCH = 200  # accounts that are read at one moment
LARGEST = 10


def preview(core: Core, proposed: PlanVersion, days: int, largest: int = LARGEST) -> Preview:
    """Return who of a plan's accounts would have paid more or less over the last whole days."""
    now = core.clock.now()
    with core.store.read() as uow:
        _refuse_faults(proposed)
        refuse_other_kind(proposed.plan_id, _versions(uow, proposed.plan_id), proposed)
        accounts = sorted({one.account_id for one in uow.enrolments.where(plan_id=proposed.plan_id)})
    changes: list[Change] = []
    for start in range(0, len(accounts), BATCH):
        with core.store.read() as uow:
            changes += _changes(uow, accounts[start : start + BATCH], proposed, days, now)
    return summed_up(proposed.plan_id, days, changes, largest)


def schedule(core: Core, asked: PlanVersion, why: str, person: str) -> Approval:
    """Ask for a new version of a plan from a moment on; another person has to agree.

    The version's number is the next one, whatever `asked` says. It begins at the notice that the sites of its accounts
    promise, or later.
    """
    now = core.clock.now()

    def flow(uow: UnitOfWork) -> Approval:
        proposal = _proposed(uow, asked, now)
        request = {"proposal": proposal.id}
        return approvals.propose(uow, TARIFF, f"plan:{asked.plan_id}", request, why, person, now)

    return transact(core.store, flow)


def put_in_force(uow: UnitOfWork, granted: Approval, now: datetime) -> None:
    """Add the version of a plan that two people have agreed to; raises InvalidInput when its day has passed."""
    proposal = need(uow.plan_proposals, str(approvals.read(granted)["proposal"]), "plan proposal")
    charging.add_plan(uow, proposal.plan, now)
    note(uow, f"plan:{proposal.plan.id}:add", now, granted.decided_by, "add plan", f"plan:{proposal.plan.id}")


def refuse_one_person(uow: UnitOfWork, plan: PlanVersion) -> None:
    """Refuse that one person alone changes what accounts are charged by."""
    known = uow.plans.where(plan_id=plan.plan_id)
    if plan.id not in {one.id for one in known} and known and uow.enrolments.where(plan_id=plan.plan_id):
        what = f"accounts are charged by plan '{plan.plan_id}', so its price is not changed by one person"
        raise InvalidInput(Problem("MG-P220", what, fix="ask for it: microgrid tariff schedule, POST /plans/schedule"))


def plans(core: Core, after: str, limit: int) -> Page:
    """Return versions of plans by id."""
    with core.store.read() as uow:
        rows = uow.plans.page(after, limit + 1)
    return Page(rows[:limit], rows[limit - 1].id if len(rows) > limit else None)


def _changes(uow: UnitOfWork, accounts: Sequence[str], proposed: PlanVersion, days: int, now: datetime) -> list[Change]:
    homes = uow.homes.get_all(accounts)
    connections = [one.id for home in homes.values() for one in home.connections]
    fits = uow.fits.where_in("connection_id", connections)
    found = []
    for home in homes.values():
        standing, places = standing_of(home), {one.id for one in home.connections}
        plan = standing.plan_at(now)
        if plan is not None and plan.plan_id == proposed.plan_id:
            mine = [fit for fit in fits if fit.connection_id in places]
            found.append(change_of(uow, standing, mine, proposed, days, now))
    return found


def _proposed(uow: UnitOfWork, asked: PlanVersion, now: datetime) -> PlanProposal:
    """Return what is kept of a wish until it is decided; the same wish again is the same."""
    _refuse_faults(asked)
    versions = _versions(uow, asked.plan_id)
    refuse_other_kind(asked.plan_id, versions, asked)
    _refuse_short_notice(uow, asked, now)
    plan = replace(asked, version=max(one.version for one in versions) + 1)
    earlier = uow.plan_proposals.where(plan_id=plan.plan_id)
    known = next((one for one in earlier if one.plan == plan), None)
    proposal = known or PlanProposal(f"{plan.plan_id}:{len(earlier) + 1}", plan.plan_id, plan)
    uow.plan_proposals.put(proposal)
    return proposal


def _refuse_faults(plan: PlanVersion) -> None:
    found = faults(plan)
    if found:
        raise InvalidInput(*found)


def _versions(uow: UnitOfWork, plan_id: str) -> Sequence[PlanVersion]:
    found = uow.plans.where(plan_id=plan_id)
    if not found:
        raise InvalidInput(unknown("plan", plan_id))
    return found


def _refuse_short_notice(uow: UnitOfWork, plan: PlanVersion, now: datetime) -> None:
    """Refuse a price that would begin before the notice its customers were promised."""
    enrolled = uow.accounts.get_all({one.account_id for one in uow.enrolments.where(plan_id=plan.plan_id)})
    problems = []
    for site_id in sorted({account.site_id for account in enrolled.values()}):
        zone = ZoneInfo(need(uow.sites, site_id, "site").timezone)
        days = state_of(uow, site_id).policy.notice_days
        earliest = day_start(local_day(now, zone) + DAY * days, zone) if days else now
        if plan.effective_from < earliest:
            what = f"plan '{plan.plan_id}' would change at {plan.effective_from.isoformat()}"
            why = f"customers at site '{site_id}' are told {days} days before"
            first = earliest.astimezone(zone).isoformat(timespec="minutes")
            problems.append(Problem("MG-P223", what, why, f"let it begin at {first} or later"))
    if problems:
        raise InvalidInput(*problems)
