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
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from microgrid import asking
from microgrid.audit import seal_rows
from microgrid.billing import charging, enquiries, leasing, suspense
from microgrid.billing import service as billing
from microgrid.billing.balances import keep_balances
from microgrid.billing.payments import Payment
from microgrid.billing.service import Receipt
from microgrid.billing.sightings import Asked, Heard, Seen, Told, Unclear, sighted
from microgrid.customers.matching import find_account
from microgrid.errors import AlreadyThere, Environment, MicrogridError
from microgrid.evidence import NOTHING, keep
from microgrid.kept import OutboxItem, RawEvent
from microgrid.monitoring.readings import Reading
from microgrid.outgoing import send_texts
from microgrid.ports import Core, Keys, UnitOfWork, transact
from microgrid.switching import service as switching
from microgrid.switching import site_changes, token_sales
from microgrid.switching.lines import crosses
from microgrid.switching.service import Order
from microgrid.switching.supply import Reported, Twin
from microgrid.webhooks import send_webhooks

Book = Callable[[Seen, RawEvent | None], Receipt | MicrogridError]
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


def on_message(core: Core, raw: RawEvent, hear: Callable[[], Heard], book: Book | None = None) -> Verdict:
    """Keep a provider's message and do what it says; whatever it is, it is kept with what became of it.

    `book` books a payment together with others that arrive at the same time; without it, each has its own commit.
    What fails for a reason of ours is kept too, and raised.
    """
    try:
        return _on_heard(core, raw, hear(), book)
    except Environment:
        raise  # the store is out of reach: nothing can be kept either, and the provider asks again
    except MicrogridError as error:
        return keep_refused(core, raw, _reasons(error))
    except Exception as error:
        keep_refused(core, raw, f"a bug of ours, {type(error).__name__}: {error}")
        raise


def _hear(core: Core, raw: RawEvent, heard: Heard) -> Verdict:
    """Take in what a provider answered to a question of ours."""
    return on_message(core, raw, lambda: heard)


def _on_heard(core: Core, raw: RawEvent, heard: Heard, book: Book | None) -> Verdict:
    if isinstance(heard, Unclear):
        return keep_refused(core, raw, heard.reason)
    if isinstance(heard, Asked):
        return _on_asked(core, raw, heard)
    if isinstance(heard, Told):
        return _on_told(core, raw, heard)
    done = book(heard, raw) if book is not None else on_payments(core, [(heard, raw)])[0]
    if isinstance(done, MicrogridError):
        return Verdict(_refused(done), may_pay=False)
    return Verdict(_outcome(done), payment=done.payment)


def on_payment(core: Core, seen: Seen, raw: RawEvent | None = None) -> Receipt:
    """Book one sighting of a payment: one posting per receipt, then credit, then supply, in one transaction.

    Raises Contradiction when the receipt is known with another amount or currency; nothing is written then.
    """
    now = core.clock.now()

    def flow(uow: UnitOfWork) -> tuple[Receipt, Sequence[Order]]:
        receipt = book_seen(uow, core.keys, seen, raw, now)
        return receipt, switching.settle(uow, receipt.touched, now)

    receipt, orders = transact(core.store, flow)
    send(core, orders)
    return receipt


def on_payments(core: Core, batch: Sequence[tuple[Seen, RawEvent | None]]) -> Sequence[Receipt | MicrogridError]:
    """Book many sightings with one commit: each as by `on_payment`, and one that is refused undoes no other.

    Returns for each what became of it, in the same order.
    """
    now = core.clock.now()

    def flow(uow: UnitOfWork) -> tuple[Sequence[Receipt | MicrogridError], Sequence[Order]]:
        done = _book_all(uow, core.keys, batch, now)
        touched = {key for one in done if isinstance(one, Receipt) for key in one.touched}
        return done, switching.settle(uow, touched, now)

    done, orders = transact(core.store, flow)
    send(core, orders)
    return done


