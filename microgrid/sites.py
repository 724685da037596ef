"""What people do at a site as a whole: its policy, saving energy, outages, and the seals of meters.

As every action: one transaction, who did it written down, and what was decided sent after the commit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

from microgrid.customers.service import note
from microgrid.documents import as_text
from microgrid.flows import attend_sites, send
from microgrid.ports import Core, UnitOfWork, transact
from microgrid.switching import service as switching
from microgrid.switching import site_changes
from microgrid.switching.service import Order
from microgrid.switching.sites import GridOutage, Seal, SitePolicy, SiteState
from microgrid.views import Page

Result = TypeVar("Result")


def change_policy(core: Core, site_id: str, change: Callable[[SitePolicy], SitePolicy], actor: str) -> SiteState:
    """Change how careful a site is about cutting, and decide supply again for all its homes."""
    return _change(
        core, site_id, actor, "set policy", lambda uow, now: site_changes.change_policy(uow, site_id, change, now)
    )


def shed(core: Core, site_id: str, level: int, actor: str) -> SiteState:
    """Let a site save energy by priority, or supply all again."""
    return _change(
        core,
        site_id,
        actor,
        f"save energy at level {level}",
        lambda uow, now: site_changes.shed(uow, site_id, level, now),
    )


def add_outage(core: Core, outage: GridOutage, actor: str) -> GridOutage:
    """Write down an outage; what it took of paid time is given back when it is over."""
    return _change(
        core,
        outage.site_id,
        actor,
        f"add outage {outage.id}",
        lambda uow, now: site_changes.add_outage(uow, outage, now),
    )


def end_outage(core: Core, outage_id: str, to_at: datetime, actor: str) -> GridOutage:
    """Write down when an outage ended."""

    def end(uow: UnitOfWork, now: datetime) -> GridOutage:
        return site_changes.end_outage(uow, outage_id, to_at, now)

    return _change(core, "", actor, f"end outage {outage_id}", end)


def tell_seal(core: Core, meter_id: str, seal: Seal, actor: str, why: str) -> None:
    """Write down that a meter was opened or bypassed, which cuts it, or that it is right again."""
    now = core.clock.now()

    def flow(uow: UnitOfWork) -> Sequence[Order]:
        return switching.settle(uow, site_changes.tell_seal(uow, meter_id, seal, now, actor, why), now)

    send(core, transact(core.store, flow))


def state(core: Core, site_id: str) -> SiteState:
    """Return how a site is run at present."""
    with core.store.read() as uow:
        return site_changes.state_of(uow, site_id)


def outages(core: Core, site_id: str, after: str, limit: int) -> Page:
    """Return the outages of a site by id."""
    with core.store.read() as uow:
        rows = uow.outages.page(after, limit + 1, site_id=site_id)
    return Page(rows[:limit], rows[limit - 1].id if len(rows) > limit else None)


def _change(
    core: Core, site_id: str, actor: str, action: str, change: Callable[[UnitOfWork, datetime], Result]
) -> Result:
    """Change something about a site, write down who did, and let it be felt in every home at once."""
    now = core.clock.now()

    def flow(uow: UnitOfWork) -> Result:
        changed = change(uow, now)
        subject = f"site:{site_id or getattr(changed, 'site_id', '')}"
        number = len(uow.audit.where(subject=subject)) + 1
        note(uow, f"{subject}:{number:06}", now, actor, action, subject, as_text(changed))
        return changed

    changed = transact(core.store, flow)
    attend_sites(core)
    return changed
