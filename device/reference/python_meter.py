"""A meter of profile S in under 200 lines, sharing no code with ours: read it, then write your own.

    python3 -m device.reference.python_meter HOST PORT SITE METER KEY_HEX USER PASSWORD

It reads watts as whole numbers from standard input, one line per second that passes, and prints the relay's state.
Power limits, quiet hours and grace are left out: it says "not capable" when it is asked for them.
"""

from __future__ import annotations

import hmac
import secrets
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import cbor2
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

OK, STALE, BAD_MAC, EXPIRED, CLOCK_UNKNOWN, NOT_CAPABLE = 0, 1, 2, 3, 4, 6
HEAD = bytes.fromhex("d18443a10105a10441")  # tag 17, four items, {1: 5}, {4: one byte}
U32, WH, TIME, DAY = 2**32 - 1, 2**48, 2**40, 86_400
TERMS = (U32, U32, U32, 1, DAY, DAY, U32)
FORMS = {  # the highest value of each key
    "desired": (1, U32, 1, WH, TIME, U32, TIME, TERMS, TIME, U32, U32, U32, DAY),
    "request": (1, 3, U32, U32, U32, TIME, (U32, U32)),
}
MAY_BE_NULL = {"desired": {3, 4, 5, 11}, "request": {6}}


def fits(value: Any, highest: Any) -> bool:
    """Return whether a value is a whole number from 0 to the highest, or a list of such."""
    if isinstance(highest, tuple):
        return type(value) is list and len(value) == len(highest) and all(map(fits, value, highest))
    return type(value) is int and 0 <= value <= highest


def read(kind: str, payload: bytes) -> dict[int, Any] | None:
    """Return the fields of a payload, or nothing when it is not as the protocol says; keys not known are passed over."""
    forms = FORMS[kind]
    try:
        told = cbor2.loads(payload, max_depth=4, allow_indefinite=False, allow_duplicate_keys=False)
        exact = cbor2.dumps(told) == payload  # one way of writing it, and no other
    except (cbor2.CBORError, ValueError, TypeError):
        return None
    if not exact or type(told) is not dict or any(type(key) is not int for key in told):
        return None
    if list(told)[: len(forms)] != list(range(len(forms))) or told[0] != 1:
        return None
    empty = {key for key in MAY_BE_NULL[kind] if told[key] is None}
    return told if all(key in empty or fits(told[key], most) for key, most in enumerate(forms)) else None


def proof(key: bytes, topic: str, payload: bytes) -> bytes:
    """Return the proof of a payload: HMAC-SHA256 over the structure of RFC 9052, 6.3."""
    proven = b"\x84\x64MAC0\x43\xa1\x01\x05" + cbor2.dumps(topic.encode()) + cbor2.dumps(payload)
    return hmac.digest(key, proven, "sha256")


