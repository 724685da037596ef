"""What a customer reads of an account, and the books as other programs read them: sums prove themselves."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from beancount import loader
from beancount.core.data import Transaction
from hypothesis import given
from hypothesis import strategies as st

from microgrid import actions, flows
from microgrid.billing.export_books import Span, account_name, beancount, lines_of_csv
from microgrid.billing.ledger import Entry, Journal
from microgrid.billing.statement_of_account import AccountStatement, statement_of
from microgrid.billing.statement_text import amount_text, as_csv, as_text
from microgrid.errors import InvalidInput
from tests.flows.papers import Paper
from tests.flows.village import START, Village

NAIROBI = ZoneInfo("Africa/Nairobi")


def statement(village: Village, first: int = 1, last: int = 31, name: str = "K-104") -> AccountStatement:
    with village.store.read() as uow:
        return statement_of(uow, name, date(2026, 3, first), date(2026, 3, last))


@pytest.fixture
def busy(home: Village) -> Village:
    """Return a home after a week: paid, used, moved, taken back."""
    home.move_in("K-200")
    home.pay("RKT1", 50_000)
    home.use(1400)
    home.clock.pass_(days=1)
    flows.on_tick(home.core)
    home.use(1900)
    payment = home.pay("RKT2", 10_000, "?").payment
    actions.move_payment(home.core, payment.id, "K-200", "asha", "asked")
    actions.move_payment(home.core, payment.id, "K-104", "asha", "no")
    home.clock.pass_(days=1)
    flows.on_tick(home.core)
    actions.reverse_payment(home.core, payment.id, "asha", "sent back")
    home.use(2000)
    return home


def test_every_line_is_in_words_with_what_is_left_after_it(busy: Village) -> None:
    found = statement(busy)
    assert [(str(line.day), line.words, line.amount_minor, line.balance_minor) for line in found.lines] == [
        ("2026-03-02", "Payment RKT1 by M-Pesa", 50_000, 50_000),
        ("2026-03-03", "Energy of 2 March 2026", -10_000, 40_000),
        ("2026-03-03", "Energy of 3 March 2026", -12_500, 27_500),
        ("2026-03-03", "Payment RKT2 by M-Pesa moved here from K-200", 10_000, 37_500),
        ("2026-03-04", "Payment RKT2 by M-Pesa moved here from K-200 taken back", -10_000, 27_500),
    ]
    assert (found.opening_minor, found.closing_minor, found.adds_up) == (0, 27_500, True)
    assert [str(day.day) for day in found.days] == ["2026-03-02", "2026-03-03", "2026-03-04"]
    assert sum(day.used_wh for day in found.days) == 1000  # nights without a reading are estimated between the days
    assert found.closing_minor - found.used_not_posted_minor == busy.credit_minor() == 25_000
    busy.are_books_true()


def test_periods_that_follow_each_other_meet_at_the_same_balance(busy: Village) -> None:
    whole, parts = statement(busy), [statement(busy, 1, 2), statement(busy, 3, 3), statement(busy, 4, 31)]
    assert [part.opening_minor for part in parts] == [0, 50_000, 37_500]
    assert [part.closing_minor for part in parts] == [50_000, 37_500, 27_500]
    assert [line for part in parts for line in part.lines] == list(whole.lines)
    assert all(part.adds_up for part in parts)


def test_a_statement_on_paper_and_for_a_spreadsheet(busy: Village) -> None:
    found = statement(busy)
    text = as_text(found)
    assert text.startswith("Account K-104, Amina\n1 March 2026 to 31 March 2026, amounts in KES\n")
    assert "Closing balance" in text
    assert "Left" in text
    rows = list(csv.DictReader(io.StringIO(as_csv(found))))
    amounts = [Decimal(row["amount_KES"]) for row in rows[1:-1]]
    assert Decimal(rows[0]["balance_KES"]) + sum(amounts) == Decimal(rows[-1]["balance_KES"]) == Decimal("275.00")


@pytest.mark.parametrize(("minor", "exponent", "text"), [(125_050, 2, "1250.50"), (-5, 2, "-0.05"), (7, 0, "7")])
def test_amounts_are_written_exactly(minor: int, exponent: int, text: str) -> None:
    assert amount_text(minor, exponent) == text


def test_a_period_that_is_none_is_refused(home: Village) -> None:
    with home.store.read() as uow, pytest.raises(InvalidInput, match="MG-P069"):
        statement_of(uow, "K-104", date(2026, 3, 2), date(2026, 3, 1))
    with home.store.read() as uow, pytest.raises(InvalidInput, match="MG-P069"):
        statement_of(uow, "K-104", date(2026, 3, 2), date(2027, 5, 1))
    with home.store.read() as uow, pytest.raises(InvalidInput, match="MG-A001"):
        statement_of(uow, "K-9", date(2026, 3, 2), date(2026, 3, 3))


def all_journals(village: Village) -> list[Journal]:
    with village.store.read() as uow:
        return list(uow.ledger.page("", 1000))


def loaded(text: str) -> tuple[list[Transaction], dict[str, Decimal]]:
    """Return what beancount's own loader makes of a text: its transactions, and the balance of each account."""
    entries, errors, _ = loader.load_string(text)
    assert errors == []
    transactions = [entry for entry in entries if isinstance(entry, Transaction)]
    balances: dict[str, Decimal] = {}
    for posting in (posting for entry in transactions for posting in entry.postings):
        assert posting.units is not None
        assert posting.units.number is not None
        balances[posting.account] = balances.get(posting.account, Decimal(0)) + posting.units.number
    return transactions, balances


