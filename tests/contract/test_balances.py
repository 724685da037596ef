"""Balances kept by the day change no sum, and make it cost the same however long the books are."""

from datetime import UTC, datetime, timedelta

import pytest

from microgrid.billing.balances import keep_some
from microgrid.billing.ledger import Entry, Journal
from microgrid.kept import KeptBalance
from microgrid.ports import UnitOfWork
from microgrid.store.memory import MemoryStore
from microgrid.store.sql import SqlStore
from microgrid.store.verify import verify

AT = datetime(2026, 11, 23, 6, 30, tzinfo=UTC)
DAY = timedelta(days=1)
AnyStore = MemoryStore | SqlStore
NAMES = ["cash:mpesa:1", "provider_charges", "suspense:mpesa:1"]


def sale(name: str, days: int, amount_minor: int, account: str = "suspense:mpesa:1", currency: str = "TZS") -> Journal:
    lines = (Entry("cash:mpesa:1", amount_minor - 1), Entry("provider_charges", 1), Entry(account, -amount_minor))
    at = AT + days * DAY
    return Journal(name, "payment", currency, at, at, lines)


def midnight(days: int) -> datetime:
    return datetime(2026, 11, 23, tzinfo=UTC) + days * DAY


def keep(uow: UnitOfWork, days: int, limit: int = 9) -> None:
    while keep_some(uow, AT + days * DAY, limit):
        pass


def test_accounts_of_single_customers_are_left_out(store: AnyStore) -> None:
    with store.begin() as uow:
        assert uow.balances.accounts("", 9) == []
        uow.ledger.post_all([sale("1", 0, 5), sale("2", 0, 5, "customer:a"), sale("3", 0, 5, "receivable:a")])
        assert uow.balances.accounts("", 9) == NAMES
        assert uow.balances.accounts("", 2) == NAMES[:2]
        assert uow.balances.accounts("provider_charges", 2) == NAMES[2:]


@pytest.mark.parametrize("limit", [1, 3, 9])
def test_a_kept_day_changes_no_sum(store: AnyStore, limit: int) -> None:
    with store.begin() as uow:
        uow.ledger.post_all([sale("1", 0, 100), sale("2", 1, 20), sale("3", 0, 7, currency="USD")])
        keep(uow, 0, limit)
        assert uow.balances.latest("cash:mpesa:1", "TZS") is None
        keep(uow, 2, limit)
        kept = KeptBalance("cash:mpesa:1", midnight(1), "TZS", 99)
        assert uow.balances.latest("cash:mpesa:1", "TZS") == kept
        uow.ledger.post(sale("4", 2, 3))
        assert uow.ledger.balance_minor("cash:mpesa:1", "TZS") == 99 + 19 + 2
        assert uow.ledger.balance_minor("cash:mpesa:1", "USD") == 6
        keep(uow, 2, limit)  # not again on the same day
        assert uow.balances.latest("cash:mpesa:1", "TZS") == kept
        keep(uow, 9, limit)
        assert uow.balances.latest("cash:mpesa:1", "TZS") == KeptBalance("cash:mpesa:1", midnight(8), "TZS", 120)
        assert uow.balances.latest("cash:mpesa:1", "USD") == KeptBalance("cash:mpesa:1", midnight(1), "USD", 6)
        assert uow.balances.kept_until("cash:mpesa:1") == midnight(8)
        keep(uow, 30, limit)  # nothing was posted: nothing is kept anew
        assert uow.balances.kept_until("cash:mpesa:1") == midnight(8)
    assert verify(store).broken == ()


def test_what_a_clock_set_back_leaves_behind_is_forgotten(store: AnyStore) -> None:
    with store.begin() as uow:
        uow.ledger.post(sale("1", 0, 100))
        keep(uow, 400)
        uow.ledger.post(sale("2", 5, 20))  # the clock was a year ahead and is right again
        keep(uow, 5)
        assert uow.ledger.balance_minor("cash:mpesa:1", "TZS") == 99 + 19
        assert uow.balances.kept_until("cash:mpesa:1") == midnight(4)
    assert verify(store).broken == ()


def test_what_a_rolled_back_transaction_kept_is_not_kept(store: AnyStore) -> None:
    def fail(days: int) -> None:
        with store.begin() as uow:
            keep(uow, days)
            raise KeyError

    with store.begin() as uow:
        uow.ledger.post(sale("1", 0, 100))
    with pytest.raises(KeyError):
        fail(9)
    with store.read() as uow:
        assert uow.balances.kept_until("cash:mpesa:1") is None
    with store.begin() as uow:
        keep(uow, 9)
    with pytest.raises(KeyError):
        fail(-9)
    with store.read() as uow:
        assert uow.balances.kept_until("cash:mpesa:1") == midnight(8)
