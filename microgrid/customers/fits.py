"""Meters at their places, on an open transaction: fitted from a register on, and taken off with the last one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from microgrid.customers.records import Fit
from microgrid.customers.service import absent, add_once, begins_too_early, contradiction, fitted, need, refuse
from microgrid.errors import Contradiction, InvalidInput, Problem
from microgrid.monitoring.readings import POWER_MAX_W, Reading, step_fault
from microgrid.ports import UnitOfWork

CLOCKS_DIFFER = timedelta(minutes=5)  # of two people's machines
END_OF_TIME = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Register:
    """What a person read on a meter."""

    at: datetime
    register_wh: int


def fit_meter(uow: UnitOfWork, fit: Fit, now: datetime) -> Fit:
    """Fit a meter to a connection from a register reading on; what was fitted there before must be taken off."""
    refuse(absent((uow.meters, "meter", fit.meter_id), (uow.connections, "connection", fit.connection_id)))
    if uow.fits.get(fit.id) is None:
        refuse([*_crossing(uow, fit)[:1], *_untimely(uow, fit, now)])
    return add_once(uow.fits, fit, fit.id, "fit")


def remove_meter(uow: UnitOfWork, fit_id: str, removed_at: datetime, last_register_wh: int, now: datetime) -> Fit:
    """Take a meter off its connection with its last register; the same again is a success."""
    fit = need(uow.fits, fit_id, "fit")
    removed = replace(fit, removed_at=removed_at, last_register_wh=last_register_wh)
    if fit.removed_at is not None:
        if fit != removed:
            raise Contradiction(contradiction("MG-A002", "fit", fit_id, fit, removed))
        return fit
    if removed_at < fit.fitted_at or last_register_wh < fit.first_register_wh:
        what = f"fit '{fit_id}' cannot end at {last_register_wh} Wh on {removed_at.isoformat()}, before it began"
        raise InvalidInput(Problem("MG-M010", what, fix="read the register and the date again"))
    refuse([*_future(f"fit '{fit_id}' would end", removed_at, now), *_unlike_readings(uow, removed, now)])
    uow.fits.put(removed)
    return removed


def first_register(fit: Fit) -> Register:
    """Return what the meter showed when it was fitted."""
    return Register(fit.fitted_at, fit.first_register_wh)


def last_register(fit: Fit) -> Register | None:
    """Return what the meter showed when it was taken off, if it was."""
    if fit.removed_at is None or fit.last_register_wh is None:
        return None
    return Register(fit.removed_at, fit.last_register_wh)


def power_max_w(uow: UnitOfWork, meter_id: str) -> int:
    """Return what a meter can measure at most."""
    meter = uow.meters.get(meter_id)
    return POWER_MAX_W if meter is None or meter.rated_w is None else meter.rated_w


def _unlike_readings(uow: UnitOfWork, removed: Fit, now: datetime) -> list[Problem]:
    """Return why a last register does not follow what the meter itself said."""
    end, begin = last_register(removed), first_register(removed)
    assert end is not None
    beyond = Reading(removed.meter_id, removed.epoch, 2**62, END_OF_TIME, 0)
    last, _ = uow.readings.neighbours(beyond)
    if last is None or last.at < removed.fitted_at:
        fault = step_fault(begin, end, power_max_w(uow, removed.meter_id))
        return [] if fault is None else [_cannot_follow(removed, fault[1])]
    said = f"reading '{last.id}' shows {last.register_wh} Wh at {last.at.isoformat()}"
    given = f"{end.register_wh} Wh at {end.at.isoformat()}"
    if end.register_wh < last.register_wh or end.at < last.at <= now:  # a clock that is ahead does not keep it there
        return [_cannot_follow(removed, f"{given} was given, but {said}")]
    fault = step_fault(last, end, power_max_w(uow, removed.meter_id)) if last.at <= end.at else None
    return [] if fault is None else [_cannot_follow(removed, f"{given} was given, but {said}; {fault[1]}")]


def _cannot_follow(fit: Fit, why: str) -> Problem:
    fix = "read the register and the date again; if the reading is wrong, set it aside"
    return Problem("MG-M023", f"fit '{fit.id}' cannot end so: {why}", fix=fix)


def _future(what: str, at: datetime, now: datetime) -> list[Problem]:
    if at <= now + CLOCKS_DIFFER:
        return []
    said = f"{what} at {at.isoformat()}, and it is {now.isoformat(timespec='seconds')}"
    return [Problem("MG-M022", said, fix="give the moment when it was done")]


def _untimely(uow: UnitOfWork, fit: Fit, now: datetime) -> list[Problem]:
    connection = need(uow.connections, fit.connection_id, "connection")
    account = need(uow.accounts, connection.account_id, "account")
    site = need(uow.sites, account.site_id, "site")
    early = begins_too_early(f"fit '{fit.id}'", fit.fitted_at, account, site, now)
    return [*_future(f"fit '{fit.id}' would begin", fit.fitted_at, now), *early]


def _crossing(uow: UnitOfWork, fit: Fit) -> Sequence[Problem]:
    """Return what hangs in the way of a fit."""
    problems = []
    on_meter = uow.fits.where(meter_id=fit.meter_id)
    for other in fitted([*on_meter, *uow.fits.where(connection_id=fit.connection_id)]):
        thing = f"meter '{fit.meter_id}'" if other.meter_id == fit.meter_id else f"connection '{fit.connection_id}'"
        what = f"{thing} has the fit '{other.id}' still"
        problems.append(Problem("MG-M010", what, fix="take the meter off first, with its last register"))
    for other in on_meter:
        if other.epoch >= fit.epoch:
            what = f"meter '{fit.meter_id}' has had epoch {other.epoch} already, so {fit.epoch} is no new one"
            problems.append(Problem("MG-M010", what, fix=f"use epoch {other.epoch + 1} or higher"))
    return problems
