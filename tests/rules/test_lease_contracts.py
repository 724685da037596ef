"""One lease on its own: what is due, what is ahead, what ends it early, and for how long its device is supplied."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgrid.billing.contracts import LeaseTerms
from microgrid.billing.intake import Due
from microgrid.billing.lease_contracts import (
    LeaseContract,
    Settlement,
    ahead,
    dues,
    named_by,
    newly_due,
    next_due_on,
    settlement,
    with_days,
    with_money,
)
from microgrid.billing.plans import Block, ClassTax, EnergyRules, LeaseRules, Levy, PlanVersion, Tax, faults

NAIROBI = ZoneInfo("Africa/Nairobi")
NOON = datetime(2026, 3, 2, 9, tzinfo=UTC)
START = date(2026, 3, 2)
TERMS = LeaseTerms("KES", 2000, 500, "day", 10, deposit_days=2, payoff_discount_basis_points=1000)
FRESH = LeaseContract("c", "K-1", "lamp@1", TERMS, Tax(), START, NOON)
PAID_IN = replace(FRESH, deposit_paid_minor=2000)


def test_the_deposit_is_due_first_then_instalments_by_their_days() -> None:
    owing = with_money(replace(PAID_IN, fallen_due=3), "instalment", 700)
    assert list(dues(owing)) == [
        Due("c#2", "instalment", date(2026, 3, 5), 300),
        Due("c#3", "instalment", date(2026, 3, 6), 500),
    ]
    assert list(dues(FRESH)) == [Due("c#0", "instalment", START, 2000)]
    assert named_by("c#0") == ("c", "deposit")
    assert named_by("a#b#12") == ("a#b", "instalment")
    assert list(dues(replace(owing, state="written_off"))) == []


def test_what_was_waived_is_not_due() -> None:
    bounced = replace(PAID_IN, fallen_due=10, waived_minor=300, paid_minor=4600)
    assert bounced.instalments_owed_minor == 100
    assert [due.amount_minor for due in dues(bounced)] == [100]


def test_instalments_fall_due_day_by_day_and_end_with_the_term() -> None:
    assert (newly_due(FRESH, date(2026, 3, 3)), newly_due(FRESH, date(2026, 3, 4))) == (0, 1)
    assert newly_due(replace(FRESH, fallen_due=4), date(2030, 1, 1)) == 6
    assert newly_due(replace(FRESH, state="owned"), date(2030, 1, 1)) == 0
    assert next_due_on(FRESH) == date(2026, 3, 4)
    assert next_due_on(replace(FRESH, fallen_due=10)) is None
    assert next_due_on(replace(FRESH, state="written_off")) is None


def test_early_payoff_is_everything_due_and_the_rest_less_its_discount() -> None:
    owing = replace(FRESH, fallen_due=2, paid_minor=300)
    assert settlement(owing, date(2026, 3, 5)) == Settlement(2000 + 700 + 3600, 3600, 400)
    assert settlement(replace(PAID_IN, fallen_due=10, paid_minor=4500), date(2026, 4, 1)) == Settlement(500, 0, 0)


def test_more_than_is_due_or_was_paid_cannot_be_applied() -> None:
    for part, amount_minor in (("deposit", 2001), ("deposit", -1), ("instalment", 1), ("instalment", -1)):
        with pytest.raises(ValueError, match="cannot be applied"):
            with_money(FRESH, part, amount_minor)  # type: ignore[arg-type]  # one of the parts


def test_two_devices_are_supplied_equally_long_by_what_is_ahead() -> None:
    other = replace(PAID_IN, id="d", started_on=date(2026, 3, 3), terms=replace(TERMS, instalment_minor=200))
    assert ahead([PAID_IN, other], 500) == {"c": 500, "d": 0}
    assert ahead([PAID_IN, other], 1500) == {"c": 1300, "d": 200}
    assert ahead([PAID_IN], 99_999) == {"c": 99_999}
    assert ahead([replace(PAID_IN, state="owned")], 500) == {}
    assert ahead([PAID_IN, other], -5) == {"c": 0, "d": 0}


@given(st.integers(0, 20_000), st.integers(0, 9), st.integers(0, 9))
def test_what_is_ahead_is_never_more_than_the_credit(credit_minor: int, fallen: int, other_fallen: int) -> None:
    both = [replace(PAID_IN, fallen_due=fallen), replace(PAID_IN, id="d", fallen_due=other_fallen)]
    parts = ahead(both, credit_minor)
    left_minor = sum(one.terms.financed_minor - one.fallen_due * 500 for one in both)
    assert sum(parts.values()) == min(credit_minor, left_minor)


def test_days_are_given_once_from_the_moment_they_are_paid() -> None:
    given_two = with_days(PAID_IN, 0, NOON, NAIROBI)
    assert (given_two.days_given, given_two.lasts_until) == (2, NOON + timedelta(days=2))
    assert with_days(given_two, 499, NOON + timedelta(days=9), NAIROBI) == given_two
    late = NOON + timedelta(days=9)
    assert with_days(given_two, 1000, late, NAIROBI).lasts_until == late + timedelta(days=2)
    in_time = with_days(given_two, 1000, NOON + timedelta(days=1), NAIROBI)
    assert in_time.lasts_until == NOON + timedelta(days=4)
    back = with_days(in_time, 0, NOON + timedelta(days=1), NAIROBI)
    assert back == given_two
    assert with_days(in_time, 0, NOON + timedelta(days=3), NAIROBI).lasts_until == NOON + timedelta(days=3)
    assert with_days(FRESH, 9999, NOON, NAIROBI) == FRESH  # the deposit first


def test_leases_levies_and_classes_that_cannot_be_meant_are_all_told() -> None:
    twice = Tax(levies=(Levy("rural", 1), Levy("rural", 2)))
    classes = (ClassTax("business", Tax(-1)), ClassTax("business", Tax()))
    lease = LeaseRules(0, 500, 7, 10, months=1)
    plan = PlanVersion("lamp", 1, NOON, "KES", lease, twice, instalment_share_ppm=-1, class_taxes=classes)
    found = [problem.code for problem in faults(plan)]
    assert found == ["MG-P201", "MG-P210", "MG-P201", "MG-P210", "MG-P211"]
    limits = EnergyRules((Block(None, 1),), power_limit_w=0, daily_wh=-1)
    assert [problem.code for problem in faults(PlanVersion("e", 1, NOON, "KES", limits))] == ["MG-P201", "MG-P201"]
    assert faults(PlanVersion("lamp", 1, NOON, "KES", replace(lease, days=0))) == ()


def test_a_class_of_customers_is_read_with_its_own_tax() -> None:
    vat = Tax(160_000, included=False)
    plan = PlanVersion("e", 1, NOON, "KES", EnergyRules((Block(None, 1),)), class_taxes=(ClassTax("business", vat),))
    assert plan.for_class("business").tax == vat
    assert plan.for_class("household") is plan
    assert plan.for_class("business").id == plan.id
