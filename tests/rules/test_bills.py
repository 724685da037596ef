"""Bills: each month what accrued in it, the oldest paid first, adding up to what is owed."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from microgrid.billing.bills import Bill, bills_of
from microgrid.billing.credit import MICRO
from microgrid.billing.plans import Block, EnergyRules, PostpaidRules
from microgrid.kept import ChargeDay, Credit

RULES = PostpaidRules(EnergyRules((Block(None, 25_000_000),)), due_days=14, grace_days=5, credit_limit_minor=50_000)
TODAY = date(2026, 3, 20)


def day(month: int, number: int, amount_minor: int) -> ChargeDay:
    return ChargeDay("K-1", date(2026, month, number), amount_minor // 25, accrued_micro=amount_minor * MICRO)


def owing(days: list[ChargeDay], paid_minor: int) -> Credit:
    return Credit("K-1", paid_minor, sum(row.accrued_micro for row in days))


def test_the_oldest_month_is_paid_first_and_the_running_one_is_no_bill_yet() -> None:
    days = [day(1, 5, 1000), day(1, 31, 500), day(2, 1, 700), day(3, 19, 250)]
    found = bills_of(owing(days, 1600), days, RULES, TODAY)
    assert found == [
        Bill(date(2026, 1, 1), 60, 1500, 1500, date(2026, 2, 15), date(2026, 2, 20), "paid"),
        Bill(date(2026, 2, 1), 28, 700, 100, date(2026, 3, 15), date(2026, 3, 20), "overdue"),
        Bill(date(2026, 3, 1), 10, 250, 0, date(2026, 4, 15), date(2026, 4, 20), "running"),
    ]
    assert bills_of(owing(days, 1600), days, RULES, date(2026, 3, 14))[1].state == "open"


def test_who_has_paid_ahead_owes_nothing() -> None:
    days = [day(2, 1, 700)]
    assert [bill.state for bill in bills_of(owing(days, 9000), days, RULES, TODAY)] == ["paid"]
    assert bills_of(Credit("K-1"), [], RULES, TODAY) == []


@given(
    st.lists(st.tuples(st.integers(1, 3), st.integers(1, 28), st.integers(0, 9 * MICRO)), max_size=12),
    st.integers(0, 60),
)
def test_bills_add_up_to_what_accrued_and_to_what_is_owed(used: list[tuple[int, int, int]], paid_minor: int) -> None:
    by_day: dict[date, int] = {}
    for month, number, micro in used:
        at = date(2026, month, number)
        by_day[at] = by_day.get(at, 0) + micro
    days = [ChargeDay("K-1", at, accrued_micro=micro) for at, micro in by_day.items()]
    credit = owing(days, paid_minor)
    found = bills_of(credit, days, RULES, TODAY)
    assert sum(bill.amount_minor for bill in found) == credit.accrued_micro // MICRO
    assert sum(bill.amount_minor - bill.paid_minor for bill in found) == max(0, -credit.available_minor)
