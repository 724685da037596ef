"""A lamp that is leased: instalments come as days, and who has paid it off owns it when two people agree."""

from __future__ import annotations

import pytest

from device.keypad import Answer, entered
from device.openpaygo import Kind
from microgrid import actions, agreements, keypads
from microgrid.agreements import Wish
from microgrid.billing.plans import LeaseRules
from microgrid.errors import InvalidInput
from microgrid.switching.token_requests import Wanted
from tests.flows.lamps import DAYS, LAMP, keypad, settle_in, texts, tokens, type_all, values, with_lamp
from tests.flows.village import Village

WEEKLY = LeaseRules(deposit_minor=20_000, instalment_minor=7_000, days=7, instalments=4)


@pytest.fixture
def leased(village: Village) -> Village:
    """Return a village with a lamp that is paid by the week and the customer's own after four."""
    return with_lamp(village, WEEKLY)


def test_nothing_is_given_before_the_deposit_is_paid(leased: Village) -> None:
    leased.pay("RKT1", 5_000)
    assert values(leased) == []
    leased.pay("RKT2", 15_000)
    assert values(leased) == []  # the first week is not paid
    leased.pay("RKT3", 7_000)
    assert values(leased) == [7]
    leased.are_books_true()


def test_days_are_those_paid_and_never_twice(leased: Village) -> None:
    leased.pay("RKT1", 27_000)
    leased.pay("RKT2", 14_000)
    assert values(leased) == [7, 14]
    actions.reverse_payment(leased.core, "mpesa:600638:RKT2", "test", "the payer asked for it")
    leased.pay("RKT3", 14_000)
    assert values(leased) == [7, 14]  # what was given out is paid first
    leased.are_books_true()


def test_who_pays_late_gets_the_days_from_then_on(leased: Village) -> None:
    leased.pay("RKT1", 27_000)
    leased.clock.pass_(days=10)
    leased.pay("RKT2", 7_000)
    assert values(leased) == [7, 7]
    leased.are_books_true()


def test_days_given_by_hand_are_not_taken_off_those_paid(leased: Village) -> None:
    leased.pay("RKT1", 27_000)
    keypads.give_by_hand(leased.core, "M-K-104", Wanted("r-1", "add", "three dark days", days=3), "asha")
    leased.pay("RKT2", 7_000)
    assert values(leased) == [7, 3, 7]


def test_an_unlock_takes_a_paid_off_contract_and_two_people(leased: Village) -> None:
    leased.pay("RKT1", 20_000 + 3 * 7_000)
    with pytest.raises(InvalidInput, match="still owes 21000") as early:
        agreements.ask(leased.core, Wish("unlock", "M-K-104", "paid off"), "asha")
    assert early.value.problems[0].code == "MG-K006"
    leased.pay("RKT2", 7_000)
    asked = agreements.ask(leased.core, Wish("unlock", "M-K-104", "paid off"), "asha")
    with pytest.raises(InvalidInput, match="cannot also agree"):
        agreements.grant(leased.core, asked.id, "asha")
    assert {token.kind for token in tokens(leased)} == {"add"}
    for _ in range(2):
        agreements.grant(leased.core, asked.id, "ben")
    (unlocking,) = [token for token in tokens(leased) if token.kind == "disable"]
    assert texts(leased)[-1] == f"Token for meter M-K-104, unlocked for ever: {unlocking.spaced}"
    meter, answers = type_all(keypad(), tokens(leased))
    assert set(answers) == {Answer.ACCEPTED}
    assert entered(meter, unlocking.digits, 0)[1].answer is Answer.ALREADY_USED
    assert entered(keypad(), unlocking.digits, 0)[1].kind is Kind.DISABLE
    leased.are_books_true()


def test_without_a_contract_nothing_is_unlocked(village: Village) -> None:
    with_lamp(village, DAYS)
    with pytest.raises(InvalidInput, match="no contract is named"):
        agreements.ask(village.core, Wish("unlock", "M-K-104", "please"), "asha")


def test_a_payment_reversed_after_the_request_is_seen_when_it_is_granted(leased: Village) -> None:
    leased.pay("RKT1", 20_000 + 4 * 7_000)
    asked = agreements.ask(leased.core, Wish("unlock", "M-K-104", "paid off"), "asha")
    actions.reverse_payment(leased.core, "mpesa:600638:RKT1", "test", "the payer asked for it")
    with pytest.raises(InvalidInput, match="still owes"):
        agreements.grant(leased.core, asked.id, "ben")
    assert "disable" not in {token.kind for token in tokens(leased)}
    leased.are_books_true()


def test_a_leased_meter_that_hears_us_gets_its_days_both_ways(village: Village) -> None:
    settle_in(village, WEEKLY, "M")
    keypads.add_device(village.core, LAMP, "test")
    village.pay("RKT1", 27_000)
    assert values(village) == [7]
    assert village.desired().tokens_included == tokens(village)[0].count
    assert texts(village) == []
