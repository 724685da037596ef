"""Everything that can happen, one function each. A newcomer reads here how money becomes light.

on_message   a provider calls us
on_payment   one sighting of one payment: booked once, credit raised, supply decided, meter told
on_readings  rows of meters: stored once, charged, supply decided where credit crossed a line
on_reported  a meter says what it does
on_tick      what is due by the clock: charges into the books, supply decided again and sent, messages sent

A flow opens the transaction; the services it calls never commit; sends follow the commit, and what is lost on the way
is sent again by the next tick, because the desired state itself is what waits to be sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

from microgrid.billing import charging
from microgrid.billing import service as billing
from microgrid.billing.payments import Payment
from microgrid.billing.plans import PlanVersion
from microgrid.billing.service import Receipt
from microgrid.billing.sightings import Asked, Heard, Seen, Unclear
from microgrid.billing.standing import stand
from microgrid.customers import service as customers
from microgrid.customers.records import Account, Connection, Customer, Enrolment, Fit, Meter, Site
from microgrid.errors import InvalidInput, MicrogridError
from microgrid.monitoring.readings import Reading
from microgrid.ports import Core, OutboxItem, RawEvent, UnitOfWork, transact
from microgrid.switching import service as switching
from microgrid.switching.service import Order
from microgrid.switching.supply import Reported, Twin

Result = TypeVar("Result")
BATCH = 500  # of what a tick does in one transaction
SMS_RETRY = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a provider's message; `may_pay` answers a question asked before a payment."""

    outcome: str
    may_pay: bool = True
    payment: Payment | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a batch of readings."""

    new: int
    known: int
    problems: tuple[str, ...] = ()


# Money ----------------------------------------------------------------------------------------------------------------


def on_message(core: Core, raw: RawEvent, hear: Callable[[], Heard]) -> Verdict:
    """Keep a provider's message and do what it says; whatever it is, it is kept with what became of it."""
    heard = hear()
    if isinstance(heard, Unclear):
        return keep_refused(core, raw, heard.reason)
    if isinstance(heard, Asked):
        return _on_asked(core, raw, heard)
    try:
        receipt = on_payment(core, heard, raw)
    except MicrogridError as error:
        return keep_refused(core, raw, "; ".join(problem.what for problem in error.problems))
    return Verdict(_outcome(receipt), payment=receipt.payment)


def on_payment(core: Core, seen: Seen, raw: RawEvent | None = None) -> Receipt:
    """Book one sighting of a payment: one posting per receipt, then credit, then supply, in one transaction.

    Raises Contradiction when the receipt is known with another amount or currency; nothing is written then.
    """
    now = core.clock.now()

    def flow(uow: UnitOfWork) -> tuple[Receipt, Sequence[Order]]:
        receipt = _book(uow, seen, raw, now)
        return receipt, switching.settle(uow, receipt.touched, now)

    receipt, orders = transact(core.store, flow)
    _send(core, orders)
    return receipt


def on_payments(core: Core, batch: Sequence[tuple[Seen, RawEvent | None]]) -> Sequence[Receipt | MicrogridError]:
    """Book many sightings with one commit: each as by `on_payment`, and one that is refused undoes no other.

    Returns for each what became of it, in the same order.
    """
    now = core.clock.now()

    def flow(uow: UnitOfWork) -> tuple[list[Receipt | MicrogridError], Sequence[Order]]:
        done = [_book_apart(uow, seen, raw, now) for seen, raw in batch]
        touched = {key for one in done if isinstance(one, Receipt) for key in one.touched}
        return done, switching.settle(uow, touched, now)

    done, orders = transact(core.store, flow)
    _send(core, orders)
    return done


def keep_refused(core: Core, raw: RawEvent, reason: str) -> Verdict:
    """Keep a message from which nothing was booked, with the reason."""
    transact(core.store, lambda uow: uow.raw_events.put(replace(raw, outcome=f"nothing booked: {reason}")))
    return Verdict(reason, may_pay=False)


def move_payment(core: Core, payment_id: str, account_id: str, actor: str, note: str) -> Receipt:
    """Move the money of a payment to the account it was meant for."""
    return _correct(
        core, "move", payment_id, actor, note, lambda uow, now: billing.move(uow, payment_id, account_id, now, note)
    )


def reverse_payment(core: Core, payment_id: str, actor: str, note: str) -> Receipt:
    """Book that a payment went back to its payer; who has used the money is in debt."""

    def back(uow: UnitOfWork, now: datetime) -> Receipt:
        payment = uow.payments.hold(payment_id)
        if payment is None:
            raise InvalidInput(customers.unknown("payment", payment_id))
        return billing.reverse(uow, payment, now, note)

    return _correct(core, "reverse", payment_id, actor, note, back)


# Measurement and switching --------------------------------------------------------------------------------------------


