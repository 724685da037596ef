"""Payments that arrive at the same time share a commit, and nobody notices but the clock."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from microgrid.billing.payments import Payment
from microgrid.billing.service import Receipt
from microgrid.billing.sightings import Seen
from microgrid.errors import Contradiction, Environment, Problem
from microgrid.group_commit import MOST_WAITING, GroupCommit
from microgrid.kept import RawEvent
from microgrid.ports import UnitOfWork
from microgrid.store.memory import MemoryStore
from microgrid.store.opening import upgrade
from microgrid.store.sql import open_store
from microgrid.switching import service as switching
from tests.api.running import SECRET_PATH, SETTINGS, make_folder, running
from tests.api.service import confirmation, make_service
from tests.flows.village import ENERGY, START, AnyStore, Village, make_village

SENDERS = 16


class Gate:
    """A store whose next transaction waits until the test lets it go on; counts the transactions that write."""

    def __init__(self, store: AnyStore) -> None:
        self.store = store
        self.begun = 0
        self.entered, self.opened = threading.Event(), threading.Event()
        self.opened.set()
        self.failing: list[Exception] = []

    def begin(self) -> AbstractContextManager[UnitOfWork]:
        self.begun += 1
        self.entered.set()
        assert self.opened.wait(30)
        if self.failing:
            raise self.failing.pop(0)
        return self.store.begin()

    def read(self) -> AbstractContextManager[UnitOfWork]:
        return self.store.read()

    def check(self) -> None:
        self.store.check()


@pytest.fixture
def gate() -> Gate:
    return Gate(MemoryStore())


def home_behind(gate: Gate) -> Village:
    village = make_village(gate.store)
    village.settle_in(ENERGY)
    village.core = replace(village.core, store=gate)
    gate.begun = 0
    return village


def at_once(
    gate: Gate, first: Callable[[], Any], others: Sequence[Callable[[], Any]], together: GroupCommit
) -> list[Any]:
    """Let one begin, the others arrive while its transaction is open, and return what became of all."""
    gate.opened.clear()
    gate.entered.clear()
    with ThreadPoolExecutor(len(others) + 1) as threads:
        answers = [threads.submit(first)]
        assert gate.entered.wait(30)
        answers += [threads.submit(other) for other in others]
        while together.waiting() < len(others):
            threading.Event().wait(0.001)
        gate.opened.set()
        return [answer.exception(30) or answer.result() for answer in answers]


def test_those_who_wait_share_one_commit_and_each_has_its_own_answer(gate: Gate) -> None:
    village = home_behind(gate)
    together = GroupCommit(village.core)

    def pay(number: int, amount_minor: int = 1000) -> Callable[[], Any]:
        return lambda: together.book(Seen(village.payment(f"R{number}", amount_minor)), None)

    done = at_once(gate, pay(0), [pay(1), pay(2), pay(2), pay(0), pay(0, 999), *map(pay, range(3, 12))], together)
    assert gate.begun == 2
    assert isinstance(done[5], Contradiction)
    receipts = [one for one in done if isinstance(one, Receipt)]
    assert [one.is_new for one in receipts].count(True) == 12
    assert village.credit_minor() == 12_000
    village.are_books_true()


def test_a_payment_that_breaks_harms_no_other(gate: Gate) -> None:
    village = home_behind(gate)
    together = GroupCommit(village.core)

    def pay(payment: Payment) -> Callable[[], Any]:
        return lambda: together.book(Seen(payment), None)

    broken = replace(village.payment("R9", 5), paid_at=datetime(2026, 3, 2))  # noqa: DTZ001 - a bug no parser has
    good = [village.payment(f"R{number}", 1000) for number in range(1, 6)]
    done = at_once(gate, pay(good[0]), [pay(broken), *map(pay, good[1:])], together)
    assert [isinstance(one, Receipt) for one in done] == [True, False, True, True, True, True]
    assert village.credit_minor() == 5_000
    village.are_books_true()


def test_a_store_that_fails_for_a_moment_fails_only_who_asked_then(gate: Gate) -> None:
    village = home_behind(gate)
    together = GroupCommit(village.core)
    down = Environment(Problem("MG-E060", "the database cannot be reached"))

    def pay(number: int) -> Callable[[], Any]:
        return lambda: together.book(Seen(village.payment(f"R{number}", 1000)), None)

    gate.failing = [down, down]  # the first commit, and its second try
    done = at_once(gate, pay(0), [pay(1), pay(2)], together)
    assert done[0] is down
    assert all(isinstance(one, Receipt) for one in done[1:])
    assert isinstance(together.book(Seen(village.payment("R0", 1000)), None), Receipt)
    assert village.credit_minor() == 3_000
    village.are_books_true()


def test_who_finds_no_room_books_alone(gate: Gate) -> None:
    village = home_behind(gate)
    together = GroupCommit(village.core, most_waiting=2)

    def pay(number: int) -> Callable[[], Any]:
        return lambda: together.book(Seen(village.payment(f"R{number}", 1000)), None)

    gate.opened.clear()
    with ThreadPoolExecutor(8) as threads:
        answers = [threads.submit(pay(number)) for number in range(8)]
        assert gate.entered.wait(30)
        gate.opened.set()
        assert all(isinstance(answer.result(30), Receipt) for answer in answers)
    assert village.credit_minor() == 8_000
    assert MOST_WAITING > 40  # as many as the service answers at a time
    village.are_books_true()


def test_what_breaks_inside_is_kept_with_its_message_and_told_as_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    service = make_service(MemoryStore())

    def broken(*_: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(switching, "settle", broken)
    assert service.provider("confirmation", confirmation("RKT1", "500")).status_code == 500
    with service.village.store.read() as uow:
        (kept,) = uow.raw_events.page()
    assert kept.outcome == "nothing booked: a bug of ours, ZeroDivisionError: a bug"
    monkeypatch.undo()
    assert service.provider("confirmation", confirmation("RKT1", "500")).status_code == 200
    assert service.village.credit_minor() == 50_000


@pytest.mark.parametrize("count", [160, pytest.param(3200, marks=pytest.mark.long)])
def test_many_callbacks_at_once_are_each_booked_once(tmp_path: Path, count: int) -> None:
    folder = make_folder(tmp_path / "books")
    bodies = [json.dumps(confirmation(f"R{number // 2}", "500", "nobody")) for number in range(count)]
    with running(folder) as service, ThreadPoolExecutor(SENDERS) as senders:
        answers = list(senders.map(lambda body: service.ask(f"/hooks/{SECRET_PATH}/confirmation", body), bodies))
        service.end()
    assert set(answers) == {(200, '{"ResultCode":0,"ResultDesc":"Success"}')}
    store = open_store(str(folder / "books.db"))
    with store.read() as uow:
        assert len(uow.payments.page(limit=count)) == count // 2
        assert uow.ledger.balance_minor("cash:mpesa:600638", "KES") == count // 2 * 50_000
        assert {row.outcome.split(",")[0] for row in uow.raw_events.page(limit=count)} == {
            f"suspense mpesa:600638:R{number}" for number in range(count // 2)
        }
    store.close()


def test_a_service_that_is_ended_amid_callbacks_keeps_what_it_answered(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "books", SETTINGS)
    answered: list[str] = []

    def send(number: int) -> None:
        receipt = f"R{number}"
        try:
            status, _ = service.ask(f"/hooks/{SECRET_PATH}/confirmation", json.dumps(confirmation(receipt, "5")))
        except OSError:
            return
        if status == 200:
            answered.append(f"mpesa:600638:{receipt}")
        if len(answered) == 40:
            service.process.terminate()

    with running(folder) as service, ThreadPoolExecutor(SENDERS) as senders:
        list(senders.map(send, range(400)))
        assert service.process.wait(60) == 0
    store = open_store(str(folder / "books.db"))
    with store.read() as uow:
        assert set(answered) <= {row.id for row in uow.payments.page(limit=500)}
    store.close()
    assert len(answered) >= 40


def raw(number: int) -> RawEvent:
    return RawEvent(f"raw:{number}", "mpesa:600638", START, "", "", b"{}", "")


def test_the_raw_message_shares_the_commit_of_its_payment(tmp_path: Path) -> None:
    address = str(tmp_path / "books.db")
    upgrade(address)
    store = open_store(address)
    village = make_village(store)
    village.settle_in(ENERGY)
    together = GroupCommit(village.core)
    with ThreadPoolExecutor(SENDERS) as threads:
        seen = [Seen(village.payment(f"R{number % 20}", 100 + number // 20)) for number in range(40)]
        done = list(threads.map(lambda number: together.book(seen[number], raw(number)), range(40)))
    assert sum(isinstance(one, Receipt) for one in done) == 20
    with store.read() as uow:
        kept = [row.outcome.split(" ")[0] for row in uow.raw_events.page()]
    assert sorted(kept) == ["nothing"] * 20 + ["posted"] * 20
    village.are_books_true()
    store.close()
