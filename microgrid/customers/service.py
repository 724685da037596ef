"""Who is who, on an open transaction: adding records once, each fitting what is there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from microgrid.customers.records import Account, Connection, Enrolment, Feeder, Fit, Meter, Site
from microgrid.customers.references import is_typeable, reads_as_phone, spelling
from microgrid.errors import AlreadyThere, Contradiction, InvalidInput, Problem
from microgrid.kept import AuditRow
from microgrid.ports import Table, UnitOfWork

Row = TypeVar("Row")
ZONE_SLIP = timedelta(days=1)  # what a day without its zone may be off


def add_once(table: Table[Row], row: Row, key: str, noun: str) -> Row:
    """Add a record; the same again is a success, another of the same id is refused with both shown."""
    try:
        table.add(row)
    except AlreadyThere:
        known = table.get(key)
        if known != row:
            raise Contradiction(contradiction("MG-A002", noun, key, known, row)) from None
    return row


def contradiction(code: str, noun: str, key: str, known: object, given: object) -> Problem:
    """Return the problem of two contents under one id, both shown by what differs."""
    names = [name for name in _fields(known) if getattr(known, name) != getattr(given, name)]
    stored, arrived = ({name: _plain(getattr(row, name)) for name in names} for row in (known, given))
    what = f"{noun} '{key}' is stored with {_told(stored)}, but {_told(arrived)} came"
    return Problem(code, what, why="one id names one thing for ever; nothing was written", fix="use another id")


def need(table: Table[Row], key: str, noun: str) -> Row:
    """Return a record that a request names; InvalidInput when there is none."""
    found = table.get(key)
    if found is None:
        raise InvalidInput(unknown(noun, key))
    return found


def unknown(noun: str, key: str) -> Problem:
    """Return the problem of a request that names what is not there."""
    return Problem("MG-A001", f"there is no {noun} '{key[:60]}'", fix=f"add the {noun} first, or correct its id")


def note(uow: UnitOfWork, key: str, at: datetime, actor: str, action: str, subject: str, detail: str = "") -> None:
    """Write down who did what to which thing; the key is the id of what was done, so that it is written once."""
    try:
        uow.audit.add(AuditRow(key, at, actor, action, subject, detail))
    except AlreadyThere:
        return  # the same request came twice


def add_account(uow: UnitOfWork, account: Account) -> Account:
    """Add an account that a customer of ours pays into at one site."""
    problems = [] if uow.accounts.get(account.id) is not None else _misnamed(uow, "account", account.id)
    problems += absent((uow.customers, "customer", account.customer_id), (uow.sites, "site", account.site_id))
    refuse(problems)
    return add_once(uow.accounts, account, account.id, "account")


def add_feeder(uow: UnitOfWork, feeder: Feeder) -> Feeder:
    """Add a line from the powerhouse of a village; a branch has no grid."""
    refuse(absent((uow.sites, "site", feeder.site_id)))
    if need(uow.sites, feeder.site_id, "site").kind == "branch":
        what = f"feeder '{feeder.id}' is to be at the branch '{feeder.site_id}', which has no grid"
        raise InvalidInput(Problem("MG-A024", what, fix="add a site of the kind grid for a village"))
    return add_once(uow.feeders, feeder, feeder.id, "feeder")


def add_connection(uow: UnitOfWork, connection: Connection) -> Connection:
    """Add a place that is supplied and paid from one account, at the account's own site and on a feeder of it."""
    refuse(absent((uow.accounts, "account", connection.account_id), (uow.sites, "site", connection.site_id)))
    account = need(uow.accounts, connection.account_id, "account")
    if account.site_id != connection.site_id:
        what = f"connection '{connection.id}' is at site '{connection.site_id}', its account at '{account.site_id}'"
        raise InvalidInput(Problem("MG-A012", what, fix="open an account at that site; no account has two currencies"))
    if connection.feeder_id is not None:
        feeder = need(uow.feeders, connection.feeder_id, "feeder")
        if feeder.site_id != connection.site_id:
            what = f"connection '{connection.id}' is at site '{connection.site_id}', its feeder at '{feeder.site_id}'"
            raise InvalidInput(Problem("MG-A024", what, fix="choose a feeder of its own site"))
    return add_once(uow.connections, connection, connection.id, "connection")


