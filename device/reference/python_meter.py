"""A meter of profile S in under 200 lines, sharing no code with ours: read it, then write your own.

    python3 -m device.reference.python_meter HOST PORT METERS METER MEMORY

METERS has one line of JSON per meter, MEMORY is a file that outlives a power cut. Lines on standard input drive it and
are answered by the relay's state: `WATTS SECONDS` is a load, `cut` a power cut. To other limits it says "not capable".
"""

import hmac
import itertools
import json
import os
import secrets
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cbor2
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

OK, STALE, NOT_PROVEN, EXPIRED, CLOCK_UNKNOWN, NOT_CAPABLE = 0, 1, 2, 3, 4, 6
HEAD = bytes.fromhex("d18443a10105a10441")  # tag 17, four items, {1: 5}, {4: one byte}
U32, TIME, WH, DAY = 2**32 - 1, 2**40, 2**48, 86_400
# The most that key 0, 1, 2 and so on may hold; in a tuple: or null.
DESIRED = [1, U32, 1, (WH,), (TIME,), (U32,), TIME, [U32, U32, U32, 1, DAY, DAY, U32], TIME, U32, U32, (U32,), DAY]
SHAPES = {"desired": DESIRED, "request": [1, 3, U32, U32, U32, TIME, ([U32, U32],)]}
NEW = {"revision": 0, "boot": 0, "held": None, "ws": 0, "seq": 0, "clock": 0}


def fits(value: Any, most: Any) -> bool:
    """Return whether a value is a whole number up to the most, a list of such, or null where that is allowed."""
    if isinstance(most, tuple):
        return value is None or fits(value, most[0])
    if isinstance(most, list):
        return type(value) is list and len(value) == len(most) and all(map(fits, value, most))
    return type(value) is int and 0 <= value <= most


