"""Leases: when instalments fall due, what paid days reach, and when the device is the customer's own."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import get_args
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgrid.billing.contracts import (
    ContractLine,
    LeaseTerms,
    LineKind,
    Payoff,
    PeriodUnit,
    accrued_by,
    applied,
    days_paid_for,
    days_past_due,
    due_by,
    is_paid_off,
    mistakes_in,
    owned_on,
    payoff,
    period_start,
    schedule,
    supplied_until,
    terms_of,
)
from microgrid.billing.plans import LeaseRules

LAMP = LeaseTerms("KES", 500, 50, "day", 100, deposit_days=7, grace_days=2)
HOME = LeaseTerms("TZS", 20, 10, "month", 12, payoff_discount_basis_points=1000)
START = date(2026, 1, 31)
UTC_ZONE = ZoneInfo("UTC")

leases = st.builds(
    LeaseTerms,
    currency=st.just("KES"),
    deposit_minor=st.integers(0, 500),
    instalment_minor=st.integers(1, 5000),
    period_unit=st.sampled_from(get_args(PeriodUnit)),
    periods=st.integers(1, 40),
    period_count=st.integers(1, 4),
    deposit_days=st.integers(0, 40),
    grace_days=st.integers(0, 10),
    payoff_discount_basis_points=st.integers(0, 10_000),
)
starts = st.dates(date(2024, 1, 1), date(2030, 12, 31))
later = st.integers(-40, 6000)


def test_first_instalment_is_due_when_the_days_of_the_deposit_are_over() -> None:
    first, second, *_ = schedule(LAMP, date(2026, 3, 1))
    assert (first.number, first.due_on, first.amount_minor) == (1, date(2026, 3, 8), 50)
    assert second.due_on == date(2026, 3, 9)
    assert due_by(LAMP, date(2026, 3, 1), date(2026, 3, 7)) == 0
    assert due_by(LAMP, date(2026, 3, 1), date(2026, 3, 8)) == 50
    assert due_by(LAMP, date(2026, 3, 1), date(2027, 3, 8)) == 5000


def test_months_end_on_their_last_day_and_the_31st_comes_back() -> None:
    due = [instalment.due_on for instalment in schedule(HOME, START)]
    assert due[:4] == [date(2026, 1, 31), date(2026, 2, 28), date(2026, 3, 31), date(2026, 4, 30)]
    assert due[-1] == date(2026, 12, 31)
    assert due_by(HOME, START, date(2026, 2, 27)) == 10
    assert due_by(HOME, START, date(2026, 2, 28)) == 20
    assert period_start(HOME, date(2024, 2, 29), 12) == date(2025, 2, 28)


def test_accrual_spreads_a_month_over_its_days_rounded_down() -> None:
    terms = replace(HOME, instalment_minor=100)
    assert [accrued_by(terms, date(2026, 4, 1), date(2026, 4, day)) for day in (1, 2, 16, 30)] == [0, 3, 50, 96]
    assert accrued_by(terms, date(2026, 4, 1), date(2026, 5, 1)) == 100
    assert accrued_by(terms, date(2026, 4, 1), date(2026, 3, 1)) == 0
    assert accrued_by(terms, date(2026, 4, 1), date(2036, 5, 1)) == 1200


def test_only_what_is_due_is_applied() -> None:
    day = date(2026, 3, 1)
    assert due_by(HOME, START, day) == 20
    assert applied(HOME, START, 15, day) == 15
    assert applied(HOME, START, 25, day) == 20


def test_days_past_due_of_the_worked_example() -> None:
    daily = LeaseTerms("KES", 0, 10, "day", 365)
    start = date(2026, 1, 1)
    assert days_past_due(daily, start, 830, start + timedelta(days=100)) == 17
    assert days_past_due(daily, start, 839, start + timedelta(days=100)) == 17
    assert days_past_due(daily, start, 1000, start + timedelta(days=100)) == 0
    assert days_past_due(daily, start, 0, start + timedelta(days=9999)) == 365
    assert days_past_due(daily, start, -50, start + timedelta(days=100)) == 100


def test_half_an_instalment_buys_half_the_days_of_its_month() -> None:
    assert days_paid_for(HOME, date(2026, 2, 1), 5) == 14
    assert days_paid_for(HOME, date(2026, 3, 1), 5) == 15
    assert days_paid_for(HOME, date(2026, 3, 1), 10) == 31
    assert days_paid_for(LAMP, date(2026, 3, 1), 0) == 7
    assert days_paid_for(LAMP, date(2026, 3, 1), 49) == 7
    assert days_paid_for(LAMP, date(2026, 3, 1), 999_999) == 107


@pytest.mark.parametrize(
    ("zone", "start", "until"),
    [
        ("Africa/Dar_es_Salaam", date(2026, 3, 1), datetime(2026, 3, 9, 21, tzinfo=UTC)),
        ("Asia/Kathmandu", date(2026, 3, 1), datetime(2026, 3, 9, 18, 15, tzinfo=UTC)),
        ("Africa/Cairo", date(2026, 4, 15), datetime(2026, 4, 23, 22, tzinfo=UTC)),  # that midnight does not exist
        ("America/Havana", date(2026, 10, 23), datetime(2026, 11, 1, 4, tzinfo=UTC)),  # clocks fall back after it
        ("Pacific/Kiritimati", date(2025, 12, 23), datetime(2025, 12, 31, 10, tzinfo=UTC)),
    ],
)
def test_supply_ends_at_local_midnight_after_grace(zone: str, start: date, until: datetime) -> None:
    assert supplied_until(LAMP, start, 0, ZoneInfo(zone)) == until


def test_paid_off_is_unlocked_for_ever() -> None:
    assert supplied_until(LAMP, START, 4999, UTC_ZONE) is not None
    assert supplied_until(LAMP, START, 5000, UTC_ZONE) is None
    assert supplied_until(LAMP, START, 4000, UTC_ZONE, waived_minor=1000) is None
    assert is_paid_off(LAMP, 4000, 1000)
    assert not is_paid_off(LAMP, 4000, 999)


def test_early_payoff_takes_the_discount_off_what_is_not_yet_due() -> None:
    day = date(2026, 4, 15)  # 30 are due, 20 paid, 90 are still ahead: 9 off
    assert payoff(HOME, START, 20, day) == Payoff(amount_minor=91, waived_minor=9)
    assert payoff(replace(HOME, payoff_discount_basis_points=1050), START, 20, day) == Payoff(91, 9)  # 9.45 rounds down
    assert payoff(HOME, START, 115, day) == Payoff(5, 0)
    assert payoff(HOME, START, 130, day) == Payoff(0, 0)
    assert payoff(HOME, START, 20, date(2027, 4, 15)) == Payoff(100, 0)


def test_the_day_of_owning_counts_discounts_and_ends_when_money_goes_back() -> None:
    lines = [
        ContractLine("deposit", "deposit", date(2026, 1, 1), 20),
        ContractLine("fee", "fee", date(2026, 1, 1), 500),
        ContractLine("first", "instalment", date(2026, 2, 1), 100),
        ContractLine("rest", "instalment", date(2026, 3, 1), 18),
        ContractLine("discount", "waiver", date(2026, 3, 1), 2),
    ]
    assert owned_on(HOME, lines[:-1]) is None
    assert owned_on(HOME, lines) == date(2026, 3, 1)
    assert owned_on(HOME, [*lines, ContractLine("over", "instalment", date(2026, 3, 9), 5)]) == date(2026, 3, 1)
    back = [*lines, ContractLine("first-back", "instalment", date(2026, 4, 1), -100)]
    assert owned_on(HOME, back) is None
    again = [*back, ContractLine("again", "instalment", date(2026, 5, 1), 100)]
    assert owned_on(HOME, again[::-1]) == date(2026, 5, 1)


def test_only_kinds_of_the_contract_count_towards_owning() -> None:
    counted = {
        kind for kind in get_args(LineKind) if owned_on(HOME, [ContractLine("one", kind, START, 120)]) is not None
    }
    assert counted == {"instalment", "subsidy", "waiver"}


def test_terms_of_a_plan() -> None:
    rules = LeaseRules(deposit_minor=500, instalment_minor=350, days=7, instalments=52, grace_days=3)
    terms = terms_of(rules, "KES")
    assert terms == LeaseTerms("KES", 500, 350, "day", 52, period_count=7, grace_days=3)
    assert period_start(terms, START, 2) == START + timedelta(days=14)


def test_all_mistakes_of_a_lease_are_told_together() -> None:
    wrong = LeaseTerms("KES", -1, 0, "week", 0, payoff_discount_basis_points=10_001)
    problems = mistakes_in(wrong)
    assert {problem.code for problem in problems} == {"MG-P301"}
    assert [problem.what.split("`")[1] for problem in problems] == [
        "deposit_minor",
        "instalment_minor",
        "periods",
        "payoff_discount_basis_points",
    ]
    assert problems[0].what == "`deposit_minor` of the lease is -1, but must be at least 0; the plan was not stored"
    assert mistakes_in(LAMP) == ()


@given(leases, starts, later)
def test_due_is_the_schedule_summed_up(terms: LeaseTerms, start: date, days: int) -> None:
    day = start + timedelta(days=days)
    plan = schedule(terms, start)
    assert due_by(terms, start, day) == sum(one.amount_minor for one in plan if one.due_on <= day)
    assert list(plan) == sorted(plan, key=lambda one: one.due_on)
    assert sum(one.amount_minor for one in plan) == terms.financed_minor


@given(leases, starts, later)
def test_accrual_never_leads_the_schedule_and_meets_it_at_each_period_end(
    terms: LeaseTerms, start: date, days: int
) -> None:
    day = start + timedelta(days=days)
    assert 0 <= due_by(terms, start, day) - accrued_by(terms, start, day) <= terms.instalment_minor
    for whole in range(terms.periods + 1):
        assert accrued_by(terms, start, period_start(terms, start, whole)) == whole * terms.instalment_minor


@given(leases, starts, later)
def test_who_has_paid_what_fell_due_is_never_past_due(terms: LeaseTerms, start: date, days: int) -> None:
    day = start + timedelta(days=days)
    assert days_past_due(terms, start, due_by(terms, start, day), day) == 0


@given(leases, starts, st.integers(0, 300_000), st.integers(0, 1000))
def test_more_money_never_pays_for_fewer_days(terms: LeaseTerms, start: date, paid_minor: int, more: int) -> None:
    assert days_paid_for(terms, start, paid_minor) <= days_paid_for(terms, start, paid_minor + more)
    day = start + timedelta(days=days_paid_for(terms, start, paid_minor))
    assert accrued_by(terms, start, day) <= paid_minor


@given(leases, starts, later, st.integers(0, 300_000))
def test_a_payoff_ends_the_lease_and_loses_nothing(terms: LeaseTerms, start: date, days: int, paid_minor: int) -> None:
    end = payoff(terms, start, paid_minor, start + timedelta(days=days))
    assert end.amount_minor >= 0
    assert end.waived_minor >= 0
    assert is_paid_off(terms, paid_minor + end.amount_minor, end.waived_minor)
    if paid_minor < terms.financed_minor:
        assert paid_minor + end.amount_minor + end.waived_minor == terms.financed_minor