def test_beancount_reads_the_books_and_comes_to_the_same_balances(busy: Village) -> None:
    Paper(0).paid("RKT1", 50_000).charged("RKT1", 500).hand_in(busy)
    journals = all_journals(busy)
    transactions, balances = loaded("".join(beancount(journals, Span(NAIROBI, {"KES": 2}))))
    assert len(transactions) == len(journals)
    accounts = {entry.account for journal in journals for entry in journal.entries}
    assert balances == {account_name(name): Decimal(busy.balance_minor(name)) / 100 for name in accounts}
    assert "Assets:Cash:Mpesa:600638" in balances
    assert "Liabilities:Customer:K-104" in balances


def test_a_span_begins_with_what_was_there_before(busy: Village) -> None:
    journals = all_journals(busy)
    span = Span(NAIROBI, {"KES": 2}, date(2026, 3, 3), date(2026, 3, 3))
    transactions, balances = loaded("".join(beancount(journals, span)))
    inside = [one for one in journals if one.posted_at.astimezone(NAIROBI).date() == date(2026, 3, 3)]
    assert len(transactions) == len(inside) + 1
    assert balances["Liabilities:Customer:K-104"] == Decimal(-statement(busy, 3, 3).closing_minor) / 100
    assert "".join(beancount([], span)).count("\n") == 2
    rows = list(csv.DictReader(io.StringIO("".join(lines_of_csv(journals, span)))))
    cash_minor = sum(int(row["amount_minor"]) for row in rows if row["account"] == "cash:mpesa:600638")
    assert cash_minor == 60_000
    assert sum(int(row["amount_minor"]) for row in rows) == 0


def test_whatever_people_wrote_is_read_back_as_it_was() -> None:
    entries = (Entry('revenue:energy:Kijiji cha "Ng\'ambo" 1/2', -7), Entry("customer:K-104", 7))
    odd = Journal('x:"\\\n', "charge", "UGX", START, START, entries, None, '=1+1 "quoted" \\ \n new')
    text = "".join(beancount([odd], Span(NAIROBI, {"KES": 2})))
    transactions, balances = loaded(text)
    assert balances["Liabilities:Customer:K-104"] == 7  # of UGX nobody said the decimals: minor units, and called so
    assert transactions[0].narration == '=1+1 "quoted" \\   new'
    assert transactions[0].meta["journal"] == 'x:"\\ '
    (row, _) = csv.DictReader(io.StringIO("".join(lines_of_csv([odd], Span(NAIROBI, {})))))
    assert row["note"].startswith("'=1+1")


NAMES = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters=":"), min_size=1, max_size=20
)


@given(st.sets(st.one_of(NAMES, st.text("aAbB1-", min_size=1, max_size=4)), max_size=20))
def test_no_two_accounts_get_one_name_and_every_name_is_legal(names: set[str]) -> None:
    accounts = [f"revenue:energy:{name}" for name in sorted(names)]
    assert len({account_name(account) for account in accounts}) == len(accounts)
    text = "".join(f"2026-01-01 open {account_name(account)}\n" for account in accounts)
    _, errors, _ = loader.load_string(text)
    assert errors == []


def test_the_history_of_an_account_reads_in_pages_and_by_value_date(home: Village) -> None:
    for number in range(5):
        home.pay(f"RKT{number}", 100)
        home.clock.pass_(hours=1)
    home.clock.pass_(days=30)
    home.pay("LATE", 900, reference="K-104")
    end = START + timedelta(hours=4)
    with home.store.read() as uow:
        first = uow.history.posted("customer:K-104", START, end, "", 3)
        rest = uow.history.posted("customer:K-104", START, end, first[-1].id, 3)
        found = [journal.id.rpartition(":")[2] for journal in (*first, *rest)]
        valued = uow.history.valued("customer:K-104", START, end, START)
        assert found == ["RKT0", "RKT1", "RKT2", "RKT3"]
        assert [journal.id.rpartition(":")[2] for journal in valued] == ["RKT1", "RKT2", "RKT3"]
        assert uow.history.posted_before_minor("customer:K-104", "KES", end) == -400
        assert uow.history.valued_before_minor("customer:K-104", "KES", end) == -400
        assert uow.history.posted_before_minor("customer:K-104", "UGX", end) == 0
        assert uow.history.posted("customer:nobody", START, end) == []
        assert sorted(uow.ledger.find_all([*(one.id for one in first), "nothing"])) == sorted(one.id for one in first)
        with pytest.raises(ValueError, match="no journal"):
            uow.history.posted("customer:K-104", START, end, "nothing")
        with pytest.raises(ValueError, match="needs its zone"):
            uow.history.posted_before_minor("customer:K-104", "KES", datetime(2026, 1, 1))  # noqa: DTZ001 - the mistake
    assert json.dumps(found)
    assert START.tzinfo is UTC
