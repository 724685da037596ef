"""Plans: what can be meant, and tax taken apart without losing a unit."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgrid.billing.plans import (
    Band,
    Block,
    EnergyRules,
    LeaseRules,
    Levy,
    PlanVersion,
    PostpaidRules,
    Rules,
    Split,
    Tax,
    TimeRules,
    faults,
    half_up,
    split_tax,
    with_tax,
)

START = datetime(2026, 1, 1, tzinfo=UTC)
HOME = PlanVersion("home", 1, START, "TZS", EnergyRules((Block(None, 120_000_000),)))
VAT = Tax(180_000)
VAT_ADDED = Tax(180_000, included=False)

taxes = st.builds(
    Tax,
    st.integers(0, 1_000_000),
    st.booleans(),
    st.lists(st.builds(Levy, st.sampled_from(["fuel", "rural"]), st.integers(0, 200_000)), max_size=2).map(tuple),
)


def with_rules(rules: Rules) -> PlanVersion:
    return replace(HOME, rules=rules)


def codes(plan: PlanVersion) -> list[str]:
    return [problem.code for problem in faults(plan)]


@pytest.mark.parametrize(
    "rules",
    [
        EnergyRules((Block(50_000, 100_000), Block(None, 250_000)), (Band(1080, 1320, 400_000),), 5_000),
        EnergyRules((Block(None, 0),)),
        TimeRules(50_000, 30, power_limit_w=200, daily_wh=1500, pause_after_s=7200),
        PostpaidRules(EnergyRules((Block(None, 100),)), 14, 7, 1_000_000),
        LeaseRules(500, 50, 1, 100),
    ],
)
def test_every_kind_of_plan_can_be_meant(rules: Rules) -> None:
    assert faults(with_rules(rules)) == ()


@pytest.mark.parametrize(
    ("rules", "code"),
    [
        (EnergyRules(()), "MG-P202"),
        (EnergyRules((Block(50_000, 100),)), "MG-P202"),
        (EnergyRules((Block(None, 100), Block(None, 100))), "MG-P202"),
        (EnergyRules((Block(50, 1), Block(50, 1), Block(None, 1))), "MG-P202"),
        (EnergyRules((Block(None, -1),)), "MG-P201"),
        (EnergyRules((Block(None, 1),), free_wh_per_month=-1), "MG-P201"),
        (EnergyRules((Block(None, 1),), (Band(1320, 120, 1),)), "MG-P203"),
        (EnergyRules((Block(None, 1),), (Band(0, 1441, 1),)), "MG-P203"),
        (EnergyRules((Block(None, 1),), (Band(600, 700, 1), Band(500, 601, 1))), "MG-P203"),
        (TimeRules(0, 30), "MG-P201"),
        (TimeRules(100, 0), "MG-P201"),
        (TimeRules(100, 1, power_limit_w=0), "MG-P201"),
        (TimeRules(100, 1, pause_after_s=-1), "MG-P201"),
        (PostpaidRules(EnergyRules((Block(None, 1),)), -1, 0, 0), "MG-P201"),
        (PostpaidRules(EnergyRules(()), 1, 0, 0), "MG-P202"),
        (LeaseRules(0, 0, 30, 12), "MG-P301"),
    ],
)
def test_rules_that_cannot_be_meant_are_refused(rules: Rules, code: str) -> None:
    assert codes(with_rules(rules)) == [code]


def test_all_mistakes_of_a_plan_are_told_together() -> None:
    plan = replace(HOME, version=0, currency="SHILLING", effective_from=datetime(2026, 1, 1), tax=Tax(-1))  # noqa: DTZ001  the mistake
    assert codes(plan) == ["MG-P201", "MG-P201", "MG-P204", "MG-P205"]
    assert codes(replace(HOME, tax=Tax(0, levies=(Levy("rural", 1_000_001),)))) == ["MG-P201"]
    assert all(problem.fix and "was not stored" in problem.what for problem in faults(plan))


def test_tax_included_in_a_price_is_taken_out_of_it_and_tax_added_is_put_on_it() -> None:
    assert with_tax(1180, VAT) == 1180
    assert split_tax(1180, VAT) == Split(1000, 180)
    assert with_tax(1000, VAT_ADDED) == 1180
    assert split_tax(1180, VAT_ADDED) == Split(1000, 180)
    assert with_tax(3, Tax(500_000, included=False)) == 5  # a half unit of tax goes up
    assert split_tax(100, Tax()) == Split(100, 0)


def test_levies_are_lines_of_their_own() -> None:
    tax = Tax(160_000, levies=(Levy("fuel", 40_000), Levy("rural", 50_000)))
    assert split_tax(1250, tax) == Split(1000, 160, (40, 50))


@given(st.integers(-(10**12), 10**12), taxes)
def test_no_unit_of_a_sale_is_made_or_lost_and_a_correction_is_its_mirror_image(paid_minor: int, tax: Tax) -> None:
    parts = split_tax(paid_minor, tax)
    assert parts.net_minor + parts.tax_minor + sum(parts.levies_minor) == paid_minor
    back = split_tax(-paid_minor, tax)
    assert (back.net_minor, back.tax_minor) == (-parts.net_minor, -parts.tax_minor)


@given(st.integers(0, 10**9), st.integers(1, 1_000_000))
def test_added_tax_is_found_again_in_what_was_paid(price_minor: int, rate_ppm: int) -> None:
    tax = Tax(rate_ppm, included=False)
    assert split_tax(with_tax(price_minor, tax), tax).net_minor == price_minor


@given(st.integers(0, 10**9), st.integers(1, 10**6))
def test_half_up_is_never_more_than_half_a_unit_off(numerator: int, denominator: int) -> None:
    twice_off = 2 * (half_up(numerator, denominator) * denominator - numerator)
    assert -denominator < twice_off <= denominator


def test_a_version_says_whether_the_month_counts_and_what_it_sells() -> None:
    assert HOME.id == "home@1"
    assert HOME.energy is not None
    assert not HOME.energy.by_month
    assert EnergyRules((Block(None, 1),), free_wh_per_month=1).by_month
    assert with_rules(TimeRules(100, 1)).energy is None
