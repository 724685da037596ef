"""No bytes that anybody sends bring a meter or the service down, and none without the key change a meter."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from device import meter as logic
from device.codec import decode, encode
from device.fields import MessageError
from device.messages import (
    KIND_OF,
    ClockQuality,
    Event,
    EventKind,
    Link,
    Message,
    Relay,
    Reported,
    Request,
    RequestKind,
    Result,
)
from device.rows import Row, batches
from device.signing import EnvelopeError, opened, sealed, topic
from device.state import Send
from tests.meter.bench import EPOCH, KEYS, NOON_S, heard, ready, wanted
from tests.meter.c_meter import SOURCES, STRICT

COUNT = 1_000_000
ROWS = [Row(70 + n, NOON_S + 900 * n, 100 * n, 2300 + n, Relay.CLOSED) for n in range(12)]
TRUE: tuple[Message, ...] = (
    wanted(6, on=False, cutoff_wh=104_250, until_s=NOON_S + 9, power_limit_w=500, daily_wh=300),
    Request(RequestKind.TIME, 1, 1, 4711, NOON_S + 9),
    Request(RequestKind.RESEND, 2, 1, 4711, NOON_S, (3, 9)),
    Reported(5, Relay.CLOSED, 104_250, Result.OK, NOON_S, 3, 320, 2, EPOCH, 86_399),
    batches(ROWS, EPOCH, 900, 5)[0],
    Event(EPOCH, 30, EventKind.LIMIT_REACHED, 104_250, NOON_S),
    Link(3, here=True, firmware=1, capabilities=17, birth=4711, last_seq=29, tokens=0, clock=ClockQuality.SET),
)


HEADS = bytes.fromhex("1b3b5b9bbbdbfbff")  # what is followed by eight bytes of length or value, and an end


def mutated(rng: np.random.Generator, body: bytes, other: bytes) -> bytes:
    """Return bytes after one to three accidents."""
    drawn = rng.integers(0, 2**30, 12).tolist()
    noise = rng.bytes(12)
    for round_ in range(1 + drawn[9] % 3):
        one, two, what = (number % (len(body) + 1) for number in drawn[3 * round_ : 3 * round_ + 3])
        at, to, some = min(one, two), max(one, two), noise[round_ : 1 + drawn[10] % 12]
        changed = (
            body[:at] + noise[:1] + body[at + 1 :],
            body[:at] + body[to:],
            body[:at] + some + body[at:],
            body[:to] + body[at:],
            body[:at] + other[at:],
            body[:at] + HEADS[drawn[11] % 8 :][:1] + body[at:],
            body[:at],
        )
        body = changed[what % len(changed)]
    return body


def poison(count: int) -> Iterator[tuple[str, bytes]]:
    """Yield kinds and payloads, each near a true one or nothing at all."""
    rng = np.random.default_rng(20261104)
    bodies = [(KIND_OF[type(message)], encode(message)) for message in TRUE]
    for number in range(count):
        kind, body = bodies[number % len(bodies)]
        other = bodies[number // 7 % len(bodies)][1]
        yield kind, mutated(rng, body, other) if number % 50 else rng.bytes(number % 613)


def bring(count: int) -> None:
    """Let a meter and the service hear so many poisonous messages."""
    meter = ready().meter
    taken = meter
    rng = np.random.default_rng(4)
    for kind, body in poison(count):
        with suppress(MessageError):
            decode(kind, body)
        about = topic("kisiju", "M-104", kind)
        letter = sealed(body, KEYS, about) if len(body) < 60_000 else body
        forged = mutated(rng, letter, letter)
        if not is_proven(forged, about):
            after, effects = logic.on_message(meter, kind, forged)
            assert after == meter
            assert [type(effect) for effect in effects] == ([Send] if kind == "desired" else [])
        taken, effects = logic.on_message(taken, kind, letter)
        for effect in effects:
            if isinstance(effect, Send):
                heard(effect.kind, effect.body)


def is_proven(letter: bytes, about: str) -> bool:
    try:
        opened(letter, KEYS, about)
    except EnvelopeError:
        return False
    return True


def test_no_message_brings_a_meter_or_the_service_down() -> None:
    bring(COUNT // 20)


@pytest.mark.long
def test_a_million_messages_bring_nobody_down() -> None:
    bring(COUNT)


DRIVER = r"""
#include <stdio.h>
#include <string.h>
#include "mg_meter.h"
static void save(void *c, const mg_flash *f) { (void)c; (void)f; }
static void set_relay(void *c, int closed) { *(int *)c = closed; }
static int read_relay(void *c) { return *(int *)c; }
static void send(void *c, const char *k, const uint8_t *b, size_t n) { (void)c; (void)k; (void)b; (void)n; }
int main(void)
{
    static uint8_t key[32], bytes[65536];
    static mg_meter meter;
    int relay = 0;
    mg_flash flash;
    memset(&flash, 0, sizeof flash);
    for (int i = 0; i < 32; i++) key[i] = (uint8_t)i;
    flash.epoch = 7;
    meter.hardware = (mg_hardware){&relay, save, set_relay, read_relay, send};
    meter.site = "kisiju"; meter.id = "M-104"; meter.keys[0] = key;
    mg_boot(&meter, &flash);
    mg_connected(&meter, 4711);
    for (int kind; (kind = getchar()) != EOF;) {
        size_t count = (size_t)getchar() << 8;
        count |= (size_t)getchar();
        if (fread(bytes, 1, count, stdin) != count) return 1;
        uint8_t exact[count ? count : 1]; /* so that a byte read behind the end is seen */
        memcpy(exact, bytes, count);
        mg_message(&meter, kind == 0 ? "desired" : "request", exact, count);
        mg_step(&meter, 300, 1);
    }
    return 0;
}
"""


def in_c(count: int, folder: Path) -> None:
    """Let the meter in C hear them, watched for every byte it should not touch."""
    compiler = shutil.which("gcc")
    if compiler is None:
        pytest.skip("NOT RUN: no C compiler here; to run: apt-get install -y --no-install-recommends gcc libc6-dev")
    (folder / "driver.c").write_text(DRIVER)
    program = folder / "driver"
    watched = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g"]
    sources = [*sorted(SOURCES.glob("*.c")), folder / "driver.c"]
    words = [compiler, *STRICT, *watched, f"-I{SOURCES}", "-o", program, *sources]
    subprocess.run([str(word) for word in words], check=True)
    rng, letters = np.random.default_rng(5), []
    for number, (_, body) in enumerate(poison(count)):
        kind = ("desired", "request")[number % 2]
        letter = sealed(body, KEYS, topic("kisiju", "M-104", kind)) if len(body) < 500 else body
        letter = letter if number % 3 else mutated(rng, letter, letter)
        letters.append(bytes([number % 2]) + len(letter).to_bytes(2, "big") + letter)
    ran = subprocess.run([str(program)], input=b"".join(letters), capture_output=True, check=False)
    assert ran.returncode == 0, ran.stderr[-2000:].decode()


def test_no_message_makes_the_meter_in_c_touch_what_is_not_its_own(tmp_path: Path) -> None:
    in_c(COUNT // 20, tmp_path)


@pytest.mark.long
def test_a_million_messages_do_not_either(tmp_path: Path) -> None:
    in_c(COUNT, tmp_path)


def test_a_true_message_in_the_midst_is_still_taken() -> None:
    bench = ready()
    for _, body in poison(200):
        bench.meter, effects = logic.on_message(bench.meter, "desired", body)
        bench.do(effects)
    told = bench.tell(wanted(7))
    assert isinstance(told, Reported)
    assert (told.revision, told.result, told.relay) == (7, Result.OK, Relay.CLOSED)
