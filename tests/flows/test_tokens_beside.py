"""A meter that is told by the network and has a keypad as well: one payment, two ways in, never more than was paid."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from device.keypad import Answer, Keypad, credited_elsewhere, entered
from device.openpaygo import Kind
from microgrid import actions, flows, keypads, token_views
from microgrid.billing.plans import Block, EnergyRules
from microgrid.store.memory import MemoryStore
from microgrid.switching.supply import Desired, Reported
from microgrid.switching.token_records import GivenToken
from tests.flows.lamps import DAYS, LAMP, keypad, settle_in, texts, tokens, values
from tests.flows.village import ENERGY, Village, make_village


@dataclass
class Meter:
    """What the protocol says of a meter's limits: those told are absolute, a token adds, nothing counts twice."""

    keypad: Keypad
    register_wh: int = 1000
    cutoff_wh: int = 1000
    revision: int = 0

    def hear(self, desired: Desired) -> None:
        if desired.revision <= self.revision:
            return
        told_wh = (desired.supply.cutoff_wh or 0) if desired.supply.on else self.register_wh
        knows_less = desired.tokens_included < self.keypad.count
        self.cutoff_wh = max(told_wh, self.cutoff_wh) if knows_less else told_wh
        self.keypad = credited_elsewhere(self.keypad, desired.tokens_included)
        self.revision = desired.revision

    def type(self, token: GivenToken) -> Answer:
        self.keypad, entry = entered(self.keypad, token.digits, 0)
        if entry.kind is Kind.ADD:
            self.cutoff_wh = max(self.cutoff_wh, self.register_wh) + entry.value * 100
        return entry.answer


def with_meter(village: Village, *, by_the_day: bool = False) -> Village:
    settle_in(village, DAYS if by_the_day else ENERGY, "M")
    keypads.add_device(village.core, LAMP, "test")
    return village


@pytest.fixture
def metered(village: Village) -> Village:
    """Return a village with a home whose meter hears us and has a keypad."""
    return with_meter(village)


def test_the_token_first_and_the_limits_later_are_the_payment_once(metered: Village) -> None:
    metered.pay("RKT1", 50_000)
    (token,) = tokens(metered)
    desired = metered.desired()
    assert (token.value, desired.supply.cutoff_wh, desired.tokens_included) == (20, 3000, 2)
    meter = Meter(keypad())
    assert (meter.type(token), meter.cutoff_wh) == (Answer.ACCEPTED, 3000)
    meter.hear(desired)
    assert meter.cutoff_wh == 3000
    assert texts(metered) == []  # it is offered where the meter does not answer
    metered.are_books_true()


def test_the_limits_first_and_the_token_later_are_the_payment_once(metered: Village) -> None:
    metered.pay("RKT1", 50_000)
    meter = Meter(keypad())
    meter.hear(metered.desired())
    assert (meter.type(tokens(metered)[0]), meter.cutoff_wh) == (Answer.ALREADY_USED, 3000)


def test_limits_that_know_nothing_of_a_typed_token_take_nothing_away(metered: Village) -> None:
    metered.pay("RKT1", 50_000)
    first = metered.desired()
    metered.pay("RKT2", 50_000)
    meter = Meter(keypad())
    for token in tokens(metered):
        meter.type(token)
    meter.hear(first)  # it was on its way for long
    assert meter.cutoff_wh == 5000
    meter.hear(metered.desired())
    assert meter.cutoff_wh == 5000


def test_what_a_debt_took_is_in_no_token(metered: Village) -> None:
    metered.pay("RKT1", 2_500)
    metered.use(1_500)  # 400 Wh more than paid
    metered.pay("RKT2", 20_000)
    assert values(metered) == [1, 4]
    assert metered.desired().supply.cutoff_wh == 1_900


