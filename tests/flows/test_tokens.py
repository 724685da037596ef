"""A home with a keypad meter and no network: what is paid comes as digits, once, and the meter takes them once."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from device.keypad import Answer, entered
from microgrid import actions, flows, keypads, token_views
from microgrid.billing.plans import Band, Block, EnergyRules, PostpaidRules, Rules, TimeRules
from microgrid.billing.sightings import Seen
from microgrid.customers.records import Account, Connection, Customer, Enrolment, Fit
from microgrid.ports import NO_KEYS
from microgrid.sealing import SealedKeys
from microgrid.store.memory import MemoryStore
from microgrid.switching import token_sales
from tests.flows.lamps import (
    DAYS,
    LAMP,
    available_minor,
    codes,
    fit,
    keypad,
    settle_in,
    texts,
    tokens,
    type_all,
    values,
    with_lamp,
)
from tests.flows.village import ENERGY, START, Village, make_village

PAYMENT = "mpesa:600638:RKT1"
STEPPED = EnergyRules((Block(2000, 10_000_000), Block(None, 25_000_000)), free_wh_per_month=500)


@pytest.fixture
def lamp(village: Village) -> Village:
    """Return a village with a lamp that is paid by the day and takes tokens only."""
    return with_lamp(village)


@pytest.fixture
def lamp_in_memory() -> Village:
    """Return the same, for tests in which the store plays no part."""
    return with_lamp(make_village(MemoryStore()))


# Money becomes digits -------------------------------------------------------------------------------------------------


def test_a_payment_comes_as_a_token_that_the_meter_takes_once(lamp: Village) -> None:
    lamp.pay("RKT1", 70_000)
    (token,) = tokens(lamp)
    assert (token.digits, token.count, token.value, token.source) == ("082162833", 2, 7, PAYMENT)
    assert texts(lamp) == ["Token for meter M-K-104, 7 days: 082 162 833"]
    meter, entry = entered(keypad(), texts(lamp)[0].split(": ")[1], 0)
    assert (entry.answer, entry.value) == (Answer.ACCEPTED, 7)
    assert entered(meter, token.digits, 0)[1].answer is Answer.ALREADY_USED
    assert available_minor(lamp) == 0
    assert lamp.sent.orders == []  # nothing is told to a meter that hears nothing


def test_one_receipt_seen_by_three_channels_gives_one_token(lamp: Village) -> None:
    for channel in ("stk", "c2b", "sms"):
        flows.on_payment(lamp.core, Seen(lamp.payment("RKT1", 10_000), channel=channel))
    assert values(lamp) == [1]
    assert len(texts(lamp)) == 1


def test_what_is_too_little_for_a_day_waits_for_the_next_payment(lamp: Village) -> None:
    lamp.pay("RKT1", 6_000)
    assert (values(lamp), available_minor(lamp)) == ([], 6_000)
    lamp.pay("RKT2", 6_000)
    assert (values(lamp), available_minor(lamp)) == ([1], 2_000)
    assert tokens(lamp)[0].source == "mpesa:600638:RKT2"


def test_several_days_at_a_time_and_several_units_a_day(village: Village) -> None:
    settle_in(village, TimeRules(price_minor=60_000, days=7))
    keypads.add_device(village.core, replace(LAMP, divider=4), "test")
    village.pay("RKT1", 130_000)
    assert (values(village), available_minor(village)) == ([2 * 7 * 4], 10_000)
    assert texts(village) == [f"Token for meter M-K-104, 14 days: {tokens(village)[0].spaced}"]


def test_more_than_995_units_come_as_several_tokens(lamp: Village) -> None:
    lamp.pay("RKT1", 2_000 * 10_000)
    assert values(lamp) == [995, 995, 10]
    assert [text.split(":")[0] for text in texts(lamp)] == [
        f"Token {number} of 3 for meter M-K-104, {days} days" for number, days in ((1, 995), (2, 995), (3, 10))
    ]
    assert type_all(keypad(), tokens(lamp))[1] == [Answer.ACCEPTED] * 3
    assert max(len(text) for text in texts(lamp)) <= 160


def test_digits_for_a_keypad_with_four_keys(village: Village) -> None:
    settle_in(village, DAYS)
    keypads.add_device(village.core, replace(LAMP, restricted=True), "test")
    village.pay("RKT1", 70_000)
    (token,) = tokens(village)
    assert (len(token.digits), set(token.digits) <= set("1234")) == (15, True)
    assert entered(keypad(replace(LAMP, restricted=True)), token.digits, 0)[1].value == 7


def test_energy_comes_in_units_of_100_wh_and_the_rest_stays_as_credit(village: Village) -> None:
    with_lamp(village, ENERGY)
    village.pay("RKT1", 6_000)  # 240 Wh at 25 minor units each
    assert (values(village), available_minor(village)) == ([2], 1_000)
    assert texts(village) == [f"Token for meter M-K-104, 0.2 kWh: {tokens(village)[0].spaced}"]
    village.pay("RKT2", 1_500)
    assert (values(village), available_minor(village)) == ([2, 1], 0)


def test_steps_and_the_free_allowance_of_a_month_are_reckoned_when_a_token_is_sold(village: Village) -> None:
    with_lamp(village, STEPPED)
    village.pay("RKT1", 20_000)  # 500 Wh free, then 2,000 Wh at 10 each
    assert (values(village), available_minor(village)) == ([25], 0)
    village.pay("RKT2", 5_000)  # 200 Wh at 25 each
    assert values(village) == [25, 2]
    village.clock.pass_(days=31)
    village.pay("RKT3", 1_000)  # a new month: 500 Wh free, 100 Wh at 10 each
    assert values(village) == [25, 2, 6]
    assert available_minor(village) == 0


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.integers(1, 30_000), min_size=1, max_size=8), st.sampled_from([DAYS, ENERGY, STEPPED]))
def test_no_unit_is_made_or_lost(amounts: list[int], rules: Rules) -> None:
    village = with_lamp(make_village(MemoryStore()), rules)
    for number, amount_minor in enumerate(amounts):
        village.pay(f"R{number}", amount_minor)
    units, left_minor = sum(values(village)), available_minor(village)
    cost_minor = sum(amounts) - left_minor
    if rules is STEPPED:
        paid_wh = max(0, units * 100 - 500)
        assert cost_minor == min(paid_wh, 2000) * 10 + max(0, paid_wh - 2000) * 25
        assert units >= 5
    else:
        assert (cost_minor, left_minor) == divmod_units(sum(amounts), 10_000 if rules is DAYS else 2_500, units)


def divmod_units(total_minor: int, price_minor: int, units: int) -> tuple[int, int]:
    assert units == total_minor // price_minor
    return units * price_minor, total_minor % price_minor


# Money goes back ------------------------------------------------------------------------------------------------------


def test_a_payment_reversed_after_its_token_is_a_debt_that_the_next_one_pays_first(lamp: Village) -> None:
    lamp.pay("RKT1", 30_000)
    actions.reverse_payment(lamp.core, PAYMENT, "test", "the payer asked for it")
    assert available_minor(lamp) == -30_000
    lamp.pay("RKT2", 20_000)
    assert (values(lamp), available_minor(lamp)) == ([3], -10_000)
    lamp.pay("RKT3", 25_000)
    assert (values(lamp), available_minor(lamp)) == ([3, 1], 5_000)


def test_a_free_allowance_is_not_given_to_who_is_in_debt(village: Village) -> None:
    with_lamp(village, STEPPED)
    village.pay("RKT1", 20_000)
    actions.reverse_payment(village.core, PAYMENT, "test", "the payer asked for it")
    village.clock.pass_(days=31)
    village.pay("RKT2", 100)
    assert values(village) == [25]
    assert available_minor(village) == 100 - 20_000


def test_money_moved_here_gives_its_token_and_moved_away_leaves_a_debt(lamp: Village) -> None:
    lamp.pay("RKT1", 10_000, reference="NOBODY")
    assert values(lamp) == []
    actions.move_payment(lamp.core, PAYMENT, "K-104", "test", "asked")
    assert values(lamp) == [1]
    actions.add_customer(lamp.core, Customer("c-2", "Juma"), "test")
    actions.add_account(lamp.core, Account("B-2", "c-2", "kisiju", START), "test")
    actions.move_payment(lamp.core, PAYMENT, "B-2", "test", "it was hers")
    assert available_minor(lamp) == -10_000
    actions.move_payment(lamp.core, PAYMENT, "K-104", "test", "no, his after all")
    assert (values(lamp), available_minor(lamp)) == ([1], 0)


# What cannot be given waits -------------------------------------------------------------------------------------------


def test_a_payment_is_booked_also_where_no_token_can_be_made(village: Village) -> None:
    settle_in(village, DAYS)  # the maker's list has not come yet
    village.pay("RKT1", 20_000)
    assert (values(village), available_minor(village)) == ([], 20_000)
    (waiting,) = token_views.of_meter(village.core, "M-K-104").waiting
    assert (waiting.payment_id, "no token device" in waiting.why) == (PAYMENT, True)
    keypads.add_device(village.core, LAMP, "test")
    assert (values(village), available_minor(village)) == ([2], 0)
    assert token_views.of_meter(village.core, "M-K-104").waiting == []


def test_without_the_key_tokens_wait_until_it_is_back(lamp: Village) -> None:
    lamp.core, with_key = replace(lamp.core, keys=NO_KEYS), lamp.core
    lamp.pay("RKT1", 20_000)
    assert available_minor(lamp) == 20_000
    lamp.core = replace(with_key, keys=SealedKeys(bytes([1] * 32)))
    lamp.clock.pass_(hours=2)
    assert texts(lamp) == []
    assert "does not open" in token_views.of_meter(lamp.core, "M-K-104").waiting[0].why
    lamp.core = with_key
    lamp.clock.pass_(hours=2)
    assert len(texts(lamp)) == 1
    assert (values(lamp), available_minor(lamp)) == ([2], 0)


def test_no_more_than_16_tokens_wait_to_be_typed(lamp: Village) -> None:
    lamp.pay("RKT0", 1_000 * 10_000)  # paid far ahead, so that none of them can have been used up
    for number in range(1, 16):
        lamp.pay(f"RKT{number}", 10_000)
    assert (len(tokens(lamp)), available_minor(lamp)) == (16, 10_000)
    assert "were not typed yet" in token_views.of_meter(lamp.core, "M-K-104").waiting[0].why
    keypads.tell_typed(lamp.core, "M-K-104", tokens(lamp)[0].count, "test")
    assert (len(tokens(lamp)), available_minor(lamp)) == (17, 0)
    assert type_all(keypad(), tokens(lamp))[1] == [Answer.ACCEPTED] * 17


def test_days_that_are_over_must_have_been_typed(lamp: Village) -> None:
    for number in range(40):
        lamp.pay(f"RKT{number}", 10_000)
        lamp.clock.pass_(days=1)
    assert values(lamp) == [1] * 40
    assert type_all(keypad(), tokens(lamp))[1] == [Answer.ACCEPTED] * 40


def test_energy_of_a_week_ago_must_have_been_typed(village: Village) -> None:
    with_lamp(village, ENERGY)
    for number in range(20):
        village.pay(f"RKT{number}", 2_500)
        village.clock.pass_(days=1)
    assert values(village) == [1] * 20


@pytest.mark.parametrize(
    "rules",
    [
        PostpaidRules(ENERGY, 14, 7, 100_000),
        EnergyRules(ENERGY.blocks, (Band(0, 360, 5_000_000),)),
    ],
)
def test_a_plan_that_tokens_cannot_carry_is_told(rules: Rules) -> None:
    village = with_lamp(make_village(MemoryStore()), rules)
    village.pay("RKT1", 20_000)
    assert (values(village), available_minor(village)) == ([], 20_000)
    assert codes(lambda: keypads.give_for_payment(village.core, "M-K-104", PAYMENT, "test")) == ["MG-K052"]


def test_a_payment_before_any_plan_waits_for_one(village: Village) -> None:
    with_lamp(village)
    actions.add_customer(village.core, Customer("c-2", "Juma"), "test")
    actions.add_account(village.core, Account("B-2", "c-2", "kisiju", START), "test")
    actions.add_connection(village.core, Connection("p-2", "B-2", "kisiju"), "test")
    keypads.add_devices(village.core, [replace(LAMP, serial="M-2")], "test")
    actions.fit_meter(village.core, Fit("f-2", "M-2", "p-2", 1, START, 0), "test")
    village.pay("RKT1", 20_000, reference="B-2")
    assert values(village, "M-2") == []
    actions.enrol(village.core, Enrolment("e-2", "B-2", "home", START), "test")
    village.clock.pass_(hours=1)
    texts(village)
    assert values(village, "M-2") == [2]
    village.are_books_true()


def test_days_are_for_every_lamp_of_an_account_and_energy_for_the_one_that_is_named(village: Village) -> None:
    with_lamp(village)
    fit(village, "M-2")
    keypads.add_device(village.core, replace(LAMP, serial="M-2"), "test")
    village.pay("RKT1", 20_000)
    assert (values(village), values(village, "M-2"), available_minor(village)) == ([2], [2], 0)


def test_energy_for_one_of_several_meters(village: Village) -> None:
    with_lamp(village, ENERGY)
    fit(village, "M-2")
    keypads.add_device(village.core, replace(LAMP, serial="M-2"), "test")
    village.pay("RKT1", 5_000)
    (waiting,) = token_views.of_meter(village.core, "M-2").waiting
    assert "has several meters (M-2, M-K-104)" in waiting.why
    with village.store.begin() as uow:
        payment = uow.payments.get(PAYMENT)
        assert payment is not None
        assert codes(lambda: token_sales.sell(uow, village.core.keys, payment, village.clock.at)) == ["MG-K054"]
    given_out = keypads.give_for_payment(village.core, "M-2", PAYMENT, "test")
    assert [(token.serial, token.value) for token in given_out] == [("M-2", 2)]
    assert (values(village), available_minor(village)) == ([], 0)
