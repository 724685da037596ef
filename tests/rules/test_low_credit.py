"""Warnings: once until made good, not too often, before paid time ends, and short enough for one SMS."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from microgrid.billing.plans import Block, EnergyRules, LeaseRules, PlanVersion, TimeRules
from microgrid.customers.records import Site
from microgrid.kept import Credit
from microgrid.switching.low_credit import LowCredit, warning, with_warning
from microgrid.switching.reasons import SMS_ALPHABET, sms_text
from microgrid.switching.sites import SitePolicy

NOON = datetime(2026, 3, 3, 9, tzinfo=UTC)  # 12:00 in Nairobi, a Tuesday
KISIJU = Site("kisiju", "Kisiju", "Africa/Nairobi", "KES", 2)
ENERGY = PlanVersion("flat", 1, NOON, "KES", EnergyRules((Block(None, 25_000_000),)), warn_below_minor=1000)
WEEK = replace(ENERGY, rules=TimeRules(7000, 7))
DAILY = SitePolicy()


def warned(credit: Credit, at: datetime) -> Credit:
    return replace(credit, low_warned=True, warned_at=at)


def at_noon(credit: Credit) -> LowCredit | None:
    return warning(credit, ENERGY, KISIJU, DAILY, NOON)


def test_low_credit_is_warned_of_once_until_it_has_recovered_and_once_a_day() -> None:
    low = Credit("amina", 999)
    assert at_noon(low) == LowCredit("amina", 999, "Your credit is low: KES 9.99 left. Pay to amina.")
    told = warned(low, NOON)
    assert at_noon(told) is None
    between = with_warning(replace(told, balance_minor=1999), ENERGY, DAILY, NOON)
    assert between.low_warned
    recovered = with_warning(replace(told, balance_minor=2000), ENERGY, DAILY, NOON)
    assert not recovered.low_warned
    again = replace(recovered, balance_minor=500)
    assert warning(again, ENERGY, KISIJU, DAILY, NOON + timedelta(hours=23)) is None
    assert warning(again, ENERGY, KISIJU, DAILY, NOON + timedelta(hours=24)) is not None


def test_enough_credit_is_not_warned_of_and_a_debt_says_what_to_pay() -> None:
    assert at_noon(Credit("amina", 1000)) is None
    assert warning(Credit("amina", 5), replace(ENERGY, warn_below_minor=0), KISIJU, DAILY, NOON) is None
    used_up = at_noon(Credit("amina", -5))
    assert used_up is not None
    assert used_up.text == "Your credit is used up: KES 0.05 to pay. Pay to amina."


def test_paid_time_is_warned_of_a_day_before_and_in_the_last_quarter_of_a_short_one() -> None:
    credit = Credit("amina", 0)
    ends_at = NOON + timedelta(days=7)
    assert warning(credit, WEEK, KISIJU, DAILY, ends_at - timedelta(days=1, seconds=1), ends_at) is None
    found = warning(credit, WEEK, KISIJU, DAILY, ends_at - timedelta(days=1), ends_at)
    assert found is not None
    assert found.text == "Your supply ends on Tue 10 Mar 2026 12:00. Pay to amina."
    a_day = replace(WEEK, rules=TimeRules(1000, 1))
    assert warning(credit, a_day, KISIJU, DAILY, ends_at - timedelta(hours=7), ends_at) is None
    assert warning(credit, a_day, KISIJU, DAILY, ends_at - timedelta(hours=6), ends_at) is not None
    lease = replace(WEEK, rules=LeaseRules(0, 1000, 0, 12, months=1))
    assert warning(credit, lease, KISIJU, DAILY, ends_at - timedelta(hours=23), ends_at) is not None
    assert warning(credit, lease, KISIJU, DAILY, ends_at, None) is None  # paid off


def test_time_paid_on_brings_the_next_warning_back() -> None:
    told = warned(Credit("amina", 0), NOON)
    assert with_warning(told, WEEK, DAILY, NOON, NOON + timedelta(days=2)).low_warned
    assert not with_warning(told, WEEK, DAILY, NOON, NOON + timedelta(days=2, seconds=1)).low_warned
    assert not with_warning(told, WEEK, DAILY, NOON, None).low_warned


@given(st.text(max_size=400))
def test_every_text_fits_into_one_sms(text: str) -> None:
    found = sms_text(text)
    assert len(found) <= 160
    assert set(found) <= SMS_ALPHABET


def test_letters_an_sms_lacks_lose_their_accents() -> None:
    assert sms_text("Ngũgĩ [Thika]: 5 €") == "Ngugi ?Thika?: 5 ?"
