"""A village whose meters are emulated, and the bridge between: what a test does there, and what it sees."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from device.emulated import Emulated
from device.loads import Steady
from device.messages import Capability
from device.signing import MeterKeys, topic
from device.state import Flash, Nameplate, Send
from microgrid import meter_flows
from microgrid.bridge.carrier import Arrived, nothing
from microgrid.bridge.inbox import Inbox
from microgrid.bridge.inprocess import Hub
from microgrid.bridge.keyring import Keyring
from microgrid.bridge.outgoing import Outgoing
from microgrid.bridge.wire import UPLINKS, seconds
from microgrid.ports import Core
from microgrid.sealing import SealedKeys
from microgrid.switching.meter_keys import put_keys
from microgrid.switching.supply import Twin
from tests.flows.village import ENERGY, AnyStore, Village, make_village

SITE = "kisiju"
ALL = Capability.SWITCH | Capability.RING | Capability.CLOCK


def key_of(meter_id: str) -> bytes:
    """Return the first key of a meter in these tests."""
    return meter_id.encode().ljust(32, b"k")


class RoughHub(Hub):
    """A hub that may say everything several times, be away, or lose what it kept."""

    def __init__(self) -> None:
        super().__init__()
        self.copies, self.is_away, self.to_lose = 1, False, 0
        self.went: list[str] = []
        self.seen: list[tuple[str, bytes]] = []

    def publish(self, topic: str, body: bytes, *, retain: bool, taken: Callable[[], None] = nothing) -> bool:
        if self.is_away:
            return False
        self.went.append(topic)
        self.seen.append((topic, body))
        if self.to_lose > 0:
            self.to_lose -= 1
            taken()
            return True  # success, and nothing of it
        return all(super(RoughHub, self).publish(topic, body, retain=retain, taken=taken) for _ in range(self.copies))

    def shuffle(self, chance: np.random.Generator) -> None:
        """Let what waits come in another order."""
        waiting = list(self._waiting)
        self._waiting = deque(waiting[place] for place in chance.permutation(len(waiting)))

    def lose_memory(self) -> None:
        """Forget what was kept, as a broker does that is killed."""
        self._retained.clear()


@dataclass
class Radio:
    """One emulated meter on the hub; what it says while it is away is lost."""

    hub: Hub
    device: Emulated
    births: int = 100
    is_here: bool = False
    lost: list[Send] = field(default_factory=list)

    @property
    def meter_id(self) -> str:
        return self.device.meter.nameplate.meter

    def come(self) -> None:
        """Connect to the hub."""
        self.births += 1
        self.is_here = True
        for kind in ("desired", "request"):
            self.hub.listen(topic(SITE, self.meter_id, kind), self.hear)
        self.say(self.device.connect(self.births))

    def go(self) -> None:
        """Lose the connection; the hub publishes the will."""
        self.is_here = False
        self.hub.deafen(self.hear)
        will = self.device.will(self.births)
        self.hub.publish(topic(SITE, self.meter_id, "link"), will, retain=True)

    def hear(self, arrived: Arrived) -> None:
        self.say(self.device.hear(arrived.topic.rsplit("/", 1)[-1], arrived.body))

    def say(self, said: list[Send]) -> None:
        for each in said:
            if self.is_here:
                retain = each.kind == "link"
                self.hub.publish(topic(SITE, self.meter_id, each.kind), each.body, retain=retain)
            else:
                self.lost.append(each)


@dataclass
class Field:
    """A village, a hub, and the meters on it."""

    village: Village
    hub: RoughHub
    outgoing: Outgoing
    inbox: Inbox
    radios: dict[str, Radio] = field(default_factory=dict)

    @property
    def core(self) -> Core:
        return self.village.core

    def install(self, name: str = "K-104", load_w: int = 0, capabilities: int = ALL, epoch: int = 7_000) -> Radio:
        """Give the meter of an account its keys, and switch it on."""
        keys = MeterKeys((key_of(f"M-{name}"), None))
        now = self.village.clock.now()
        with self.core.store.begin() as uow:
            put_keys(uow, self.core.keys, f"M-{name}", SITE, keys, now)
        plate = Nameplate(SITE, f"M-{name}", keys, capabilities)
        used = replace(Flash(epoch).used, total_ws=1000 * 3600)
        device = Emulated(plate, Flash(epoch, used=used), Steady(load_w), seconds(now))
        radio = self.radios[f"M-{name}"] = Radio(self.hub, device)
        return radio

    def settle(self) -> None:
        """Let everything that is under way arrive, and what follows from it."""
        while self.hub.deliver() + self.inbox.work() + self.outgoing.work():
            pass
        self.outgoing.write_down()

    def run(self, seconds_: int, step_s: int = 60) -> None:
        """Let time pass for service and meters, and let them talk."""
        for _ in range(seconds_ // step_s):
            self.village.clock.pass_(seconds=step_s)
            for radio in self.radios.values():
                radio.say(radio.device.advance(seconds(self.village.clock.now())))
            self.settle()
            meter_flows.send_again(self.core)
            self.settle()

    def twin(self, name: str = "K-104") -> Twin:
        with self.core.store.read() as uow:
            return uow.twins.get(f"M-{name}")

    def is_on(self, name: str = "K-104") -> bool:
        return self.radios[f"M-{name}"].device.closed


def make_field(store: AnyStore) -> Field:
    """Return a village with one home and a bridge, on a hub."""
    village, hub = make_village(store, keys=SealedKeys(bytes(32))), RoughHub()
    keyring = Keyring(village.core.keys)
    outgoing = Outgoing(village.core, hub, keyring)
    village.core = replace(village.core, link=outgoing)
    inbox = Inbox(village.core, keyring)
    for kind in UPLINKS:
        hub.listen(f"mg/1/+/+/{kind}", inbox.put)
    village.settle_in(ENERGY)
    return Field(village, hub, outgoing, inbox)
