"""Everything that meters tell, one function each: many messages, one transaction; what is decided is sent after it.

on_links      meters come and go: who comes is told the time and what it does not hold, and asked for what is missing
on_reports    meters say what they do
on_events     something happened at meters: a limit acted, a token was typed, a cover was opened
on_rows       rows of meters: stored once, charged, supply decided where credit crossed a line
on_key_shown  a meter has proven that it holds its fresh key
on_sent       the broker has taken what was sent
on_dead       messages that could not be taken, kept with the reason
catch_up      what no meter holds, when the way to meters has come back
send_again    what no meter has confirmed, whenever it is due
ask_registers what the register shows of meters that keep no rows
claim_parts   which of several workers looks after which meters
send_asks     what people at a command line ask of meters

Messages come proven; whatever order they come in, and however often, they end in the same books.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from microgrid.billing.enquiries import raise_alarm
from microgrid.flows import BATCH, Taken, send
from microgrid.ports import Core, UnitOfWork, transact
from microgrid.switching import contacts, listening, meter_keys, partitions
from microgrid.switching import service as switching
from microgrid.switching.device_models import expected_contacts
from microgrid.switching.listening import Answer
from microgrid.switching.meter_records import DeadLetter, Sending
from microgrid.switching.progress import is_silent
from microgrid.switching.service import Order
from microgrid.switching.supply import Twin
from microgrid.switching.told import Ask, Batch, Coming, Happening, Report

LONGEST_PAUSE = timedelta(minutes=80)  # between two sendings of one order
ALL_METERS = 10**6
ASK = "ask"  # kind of the outbox
ASK_LASTS = timedelta(minutes=2)


def on_links(core: Core, comings: Sequence[Coming]) -> None:
    """Take in that meters came or went; who came is answered at once."""
    now = core.clock.now()
    _answer(core, transact(core.store, lambda uow: listening.take_links(uow, comings, now)))


def on_reports(core: Core, reports: Sequence[Report]) -> Mapping[str, Twin]:
    """Take in what meters say they do, and return what is known of each."""
    now = core.clock.now()
    twins, answer = transact(core.store, lambda uow: listening.take_reports(uow, core.keys, reports, now))
    _answer(core, answer)
    return twins


def on_events(core: Core, events: Sequence[Happening]) -> None:
    """Take in what happened at meters."""
    now = core.clock.now()
    _answer(core, transact(core.store, lambda uow: listening.take_events(uow, core.keys, events, now)))


def on_rows(core: Core, batches: Sequence[Batch]) -> Taken:
    """Store rows of many meters once each and charge what they show."""
    now = core.clock.now()
    stored, answer = transact(core.store, lambda uow: listening.take_rows(uow, batches, now))
    _answer(core, answer)
    known = sum(len(batch.rows) for batch in batches) - stored.new - len(stored.problems)
    return Taken(stored.new, known, stored.problems)


def on_key_shown(core: Core, meter_id: str, slot: int) -> None:
    """Sign with a meter's fresh key from now on, since it has shown that it holds it."""
    now = core.clock.now()
    transact(core.store, lambda uow: meter_keys.sign_with_slot(uow, core.keys, meter_id, slot, now))


def on_sent(core: Core, taken: Mapping[str, tuple[int, datetime]]) -> None:
    """Write down which revision the broker has taken for which meter, and when first."""

    def flow(uow: UnitOfWork) -> None:
        known = uow.sendings.get_all(taken)
        uow.sendings.put_all([_sending(known.get(key), key, *each) for key, each in taken.items()])

    transact(core.store, flow)


def on_dead(core: Core, letters: Sequence[DeadLetter]) -> None:
    """Keep messages that could not be taken, and how often each came."""

    def flow(uow: UnitOfWork) -> None:
        known = uow.dead_letters.get_all({letter.id for letter in letters})
        for letter in letters:
            before = known.get(letter.id)
            known[letter.id] = letter if before is None else replace(letter, repeats=before.repeats + 1)
        uow.dead_letters.put_all(list(known.values()))

    transact(core.store, flow)


