"""Books, messages and statement of a payment account: every seeded difference is found, a clean day gives none."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from microgrid import actions, flows, reconciliation
from microgrid.billing import closing, reconciling
from microgrid.billing.sightings import Seen
from microgrid.errors import Contradiction, InvalidInput
from microgrid.reconciliation import Reconciliation
from microgrid.store.memory import MemoryStore
from tests.flows.papers import Paper, desk
from tests.flows.village import ENERGY, START, Village, make_village

CASH = "cash:mpesa:600638"
DAY = (START - timedelta(hours=9), START + timedelta(hours=15))
MARCH = date(2026, 3, 1)
HOUR = timedelta(hours=1)


def compare(village: Village) -> Reconciliation:
    return reconciliation.run(village.core, desk().window(*DAY), "bookkeeper")


def codes(caught: pytest.ExceptionInfo[InvalidInput]) -> list[str]:
    return [problem.code for problem in caught.value.problems]


def test_a_clean_day_gives_nothing_to_do(home: Village) -> None:
    home.pay("RKT1", 50_000)
    home.pay("RKT2", 10_000, "?")
    paper = Paper().paid("RKT1", 50_000).charged("RKT1", 500).paid("RKT2", 10_000, reference="?")
    paper.paid("RKT3", 700).returned("RKV3", "RKT3", 700).hand_in(home)
    found = compare(home)
    assert (found.matched, found.items) == (5, [])
    assert (found.cash_minor, found.statement_minor, found.in_transit_minor) == (59_500, 59_500, 0)
    assert found.law_holds
    home.are_books_true()


def test_each_difference_is_an_item_with_its_owner_and_the_cash_law_holds_throughout(home: Village) -> None:
    home.pay("RKT1", 50_000)  # on both
    home.pay("RKT2", 10_000)  # the statement says 12,000
    home.pay("RKT3", 7_000)  # the statement knows nothing of it
    home.pay("RKT4", 900, status="pending")  # said by a message alone
    Paper().paid("RKT1", 50_000).paid("RKT2", 12_000).swept("RKX1", 40_000).hand_in(home)
    found = compare(home)
    assert [(item.about, item.receipt, item.kind, item.owner) for item in found.items] == [
        ("payment", "RKT2", "differs", "supervisor"),
        ("payment", "RKT3", "ours_only", "supervisor"),
        ("payment", "RKT4", "ours_only", "supervisor"),
        ("transfer", "RKX1", "theirs_only", "bookkeeper"),
    ]
    assert (found.matched, found.cash_minor, found.statement_minor) == (1, 67_000, 22_000)
    assert found.in_transit_minor == found.differences_minor == 45_000
    assert found.law_holds
    assert reconciliation.report(home.core, desk().window(*DAY)) == found
    pages = reconciliation.report(home.core, desk().window(*DAY), "", 3)
    assert pages.next == pages.items[-1].id
    assert reconciliation.report(home.core, desk().window(*DAY), pages.next or "", 3).items == found.items[3:]


def test_differences_are_closed_by_corrections_and_the_books_come_to_the_statement(home: Village) -> None:
    home.move_in("K-200")
    payment = home.pay("RKT2", 10_000, "?").payment
    actions.move_payment(home.core, payment.id, "K-200", "asha", "asked")
    actions.move_payment(home.core, payment.id, "K-104", "asha", "no")
    home.pay("RKT3", 7_000)
    paper = Paper().paid("RKT2", 12_000).swept("RKX1", 9_000).hand_in(home)
    for item in compare(home).items:
        done = reconciliation.correct(home.core, desk(), item.id, "looked it up", "ben")
        assert (done.state, done.closed_by, done.note) == ("corrected", "ben", "looked it up")
    found = compare(home)
    assert (found.items, found.law_holds, found.in_transit_minor) == ([], True, 0)
    assert home.balance_minor(CASH) == paper.closing_minor == 3_000
    assert home.balance_minor("transit:mpesa:600638") == 9_000
    assert (home.credit_minor(), home.credit_minor("K-200")) == (12_000, 0)
    home.are_books_true()
    actions.reverse_payment(home.core, payment.id, "asha", "sent back")
    assert home.credit_minor() == 0
    home.are_books_true()
    with pytest.raises(InvalidInput, match="MG-P063"):
        reconciliation.correct(home.core, desk(), "mpesa:600638:payment:RKT3", "again", "ben")


def test_a_payment_taken_back_by_mistake_is_there_again(home: Village) -> None:
    home.pay("RKT1", 50_000)
    actions.reverse_payment(home.core, "mpesa:600638:RKT1", "asha", "a mistake")
    Paper().paid("RKT1", 50_000).hand_in(home)
    (item,) = compare(home).items
    assert (item.about, item.kind) == ("reversal", "ours_only")
    reconciliation.correct(home.core, desk(), item.id, "it never went back", "ben")
    assert compare(home).items == []
    assert home.credit_minor() == 50_000
    home.are_books_true()


def test_a_person_closes_what_is_no_money_and_a_note_moves_none(home: Village) -> None:
    home.pay("RKT1", 50_000)
    home.pay("RKT4", 900, status="pending")
    first, second = compare(home).items
    with pytest.raises(InvalidInput, match="a note moves no money"):
        reconciliation.explain(home.core, first.id, "it will come", "ben")
    assert reconciliation.own(home.core, first.id, "ben", "asha").owner == "ben"
    for _ in range(2):
        assert reconciliation.explain(home.core, second.id, "forged", "ben").state == "explained"
    again = compare(home)
    assert [(item.owner, item.state) for item in again.items] == [("ben", "open"), ("supervisor", "explained")]
    Paper().paid("RKT1", 50_000).hand_in(home)
    assert [item.receipt for item in compare(home).items] == ["RKT4"]
    with home.store.read() as uow:
        item = uow.differences.get(first.id)
    assert item is not None
    assert (item.state, item.closed_by) == ("corrected", "the books")
    with pytest.raises(InvalidInput, match="MG-A001"):
        reconciliation.own(home.core, "nothing", "ben", "asha")


def test_a_payment_at_midnight_belongs_to_the_day_the_statement_has_it(home: Village) -> None:
    home.clock.at = DAY[1] - timedelta(seconds=1)
    home.pay("RKT1", 50_000)
    Paper().paid("RKT1", 50_000, DAY[1] + timedelta(seconds=1)).hand_in(home)
    today, tomorrow = (
        reconciliation.report(home.core, desk().window(*span)) for span in (DAY, (DAY[1], DAY[1] + 24 * HOUR))
    )
    assert (today.items, today.matched, today.cash_minor, today.across_end_minor) == ([], 0, 50_000, 50_000)
    assert (tomorrow.items, tomorrow.matched, tomorrow.cash_minor, tomorrow.law_holds) == ([], 1, 50_000, True)


def closing_time(home: Village) -> None:
    home.clock.at = datetime(2026, 4, 2, 6, tzinfo=UTC)


def test_a_month_is_closed_when_all_agree_and_the_next_one_begins_there(home: Village) -> None:
    home.pay("RKT1", 50_000)
    paper = Paper().paid("RKT1", 50_000).charged("RKT1", 500)
    paper.hand_in(home)
    closing_time(home)
    closed = reconciliation.close_month(home.core, desk(), MARCH, "ben")
    assert (closed.id, closed.closing_minor, closed.statement_minor) == ("mpesa:600638 2026-03", 49_500, 49_500)
    assert reconciliation.close_month(home.core, desk(), MARCH, "asha") == closed
    with pytest.raises(InvalidInput) as caught:
        reconciliation.close_month(home.core, desk(), date(2026, 5, 1), "ben")
    assert codes(caught) == ["MG-P312", "MG-P064", "MG-P065"]
    paper.paid("RKT2", 100, home.clock.at).hand_in(home)
    home.clock.at = datetime(2026, 5, 2, 6, tzinfo=UTC)
    april = reconciliation.close_month(home.core, desk(), date(2026, 4, 9), "ben")
    assert (april.opening_minor, april.closing_minor) == (49_500, 49_600)
    home.are_books_true()


def test_a_closed_month_takes_nothing_more_what_comes_late_counts_from_the_first_open_one(home: Village) -> None:
    home.pay("RKT1", 50_000)
    paper = Paper().paid("RKT1", 50_000)
    paper.hand_in(home)
    closing_time(home)
    reconciliation.close_month(home.core, desk(), MARCH, "ben")
    home.clock.pass_(hours=1)
    late = replace(home.payment("RKT9", 700), paid_at=START)
    flows.on_payment(home.core, Seen(late))
    with home.store.read() as uow:
        journal = uow.ledger.find("payment:mpesa:600638:RKT9")
    assert journal is not None
    assert (journal.posted_at, journal.value_at) == (home.clock.at, START)  # today, with its value date shown
    march = reconciliation.report(
        home.core, desk().window(datetime(2026, 2, 28, 21, tzinfo=UTC), DAY[1] + 29 * 24 * HOUR)
    )
    assert (march.matched, march.items, march.cash_minor) == (1, [], 50_000)
    april = reconciliation.report(home.core, desk().window(DAY[1] + 29 * 24 * HOUR, DAY[1] + 59 * 24 * HOUR))
    assert [(item.receipt, item.kind) for item in april.items] == [("RKT9", "ours_only")]
    assert april.items[0].at == datetime(2026, 3, 31, 21, tzinfo=UTC)
    assert april.cash_minor == 50_700
    home.are_books_true()


def test_a_month_with_something_open_is_refused_with_all_of_it(home: Village) -> None:
    home.pay("RKT1", 50_000)
    home.pay("RKT3", 7_000)
    Paper().paid("RKT1", 50_000).hand_in(home)
    closing_time(home)
    home.clock.pass_(days=-20)
    with pytest.raises(InvalidInput) as caught:
        reconciliation.close_month(home.core, desk(), MARCH, "ben")
    assert codes(caught) == ["MG-P312", "MG-P310", "MG-P313"]
    proposed = reconciliation.propose(home.core, desk(), MARCH)
    assert [item.receipt for item in proposed.open_items] == ["RKT3"]
    assert codes(caught) == [problem.code for problem in proposed.problems]


def test_a_month_without_balances_on_paper_needs_them_from_a_person(home: Village) -> None:
    home.pay("RKT1", 50_000)
    paper = Paper().paid("RKT1", 50_000)
    paper.rows = [row.replace("500.00,true", ",true") for row in paper.rows]
    paper.hand_in(home)
    closing_time(home)
    with pytest.raises(InvalidInput) as caught:
        reconciliation.close_month(home.core, desk(), MARCH, "ben")
    assert codes(caught) == ["MG-P064"]
    with pytest.raises(InvalidInput) as caught:
        reconciliation.close_month(home.core, desk(), MARCH, "ben", balances=(0, 60_000))
    assert codes(caught) == ["MG-P311", "MG-P313"]
    assert reconciliation.close_month(home.core, desk(), MARCH, "ben", balances=(0, 50_000)).closing_minor == 50_000


def test_what_was_there_before_these_books_is_opened_once(home: Village) -> None:
    home.pay("RKT1", 50_000)
    Paper(20_000).paid("RKT1", 50_000).hand_in(home)
    found = compare(home)
    assert (found.items, found.brought_forward_minor, found.law_holds) == ([], -20_000, True)
    closing_time(home)
    with pytest.raises(InvalidInput, match="MG-P313"):
        reconciliation.close_month(home.core, desk(), MARCH, "ben")
    for _ in range(2):
        reconciliation.book_opening(home.core, desk(), 20_000, DAY[0] - 24 * 30 * HOUR, "ben")
    with pytest.raises(Contradiction, match="MG-P067"):
        reconciliation.book_opening(home.core, desk(), 30_000, DAY[0] - 24 * 30 * HOUR, "ben")
    with pytest.raises(InvalidInput, match="MG-P066"):  # it was booked a moment ago
        reconciliation.close_month(home.core, desk(), MARCH, "ben")
    home.clock.pass_(minutes=6)
    assert reconciliation.close_month(home.core, desk(), MARCH, "ben").closing_minor == 70_000
    home.are_books_true()


def test_where_sites_have_two_clocks_the_zone_is_said(home: Village) -> None:
    from microgrid.customers.records import Site

    actions.add_site(home.core, Site("goma", "Goma", "Africa/Lubumbashi", "KES", 2), "test")
    with pytest.raises(InvalidInput, match="MG-P068"):
        reconciliation.propose(home.core, desk(), MARCH)
    assert reconciliation.propose(home.core, desk(), MARCH, "Africa/Nairobi").matched == 0


FAULTS = ("none", "no message", "not on paper", "other amount", "taken back", "pending")


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.sampled_from(FAULTS), st.integers(2, 9_000), st.integers(0, 3)), max_size=12))
def test_every_seeded_difference_is_found_and_corrected_whatever_else_there_is(
    days: list[tuple[str, int, int]],
) -> None:
    home = make_village(MemoryStore())
    home.settle_in(ENERGY)
    paper, expected = Paper(), set()
    for number, (fault, amount_minor, charge_minor) in enumerate(days):
        receipt, listed_minor = f"RKT{number}", amount_minor
        if fault in ("none", "not on paper", "other amount", "taken back"):
            home.pay(receipt, amount_minor)
        if fault == "pending":
            home.pay(receipt, amount_minor, status="pending")
        if fault == "other amount":
            listed_minor += 1
        if fault != "not on paper":
            paper.paid(receipt, listed_minor)
            if charge_minor:
                paper.charged(receipt, min(charge_minor, amount_minor))
        if fault == "taken back":
            paper.returned(f"RKV{number}", receipt, amount_minor)
        if fault in ("not on paper", "other amount"):
            expected.add(receipt)
    paper.hand_in(home)
    found = compare(home)
    assert {item.receipt for item in found.items} == expected
    assert found.law_holds in (True, None)
    for item in found.items:
        reconciliation.correct(home.core, desk(), item.id, "as the paper says", "ben")
    assert compare(home).items == []
    assert home.balance_minor(CASH) == paper.balance_minor
    home.are_books_true()


MOVES = st.lists(
    st.tuples(st.integers(0, 71), st.integers(-2, 2), st.sampled_from(["both", "books", "paper"]), st.integers(1, 999)),
    max_size=8,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(MOVES, st.integers(1, 71))
def test_cash_is_the_statement_and_what_is_in_transit_wherever_the_period_is_cut(
    moves: list[tuple[int, int, str, int]], cut_h: int
) -> None:
    home = make_village(MemoryStore())
    home.settle_in(ENERGY)
    begin, end = START - 3 * HOUR, START + 80 * HOUR
    listed = []
    for number, (at_h, shift_h, where, amount_minor) in enumerate(moves):
        receipt = f"RKT{number}"
        if where != "paper":
            seen = replace(home.payment(receipt, amount_minor), paid_at=START + at_h * HOUR)
            flows.on_payment(home.core, Seen(seen))
        if where != "books":
            listed.append((START + (at_h + shift_h) * HOUR, receipt, amount_minor))
    paper = Paper()
    for at, receipt, amount_minor in sorted(listed):
        paper.paid(receipt, amount_minor, at)
    paper.hand_in(home)
    cut = START + cut_h * HOUR
    parts = [reconciliation.report(home.core, desk().window(*span)) for span in ((begin, cut), (cut, end))]
    assert all(part.law_holds in (True, None) for part in parts)
    whole = reconciliation.report(home.core, desk().window(begin, end))
    assert sum(part.matched for part in parts) == whole.matched
    assert [item for part in parts for item in part.items] == sorted(
        whole.items, key=lambda item: (item.at >= cut, item.id)
    )
    assert whole.cash_minor == home.balance_minor(CASH)
    assert {item.receipt for item in whole.items} == {
        f"RKT{number}" for number, (_, _, where, _) in enumerate(moves) if where == "books"
    }


def test_rows_that_come_in_while_a_month_is_compared_keep_it_open(home: Village) -> None:
    home.pay("RKT1", 50_000)
    paper = Paper().paid("RKT1", 50_000)
    paper.hand_in(home)
    closing_time(home)
    with home.store.read() as uow:
        found = reconciling.compare(uow, desk().window(DAY[0], DAY[1] + 29 * 24 * HOUR))
    paper.charged("RKT1", 5).hand_in(home)
    home.clock.pass_(minutes=6)
    with home.store.begin() as uow:
        assert [problem.code for problem in closing.since(uow, found, home.clock.at)] == ["MG-P066"]
