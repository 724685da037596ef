"""Books, messages and statement side by side: a clean day gives nothing to do, every seeded difference is found."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgrid.billing.reconcile import (
    CallbackRow,
    Difference,
    Kind,
    LedgerRow,
    StatementRow,
    Window,
    open_items,
    reconcile,
)

START = datetime(2026, 11, 23, tzinfo=UTC)
DAY = Window("mpesa", "600638", "KES", START, START + timedelta(days=1))
NOON = START + timedelta(hours=12)

PAID = LedgerRow("j1", "payment", "RKT1", 500, NOON)
TOLD = CallbackRow("e1", "RKT1", 500, NOON)
LISTED = StatementRow("payment", "RKT1", 500, NOON, row_id="line 8")


@dataclass(frozen=True)
class Sources:
    """The three piles of rows that are laid side by side."""

    ledger: tuple[LedgerRow, ...] = ()
    callbacks: tuple[CallbackRow, ...] = ()
    statement: tuple[StatementRow, ...] = ()


def compared(sources: Sources, window: Window = DAY) -> tuple[Difference, ...]:
    return reconcile(window, sources.ledger, sources.callbacks, sources.statement)


def only(ledger: list[LedgerRow], callbacks: list[CallbackRow], statement: list[StatementRow]) -> Difference:
    (one,) = reconcile(DAY, ledger, callbacks, statement)
    return one


@pytest.mark.parametrize(
    ("ledger", "callbacks", "statement", "kind", "owner"),
    [
        ([PAID], [TOLD], [LISTED], "matched", ""),
        ([PAID], [], [LISTED], "matched", ""),  # no message ever came: found by asking
        ([PAID], [TOLD, replace(TOLD, event_id="e2")], [LISTED], "matched", ""),  # told twice
        ([PAID], [TOLD], [], "ours_only", "supervisor"),
        ([], [TOLD], [], "ours_only", "supervisor"),  # forged, or not yet on the statement
        ([], [TOLD], [LISTED], "theirs_only", "bookkeeper"),
        ([], [], [LISTED], "theirs_only", "bookkeeper"),
        ([PAID], [TOLD], [replace(LISTED, amount_minor=700)], "differs", "supervisor"),
        ([PAID], [replace(TOLD, amount_minor=700)], [LISTED], "differs", "supervisor"),
        ([PAID, replace(PAID, journal_id="j2")], [TOLD], [LISTED], "differs", "supervisor"),  # booked twice
        ([PAID, replace(PAID, journal_id="j2", amount_minor=-500)], [TOLD], [], "matched", ""),  # taken back already
        ([PAID], [TOLD], [LISTED, replace(LISTED, amount_minor=-500)], "ours_only", "supervisor"),
    ],
)
def test_one_payment(
    ledger: list[LedgerRow], callbacks: list[CallbackRow], statement: list[StatementRow], kind: Kind, owner: str
) -> None:
    one = only(ledger, callbacks, statement)
    assert (one.kind, one.owner, one.receipt) == (kind, owner, "RKT1")
    assert (one.what_to_do == "nothing") == (kind == "matched")


def test_an_item_shows_all_amounts_and_all_that_is_behind_it() -> None:
    one = only([PAID], [TOLD, CallbackRow("e2", "RKT1", 450, NOON)], [replace(LISTED, amount_minor=450)])
    assert (one.ledger_minor, one.callbacks_minor, one.statement_minor) == (500, (450, 500), 450)
    assert one.difference_minor == 50
    assert one.behind == ("j1", "e1", "e2", "line 8")
    assert one.item_id == "mpesa:600638:payment:RKT1"
    expected = "check receipt 'RKT1' with the provider, then take the wrong posting back and book the right one"
    assert one.what_to_do == expected


def test_a_row_of_overlapping_statements_counts_once_but_equal_movements_both_count() -> None:
    again = replace(LISTED, row_id="line 2 of the next file")
    assert only([PAID], [TOLD], [again, LISTED]).kind == "matched"
    charges = [StatementRow("charge", "RKT1", -5, NOON, balance_minor=balance) for balance in (95, 90)]
    assert only([], [], [*charges, *charges]).statement_minor == -10


def test_rows_handed_in_twice_count_once() -> None:
    one = only([PAID, PAID], [TOLD, TOLD], [LISTED, LISTED])
    assert (one.kind, one.ledger_minor, one.behind) == ("matched", 500, ("j1", "e1", "line 8"))


def test_a_message_against_books_and_statement_is_looked_into_and_books_stay() -> None:
    one = only([PAID], [TOLD, CallbackRow("forged", "RKT1", 5000, NOON)], [LISTED])
    assert (one.kind, one.difference_minor) == ("differs", 0)
    assert one.what_to_do.startswith("books and statement agree on receipt 'RKT1'")


def test_charges_and_transfers_stand_beside_the_payment_of_the_same_receipt() -> None:
    charge = StatementRow("charge", "RKT1", -5, NOON)
    sweep = StatementRow("transfer", "RKT9", -400, NOON)
    found = reconcile(DAY, [PAID], [TOLD], [LISTED, charge, sweep])
    assert [(one.about, one.kind) for one in found] == [
        ("charge", "theirs_only"),
        ("payment", "matched"),
        ("transfer", "theirs_only"),
    ]
    booked = [PAID, LedgerRow("j2", "charge", "RKT1", -5, NOON), LedgerRow("j3", "transfer", "RKT9", -400, NOON)]
    assert open_items(reconcile(DAY, booked, [TOLD], [LISTED, charge, sweep])) == ()


def test_a_reversal_by_the_customer_is_found_under_the_payment_it_takes_back() -> None:
    back = StatementRow("reversal", "RKT7", -500, NOON, linked_receipt="RKT1")
    payment, reversal = reconcile(DAY, [PAID], [TOLD], [LISTED, back])
    assert payment.kind == "matched"
    assert (reversal.kind, reversal.receipt, reversal.statement_minor) == ("theirs_only", "RKT1", -500)
    assert reversal.what_to_do == "the provider took receipt 'RKT1' back; reverse the payment in the books"
    booked = [PAID, LedgerRow("j2", "reversal", "RKT1", -500, NOON)]
    assert open_items(reconcile(DAY, booked, [TOLD], [LISTED, back])) == ()
    partly = [replace(back, amount_minor=-200)]
    assert [one.difference_minor for one in open_items(reconcile(DAY, booked, [TOLD], [LISTED, *partly]))] == [-300]


def test_a_payment_at_midnight_belongs_to_the_day_of_the_statement() -> None:
    ours = replace(PAID, at=DAY.end - timedelta(seconds=1))
    theirs = replace(LISTED, at=DAY.end)
    next_day = replace(DAY, start=DAY.end, end=DAY.end + timedelta(days=1))
    assert reconcile(DAY, [ours], [TOLD], [theirs]) == ()
    (one,) = reconcile(next_day, [ours], [TOLD], [theirs])
    assert (one.kind, one.at) == ("matched", DAY.end)


def test_every_kind_of_item_says_what_to_do_in_words() -> None:
    for about in ("payment", "reversal", "charge", "transfer"):
        for sources in (
            Sources(ledger=(LedgerRow("j", about, "R", 7, NOON),)),
            Sources(statement=(StatementRow(about, "R", 7, NOON),)),
            Sources((LedgerRow("j", about, "R", 7, NOON),), (), (StatementRow(about, "R", 8, NOON),)),
        ):
            (one,) = compared(sources)
            assert "'R'" in one.what_to_do
            assert one.owner


# A day of trade: some payments have a charge, some are taken back; every source knows everything.
@st.composite
def clean_days(draw: st.DrawFn) -> Sources:
    ledger, callbacks, statement = [], [], []
    for n, amount_minor in enumerate(draw(st.lists(st.integers(1, 10_000), min_size=1, max_size=12))):
        receipt, at = f"R{n}", START + timedelta(seconds=draw(st.integers(0, 86_399)))
        ledger.append(LedgerRow(f"j{n}", "payment", receipt, amount_minor, at))
        statement.append(StatementRow("payment", receipt, amount_minor, at, row_id=f"p{n}"))
        callbacks += [CallbackRow(f"e{n}-{m}", receipt, amount_minor, at) for m in range(draw(st.integers(0, 3)))]
        if draw(st.booleans()):
            ledger.append(LedgerRow(f"c{n}", "charge", receipt, -3, at))
            statement.append(StatementRow("charge", receipt, -3, at, row_id=f"c{n}"))
        if draw(st.booleans()):
            ledger.append(LedgerRow(f"r{n}", "reversal", receipt, -amount_minor, at))
            statement.append(StatementRow("reversal", f"back{n}", -amount_minor, at, receipt, row_id=f"r{n}"))
    return Sources(tuple(ledger), tuple(callbacks), tuple(statement))


def seeded(day: Sources, index: int, fault: str) -> tuple[Sources, Kind]:
    """Return the day with one fault in the movement of one ledger row, and how it must be found."""
    row = day.ledger[index]
    theirs = next(one for one in day.statement if (one.about, one.linked_receipt or one.receipt) == key_of(row))
    other_statement = tuple(one for one in day.statement if one != theirs)
    if fault == "not in the books":
        return replace(day, ledger=tuple(one for one in day.ledger if one != row)), "theirs_only"
    if fault == "not on the statement":
        return replace(day, statement=other_statement), "ours_only"
    if fault == "another amount":
        wrong = replace(theirs, amount_minor=theirs.amount_minor * 2)
        return replace(day, statement=(*other_statement, wrong)), "differs"
    return replace(day, ledger=(*day.ledger, replace(row, journal_id="again"))), "differs"


def key_of(row: LedgerRow) -> tuple[str, str]:
    return row.about, row.receipt


FAULTS = ["not in the books", "not on the statement", "another amount", "booked twice"]


@given(clean_days())
def test_a_clean_day_gives_nothing_to_do(day: Sources) -> None:
    found = compared(day)
    assert open_items(found) == ()
    assert len(found) == len(day.ledger)


@given(st.data(), clean_days())
def test_every_seeded_difference_is_found_and_nothing_else(data: st.DataObject, day: Sources) -> None:
    chosen = data.draw(st.lists(st.integers(0, len(day.ledger) - 1), unique=True))
    expected: dict[tuple[str, str], Kind] = {}
    broken = day
    for index in chosen:
        position = broken.ledger.index(day.ledger[index])
        broken, kind = seeded(broken, position, data.draw(st.sampled_from(FAULTS)))
        expected[key_of(day.ledger[index])] = kind
    found = compared(broken)
    assert {(one.about, one.receipt): one.kind for one in open_items(found)} == expected
    ours = sum(row.amount_minor for row in broken.ledger)
    theirs = sum(row.amount_minor for row in broken.statement)
    assert sum(one.difference_minor for one in found) == ours - theirs


@given(st.data(), clean_days())
def test_a_forged_message_is_found_and_books_nothing(data: st.DataObject, day: Sources) -> None:
    forged = CallbackRow("forged", "R-forged", data.draw(st.integers(1, 10_000)), NOON)
    (item,) = open_items(compared(replace(day, callbacks=(forged, *day.callbacks))))
    assert (item.kind, item.receipt, item.difference_minor) == ("ours_only", "R-forged", 0)
    assert item.what_to_do.startswith("nothing was booked")


@given(st.data(), clean_days())
def test_the_order_of_rows_decides_nothing(data: st.DataObject, day: Sources) -> None:
    broken = replace(day, ledger=day.ledger[1:], statement=(*day.statement, *day.statement[:1]))
    shuffled = Sources(
        tuple(data.draw(st.permutations(broken.ledger))),
        tuple(data.draw(st.permutations(broken.callbacks))),
        tuple(data.draw(st.permutations(broken.statement))),
    )
    assert compared(shuffled) == compared(broken)


@given(clean_days(), st.integers(1, 86_399))
def test_each_movement_belongs_to_exactly_one_of_two_neighbouring_periods(day: Sources, cut_s: int) -> None:
    cut = START + timedelta(seconds=cut_s)
    parts = (*compared(day, replace(DAY, end=cut)), *compared(day, replace(DAY, start=cut)))
    assert parts == compared(day)