def test_days_come_both_ways_and_are_one_purchase(village: Village) -> None:
    with_meter(village, by_the_day=True)
    village.pay("RKT1", 25_000)
    desired = village.desired()
    assert (values(village), desired.tokens_included, village.credit_minor()) == ([2], 2, 5_000)
    actions.reverse_payment(village.core, "mpesa:600638:RKT1", "test", "the payer asked for it")
    assert village.desired().supply.on is False  # it hears us: days not used go back
    village.are_books_true()


def test_tokens_in_limits_that_the_meter_holds_are_out_of_the_way(metered: Village) -> None:
    for number in range(40):
        metered.pay(f"RKT{number}", 50_000)
        at, revision = metered.clock.at, metered.desired().revision
        flows.on_reported(metered.core, "M-K-104", Reported(revision, True, 1000, 1, at, at))
    assert len(tokens(metered)) == 40


def test_a_meter_that_never_answers_goes_on_without_further_tokens(metered: Village) -> None:
    for number in range(20):
        metered.pay(f"RKT{number}", 50_000)
    assert len(tokens(metered)) == 16
    assert metered.desired().supply.cutoff_wh == 1000 + 20 * 2000
    assert token_views.of_meter(metered.core, "M-K-104").waiting == []
    metered.are_books_true()


def test_asked_for_again_the_token_of_a_payment_is_the_same_and_none_is_made_later(metered: Village) -> None:
    metered.pay("RKT1", 50_000)
    made = keypads.give_for_payment(metered.core, "M-K-104", "mpesa:600638:RKT1", "gateway")
    assert made == tokens(metered)


def test_a_payment_before_the_keypad_was_known_gives_no_token_beside_the_limits_it_is_in(village: Village) -> None:
    settle_in(village, ENERGY, "M")
    village.pay("RKT1", 50_000)
    keypads.add_device(village.core, LAMP, "test")
    assert keypads.give_for_payment(village.core, "M-K-104", "mpesa:600638:RKT1", "gateway") == []


steps = st.lists(
    st.one_of(
        st.tuples(st.just("pay"), st.integers(1, 60_000)),
        st.tuples(st.just("hear"), st.integers(0, 30)),
        st.tuples(st.just("type"), st.integers(0, 30)),
        st.tuples(st.just("use"), st.integers(0, 3_000)),
        st.tuples(st.just("read"), st.just(0)),
    ),
    min_size=3,
    max_size=25,
)
RISING = EnergyRules((Block(1000, 10_000_000), Block(None, 25_000_000)), free_wh_per_month=300)


@pytest.mark.parametrize("rules", [ENERGY, RISING], ids=["flat", "rising"])
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(done=steps)
def test_in_any_order_a_meter_never_lets_more_through_than_was_paid(
    rules: EnergyRules, done: list[tuple[str, int]]
) -> None:
    village = make_village(MemoryStore())
    settle_in(village, rules, "M")
    keypads.add_device(village.core, LAMP, "test")
    meter, told, paid_minor = Meter(keypad()), [village.desired()], 0
    for number, (what, amount) in enumerate(done):
        if what == "pay":
            village.pay(f"R{number}", amount)
            told.append(village.desired())
            paid_minor += amount
        elif what == "hear":
            meter.hear(told[min(amount, len(told) - 1)])
        elif what == "type" and tokens(village):
            meter.type(tokens(village)[min(amount, len(tokens(village)) - 1)])
        elif what == "use":
            meter.register_wh = min(meter.register_wh + amount, max(meter.register_wh, meter.cutoff_wh))
        elif what == "read":
            village.clock.pass_(minutes=1)
            village.use(meter.register_wh)
            told.append(village.desired())
        assert meter.cutoff_wh - 1000 <= most_wh(rules, paid_minor)
    meter.hear(replace(village.desired(), revision=10**6))
    assert meter.cutoff_wh - 1000 <= most_wh(rules, paid_minor)
    village.are_books_true()


def most_wh(rules: EnergyRules, paid_minor: int) -> int:
    """Return what a sum can buy at the most."""
    if rules is ENERGY:
        return paid_minor // 25
    cheap_wh = min(1000, paid_minor // 10)
    return 300 + cheap_wh + max(0, paid_minor - 10_000) // 25