def send_again(core: Core, is_ours: Callable[[str], bool] = lambda _: True) -> None:
    """Send again what no meter has confirmed and is due, and call for a person where a meter has long been silent."""
    now = core.clock.now()

    def flow(uow: UnitOfWork) -> Answer:
        orders = switching.look_again(uow, now, BATCH, is_ours)
        _look_for_silence(uow, orders, now)
        return listening.with_time(uow, orders)

    _answer(core, transact(core.store, flow))
    send_asks(core, is_ours)


def send_asks(core: Core, is_ours: Callable[[str], bool] = lambda _: True) -> None:
    """Ask meters what people ask from outside the service; a question is about now, so one that waited is dropped."""
    now = core.clock.now()
    with core.store.read() as uow:
        asked = [item for item in uow.outbox.due(ASK, now, BATCH) if is_ours(item.to)]
    if not asked:
        return
    transact(core.store, lambda uow: uow.outbox.put_all([replace(item, attempts=1, done_at=now) for item in asked]))
    for item in asked:
        if now - item.created_at < ASK_LASTS:
            core.link.request(item.to, _ask_of(item.body))


def catch_up(core: Core) -> None:
    """Send what no meter holds yet, whenever it would be due: the way to meters has just come back."""
    now = core.clock.now()
    with core.store.read() as uow:
        waiting = [twin.meter_id for twin in uow.twins.due(now + LONGEST_PAUSE, ALL_METERS) if not twin.in_sync]
    for some in (waiting[first : first + BATCH] for first in range(0, len(waiting), BATCH)):
        _answer(core, transact(core.store, partial(_sent_now, meter_ids=some, now=now)))


def ask_registers(core: Core, after: str, is_ours: Callable[[str], bool] = lambda _: True) -> str:
    """Ask meters that keep no rows what their register shows, where that is long ago; some at a time, by id.

    Returns after which id to go on the next time, and nothing when all were looked at.
    """
    now = core.clock.now()
    with core.store.read() as uow:
        some = uow.contacts.page(after, BATCH)
    for contact in some:
        if contacts.owes_register(contact, now) and is_ours(contact.id):
            core.link.request(contact.id, Ask("report"))
    return some[-1].id if len(some) == BATCH else ""


def claim_parts(core: Core, worker: str) -> frozenset[int]:
    """Say that a worker is there, and return the parts of all meters that it looks after from now on."""
    now = core.clock.now()
    return transact(core.store, lambda uow: partitions.claim(uow, worker, now))


def let_go_of_parts(core: Core, worker: str) -> None:
    """Leave the parts that a worker looks after to others, because it ends."""
    now = core.clock.now()
    transact(core.store, lambda uow: partitions.let_go(uow, worker, now))


def _answer(core: Core, answer: Answer) -> None:
    for meter_id, ask in answer.asks:  # first: a meter may need the time before it takes an order
        core.link.request(meter_id, ask)
    send(core, answer.orders)


def _sent_now(uow: UnitOfWork, meter_ids: Sequence[str], now: datetime) -> Answer:
    return listening.with_time(uow, switching.send_now(uow, meter_ids, now))


def _ask_of(body: str) -> Ask:
    told = json.loads(body)
    return Ask(told["kind"], told["boot"], told["birth"], None if told["seqs"] is None else tuple(told["seqs"]))


def _look_for_silence(uow: UnitOfWork, orders: Sequence[Order], now: datetime) -> None:
    """Call for a person where a meter should do something else and has not been heard for too long."""
    meter_ids = {order.meter_id for order in orders}
    heard = uow.contacts.get_all(meter_ids)
    expected = expected_contacts(uow, uow.meters.get_all(meter_ids).values()) if heard else {}
    for order in orders:
        contact = heard.get(order.meter_id)
        if contact is not None and is_silent(contact.heard_at, expected.get(order.meter_id), now):
            since = f"{contact.heard_at:%Y-%m-%d %H:%M} UTC"
            what = f"meter '{order.meter_id}' has not been heard since {since}, and is to do something else"
            raise_alarm(
                uow, f"silent:{order.meter_id}:{contact.heard_at.isoformat()}", f"meter:{order.meter_id}", what, now
            )


def _sending(known: Sending | None, meter_id: str, revision: int, at: datetime) -> Sending:
    if known is None or known.revision != revision:
        return Sending(meter_id, revision, at)
    return replace(known, times=known.times + 1)
