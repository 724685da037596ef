"""How many emulated meters one process holds, what each takes of memory, and how fast they answer over a real broker.

Three processes: Mosquitto, a fleet (`device.fleet`, one process), and this one, which publishes signed desired states
with a bare MQTT client and proves every report. No service is there. Each round trip is: desired published, relay moved
or left, report published, its proof checked, its revision and relay as wanted.

Prints JSON: `meters`, `round_trips_per_s`, `p50_ms` and `p99_ms` with `window` outstanding, `kb_per_meter` (resident
memory of the fleet's process beyond its start, with a full ring of 96 rows, half a batch waiting and a state held;
before or after the round trips, whichever is more), `paho_kb_per_meter` (the same number of bare paho clients with the
same will and subscriptions), `connect_s` with what it takes to make the meters, and `cpu_us_per_round_trip` of the
fleet's process. The machine should be idle.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import platform
import socket
import statistics
import subprocess
import sys
import time
from collections import deque
from dataclasses import replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import private_broker, raw_mqtt  # noqa: E402 - the folder above is put on the path first
from benchmarks.raw_desk import EPOCH, NOON_S, Desk  # noqa: E402
from device.codec import decode, encode  # noqa: E402
from device.loads import Steady  # noqa: E402
from device.messages import Desired, Reported  # noqa: E402
from device.signing import MeterKeys, opened, sealed, topic  # noqa: E402

SITE = "kisiju"
STEADY = Steady(100)
RING_ROWS, WAITING_ROWS, INTERVAL_S = 96, 6, 900
QUIET = ("connection_messages false", "max_queued_messages 20000", "max_inflight_messages 20000")


def main() -> None:
    """Measure and print one JSON object; the parts are started by the first of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--meters", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=10.0, help="of round trips")
    parser.add_argument("--window", type=int, default=500, help="round trips under way at once")
    parser.add_argument("--part", choices=("fleet", "paho"), help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.part is not None:
        {"fleet": run_fleet, "paho": run_paho}[chosen.part](chosen.port, chosen.meters)
        return
    print(json.dumps(measured(chosen.meters, chosen.seconds, chosen.window), indent=2))


def measured(meters: int, seconds: float, window: int) -> dict[str, Any]:
    """Return every figure."""
    found: dict[str, Any] = {"python": platform.python_version(), "cores": os.cpu_count(), "meters": meters}
    with private_broker.broker(settings=QUIET) as broker:
        if broker is None:
            return {"needs": private_broker.HOW}
        with _Part("paho", broker.port, meters) as bare:
            found["paho_kb_per_meter"] = bare.told()["kb_per_meter"]
    with private_broker.broker(settings=QUIET) as broker:
        assert broker is not None
        desk = Desk(SITE, keys_of(meters), raw_mqtt.connected(broker.address, "service"))
        with _Part("fleet", broker.port, meters) as fleet:
            found |= {"load_average": os.getloadavg()[0]} | settled(desk, meters)
            before = fleet.asked()
            found |= round_trips(desk, seconds, window)
            after = fleet.asked()
            cpu_us = (after["cpu_s"] - before["cpu_s"]) / found["round_trips"] * 1e6
            found |= {"cpu_us_per_round_trip": round(cpu_us, 1)}
            found |= {"kb_per_meter": max(before["kb_per_meter"], after["kb_per_meter"])}
        found["broker_kb_per_meter"] = round(broker.resident_kb() / meters, 2)
        desk.client.link.close()
    return found


class _Part:
    """A process of this script that says one line of JSON when it is ready, and one for each line it is told."""

    def __init__(self, part: str, port: int, meters: int) -> None:
        words = [sys.executable, __file__, "--part", part, "--port", str(port), "--meters", str(meters)]
        self.running = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> _Part:
        return self

    def told(self) -> dict[str, Any]:
        """Return the next line it says."""
        assert self.running.stdout is not None
        answer: dict[str, Any] = json.loads(self.running.stdout.readline())
        return answer

    def asked(self) -> dict[str, Any]:
        """Ask how it is."""
        assert self.running.stdin is not None
        self.running.stdin.write("\n")
        self.running.stdin.flush()
        return self.told()

    def __exit__(self, *_: object) -> None:
        self.running.kill()
        self.running.communicate()


# The process that publishes -------------------------------------------------------------------------------------------


def settled(desk: Desk, meters: int) -> dict[str, Any]:
    """Wait until every meter has come, knows the time and holds a first state."""
    started_s = time.perf_counter()
    while desk.births < meters:
        desk.turn(1.0)
        _patient(started_s, f"{desk.births} of {meters} meters came")
    connect_s = time.perf_counter() - started_s
    names = list(desk.keys)
    for first in range(0, meters, 200):
        for name in names[first : first + 200]:
            desk.want(name, 1)
        while not all(desk.has_obeyed(name) for name in names[first : first + 200]):
            desk.turn(1.0)
            _patient(started_s, "meters do not obey")
    return {"connect_s": round(connect_s, 1)}


def round_trips(desk: Desk, seconds: float, window: int) -> dict[str, Any]:
    """Return how many round trips a second there are with so many under way, and how long one takes."""
    meters = deque(desk.keys)
    base = desk.wanted[meters[0]]
    sent_s: dict[str, float] = {}
    taken_s: list[float] = []
    revisions = dict.fromkeys(meters, base.revision)
    started_s = time.perf_counter()
    while (now_s := time.perf_counter()) < started_s + seconds or sent_s:
        if now_s < started_s + seconds:
            for _ in range(window - len(sent_s)):
                name = meters.popleft()
                revisions[name] += 1
                _ask(desk, name, base, revisions[name])
                sent_s[name] = time.perf_counter()
        _patient(started_s, f"{len(sent_s)} commands were never reported")
        desk.client.flush()
        for about, body in desk.client.heard(1.0):
            name = about.split("/")[3]
            told = decode("reported", opened(body, desk.keys[name], about))
            if _is_done(told, revisions[name]) and name in sent_s:
                taken_s.append(time.perf_counter() - sent_s.pop(name))
                meters.append(name)
    elapsed_s = time.perf_counter() - started_s
    cuts = statistics.quantiles(taken_s, n=100)
    return {
        "round_trips": len(taken_s),
        "round_trips_per_s": round(len(taken_s) / elapsed_s),
        "window": window,
        "p50_ms": round(cuts[49] * 1000, 2),
        "p99_ms": round(cuts[98] * 1000, 2),
    }


def _ask(desk: Desk, name: str, base: Desired, revision: int) -> None:
    """Publish a state that differs from the one before: supply goes on and off in turn."""
    about = topic(SITE, name, "desired")
    wanted = replace(base, revision=revision, on=revision % 2 == 1)
    desk.client.publish(about, sealed(encode(wanted), desk.keys[name], about), retain=True)


def _is_done(told: object, revision: int) -> bool:
    return isinstance(told, Reported) and told.revision == revision and told.relay == revision % 2


def _patient(started_s: float, what: str) -> None:
    if time.perf_counter() - started_s > 300:
        raise TimeoutError(what)


def keys_of(meters: int) -> dict[str, MeterKeys]:
    """Return the keys of the meters by name."""
    return {f"M-{number}": MeterKeys((number.to_bytes(4, "big") * 8, None)) for number in range(meters)}


# The process with the fleet -------------------------------------------------------------------------------------------


def run_fleet(port: int, meters: int) -> None:
    """Hold meters on a broker until killed, and say how much memory and time they took when asked."""
    import numpy as np

    from device.fleet import Fleet
    from device.open_files import make_room
    from device.station import Broker

    make_room(meters)
    fleet = Fleet(Broker(private_broker.HOST, port), np.random.default_rng(7), time.monotonic, NOON_S)
    gc.collect()
    empty_kb = resident_kb()
    for number in range(meters):
        _add(fleet, number)

    def answer() -> None:
        sys.stdin.readline()
        taken_kb = resident_kb() - empty_kb
        print(json.dumps({"kb_per_meter": round(taken_kb / meters, 2), "cpu_s": time.process_time()}), flush=True)

    fleet.watch(sys.stdin, answer)
    fleet.run(lambda: False)


def _add(fleet: Any, number: int) -> None:
    """Add a meter whose ring is full and whose next batch is half full."""
    from device.emulated import Emulated
    from device.identity import Identity
    from device.messages import Relay
    from device.rows import Row
    from device.state import Flash, Nameplate

    name = f"M-{number}"
    plate = Nameplate(SITE, name, MeterKeys((number.to_bytes(4, "big") * 8, None)))
    device = Emulated(plate, Flash(EPOCH), STEADY, NOON_S - WAITING_ROWS * INTERVAL_S, RING_ROWS)
    for row in range(RING_ROWS):
        device.ring.keep(Row(row, row * INTERVAL_S, row * 25, 2300, Relay.OPEN))
    device.advance(NOON_S)
    fleet.add(Identity(plate, name, "secret"), device)


def run_paho(port: int, meters: int) -> None:
    """Hold bare paho clients on a broker, say how much memory they took, and end."""
    import selectors

    import paho.mqtt.client as mqtt
    from paho.mqtt.enums import CallbackAPIVersion

    from device.open_files import make_room

    make_room(meters)
    selector, come = selectors.DefaultSelector(), 0

    def on_connect(client: Any, name: str, *_: object) -> None:
        nonlocal come
        come += 1
        client.subscribe([(f"mg/1/{SITE}/{name}/{kind}", 1) for kind in ("desired", "request")])

    def on_open(client: Any, _name: str, opened_now: Any) -> None:
        opened_now.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        selector.register(opened_now, selectors.EVENT_READ, client)

    def serve(until: int) -> None:
        while come < until:
            for key, _ in selector.select(1.0):
                key.data.loop_read()
                key.data.loop_write()

    gc.collect()
    empty_kb = resident_kb()
    clients = []
    for number in range(meters):
        name = f"M-{number}"
        client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=name, userdata=name, reconnect_on_failure=False)
        client.username_pw_set(name, "secret")
        client.on_connect, client.on_socket_open = on_connect, on_open
        client.will_set(f"mg/1/{SITE}/{name}/link", bytes(100), 1, retain=True)
        client.connect(private_broker.HOST, port)
        clients.append(client)
        serve(number - 40)
    serve(meters)
    print(json.dumps({"kb_per_meter": round((resident_kb() - empty_kb) / meters, 2)}), flush=True)


def resident_kb() -> int:
    """Return how much memory this process holds."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") // 1024


if __name__ == "__main__":
    main()
