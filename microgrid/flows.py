"""Everything that can happen, one function each. A newcomer reads here how money becomes light.

on_message   a provider calls us
on_payment   one sighting of one payment: booked once, credit raised, supply decided, meter told
on_readings  rows of meters: stored once, charged, supply decided where credit crossed a line
on_reported  a meter says what it does
on_tick      what is due by the clock: charges into the books, supply decided again and sent, messages sent

What people do (add a customer, move a payment, fit a meter) is in `actions`.
A flow opens the transaction; the services it calls never commit; sends follow the commit, and what is lost on the way
is sent again by the next tick, because the desired state itself is what waits to be sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from microgrid.billing import charging
from microgrid.billing import service as billing
from microgrid.billing.payments import Payment
from microgrid.billing.service import Receipt
from microgrid.billing.sightings import Asked, Heard, Seen, Unclear
from microgrid.customers import service as customers
from microgrid.errors import MicrogridError
from microgrid.monitoring.readings import Reading
from microgrid.outgoing import send_texts
from microgrid.ports import Core, RawEvent, UnitOfWork, transact
from microgrid.switching import service as switching
from microgrid.switching.service import Order
from microgrid.switching.supply import Reported, Twin

BATCH = 500  # of what a tick does in one transaction


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
    send(core, orders)
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
    send(core, orders)
    return done


def keep_refused(core: Core, raw: RawEvent, reason: str) -> Verdict:
    """Keep a message from which nothing was booked, with the reason."""
    transact(core.store, lambda uow: uow.raw_events.put(replace(raw, outcome=f"nothing booked: {reason}")))
    return Verdict(reason, may_pay=False)


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
    send(core, orders)
    return taken


def on_reported(core: Core, meter_id: str, reported: Reported) -> Twin:
    """Take in what a meter says about itself; a stale one is told again, one ahead of us is overtaken."""
    now = core.clock.now()

    def flow(uow: UnitOfWork) -> tuple[Twin, Sequence[Order]]:
        return switching.take_report(uow, meter_id, reported, now)

    twin, orders = transact(core.store, flow)
    send(core, orders)
    return twin


def on_tick(core: Core) -> None:
    """Do what is due by the clock, step by step in small transactions; what fails is due again at the next tick.

    Raises ExceptionGroup when steps failed; the others are done all the same.
    """
    failed = [error for step in TICK if (error := _failure(step, core)) is not None]
    if failed:
        raise ExceptionGroup("some of what is due could not be done", failed)


def post_charges(core: Core) -> None:
    """Bring into the books what was used on the days that have ended."""
    now = core.clock.now()
    while transact(core.store, lambda uow: charging.post_due(uow, now, BATCH)):
        pass


def decide_again(core: Core) -> None:
    """Decide supply again where it is due, and send again what no meter has confirmed."""
    now = core.clock.now()
    send(core, transact(core.store, lambda uow: switching.look_again(uow, now, BATCH)))


TICK: tuple[Callable[[Core], None], ...] = (post_charges, decide_again, send_texts)


def _failure(step: Callable[[Core], None], core: Core) -> Exception | None:
    try:
        step(core)
    except Exception as error:
        return error
    return None


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


def send(core: Core, orders: Iterable[Order]) -> None:
    """Send what was decided and committed."""
    for order in orders:
        core.link.send(order.meter_id, order.desired)
