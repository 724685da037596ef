"""The floor of the figures is what they say it is: the same statements with the same effect, and nothing else."""

import sqlite3
from pathlib import Path

from benchmarks import databases
from benchmarks.replaying import Statement, recorded, replay_s
from benchmarks.villages import on_store, settled
from microgrid import flows
from microgrid.store.opening import upgrade
from microgrid.store.sql import open_store
from microgrid.store.verify import verify

HOMES = 3


def rows(address: str) -> list[str]:
    """Return everything in a SQLite file, as text."""
    connection = sqlite3.connect(address)
    found = sorted(connection.iterdump())
    connection.close()
    return found


def pay(address: str, payments: int) -> list[Statement]:
    """Let homes pay one after the other, and return what their store asked its driver."""
    store = open_store(address)
    village = on_store(store, HOMES)
    batch = [village.payment(number) for number in range(payments)]
    found = recorded(store, lambda: [flows.on_payment(village.core, seen, raw) for seen, raw in batch])
    assert verify(store).broken == ()
    store.close()
    return found


def test_a_replay_leaves_what_the_payments_left(tmp_path: Path) -> None:
    address = str(tmp_path / "books.db")
    upgrade(address)
    store = open_store(address)
    settled(store, HOMES)
    store.close()
    with databases.sqlite_copy(address) as paid, databases.sqlite_copy(address) as replayed:
        statements = pay(paid, 5)
        assert replay_s(replayed, statements) > 0
        assert rows(paid) == rows(replayed) != rows(address)
    assert [each.text for each in statements].count("COMMIT") == 5


def test_a_village_to_measure_on_has_true_books(tmp_path: Path) -> None:
    address = str(tmp_path / "books.db")
    upgrade(address)
    store = open_store(address)
    village = settled(store, HOMES)
    taken = flows.on_readings(village.core, village.readings(0, HOMES, 4, 0))
    assert (taken.new, taken.problems) == (4 * HOMES, ())
    assert verify(store).broken == ()
    store.close()
