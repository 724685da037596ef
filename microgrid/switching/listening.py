"""What meters tell, on an open transaction: written down, acted upon, and answered.

Nothing a meter proves can be refused. What cannot be true of it is a finding: an alarm for a person, and all else goes
on. What follows is returned as an `Answer`, to be sent after the commit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from microgrid.billing import charging
from microgrid.billing.enquiries import raise_alarm
from microgrid.errors import AlreadyThere, MicrogridError
from microgrid.monitoring.readings import Reading
from microgrid.ports import Keys, UnitOfWork
from microgrid.switching import contacts, epochs, site_changes, token_devices
from microgrid.switching import service as switching
from microgrid.switching.epochs import Epochs
from microgrid.switching.lines import crosses
from microgrid.switching.meter_records import Contact, MeterEvent
from microgrid.switching.service import Order
from microgrid.switching.supply import REFUSED_FOR_CLOCK, Reported, Twin
from microgrid.switching.told import Ask, Batch, Coming, Happening, Report

CLOCK_NEAR = timedelta(minutes=5)
POWER_WHEN_OPEN_W = 20  # more than a meter itself may seem to draw behind an open relay
LONGEST_S = 2**40


@dataclass(frozen=True, slots=True)
class Answer:
    """What follows from what meters told: what they are to do, and what they are asked."""

    orders: Sequence[Order] = ()
    asks: Sequence[tuple[str, Ask]] = ()


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of rows: how many are new, and why some do not count."""

    new: int
    problems: tuple[str, ...]


class _Contacts:
    """How some meters are heard, while their messages are taken in."""

    def __init__(self, uow: UnitOfWork, meter_ids: Iterable[str], now: datetime) -> None:
        self._uow, self._now = uow, now
        self._before = uow.contacts.get_all(set(meter_ids))
        self.known = dict(self._before)

    def spoke(self, meter_id: str) -> Contact:
        """Return the contact of a meter that has just been heard."""
        contact = self.known[meter_id] = contacts.heard(self.known.get(meter_id), meter_id, self._now)
        return contact

    def close(self) -> list[tuple[str, Ask]]:
        """Write down what is new, and return the questions about rows that are missing."""
        asked: list[tuple[str, Ask]] = []
        for meter_id, contact in self.known.items():
            if contact.missing and contact.here:
                self.known[meter_id], found = contacts.asks(contact, self._now)
                asked += [(meter_id, ask) for ask in found]
        news = [one for key, one in self.known.items() if contacts.is_news(self._before.get(key), one)]
        self._uow.contacts.put_all(news)
        return asked


def take_links(uow: UnitOfWork, comings: Sequence[Coming], now: datetime) -> Answer:
    """Write down that meters came or went; who came is told the time it lacks, and the order it does not hold."""
    heard = _Contacts(uow, (coming.meter_id for coming in comings), now)
    born: dict[str, Contact] = {}
    asks: list[tuple[str, Ask]] = []
    for coming in comings:
        contact, is_birth = contacts.came(heard.known.get(coming.meter_id), coming, now)
        if is_birth:
            contact, is_told = contacts.timed(contact, now, is_birth=True)
            born[coming.meter_id] = contact
            asks += [(contact.id, Ask("time", contact.boot, contact.birth))] if is_told else []
        heard.known[coming.meter_id] = contact
        if is_birth and contacts.is_flapping(contact):
            what = f"meter '{contact.id}' came {len(contact.births)} times within a minute"
            what += ": two devices answer to its name, or its radio is very bad"
            raise_alarm(uow, f"flapping:{contact.id}:{now:%Y%m%d}", f"meter:{contact.id}", what, now)
    return Answer(switching.send_now(uow, born, now), [*asks, *heard.close()])


def take_reports(
    uow: UnitOfWork, keys: Keys, reports: Sequence[Report], now: datetime
) -> tuple[Mapping[str, Twin], Answer]:
    """Write down what meters say they do; what disagrees with itself or with us is a finding."""
    numbered = epochs.arrived(uow, ((one.meter_id, one.wire_epoch) for one in reports), now)
    heard = _Contacts(uow, (one.meter_id for one in reports), now)
    told: list[tuple[str, Reported]] = []
    asks: list[tuple[str, Ask]] = []
    shown: dict[str, tuple[datetime, int]] = {}
    for one in reports:
        off_s = min(abs(int((one.at - now).total_seconds())), LONGEST_S)
        contact = replace(heard.spoke(one.meter_id), clock_off_s=off_s)
        heard.known[one.meter_id] = contact
        at = _moment(one.at, now, is_set=contact.clock_set)
        told.append((one.meter_id, _reported(one, numbered.number(one.meter_id, one.wire_epoch, at), at, now)))
        if numbered.is_newest(one.meter_id, one.wire_epoch):
            shown[one.meter_id] = (at, one.register_wh)
        heard.known[one.meter_id], ask = _about_its_clock(one, contact, now)
        asks += [(one.meter_id, ask)] if ask is not None else []
    begun = _begin_anew(uow, numbered, shown, now)
    crossing = _charge_registers(uow, heard, told, now)
    twins, orders = switching.take_reports(uow, told, now)
    for one in reports:
        _doubt(uow, one, twins[one.meter_id], now)
        if one.tokens:
            _take_typed(uow, keys, one.meter_id, one.tokens, now)
    orders = [*switching.settle(uow, {*begun, *crossing}, now), *orders]
    return twins, Answer(_newest(orders), [*asks, *heard.close()])