@dataclass
class Meter:
    """One meter and what it remembers; a real one writes `saved` to flash before it moves the relay or tells of it."""

    site: str
    name: str
    key: bytes
    epoch: int
    publish: Callable[..., Any]  # topic, message, quality of service, whether it is retained
    saved: dict[str, Any] = field(default_factory=lambda: {"revision": 0, "boot": 0, "ws": 0, "seq": 1, "now_s": 0})
    clock_set: bool = False
    birth: int = 0
    is_timed: bool = False  # since this coming
    relay: bool = False
    power_w: int = 0

    def boot(self) -> None:
        """Start with power; the clock goes on from what was saved."""
        self.saved["boot"] += 1
        self.clock_set = self.relay = False
        self.decide()

    @property
    def held(self) -> dict[int, Any]:
        """Return the desired state held: off, when nothing is."""
        return self.saved.get("held", {2: 0, 4: None})

    def topic(self, kind: str) -> str:
        """Return the canonical topic of a kind of message."""
        return f"mg/1/{self.site}/{self.name}/{kind}"

    def seal(self, kind: str, fields: list[Any]) -> bytes:
        """Return a message in its envelope: a map with keys 0, 1, 2 and so on."""
        payload = cbor2.dumps(dict(enumerate([1, *fields])))
        return HEAD + b"\x00" + cbor2.dumps(payload) + cbor2.dumps(proof(self.key, self.topic(kind), payload))

    def send(self, kind: str, fields: list[Any]) -> None:
        """Put a message out."""
        self.publish(self.topic(kind), self.seal(kind, fields), 1, kind == "link")

    def open(self, kind: str, message: bytes) -> bytes | None:
        """Return the payload of a message, or nothing when it is not proven."""
        try:
            payload, tag = cbor2.loads(message[1:])[2:]
            exact = HEAD + b"\x00" + cbor2.dumps(payload) + cbor2.dumps(tag) == message
        except (cbor2.CBORError, TypeError, ValueError):
            return None
        if not exact or type(payload) is not bytes or type(tag) is not bytes or len(message) > 512:
            return None
        return payload if hmac.compare_digest(tag, proof(self.key, self.topic(kind), payload)) else None

    def report(self, result: int = OK) -> None:
        """Say what state the meter is in, as measured."""
        saved, until_s = self.saved, self.held[4]
        left_s = None if until_s is None else max(0, until_s - saved["now_s"])
        state = [saved["revision"], int(self.relay), saved["ws"] // 3600, result, saved["now_s"], saved["boot"]]
        self.send("reported", [*state, self.power_w, 0, self.epoch, left_s])

    def link(self, here: int) -> list[Any]:
        """Return what a coming or going says."""
        return [self.saved["boot"], here, 1, 17, self.birth, self.saved["seq"] - 1, 0, int(self.clock_set)]

    def coming(self, birth: int) -> bytes:
        """Begin a coming with a fresh random number, and return its will."""
        self.birth, self.is_timed = birth, False
        return self.seal("link", self.link(0))

    def hear(self, kind: str, message: bytes) -> None:
        """Take in a message of the service."""
        payload = self.open(kind, message)
        fields = None if payload is None else read(kind, payload)
        if kind == "desired" and fields is None:
            self.report(BAD_MAC if payload is None else NOT_CAPABLE)
        elif fields is not None:
            (self.desire if kind == "desired" else self.answer)(fields)

    def desire(self, told: dict[int, Any]) -> None:
        """Obey a desired state that is newer than the one held."""
        if told[5] is not None or told[11] is not None or any(told[7]):
            self.report(NOT_CAPABLE)
        elif told[1] <= self.saved["revision"]:
            self.report(STALE if told[1] < self.saved["revision"] else OK)
        elif "held" not in self.saved and not self.clock_set:
            self.report(CLOCK_UNKNOWN)
        elif told[8] <= self.saved["now_s"]:
            self.report(EXPIRED)
        else:
            now_s = self.saved["now_s"] if self.clock_set else max(self.saved["now_s"], told[6])
            self.saved.update(revision=told[1], held=told, now_s=now_s)  # before the relay moves
            self.decide()
            self.report()

    def answer(self, asked: dict[int, Any]) -> None:
        """Answer a request: a report, who is here, or a new time if it repeats this coming; then time only rises."""
        is_mine = (asked[3], asked[4]) == (self.saved["boot"], self.birth)
        if asked[1] == 1 and is_mine and (not self.is_timed or asked[5] > self.saved["now_s"]):
            self.saved["now_s"], self.clock_set, self.is_timed = asked[5], True, True
            self.decide()
        if asked[1] == 0 or (asked[1] == 1 and is_mine):
            self.report()
        elif asked[1] == 3:
            self.send("link", self.link(1))

    def decide(self) -> bool:
        """Move the relay where limits say; returns whether it moved."""
        held, was = self.held, self.relay
        self.relay = held[2] == 1
        if self.relay and held[3] is not None:  # a register of another epoch says that prepaid energy has ended
            self.relay = held[9] == self.epoch and self.saved["ws"] // 3600 < held[3]
        if self.relay and held[4] is not None:
            self.relay = self.saved["now_s"] < held[4]
        return self.relay != was

    def second(self, load_w: int) -> None:
        """Let a second pass with a load behind the relay."""
        self.power_w = load_w if self.relay else 0
        self.saved.update(ws=self.saved["ws"] + self.power_w, now_s=self.saved["now_s"] + 1)
        if self.decide():
            self.send("event", [self.epoch, self.saved["seq"], 5, self.saved["ws"] // 3600, self.saved["now_s"]])
            self.saved["seq"] += 1
            self.report()


def main(host: str, port: str, site: str, name: str, key: str, user: str, password: str) -> None:
    """Run the meter on a broker until its input ends."""
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=name, clean_session=False)
    meter = Meter(site, name, bytes.fromhex(key), secrets.randbits(32), client.publish)

    def before_connect(*_: Any) -> None:
        client.will_set(meter.topic("link"), meter.coming(secrets.randbits(32)), qos=1, retain=True)

    def on_connect(*_: Any) -> None:
        client.subscribe([(meter.topic("desired"), 1), (meter.topic("request"), 1)])
        meter.send("link", meter.link(1))

    def on_message(_client: Any, _data: Any, message: mqtt.MQTTMessage) -> None:
        meter.hear(message.topic.rsplit("/", 1)[1], bytes(message.payload))

    client.on_pre_connect, client.on_connect, client.on_message = before_connect, on_connect, on_message
    meter.boot()
    client.username_pw_set(user, password)
    client.connect(host, int(port), keepalive=60)
    client.loop_start()
    for line in sys.stdin:
        meter.second(int(line))
        sys.stdout.write("closed\n" if meter.relay else "open\n")
        sys.stdout.flush()
    client.disconnect()


if __name__ == "__main__":
    main(*sys.argv[1:])
