"""The books take a journal once, balanced, and never change it; hot rows are changed by who locked them."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from microgrid.billing.ledger import Entry, Journal, mirror
from microgrid.errors import AlreadyThere, InvalidInput
from microgrid.kept import ChargeDay, Credit
from microgrid.ports import Store
from microgrid.store.sql import SqlStore

AT = datetime(2026, 11, 23, 6, 30, tzinfo=UTC)


def sale(name: str, amount_minor: int = 500, account: str = "a", minutes: int = 0) -> Journal:
    entries = (Entry("cash:mpesa:1", amount_minor), Entry(f"customer:{account}", -amount_minor))
    return Journal(name, "payment", "TZS", AT + timedelta(minutes=minutes), AT, entries)


def test_a_journal_comes_back_line_by_line(store: Store) -> None:
    lines = (Entry("cash:m:1", 3), Entry("revenue:fees:k", -1), Entry("customer:a", -1), Entry("customer:a", -1))
    journal = Journal("j", "payment", "TZS", AT, AT - timedelta(days=1), lines, "earlier", "naïve ☂ 'note'")
    with store.begin() as uow:
        uow.ledger.post(journal)
        assert uow.ledger.find("j") == journal
        assert uow.ledger.find("k") is None
        assert uow.ledger.journals_of("customer:a") == [journal]  # once, though two lines touch it
        assert uow.ledger.balance_minor("customer:a", "TZS") == -2
        assert uow.ledger.balance_minor("customer:a", "KES") == 0
        assert uow.ledger.balance_minor("customer:", "TZS") == 0


@pytest.mark.parametrize(
    "entries",
    [
        (Entry("cash:m:1", 5), Entry("customer:a", -4)),
        (Entry("cash:m:1", 0), Entry("customer:a", 0)),
        (Entry("pocket:clerk", 5), Entry("customer:a", -5)),
        (),
    ],
)
def test_what_is_no_booking_is_never_posted(store: Store, entries: tuple[Entry, ...]) -> None:
    wrong = Journal("j", "payment", "TZS", AT, AT, entries)
    with store.begin() as uow:
        with pytest.raises(ValueError, match="journal 'j' is not posted"):
            uow.ledger.post(wrong)
        with pytest.raises(ValueError, match="journal 'j' is not posted"):
            uow.ledger.post_all([sale("first"), wrong])
        assert uow.ledger.page() == []


def test_many_journals_are_posted_all_or_none(store: Store) -> None:
    day = [sale(f"j{number}", number + 1) for number in range(5)]
    with store.begin() as uow:
        uow.ledger.post_all([])
        uow.ledger.post(day[3])
        with pytest.raises(AlreadyThere, match="journal 'j3' is there already"):
            uow.ledger.post_all(day)
        assert uow.ledger.page() == [day[3]]
        with pytest.raises(AlreadyThere, match="journal 'j1'"):
            uow.ledger.post_all([day[0], day[1], day[1]])
        uow.ledger.post_all(day[:3])
    with store.read() as uow:
        assert uow.ledger.page() == day[:4]
        assert uow.ledger.balance_minor("cash:mpesa:1", "TZS") == 1 + 2 + 3 + 4


def test_a_statement_is_oldest_first_and_comes_in_pages(store: Store) -> None:
    late, early, same = sale("a", minutes=9), sale("c", minutes=1), sale("b", minutes=1)
    other = sale("d", account="b", minutes=5)
    with store.begin() as uow:
        for journal in (late, early, other, same):
            uow.ledger.post(journal)
        assert uow.ledger.journals_of("customer:a") == [same, early, late]
        assert uow.ledger.journals_of("customer:a", limit=2) == [same, early]
        assert uow.ledger.journals_of("customer:a", after="c") == [late]
        assert uow.ledger.journals_of("customer:a", after="d") == [late]  # one of another account is a place, too
        assert uow.ledger.journals_of("customer:a", after="a") == []
        assert uow.ledger.journals_of("customer:nobody") == []
        with pytest.raises(ValueError, match="no journal 'x'"):
            uow.ledger.journals_of("customer:a", after="x")
        assert uow.ledger.page("a", 2) == [same, early]


def test_a_reversal_leaves_nothing_but_both_journals(store: Store) -> None:
    with store.begin() as uow:
        uow.ledger.post(sale("j"))
        uow.ledger.post(mirror(sale("j"), "r", AT + timedelta(minutes=1), "sent back"))
        assert uow.ledger.balance_minor("customer:a", "TZS") == 0
        assert [journal.id for journal in uow.ledger.journals_of("customer:a")] == ["j", "r"]


def test_amounts_beyond_64_bits_are_refused_in_a_line_too(store: Store) -> None:
    with store.begin() as uow:
        with pytest.raises(InvalidInput, match="MG-L002"):
            uow.ledger.post(sale("j", 2**63))
        with pytest.raises(InvalidInput, match="MG-L001"):
            uow.ledger.post(replace(sale("j"), note="\0"))
        with pytest.raises(InvalidInput, match="MG-L003"):
            uow.ledger.post(sale("j", account="x" * 1000))
        assert uow.ledger.page() == []


@pytest.mark.parametrize("table", ["journals", "entries"])
@pytest.mark.parametrize("change", ["UPDATE {} SET currency = 'USD'", "DELETE FROM {}"])
def test_the_database_itself_refuses_to_change_the_books(sql_store: SqlStore, table: str, change: str) -> None:
    with sql_store.begin() as uow:
        uow.ledger.post(sale("j"))
    with sql_store.engine.connect() as connection:
        with pytest.raises(Exception, match="the books are never changed"):
            connection.exec_driver_sql(change.format(table))
        if sql_store.is_postgres:
            with pytest.raises(Exception, match="the books are never changed"):
                connection.exec_driver_sql(f"TRUNCATE {table}")
    with sql_store.read() as uow:
        assert uow.ledger.find("j") == sale("j")


def test_hot_rows_are_locked_before_they_change(store: Store) -> None:
    day = ChargeDay("a", date(2026, 1, 1), 5)
    with store.begin() as uow:
        writes: tuple[Callable[[], None], ...] = (
            lambda: uow.credits.put(Credit("a", 5)),
            lambda: uow.credits.put_all([Credit("a", 5)]),
            lambda: uow.credits.put_day(day),
            lambda: uow.credits.put_days([day]),
        )
        for write in writes:
            with pytest.raises(ValueError, match="account 'a' is not locked"):
                write()
        assert list(uow.credits.lock(["c", "a", "b", "a"])) == ["a", "b", "c"]
        assert uow.credits.lock([]) == {}
        uow.credits.put_all([Credit("a", 1), Credit("b", 2), Credit("a", 3)])
        uow.credits.put_days([day, replace(day, used_wh=6), ChargeDay("b", date(2026, 1, 2), 7)])
        uow.credits.put_all([])
        uow.credits.put_days([])
    with store.begin() as uow:
        assert uow.credits.lock(["a", "b"]) == {"a": Credit("a", 3), "b": Credit("b", 2)}
        asked = [("a", date(2026, 1, 1)), ("b", date(2026, 1, 1)), ("b", date(2026, 1, 2))]
        assert uow.credits.days(asked) == {
            asked[0]: replace(day, used_wh=6),
            asked[1]: ChargeDay("b", date(2026, 1, 1)),
            asked[2]: ChargeDay("b", date(2026, 1, 2), 7),
        }
        assert uow.credits.days([]) == {}


def test_the_days_of_an_account_come_in_order(store: Store) -> None:
    days = [ChargeDay("a", date(2025, 12, 31) + timedelta(days=number), number) for number in range(4)]
    with store.begin() as uow:
        uow.credits.lock(["a", "b"])
        uow.credits.put_days([*reversed(days), ChargeDay("b", days[1].day)])
        assert uow.credits.days_of("a", days[1].day, days[2].day) == days[1:3]
        assert uow.credits.days_of("a", date(2027, 1, 1), date(2027, 1, 2)) == []


@pytest.mark.parametrize(
    ("accrued_micro", "charged_minor", "to_post"),
    [
        (999_999, 0, False),
        (1_000_000, 0, True),
        (5_999_999, 5, False),
        (6_000_000, 5, True),
        (4_999_999, 5, True),  # a late reading lowered the accrual: a difference of either sign is posted
        (0, 0, False),
        (-1, 0, True),
        (-1_000_000, -1, False),
    ],
)
def test_accounts_with_a_whole_unit_to_post(
    store: Store, accrued_micro: int, charged_minor: int, *, to_post: bool
) -> None:
    with store.begin() as uow:
        uow.credits.lock(["a", "b"])
        uow.credits.put(Credit("a", 0, accrued_micro, charged_minor))
        assert uow.credits.unposted(9) == (["a"] if to_post else [])


def test_accounts_to_post_come_by_id_and_leave_when_posted(store: Store) -> None:
    with store.begin() as uow:
        uow.credits.lock(["a", "b", "c"])
        for account_id in ("c", "a", "b"):
            uow.credits.put(Credit(account_id, 0, 7_000_000))
        assert uow.credits.unposted(2) == ["a", "b"]
        uow.credits.put(Credit("a", 0, 7_000_000, 7))
        assert uow.credits.unposted(9) == ["b", "c"]
