"""A meter of profile S in under 200 lines, sharing no code with ours: read it, then write your own.

    python3 -m device.reference.python_meter HOST PORT SITE METER KEY_HEX USER PASSWORD

It reads watts as whole numbers from standard input, one line per second that passes, and prints the relay's state.
Power limits, quiet hours and grace are left out: it says "not capable" when it is asked for them.
"""

from __future__ import annotations

import hmac
import secrets
import sys
from dataclasses import dataclass, field
from typing import Any

import cbor2
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

OK, STALE, BAD_MAC, EXPIRED, CLOCK_UNKNOWN, NOT_CAPABLE = 0, 1, 2, 3, 4, 6
HEAD = bytes.fromhex("d18443a10105a10441")  # tag 17, four items, {1: 5}, {4: one byte}


def byte_string(content: bytes) -> bytes:
    """Return a CBOR byte string."""
    return cbor2.dumps(content)


def proof(key: bytes, topic: str, payload: bytes) -> bytes:
    """Return the proof of a payload: HMAC-SHA256 over the structure of RFC 9052, 6.3."""
    proven = b"\x84\x64MAC0\x43\xa1\x01\x05" + byte_string(topic.encode()) + byte_string(payload)
    return hmac.digest(key, proven, "sha256")


@dataclass
class Meter:
    """One meter and what it remembers; a real one writes `saved` to flash before it moves the relay."""

    site: str
    name: str
    key: bytes
    epoch: int
    saved: dict[str, Any] = field(default_factory=lambda: {"revision": 0, "boot": 0, "held": None, "ws": 0, "seq": 1})
    now_s: int = 0
    clock_set: bool = False
    birth: int = 0
    relay: bool = False
    power_w: int = 0
    sent: list[tuple[str, bytes]] = field(default_factory=list)

    def boot(self) -> None:
        """Start with power."""
        self.saved["boot"] += 1
        self.clock_set = self.relay = False
        self.decide()

    def topic(self, kind: str) -> str:
        """Return the canonical topic of a kind of message."""
        return f"mg/1/{self.site}/{self.name}/{kind}"

    def seal(self, kind: str, fields: list[Any]) -> bytes:
        """Return a message in its envelope: a map with keys 0, 1, 2 and so on."""
        payload = cbor2.dumps(dict(enumerate([1, *fields])))
        tag = proof(self.key, self.topic(kind), payload)
        return HEAD + b"\x00" + byte_string(payload) + byte_string(tag)

    def send(self, kind: str, fields: list[Any]) -> None:
        """Put a message out."""
        self.sent.append((kind, self.seal(kind, fields)))

    def open(self, kind: str, message: bytes) -> dict[int, Any] | None:
        """Return the fields of a message, or nothing when it is not proven."""
        try:
            protected, unprotected, payload, tag = cbor2.loads(message, allow_duplicate_keys=False).value
            slot = unprotected[4]
        except (cbor2.CBORError, AttributeError, KeyError, TypeError, ValueError):
            return None
        exact = HEAD + b"\x00" + byte_string(payload) + byte_string(tag)  # one way of writing it, and no other
        if (protected, slot) != (HEAD[3:6], b"\x00") or exact != message or len(message) > 512:
            return None
        if not hmac.compare_digest(tag, proof(self.key, self.topic(kind), payload)):
            return None
        fields: dict[int, Any] = cbor2.loads(payload, allow_duplicate_keys=False)
        return fields

    def report(self, result: int = OK) -> None:
        """Say what state the meter is in, as measured."""
        held = self.saved["held"]
        left_s = None if held is None or held[4] is None else max(0, held[4] - self.now_s)
        register_wh = self.saved["ws"] // 3600
        state = [self.saved["revision"], int(self.relay), register_wh, result, self.now_s, self.saved["boot"]]
        self.send("reported", [*state, self.power_w, 0, self.epoch, left_s])

    def link(self, here: int, birth: int) -> list[Any]:
        """Return what a coming or going says."""
        return [self.saved["boot"], here, 1, 17, birth, self.saved["seq"] - 1, 0, int(self.clock_set)]

    def connected(self, birth: int) -> None:
        """Say that the meter is here."""
        self.birth = birth
        self.send("link", self.link(1, birth))

    def hear(self, kind: str, message: bytes) -> None:
        """Take in a message of the service."""
        fields = self.open(kind, message)
        if kind == "desired" and fields is None:
            self.report(BAD_MAC)
        elif kind == "desired" and fields is not None:
            self.desire(fields)
        elif kind == "request" and fields is not None:
            self.answer(fields)

    def desire(self, told: dict[int, Any]) -> None:
        """Obey a desired state that is newer than the one held."""
        if told.get(0) != 1 or told[5] is not None or told[11] is not None or any(told[7]):
            self.report(NOT_CAPABLE)
        elif told[1] <= self.saved["revision"]:
            self.report(STALE if told[1] < self.saved["revision"] else OK)
        elif self.saved["held"] is None and not self.clock_set:
            self.report(CLOCK_UNKNOWN)
        elif told[8] <= self.now_s:
            self.report(EXPIRED)
        else:
            self.now_s = self.now_s if self.clock_set else max(self.now_s, told[6])
            self.saved.update(revision=told[1], held=told)  # before the relay moves
            self.decide()
            self.report()

    def answer(self, asked: dict[int, Any]) -> None:
        """Answer a request: a report, who is here, or a new time if it repeats this coming."""
        if asked[1] == 1 and (asked[3], asked[4]) == (self.saved["boot"], self.birth):
            self.now_s, self.clock_set = asked[5], True
            self.decide()
        if asked[1] in (0, 1):
            self.report()
        elif asked[1] == 3:
            self.connected(self.birth)

    def decide(self) -> bool:
        """Move the relay where limits say; returns whether it moved."""
        held, was = self.saved["held"], self.relay
        self.relay = held is not None and held[2] == 1 and not self.is_used_up(held)
        return self.relay != was

    def is_used_up(self, held: dict[int, Any]) -> bool:
        """Return whether prepaid energy or time has ended; a register of another epoch says it has."""
        if held[3] is not None and (held[9] != self.epoch or self.saved["ws"] // 3600 >= held[3]):
            return True
        return held[4] is not None and self.now_s >= held[4]

    def second(self, load_w: int) -> None:
        """Let a second pass with a load behind the relay."""
        self.power_w = load_w if self.relay else 0
        self.saved["ws"] += self.power_w
        self.now_s += 1
        if self.decide():
            self.send("event", [self.epoch, self.saved["seq"], 5, self.saved["ws"] // 3600, self.now_s])
            self.saved["seq"] += 1
            self.report()


def main(host: str, port: str, site: str, name: str, key: str, user: str, password: str) -> None:
    """Run the meter on a broker until its input ends."""
    meter, birth = Meter(site, name, bytes.fromhex(key), secrets.randbits(32)), secrets.randbits(32)
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=name, clean_session=False)

    def publish() -> None:
        while meter.sent:
            kind, body = meter.sent.pop(0)
            client.publish(meter.topic(kind), body, qos=1, retain=kind == "link")

    def on_connect(*_: Any) -> None:
        client.subscribe([(meter.topic("desired"), 1), (meter.topic("request"), 1)])
        meter.connected(birth)
        publish()

    def on_message(_client: Any, _data: Any, message: mqtt.MQTTMessage) -> None:
        meter.hear(message.topic.rsplit("/", 1)[1], bytes(message.payload))
        publish()

    client.on_connect, client.on_message = on_connect, on_message
    meter.boot()
    client.username_pw_set(user, password)
    client.will_set(meter.topic("link"), meter.seal("link", meter.link(0, birth)), qos=1, retain=True)
    client.connect(host, int(port), keepalive=60)
    client.loop_start()
    for line in sys.stdin:
        meter.second(int(line))
        publish()
        sys.stdout.write("closed\n" if meter.relay else "open\n")
        sys.stdout.flush()
    client.disconnect()


if __name__ == "__main__":
    main(*sys.argv[1:])
