"""How fast supply follows money: through the bridge, a real Mosquitto and emulated meters in a process of their own.

Prints JSON. `trips`: a payment is booked and committed, the order published, obeyed, reported, and the report
committed: `p50_ms` and `p99_ms` from the first commit to the second, one at a time, by number of meters, beside
`floor_p50_ms`: a raw round trip through the same broker and two raw commits. `bridge`: an order published until its
proven answer is decoded, without a database, beside two raw clients (`bridge_ratio`). `readings`: rows a second from
the broker into committed rows, beside a raw subscriber. `batch`: bytes of a reading on the wire and the time to encode
and decode twelve. `storm`: a broker killed and back within two seconds, until every meter is back and has obeyed what
was paid meanwhile. The machine should be idle.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import databases, private_broker, raw_mqtt  # noqa: E402 - the folder above is put on the path first
from benchmarks.payments import fill, opened  # noqa: E402
from benchmarks.private_broker import HOST, Broker  # noqa: E402
from benchmarks.replaying import raw_commit_ms  # noqa: E402
from benchmarks.switching_parts import BEGAN_S, ROWS, SITE, batches, keys_of  # noqa: E402
from benchmarks.villages import START, Village, meter, on_store  # noqa: E402
from device.codec import decode, encode  # noqa: E402
from device.messages import Desired, FailTerms  # noqa: E402
from device.signing import opened as proven_payload  # noqa: E402
from device.signing import sealed, topic  # noqa: E402
from microgrid import flows, meter_flows  # noqa: E402
from microgrid.bridge.carrier import Arrived  # noqa: E402
from microgrid.bridge.link import BrokerAccess, Hearing, MqttLink  # noqa: E402
from microgrid.bridge.running import Bridge  # noqa: E402
from microgrid.ports import Core  # noqa: E402
from microgrid.sealing import SealedKeys  # noqa: E402
from microgrid.store.sql import open_store  # noqa: E402
from microgrid.switching.meter_keys import put_keys  # noqa: E402
from microgrid.switching.supply import Desired as Order  # noqa: E402
from microgrid.switching.told import Ask, Report  # noqa: E402

PARTS = ("trips", "bridge", "readings", "batch", "storm")
ROOMY = ("max_queued_messages 200000", "max_inflight_messages 2000", "connection_messages false")
PATIENCE_S = 300.0


class RunningClock:
    """A clock that begins at the village's moment and runs as all clocks do."""

    def __init__(self) -> None:
        self._began_s = time.perf_counter()

    def now(self) -> datetime:
        """Return the moment."""
        return START + timedelta(seconds=3600 + time.perf_counter() - self._began_s)


@dataclass
class Watch:
    """When orders were committed, and when reports about them were."""

    ordered_s: dict[tuple[str, int], float] = field(default_factory=dict)
    taken_ms: list[float] = field(default_factory=list)
    held: dict[str, int] = field(default_factory=dict)
    rows: int = 0
    changed: threading.Condition = field(default_factory=threading.Condition)

    def on_reports(self, core: Core, reports: Sequence[Report]) -> None:
        """Take reports in, and note when each was committed."""
        meter_flows.on_reports(core, reports)
        now_s = time.perf_counter()
        with self.changed:
            for one in reports:
                self.held[one.meter_id] = one.revision
                began_s = self.ordered_s.pop((one.meter_id, one.revision), None)
                if began_s is not None:
                    self.taken_ms.append((now_s - began_s) * 1000)
            self.changed.notify_all()

    def on_rows(self, core: Core, told: Any) -> None:
        """Take rows in, and count them."""
        taken = meter_flows.on_rows(core, told)
        with self.changed:
            self.rows += taken.new
            self.changed.notify_all()

    def wait(self, until: Callable[[], bool]) -> None:
        """Wait until something is so."""
        with self.changed:
            assert self.changed.wait_for(until, PATIENCE_S), f"still waiting, {len(self.held)} meters hold something"


@dataclass
class Timed:
    """The way to meters, with a note when each order went onto it: right after its commit."""

    inner: Any
    watch: Watch

    def send(self, meter_id: str, desired: Order) -> None:
        """Send an order."""
        self.watch.ordered_s[meter_id, desired.revision] = time.perf_counter()
        self.inner.send(meter_id, desired)

    def request(self, meter_id: str, ask: Ask) -> None:
        """Ask."""
        self.inner.request(meter_id, ask)


@dataclass
class World:
    """A village, its broker and its bridge."""

    village: Village
    broker: Broker
    watch: Watch


