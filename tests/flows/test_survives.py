"""Payments twice, at once, in any order and through crashes end in the books of single delivery."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest
from numpy.random import default_rng

from microgrid import flows
from microgrid.billing.sightings import Seen
from microgrid.errors import MicrogridError
from microgrid.ports import Core, UnitOfWork
from microgrid.store.memory import MemoryStore
from microgrid.store.opening import upgrade
from microgrid.store.sql import open_store
from microgrid.store.sql_session import Session
from microgrid.switching.supply import Desired
from microgrid.switching.told import Ask
from tests.flows.village import ENERGY, START, AnyStore, HandClock, Sent, Village, make_village

ROOT = Path(__file__).resolve().parents[2]
HOMES = tuple(f"K-{number}" for number in range(200, 208))
CASH = "cash:mpesa:600638"


def deliver(village: Village, payments: int, threads: int) -> int:
    """Deliver each payment one to five times on many threads, shuffled; return the money they hold."""
    chance = default_rng(5)
    amounts = [int(amount) for amount in chance.integers(1, 90_000, payments)]
    copies = [n for n in range(payments) for _ in range(int(chance.integers(1, 6)))]
    chance.shuffle(copies)
    failed: list[Exception] = []

    def work(mine: list[int]) -> None:
        try:
            for n in mine:
                reference = "?" if n % 10 == 9 else HOMES[n % len(HOMES)]
                village.pay(f"R{n:06}", amounts[n], reference)
        except Exception as error:
            failed.append(error)

    workers = [Thread(target=work, args=(copies[first::threads],)) for first in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert failed == []
    return sum(amounts)


def check_delivery(village: Village, payments: int) -> None:
    village.settle_in(ENERGY)
    for name in HOMES:
        village.move_in(name)
    total = deliver(village, payments, 8)
    assert village.balance_minor(CASH) == total
    assert sum(village.credit_minor(name) for name in HOMES) == total + village.balance_minor("suspense:mpesa:600638")
    assert all(village.desired(name).supply.on for name in HOMES)
    village.are_books_true()


def test_many_payments_many_times_on_many_threads(village: Village) -> None:
    check_delivery(village, 60)


@pytest.mark.long
def test_ten_thousand_payments_many_times_on_many_threads(village: Village) -> None:
    check_delivery(village, 10_000)


def test_one_commit_for_many_payments_and_a_refusal_undoes_no_other(home: Village) -> None:
    home.pay("R1", 100)
    batch = [home.payment("R2", 200), home.payment("R1", 999), home.payment("R3", 300), home.payment("R2", 200)]
    done = flows.on_payments(home.core, [(Seen(payment), None) for payment in batch])
    assert [isinstance(one, MicrogridError) for one in done] == [False, True, False, False]
    assert home.credit_minor() == 600
    home.are_books_true()


class CrashError(Exception):
    """The end of the world, at a chosen place."""


class Interrupted:
    """A store whose transactions end in a crash at their commit."""

    def __init__(self, store: AnyStore) -> None:
        self.store = store
        self.read, self.check = store.read, store.check

    @contextmanager
    def begin(self) -> Iterator[UnitOfWork]:
        with self.store.begin() as uow:
            yield uow
            raise CrashError


def test_a_crash_before_the_commit_leaves_nothing_and_sends_nothing(home: Village) -> None:
    sent = len(home.sent.orders)
    broken = Core(Interrupted(home.store), home.clock, home.core.link, home.core.notifier)
    with pytest.raises(CrashError):
        flows.on_payment(broken, Seen(home.payment("R1", 50_000)))
    assert (home.credit_minor(), home.balance_minor(CASH), len(home.sent.orders)) == (0, 0, sent)
    assert home.pay("R1", 50_000).is_new


def test_a_crash_after_the_commit_is_made_good_by_the_next_tick(home: Village) -> None:
    class Deaf:
        def send(self, meter_id: str, desired: Desired) -> None:
            raise CrashError(meter_id, desired)

        def request(self, meter_id: str, ask: Ask) -> None:
            raise CrashError(meter_id, ask)

    with pytest.raises(CrashError):
        flows.on_payment(Core(home.store, home.clock, Deaf(), home.core.notifier), Seen(home.payment("R1", 50_000)))
    assert home.credit_minor() == 50_000
    home.sent.orders.clear()
    home.clock.pass_(minutes=1)
    flows.on_tick(home.core)
    assert home.sent.orders == [("M-K-104", home.desired())]


def live(address: str, die_at: int, before: str) -> None:
    """Deliver ten payments and readings, killing this process at a commit; run by the test as a program."""
    store = open_store(address)
    clock, sent = HandClock(), Sent()
    village = Village(Core(store, clock, sent.meter(), sent.people()), store, clock, sent)
    close, commits = Session.close, [0]

    def dying(self: Session, end: str) -> None:
        commits[0] += end == "COMMIT"
        if commits[0] == die_at and before == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        close(self, end)
        if commits[0] == die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    Session.close = dying  # type: ignore[method-assign]  # the process dies of it
    for n in range(10):
        village.pay(f"R{n}", 1000 + n)
        clock.pass_(minutes=15)
        village.use(1000 + 10 * (n + 1))
    clock.pass_(days=1)
    flows.on_tick(village.core)


@pytest.mark.parametrize("before", ["before", "after"])
def test_killed_at_a_commit_and_started_again_ends_in_the_same_books(tmp_path: Path, before: str) -> None:
    address = str(tmp_path / "books.db")
    upgrade(address)
    store = open_store(address)
    village = make_village(store)
    village.settle_in(ENERGY)
    for die_at in (1, 4, 9, 16, 21, 0):
        command = [sys.executable, "-m", "tests.flows.test_survives", address, str(die_at), before]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode in ((-signal.SIGKILL, 0) if die_at else (0,)), done.stderr
        village.are_books_true()
    assert village.balance_minor(CASH) == sum(1000 + n for n in range(10))
    assert village.credit_minor() == sum(1000 + n for n in range(10)) - 100 * 25
    store.close()


def test_memory_and_sql_end_in_the_same_books(tmp_path: Path) -> None:
    upgrade(str(tmp_path / "books.db"))
    opened = open_store(str(tmp_path / "books.db"))
    seen = []
    for store in (MemoryStore(), opened):
        village = make_village(store)
        village.settle_in(ENERGY)
        for n in range(10):
            village.pay(f"R{n}", 1000 + n, ("K-104", "?", "k1o4")[n % 3])
            village.use(1000 + 7 * n)
        village.clock.at = START.replace(day=5)
        flows.on_tick(village.core)
        with store.read() as uow:
            seen.append((uow.ledger.page(limit=500), uow.twins.get("M-K-104"), uow.credits.get("K-104")))
    assert seen[0] == seen[1]
    opened.close()


if __name__ == "__main__":
    live(sys.argv[1], int(sys.argv[2]), sys.argv[3])
