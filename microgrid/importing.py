"""Bringing in many customers at once: all lines of a file, or none of them, with every refused line and its reason."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, cast

from microgrid.billing import asides, charging, enrolling
from microgrid.customers import fits, households, people
from microgrid.customers import service as customers
from microgrid.customers.households import Household
from microgrid.customers.records import Account, Connection, Customer, Enrolment, Fit, Meter
from microgrid.errors import MicrogridError, Problem
from microgrid.flows import send
from microgrid.ports import Core, UnitOfWork, transact
from microgrid.switching import service as switching
from microgrid.switching.service import Order


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a file: its number and its cells by the name of their column."""

    number: int
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a file: how many lines brought something new, how many were known, and what was refused."""

    new: int
    known: int
    refused: Sequence[Problem]
    written: bool


class _Undone(Exception):  # noqa: N818 - nobody made a mistake: it was only tried, or some line was refused
    def __init__(self, result: Imported) -> None:
        super().__init__()
        self.result = result


def import_customers(core: Core, lines: Sequence[Line], file: str, actor: str, *, write: bool) -> Imported:
    """Add the customers, accounts, meters and plans of a file; nothing of it when a line is refused, or on trial.

    The same file again changes nothing.
    """
    now = core.clock.now()

    def flow(uow: UnitOfWork) -> tuple[Imported, Sequence[Order]]:
        new, refused = 0, list[Problem]()
        accounts = set[str]()
        for line in lines:
            found = _add_apart(uow, line, now, actor)
            if isinstance(found, MicrogridError):
                refused += [replace(problem, file=file, line=line.number) for problem in found.problems]
            elif found:
                new += 1
                accounts.add(line.cells["account_id"].strip())
        known = len(lines) - new - len({problem.line for problem in refused})
        if refused or not write:
            raise _Undone(Imported(new, known, tuple(refused), written=False))
        return Imported(new, known, (), written=True), switching.settle(uow, accounts, now)

    try:
        imported, orders = transact(core.store, flow)
    except _Undone as undone:
        return undone.result
    send(core, orders)
    return imported


def _add_apart(uow: UnitOfWork, line: Line, now: datetime, actor: str) -> bool | MicrogridError:
    """Add what a line says and return whether anything of it was new; a refusal undoes this line alone."""
    try:
        with uow.savepoint():
            site = customers.need(uow.sites, line.cells.get("site_id", "").strip(), "site")
            said, problems = households.read(line.cells, site)
            customers.refuse(problems)
            return any(list(_added(uow, said, now, actor)))  # every step, whatever the first one says
    except MicrogridError as error:
        return error


def _added(uow: UnitOfWork, said: Household, now: datetime, actor: str) -> Iterator[bool]:
    """Add the records of a household one after another; yield for each whether it is new."""
    yield _noted(uow, "customer", said.customer_id, uow.customers, now, actor)
    people.add_customer(uow, Customer(said.customer_id, said.name, said.phone, said.language), now)
    for number in said.other_phones:
        people.add_phone(uow, said.customer_id, number, now)
    yield _noted(uow, "account", said.account_id, uow.accounts, now, actor)
    account = customers.add_account(uow, _account(uow, said, now))
    yield _noted(uow, "connection", said.connection_id, uow.connections, now, actor)
    customers.add_connection(uow, _connection(said))
    if said.meter_id:
        yield _noted(uow, "meter", said.meter_id, uow.meters, now, actor)
        customers.add_meter(uow, Meter(said.meter_id, cast(Any, said.meter_profile), said.rated_w))
        yield _fit(uow, said, account, now, actor)
    if said.plan_id:
        yield _enrol(uow, said, account, now, actor)


def _noted(uow: UnitOfWork, noun: str, key: str, table: Any, now: datetime, actor: str) -> bool:
    """Write down who adds a record, and return whether it is new."""
    if table.get(key) is not None:
        return False
    customers.note(uow, f"{noun}:{key}:add", now, actor, f"add {noun}", f"{noun}:{key}", "imported")
    return True


def _account(uow: UnitOfWork, said: Household, now: datetime) -> Account:
    known = uow.accounts.get(said.account_id)
    otherwise = now if known is None else known.opened_at
    return Account(said.account_id, said.customer_id, said.site_id, said.opened_at or otherwise)


def _connection(said: Household) -> Connection:
    return Connection(
        said.connection_id,
        said.account_id,
        said.site_id,
        cast(Any, said.priority),
        phase=said.phase,
        feeder_id=said.feeder_id,
        tier=said.tier,
        customer_class=cast(Any, said.customer_class),
        latitude_microdeg=said.latitude_microdeg,
        longitude_microdeg=said.longitude_microdeg,
        connected_on=said.connected_on,
    )


def _fit(uow: UnitOfWork, said: Household, account: Account, now: datetime, actor: str) -> bool:
    """Fit the meter where the line says, unless it hangs there already."""
    here = uow.fits.where(connection_id=said.connection_id, meter_id=said.meter_id)
    if here:
        return False
    epoch = max((fit.epoch for fit in uow.fits.where(meter_id=said.meter_id)), default=0) + 1
    fitted_at = said.fitted_at or account.opened_at
    fit = Fit(f"{said.meter_id}:{epoch}", said.meter_id, said.connection_id, epoch, fitted_at, said.first_register_wh)
    uow.meters.hold(said.meter_id)
    with charging.rewriting(uow, account.id):
        fits.fit_meter(uow, fit, now)
        asides.examine(uow, fit, now)
    customers.note(uow, f"fit:{fit.id}", now, actor, "fit meter", f"meter:{fit.meter_id}", "imported")
    return True


def _enrol(uow: UnitOfWork, said: Household, account: Account, now: datetime, actor: str) -> bool:
    """Charge the account by the plan, unless it was enrolled in it before."""
    before = uow.enrolments.where(account_id=account.id)
    if any(one.plan_id == said.plan_id for one in before):
        return False
    from_at = said.enrolled_at or (now if before else account.opened_at)
    key = f"{account.id}:{said.plan_id}"
    enrolling.enrol(uow, Enrolment(key, account.id, said.plan_id, from_at), now, actor)
    return True
