"""How many durable payments a second go through `flows.on_payment`, beside the floor beneath them.

The floor is a replay of exactly the SQL statements and parameters the same payments issued, on the same driver and
with the same durability, with no code of ours between. Each round runs both on fresh copies of one database; printed
are medians of the rounds, the median of the rounds' own ratios, and `noise`: the spread of ours over its median.

Prints JSON: per database `per_s`, `floor_per_s`, `ratio`, `statements` of one payment, `raw_commit_ms` of two small
rows, `group_per_s` and `group_ratio` for groups of concurrent callbacks with one commit. Then `webhooks` (p50 and p99
at 50 and 200 calls a second to the service in a process of its own, and its memory), `verify_s` of a million journal
lines, and `by_accounts`: the cost of a payment with ever more accounts. The machine should be idle.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeVar

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import databases, private_postgres, webhooks  # noqa: E402 - the folder above is put on the path first
from benchmarks.replaying import raw_commit_ms, recorded, replay_s  # noqa: E402
from benchmarks.villages import Village, on_store, pay_often, settled  # noqa: E402
from microgrid import flows  # noqa: E402
from microgrid.store.sql import open_store  # noqa: E402
from microgrid.store.verify import verify  # noqa: E402

Result = TypeVar("Result")

PARTS = ("payments", "webhooks", "verify", "accounts")
GROUP = 32  # callbacks that come together
WARM_UP = 20


def main() -> None:
    """Measure and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of everything")
    parser.add_argument("--only", choices=PARTS, action="append", help="this part alone; may be given several times")
    parser.add_argument("--rounds", type=int, default=7, help="of payments and their floor")
    chosen = parser.parse_args()
    print(json.dumps(measured(chosen.only or PARTS, chosen.rounds, quick=chosen.quick), indent=2))


def measured(parts: tuple[str, ...], rounds: int, *, quick: bool) -> dict[str, Any]:
    """Return every figure asked for."""
    scale = 10 if quick else 1
    found: dict[str, Any] = {"python": platform.python_version(), "cores": os.cpu_count()}
    with opened() as addresses:
        for kind, address in addresses.items():
            found[kind] = figures(address, parts, rounds, scale)
    return found