def keep_refused(core: Core, raw: RawEvent, reason: str) -> Verdict:
    """Keep a message from which nothing was booked, with the reason."""
    transact(core.store, lambda uow: keep(uow, raw, f"{NOTHING}{reason}"))
    return Verdict(reason, may_pay=False)


# Measurement and switching --------------------------------------------------------------------------------------------


def on_readings(core: Core, readings: Sequence[Reading]) -> Taken:
    """Store rows of meters once each, charge what they show, and decide supply anew; in any order and any batches."""
    now = core.clock.now()

    def flow(uow: UnitOfWork) -> tuple[Taken, Sequence[Order]]:
        stored = charging.take_in(uow, readings, now)
        problems = tuple(problem.what for problem in stored.problems)
        taken = Taken(stored.new, len(readings) - stored.new - len(problems), problems)
        crossing = [credit.account_id for credit in stored.touched if crosses(credit, now)]
        return taken, switching.settle(uow, crossing, now)

    taken, orders = transact(core.store, flow)
    send(core, orders)
    return taken


def on_reported(core: Core, meter_id: str, reported: Reported) -> Twin:
    """Take in what a meter says about itself; a stale one is told again, one ahead of us is overtaken."""
    now = core.clock.now()

    def flow(uow: UnitOfWork) -> tuple[Twin, Sequence[Order]]:
        twins, orders = switching.take_reports(uow, [(meter_id, reported)], now)
        return twins[meter_id], orders

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


def post_instalments(core: Core) -> None:
    """Bring into the books the instalments whose day has come, and pay them from what customers have paid ahead."""
    now = core.clock.now()

    def flow(uow: UnitOfWork) -> tuple[Sequence[str], Sequence[Order]]:
        accounts = leasing.post_due(uow, now, BATCH)
        return accounts, switching.settle(uow, accounts, now)

    more = True
    while more:
        accounts, orders = transact(core.store, flow)
        send(core, orders)
        more = bool(accounts)


def decide_again(core: Core) -> None:
    """Decide supply again where it is due, and send again what no meter has confirmed."""
    now = core.clock.now()
    send(core, transact(core.store, lambda uow: switching.look_again(uow, now, BATCH)))


def attend_sites(core: Core) -> None:
    """Let what changed at a site be felt in each of its homes: its policy, saving energy, an outage that is over."""
    now = core.clock.now()
    with core.store.read() as uow:
        waiting = [item for kind in site_changes.KINDS for item in uow.outbox.due(kind, now, BATCH)]
    for item in waiting:
        while _attended(core, item, now):
            pass


def ask_providers(core: Core) -> None:
    """Ask about everything that waits for a provider's word, and book what is confirmed."""
    asking.enquire_due(core, _hear, on_payments)


def ask_often(core: Core) -> None:
    """Do of a tick what a customer waits for with the phone in the hand."""
    if core.providers:
        asking.send_pushes(core)
        ask_providers(core)


def give_back(core: Core) -> None:
    """Ask providers to give back what was decided to go back to its payer."""
    asking.reverse_due(core, _hear)


def read_lists(core: Core) -> None:
    """Book what providers have in their own lists of the last two days and never told us."""
    asking.read_lists(core, on_payments)


def give_tokens(core: Core) -> None:
    """Give the tokens that could not be given together with their payment."""
    now = core.clock.now()

    def flow(uow: UnitOfWork) -> Sequence[Order]:
        return switching.settle(uow, token_sales.give_waiting(uow, core.keys, now, BATCH), now)

    send(core, transact(core.store, flow))


def list_refunds(core: Core) -> None:
    """Put payments onto the refund list whose owner was not found in time."""
    now = core.clock.now()
    while transact(core.store, lambda uow: suspense.list_due(uow, now, core.refund_after, BATCH)):
        pass


TICK: tuple[Callable[[Core], None], ...] = (
    post_charges,
    post_instalments,
    attend_sites,
    decide_again,
    give_tokens,
    send_texts,
    send_webhooks,
    seal_rows,
    keep_balances,
    asking.send_pushes,
    ask_providers,
    give_back,
    read_lists,
    list_refunds,
)


