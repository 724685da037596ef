"""Statement rows, differences, closed months and refunds come back as they were; a closed month stays as it was."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from microgrid.billing.differences import DifferenceItem
from microgrid.billing.ledger import Entry, Journal
from microgrid.billing.month_close import ClosedMonth
from microgrid.billing.payments import RefundDue
from microgrid.billing.statement_rows import StatementEntry
from microgrid.store.memory import MemoryStore
from microgrid.store.sql import SqlStore
from microgrid.store.verify import verify

AT = datetime(2026, 10, 23, 6, 30, tzinfo=UTC)
END = datetime(2026, 10, 31, 21, tzinfo=UTC)
LATER = END + timedelta(days=2)
MONTH = ClosedMonth(
    "mpesa:1 2026-10", "mpesa:1", "KES", "Africa/Nairobi", AT, END, 0, 500, 500, 3, LATER, LATER, "person:ben"
)
ROW = StatementEntry(
    "mpesa:1:x", "mpesa:1 2026-10-23", "mpesa:1:R1", "payment", "R1", "", 500, "KES", AT, AT, None, "Pay", "f", 7, AT
)
ITEM = DifferenceItem(
    "mpesa:1:payment:R1",
    "mpesa:1",
    "open",
    "differs",
    "payment",
    "R1",
    AT,
    None,
    (450, 500),
    -5,
    "ask",
    "ben",
    ("j1",),
    AT,
)
AnyStore = MemoryStore | SqlStore


def test_records_come_back_as_they_were(store: AnyStore) -> None:
    refund = RefundDue("mpesa:1:R1", "listed", AT)
    with store.begin() as uow:
        uow.statement_rows.put_all([ROW, replace(ROW, id="mpesa:1:y", balance_minor=-7)])
        uow.differences.add(ITEM)
        uow.month_closes.add(MONTH)
        uow.refunds.add(refund)
    with store.read() as uow:
        assert uow.statement_rows.where_in("day", [ROW.day, "mpesa:1 2026-10-24"])[0] == ROW
        assert len(uow.statement_rows.where(movement="mpesa:1:R1")) == 2
        assert uow.differences.where(account="mpesa:1", state="open") == [ITEM]
        assert uow.month_closes.where(account="mpesa:1") == [MONTH]
        assert uow.refunds.page("", 9, state="listed") == [refund]


def test_pages_of_some_records_meet_without_gap(store: AnyStore) -> None:
    rows = [RefundDue(f"r{number}", "listed" if number % 2 else "matched", AT) for number in range(9)]
    with store.begin() as uow:
        uow.refunds.put_all(rows)
        assert [row.id for row in uow.refunds.page("", 2, state="listed")] == ["r1", "r3"]
        assert [row.id for row in uow.refunds.page("r3", 2, state="listed")] == ["r5", "r7"]
        assert list(uow.refunds.page("r7", 2, state="listed")) == []
        assert [row.id for row in uow.refunds.page("r7", 2)] == ["r8"]


def posted(name: str, amount_minor: int, value_at: datetime, posted_at: datetime) -> Journal:
    entries = (Entry("cash:mpesa:1", amount_minor), Entry("suspense:mpesa:1", -amount_minor))
    return Journal(name, "transfer", "KES", posted_at, value_at, entries)


def test_what_gets_into_a_month_after_it_was_closed_is_named(store: AnyStore) -> None:
    with store.begin() as uow:
        uow.ledger.post(posted("j1", 500, AT, AT))
        uow.month_closes.add(replace(MONTH, id="mpesa:1 2026-09", end=AT - timedelta(days=9), closing_minor=0))
        uow.month_closes.add(MONTH)
        uow.ledger.post(posted("late", 70, AT, LATER + timedelta(seconds=1)))  # counts from the next month
        uow.ledger.post(posted("next", 9, END, LATER))
    assert verify(store).broken == ()
    with store.begin() as uow:
        uow.ledger.post(posted("slipped in", 3, AT, AT))
    (problem,) = verify(store).broken
    assert (problem.code, "closed with 500" in problem.what, "sums to 503" in problem.what) == ("MG-L140", True, True)