@contextmanager
def opened() -> Iterator[dict[str, str]]:
    """Make one database of each kind there is on this machine."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="microgrid-figures-")))
        found = {"sqlite": stack.enter_context(databases.sqlite(folder))}
        server = stack.enter_context(private_postgres.server(durable=True))
        if server is not None:
            found["postgresql"] = stack.enter_context(databases.postgres(server))
        yield found


def figures(address: str, parts: tuple[str, ...], rounds: int, scale: int) -> dict[str, Any]:
    """Return the figures of one database, which is empty."""
    found: dict[str, Any] = {}
    with databases.copy(address) as village:
        if "payments" in parts:
            found |= single_and_grouped(village, rounds, 1000 // scale, homes=2000)
    if "webhooks" in parts:
        with databases.copy(address) as village:
            found["webhooks"] = webhooks.measured(village, homes=100_000 // scale, seconds=20 // min(scale, 4))
    if "verify" in parts:
        with databases.copy(address) as village:
            found |= verified(village, lines=1_000_000 // scale)
    if "accounts" in parts:
        sizes = [10**power for power in range(3, 7 if scale == 1 else 6)]
        found["by_accounts"] = by_accounts(address, sizes, 3 * rounds)
    return found


def single_and_grouped(address: str, rounds: int, payments: int, homes: int) -> dict[str, Any]:
    """Return payments a second one by one, in groups, and replayed."""
    fill(address, homes)
    with databases.copy(address) as fresh:
        statements = recording(fresh, homes, payments)
    ours_s, floor_s, group_s = [], [], []
    for _ in range(rounds):
        with databases.copy(address) as fresh:
            ours_s.append(on_village(fresh, homes, lambda village: one_by_one(village, payments)))
        with databases.copy(address) as fresh:
            on_village(fresh, homes, warm_up)
            floor_s.append(replay_s(fresh, statements))
        with databases.copy(address) as fresh:
            group_s.append(on_village(fresh, homes, lambda village: in_groups(village, payments)))
    per_s = [payments / each for each in ours_s]
    ratios = [floor / ours for floor, ours in zip(floor_s, ours_s, strict=True)]
    group_ratios = [ours / group for ours, group in zip(ours_s, group_s, strict=True)]
    with databases.copy(address) as fresh:
        commit_ms = raw_commit_ms(fresh, 500)
    return {
        "per_s": round(statistics.median(per_s)),
        "floor_per_s": round(payments / statistics.median(floor_s)),
        "ratio": round(statistics.median(ratios), 3),
        "noise": round((max(per_s) - min(per_s)) / statistics.median(per_s), 2),
        "statements": len(statements) / payments,
        "raw_commit_ms": round(commit_ms, 3),
        "group_of": GROUP,
        "group_per_s": round(payments / statistics.median(group_s)),
        "group_ratio": round(statistics.median(group_ratios), 2),
    }


def fill(address: str, homes: int) -> None:
    """Let homes move into an empty database."""
    store = open_store(address)
    settled(store, homes)
    store.close()


def recording(address: str, homes: int, payments: int) -> list[Any]:
    """Return the statements of payments, and of no other thing."""
    store = open_store(address)
    village = on_store(store, homes)
    warm_up(village)
    batch = [village.payment(number) for number in range(payments)]
    found = recorded(store, lambda: [flows.on_payment(village.core, seen, raw) for seen, raw in batch])
    store.close()
    return found


def on_village(address: str, homes: int, work: Callable[[Village], Result]) -> Result:
    """Return what some work on a filled database gives."""
    store = open_store(address)
    try:
        return work(on_store(store, homes))
    finally:
        store.close()


def one_by_one(village: Village, payments: int) -> float:
    """Return how long payments take, each with a commit of its own."""
    batch = [village.payment(number) for number in range(payments)]
    warm_up(village)
    started_s = time.perf_counter()
    for seen, raw in batch:
        flows.on_payment(village.core, seen, raw)
    return time.perf_counter() - started_s


def in_groups(village: Village, payments: int) -> float:
    """Return how long payments take in groups that share a commit."""
    batch = [village.payment(number) for number in range(payments)]
    groups = [batch[start : start + GROUP] for start in range(0, payments, GROUP)]
    warm_up(village)
    started_s = time.perf_counter()
    for group in groups:
        flows.on_payments(village.core, group)
    return time.perf_counter() - started_s


def warm_up(village: Village) -> None:
    """Let some payments come that are not counted: with the first ones, statements are made."""
    for number in range(WARM_UP):
        flows.on_payment(village.core, *village.payment(number, "V"))
    flows.on_payments(village.core, [village.payment(WARM_UP + number, "V") for number in range(WARM_UP)])


def verified(address: str, lines: int) -> dict[str, Any]:
    """Return how long it takes to prove books of so many lines."""
    store, homes = open_store(address), lines // 100
    settled(store, homes)
    pay_often(store, homes, 49)  # each home has paid 50 times: so many journals of two lines
    databases.settle_down(address)
    started_s = time.perf_counter()
    verdict = verify(store)
    taken_s = time.perf_counter() - started_s
    store.close()
    return {"verify_s": round(taken_s, 2), "verify_lines": verdict.lines, "verify_broken": len(verdict.broken)}


def by_accounts(address: str, sizes: Sequence[int], rounds: int) -> dict[str, Any]:
    """Return what a payment costs among so many accounts, in turns, so that other work meets all sizes alike."""
    taken_s: dict[int, list[float]] = {size: [] for size in sizes}
    with ExitStack() as stack:
        villages = [stack.enter_context(filled(address, size)) for size in sizes]
        for turn in range(rounds):
            for village in villages:
                taken_s[village.homes].append(paid_s(village, turn))
    costs = {size: statistics.median(some) for size, some in taken_s.items()}
    rows = {f"{size}": {"ms": round(cost * 1000, 3)} for size, cost in costs.items()}
    grown = [some[-1] / some[0] for some in zip(*taken_s.values(), strict=True)]
    return {**rows, "largest_over_smallest": round(statistics.median(grown), 2)}


@contextmanager
def filled(address: str, homes: int) -> Iterator[Village]:
    """Open a village of so many homes in a copy of an empty database."""
    with databases.copy(address) as copied:
        fill(copied, homes)
        databases.settle_down(copied)
        store = open_store(copied)
        village = on_store(store, homes)
        warm_up(village)
        yield village
        store.close()


def paid_s(village: Village, turn: int) -> float:
    """Return what each of some payments takes."""
    batch = [village.payment(turn * 1000 + number, "A") for number in range(100)]
    started_s = time.perf_counter()
    for seen, raw in batch:
        flows.on_payment(village.core, seen, raw)
    return (time.perf_counter() - started_s) / len(batch)


if __name__ == "__main__":
    main()
