"""What people do with the service, one function each: add records, correct payments, fit meters, order supply.

Each writes down who did it, opens one transaction, and sends what it decided after the commit, as every flow does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from microgrid import tariffs
from microgrid.billing import asides, charging, corrections, enrolling
from microgrid.billing import service as billing
from microgrid.billing.plans import PlanVersion
from microgrid.billing.service import Receipt
from microgrid.customers import fits, people
from microgrid.customers import service as customers
from microgrid.customers.records import Account, Connection, Customer, Enrolment, Feeder, Fit, Meter, Site
from microgrid.errors import InvalidInput, Problem
from microgrid.flows import send
from microgrid.ports import Core, UnitOfWork, transact
from microgrid.switching import service as switching
from microgrid.switching import token_sales
from microgrid.switching.service import Order

Result = TypeVar("Result")


def add_site(core: Core, site: Site, actor: str) -> Site:
    """Add a village or branch; its currency, exponent and zone never change."""

    def add(uow: UnitOfWork) -> Site:
        customers.add_once(uow.sites, site, site.id, "site")
        charging.plan_posting(uow, site, core.clock.now())
        return site

    return _add(core, "site", site.id, actor, add)


def add_customer(core: Core, customer: Customer, actor: str) -> Customer:
    """Add a person or business that pays."""
    now = core.clock.now()
    return _add(core, "customer", customer.id, actor, lambda uow: people.add_customer(uow, customer, now))


def add_feeder(core: Core, feeder: Feeder, actor: str) -> Feeder:
    """Add a line from the powerhouse of a village."""
    return _add(core, "feeder", feeder.id, actor, lambda uow: customers.add_feeder(uow, feeder))


def add_account(core: Core, account: Account, actor: str) -> Account:
    """Add what a customer pays into."""
    return _add(core, "account", account.id, actor, lambda uow: customers.add_account(uow, account))


def add_connection(core: Core, connection: Connection, actor: str) -> Connection:
    """Add a place where supply is delivered."""
    return _add(core, "connection", connection.id, actor, lambda uow: customers.add_connection(uow, connection))


def add_meter(core: Core, meter: Meter, actor: str) -> Meter:
    """Add a meter."""

    def add(uow: UnitOfWork) -> Meter:
        added = customers.add_meter(uow, meter)
        if added.profile == "T":
            uow.twins.put(replace(uow.twins.get(meter.id), token_only=True))
        return added

    return _add(core, "meter", meter.id, actor, add)


def fit_meter(core: Core, fit: Fit, actor: str) -> Fit:
    """Fit a meter to a connection; what it measured there before we knew is charged now."""

    def act(uow: UnitOfWork, now: datetime) -> Sequence[str]:
        account_id = customers.need(uow.connections, fit.connection_id, "connection").account_id
        with charging.rewriting(uow, account_id):
            _fit(uow, fit, now, actor)
        return (account_id,)

    _operate(core, act)
    return fit


def remove_meter(core: Core, fit_id: str, removed_at: datetime, last_register_wh: int, actor: str) -> Fit:
    """Take a meter off its connection with its last register, charging to the last Wh."""

    def act(uow: UnitOfWork, now: datetime) -> Sequence[str]:
        fit = customers.need(uow.fits, fit_id, "fit")
        account_id = customers.need(uow.connections, fit.connection_id, "connection").account_id
        with charging.rewriting(uow, account_id):
            _take_off(uow, fit, removed_at, last_register_wh, now, actor)
        return (account_id,)

    _operate(core, act)
    with core.store.read() as uow:
        return customers.need(uow.fits, fit_id, "fit")


def swap_meter(core: Core, fit_id: str, last_register_wh: int, follows: Fit, actor: str) -> Fit:
    """Replace a meter by another one at its place, in one step: the last register of the old, the first of the new."""

    def act(uow: UnitOfWork, now: datetime) -> Sequence[str]:
        fit = customers.need(uow.fits, fit_id, "fit")
        if fit.connection_id != follows.connection_id:
            what = f"fit '{fit_id}' is at connection '{fit.connection_id}', not at '{follows.connection_id}'"
            raise InvalidInput(Problem("MG-M025", what, fix="name the fit of the meter that is replaced"))
        account_id = customers.need(uow.connections, fit.connection_id, "connection").account_id
        with charging.rewriting(uow, account_id):
            _take_off(uow, fit, follows.fitted_at, last_register_wh, now, actor)
            _fit(uow, follows, now, actor)
        return (account_id,)

    _operate(core, act)
    return follows


def add_plan(core: Core, plan: PlanVersion, actor: str) -> PlanVersion:
    """Add a version of a plan; one that accounts are charged by is changed by two people, see `tariffs`."""

    def add(uow: UnitOfWork) -> PlanVersion:
        tariffs.refuse_one_person(uow, plan)
        return charging.add_plan(uow, plan, core.clock.now())

    return _add(core, "plan", plan.id, actor, add)


def enrol(core: Core, enrolment: Enrolment, actor: str) -> Enrolment:
    """Charge an account by a plan from a moment on, and post the plan's connection fee once."""

    def act(uow: UnitOfWork, now: datetime) -> Sequence[str]:
        account_id = enrolment.account_id
        customers.need(uow.accounts, account_id, "account")
        enrolling.enrol(uow, enrolment, now, actor)
        return (account_id,)

    _operate(core, act)
    return enrolment


