"""Closing a month: what stands against it is said with its code, and what can be booked at once is proposed."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from microgrid.billing.ledger import Entry, faults
from microgrid.billing.month_close import Balances, MonthClose, month_window, propose_close
from microgrid.billing.reconcile import CallbackRow, LedgerRow, StatementRow, reconcile

MONTH = month_window("mpesa", "600638", "KES", date(2026, 11, 23), ZoneInfo("Africa/Nairobi"))
AT = datetime(2026, 11, 23, 9, tzinfo=UTC)
AFTER = MONTH.end + timedelta(days=1)
PAID = LedgerRow("j1", "payment", "RKT1", 500, AT)
LISTED = StatementRow("payment", "RKT1", 500, AT)
CHARGE = StatementRow("charge", "RKT1", -5, AT)
SWEEP = StatementRow("transfer", "RKT8", -400, AT)
BACK = StatementRow("reversal", "RKT7", -500, AT, linked_receipt="RKT1")
AGREED = Balances(100, 600, 100, 600)


def close(
    ledger: list[LedgerRow],
    statement: list[StatementRow],
    balances: Balances,
    *,
    callbacks: tuple[CallbackRow, ...] = (),
    now: datetime = AFTER,
    explained: tuple[str, ...] = (),
) -> MonthClose:
    found = reconcile(MONTH, ledger, callbacks, statement)
    return propose_close(MONTH, found, statement, balances, now, explained=explained)


def codes(proposed: MonthClose) -> list[str]:
    return [problem.code for problem in proposed.problems]


def test_a_month_runs_from_local_midnight_to_local_midnight() -> None:
    assert (MONTH.start, MONTH.end) == (datetime(2026, 10, 31, 21, tzinfo=UTC), datetime(2026, 11, 30, 21, tzinfo=UTC))
    december = month_window("mpesa", "1", "KES", date(2026, 12, 31), ZoneInfo("Asia/Kathmandu"))
    assert december.end == datetime(2026, 12, 31, 18, 15, tzinfo=UTC)


def test_a_month_that_agrees_may_be_closed() -> None:
    proposed = close([PAID], [LISTED], AGREED)
    assert (proposed.may_close, proposed.matched, proposed.open_items, proposed.proposals) == (True, 1, (), ())


def test_an_open_difference_stands_against_it_and_says_what_to_do() -> None:
    proposed = close([], [LISTED], replace(AGREED, ledger_closing_minor=100))
    assert not proposed.may_close
    assert codes(proposed) == ["MG-P310", "MG-P313"]
    assert proposed.problems[0].what == (
        "payment 'RKT1' is not in the books, 500 on the statement and not in messages; the month was not closed"
    )
    assert proposed.problems[0].fix == "No message came; book receipt 'RKT1' from the statement."


def test_what_only_the_statement_has_is_proposed_once_and_balances() -> None:
    statement = [LISTED, CHARGE, SWEEP, BACK]
    proposed = close([PAID], statement, Balances(100, 600, 100, -305))
    steps = {step.item_id: step for step in proposed.proposals}
    charge, sweep = steps["mpesa:600638:charge:RKT1"], steps["mpesa:600638:transfer:RKT8"]
    reversal = steps["mpesa:600638:reversal:RKT1"]
    assert (reversal.step, reversal.amount_minor, reversal.journal) == ("reverse_payment", -500, None)
    assert charge.journal is not None
    assert charge.journal.entries == (Entry("cash:mpesa:600638", -5), Entry("provider_charges:mpesa:600638", 5))
    assert (charge.journal.value_at, charge.journal.posted_at) == (AT, AFTER)
    assert sweep.journal is not None
    assert sweep.journal.entries == (Entry("cash:mpesa:600638", -400), Entry("transit:mpesa:600638", 400))
    assert [list(faults(step.journal)) for step in (charge, sweep) if step.journal] == [[], []]
    assert close([PAID], statement, Balances(100, 600, 100, -305)).proposals == proposed.proposals


def test_following_the_proposals_leaves_nothing_open() -> None:
    statement = [LISTED, CHARGE, SWEEP, BACK]
    first = close([], statement, Balances(100, 100, 100, -305))
    rows = [
        LedgerRow(f"new-{n}", item.about, item.receipt, step.amount_minor, AT)
        for n, (item, step) in enumerate(zip(first.open_items, first.proposals, strict=True))
    ]
    closing_minor = 100 + sum(row.amount_minor for row in rows)
    second = close(rows, statement, Balances(100, closing_minor, 100, -305))
    assert (second.may_close, second.open_items) == (True, ())


def test_what_needs_judgement_is_not_proposed() -> None:
    wrong = replace(PAID, amount_minor=700)
    only_ours = LedgerRow("j2", "payment", "RKT2", 50, AT)
    proposed = close([wrong, only_ours], [LISTED], replace(AGREED, ledger_closing_minor=850))
    assert {item.kind for item in proposed.open_items} == {"differs", "ours_only"}
    assert proposed.proposals == ()


def test_a_note_settles_a_message_but_never_money() -> None:
    forged = (CallbackRow("e9", "RKT9", 900, AT),)
    assert codes(close([PAID], [LISTED], AGREED, callbacks=forged)) == ["MG-P310"]
    item = "mpesa:600638:payment:RKT9"
    assert close([PAID], [LISTED], AGREED, callbacks=forged, explained=(item,)).may_close
    missing = close([], [LISTED], AGREED, explained=("mpesa:600638:payment:RKT1",))
    assert codes(missing) == ["MG-P310"]


@pytest.mark.parametrize(
    ("balances", "now", "expected"),
    [
        (AGREED, MONTH.end - timedelta(seconds=1), ["MG-P312"]),
        (AGREED, MONTH.end, []),
        (replace(AGREED, statement_opening_minor=50), AFTER, ["MG-P311"]),
        (replace(AGREED, ledger_closing_minor=601), AFTER, ["MG-P313"]),
    ],
)
def test_what_else_stands_against_closing(balances: Balances, now: datetime, expected: list[str]) -> None:
    assert codes(close([PAID], [LISTED], balances, now=now)) == expected


def test_the_statement_is_added_up_within_the_month_and_without_repeated_rows() -> None:
    outside = replace(LISTED, receipt="RKT0", at=MONTH.start - timedelta(seconds=1))
    again = replace(LISTED, row_id="the next file")
    assert close([PAID], [outside, LISTED, again], AGREED).may_close
