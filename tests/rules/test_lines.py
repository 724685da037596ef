"""Between its lines an account needs no new decision; at each of them it does."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from microgrid.billing.plans import Block, EnergyRules, PlanVersion, PostpaidRules
from microgrid.billing.register import Term
from microgrid.kept import Credit
from microgrid.switching.lines import crosses, with_line

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
ONE_PRICE = EnergyRules((Block(None, 1_000_000),))  # a minor unit for each Wh
HOME = PlanVersion("home", 1, NOON, "KES", ONE_PRICE)


def used(credit: Credit, amount_minor: int) -> Credit:
    """Return the credit after energy for so much was used."""
    return replace(credit, accrued_micro=credit.accrued_micro + amount_minor * 1_000_000)


def test_a_twentieth_of_what_is_left_may_be_used() -> None:
    credit = with_line(Credit("a", 1000), HOME, (), None, NOON)
    assert not crosses(used(credit, 49), NOON)
    assert crosses(used(credit, 50), NOON)


def test_posting_what_was_used_is_no_use() -> None:
    credit = with_line(Credit("a", 1000, 300_000_000), HOME, (), None, NOON)
    posted = replace(credit, balance_minor=700, charged_minor=300)
    assert not crosses(posted, NOON)
    assert crosses(used(posted, 35), NOON)


def test_a_fee_is_a_use() -> None:
    credit = with_line(Credit("a", 1000), HOME, (), None, NOON)
    assert crosses(replace(credit, balance_minor=900), NOON)


def test_the_level_of_the_warning_is_a_line() -> None:
    warned = replace(HOME, warn_below_minor=990)
    credit = with_line(Credit("a", 1000), warned, (), None, NOON)
    assert not crosses(used(credit, 10), NOON)
    almost = replace(credit, accrued_micro=10_999_999)
    assert (almost.available_minor, crosses(almost, NOON)) == (990, False)
    assert (used(credit, 11).available_minor, crosses(used(credit, 11), NOON)) == (989, True)
    below = with_line(Credit("a", 900), warned, (), None, NOON)
    assert not crosses(used(below, 44), NOON)


def test_what_is_used_up_is_decided_at_every_reading() -> None:
    empty = with_line(Credit("a", 0), HOME, (), None, NOON)
    assert crosses(empty, NOON)
    lined = with_line(Credit("a", 1000), HOME, (), None, NOON)
    assert with_line(replace(lined, balance_minor=0), HOME, (), None, NOON) == Credit("a", 0)


def test_a_credit_limit_is_room() -> None:
    plan = replace(HOME, rules=PostpaidRules(ONE_PRICE, 14, 7, 2000))
    credit = with_line(Credit("a", -1000), plan, (), None, NOON)
    assert not crosses(used(credit, 49), NOON)
    assert crosses(used(credit, 50), NOON)


def test_no_plan_and_a_price_by_the_month_have_no_line() -> None:
    blocks = replace(HOME, rules=EnergyRules((Block(100, 1_000_000), Block(None, 2_000_000))))
    free = replace(HOME, rules=replace(ONE_PRICE, free_wh_per_month=100))
    for plan in (None, blocks, free):
        assert crosses(with_line(Credit("a", 1000), plan, (), None, NOON), NOON)


def test_time_is_a_line() -> None:
    credit = Credit("a", 1000)
    change = NOON + timedelta(hours=1)
    terms = (Term(HOME, NOON - timedelta(days=1), change), Term(HOME, change))
    for lined, at in (
        (with_line(credit, HOME, (), None, NOON), NOON + timedelta(hours=6)),
        (with_line(credit, HOME, terms, None, NOON), change),
        (with_line(credit, HOME, terms, NOON + timedelta(minutes=5), NOON), NOON + timedelta(minutes=5)),
        (with_line(credit, HOME, (), NOON, NOON), NOON + timedelta(hours=6)),
    ):
        assert not crosses(lined, at - timedelta(seconds=1))
        assert crosses(lined, at)
