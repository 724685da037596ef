"""What changes at a site, on an open transaction: its policy, its energy, its outages, and the seals of its meters.

What a change means for each home is decided in batches by the tick, from a note in the outbox that says how far it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from microgrid.billing.outage_time import give_time_back
from microgrid.customers.service import add_once, contradiction, fitted, need
from microgrid.errors import Contradiction, InvalidInput, Problem
from microgrid.kept import AuditRow, OutboxItem
from microgrid.ports import UnitOfWork
from microgrid.switching.inputs import tamper_subject
from microgrid.switching.service import Order, settle
from microgrid.switching.sites import MOST_SHED, GridOutage, Seal, SitePolicy, SiteState, overlaps, policy_faults

CHANGED, OUTAGE_OVER = "decide site", "outage over"  # kinds of outbox items
KINDS = (CHANGED, OUTAGE_OVER)
CLOCKS_DIFFER = timedelta(minutes=5)


def state_of(uow: UnitOfWork, site_id: str) -> SiteState:
    """Return how a site is run; InvalidInput when there is no such site."""
    need(uow.sites, site_id, "site")
    return uow.site_states.get(site_id) or SiteState(site_id)


def change_policy(
    uow: UnitOfWork, site_id: str, change: Callable[[SitePolicy], SitePolicy], now: datetime
) -> SiteState:
    """Change how careful a site is about cutting; refused whole when a number cannot be meant."""
    uow.sites.hold(site_id)
    state = state_of(uow, site_id)
    policy = change(state.policy)
    faults = policy_faults(policy)
    if faults:
        raise InvalidInput(*faults)
    return _changed(uow, replace(state, policy=policy), now)


def shed(uow: UnitOfWork, site_id: str, level: int, now: datetime) -> SiteState:
    """Let a site save energy by priority (1 to 3), or supply all again (0)."""
    if not 0 <= level <= MOST_SHED:
        what = f"there is no level {level} of saving energy"
        raise InvalidInput(Problem("MG-M040", what, fix=f"choose 0 (none) to {MOST_SHED} (all but critical homes)"))
    uow.sites.hold(site_id)
    return _changed(uow, replace(state_of(uow, site_id), shed_level=level), now)


def add_outage(uow: UnitOfWork, outage: GridOutage, now: datetime) -> GridOutage:
    """Write down an outage of a site or feeder, over or going on; the same again is a success."""
    uow.sites.hold(outage.site_id)
    need(uow.sites, outage.site_id, "site")
    known = uow.outages.get(outage.id)
    if known is None:
        _refuse_outage(uow, outage, now)
    begun = replace(outage, to_at=known.to_at) if known is not None and outage.to_at is None else outage
    add_once(uow.outages, begun, outage.id, "outage")
    if known is None and outage.to_at is not None:
        _over(uow, outage, now)
    return begun


def end_outage(uow: UnitOfWork, outage_id: str, to_at: datetime, now: datetime) -> GridOutage:
    """Write down when an outage ended; the same again is a success."""
    uow.sites.hold(need(uow.outages, outage_id, "outage").site_id)
    known = need(uow.outages, outage_id, "outage")
    ended = replace(known, to_at=to_at)
    if known == ended:
        return known
    if known.to_at is not None:
        raise Contradiction(contradiction("MG-A002", "outage", outage_id, known, ended))
    _refuse_times(ended, now)
    uow.outages.put(ended)
    _over(uow, ended, now)
    return ended


def tell_seal(uow: UnitOfWork, meter_id: str, seal: Seal, now: datetime, actor: str, note: str) -> Sequence[str]:
    """Write down that a meter was opened or bypassed, or is right again; return the accounts that it supplies."""
    need(uow.meters, meter_id, "meter")
    subject = tamper_subject(meter_id)
    number = len(uow.audit.where(subject=subject)) + 1
    uow.audit.add(AuditRow(f"{subject}:{number:06}", now, actor, seal, subject, note))
    fits = fitted(uow.fits.where(meter_id=meter_id))
    connections = uow.connections.get_all(fit.connection_id for fit in fits)
    return sorted({connection.account_id for connection in connections.values()})


def attend(uow: UnitOfWork, item: OutboxItem, now: datetime, limit: int) -> Sequence[Order] | None:
    """Do for the next accounts of a site what a change or an outage means for them, or nothing: it is done.

    The note is held and looked at again: two who attend to it at once do each account once.
    """
    held = uow.outbox.hold(item.id)
    if held is None or held.done_at is not None:
        return None
    outage = uow.outages.get(held.to) if held.kind == OUTAGE_OVER else None
    site_id = held.to if outage is None else outage.site_id
    accounts = [account.id for account in uow.accounts.page(held.body, limit, site_id=site_id)]
    if outage is not None:
        give_time_back(uow, outage, accounts)
    orders = settle(uow, accounts, now)
    is_last = len(accounts) < limit
    uow.outbox.put(replace(held, done_at=now) if is_last else replace(held, body=accounts[-1]))
    return orders


# Inside ---------------------------------------------------------------------------------------------------------------


def _changed(uow: UnitOfWork, state: SiteState, now: datetime) -> SiteState:
    uow.site_states.put(state)
    uow.outbox.put(OutboxItem(f"decide:{state.id}", CHANGED, state.id, "", now, now))
    return state


def _over(uow: UnitOfWork, outage: GridOutage, now: datetime) -> None:
    """Remember when a site had supply again, and plan to give its homes their time back."""
    state = state_of(uow, outage.site_id)
    assert outage.to_at is not None
    if not outage.feeder_id and (state.outage_ended_at is None or state.outage_ended_at < outage.to_at):
        uow.site_states.put(replace(state, outage_ended_at=outage.to_at))
    uow.outbox.put(OutboxItem(f"outage:{outage.id}", OUTAGE_OVER, outage.id, "", now, now))


def _refuse_outage(uow: UnitOfWork, outage: GridOutage, now: datetime) -> None:
    _refuse_times(outage, now)
    if outage.feeder_id:
        feeder = need(uow.feeders, outage.feeder_id, "feeder")
        if feeder.site_id != outage.site_id:
            what = f"feeder '{feeder.id}' is at site '{feeder.site_id}', not at '{outage.site_id}'"
            raise InvalidInput(Problem("MG-M041", what, fix="name a feeder of that site, or none for all of it"))
    crossing = [other for other in uow.outages.where(site_id=outage.site_id) if overlaps(outage, other)]
    if crossing:
        one = crossing[0]
        until = "goes on" if one.to_at is None else f"lasted until {one.to_at.isoformat()}"
        what = f"outage '{one.id}' began at {one.from_at.isoformat()} and {until}, so '{outage.id}' crosses it"
        why = "time is given back once"
        raise InvalidInput(Problem("MG-M042", what, why, "end that one, or let this one begin after it"))


def _refuse_times(outage: GridOutage, now: datetime) -> None:
    ends_early = outage.to_at is not None and outage.to_at <= outage.from_at
    if ends_early or max(outage.from_at, outage.to_at or outage.from_at) > now + CLOCKS_DIFFER:
        until = "" if outage.to_at is None else f" until {outage.to_at.isoformat()}"
        what = f"outage '{outage.id}' cannot last from {outage.from_at.isoformat()}{until}"
        raise InvalidInput(Problem("MG-M041", what, fix="write down what has happened: it ends after it begins"))