def with_time(uow: UnitOfWork, orders: Sequence[Order]) -> Answer:
    """Return orders with the time for those whose meters last refused for want of it."""
    twins = uow.twins.get_all([order.meter_id for order in orders])
    refusing = [key for key, one in twins.items() if one.reported and one.reported.result in REFUSED_FOR_CLOCK]
    known = uow.contacts.get_all(refusing)
    return Answer(orders, [(key, Ask("time", one.boot, one.birth)) for key, one in known.items()])


def take_events(uow: UnitOfWork, keys: Keys, events: Sequence[Happening], now: datetime) -> Answer:
    """Write down what happened at meters, and act on it; the register at which a limit acted counts as a row."""
    numbered = epochs.arrived(uow, ((one.meter_id, one.wire_epoch) for one in events), now)
    heard = _Contacts(uow, (one.meter_id for one in events), now)
    rows: list[Reading] = []
    cut: set[str] = set()
    for one in events:
        number = numbered.number(one.meter_id, one.wire_epoch, one.at)
        _count(heard, numbered, one.meter_id, one.wire_epoch, [(one.seq, one.seq)], now)
        key = f"{one.meter_id}:{number}:{one.seq}"
        with suppress(AlreadyThere):  # it was told before
            uow.meter_events.add(MeterEvent(key, one.meter_id, number, one.seq, one.kind, one.value, one.at, now))
            if one.kind == "limit_reached":
                rows.append(Reading(one.meter_id, number, one.seq, one.at, one.value))
            elif one.kind == "token_typed":
                _take_typed(uow, keys, one.meter_id, one.value, now)
            elif one.kind == "tamper":
                note = f"its sensor {one.value} says so"
                site_changes.tell_seal(uow, one.meter_id, "tampered", now, f"meter:{one.meter_id}", note)
            if one.kind in ("limit_reached", "token_typed", "tamper"):
                cut.add(one.meter_id)
    charging.take_in(uow, rows, now)
    orders = switching.settle(uow, switching.accounts_of(uow, sorted(cut)), now)
    return Answer(orders, heard.close())


def take_rows(uow: UnitOfWork, batches: Sequence[Batch], now: datetime) -> tuple[Stored, Answer]:
    """Store rows of many meters once each, charge what they show, and decide supply where credit crossed a line."""
    numbered = epochs.arrived(uow, ((one.meter_id, one.wire_epoch) for one in batches), now)
    heard = _Contacts(uow, (one.meter_id for one in batches), now)
    shown: dict[str, tuple[datetime, int]] = {}
    readings: list[Reading] = []
    for one in batches:
        seqs = [(one.rows[0].seq, one.rows[-1].seq)]
        _count(heard, numbered, one.meter_id, one.wire_epoch, seqs, now)
        if numbered.is_newest(one.meter_id, one.wire_epoch):
            shown.setdefault(one.meter_id, (one.rows[0].at, one.rows[0].register_wh))
    begun = _begin_anew(uow, numbered, shown, now)
    if begun:
        numbered = epochs.refitted(uow, numbered, shown)
    for one in batches:
        readings += _readings(one, numbered)
    stored = charging.take_in(uow, readings, now)
    crossing = [credit.account_id for credit in stored.touched if crosses(credit, now)]
    orders = switching.settle(uow, {*crossing, *begun}, now)
    return Stored(stored.new, tuple(problem.what for problem in stored.problems)), Answer(orders, heard.close())


def _readings(batch: Batch, numbered: Epochs) -> list[Reading]:
    meter_id, wire_epoch = batch.meter_id, batch.wire_epoch
    first, last = (numbered.number(meter_id, wire_epoch, batch.rows[place].at) for place in (0, -1))
    if first == last:
        return [Reading(meter_id, first, *row) for row in batch.rows]
    return [Reading(meter_id, numbered.number(meter_id, wire_epoch, row.at), *row) for row in batch.rows]