def move_payment(core: Core, payment_id: str, account_id: str, actor: str, note: str) -> Receipt:
    """Move the money of a payment to the account it was meant for."""
    return _correct(
        core, "move", payment_id, actor, note, lambda uow, now: billing.move(uow, payment_id, account_id, now, note)
    )


def move_back(core: Core, payment_id: str, actor: str, note: str) -> Receipt:
    """Move the money of a payment back to suspense, as if its account had never been found."""
    return _correct(
        core, "move back", payment_id, actor, note, lambda uow, now: corrections.move_back(uow, payment_id, now, note)
    )


def reverse_payment(core: Core, payment_id: str, actor: str, note: str) -> Receipt:
    """Book that a payment went back to its payer; who has used the money is in debt."""

    def back(uow: UnitOfWork, now: datetime) -> Receipt:
        payment = uow.payments.hold(payment_id)
        if payment is None:
            raise InvalidInput(customers.unknown("payment", payment_id))
        return billing.reverse(uow, payment, now, note)

    return _correct(core, "reverse", payment_id, actor, note, back)


def order_supply(
    core: Core, connection_id: str, order: str, actor: str, note: str, power_limit_w: int | None = None
) -> None:
    """Order a connection `on` or `off` whatever its credit, `limit` its power, or leave it to its credit (`none`)."""

    def act(uow: UnitOfWork, now: datetime) -> Sequence[str]:
        connection = customers.need(uow.connections, connection_id, "connection")
        switching.order(uow, connection_id, order, now, actor, note, power_limit_w)
        return (connection.account_id,)

    _operate(core, act)


# Inside ---------------------------------------------------------------------------------------------------------------


def _add(core: Core, noun: str, key: str, actor: str, add: Callable[[UnitOfWork], Result]) -> Result:
    """Add one record and write down who did."""
    now = core.clock.now()

    def flow(uow: UnitOfWork) -> Result:
        added = add(uow)
        customers.note(uow, f"{noun}:{key}:add", now, actor, f"add {noun}", f"{noun}:{key}")
        return added

    return transact(core.store, flow)


def _fit(uow: UnitOfWork, fit: Fit, now: datetime, actor: str) -> None:
    """Fit a meter, and look at what it said before we knew where it is."""
    uow.meters.hold(fit.meter_id)  # rows of this meter that come in meanwhile wait until it is fitted
    fits.fit_meter(uow, fit, now)
    asides.examine(uow, fit, now)
    customers.note(uow, f"fit:{fit.id}", now, actor, "fit meter", f"meter:{fit.meter_id}")


def _take_off(uow: UnitOfWork, fit: Fit, at: datetime, last_register_wh: int, now: datetime, actor: str) -> None:
    fits.remove_meter(uow, fit.id, at, last_register_wh, now)
    customers.note(uow, f"remove:{fit.id}", now, actor, "remove meter", f"meter:{fit.meter_id}")


def _operate(core: Core, act: Callable[[UnitOfWork, datetime], Sequence[str]]) -> None:
    """Do what a person asked for, then decide supply for the accounts it concerns."""
    now = core.clock.now()
    orders = transact(core.store, lambda uow: switching.settle(uow, act(uow, now), now))
    send(core, orders)


def _correct(
    core: Core, action: str, payment_id: str, actor: str, note: str, act: Callable[[UnitOfWork, datetime], Receipt]
) -> Receipt:
    """Correct a payment, write down who did and why, and decide supply for both accounts."""
    now = core.clock.now()

    def flow(uow: UnitOfWork) -> tuple[Receipt, Sequence[Order]]:
        receipt = act(uow, now)
        if receipt.is_new:
            subject = f"payment:{payment_id}"
            key = f"{subject}:{len(uow.audit.where(subject=subject)) + 1}"
            customers.note(uow, key, now, actor, action, subject, note)
        token_sales.give(uow, core.keys, receipt, now)
        return receipt, switching.settle(uow, receipt.touched, now)

    receipt, orders = transact(core.store, flow)
    send(core, orders)
    return receipt
