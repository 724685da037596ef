"""A village over a real broker: the service, its bridge with all its threads, and a fleet of emulated meters."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import numpy as np

from benchmarks import private_broker
from benchmarks.private_broker import Broker
from device.emulated import Emulated
from device.fleet import Fleet
from device.identity import Identity
from device.loads import Steady
from device.radio import CLEAR, Radio
from device.signing import MeterKeys
from device.state import Flash, Nameplate
from device.station import Broker as Reached
from device.station import Station
from microgrid.bridge.link import BrokerAccess
from microgrid.bridge.running import Bridge
from microgrid.bridge.wire import seconds
from microgrid.clock import stopwatch
from microgrid.ports import Core
from microgrid.sealing import SealedKeys
from microgrid.switching.meter_keys import put_keys
from microgrid.switching.supply import Twin
from tests.bridge.field import SITE, key_of
from tests.flows.village import ENERGY, START, AnyStore, HandClock, Village, make_village

PATIENCE_S = 60.0  # far more than is needed; reached only when something is wrong
ADMIN = ("service", "open sesame")


class RunningClock(HandClock):
    """A clock that begins at a fixed moment and runs as all clocks do, or some times as fast."""

    def __init__(self, speed: int = 1) -> None:
        super().__init__(START)
        self._took_s, self._speed = stopwatch(), speed

    def now(self) -> datetime:
        return self.at + timedelta(seconds=self._took_s() * self._speed)


@dataclass
class Live:
    """The village, its broker and its meters."""

    village: Village
    broker: Broker
    fleet: Fleet
    bridge: Bridge
    offline: Core  # the same control plane without its bridge
    access: BrokerAccess
    names: list[str] = field(default_factory=list)

    @property
    def meter_ids(self) -> list[str]:
        return [f"M-{name}" for name in self.names]

    def go_on(self, until: Callable[[], bool], patience_s: float = PATIENCE_S) -> None:
        """Let everything happen until something is so."""
        took_s = stopwatch()
        while not until():
            self.fleet.turn(0.01)
            assert took_s() < patience_s, f"still waiting: {self.fleet.counts} {self.bridge.well()}"

    def go_on_for(self, seconds_: float) -> None:
        """Let everything happen for some seconds of the wall clock."""
        took_s = stopwatch()
        self.go_on(lambda: took_s() >= seconds_)

    def station(self, name: str) -> Station:
        return next(each for each in self.fleet.stations if each.meter == f"M-{name}")

    def is_on(self, name: str) -> bool:
        return self.station(name).device.closed

    def are_on(self, names: Sequence[str] = ()) -> bool:
        return all(self.is_on(name) for name in names or self.names)

    def twins(self) -> dict[str, Twin]:
        with self.village.store.read() as uow:
            return uow.twins.get_all(self.meter_ids)

    def are_confirmed(self) -> bool:
        """Return whether every meter has said that it holds what we desire of it."""
        return all(twin.desired is not None and twin.confirmed for twin in self.twins().values())

    def are_heard(self) -> bool:
        """Return whether every meter has come, knows the time, and was heard."""
        with self.village.store.read() as uow:
            epochs = {epoch.meter_id for epoch in uow.meter_epochs.where_in("meter_id", self.meter_ids)}
        return len(epochs) == len(self.names) and all(each.device.knows_the_time for each in self.fleet.stations)

    def pay_all(self, receipt: str, amount_minor: int) -> None:
        for name in self.names:
            self.village.pay(f"{receipt}{name}", amount_minor, name)


def plate_of(name: str) -> Nameplate:
    """Return the meter of an account."""
    return Nameplate(SITE, f"M-{name}", MeterKeys((key_of(f"M-{name}"), None)))


def acl_of(names: Sequence[str]) -> list[str]:
    """Return what the broker lets meters and the service do."""
    lines = [f"user {ADMIN[0]}", "topic readwrite mg/#"]
    for name in names:
        own = f"mg/1/{SITE}/M-{name}"
        lines += [f"user M-{name}", f"topic read {own}/desired", f"topic read {own}/request"]
        lines += [f"topic write {own}/{kind}" for kind in ("reported", "readings", "event", "link")]
    return lines


@contextmanager
def live(
    store: AnyStore,
    meters: int,
    *,
    load_w: int = 100,
    radio: Radio = CLEAR,
    keepalive_s: int = 60,
    settings: tuple[str, ...] = (),
    version: int = 5,
    speed: int = 1,
    worker: str = "",
) -> Iterator[Live | None]:
    """Run a village of meters, or give nothing where there is no Mosquitto."""
    names = [f"K-{number}" for number in range(101, 101 + meters)]
    passwords = {f"M-{name}": f"secret {name}" for name in names} | dict([ADMIN])
    with private_broker.broker(passwords, acl_of(names), settings) as broker:
        if broker is None:
            yield None
            return
        clock = RunningClock(speed)
        village = make_village(store, keys=SealedKeys(bytes(32)))
        village.clock, village.core = clock, replace(village.core, clock=clock)
        offline = village.core
        access = BrokerAccess(private_broker.HOST, broker.port, "bridge", *ADMIN, version=5 if version == 5 else 4)
        bridge = Bridge(village.core, access, worker)
        village.core = bridge.core
        for number, name in enumerate(names):
            village.settle_in(ENERGY, name) if number == 0 else village.move_in(name)
        with store.begin() as uow:
            for name in names:
                put_keys(uow, village.core.keys, f"M-{name}", SITE, plate_of(name).keys, clock.now())
        reached = Reached(private_broker.HOST, broker.port, keepalive_s, first_wait_s=0.5)
        fleet = Fleet(reached, np.random.default_rng(7), stopwatch(), seconds(START), speed, radio)
        for name in names:
            device = Emulated(plate_of(name), new_flash(name), Steady(load_w), seconds(START), 96)
            fleet.add(Identity(device.meter.nameplate, f"M-{name}", f"secret {name}"), device)
        bridge.start()
        try:
            yield Live(village, broker, fleet, bridge, offline, access, names)
        finally:
            bridge.stop(10)
            fleet.stop()


def new_flash(name: str) -> Flash:
    """Return what a meter has saved that comes from the shop with 1,000 Wh on its register."""
    empty = Flash(sum(name.encode()))
    return replace(empty, used=replace(empty.used, total_ws=1000 * 3600))