@contextmanager
def world(address: str, meters: int, broker: Broker) -> Iterator[World]:
    """Run the bridge of a village whose books are at an address."""
    store = open_store(address)
    village, clock, keys = on_store(store, meters), RunningClock(), SealedKeys(bytes(32))
    with store.begin() as uow:
        for number in range(meters):
            if uow.meter_keys.get(meter(number)) is None:
                put_keys(uow, keys, meter(number), SITE, keys_of(number), clock.now())
    bridge = Bridge(replace(village.core, clock=clock, keys=keys), BrokerAccess(HOST, broker.port, "bridge"))
    watch = Watch()
    core = replace(bridge.core, link=Timed(bridge.outgoing, watch))
    bridge.inbox.core = core
    swapped = {meter_flows.on_reports: watch.on_reports, meter_flows.on_rows: watch.on_rows}
    bridge.inbox.flows = tuple((kind, swapped.get(flow, flow)) for kind, flow in bridge.inbox.flows)
    bridge.start()
    try:
        yield World(replace(village, core=core), broker, watch)
    finally:
        bridge.stop(30)
        store.close()


@contextmanager
def part(name: str, port: int, meters: int) -> Iterator[subprocess.Popen[str]]:
    """Run another end until the block is over; it is ready when this begins."""
    words = [sys.executable, str(ROOT / "benchmarks" / "switching_parts.py"), name, str(port), str(meters)]
    running = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert running.stdout is not None
    try:
        running.stdout.readline()
        yield running
    finally:
        running.kill()
        running.communicate()


@contextmanager
def broker_of_ours() -> Iterator[Broker]:
    """Run a broker; ends the program with the remedy where there is none."""
    with private_broker.broker(settings=ROOMY) as broker:
        if broker is None:
            raise SystemExit(f"no Mosquitto here: {private_broker.HOW}")
        yield broker


# Figures --------------------------------------------------------------------------------------------------------------


def trips(address: str, sizes: Sequence[int], samples: int) -> dict[str, Any]:
    """Return how long from one commit to the other, by number of meters."""
    found: dict[str, Any] = {}
    for meters in sizes:
        with databases.copy(address) as fresh:
            fill(fresh, meters)
            with broker_of_ours() as broker, world(fresh, meters, broker) as here:
                with part("fleet", broker.port, meters):
                    here.watch.wait(lambda: sum(here.watch.held.values()) >= meters)  # noqa: B023 - used at once
                    time.sleep(1.0)
                    here.watch.taken_ms.clear()
                    for number in range(samples):
                        flows.on_payment(here.village.core, *here.village.payment(number, f"T{meters}"))
                        here.watch.wait(lambda: not here.watch.ordered_s)
                    found[f"{meters}"] = spread(here.watch.taken_ms)
                found[f"{meters}"]["floor_p50_ms"] = floor_ms(broker, fresh)
    return found


def floor_ms(broker: Broker, address: str) -> float:
    """Return a raw round trip through a broker and two raw commits."""
    return round(statistics.median(raw_trips_ms(broker, 300)) + 2 * raw_commit_ms(address, 200), 3)


def raw_trips_ms(broker: Broker, count: int) -> list[float]:
    """Return how long it takes to publish, to be echoed, and to hear that, between two raw clients."""
    with part("echo", broker.port, 1):
        client, body, found = raw_mqtt.connected(broker.address, "floor"), bytes(160), []
        client.subscribe("mg/1/+/+/reported")
        for _ in range(count):
            started_s = time.perf_counter()
            client.publish(f"mg/1/{SITE}/M-1/desired", body)
            client.flush()
            while not client.heard(1.0):
                pass
            found.append((time.perf_counter() - started_s) * 1000)
        client.close()
    return found


def bridge_only(count: int) -> dict[str, Any]:
    """Return how long it takes to publish a signed order until its proven answer is decoded, without a database."""
    keys, told, answers = keys_of(1), topic(SITE, "M-1", "desired"), topic(SITE, "M-1", "reported")
    desired = Desired(
        1,
        on=True,
        cutoff_wh=5000,
        until_s=None,
        power_limit_w=None,
        service_time_s=BEGAN_S,
        fail=FailTerms(),
        not_after_s=BEGAN_S + 86_400,
        epoch=7,
    )
    came = threading.Event()

    def put(arrived: Arrived) -> None:
        decode("desired", proven_payload(arrived.body, keys, answers))  # the echo says the same under another topic
        arrived.done()
        came.set()

    with broker_of_ours() as broker:
        raw = raw_trips_ms(broker, count)
        with part("echo", broker.port, 1):
            link = MqttLink(BrokerAccess(HOST, broker.port, "bridge"), Hearing((answers,), put))
            link.start()
            while not link.is_up:
                time.sleep(0.01)
            time.sleep(0.2)
            found = []
            for _ in range(count):
                came.clear()
                started_s = time.perf_counter()
                link.publish(told, sealed(encode(desired), keys, answers), retain=False)
                came.wait(10)
                found.append((time.perf_counter() - started_s) * 1000)
            link.stop()
    ours, floor = statistics.median(found), statistics.median(raw)
    return {"p50_ms": round(ours, 3), "raw_p50_ms": round(floor, 3), "bridge_ratio": round(ours / floor, 2)}


