"""What goes out to meters: of each meter the newest order alone, so that a broker that is away costs no room.

`send` and `request` only put down what is to be sent: they are called by whoever has just committed, wait for nothing
and never fail. `work` signs and publishes it; what finds no way stays, and goes when there is one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import count, islice
from zoneinfo import ZoneInfo

from device.signing import MeterKeys
from microgrid import meter_flows
from microgrid.bridge.carrier import Carrier
from microgrid.bridge.keyring import Keyring, zones
from microgrid.bridge.wire import Topic, ask_message, desired_message, down_topic, proven, seconds
from microgrid.ports import Core, UnitOfWork
from microgrid.switching.epochs import wire_epoch_of
from microgrid.switching.meter_records import MeterEpoch
from microgrid.switching.supply import Desired
from microgrid.switching.told import Ask

AT_ONCE = 500
MOST_ASKS = 20_000  # questions that wait; older ones are forgotten, since meters are asked again
LARGEST_U32 = 2**32

Question = tuple[str, Ask]


@dataclass(frozen=True, slots=True)
class _Receiver:
    """A meter that is spoken to: where, with which keys, on whose clock, and what it calls its registers."""

    meter_id: str
    site: str
    keys: MeterKeys
    zone: ZoneInfo
    epochs: tuple[MeterEpoch, ...]
    gateway: str


class Outgoing:
    """The `MeterLink` of a bridge."""

    def __init__(self, core: Core, carrier: Carrier, keyring: Keyring) -> None:
        self._core, self._carrier, self._keyring = core, carrier, keyring
        self._guard = threading.Lock()
        self._orders: dict[str, Desired] = {}
        self._asks: dict[Question, None] = {}
        self._taken: dict[str, tuple[int, datetime]] = {}
        self._numbers = count(seconds(core.clock.now()))
        self.wake: Callable[[], None] = lambda: None
        self.forgotten = 0

    def send(self, meter_id: str, desired: Desired) -> None:
        """Put down what a meter is to do; an older order that still waits is forgotten."""
        with self._guard:
            known = self._orders.get(meter_id)
            if known is None or known.revision <= desired.revision:
                self._orders[meter_id] = desired
        self.wake()

    def request(self, meter_id: str, ask: Ask) -> None:
        """Put down what a meter is to be asked."""
        with self._guard:
            self._asks[meter_id, ask] = None
            if len(self._asks) > MOST_ASKS:
                del self._asks[next(iter(self._asks))]
                self.forgotten += 1
        self.wake()

    @property
    def has_taken(self) -> bool:
        """Return whether the broker has taken something that is not written down."""
        return bool(self._taken)

    def waiting(self) -> int:
        """Return how much waits to be sent."""
        with self._guard:
            return len(self._orders) + len(self._asks)

    def work(self) -> int:
        """Sign and publish some of what waits; return how much went out."""
        orders, asks = self._next()
        if not orders and not asks:
            return 0
        now = self._core.clock.now()
        with self._core.store.read() as uow:
            receivers = _receivers(uow, self._keyring, {*orders, *(meter_id for meter_id, _ in asks)})
        went = 0
        for question in asks:  # first the time: without it a meter may refuse its order
            went += self._ask(receivers.get(question[0]), question, now)
        for meter_id, desired in orders.items():
            went += self._order(receivers.get(meter_id), meter_id, desired, now)
        return went

    def write_down(self) -> None:
        """Write down what the broker has taken since the last time."""
        with self._guard:
            taken, self._taken = self._taken, {}
        if taken:
            meter_flows.on_sent(self._core, taken)

    def _next(self) -> tuple[dict[str, Desired], list[Question]]:
        with self._guard:
            asks = list(islice(self._asks, AT_ONCE))
            orders = dict(islice(self._orders.items(), AT_ONCE))
        return orders, asks

    def _ask(self, receiver: _Receiver | None, question: Question, now: datetime) -> bool:
        went = receiver is None or self._asked(receiver, question[1], now)
        if went:
            with self._guard:
                self._asks.pop(question, None)
        return went

    def _asked(self, receiver: _Receiver, ask: Ask, now: datetime) -> bool:
        topic = Topic(receiver.site, receiver.meter_id, "request")
        body = proven(ask_message(ask, next(self._numbers) % LARGEST_U32, now), receiver.keys, topic)
        return self._carrier.publish(down_topic(topic, receiver.gateway), body, retain=False)

    def _order(self, receiver: _Receiver | None, meter_id: str, desired: Desired, now: datetime) -> bool:
        """Publish an order; a meter that was never heard in this register is asked to report first."""
        went = receiver is None or self._ordered(receiver, desired, now)
        if went:
            with self._guard:
                if self._orders.get(meter_id) is desired:
                    del self._orders[meter_id]
        return went

    def _ordered(self, receiver: _Receiver, desired: Desired, now: datetime) -> bool:
        wire_epoch = wire_epoch_of(receiver.epochs, desired.epoch)
        if wire_epoch is None:
            return self._asked(receiver, Ask("report"), now)
        topic = Topic(receiver.site, receiver.meter_id, "desired")
        body = proven(desired_message(desired, wire_epoch, receiver.zone, now), receiver.keys, topic)
        taken = partial(self._note, receiver.meter_id, desired.revision)
        return self._carrier.publish(down_topic(topic, receiver.gateway), body, retain=True, taken=taken)

    def _note(self, meter_id: str, revision: int) -> None:
        """Remember that the broker has an order; called from its own thread."""
        with self._guard:
            self._taken[meter_id] = (revision, self._core.clock.now())


def _receivers(uow: UnitOfWork, keyring: Keyring, meter_ids: set[str]) -> dict[str, _Receiver]:
    """Return the meters that can be spoken to; those without keys are left out."""
    addresses = keyring.addresses(uow, meter_ids)
    clocks = zones(uow, {address.site for address in addresses.values()})
    contacts = uow.contacts.get_all(addresses)
    epochs: dict[str, list[MeterEpoch]] = {}
    for epoch in uow.meter_epochs.where_in("meter_id", addresses):
        epochs.setdefault(epoch.meter_id, []).append(epoch)
    return {
        key: _Receiver(
            key,
            one.site,
            one.keys,
            clocks[one.site],
            tuple(epochs.get(key, ())),
            contacts[key].gateway if key in contacts else "",
        )
        for key, one in addresses.items()
        if one.keys is not None
    }
