"""How long a provider waits for the answer to a payment: the real service in a process of its own, called over HTTP.

Calls are due at fixed times, whether or not earlier ones are answered, and their time counts from when they were due.
"""

from __future__ import annotations

import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from benchmarks.villages import BODY, SHORTCODE, name, settled
from microgrid.store.sql import open_store

SECRET_PATH = "7hX2vQ9rLw4nTz8b"  # noqa: S105 - of a service that lives as long as this program
CALLERS = 16  # connections of the provider
RATES_PER_S = (50, 200)
ORGANISATION = f"""database: "%s"
payments:
  - {{provider: mpesa, shortcode: "{SHORTCODE}", currency: KES, exponent: 2, region: KE,
     secret_path: {SECRET_PATH}, allowed_addresses: ["127.0.0.1"]}}
"""


def measured(address: str, homes: int, seconds: int) -> dict[str, Any]:
    """Return waiting times and memory of a service whose books are at an address, and empty."""
    store = open_store(address)
    settled(store, homes)
    store.close()
    found: dict[str, Any] = {"accounts": homes}
    with service(address) as (port, process):
        asked(port, homes, range(CALLERS * 4), rate_per_s=50)  # the first calls compile statements
        first = 10_000
        for rate_per_s in RATES_PER_S:
            numbers = range(first, first + rate_per_s * seconds)
            found[f"at_{rate_per_s}_per_s"] = waited(asked(port, homes, numbers, rate_per_s))
            first = numbers.stop
        found["service_mb"] = round(resident_mb(process.pid), 1)
    return found


@contextmanager
def service(address: str) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """Run the service until the block ends."""
    with tempfile.TemporaryDirectory(prefix="microgrid-service-") as folder:
        (Path(folder) / "organisation.yaml").write_text(ORGANISATION % address)
        port = _free_port()
        words = [sys.executable, "-m", "microgrid", "serve", folder, "--port", str(port)]
        root = Path(__file__).resolve().parent.parent
        with (Path(folder) / "log").open("wb") as log:
            running = subprocess.Popen(words, cwd=root, stdout=log, stderr=log)
            try:
                _wait_until_ready(running, port, Path(folder) / "log")
                yield port, running
            finally:
                running.send_signal(signal.SIGTERM)
                running.wait(timeout=60)


def asked(port: int, homes: int, numbers: range, rate_per_s: int) -> list[float]:
    """Return how long each call waited [s], from the time it was due."""
    here = threading.local()
    started_s = time.perf_counter() + 0.1

    def call(number: int) -> float:
        due_s = started_s + (number - numbers.start) / rate_per_s
        time.sleep(max(0.0, due_s - time.perf_counter()))
        if getattr(here, "connection", None) is None:
            here.connection = HTTPConnection("127.0.0.1", port, timeout=30)
            here.connection.connect()
            here.connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        home = name(number * 7919 % homes).encode()
        body = BODY % (f"W{number:09}".encode(), home)
        path = f"/hooks/{SECRET_PATH}/confirmation"
        here.connection.request("POST", path, body, {"Content-Type": "application/json"})
        answer = here.connection.getresponse()
        said = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"the service answered {answer.status}: {said!r}")
        return time.perf_counter() - due_s

    with ThreadPoolExecutor(CALLERS) as pool:
        return list(pool.map(call, numbers))


def waited(times_s: list[float]) -> dict[str, float]:
    """Return the median and the slowest hundredth of waiting times."""
    cuts = statistics.quantiles(times_s, n=100)
    return {"p50_ms": round(cuts[49] * 1000, 2), "p99_ms": round(cuts[98] * 1000, 2), "calls": len(times_s)}


def resident_mb(process_id: int) -> float:
    """Return the most memory a process has held [MB], where the system says so."""
    status = Path(f"/proc/{process_id}/status")
    if not status.is_file():
        return float("nan")
    line = next(row for row in status.read_text().splitlines() if row.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_ready(running: subprocess.Popen[bytes], port: int, log: Path) -> None:
    for _ in range(600):
        if running.poll() is not None:
            break
        if _is_ready(port):
            return
        time.sleep(0.05)
    raise RuntimeError(f"the service did not start: {log.read_text(errors='replace')[-2000:]}")


def _is_ready(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()
