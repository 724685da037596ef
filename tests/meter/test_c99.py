"""The meter in C and the one in Python say the same bytes, whatever happens to them."""

from __future__ import annotations

import ctypes
import re
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from device import meter as logic
from device.codec import encode
from device.measuring import next_change_s
from device.messages import KIND_OF, Capability, Downlink, FailTerms, Relay, Request, RequestKind
from device.signing import MeterKeys, topic
from device.state import Effect, Flash, Meter, Move, Save, Send
from tests.meter.bench import EPOCH, NOON_S, PLATE, signed, wanted
from tests.meter.c_meter import SOURCES, STRICT, CMeter, built

KEY = bytes(range(32))
SWITCH_ONLY = replace(PLATE, capabilities=Capability.SWITCH | Capability.CLOCK)
MOST_CODE_BYTES, MOST_MEMORY_BYTES = 16 * 1024, 2 * 1024


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    found = built(tmp_path_factory.mktemp("c99"))
    if found is None:
        pytest.skip("NOT RUN: no C compiler here; to run: apt-get install -y --no-install-recommends gcc libc6-dev")
    return found


class Twin:
    """The Python meter, saying bytes."""

    def __init__(self) -> None:
        self.flash = Flash(EPOCH)
        self.closed = self.welded = False
        self.said: list[tuple[str, bytes]] = []
        self.meter: Meter
        self._do(logic.boot(SWITCH_ONLY, self.flash))

    def _do(self, step: tuple[Meter, tuple[Effect, ...]]) -> None:
        self.meter, effects = step
        for effect in effects:
            if isinstance(effect, Save):
                self.flash = effect.flash
            elif isinstance(effect, Send):
                self.said.append((effect.kind, effect.body))
            elif isinstance(effect, Move):
                self.closed = effect.closed or self.welded
                self._do(logic.on_relay(self.meter, Relay(int(self.closed)), self.meter.power_w))

    def connect(self, birth: int) -> None:
        self._do(logic.on_connect(self.meter, birth))

    def hear(self, kind: str, body: bytes) -> None:
        self._do(logic.on_message(self.meter, kind, body))

    def step(self, power_w: int, seconds: int) -> None:
        self._do(logic.on_step(self.meter, power_w, seconds))

    def cut_power(self) -> None:
        self.closed = self.welded
        self._do(logic.boot(SWITCH_ONLY, self.flash))


def one_of(rng: np.random.Generator, choices: Sequence[Any]) -> Any:
    return choices[int(rng.integers(len(choices)))]


def whole(rng: np.random.Generator, low: int, high: int | None = None) -> int:
    return int(rng.integers(low, high))


def any_message(rng: np.random.Generator, twin: Twin) -> tuple[str, bytes]:
    """Return a message of the service: true, old, forged or broken."""
    meter = twin.meter
    now_s = one_of(rng, [meter.now_s, NOON_S, meter.now_s + 60 * 86_400])
    message: Downlink = Request(
        RequestKind(whole(rng, 4)), 1, one_of(rng, [meter.flash.boot, 0]), one_of(rng, [meter.birth, 1]), now_s
    )
    if rng.random() < 0.7:
        message = wanted(
            max(0, meter.flash.revision + one_of(rng, [1, 1, 1, 0, -1])),
            on=rng.random() < 0.9,
            cutoff_wh=one_of(rng, [None, 0, meter.used.register_wh + whole(rng, 400)]),
            until_s=one_of(rng, [None, None, meter.now_s + whole(rng, -100, 4000)]),
            power_limit_w=one_of(rng, [None, None, 300]),
            daily_wh=one_of(rng, [None, None, 150]),
            day_start_s=one_of(rng, [0, 75_600]),
            service_time_s=max(0, meter.now_s + one_of(rng, [0, 0, 500, -500])),
            not_after_s=max(0, meter.now_s + one_of(rng, [86_400, 86_400, 86_400, -1])),
            epoch=one_of(rng, [EPOCH, EPOCH, EPOCH, 1]),
            fail=one_of(
                rng,
                [
                    FailTerms(),
                    FailTerms(200, 50, 300),
                    FailTerms(lifeline_w=40, critical=True),
                    FailTerms(quiet_from_s=80_000, quiet_to_s=20_000, quiet_max_wh=30),
                ],
            ),
        )
    body = signed(message)
    fault = rng.random()
    if fault < 0.05:
        body = signed(message, MeterKeys((bytes(32), None)))
    elif fault < 0.15:
        place = whole(rng, len(body))
        body = body[:place] + bytes([whole(rng, 256)]) + body[place + 1 :]
    return KIND_OF[type(message)], body


