"""True books are proven true; one row put wrong breaks the law it is about, and is named, on every store alike."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from microgrid.billing.ledger import Entry, Journal, mirror
from microgrid.billing.payments import Payment
from microgrid.customers.records import Account, Site
from microgrid.ports import ChargeDay, Credit, UnitOfWork
from microgrid.store import memory_books, sql_books
from microgrid.store.memory import MemoryStore
from microgrid.store.sql import SqlStore
from microgrid.store.verify import LAWS, Verdict, verify

AT = datetime(2026, 11, 23, 6, 30, tzinfo=UTC)
PAID = Payment("p1", "mpesa", "1", "Q1", 500, "TZS", AT, AT, account_id="a", status="posted", journal_id="p1")
PENDING = replace(PAID, id="p2", status="pending", account_id=None, journal_id=None)
SUSPENDED = replace(PAID, id="p3", amount_minor=70, status="suspense", account_id=None, journal_id="p3")

AnyStore = MemoryStore | SqlStore


def journal(name: str, kind: str, *lines: tuple[str, int], currency: str = "TZS") -> Journal:
    return Journal(name, kind, currency, AT, AT, tuple(Entry(account, amount) for account, amount in lines))


SALE = journal("p1", "payment", ("cash:mpesa:1", 490), ("provider_charges", 10), ("customer:a", -500))
UNKNOWN = journal("p3", "payment", ("cash:mpesa:1", 70), ("suspense:mpesa:1", -70))
CHARGE = journal("c1", "charge", ("customer:a", 30), ("revenue:energy:k", -25), ("tax", -5))
TOO_MUCH = journal("c2", "charge", ("customer:a", 9), ("revenue:energy:k", -9))
BACK = mirror(TOO_MUCH, "r2", AT, "read wrongly")


def true_books(uow: UnitOfWork) -> None:
    uow.sites.add(Site("k", "Kisiju", "Africa/Dar_es_Salaam", "TZS", 2))
    uow.accounts.add(Account("a", "amina", "k", AT))
    for each in (PAID, PENDING, SUSPENDED):
        uow.payments.add(each)
    uow.ledger.post_all([SALE, UNKNOWN, CHARGE, TOO_MUCH, BACK])
    uow.credits.lock(["a", "b"])
    uow.credits.put(Credit("a", 470, 30_700_000, 30))
    uow.credits.put_days([ChargeDay("a", date(2026, 1, 1 + number), 0, 0, 0, 15_350_000) for number in range(2)])


def test_an_empty_store_is_true(store: AnyStore) -> None:
    assert verify(store) == Verdict(0, 0, 0, ())


def test_true_books_are_proven_true(store: AnyStore) -> None:
    with store.begin() as uow:
        true_books(uow)
    assert verify(store) == Verdict(5, 12, 3, ())


def credit(**changed: int) -> Callable[[UnitOfWork], None]:
    def write(uow: UnitOfWork) -> None:
        held = uow.credits.lock(["a"])["a"]
        uow.credits.put(replace(held, **changed))  # type: ignore[arg-type]  # every changed field is a number

    return write


def post(*journals: Journal) -> Callable[[UnitOfWork], None]:
    return lambda uow: uow.ledger.post_all(journals)


def pay(payment: Payment) -> Callable[[UnitOfWork], None]:
    return lambda uow: uow.payments.put(payment)


UNBALANCED = journal("x", "move", ("cash:m:1", 5), ("suspense:m:1", -4))
STRANGE = journal("x", "move", ("pocket:clerk", 5), ("cash:m:1", -5))
DOLLARS = journal("x", "move", ("customer:a", 5), ("customer:a", -5), currency="USD")
HALF_BACK = replace(BACK, id="r3", reverses="p3", entries=(Entry("cash:mpesa:1", -60), Entry("suspense:mpesa:1", 60)))
BROKEN: list[tuple[Callable[[UnitOfWork], None], dict[str, str]]] = [
    (
        post(UNBALANCED),
        {"MG-L101": "journal 'x' sums to 1, not to 0", "MG-L106": "all lines in TZS sum to 1, not to 0"},
    ),
    (post(journal("x", "move")), {"MG-L103": "journal 'x' has 0 lines"}),
    (post(STRANGE), {"MG-L105": "account 'pocket:clerk' is not in the chart"}),
    (
        pay(replace(PENDING, status="posted")),
        {"MG-L107": "payment 'p2' is posted and its journal is none"},
    ),
    (
        pay(replace(PENDING, status="posted", journal_id="gone")),
        {"MG-L107": "payment 'p2' is posted and its journal is gone"},
    ),
    (
        pay(replace(SUSPENDED, status="refused")),
        {"MG-L107": "payment 'p3' is refused and its journal is p3"},
    ),
    (pay(replace(SUSPENDED, currency="USD")), {"MG-L107": "payment 'p3' is suspense and its journal is p3"}),
    (pay(replace(PAID, id="p9")), {"MG-L108": "journal 'p1' is named by 2 payments"}),
    (
        pay(replace(SUSPENDED, amount_minor=71)),
        {"MG-L109": "payment 'p3' is of 71 minor units, its journal moves 70"},
    ),
    (credit(balance_minor=471), {"MG-L110": "account 'a' shows a balance of 471, its lines sum to 470"}),
    (
        post(journal("x", "move", ("suspense:mpesa:1", 7), ("customer:b", -7))),
        {"MG-L110": "account 'b' shows a balance of 0, its lines sum to 7"},
    ),
    (credit(charged_minor=29), {"MG-L111": "account 'a' shows 29 charged, its charges sum to 30"}),
    (
        credit(accrued_micro=30_700_001),
        {"MG-L112": "account 'a' shows 30700001 millionths accrued, its days sum to 30700000"},
    ),
    (
        lambda uow: uow.credits.put_day(ChargeDay(next(iter(uow.credits.lock(["z"]))), date(2026, 1, 1), 0, 0, 0, 5)),
        {"MG-L112": "account 'z' shows 0 millionths accrued, its days sum to 5"},
    ),
    (post(DOLLARS), {"MG-L113": "'customer:a' has lines in USD, its site's currency is TZS"}),
    (
        post(HALF_BACK),
        {"MG-L114": "journal 'r3' does not take back 'p3' exactly: account 'cash:mpesa:1' keeps 10"},
    ),
    (
        post(replace(BACK, id="r4", reverses="never posted", entries=mirror(UNKNOWN, "", AT, "").entries)),
        {"MG-L114": "journal 'r4' does not take back 'never posted' exactly: account 'cash:mpesa:1' keeps -70"},
    ),
    (
        post(mirror(UNKNOWN, "r5", AT, ""), mirror(UNKNOWN, "r6", AT, "")),
        {"MG-L115": "journal 'p3' is reversed 2 times"},
    ),
]


@pytest.mark.parametrize(("wrong", "said"), BROKEN, ids=["+".join(said) for _, said in BROKEN])
def test_a_wrong_row_is_named(
    store: AnyStore, wrong: Callable[[UnitOfWork], None], said: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with store.begin() as uow:
        true_books(uow)
    for books in (memory_books, sql_books):  # no flow of ours can post these, so the check is taken out of the way
        monkeypatch.setattr(books, "refuse_unbalanced", lambda _journal: None)
    with store.begin() as uow:
        wrong(uow)
    assert {problem.code: problem.what for problem in verify(store).broken} == said


@pytest.mark.parametrize(
    ("tampering", "said"),
    [
        (
            "UPDATE entries SET currency = 'USD' WHERE journal_id = 'p3' AND line = 1",
            {"MG-L102": "line 1 of journal 'p3' differs from its journal in currency or time"},
        ),
        (
            "UPDATE entries SET posted_at_us = 0 WHERE journal_id = 'c1'",
            {"MG-L102": "line 0 of journal 'c1' differs from its journal in currency or time"},
        ),
        ("DELETE FROM journals WHERE id = 'c2'", {"MG-L104": "line 0 belongs to journal 'c2', which is not there"}),
        ("DELETE FROM entries WHERE journal_id = 'p3'", {"MG-L103": "journal 'p3' has 0 lines"}),
        (
            "UPDATE entries SET amount_minor = amount_minor + 1 WHERE journal_id = 'p3' AND line = 0",
            {"MG-L101": "journal 'p3' sums to 1, not to 0"},
        ),
    ],
)
def test_tampering_past_our_programs_is_named(sql_store: SqlStore, tampering: str, said: dict[str, str]) -> None:
    with sql_store.begin() as uow:
        true_books(uow)
    with sql_store.engine.connect() as connection:
        if sql_store.is_postgres:
            connection.exec_driver_sql("SET session_replication_role = replica")  # puts the triggers to sleep
        else:
            for (name,) in connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'").all():
                connection.exec_driver_sql(f"DROP TRIGGER {name}")
        connection.exec_driver_sql(tampering)
        if sql_store.is_postgres:
            connection.exec_driver_sql("SET session_replication_role = DEFAULT")
    found = {problem.code: problem.what for problem in verify(sql_store).broken}
    assert found.items() >= said.items()


def test_every_law_has_a_code_and_a_broken_example() -> None:
    named = {code for _, said in BROKEN for code in said} | {"MG-L102", "MG-L104"}
    assert [law.code for law in LAWS] == sorted(named)
