"""Many threads at once: a receipt is claimed once, an account is changed in turn, and collisions are run again."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from threading import Barrier

import pytest

from microgrid.billing.ledger import Entry, Journal
from microgrid.billing.payments import Payment
from microgrid.billing.sightings import sighted
from microgrid.errors import AlreadyThere, Collision
from microgrid.kept import Credit
from microgrid.ports import Store, UnitOfWork, transact
from microgrid.store.memory import MemoryStore
from microgrid.store.sql import SqlStore
from microgrid.store.verify import verify
from microgrid.switching.supply import Desired, FailPolicy, Supply, Twin

AT = datetime(2026, 11, 23, 6, 30, tzinfo=UTC)


def together(count: int, work: Callable[[int], object]) -> list[object]:
    """Run work in so many threads that start at one moment, and return what they gave."""
    start = Barrier(count)

    def one(number: int) -> object:
        start.wait()
        return work(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


def take_in(uow: UnitOfWork, receipt: str, amount_minor: int, account: str) -> bool:
    """Post a payment, unless its receipt was claimed before; what intake does, without its rules."""
    payment = Payment(f"mpesa:1:{receipt}", "mpesa", "1", receipt, amount_minor, "TZS", AT, AT)
    try:
        uow.payments.add(replace(payment, account_id=account, status="posted", journal_id=payment.id))
    except AlreadyThere:
        return False
    uow.sightings.add(sighted(payment.id, "c2b", "", AT))
    credit = uow.credits.lock([account])[account]
    entries = (Entry("cash:mpesa:1", amount_minor), Entry(f"customer:{account}", -amount_minor))
    uow.ledger.post(Journal(payment.id, "payment", "TZS", AT, AT, entries))
    uow.credits.put(replace(credit, balance_minor=credit.balance_minor + amount_minor))
    return True


def deliver(store: Store, receipt: str, _number: int = 0) -> bool:
    return transact(store, lambda uow: take_in(uow, receipt, 500, "a"))


def test_two_threads_with_one_receipt_post_it_once(store: MemoryStore | SqlStore) -> None:
    for round_number in range(10):
        receipt = f"Q{round_number}"
        posted = together(2, partial(deliver, store, receipt))
        assert sorted(map(str, posted)) == ["False", "True"]
    with store.read() as uow:
        assert uow.credits.get("a").balance_minor == 5000
        assert uow.ledger.balance_minor("cash:mpesa:1", "TZS") == 5000
    assert verify(store).broken == ()


def race_on_one_account(store: MemoryStore | SqlStore, workers: int, each: int) -> None:
    def work(number: int) -> None:
        for turn in range(1, each + 1):
            transact(
                store, partial(take_in, receipt=f"{number}-{turn}", amount_minor=number * 1000 + turn, account="a")
            )

    together(workers, work)
    serial = sum(number * 1000 + turn for number in range(workers) for turn in range(1, each + 1))
    with store.read() as uow:
        assert uow.credits.get("a") == Credit("a", serial)
        assert uow.ledger.balance_minor("customer:a", "TZS") == -serial
    assert (verify(store).broken, verify(store).journals) == ((), workers * each)


def test_workers_on_one_account_equal_the_serial_result(store: MemoryStore | SqlStore) -> None:
    race_on_one_account(store, 16, 3)


@pytest.mark.long
def test_64_workers_on_one_account_equal_the_serial_result(store: MemoryStore | SqlStore) -> None:
    race_on_one_account(store, 64, 40)


def test_first_orders_to_a_meter_get_different_numbers(store: MemoryStore | SqlStore) -> None:
    """A twin that is not there yet cannot be locked as a row; still no order may be lost."""

    def order(uow: UnitOfWork) -> int:
        twin = uow.twins.get("m1")
        revision = twin.desired.revision + 1 if twin.desired is not None else 1
        supply = Supply(on=True)
        uow.twins.put(Twin("m1", Desired(revision, supply, FailPolicy(), 0, 0, AT)))
        return revision

    assert sorted(map(str, together(8, lambda _: transact(store, order)))) == [str(number) for number in range(1, 9)]


def test_transactions_that_lock_each_other_out_are_run_again(store: Store) -> None:
    """Two flows lock the same two accounts in opposite order, each in two steps: one is undone and run again."""

    def move(number: int) -> None:
        def flow(uow: UnitOfWork) -> None:
            for account_id in ("a", "b") if number % 2 else ("b", "a"):
                credit = uow.credits.lock([account_id])[account_id]
                uow.credits.put(replace(credit, balance_minor=credit.balance_minor + 1))

        transact(store, flow)

    together(2, move)
    with store.read() as uow:
        assert (uow.credits.get("a").balance_minor, uow.credits.get("b").balance_minor) == (2, 2)


def test_a_deadlock_is_a_collision_and_leaves_nothing(postgres_address: str) -> None:
    store = SqlStore(postgres_address)
    first_locked = Barrier(2)

    def flow(number: int) -> str:
        first, second = ("a", "b") if number else ("b", "a")
        try:
            with store.begin() as uow:
                uow.credits.lock([first])
                uow.credits.put(Credit(first, number + 1))
                first_locked.wait()
                uow.credits.lock([second])
        except Collision:
            return "undone"
        return "kept"

    with store.begin() as uow:
        uow.credits.lock(["a", "b"])
    assert sorted(map(str, together(2, flow))) == ["kept", "undone"]
    with store.read() as uow:
        assert sum(1 for each in ("a", "b") if uow.credits.get(each).balance_minor) == 1
    store.close()


def test_a_flow_that_always_collides_is_tried_five_times(store: Store) -> None:
    tries: list[int] = []

    def flow(uow: UnitOfWork) -> None:
        uow.credits.lock(["a"])
        uow.credits.put(Credit("a", 1))
        tries.append(1)
        raise Collision

    with pytest.raises(Collision):
        transact(store, flow)
    with store.read() as uow:
        assert (len(tries), uow.credits.get("a")) == (5, Credit("a"))


def test_a_reader_sees_one_moment(sql_store: SqlStore) -> None:
    with sql_store.read() as uow, ThreadPoolExecutor(1) as pool:
        assert uow.credits.get("a").balance_minor == 0
        assert pool.submit(deliver, sql_store, "Q1").result() is True  # nobody waits for a reader
        assert (uow.credits.get("a").balance_minor, uow.ledger.page()) == (0, [])
    with sql_store.read() as uow:
        assert uow.credits.get("a").balance_minor == 500


def test_a_held_record_is_changed_in_turn(store: Store) -> None:
    with store.begin() as uow:
        uow.payments.add(Payment("p", "mpesa", "1", "Q", 0, "TZS", AT, AT))

    def add_one(uow: UnitOfWork) -> None:
        payment = uow.payments.hold("p")
        assert payment is not None
        uow.payments.put(replace(payment, amount_minor=payment.amount_minor + 1))

    together(8, lambda _: [transact(store, add_one) for _ in range(3)])
    with store.read() as uow:
        held = uow.payments.get("p")
        assert held is not None
        assert held.amount_minor == 24
