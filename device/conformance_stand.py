"""A meter without hardware on a stand: it speaks over a broker, and lines on standard input are its bench.

    python3 -m device.conformance_stand HOST PORT METERS METER PROFILE

runs an emulated meter so; `device.reference.c99_on_broker` the one in C. Its time passes only when a line says so.
"""

from __future__ import annotations

import secrets
import select
import socket
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol, TextIO

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from device.emulated import Emulated
from device.faults import Fault, Mishap
from device.identity import Identity, identities_of
from device.keypad import Keypad
from device.loads import Steady
from device.messages import Capability
from device.state import Flash, Send

CAPABILITIES = {
    "T": Capability.KEYPAD,
    "S": Capability.SWITCH | Capability.CLOCK,
    "M": Capability.SWITCH | Capability.RING | Capability.CLOCK,
}
KEEPALIVE_S = 60
AGAIN_S = 1.0
BEGIN_S = 1_700_000_000  # what time it is behind the meter does not matter
Said = list[tuple[str, bytes]]


class Standing(Protocol):
    """What a stand needs of a meter; what it says is returned as kind and bytes."""

    @property
    def is_closed(self) -> bool:
        """Return whether current can flow."""
        ...

    def come(self, birth: int) -> Said:
        """Let the link come up."""
        ...

    def will(self, birth: int) -> bytes:
        """Return what the broker is to publish when this coming ends."""
        ...

    def hear(self, kind: str, body: bytes) -> Said:
        """Let a message of the service come."""
        ...

    def run(self, power_w: int, seconds: int) -> Said:
        """Let time pass with a load behind the relay."""
        ...

    def cut(self) -> None:
        """Take the power away and give it back."""
        ...

    def forget(self, epoch: int) -> None:
        """Do the same with an empty memory; `epoch` numbers its registers from then on."""
        ...

    def weld(self, *, is_stuck: bool) -> None:
        """Let the relay stick closed, or let it go."""
        ...

    def type(self, digits: str) -> Said | None:
        """Press digits on the keypad; nothing where there is none."""
        ...


class EmulatedOnStand:
    """The emulated meter of this project."""

    def __init__(self, identity: Identity, profile: str, epoch: int) -> None:
        keypad = None if identity.secret is None else Keypad(identity.secret)
        keys = Capability.KEYPAD if keypad is not None else 0
        plate = replace(identity.plate, capabilities=CAPABILITIES[profile] | keys)
        self._meter = Emulated(plate, Flash(epoch, keypad=keypad), Steady(0), BEGIN_S)

    @property
    def is_closed(self) -> bool:
        """Return whether current can flow."""
        return self._meter.closed

    def come(self, birth: int) -> Said:
        """Let the link come up."""
        return _plain(self._meter.connect(birth))

    def will(self, birth: int) -> bytes:
        """Return what the broker is to publish when this coming ends."""
        return self._meter.will(birth)

    def hear(self, kind: str, body: bytes) -> Said:
        """Let a message of the service come."""
        return _plain(self._meter.hear(kind, body))

    def run(self, power_w: int, seconds: int) -> Said:
        """Let time pass with a load behind the relay."""
        self._meter.draw(Steady(power_w))
        return _plain(self._meter.advance(self._meter.at_s + seconds))

    def cut(self) -> None:
        """Take the power away and give it back."""
        self._meter.cut_power()

    def forget(self, epoch: int) -> None:
        """Do the same with an empty memory."""
        self._meter.lose_memory(epoch)

    def weld(self, *, is_stuck: bool) -> None:
        """Let the relay stick closed, or let it go."""
        mishap = Mishap(0, self._meter.meter.nameplate.meter, Fault.WELDED)
        self._meter.suffer(mishap, 0, ends=not is_stuck)

    def type(self, digits: str) -> Said | None:
        """Press digits on the keypad; nothing where there is none."""
        if self._meter.flash.keypad is None:
            return None
        return _plain(self._meter.type(digits)[1])