def live(rng: np.random.Generator, twin: Twin, other: CMeter, events: int) -> None:
    """Let the same things happen to both meters, and compare what they say after each."""
    for _ in range(events):
        what = rng.random()
        if what < 0.25:
            kind, body = any_message(rng, twin)
            twin.hear(kind, body)
            other.hear(kind, body)
        elif what < 0.9:
            power_w = one_of(rng, [0, 40, 250, 900]) if twin.closed else 0
            seconds = one_of(rng, [1, 20, next_change_s(twin.meter, power_w)])
            twin.step(power_w, seconds)
            other.step(power_w, seconds)
        elif what < 0.95:
            birth = whole(rng, 2, 2**32)
            twin.connect(birth)
            other.connect(birth)
        elif what < 0.97:
            twin.welded = other.welded = not twin.welded
        else:
            twin.cut_power()
            other.cut_power()
        assert other.said == twin.said
        assert other.closed == twin.closed


@pytest.mark.parametrize("seed", range(20))
def test_both_meters_say_the_same_bytes(library: ctypes.CDLL, seed: int) -> None:
    rng = np.random.default_rng(seed)
    twin, other = Twin(), CMeter(library, KEY, EPOCH)
    twin.connect(4711)
    other.connect(4711)
    time = signed(Request(RequestKind.TIME, 1, 1, 4711, NOON_S))
    for meter in (twin, other):
        meter.hear("request", time)
        meter.hear("desired", signed(wanted(1, cutoff_wh=10**6)))
    live(rng, twin, other, 400)
    assert {kind for kind, _ in twin.said} == {"reported", "link", "event"}
    other.free()


def test_keys_that_are_not_known_are_passed_over(library: ctypes.CDLL) -> None:
    import cbor2

    from device.signing import sealed

    twin, other = Twin(), CMeter(library, KEY, EPOCH)
    keys = MeterKeys((KEY, None))
    for extra in (
        {13: 1},
        {-1: [1, "a", b"b", {2: None}]},
        {40: True},
        {13: 1.5},
        {13: [[[[1]]]]},
        {13: 2**64},
        {2**64: 1},
    ):
        body = cbor2.dumps({**cbor2.loads(encode(wanted(3))), **extra})
        for meter in (twin, other):
            meter.hear("desired", sealed(body, keys, topic("kisiju", "M-104", "desired")))
        assert other.said == twin.said
    other.free()


def test_it_is_small_enough_for_a_microcontroller(tmp_path: Path, library: ctypes.CDLL) -> None:
    sources = [str(path) for path in sorted(SOURCES.glob("*.c"))]
    subprocess.run(["gcc", *STRICT, "-fstack-usage", "-c", *sources], check=True, cwd=tmp_path)
    objects = [str(path) for path in sorted(tmp_path.glob("*.o"))]
    table = subprocess.run(["size", *objects], check=True, capture_output=True, text=True).stdout
    rows = [[int(number) for number in line.split()[:3]] for line in table.splitlines()[1:]]
    code, fixed = sum(row[0] for row in rows), sum(row[1] + row[2] for row in rows)
    frames = [int(line.split("\t")[1]) for path in tmp_path.glob("*.su") for line in path.read_text().splitlines()]
    assert code <= MOST_CODE_BYTES
    # No call chain is deeper than eight functions: message, desired, decide, move, event, send, seal, prove, hash.
    deepest = sum(sorted(frames)[-8:])
    assert fixed + library.glue_meter_size() + deepest <= MOST_MEMORY_BYTES
    names = {name for path in SOURCES.glob("*.c") for name in re.findall(r"\b(malloc|calloc|free)\b", path.read_text())}
    assert names == set()
