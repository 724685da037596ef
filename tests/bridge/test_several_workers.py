"""Several workers share the meters of one database: each meter is looked after by one, and nobody is left alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from benchmarks import private_broker
from microgrid.bridge.running import Bridge
from microgrid.store.memory import MemoryStore
from microgrid.switching.partitions import HELD_FOR, PARTS, claim, let_go, part_of
from tests.bridge.live import live
from tests.flows.village import START, AnyStore


def claimed(store: AnyStore, worker: str, seconds: int) -> frozenset[int]:
    with store.begin() as uow:
        return claim(uow, worker, START + timedelta(seconds=seconds))


def test_each_part_is_held_by_one_worker_whoever_comes_and_goes(store: AnyStore) -> None:
    assert claimed(store, "a", 0) == frozenset(range(PARTS))
    assert claimed(store, "b", 1) == frozenset()  # nobody is pushed out
    shares = {}
    for turn in range(4):
        for worker in ("a", "b", "c"):
            shares[worker] = claimed(store, worker, 2 + turn)
    held = [part for mine in shares.values() for part in mine]
    assert sorted(held) == list(range(PARTS))
    assert {len(mine) for mine in shares.values()} <= {20, 21, 22}
    with store.begin() as uow:
        let_go(uow, "b", START + timedelta(seconds=6))
    late = 7 + int(HELD_FOR.total_seconds())
    left = claimed(store, "a", 7) | claimed(store, "a", late)  # c is dead
    assert left == frozenset(range(PARTS))


def test_a_meter_belongs_to_its_part_for_ever() -> None:
    assert [part_of(name) for name in ("M-1", "M-2", "M-K-104")] == [20, 46, 53]
    assert {part_of(f"M-{number}") for number in range(2000)} == set(range(PARTS))


def test_two_workers_serve_one_village_and_one_goes_on_when_the_other_ends() -> None:
    with live(MemoryStore(), 12, worker="one") as world:
        if world is None:
            pytest.skip(f"NOT RUN WITH A BROKER: no Mosquitto here; to run: {private_broker.HOW}")
        second = Bridge(world.offline, world.access, "two")
        second.start()
        try:
            world.go_on(world.are_heard)
            world.pay_all("R", 100_000)
            world.go_on(world.are_confirmed)
            world.bridge.stop(10)
            world.village.core = replace(world.offline, link=second.outgoing)
            world.pay_all("S", 100_000)
            world.go_on(lambda: world.are_confirmed() and world.are_on())
        finally:
            second.stop(10)
        world.village.are_books_true()