def _attended(core: Core, item: OutboxItem, now: datetime) -> bool:
    """Attend to the next homes of a site, and say whether there were any."""
    orders = transact(core.store, lambda uow: site_changes.attend(uow, item, now, BATCH))
    send(core, orders or ())
    return orders is not None


def _failure(step: Callable[[Core], None], core: Core) -> Exception | None:
    try:
        step(core)
    except Exception as error:
        return error
    return None


# Inside ---------------------------------------------------------------------------------------------------------------


def book_seen(uow: UnitOfWork, keys: Keys, seen: Seen, raw: RawEvent | None, now: datetime) -> Receipt:
    """Book one sighting, by which channel it came, and keep its message with what became of it."""
    seen, push = enquiries.named(uow, seen)
    if seen.what == "reversed":
        receipt = billing.take_back(uow, seen.payment, now, seen.note, seen.reference_phone)
    else:
        receipt = billing.receive(uow, seen.payment, now, seen.reference_phone, is_proven=seen.proven)
    enquiries.follow(uow, receipt, seen, push, now)
    token_sales.give(uow, keys, receipt, now)
    with suppress(AlreadyThere):  # the first time counts
        uow.sightings.add(sighted(receipt.payment.id, seen.channel, raw.id if raw is not None else "", now))
    if raw is not None:
        keep(uow, raw, _outcome(receipt))
    return receipt


def _book_all(
    uow: UnitOfWork, keys: Keys, batch: Sequence[tuple[Seen, RawEvent | None]], now: datetime
) -> Sequence[Receipt | MicrogridError]:
    """Book several sightings; should one be refused, which is rare, each is booked by itself again."""
    try:
        with uow.savepoint():
            return [book_seen(uow, keys, seen, raw, now) for seen, raw in batch]
    except MicrogridError:
        return [_book_apart(uow, keys, seen, raw, now) for seen, raw in batch]


def _book_apart(
    uow: UnitOfWork, keys: Keys, seen: Seen, raw: RawEvent | None, now: datetime
) -> Receipt | MicrogridError:
    """Book one sighting of several; a refusal undoes this one alone and keeps its message with the reason."""
    try:
        with uow.savepoint():
            return book_seen(uow, keys, seen, raw, now)
    except MicrogridError as error:
        if raw is not None:
            keep(uow, raw, _refused(error))
            enquiries.raise_alarm(uow, f"refused:{raw.id}", f"message:{raw.id}", _refused(error), now)
        return error


def _refused(error: MicrogridError) -> str:
    return f"{NOTHING}{_reasons(error)}"


def _reasons(error: MicrogridError) -> str:
    return "; ".join(problem.what for problem in error.problems)


def _on_asked(core: Core, raw: RawEvent, asked: Asked) -> Verdict:
    """Refuse a reference that names nothing of ours and is near nothing of ours; no money has moved yet."""

    def flow(uow: UnitOfWork) -> Verdict:
        match = find_account(uow, asked.reference, asked.reference_phone)
        may_pay = match.account_id is not None or bool(match.suggestions)
        outcome = f"asked for '{asked.reference}': {'may pay' if may_pay else 'no such account'}"
        keep(uow, raw, outcome)
        return Verdict(outcome, may_pay)

    return transact(core.store, flow)


def _on_told(core: Core, raw: RawEvent, told: Told) -> Verdict:
    """Take in what a provider says about a payment when it is not that money has come."""
    now = core.clock.now()

    def flow(uow: UnitOfWork) -> Verdict:
        outcome = f"{NOTHING}{enquiries.take_told(uow, told, now)}"
        keep(uow, raw, outcome)
        return Verdict(outcome)

    return transact(core.store, flow)


def _outcome(receipt: Receipt) -> str:
    return f"{receipt.payment.status} {receipt.payment.id}{'' if receipt.is_new else ', known before'}"


def send(core: Core, orders: Iterable[Order]) -> None:
    """Send what was decided and committed; who is out of reach is told by a later tick."""
    for order in orders:
        with suppress(OSError):
            core.link.send(order.meter_id, order.desired)
