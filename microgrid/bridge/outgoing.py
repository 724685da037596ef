"""What goes out to meters: of each meter the newest order alone, so that a broker that is away costs no room.

`send` and `request` only put down what is to be sent: they are called by whoever has just committed, wait for nothing
and never fail. `work` signs and publishes it; what finds no way stays, and goes when there is one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import partial
from itertools import count, islice
from zoneinfo import ZoneInfo

from microgrid import meter_flows
from microgrid.bridge.carrier import Carrier
from microgrid.bridge.keyring import Address, Keyring, zones
from microgrid.bridge.wire import Topic, ask_message, desired_message, proven, seconds
from microgrid.ports import Core
from microgrid.switching.epochs import wire_epoch_of
from microgrid.switching.meter_records import MeterEpoch
from microgrid.switching.supply import Desired
from microgrid.switching.told import Ask

AT_ONCE = 500
MOST_ASKS = 20_000  # questions that wait; older ones are forgotten, since meters are asked again
LARGEST_U32 = 2**32

Question = tuple[str, Ask]


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
        meter_ids = {*orders, *(meter_id for meter_id, _ in asks)}
        with self._core.store.read() as uow:
            addresses = self._keyring.addresses(uow, meter_ids)
            epochs = _by_meter(uow.meter_epochs.where_in("meter_id", orders))
            clocks = zones(uow, {address.site for address in addresses.values()})
        went = 0
        for meter_id, ask in asks:  # first the time: without it a meter may refuse its order
            went += self._ask(addresses.get(meter_id), meter_id, ask, now)
        for meter_id, desired in orders.items():
            went += self._order(addresses.get(meter_id), clocks, epochs.get(meter_id, []), meter_id, desired, now)
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

    def _ask(self, address: Address | None, meter_id: str, ask: Ask, now: datetime) -> bool:
        went = address is None or address.keys is None or self._asked(address, meter_id, ask, now)
        if went:
            with self._guard:
                self._asks.pop((meter_id, ask), None)
        return went

    def _asked(self, address: Address, meter_id: str, ask: Ask, now: datetime) -> bool:
        assert address.keys is not None, "looked at before"
        topic = Topic(address.site, meter_id, "request")
        body = proven(ask_message(ask, next(self._numbers) % LARGEST_U32, now), address.keys, topic)
        return self._carrier.publish(str(topic), body, retain=False)

    def _order(
        self,
        address: Address | None,
        clocks: Mapping[str, ZoneInfo],
        epochs: list[MeterEpoch],
        meter_id: str,
        desired: Desired,
        now: datetime,
    ) -> bool:
        """Publish an order; a meter that was never heard in this register is asked to report first."""
        went = True
        if address is not None and address.keys is not None:
            wire_epoch = wire_epoch_of(epochs, desired.epoch)
            if wire_epoch is None:
                went = self._asked(address, meter_id, Ask("report"), now)
            else:
                topic = Topic(address.site, meter_id, "desired")
                message = desired_message(desired, wire_epoch, clocks[address.site], now)
                body, taken = proven(message, address.keys, topic), partial(self._note, meter_id, desired.revision)
                went = self._carrier.publish(str(topic), body, retain=True, taken=taken)
        if went:
            with self._guard:
                if self._orders.get(meter_id) is desired:
                    del self._orders[meter_id]
        return went

    def _note(self, meter_id: str, revision: int) -> None:
        """Remember that the broker has an order; called from its own thread."""
        with self._guard:
            self._taken[meter_id] = (revision, self._core.clock.now())


def _by_meter(epochs: Iterable[MeterEpoch]) -> dict[str, list[MeterEpoch]]:
    found: dict[str, list[MeterEpoch]] = {}
    for epoch in epochs:
        found.setdefault(epoch.meter_id, []).append(epoch)
    return found
