"""True books are proven true; one row put wrong breaks the law it is about, and is named, on every store alike."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from microgrid.audit import head_of, seal_some
from microgrid.billing.ledger import Entry, Journal, mirror
from microgrid.billing.payments import Payment
from microgrid.billing.sightings import sighted
from microgrid.customers.agents import Agent, Handover
from microgrid.customers.records import Account, Connection, Fit, Site
from microgrid.kept import AuditRow, ChargeDay, Credit, KeptBalance
from microgrid.monitoring.readings import Reading
from microgrid.ports import UnitOfWork
from microgrid.store import memory_books, sql_books
from microgrid.store.memory import MemoryStore
from microgrid.store.sql import SqlStore
from microgrid.store.verify import LAWS, Verdict, verify
from microgrid.switching.supply import Decision, Desired, FailPolicy, Supply, Twin

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


CASH = replace(PAID, id="cash:A-7:1", provider="cash", shortcode="A-7", amount_minor=100, journal_id="s1")
SOLD = journal("s1", "payment", ("agent_float:A-7", 100), ("customer:a", -100))
HANDOVER = Handover("h1", "A-7", 60, "TZS", "float", "agent:A-7", AT, "person:ben", AT)
HANDED = journal("handover:h1", "handover", ("cash:office", 60), ("agent_float:A-7", -60))
SHORT = journal("short", "shortage", ("agent_receivable:A-7", 30), ("agent_float:A-7", -30))
KEPT = KeptBalance("provider_charges", AT + timedelta(days=1), "TZS", 10)
DESIRED = Desired(7, Supply(True, None, None, None, None, ""), FailPolicy(), 1, 0, AT)


def true_books(uow: UnitOfWork) -> None:
    uow.sites.add(Site("k", "Kisiju", "Africa/Dar_es_Salaam", "TZS", 2))
    uow.accounts.add(Account("a", "amina", "k", AT))
    for each in (PAID, PENDING, SUSPENDED, CASH):
        uow.payments.add(each)
    uow.ledger.post_all([SALE, UNKNOWN, CHARGE, TOO_MUCH, BACK, SOLD, HANDED, SHORT])
    uow.credits.lock(["a", "b"])
    for each in (PAID, PENDING, SUSPENDED, CASH):
        uow.sightings.add(sighted(each.id, "c2b", "", AT))
    uow.agents.add(Agent("A-7", "Asha", None, "k", 1000))
    uow.handovers.add(HANDOVER)
    uow.handovers.add(replace(HANDOVER, id="h2", agreed_by="", agreed_at=None))
    uow.connections.add(Connection("c", "a", "k"))
    uow.fits.add(Fit("f", "m", "c", 1, AT, 100, AT + timedelta(hours=2), 350))
    uow.fits.add(Fit("g", "n", "c", 1, AT, 0))
    hours = ((1, 200), (3, 999))  # the second came when the meter was gone
    uow.readings.add_all([Reading("m", 1, hour, AT + timedelta(hours=hour), wh) for hour, wh in hours])
    falling = enumerate((40, 30, 70))
    uow.readings.add_all([Reading("n", 1, hour, AT + timedelta(hours=hour), wh) for hour, wh in falling])
    uow.twins.put(Twin("m", DESIRED))
    uow.twins.put(Twin("n"))
    uow.decisions.add(Decision("m:7", "m", 7, AT, "{}"))
    uow.balances.put_all([KEPT])
    uow.credits.put(Credit("a", 570, 30_700_000, 30))
    days = enumerate((300, 30))
    uow.credits.put_days([ChargeDay("a", date(2026, 1, 1 + day), wh, 0, 0, 15_350_000) for day, wh in days])
    for number in range(4):
        uow.audit.add(AuditRow(f"r{number}", AT, "clerk", "move", "payment:p1", "wrong account"))
    seal_some(uow, 9)
    uow.audit.add(AuditRow("late", AT, "clerk", "move", "payment:p1", "not sealed yet"))


def test_an_empty_store_is_true(store: AnyStore) -> None:
    assert verify(store) == Verdict(0, 0, 0, ())


def test_true_books_are_proven_true(store: AnyStore) -> None:
    with store.begin() as uow:
        true_books(uow)
    assert verify(store) == Verdict(8, 18, 4, ())


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
BROKEN: list[tuple[Callable[[UnitOfWork], object], dict[str, str]]] = [
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
    (
        pay(replace(PAID, id="p9")),
        {
            "MG-L108": "journal 'p1' is named by 2 payments",
            "MG-L119": "payment 'p9' is posted, and nothing says who saw it",
        },
    ),
    (
        pay(replace(SUSPENDED, amount_minor=71)),
        {"MG-L109": "payment 'p3' is of 71 minor units, its journal moves 70"},
    ),
    (credit(balance_minor=571), {"MG-L110": "account 'a' shows a balance of 571, its lines sum to 570"}),
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
    (
        lambda uow: uow.chain_heads.put(replace(head_of(uow), number=9)),
        {"MG-L116": "audit row 5 is missing"},
    ),
    (
        lambda uow: uow.handovers.put(replace(HANDOVER, amount_minor=50)),
        {
            "MG-L117": "agent 'A-7' holds 40 by its lines, 50 by sales and hand-overs",
            "MG-L118": "hand-over 'h1' should move 50 minor units, its journal moves 60",
        },
    ),
    (
        lambda uow: uow.handovers.put(replace(HANDOVER, id="h3", agreed_at=None, amount_minor=5)),
        {},
    ),
    (
        lambda uow: uow.twins.put(Twin("m", replace(DESIRED, revision=8))),
        {"MG-L120": "what revision 8 of meter 'm' was decided from is not kept"},
    ),
    (
        lambda uow: uow.readings.add_all([Reading("m", 1, 9, AT + timedelta(minutes=70), 351)]),
        {"MG-L121": "account 'a' was charged for 330 Wh, its meters delivered 331"},
    ),
    (
        lambda uow: uow.balances.put_all([replace(KEPT, balance_minor=11)]),
        {"MG-L122": "the balance kept of 'provider_charges' in TZS is 11, its lines sum to 10"},
    ),
]


@pytest.mark.parametrize(("wrong", "said"), BROKEN, ids=["+".join(said) for _, said in BROKEN])
def test_a_wrong_row_is_named(
    store: AnyStore, wrong: Callable[[UnitOfWork], object], said: dict[str, str], monkeypatch: pytest.MonkeyPatch
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
    assert [law.code for law in LAWS if law.code < "MG-L140"] == sorted(named)  # others have examples of their own