class Stand:
    """A meter, its connection and its bench, served by one thread; `draw` gives random numbers below 2**32."""

    def __init__(self, meter: Standing, identity: Identity, address: tuple[str, int] | None, draw: Callable[[], int]):
        self._meter, self._identity, self._address, self._draw = meter, identity, address, draw
        self._client: mqtt.Client | None = None

    def serve(self, lines: TextIO, answers: TextIO) -> None:
        """Run until there are no more lines."""
        self._connect()
        self._answer(answers, "0 0")
        while True:
            opened: Any = None if self._client is None else self._client.socket()
            if self._client is not None and opened is None:
                self._connect()
                continue
            watched: list[Any] = [lines] if opened is None else [lines, opened]
            readable, _, _ = select.select(watched, [], [], AGAIN_S)
            if self._client is not None:
                self._turn(self._client, is_readable=opened in readable)
            if lines in readable:
                line = lines.readline()
                if not line:
                    return
                self._answer(answers, line.strip())

    def do(self, line: str) -> str:
        """Do what a line of the bench says, and return the relay's state."""
        verb, _, rest = line.partition(" ")
        if verb.isdecimal() and rest.isdecimal():
            self._publish(self._meter.run(int(verb), int(rest)))
        elif verb in ("cut", "forget"):
            self._break()
            self._meter.cut() if verb == "cut" else self._meter.forget(self._draw())
            self._connect()
        elif verb in ("weld", "free"):
            self._meter.weld(is_stuck=verb == "weld")
        elif verb == "type" and (said := self._meter.type(rest)) is not None:
            self._publish(said)
        else:
            return "cannot"
        return "closed" if self._meter.is_closed else "open"

    def _answer(self, answers: TextIO, line: str) -> None:
        answers.write(f"{self.do(line)}\n")
        answers.flush()

    def _connect(self) -> None:
        if self._address is None:
            return
        plate, birth = self._identity.plate, self._draw()
        client = mqtt.Client(CallbackAPIVersion.VERSION2, plate.meter, clean_session=False)
        client.username_pw_set(self._identity.username, self._identity.password)
        client.will_set(self._topic("link"), self._meter.will(birth), 1, retain=True)
        client.on_socket_open = _without_delay
        client.on_message = self._heard

        def come(*_: Any) -> None:
            client.subscribe([(self._topic("desired"), 1), (self._topic("request"), 1)])
            self._publish(self._meter.come(birth))

        client.on_connect = come
        self._client = client
        client.connect(*self._address, keepalive=KEEPALIVE_S)

    def _break(self) -> None:
        """Let the connection break as in a power cut: the broker is told nothing."""
        opened = None if self._client is None else self._client.socket()
        if opened is not None:
            opened.close()

    def _turn(self, client: mqtt.Client, *, is_readable: bool) -> None:
        if is_readable and client.loop_read() != MQTTErrorCode.MQTT_ERR_SUCCESS:
            return
        client.loop_write()
        client.loop_misc()

    def _heard(self, _client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        self._publish(self._meter.hear(message.topic.rsplit("/", 1)[1], bytes(message.payload)))

    def _publish(self, said: Said) -> None:
        for kind, body in said:
            if self._client is not None:
                self._client.publish(self._topic(kind), body, qos=1, retain=kind == "link")

    def _topic(self, kind: str) -> str:
        plate = self._identity.plate
        return f"mg/1/{plate.site}/{plate.meter}/{kind}"


def stand_of(arguments: list[str], made: Callable[[Identity, int], Standing]) -> Stand:
    """Return a stand for a meter named on a command line: HOST PORT METERS METER; HOST - is without a broker."""
    host, port, meters, name = arguments[:4]
    known = {each.plate.meter: each for each in identities_of(Path(meters).read_text().splitlines())}
    address = None if host == "-" else (host, int(port))
    return Stand(made(known[name], _draw()), known[name], address, _draw)


def _draw() -> int:
    return secrets.randbits(32)


def _plain(sends: list[Send]) -> Said:
    return [(send.kind, send.body) for send in sends]


def _without_delay(_client: mqtt.Client, _data: Any, opened: Any) -> None:
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


if __name__ == "__main__":
    chosen = sys.argv[5]
    stand_of(sys.argv[1:], lambda who, epoch: EmulatedOnStand(who, chosen, epoch)).serve(sys.stdin, sys.stdout)
