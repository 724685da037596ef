"""Who is who, on an open transaction: adding records once, and finding the account a payment is meant for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar

from microgrid.customers.records import Account, Connection, Enrolment, Fit, Meter
from microgrid.customers.references import canonical, is_typeable, near_misses, same_meaning
from microgrid.errors import AlreadyThere, Contradiction, InvalidInput, Problem
from microgrid.ports import AuditRow, Table, UnitOfWork

Row = TypeVar("Row")
SUGGESTED = 5  # a longer list is not read


@dataclass(frozen=True, slots=True)
class Match:
    """The account a reference means for certain, or those it may mean."""

    account_id: str | None
    suggestions: tuple[str, ...] = ()


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
    problems = [] if is_typeable(account.id) else [_untypeable("account", account.id)]
    problems += _absent((uow.customers, "customer", account.customer_id), (uow.sites, "site", account.site_id))
    _refuse(problems)
    return add_once(uow.accounts, account, account.id, "account")


def add_connection(uow: UnitOfWork, connection: Connection) -> Connection:
    """Add a place that is supplied and paid from one account, at the account's own site."""
    _refuse(_absent((uow.accounts, "account", connection.account_id), (uow.sites, "site", connection.site_id)))
    account = need(uow.accounts, connection.account_id, "account")
    if account.site_id != connection.site_id:
        what = f"connection '{connection.id}' is at site '{connection.site_id}', its account at '{account.site_id}'"
        raise InvalidInput(Problem("MG-A012", what, fix="open an account at that site; no account has two currencies"))
    return add_once(uow.connections, connection, connection.id, "connection")


def add_meter(uow: UnitOfWork, meter: Meter) -> Meter:
    """Add a meter."""
    _refuse([] if is_typeable(meter.id) else [_untypeable("meter", meter.id)])
    return add_once(uow.meters, meter, meter.id, "meter")


def fit_meter(uow: UnitOfWork, fit: Fit) -> Fit:
    """Fit a meter to a connection from a register reading on; what was fitted there before must be taken off."""
    _refuse(_absent((uow.meters, "meter", fit.meter_id), (uow.connections, "connection", fit.connection_id)))
    if uow.fits.get(fit.id) is None:
        _refuse_crossing(uow, fit)
    return add_once(uow.fits, fit, fit.id, "fit")


def remove_meter(uow: UnitOfWork, fit_id: str, removed_at: datetime, last_register_wh: int) -> Fit:
    """Take a meter off its connection with its last register; the same again is a success."""
    fit = need(uow.fits, fit_id, "fit")
    removed = replace(fit, removed_at=removed_at, last_register_wh=last_register_wh)
    if fit.removed_at is not None and fit != removed:
        raise Contradiction(contradiction("MG-A002", "fit", fit_id, fit, removed))
    if removed_at < fit.fitted_at or last_register_wh < fit.first_register_wh:
        what = f"fit '{fit_id}' cannot end at {last_register_wh} Wh on {removed_at.isoformat()}, before it began"
        raise InvalidInput(Problem("MG-M010", what, fix="read the register and the date again"))
    uow.fits.put(removed)
    return removed


def add_enrolment(uow: UnitOfWork, enrolment: Enrolment) -> Enrolment:
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
    return add_once(uow.enrolments, enrolment, enrolment.id, "enrolment")


def fitted(fits: Iterable[Fit]) -> Sequence[Fit]:
    """Return the fits that have not ended."""
    return [fit for fit in fits if fit.removed_at is None]


def find_account(
    uow: UnitOfWork, reference: str, reference_phone: str = "", payer: str = "", payer_kind: str = "none"
) -> Match:
    """Return the account a payment is meant for, or those it may be meant for; never a guess.

    A reference is an account, a meter or a phone number. The payer's own number, or its hash, only suggests: people pay
    for their neighbours.
    """
    plain = canonical(reference)
    exact = _accounts_named(uow, {plain}) if plain else set()
    meant = exact or _accounts_named(uow, same_meaning(reference)) or _accounts_of_phone(uow, reference_phone)
    if len(meant) == 1:
        return Match(next(iter(meant)))
    return Match(None, _suggested(uow, meant, reference, payer, payer_kind))


def _suggested(uow: UnitOfWork, meant: set[str], reference: str, payer: str, payer_kind: str) -> tuple[str, ...]:
    """Return the accounts a payment may be meant for, the likeliest first."""
    known = set[str]()
    if payer and payer_kind in ("e164", "hashed"):  # a masked number fits thousands of people
        known = {row.account_id for row in uow.payments.where(payer=payer) if row.account_id}
    if payer_kind == "e164":
        known |= _accounts_of_phone(uow, payer)
    near = _accounts_named(uow, near_misses(reference))
    ordered = dict.fromkeys([*sorted(meant), *sorted(near & known), *sorted(near), *sorted(known)])
    return tuple(ordered)[:SUGGESTED]


def _accounts_named(uow: UnitOfWork, names: Iterable[str]) -> set[str]:
    asked = set(names)
    if not asked:
        return set()
    found = set(uow.accounts.get_all(asked))
    meters = uow.meters.get_all(asked)
    if meters:
        fits = fitted(uow.fits.where_in("meter_id", meters))
        connections = uow.connections.get_all({fit.connection_id for fit in fits})
        found |= {connection.account_id for connection in connections.values()}
    return found


def _accounts_of_phone(uow: UnitOfWork, phone: str) -> set[str]:
    if not phone:
        return set()
    owners = [customer.id for customer in uow.customers.where(phone=phone)]
    return {account.id for account in uow.accounts.where_in("customer_id", owners) if account.closed_at is None}


def _refuse_crossing(uow: UnitOfWork, fit: Fit) -> None:
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
    _refuse(problems[:1])


def _absent(*named: tuple[Table[Any], str, str]) -> list[Problem]:
    return [unknown(noun, key) for table, noun, key in named if table.get(key) is None]


def _untypeable(noun: str, name: str) -> Problem:
    what = f"the {noun} id {name[:60]!r} cannot be typed on every phone"
    return Problem("MG-A003", what, fix="use at most 24 capitals, digits and hyphens, such as K-104")


def _refuse(problems: Sequence[Problem]) -> None:
    if problems:
        raise InvalidInput(*problems)


def _fields(row: object) -> Sequence[str]:
    return tuple(getattr(type(row), "__dataclass_fields__", ()))


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _told(content: dict[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in content.items())