def _count(
    heard: _Contacts, numbered: Epochs, meter_id: str, wire_epoch: int, seqs: Iterable[tuple[int, int]], now: datetime
) -> None:
    """Count rows of a meter's newest epoch as come."""
    contact = heard.spoke(meter_id)
    if numbered.is_newest(meter_id, wire_epoch):
        heard.known[meter_id] = contacts.with_rows(contact, wire_epoch, seqs, now)


def _begin_anew(
    uow: UnitOfWork, numbered: Epochs, shown: Mapping[str, tuple[datetime, int]], now: datetime
) -> list[str]:
    """Let fits follow the meters that have begun a new register, by what they show; return the accounts."""
    accounts = []
    for meter_id, (at, register_wh) in sorted(shown.items()):
        fit = numbered.to_end(meter_id)
        if fit is not None:
            accounts.append(epochs.begin_anew(uow, fit, numbered.known[meter_id][-1], register_wh, at, now))
    return accounts


def _reported(one: Report, number: int, at: datetime, now: datetime) -> Reported:
    return Reported(
        one.revision, one.relay_on, one.register_wh, number, at, now, one.result, boot=one.boot, power_w=one.power_w
    )


def _charge_registers(
    uow: UnitOfWork, heard: _Contacts, told: Sequence[tuple[str, Reported]], now: datetime
) -> list[str]:
    """Charge what meters report that keep no rows of their own; return the accounts whose credit crossed a line."""
    ringless = [each for each in told if not contacts.keeps_rows(heard.known[each[0]])]
    latest = uow.readings.latest_all({meter_id for meter_id, _ in ringless})
    rows = [
        Reading(meter_id, one.epoch, int(one.at.timestamp()), one.at, one.register_wh)
        for meter_id, one in ringless
        if (known := latest.get(meter_id)) is None
        or ((one.epoch, one.at) > (known.epoch, known.at) and one.register_wh != known.register_wh)
    ]
    stored = charging.take_in(uow, rows, now)
    return [credit.account_id for credit in stored.touched if crosses(credit, now)]


def _about_its_clock(one: Report, contact: Contact, now: datetime) -> tuple[Contact, Ask | None]:
    """Return what sets a clock right that is wrong; who has come unnoticed is asked to say so again first."""
    if one.boot != contact.boot:
        return contact, Ask("diagnostics")
    contact, is_told = contacts.timed(contact, now, is_refusing=one.result in REFUSED_FOR_CLOCK)
    return contact, Ask("time", contact.boot, contact.birth) if is_told else None


def _moment(told: datetime, now: datetime, *, is_set: bool) -> datetime:
    """Return when a report was made: by the meter's clock where that can be, else when it came."""
    if abs(told - now) <= CLOCK_NEAR or (is_set and told < now):
        return told
    return now


def _doubt(uow: UnitOfWork, one: Report, twin: Twin, now: datetime) -> None:
    """Call for a person where a report says that a meter does not do, or cannot do, what it should."""
    found = _doubts(one, twin)
    if found is not None:
        kind, what = found
        revision = 0 if twin.desired is None else twin.desired.revision
        raise_alarm(
            uow, f"{kind}:{one.meter_id}:{revision}", f"meter:{one.meter_id}", f"meter '{one.meter_id}' {what}", now
        )


def _doubts(one: Report, twin: Twin) -> tuple[str, str] | None:
    if one.result == "relay_disagrees":
        return "relay", f"cannot move its relay: it was read back otherwise, with {one.power_w} W flowing"
    if one.relay_on is False and one.power_w > POWER_WHEN_OPEN_W:
        return "bypass", f"measures {one.power_w} W although its relay is open"
    if one.result == "bad_mac":
        return "proof", "was sent an order that was not proven: somebody forges orders, or its key is another one"
    if one.result == "not_capable":
        return "capable", "says that it cannot do what it was told"
    desired = twin.desired
    if desired is not None and twin.in_sync and one.relay_on and not desired.supply.on:
        return "relay", "holds the order to be off, and its relay is closed"
    return None


def _take_typed(uow: UnitOfWork, keys: Keys, meter_id: str, count: int, now: datetime) -> None:
    """Note that a token was typed; one that cannot be is a finding."""
    device = uow.token_devices.get(meter_id)
    if device is None or device.typed_count >= count:
        return
    try:
        with uow.savepoint():
            token_devices.take_typed(uow, keys, meter_id, count)
    except MicrogridError as error:
        why = "; ".join(problem.what for problem in error.problems)
        raise_alarm(uow, f"token:{meter_id}:{count}", f"meter:{meter_id}", why, now)


def _newest(orders: Iterable[Order]) -> list[Order]:
    """Return the newest order for each meter."""
    found: dict[str, Order] = {}
    for order in orders:
        known = found.get(order.meter_id)
        if known is None or known.desired.revision < order.desired.revision:
            found[order.meter_id] = order
    return list(found.values())
