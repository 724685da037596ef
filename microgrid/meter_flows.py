"""Everything that meters tell, one function each: many messages, one transaction; what is decided is sent after it.

on_links     meters come and go: who comes is told the time and what it does not hold, and asked for what is missing
on_reports   meters say what they do
on_events    something happened at meters: a limit acted, a token was typed, a cover was opened
on_rows      rows of meters: stored once, charged, supply decided where credit crossed a line
on_key_shown a meter has proven that it holds its fresh key
on_sent      the broker has taken what was sent
on_dead      messages that could not be taken, kept with the reason
send_again   what no meter has confirmed, whenever it is due

Messages come proven; whatever order they come in, and however often, they end in the same books.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from microgrid.billing import charging
from microgrid.billing.enquiries import raise_alarm
from microgrid.errors import MicrogridError
from microgrid.flows import BATCH, Taken, send
from microgrid.monitoring.readings import Reading
from microgrid.ports import AuditRow, Core, UnitOfWork, transact
from microgrid.switching import contacts, epochs, meter_keys, token_devices
from microgrid.switching import service as switching
from microgrid.switching.epochs import Epochs
from microgrid.switching.inputs import tamper_subject
from microgrid.switching.lines import crosses
from microgrid.switching.meter_records import Contact, DeadLetter, MeterEvent, Sending
from microgrid.switching.service import Order
from microgrid.switching.supply import Reported, Twin
from microgrid.switching.told import Ask, Batch, Coming, Happening, Report

CLOCK_NEAR = timedelta(minutes=5)
POWER_WHEN_OPEN_W = 20  # more than what a meter itself may measure with an open relay
SILENT_FOR = timedelta(hours=25)  # expected contact of a day's worth at most, and a day


@dataclass(frozen=True, slots=True)
class Answer:
    """What follows from what meters told: what they are to do, and what they are asked."""

    orders: Sequence[Order] = ()
    asks: Sequence[tuple[str, Ask]] = ()


def on_links(core: Core, comings: Sequence[Coming]) -> None:
    """Take in that meters came or went; who came is answered at once."""
    now = core.clock.now()

    def flow(uow: UnitOfWork) -> Answer:
        known = dict(uow.contacts.get_all({coming.meter_id for coming in comings}))
        born: dict[str, Contact] = {}
        before = dict(known)
        for coming in comings:
            contact, is_birth = contacts.came(known.get(coming.meter_id), coming, now)
            known[coming.meter_id] = contact
            if is_birth:
                born[coming.meter_id] = contact
            if is_birth and contacts.is_flapping(contact):
                _raise_flapping(uow, contact, now)
        asks = [(key, Ask("time", one.boot, one.birth)) for key, one in born.items() if contacts.needs_time(one)]
        asks += _ask_for_gaps(known, born, now)
        _keep(uow, before, known)
        return Answer(switching.send_now(uow, born, now), asks)

    _answer(core, transact(core.store, flow))


def on_reports(core: Core, reports: Sequence[Report]) -> Mapping[str, Twin]:
    """Take in what meters say they do; one that disagrees with itself or with us is a finding for a person."""
    now = core.clock.now()

    def flow(uow: UnitOfWork) -> tuple[Mapping[str, Twin], Answer]:
        numbered = epochs.arrived(uow, ((one.meter_id, one.wire_epoch) for one in reports), now)
        known = dict(uow.contacts.get_all({one.meter_id for one in reports}))
        before = dict(known)
        told: list[tuple[str, Reported]] = []
        asks: list[tuple[str, Ask]] = []
        for one in reports:
            contact = _spoken(known, one.meter_id, now)
            off_s = abs(int((one.at - now).total_seconds()))
            known[one.meter_id] = contact = replace(contact, clock_off_s=min(off_s, 2**40), tokens=one.tokens)
            told.append((one.meter_id, _reported(numbered, contact, one, now)))
            if one.result in ("clock_unknown", "expired"):
                asks.append((one.meter_id, Ask("time", contact.boot, contact.birth)))
        numbered = _follow(uow, numbered, {one.meter_id: (one.register_wh, at.at) for one, (_, at) in zip(reports, told, strict=True)}, now)
        twins, orders = switching.take_reports(uow, told, now)
        for one in reports:
            _look_at(uow, one, twins[one.meter_id], now)
        _take_tokens(uow, core, {one.meter_id: one.tokens for one in reports if one.tokens}, now)
        asks += _ask_for_gaps(known, known, now)
        _keep(uow, before, known)
        return twins, Answer(orders, asks)

    twins, answer = transact(core.store, flow)
    _answer(core, answer)
    return twins
