"""The worked numbers of the PERFORM guide and of lenders, exactly, and what must not change them."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgrid.billing.contracts import ContractLine, LeaseTerms, LineKind
from microgrid.billing.figures import Figure, together
from microgrid.billing.kpis import (
    Balance,
    Contract,
    WriteOff,
    cohort_repayment,
    collection_rate,
    lagged_portfolio_at_risk,
    mean_days_past_due,
    owned_by_twice_term,
    paid_against_financed,
    paid_against_plan,
    paid_against_plan_at_day,
    paid_by_twice_term,
    portfolio_at_risk,
    twice_term_on,
    write_off_ratio,
)

MONTHLY = LeaseTerms("KES", 20, 10, "month", 12)
DAILY = LeaseTerms("KES", 0, 10, "day", 100)
START = date(2026, 1, 1)
MONTH_6 = date(2026, 7, 1)


def line(line_id: str, kind: LineKind, day: date, amount_minor: int) -> ContractLine:
    return ContractLine(line_id, kind, day, amount_minor)


A = Contract(
    "A",
    MONTHLY,
    START,
    (
        line("a-deposit", "deposit", START, 20),
        line("a-1", "instalment", date(2026, 2, 1), 30),
        line("a-2", "instalment", date(2026, 5, 1), 18),
        line("a-ahead", "prepayment", date(2026, 6, 1), 5),
    ),
)
B = Contract(
    "B",
    replace(MONTHLY, periods=24),
    date(2025, 9, 1),
    (line("b-1", "instalment", date(2025, 12, 1), 60), line("b-2", "instalment", date(2026, 6, 1), 40)),
)


def per_cent(figure: Figure) -> Decimal | None:
    return figure.shown(1, times=100)


def test_paid_against_plan_and_against_financed() -> None:
    plan, financed = paid_against_plan([A], MONTH_6), paid_against_financed([A], MONTH_6)
    assert (plan.numerator, plan.denominator, per_cent(plan)) == (48, 60, Decimal("80.0"))
    assert (financed.numerator, financed.denominator, per_cent(financed)) == (48, 120, Decimal("40.0"))
    assert plan.lines == ("a-1", "a-2")


def test_portfolio_is_the_sum_over_the_sum() -> None:
    plan, financed = paid_against_plan([A, B], MONTH_6), paid_against_financed([A, B], MONTH_6)
    assert (plan.value, per_cent(plan)) == (Fraction(148, 160), Decimal("92.5"))
    assert (financed.value, per_cent(financed)) == (Fraction(148, 360), Decimal("41.1"))
    assert plan.behind == ("A", "B")
    assert together([paid_against_plan([A], MONTH_6), paid_against_plan([B], MONTH_6)]) == plan


@pytest.mark.parametrize("kind", ["deposit", "prepayment", "fee", "penalty", "subsidy", "waiver"])
def test_other_money_is_left_out(kind: LineKind) -> None:
    more = replace(A, lines=(*A.lines, line("more", kind, START, 7)))
    assert paid_against_plan([more], MONTH_6) == paid_against_plan([A], MONTH_6)


def test_arrears_count_later_and_money_ahead_counts_when_due() -> None:
    arrears = replace(A, lines=(*A.lines, line("a-3", "instalment", date(2026, 7, 20), 20)))
    assert paid_against_plan([arrears], MONTH_6).numerator == 48
    assert paid_against_plan([arrears], date(2026, 8, 1)).numerator == 68
    ahead = replace(A, lines=(line("all", "instalment", START, 120),))
    assert paid_against_plan([ahead], MONTH_6).value == 1
    assert paid_against_financed([ahead], MONTH_6).value == Fraction(60, 120)


def test_contracts_not_yet_started_count_nothing_and_none_give_no_figure() -> None:
    assert paid_against_plan([A], START - timedelta(days=1)).value is None
    assert paid_against_plan([A], START).value is None
    assert paid_against_plan([], MONTH_6).value is None


def test_money_of_two_currencies_is_never_added() -> None:
    other = replace(B, terms=replace(B.terms, currency="TZS"))
    with pytest.raises(ValueError, match="KES, TZS"):
        paid_against_plan([A, other], MONTH_6)
    with pytest.raises(ValueError, match="KES, TZS"):
        collection_rate([A, other], START, MONTH_6)


def test_cut_at_day_90_leaves_out_later_money_and_younger_contracts() -> None:
    old = Contract(
        "old",
        DAILY,
        START,
        (
            line("in", "instalment", START + timedelta(days=90), 450),
            line("late", "instalment", START + timedelta(days=91), 400),
        ),
    )
    young = Contract("young", DAILY, START + timedelta(days=1), (line("y", "instalment", START, 900),))
    cut = paid_against_plan_at_day([old, young], START + timedelta(days=90))
    assert (cut.value, cut.behind, cut.lines) == (Fraction(450, 900), ("old",), ("in",))
    assert paid_against_plan_at_day([young], START + timedelta(days=90)).value is None


def test_twice_term() -> None:
    end = START + timedelta(days=200)
    late = Contract("late", DAILY, START, (line("l", "instalment", START + timedelta(days=200), 800),))
    too_late = Contract("too late", DAILY, START, (line("t", "instalment", START + timedelta(days=201), 800),))
    young = Contract("young", DAILY, START + timedelta(days=1), ())
    assert twice_term_on(late) == end
    ratio = paid_by_twice_term([late, too_late, young], end + timedelta(days=5))
    assert (ratio.numerator, ratio.denominator, ratio.behind) == (800, 3000, ("late", "too late", "young"))
    assert paid_by_twice_term([late, too_late, young], end).behind == ("late", "too late")


def test_ownership_at_twice_term_of_200_contracts() -> None:
    paid = (line("all", "instalment", START + timedelta(days=150), 1000),)
    early = (line("most", "instalment", START, 700), line("off", "waiver", START, 300))
    written_off = (line("some", "instalment", START, 200),)
    reached = [paid] * 90 + [early] * 6 + [written_off] * 14 + [()] * 10
    contracts = [Contract(f"c{n}", DAILY, START, lines) for n, lines in enumerate(reached)]
    contracts += [Contract(f"young{n}", DAILY, START + timedelta(days=100), paid) for n in range(80)]
    owned = owned_by_twice_term(contracts, START + timedelta(days=200))
    assert (owned.numerator, owned.denominator, per_cent(owned)) == (96, 120, Decimal("80.0"))


def test_owned_after_twice_term_does_not_count() -> None:
    late = Contract("late", DAILY, START, (line("all", "instalment", START + timedelta(days=201), 1000),))
    assert owned_by_twice_term([late], START + timedelta(days=300)).value == 0


def test_collection_rate_leaves_the_deposit_out() -> None:
    contract = Contract(
        "A",
        replace(DAILY, instalment_minor=1),
        START,
        (line("deposit", "deposit", START, 12), line("paid", "instalment", START + timedelta(days=9), 74)),
    )
    rate = collection_rate([contract], START, START + timedelta(days=99))
    assert (rate.value, per_cent(rate), rate.lines) == (Fraction(74, 100), Decimal("74.0"), ("paid",))
    assert collection_rate([contract], START + timedelta(days=100), START + timedelta(days=130)).value is None


BALANCES = [
    Balance("current", 700, 0),
    Balance("to 30", 120, 30),
    Balance("to 60", 50, 31),
    Balance("to 90", 40, 90),
    Balance("to 180", 60, 91, ("j-180",)),
    Balance("over", 30, 181),
    Balance("in credit", -400, 0),
]


def test_portfolio_at_risk() -> None:
    par30, par90 = portfolio_at_risk(BALANCES, 30), portfolio_at_risk(BALANCES, 90)
    assert (par30.value, per_cent(par30)) == (Fraction(180, 1000), Decimal("18.0"))
    assert (par90.value, per_cent(par90)) == (Fraction(90, 1000), Decimal("9.0"))
    assert par30.lines == ("j-180",)
    assert portfolio_at_risk([Balance("in credit", -400, 0)], 30).value is None


def test_growth_cannot_hide_arrears_in_the_lagged_figure() -> None:
    before = [Balance("old", 640, 0), Balance("old late", 160, 10)]
    now = [Balance("old", 640, 0), Balance("old late", 160, 40), Balance("new", 388, 0), Balance("new late", 12, 31)]
    assert per_cent(portfolio_at_risk(now, 30)) == Decimal("14.3")
    lagged = lagged_portfolio_at_risk(now, before, 30)
    assert (lagged.value, per_cent(lagged)) == (Fraction(172, 800), Decimal("21.5"))


def test_write_offs_of_twelve_months_over_mean_receivables() -> None:
    receivables = [(date(2025, 12, 31), 5000), (date(2026, 1, 31), 800), (date(2026, 12, 31), 1000)]
    written = [
        WriteOff("a", "w0", date(2025, 12, 31), 900),
        WriteOff("a", "w1", date(2026, 1, 1), 40),
        WriteOff("b", "w2", date(2026, 12, 31), 10),
        WriteOff("b", "w3", date(2026, 12, 31), -5),
    ]
    ratio = write_off_ratio(written, receivables, date(2026, 12, 31))
    assert (ratio.numerator, ratio.denominator, per_cent(ratio)) == (45, 900, Decimal("5.0"))
    assert ratio.lines == ("w1", "w2", "w3")
    assert write_off_ratio(written, [], date(2026, 12, 31)).value is None


@pytest.mark.parametrize(
    ("collected", "hazard", "shown"), [("0.90", "0.019", "71.4"), ("0.88", "0.035", "58.1"), ("0.9", "0", "90.0")]
)
def test_cohort_arithmetic(collected: str, hazard: str, shown: str) -> None:
    repaid = cohort_repayment(Fraction(hazard), Fraction(collected), 24)
    assert round(repaid * 100, 1) == Fraction(shown)


payments = st.lists(st.tuples(st.integers(0, 400), st.integers(-300, 600)), max_size=8)


@given(st.lists(payments, max_size=5), st.integers(0, 400))
def test_ratios_stay_below_one_and_joining_portfolios_is_adding(
    portfolios: list[list[tuple[int, int]]], age: int
) -> None:
    contracts = [
        Contract(
            f"c{n}",
            DAILY,
            START + timedelta(days=n),
            tuple(
                line(f"c{n}-{m}", "instalment", START + timedelta(days=at), minor) for m, (at, minor) in enumerate(paid)
            ),
        )
        for n, paid in enumerate(portfolios)
    ]
    day = START + timedelta(days=age)
    whole = paid_against_plan(contracts, day)
    assert whole.value is None or whole.value <= 1
    if contracts:
        assert together([paid_against_plan([one], day) for one in contracts]) == whole
    financed = paid_against_financed(contracts, day)
    assert financed.numerator == whole.numerator
    assert financed.denominator >= whole.denominator


def test_days_past_due_are_of_those_who_owe_something() -> None:
    balances = [Balance("late", 100, 17), Balance("in time", 900, 0), Balance("owned", 0, 0), Balance("ahead", -5, 0)]
    found = mean_days_past_due(balances)
    assert (found.value, found.behind) == (Fraction(17, 2), ("late", "in time"))
    assert mean_days_past_due(balances[2:]).value is None