def add_meter(uow: UnitOfWork, meter: Meter) -> Meter:
    """Add a meter; one of a model can do what its model says."""
    if meter.model_id:
        meter = replace(meter, profile=need(uow.device_models, meter.model_id, "device model").profile)
    refuse([] if uow.meters.get(meter.id) is not None else _misnamed(uow, "meter", meter.id))
    return add_once(uow.meters, meter, meter.id, "meter")


def add_enrolment(uow: UnitOfWork, enrolment: Enrolment, now: datetime) -> Enrolment:
    """Charge an account by a plan from a moment on; the plan must be in the currency of the site."""
    account = need(uow.accounts, enrolment.account_id, "account")
    versions = uow.plans.where(plan_id=enrolment.plan_id)
    if not versions:
        raise InvalidInput(unknown("plan", enrolment.plan_id))
    site = need(uow.sites, account.site_id, "site")
    strange = next((version.currency for version in versions if version.currency != site.currency), None)
    if strange is not None:
        what = f"plan '{enrolment.plan_id}' is in {strange}, the site of account '{account.id}' in {site.currency}"
        raise InvalidInput(Problem("MG-A012", what, fix=f"choose a plan in {site.currency}"))
    if uow.enrolments.get(enrolment.id) is None:
        refuse(begins_too_early(f"enrolment '{enrolment.id}'", enrolment.from_at, account, site, now))
    return add_once(uow.enrolments, enrolment, enrolment.id, "enrolment")


def begins_too_early(thing: str, at: datetime, account: Account, site: Site, now: datetime) -> list[Problem]:
    """Return why something cannot begin at a moment: longer ago than the site allows, or before its account."""
    problems = []
    if at < now - timedelta(days=site.backdating_days_max):
        what = f"{thing} would begin at {at.isoformat()}, more than {site.backdating_days_max} days ago"
        why = f"site '{site.id}' allows {site.backdating_days_max} days (backdating_days_max)"
        problems.append(Problem("MG-A023", what, why, "let it begin later"))
    if at < account.opened_at - ZONE_SLIP:
        opened = f"account '{account.id}' was opened {account.opened_at.isoformat()}"
        what = f"{thing} would begin at {at.isoformat()}, {opened}"
        problems.append(Problem("MG-A023", what, fix="let it begin when the account was opened, or later"))
    return problems


def fitted(fits: Iterable[Fit]) -> Sequence[Fit]:
    """Return the fits that have not ended."""
    return [fit for fit in fits if fit.removed_at is None]


def absent(*named: tuple[Table[Any], str, str]) -> list[Problem]:
    """Return the problems of what a request names and what is not there."""
    return [unknown(noun, key) for table, noun, key in named if table.get(key) is None]


def refuse(problems: Sequence[Problem]) -> None:
    """Raise InvalidInput with every mistake of a request, if there is any."""
    if problems:
        raise InvalidInput(*problems)


def _misnamed(uow: UnitOfWork, noun: str, name: str) -> list[Problem]:
    """Return why a new account or meter cannot be called so: people type its name to pay for it alone."""
    if not is_typeable(name):
        what = f"the {noun} id {name[:60]!r} cannot be typed on every phone"
        return [Problem("MG-A003", what, fix="use at most 24 capitals, digits and hyphens, such as K-104")]
    problems = []
    if reads_as_phone(name):
        what = f"the {noun} id '{name}' reads as a telephone number"
        why = "a payment for whoever has that number would go there"
        problems.append(Problem("MG-A020", what, why, "put a letter before it, such as K-104"))
    spelt = spelling(name)
    same: list[Account | Meter] = [*uow.accounts.where(spelling=spelt), *uow.meters.where(spelling=spelt)]
    for other in same:
        what = f"the {noun} id '{name}' is too near to the {type(other).__name__.lower()} '{other.id}'"
        why = "with O for 0, I for 1 and without hyphens they are the same, and payments would go astray"
        problems.append(Problem("MG-A021", what, why, "choose an id that differs by more"))
    return problems


def _fields(row: object) -> Sequence[str]:
    return tuple(getattr(type(row), "__dataclass_fields__", ()))


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _told(content: dict[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in content.items())
