"""A broker, a fleet on it, and a desk that wants states of the meters: everything real but the service."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

from benchmarks import private_broker, raw_mqtt
from benchmarks.private_broker import Broker
from benchmarks.raw_desk import EPOCH, NOON_S, Desk
from device import station
from device.emulated import Emulated
from device.fleet import Fleet
from device.identity import Identity
from device.loads import Steady
from device.radio import CLEAR, Radio
from device.signing import MeterKeys
from device.state import Flash, Nameplate
from device.station import Station
from microgrid.bridge.certificates import make_authority, make_certificate
from microgrid.clock import WallClock, stopwatch

SITE = "kisiju"
PATIENCE_S = 60.0  # far more than is needed; reached only when something is wrong
LOAD_W = 100


def identity(number: int) -> Identity:
    """Return a meter of the village."""
    keys = MeterKeys((number.to_bytes(4, "big") * 8, None))
    return Identity(Nameplate(SITE, f"M-{number}", keys), f"M-{number}", f"secret {number}")


def acl_of(identities: list[Identity]) -> list[str]:
    """Return what the broker lets meters and the service do."""
    lines = ["user service", "topic readwrite mg/#"]
    for each in identities:
        own = f"mg/1/{SITE}/{each.plate.meter}"
        lines += [f"user {each.username}"]
        lines += [f"topic read {own}/{kind}" for kind in ("desired", "request")]
        lines += [f"topic write {own}/{kind}" for kind in ("reported", "readings", "event", "link")]
    return lines


@dataclass
class World:
    """Meters, their broker and who wants something of them."""

    broker: Broker
    fleet: Fleet
    desk: Desk
    identities: list[Identity]
    names: list[str] = field(default_factory=list)

    def go_on(self, until: Callable[[], bool]) -> None:
        """Let everything happen until something is so."""
        took_s = stopwatch()
        while not until():
            self.fleet.turn(0.01)
            if self.broker.running is not None:
                self.desk.turn()
            assert took_s() < PATIENCE_S, f"still waiting: {self.fleet.counts}"

    def go_on_for(self, seconds: float) -> None:
        """Let everything happen for some seconds of the wall clock."""
        took_s = stopwatch()
        self.go_on(lambda: took_s() >= seconds)

    def want_all(self, revision: int, *, on: bool = True) -> None:
        """Want one state of every meter."""
        for name in self.names:
            self.desk.want(name, revision, on=on)

    def station(self, name: str) -> Station:
        """Return a meter."""
        return next(each for each in self.fleet.stations if each.meter == name)

    def are_all_here(self) -> bool:
        """Return whether every meter is connected."""
        return all(each.is_here for each in self.fleet.stations)

    def desk_comes_back(self) -> None:
        """Let the desk connect again, after its broker was away."""
        self.desk.client.link.close()
        self.desk.listen(raw_mqtt.connected(self.broker.address, "service", "service", "open sesame"))


@dataclass
class Secure:
    """A second door of a broker, for TLS, and who trusts it."""

    port: int
    settings: tuple[str, ...]
    files: dict[str, bytes]
    context: ssl.SSLContext


def secure() -> Secure:
    """Return a door with a certificate of an authority made for it."""
    authority = make_authority("village", WallClock().now())
    own = make_certificate(authority, "broker", [private_broker.HOST], WallClock().now())
    port = private_broker.free_port(range(30_000, 32_000))
    files = {"broker.crt": own.certificate, "broker.key": own.key}
    paths = ("certfile {folder}/broker.crt", "keyfile {folder}/broker.key")
    context = ssl.create_default_context(cadata=authority.certificate.decode())
    return Secure(port, (f"listener {port} {private_broker.HOST}", *paths), files, context)


@contextmanager
def village(
    meters: int,
    *,
    speed: int = 1,
    radio: Radio = CLEAR,
    keepalive_s: int = 60,
    settings: tuple[str, ...] = (),
    ring_rows: int = 96,
    tls: bool = False,
) -> Iterator[World | None]:
    """Run a village of meters that each draw 100 W, or give nothing where there is no Mosquitto."""
    identities = [identity(number) for number in range(1, meters + 1)]
    passwords = {each.username: each.password for each in identities} | {"service": "open sesame"}
    secured = secure() if tls else None
    lines, files = (secured.settings, secured.files) if secured is not None else ((), {})
    with private_broker.broker(passwords, acl_of(identities), (*settings, *lines), files) as broker:
        if broker is None:
            yield None
            return
        port, context = (broker.port, None) if secured is None else (secured.port, secured.context)
        reached = station.Broker(private_broker.HOST, port, keepalive_s, context, first_wait_s=0.5)
        fleet = Fleet(reached, np.random.default_rng(7), stopwatch(), NOON_S, speed, radio)
        client = raw_mqtt.connected(broker.address, "service", "service", "open sesame")
        keys = {each.plate.meter: each.plate.keys for each in identities}
        world = World(broker, fleet, Desk(SITE, keys, client), identities, list(keys))
        for each in identities:
            fleet.add(each, Emulated(each.plate, Flash(EPOCH), Steady(LOAD_W), NOON_S, ring_rows))
        try:
            yield world
        finally:
            fleet.stop()
            world.desk.client.link.close()
