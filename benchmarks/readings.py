"""How many readings a second go through `flows.on_readings`: stored, charged, and supply decided, in batches of 500.

Prints JSON per database: `per_s` for batches of 125 meters with an hour of four rows each, as a gateway of a village
hands them over; `by_meters` for the same 500 rows from fewer and from more meters; `floor_per_s` and `ratio` beside a
replay of the same statements with no code of ours between. Medians of several rounds; the machine should be idle.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import databases  # noqa: E402 - the folder above is put on the path first
from benchmarks.payments import fill, on_village, opened  # noqa: E402
from benchmarks.replaying import recorded, replay_s  # noqa: E402
from benchmarks.villages import Village  # noqa: E402
from microgrid import flows  # noqa: E402

BATCH = 500
HOMES = 2000
METERS = (50, 125, 500)  # in one batch
TYPICAL = 125


def main() -> None:
    """Measure and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a fifth of everything")
    parser.add_argument("--rounds", type=int, default=7, help="of which the median is printed")
    chosen = parser.parse_args()
    found: dict[str, Any] = {"python": platform.python_version(), "cores": os.cpu_count(), "batch": BATCH}
    batches = 8 if chosen.quick else 40
    with opened() as addresses:
        for kind, address in addresses.items():
            fill(address, HOMES)
            databases.settle_down(address)
            found[kind] = figures(address, chosen.rounds, batches)
    print(json.dumps(found, indent=2))


def figures(address: str, rounds: int, batches: int) -> dict[str, Any]:
    """Return the figures of one database with homes in it."""
    by_meters = {}
    for meters in METERS:
        taken_s = []
        for _ in range(rounds):
            with databases.copy(address) as fresh:
                taken_s.append(on_village(fresh, HOMES, partial(taken, meters=meters, batches=batches)))
        by_meters[f"{meters}"] = round(batches * BATCH / statistics.median(taken_s))
    with databases.copy(address) as fresh:
        statements = on_village(
            fresh, HOMES, lambda village: recorded(village.store, lambda: taken(village, TYPICAL, batches))
        )
    with databases.copy(address) as fresh:
        floor_per_s = batches * BATCH / replay_s(fresh, statements)
    per_s = by_meters[f"{TYPICAL}"]
    return {
        "per_s": per_s,
        "floor_per_s": round(floor_per_s),
        "ratio": round(per_s / floor_per_s, 3),
        "by_meters": by_meters,
        "statements": len(statements) / batches,
    }


def taken(village: Village, meters: int, batches: int) -> float:
    """Return how long batches of rows of so many meters take."""
    rows_each = BATCH // meters
    per_turn = HOMES // meters
    made = [
        village.readings(batch % per_turn * meters, meters, rows_each, batch // per_turn) for batch in range(batches)
    ]
    started_s = time.perf_counter()
    for readings in made:
        village.clock.at = max(reading.at for reading in readings)
        flows.on_readings(village.core, readings)
    return time.perf_counter() - started_s


if __name__ == "__main__":
    main()