def readings(address: str, meters: int) -> dict[str, Any]:
    """Return rows a second from the broker into the books, and to a raw subscriber."""
    with databases.copy(address) as fresh:
        fill(fresh, meters)
        with broker_of_ours() as broker, part("flood", broker.port, meters) as flood:
            raw_s = raw_subscribed_s(broker, flood, meters * 10)
            with world(fresh, meters, broker) as here:
                time.sleep(1.0)
                started_s = time.perf_counter()
                begin(flood)
                here.watch.wait(lambda: here.watch.rows >= meters * 10 * ROWS)
                ours_s = time.perf_counter() - started_s
    rows = meters * 10 * ROWS
    return {"rows": rows, "per_s": round(rows / ours_s), "raw_per_s": round(rows / raw_s)}


def raw_subscribed_s(broker: Broker, flood: subprocess.Popen[str], messages: int) -> float:
    """Return how long a raw subscriber takes for the flood."""
    client, heard = raw_mqtt.connected(broker.address, "raw"), 0
    client.subscribe("mg/1/+/+/readings")
    started_s = time.perf_counter()
    begin(flood)
    while heard < messages:
        heard += len(client.heard(1.0))
    taken_s = time.perf_counter() - started_s
    client.close()
    assert flood.stdout is not None
    flood.stdout.readline()
    return taken_s


def begin(flood: subprocess.Popen[str]) -> None:
    """Let the flood come."""
    assert flood.stdin is not None
    flood.stdin.write("\n")
    flood.stdin.flush()


def batch() -> dict[str, Any]:
    """Return the size of a reading on the wire, and the time to encode and decode twelve."""
    about, body = batches(1, 0)[0]
    payload = proven_payload(body, keys_of(0), about)
    rows = decode("readings", payload)
    return {
        "bytes_per_reading": round(len(body) / ROWS, 1),
        "encode_us": each_us(lambda: encode(rows)),
        "decode_us": each_us(lambda: decode("readings", payload)),
        "prove_us": each_us(lambda: proven_payload(body, keys_of(0), about)),
    }


def each_us(work: Callable[[], object], times: int = 5000) -> float:
    """Return the microseconds one turn takes, the best of five tries."""
    best_s = float("inf")
    for _ in range(5):
        started_s = time.perf_counter()
        for _ in range(times):
            work()
        best_s = min(best_s, time.perf_counter() - started_s)
    return round(best_s / times * 1e6, 2)


def storm(address: str, meters: int) -> dict[str, Any]:
    """Return how long after a broker is back every meter is too, and holds what was paid meanwhile."""
    with databases.copy(address) as fresh:
        fill(fresh, meters)
        with (
            broker_of_ours() as broker,
            world(fresh, meters, broker) as here,
            part("fleet", broker.port, meters),
        ):
            here.watch.wait(lambda: sum(here.watch.held.values()) >= meters)
            broker.kill()
            for number in range(meters // 10):
                flows.on_payment(here.village.core, *here.village.payment(number, "S"))
            time.sleep(1.0)
            broker.start()
            started_s = time.perf_counter()
            raw = raw_mqtt.connected(broker.address, "counting")
            raw.subscribe("mg/1/+/+/link")
            here_again: set[str] = set()
            while len(here_again) < meters:
                here_again |= {about for about, _ in raw.heard(1.0)}
            back_s = time.perf_counter() - started_s
            here.watch.wait(lambda: not here.watch.ordered_s)
            taken_s = time.perf_counter() - started_s
            raw.close()
    return {"meters": meters, "all_back_s": round(back_s, 2), "all_obey_s": round(taken_s, 2)}


def spread(found_ms: Sequence[float]) -> dict[str, Any]:
    """Return the middle and the end of some times."""
    ordered = sorted(found_ms)
    at_99 = ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)]
    return {"samples": len(ordered), "p50_ms": round(statistics.median(ordered), 2), "p99_ms": round(at_99, 2)}


def main() -> None:
    """Measure and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of everything")
    parser.add_argument("--only", choices=PARTS, action="append", help="this part alone; may be given several times")
    chosen = parser.parse_args()
    parts, scale = tuple(chosen.only or PARTS), 10 if chosen.quick else 1
    found: dict[str, Any] = {"python": platform.python_version(), "cores": os.cpu_count()}
    found["load_average"] = os.getloadavg()[0]
    if "batch" in parts:
        found["batch"] = batch()
    if "bridge" in parts:
        found["bridge"] = bridge_only(2000 // scale)
    with opened() as addresses:
        for kind, address in addresses.items():
            here: dict[str, Any] = {}
            if "trips" in parts:
                here["trips"] = trips(address, [100, 1000, *([10_000] if scale == 1 else [])], 1000 // scale)
            if "readings" in parts:
                here["readings"] = readings(address, 2000 // scale)
            if "storm" in parts and kind == "sqlite":
                here["storm"] = storm(address, 5000 // scale)
            found[kind] = here
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