def on_readings(core: Core, readings: Sequence[Reading]) -> Taken:
    """Store rows of meters once each, charge what they show, and decide supply anew; in any order and any batches."""
    now = core.clock.now()

    def flow(uow: UnitOfWork) -> tuple[Taken, Sequence[Order]]:
        stored = charging.take_in(uow, readings, now)
        problems = tuple(problem.what for problem in stored.problems)
        taken = Taken(stored.new, len(readings) - stored.new - len(problems), problems)
        return taken, switching.settle(uow, stored.touched, now)

    taken, orders = transact(core.store, flow)
    _send(core, orders)
    return taken


def on_reported(core: Core, meter_id: str, reported: Reported) -> Twin:
    """Take in what a meter says about itself; a stale one is told again, one ahead of us is overtaken."""
    now = core.clock.now()

    def flow(uow: UnitOfWork) -> tuple[Twin, Sequence[Order]]:
        return switching.take_report(uow, meter_id, reported, now)

    twin, orders = transact(core.store, flow)
    _send(core, orders)
    return twin


def order_supply(core: Core, connection_id: str, order: str, actor: str, note: str) -> None:
    """Order a connection `on` or `off` whatever its credit, or leave it to its credit again (`none`)."""

    def act(uow: UnitOfWork, now: datetime) -> Sequence[str]:
        connection = customers.need(uow.connections, connection_id, "connection")
        switching.order(uow, connection_id, order, now, actor, note)
        return (connection.account_id,)

    _operate(core, act)


def on_tick(core: Core) -> None:
    """Do what is due by the clock, in small transactions; what fails is due again at the next tick."""
    now = core.clock.now()
    while transact(core.store, lambda uow: charging.post_due(uow, now, BATCH)):
        pass
    orders = transact(core.store, lambda uow: switching.look_again(uow, now, BATCH))
    _send(core, orders)
    _send_messages(core, now)


# Operator -------------------------------------------------------------------------------------------------------------


def add_site(core: Core, site: Site, actor: str) -> Site:
    """Add a village or branch; its currency, exponent and zone never change."""

    def add(uow: UnitOfWork) -> Site:
        customers.add_once(uow.sites, site, site.id, "site")
        charging.plan_posting(uow, site, core.clock.now())
        return site

    return _add(core, "site", site.id, actor, add)


def add_customer(core: Core, customer: Customer, actor: str) -> Customer:
    """Add a person or business that pays."""
    return _add(
        core,
        "customer",
        customer.id,
        actor,
        lambda uow: customers.add_once(uow.customers, customer, customer.id, "customer"),
    )


def add_account(core: Core, account: Account, actor: str) -> Account:
    """Add what a customer pays into."""
    return _add(core, "account", account.id, actor, lambda uow: customers.add_account(uow, account))


def add_connection(core: Core, connection: Connection, actor: str) -> Connection:
    """Add a place where supply is delivered."""
    return _add(core, "connection", connection.id, actor, lambda uow: customers.add_connection(uow, connection))


def add_meter(core: Core, meter: Meter, actor: str) -> Meter:
    """Add a meter."""
    return _add(core, "meter", meter.id, actor, lambda uow: customers.add_meter(uow, meter))


def fit_meter(core: Core, fit: Fit, actor: str) -> Fit:
    """Fit a meter to a connection; what it measured there before we knew is charged now."""

    def act(uow: UnitOfWork, now: datetime) -> Sequence[str]:
        account_id = customers.need(uow.connections, fit.connection_id, "connection").account_id
        uow.meters.hold(fit.meter_id)  # rows of this meter that come in meanwhile wait until it is fitted
        with charging.rewriting(uow, account_id):
            customers.fit_meter(uow, fit)
        customers.note(uow, f"fit:{fit.id}", now, actor, "fit meter", f"meter:{fit.meter_id}")
        return (account_id,)

    _operate(core, act)
    return fit


def remove_meter(core: Core, fit_id: str, removed_at: datetime, last_register_wh: int, actor: str) -> Fit:
    """Take a meter off its connection with its last register, charging to the last Wh."""

    def act(uow: UnitOfWork, now: datetime) -> Sequence[str]:
        fit = customers.need(uow.fits, fit_id, "fit")
        account_id = customers.need(uow.connections, fit.connection_id, "connection").account_id
        with charging.rewriting(uow, account_id):
            customers.remove_meter(uow, fit_id, removed_at, last_register_wh)
        customers.note(uow, f"remove:{fit_id}", now, actor, "remove meter", f"meter:{fit.meter_id}")
        return (account_id,)

    _operate(core, act)
    with core.store.read() as uow:
        return customers.need(uow.fits, fit_id, "fit")


