"""A transaction is all or nothing, is over when it is over, and there is one at a time in a thread."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest

from microgrid.billing.ledger import Entry, Journal
from microgrid.customers.records import Account, Customer, Fit
from microgrid.errors import AlreadyThere
from microgrid.kept import ChargeDay, Credit, OutboxItem
from microgrid.monitoring.readings import Reading
from microgrid.ports import Store, UnitOfWork, transact
from microgrid.switching.supply import Twin

AT = datetime(2026, 11, 23, 6, 30, 15, 123457, tzinfo=UTC)
AMINA = Customer("c1", "Amina", "+255700000001")
FIT = Fit("f1", "m1", "k1", 0, AT, 10)
SALE = Journal("j1", "payment", "TZS", AT, AT, (Entry("cash:mpesa:1", 500), Entry("customer:a", -500)))
READING = Reading("m1", 0, 1, AT, 100)


class Stopped(Exception):  # noqa: N818 - stands for whatever goes wrong
    """Something went wrong half way."""


def write_everything(uow: UnitOfWork) -> None:
    uow.customers.put(Customer("c1", "Amina Juma", None, "sw"))
    uow.customers.add(Customer("c2", "Bakari"))
    uow.fits.add(FIT)
    uow.outbox.put(OutboxItem("o1", "sms", "+255700000001", "done", AT, AT, 1, AT))
    uow.ledger.post(SALE)
    uow.credits.lock(["a", "b"])
    uow.credits.put(Credit("a", 500, 2_500_000, 0))
    uow.credits.put_day(ChargeDay("a", date(2026, 11, 23), 100, 0, 0, 2_500_000))
    uow.readings.add_all([READING, Reading("m1", 1, 1, AT, 0)])
    uow.twins.put(Twin("m1", next_send_at=AT, attempts=3))


def seen(uow: UnitOfWork) -> list[Any]:
    return [
        uow.customers.page(),
        uow.customers.where(phone="+255700000001"),
        uow.customers.where(phone=None),
        uow.fits.where(meter_id="m1"),
        uow.outbox.due("sms", AT, 9),
        uow.outbox.where(to="+255700000001"),
        uow.ledger.find("j1"),
        uow.ledger.page(),
        uow.ledger.balance_minor("cash:mpesa:1", "TZS"),
        uow.ledger.journals_of("customer:a"),
        [uow.credits.get(account_id) for account_id in ("a", "b")],
        uow.credits.days_of("a", date(2026, 1, 1), date(2026, 12, 31)),
        uow.credits.unposted(9),
        uow.readings.latest("m1"),
        uow.readings.neighbours(Reading("m1", 0, 2, AT, 0)),
        uow.twins.get("m1"),
        uow.twins.due(AT, 9),
    ]


def write_and_stop(uow: UnitOfWork, *writes: Callable[[UnitOfWork], object]) -> None:
    """Write in a part of a transaction, the later writes in parts of that part, and fail."""
    with uow.savepoint():
        for write in writes:
            with uow.savepoint():
                write(uow)
        raise Stopped


def begin_state(store: Store) -> list[Any]:
    with store.begin() as uow:
        uow.customers.add(AMINA)
        uow.outbox.add(OutboxItem("o1", "sms", "+255700000001", "waiting", AT, AT))
    with store.read() as uow:
        return seen(uow)


def test_what_was_written_is_there_afterwards(store: Store) -> None:
    before = begin_state(store)
    with store.begin() as uow:
        write_everything(uow)
        within = seen(uow)
    with store.read() as uow:
        assert seen(uow) == within
    assert sum(one != other for one, other in zip(before, within, strict=True)) == 17


def test_an_exception_takes_everything_back(store: Store) -> None:
    before = begin_state(store)

    def stop_half_way() -> None:
        with store.begin() as uow:
            write_everything(uow)
            raise Stopped

    with pytest.raises(Stopped):
        stop_half_way()
    with store.read() as uow:
        assert seen(uow) == before
    with store.begin() as uow:  # and nothing stands in the way of doing it again
        write_everything(uow)


def test_a_caught_exception_takes_nothing_back(store: Store) -> None:
    with store.begin() as uow:
        uow.customers.add(AMINA)
        with pytest.raises(AlreadyThere, match="customer 'c1' is there already"):
            uow.customers.add(Customer("c1", "somebody else"))
        uow.ledger.post(SALE)
        with pytest.raises(AlreadyThere, match="journal 'j1'"):
            uow.ledger.post(SALE)
        uow.fits.add(FIT)
    with store.read() as uow:
        assert (uow.customers.get("c1"), uow.ledger.find("j1"), uow.fits.get("f1")) == (AMINA, SALE, FIT)


def test_a_part_is_taken_back_by_itself(store: Store) -> None:
    with store.begin() as uow:
        uow.customers.add(AMINA)
        before = seen(uow)
        with pytest.raises(Stopped):
            write_and_stop(uow, write_everything, lambda uow: uow.customers.add(Customer("c3", "Chausiku")))
        assert seen(uow) == before
        with uow.savepoint():
            uow.accounts.add(Account("a", "c1", "kisiju", AT))
    with store.read() as uow:
        assert (seen(uow), uow.accounts.get("a")) == (before, Account("a", "c1", "kisiju", AT))


def test_an_inner_part_is_taken_back_and_the_outer_kept(store: Store) -> None:
    with store.begin() as uow, uow.savepoint():
        uow.customers.add(AMINA)
        with pytest.raises(Stopped):
            write_and_stop(
                uow,
                lambda uow: uow.customers.put(Customer("c1", "changed")),
                lambda uow: uow.customers.add(Customer("c2", "Bakari")),
            )
    with store.read() as uow:
        assert uow.customers.page() == [AMINA]


def test_a_lock_taken_in_an_undone_part_is_gone(store: Store) -> None:
    with store.begin() as uow:
        uow.credits.lock(["a"])
        with pytest.raises(Stopped):
            write_and_stop(uow, lambda uow: uow.credits.lock(["b"]))
        uow.credits.put(Credit("a", 1))
        with pytest.raises(ValueError, match="account 'b' is not locked"):
            uow.credits.put(Credit("b", 1))


def test_after_its_block_a_unit_of_work_is_of_no_use(store: Store) -> None:
    with store.begin() as uow:
        uow.customers.add(AMINA)
    for use in (
        lambda: uow.customers.add(Customer("c2", "late")),
        lambda: uow.customers.get("c1"),
        lambda: uow.credits.lock(["a"]),
        lambda: uow.ledger.post(SALE),
        lambda: uow.twins.get("m1"),
    ):
        with pytest.raises(RuntimeError, match="transaction is over"):
            use()


def test_reading_writes_nothing(store: Store) -> None:
    with store.read() as uow:
        for use in (
            lambda: uow.customers.add(AMINA),
            lambda: uow.customers.put_all([AMINA]),
            lambda: uow.credits.lock(["a"]),
            lambda: uow.ledger.post(SALE),
            lambda: uow.readings.add_all([READING]),
            lambda: uow.twins.put(Twin("m1")),
        ):
            with pytest.raises(RuntimeError, match="only reads"):
                use()
        assert (uow.twins.get("m1"), uow.customers.hold("c1")) == (Twin("m1"), None)


def test_a_thread_has_one_transaction_at_a_time(store: Store) -> None:
    with store.begin() as uow:
        uow.customers.add(AMINA)
        for open_another in (store.begin, store.read):
            with pytest.raises(RuntimeError, match="open already"), open_another():
                pass
    with store.read() as uow:
        assert uow.customers.page() == [AMINA]


def test_a_flow_returns_what_it_found(store: Store) -> None:
    def flow(uow: UnitOfWork) -> str:
        uow.customers.add(AMINA)
        return "done"

    assert transact(store, flow) == "done"
    with pytest.raises(AlreadyThere):
        transact(store, flow)