class Meter:
    """One meter; `keep` writes what must outlive a power cut, always before the relay moves."""

    def __init__(self, site: str, name: str, keys: Any, saved: Any, keep: Callable[[bytes], Any]) -> None:
        self.about, self.keys, self.saved, self.keep = f"mg/1/{site}/{name}/", keys, saved, keep
        self.sent: list[tuple[str, bytes]] = []
        self.now_s = self.birth = self.power_w = self.clock_set = 0
        self.relay = self.timed = False  # timed: since the last birth

    def boot(self) -> None:
        """Start with power: go on from what was saved."""
        self.now_s, self.saved["boot"] = self.saved["clock"], self.saved["boot"] + 1
        self._save()
        self._decide()

    def _save(self) -> None:
        self.saved["clock"] = self.now_s
        self.keep(cbor2.dumps(self.saved))

    def _proof(self, slot: int, kind: str, payload: bytes) -> bytes:  # over the structure of RFC 9052, 6.3
        proven = b"\x84\x64MAC0\x43\xa1\x01\x05" + cbor2.dumps((self.about + kind).encode()) + cbor2.dumps(payload)
        return hmac.digest(self.keys[slot] or b"", proven, "sha256")

    def _sealed(self, kind: str, *fields: Any) -> bytes:
        slot, payload = 0 if self.keys[0] else 1, cbor2.dumps(dict(enumerate([1, *fields])))
        return HEAD + bytes([slot]) + cbor2.dumps(payload) + cbor2.dumps(self._proof(slot, kind, payload))

    def _opened(self, kind: str, message: bytes) -> list[Any] | int:  # its fields, or why it is refused
        slot, refused = message[9] if 10 < len(message) <= 512 and message[:9] == HEAD else 2, NOT_PROVEN
        try:
            payload = cbor2.loads(message, max_depth=4).value[2] if self.keys[slot] else b""
            exact = message[:10] + cbor2.dumps(payload) + cbor2.dumps(self._proof(slot, kind, payload))
            if type(payload) is not bytes or not hmac.compare_digest(exact, message):
                return refused
            refused = NOT_CAPABLE
            found = cbor2.loads(payload, max_depth=4, allow_indefinite=False, allow_duplicate_keys=False)
            in_order = sorted(found, key=lambda key: (key < 0, abs(key)))  # those below zero come last
            known = [found[key] for key in range(len(SHAPES[kind]))]
            is_exact = type(found) is dict and list(found) == in_order and cbor2.dumps(found) == payload
        except (cbor2.CBORError, ValueError, TypeError, OverflowError, LookupError):
            return refused
        return known if is_exact and known[0] == 1 and fits(known, SHAPES[kind]) else refused

    def _report(self, result: int = OK) -> None:
        self._save()  # a register that was told is not forgotten
        saved, held = self.saved, self.saved["held"]
        left_s = None if held is None or held[4] is None else max(0, held[4] - self.now_s)
        state = [saved["revision"], int(self.relay), saved["ws"] // 3600, result, self.now_s, saved["boot"]]
        self.sent.append(("reported", self._sealed("reported", *state, self.power_w, 0, saved["epoch"], left_s)))

    def link(self, here: int) -> bytes:
        """Return what a coming or going says."""
        return self._sealed("link", self.saved["boot"], here, 1, 17, self.birth, self.saved["seq"], 0, self.clock_set)

    def connected(self, birth: int) -> None:
        """Say that the meter is here."""
        self.birth, self.timed = birth, False
        self.sent.append(("link", self.link(1)))

    def hear(self, kind: str, message: bytes) -> None:
        """Take in a message of the service."""
        told = self._opened(kind, message)
        if kind == "desired":
            self._report(told if isinstance(told, int) else self._obeyed(told))
        elif isinstance(told, list):
            is_time = told[1] == 1 and told[3:5] == [self.saved["boot"], self.birth]
            if is_time and (told[5] > self.now_s or not self.timed):  # told twice, it only goes forward
                self.now_s, self.clock_set, self.timed = told[5], 1, True
                self._decide()
            if told[1] == 0 or is_time:
                self._report()
            elif told[1] == 3:
                self.sent.append(("link", self.link(1)))

    def _obeyed(self, told: list[Any]) -> int:
        if told[1] <= self.saved["revision"]:
            return STALE if told[1] < self.saved["revision"] else OK
        if told[5] is not None or told[11] is not None or any(told[7]):
            return NOT_CAPABLE
        if self.saved["held"] is None and not self.clock_set:
            return CLOCK_UNKNOWN  # it may be an old copy
        if told[8] <= self.now_s:
            return EXPIRED
        self.now_s = self.now_s if self.clock_set else max(self.now_s, told[6])
        self.saved.update(revision=told[1], held=told)
        self._save()  # before the relay moves
        self._decide()
        return OK

    def _decide(self) -> bool:  # moves the relay where limits say, and returns whether it moved
        held, was, epoch, register_wh = self.saved["held"], self.relay, self.saved["epoch"], self.saved["ws"] // 3600
        self.relay = held is not None and held[2] == 1 and (held[4] is None or self.now_s < held[4])
        self.relay &= held is None or held[3] is None or (held[9] == epoch and register_wh < held[3])
        if was and not self.relay and held[2] == 1:  # a limit was reached
            self.saved["seq"] += 1  # saved by the report that follows: no number is used twice
            self.sent.append(("event", self._sealed("event", epoch, self.saved["seq"], 5, register_wh, self.now_s)))
        return self.relay != was

    def second(self, load_w: int) -> None:
        """Let a second pass with a load behind the relay."""
        self.power_w, self.now_s = load_w if self.relay else 0, self.now_s + 1
        self.saved["ws"] += self.power_w
        if self.saved["ws"] % 36_000 < self.power_w or self.now_s % 900 == 0:  # at most 10 Wh are lost
            self._save()
        if self._decide():
            self._report()


def main(host: str, port: str, meters: str, name: str, memory: str) -> None:
    """Run the meter on a broker until its input ends."""
    told = next(each for each in map(json.loads, Path(meters).read_text().splitlines()) if each["meter"] == name)
    file = Path(memory)
    saved = cbor2.loads(file.read_bytes()) if file.exists() else {**NEW, "epoch": secrets.randbits(32)}
    keys = [None if key is None else bytes.fromhex(key) for key in told["keys"]]
    meter, alone = Meter(told["site"], name, keys, saved, file.write_bytes), threading.Lock()
    client = mqtt.Client(CallbackAPIVersion.VERSION2, name, clean_session=False)

    def do(action: Callable[..., Any], *given: Any) -> Any:
        with alone:
            answer = action(*given)
            while meter.sent:
                kind, body = meter.sent.pop(0)
                client.publish(meter.about + kind, body, qos=1, retain=kind == "link")
            return answer

    def before_connecting(*_: Any) -> None:
        meter.birth = secrets.randbits(32)
        client.will_set(meter.about + "link", meter.link(0), qos=1, retain=True)

    def come(*_: Any) -> None:
        client.subscribe([(meter.about + "desired", 1), (meter.about + "request", 1)])
        do(meter.connected, meter.birth)

    def driven(line: str) -> str:
        if line.strip() == "cut":  # what is not in the file is gone, and the connection
            os.execv(sys.executable, sys.orig_argv)  # noqa: S606 - our own command line
        if not line[0].isdecimal():
            return "cannot"
        power_w, seconds = map(int, line.split())
        for _ in range(seconds):
            meter.second(power_w)
        return "closed" if meter.relay else "open"

    client.on_pre_connect, client.on_connect = before_connecting, come
    client.on_message = lambda _client, _data, heard: do(meter.hear, heard.topic.rsplit("/", 1)[1], heard.payload)
    client.reconnect_delay_set(1 + secrets.randbelow(5), 600)
    client.username_pw_set(told["username"], told["password"])
    meter.boot()
    client.connect(host, int(port), keepalive=60)
    client.loop_start()
    for line in itertools.chain(["0 0"], sys.stdin):
        sys.stdout.write(f"{do(driven, line)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