def add_plan(core: Core, plan: PlanVersion, actor: str) -> PlanVersion:
    """Add a version of a plan; a version in force is never changed, only followed by another."""
    key = f"{plan.plan_id}@{plan.version}"
    return _add(core, "plan", key, actor, lambda uow: charging.add_plan(uow, plan, core.clock.now()))


def enrol(core: Core, enrolment: Enrolment, actor: str) -> Enrolment:
    """Charge an account by a plan from a moment on, and post the plan's connection fee once."""

    def act(uow: UnitOfWork, now: datetime) -> Sequence[str]:
        account_id = enrolment.account_id
        customers.need(uow.accounts, account_id, "account")
        with charging.rewriting(uow, account_id):
            customers.add_enrolment(uow, enrolment)
        subject = f"account:{account_id}"
        customers.note(uow, f"enrolment:{enrolment.id}", now, actor, f"enrol {enrolment.plan_id}", subject)
        standing = stand(uow, account_id)
        plan = standing.plan_at(max(enrolment.from_at, now))
        if plan is not None:
            charging.charge_fee(uow, standing, plan, now)
        return (account_id,)

    _operate(core, act)
    return enrolment


# Inside ---------------------------------------------------------------------------------------------------------------


def _book(uow: UnitOfWork, seen: Seen, raw: RawEvent | None, now: datetime) -> Receipt:
    """Book one sighting and keep its message with what became of it."""
    if seen.what == "reversed":
        receipt = billing.take_back(uow, seen.payment, now, seen.note, seen.reference_phone)
    else:
        receipt = billing.receive(uow, seen.payment, now, seen.reference_phone)
    if raw is not None:
        uow.raw_events.put(replace(raw, outcome=_outcome(receipt)))
    return receipt


def _book_apart(uow: UnitOfWork, seen: Seen, raw: RawEvent | None, now: datetime) -> Receipt | MicrogridError:
    """Book one sighting of several; a refusal undoes this one alone and keeps its message with the reason."""
    try:
        with uow.savepoint():
            return _book(uow, seen, raw, now)
    except MicrogridError as error:
        if raw is not None:
            uow.raw_events.put(replace(raw, outcome=_refused(error)))
        return error


def _refused(error: MicrogridError) -> str:
    return "nothing booked: " + "; ".join(problem.what for problem in error.problems)


def _on_asked(core: Core, raw: RawEvent, asked: Asked) -> Verdict:
    """Refuse a reference that names nothing of ours and is near nothing of ours; no money has moved yet."""

    def flow(uow: UnitOfWork) -> Verdict:
        match = customers.find_account(uow, asked.reference, asked.reference_phone)
        may_pay = match.account_id is not None or bool(match.suggestions)
        outcome = f"asked for '{asked.reference}': {'may pay' if may_pay else 'no such account'}"
        uow.raw_events.put(replace(raw, outcome=outcome))
        return Verdict(outcome, may_pay)

    return transact(core.store, flow)


def _outcome(receipt: Receipt) -> str:
    return f"{receipt.payment.status} {receipt.payment.id}{'' if receipt.is_new else ', known before'}"


def _add(core: Core, noun: str, key: str, actor: str, add: Callable[[UnitOfWork], Result]) -> Result:
    """Add one record and write down who did."""
    now = core.clock.now()

    def flow(uow: UnitOfWork) -> Result:
        added = add(uow)
        customers.note(uow, f"{noun}:{key}:add", now, actor, f"add {noun}", f"{noun}:{key}")
        return added

    return transact(core.store, flow)


def _operate(core: Core, act: Callable[[UnitOfWork, datetime], Sequence[str]]) -> None:
    """Do what a person asked for, then decide supply for the accounts it concerns."""
    now = core.clock.now()
    orders = transact(core.store, lambda uow: switching.settle(uow, act(uow, now), now))
    _send(core, orders)


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
        return receipt, switching.settle(uow, receipt.touched, now)

    receipt, orders = transact(core.store, flow)
    _send(core, orders)
    return receipt


def _send(core: Core, orders: Iterable[Order]) -> None:
    """Send what was decided and committed."""
    for order in orders:
        core.link.send(order.meter_id, order.desired)


def _send_messages(core: Core, now: datetime) -> None:
    """Send the texts that are due, once per id; one that fails is tried again and blocks no other."""
    with core.store.read() as uow:
        due = [item for item in uow.outbox.due(now, BATCH) if item.kind == "sms"]
    done = [_sent(core, item, now) for item in due]
    if done:
        transact(core.store, lambda uow: uow.outbox.put_all(done))


def _sent(core: Core, item: OutboxItem, now: datetime) -> OutboxItem:
    try:
        core.notifier.send(item.to, item.body, item.id)
    except OSError as error:
        later = now + SMS_RETRY * 2 ** min(item.attempts, 8)
        return replace(item, attempts=item.attempts + 1, due_at=later, last_error=str(error))
    return replace(item, attempts=item.attempts + 1, done_at=now)
