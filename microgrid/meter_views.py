"""Meters as people look at them: how far each is with what was asked, where it is, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from microgrid.customers.reach import EVERYTHING, Reach, within
from microgrid.customers.records import Fit, Meter, Site
from microgrid.customers.service import fitted, need
from microgrid.ports import Core, UnitOfWork
from microgrid.switching.device_models import expected_contacts
from microgrid.switching.meter_records import Contact
from microgrid.switching.progress import Known, Progress, heard, is_silent, progress
from microgrid.switching.service import explain
from microgrid.switching.supply import Desired, Reported, Twin
from microgrid.views import Page, paged

CLOCK_OFF_S = 300


@dataclass(frozen=True, slots=True)
class MeterLine:
    """One meter in a list."""

    meter_id: str
    profile: str
    model_id: str
    connection_id: str | None
    site_id: str | None
    wanted: str  # ON, OFF, or nothing
    progress: Progress
    silent: bool  # for longer than its model allows


@dataclass(frozen=True, slots=True)
class MeterView:
    """Everything an operator needs to know of a meter."""

    line: MeterLine
    why: str
    desired: Desired | None
    reported: Reported | None
    contact: Contact | None
    keys: str  # none, issued, a fresh one waits, or ended
    claimed_by: str
    expected_contact_s: int | None
    doubts: Sequence[str]  # what a person should look at
    site: Site | None


def meters(core: Core, after: str, limit: int, site_id: str = "", reach: Reach = EVERYTHING) -> Page:
    """Return the next meters by id after one; of a site, the next of those fitted there, by their connections."""
    now = core.clock.now()
    with core.store.read() as uow:
        if site_id:
            need(uow.sites, site_id, "site")
            places = uow.connections.page(after, limit + 1, site_id=site_id)
            found = paged(places, limit)
            here = fitted(uow.fits.where_in("connection_id", [place.id for place in found.items]))
            rows = list(uow.meters.get_all({fit.meter_id for fit in here}).values())
        else:
            found = paged(uow.meters.page(after, limit + 1), limit)
            rows = list(found.items)
        shown = within(uow, reach, "meter", sorted(rows, key=lambda meter: meter.id))
        return Page(list(_lines(uow, shown, now)), found.next)


def meter(core: Core, meter_id: str) -> MeterView:
    """Return what is known of a meter; InvalidInput when there is none of this id."""
    now = core.clock.now()
    with core.store.read() as uow:
        found = need(uow.meters, meter_id, "meter")
        line = next(iter(_lines(uow, [found], now)))
        known, contact, claim = uow.twins.get(meter_id), uow.contacts.get(meter_id), uow.claims.get(meter_id)
        expected = expected_contacts(uow, [found])[meter_id]
        return MeterView(
            line,
            explain(uow, meter_id, now),
            known.desired,
            known.reported,
            contact,
            _keys(uow, meter_id),
            "" if claim is None else claim.claimed_by,
            None if expected is None else int(expected.total_seconds()),
            list(_doubts(uow, line, contact)),
            None if line.site_id is None else uow.sites.get(line.site_id),
        )


def progress_of(core: Core, meter_id: str) -> Progress:
    """Return how far a meter is with its newest order."""
    with core.store.read() as uow:
        return progress(_known(uow, [meter_id])[meter_id], core.clock.now())


def twin(core: Core, meter_id: str) -> Twin:
    """Return our picture of a meter."""
    with core.store.read() as uow:
        return uow.twins.get(meter_id)


def without_keys(core: Core, site_id: str, batch: int = 500) -> Sequence[Meter]:
    """Return the meters fitted at a site that speak and have no keys yet."""
    found: list[Meter] = []
    after = ""
    while True:
        with core.store.read() as uow:
            need(uow.sites, site_id, "site")
            places = uow.connections.page(after, batch, site_id=site_id)
            here = {fit.meter_id for fit in fitted(uow.fits.where_in("connection_id", [one.id for one in places]))}
            keyed = uow.meter_keys.get_all(here)
            found += [one for one in uow.meters.get_all(here - set(keyed)).values() if one.profile != "T"]
        if len(places) < batch:
            return sorted(found, key=lambda one: one.id)
        after = places[-1].id


def not_shown(core: Core, site_id: str) -> Sequence[str]:
    """Return the meters of a site whose secrets nobody has taken yet."""
    with core.store.read() as uow:
        need(uow.sites, site_id, "site")
        users = uow.broker_users.where(site_id=site_id)
    return [one.id for one in users if one.kind == "meter" and one.shown_at is None and one.revoked_at is None]


def events(core: Core, meter_id: str, after: str, limit: int) -> Page:
    """Return what a meter told of itself, by the ids of its events."""
    with core.store.read() as uow:
        need(uow.meters, meter_id, "meter")
        return paged(uow.meter_events.page(after, limit + 1, meter_id=meter_id), limit)


def models(core: Core, after: str, limit: int) -> Page:
    """Return device models by id."""
    with core.store.read() as uow:
        return paged(uow.device_models.page(after, limit + 1), limit)


def _lines(uow: UnitOfWork, rows: Sequence[Meter], now: datetime) -> Iterator[MeterLine]:
    ids = [row.id for row in rows]
    known, fits = _known(uow, ids), _fits(uow, ids)
    places = uow.connections.get_all({fit.connection_id for fit in fits.values()})
    expected = expected_contacts(uow, rows)
    for row in rows:
        fit, desired = fits.get(row.id), known[row.id].twin.desired
        place = None if fit is None else places.get(fit.connection_id)
        yield MeterLine(
            row.id,
            row.profile,
            row.model_id,
            None if fit is None else fit.connection_id,
            None if place is None else place.site_id,
            "" if desired is None else "ON" if desired.supply.on else "OFF",
            progress(known[row.id], now),
            is_silent(heard(known[row.id]), expected[row.id], now),
        )


def _known(uow: UnitOfWork, meter_ids: Sequence[str]) -> Mapping[str, Known]:
    twins = uow.twins.get_all(meter_ids)
    asked = {key: f"{key}:{one.desired.revision}" for key, one in twins.items() if one.desired is not None}
    decisions = uow.decisions.get_all(asked.values())
    sendings, contacts = uow.sendings.get_all(meter_ids), uow.contacts.get_all(meter_ids)
    return {
        key: Known(one, decisions.get(asked.get(key, "")), sendings.get(key), contacts.get(key))
        for key, one in twins.items()
    }


def _fits(uow: UnitOfWork, meter_ids: Iterable[str]) -> Mapping[str, Fit]:
    return {fit.meter_id: fit for fit in fitted(uow.fits.where_in("meter_id", meter_ids))}


def _keys(uow: UnitOfWork, meter_id: str) -> str:
    row = uow.meter_keys.get(meter_id)
    if row is None:
        return "none"
    if row.revoked_at is not None:
        return "ended"
    return "a fresh one waits" if row.awaits_fresh else "issued"


def _doubts(uow: UnitOfWork, line: MeterLine, contact: Contact | None) -> Iterator[str]:
    if line.progress.state == "disagrees":
        yield f"the meter {line.progress.said}"
    if line.silent and line.progress.heard_at is not None:
        yield f"nothing was heard of it since {line.progress.heard_at:%Y-%m-%d %H:%M} UTC"
    if contact is not None and contact.clock_off_s > CLOCK_OFF_S:
        yield f"its clock is {contact.clock_off_s} s off"
    alarms = uow.alarms.where(subject=f"meter:{line.meter_id}")
    yield from (alarm.what for alarm in alarms if alarm.settled_at is None)
