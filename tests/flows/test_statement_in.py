"""A statement is one more look at every payment: what no message told of is booked, the rest changes nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from microgrid import statements
from microgrid.billing.statement_rows import RefusedRow
from microgrid.errors import InvalidInput
from tests.flows.papers import Paper, desk
from tests.flows.village import Village

CASH = "cash:mpesa:600638"
CHARGES = "provider_charges:mpesa:600638"
HOUR = timedelta(hours=1)


def rows_in(village: Village) -> int:
    with village.store.read() as uow:
        return len(uow.statement_rows.page("", 1000))


def test_a_payment_no_message_told_of_is_booked_from_the_statement_and_gives_light(home: Village) -> None:
    assert not home.desired().supply.on
    taken = Paper().paid("RKT1", 50_000).charged("RKT1", 500).hand_in(home)
    assert (taken.rows, taken.new_rows, taken.payments_booked, taken.charges_booked) == (2, 2, 1, 1)
    assert (taken.in_minor, taken.out_minor, taken.opening_minor, taken.closing_minor) == (50_000, 500, 0, 49_500)
    assert (taken.gaps, taken.refused) == (0, ())
    assert home.credit_minor() == 50_000
    assert home.desired().supply.on
    assert (home.balance_minor(CASH), home.balance_minor(CHARGES)) == (49_500, 500)
    home.are_books_true()


def test_the_same_file_twice_and_files_that_overlap_change_nothing(home: Village) -> None:
    home.pay("RKT1", 50_000)
    paper = Paper().paid("RKT1", 50_000).charged("RKT1", 500)
    first = paper.hand_in(home)
    assert (first.payments_booked, first.charges_booked) == (0, 1)
    again = paper.hand_in(home)
    assert (again.new_rows, again.payments_booked, again.charges_booked) == (0, 0, 0)
    longer = paper.paid("RKT2", 10_000, home.clock.now() + HOUR).hand_in(home)
    assert (longer.rows, longer.new_rows, longer.payments_booked) == (3, 1, 1)
    assert rows_in(home) == 3
    assert home.balance_minor(CASH) == 59_500
    home.are_books_true()


def test_equal_charges_are_told_apart_by_the_balance_after_them(home: Village) -> None:
    taken = Paper().paid("RKT1", 50_000).charged("RKT1", 500).charged("RKT1", 500).hand_in(home)
    assert taken.charges_booked == 2
    assert home.balance_minor(CHARGES) == 1000
    home.are_books_true()


def test_a_file_without_balances_finds_the_rows_of_one_with_them(home: Village) -> None:
    paper = Paper().paid("RKT1", 50_000).charged("RKT1", 500)
    paper.hand_in(home)
    bare = paper.text().replace(b",Balance,", b",Nothing,")
    raw = statements.paper(desk(), "statement", bare, home.clock.now())
    taken = statements.take_statement(home.core, desk(), raw, "bookkeeper")
    assert (taken.rows, taken.new_rows, taken.charges_booked) == (2, 0, 0)
    home.are_books_true()


def test_a_reversal_by_the_customer_at_the_provider_is_a_debt_here(home: Village) -> None:
    home.pay("RKT1", 50_000)
    home.use(2000)
    taken = Paper().paid("RKT1", 50_000).returned("RKV1", "RKT1", 50_000, home.clock.now() + HOUR).hand_in(home)
    assert taken.reversals_booked == 1
    assert home.credit_minor() == -25_000
    assert home.balance_minor(CASH) == 0
    assert not home.desired().supply.on
    home.are_books_true()


def test_a_row_that_contradicts_the_books_is_refused_with_its_line_and_harms_no_other(home: Village) -> None:
    home.pay("RKT1", 50_000)
    taken = Paper().paid("RKT1", 70_000).paid("RKT2", 10_000).hand_in(home)
    assert taken.payments_booked == 1
    (refused,) = taken.refused
    assert refused.line == 5
    assert "50000" in refused.reason
    assert "70000" in refused.reason
    assert home.balance_minor(CASH) == 60_000
    home.are_books_true()


def test_rows_that_cannot_be_read_are_named_and_missing_rows_are_seen(home: Village) -> None:
    paper = Paper().paid("RKT1", 100).paid("RKT2", 200).paid("RKT3", 300)
    paper.rows[1] = paper.rows[1].replace("2.00", "two")
    taken = paper.hand_in(home)
    assert taken.refused == (RefusedRow(6, "line 6: exactly one of Paid In and Withdrawn must be an amount"),)
    assert (taken.payments_booked, taken.gaps) == (2, 1)
    home.are_books_true()


def test_another_shortcodes_file_is_kept_and_refused(home: Village) -> None:
    text = Paper().paid("RKT1", 100).text().replace(b"600638", b"700700")
    raw = statements.paper(desk(), "statement", text, home.clock.now())
    with pytest.raises(InvalidInput, match="statement of shortcode 700700") as caught:
        statements.take_statement(home.core, desk(), raw, "bookkeeper")
    assert caught.value.problems[0].code == "MG-P061"
    with home.store.read() as uow:
        kept = uow.raw_events.get(raw.id)
    assert kept is not None
    assert kept.outcome.startswith("nothing booked")
    with pytest.raises(InvalidInput, match="mpesa:1"):
        statements.find_desk([desk()], "mpesa:1")


def test_a_forwarded_receipt_is_one_more_look_at_the_payment(home: Village) -> None:
    text = (
        "RKT1ABCD Confirmed. on 2/3/26 at 9:00 AM Ksh500.00 received from AMINA JUMA 254712000104. "
        "Account Number K-104 New Utility balance is Ksh500.00"
    )
    raw = statements.paper(desk(), "sms", text.encode(), home.clock.now())
    for _ in range(2):
        assert statements.take_receipt(home.core, desk(), raw, "MPESA", "phone").status == "posted"
    assert Paper().paid("RKT1ABCD", 50_000).hand_in(home).payments_booked == 0
    assert home.credit_minor() == 50_000
    bad = replace(raw, id="other", body=b"You have won a lottery")
    with pytest.raises(InvalidInput, match="no receipt of money in") as caught:
        statements.take_receipt(home.core, desk(), bad, "MPESA", "phone")
    assert caught.value.problems[0].code == "MG-P062"
    home.are_books_true()


def test_books_restored_from_an_old_copy_are_made_whole_by_the_statement(home: Village) -> None:
    paper = Paper().paid("RKT1", 100).paid("RKT2", 200).returned("RKV1", "RKT2", 200).charged("RKT1", 5)
    home.pay("RKT1", 100)  # the copy was made here; the rest is lost
    paper.hand_in(home)
    assert home.balance_minor(CASH) == paper.balance_minor == 95
    assert home.credit_minor() == 100
    home.are_books_true()
