"""Every payment is booked once, wherever it was seen, and every correction is a journal of its own."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest

from microgrid import actions, flows, views
from microgrid.billing.sightings import Asked, Seen, Unclear
from microgrid.customers.records import Account
from microgrid.errors import Contradiction, InvalidInput
from microgrid.kept import RawEvent
from microgrid.store.memory import MemoryStore
from tests.flows.village import ENERGY, START, Village, make_village

CASH = "cash:mpesa:600638"
SUSPENSE = "suspense:mpesa:600638"


def raw(key: str = "r1") -> RawEvent:
    return RawEvent(key, "mpesa:600638", START, "10.0.0.1", "{}", b"{}", "")


def outcome(village: Village, key: str = "r1") -> str:
    with village.store.read() as uow:
        found = uow.raw_events.get(key)
    assert found is not None
    return found.outcome


def test_a_payment_seen_twice_is_booked_once(home: Village) -> None:
    assert home.pay("RKT1", 50_000).is_new
    assert not home.pay("RKT1", 50_000).is_new
    assert home.balance_minor(CASH) == 50_000
    assert home.credit_minor() == 50_000
    home.are_books_true()


def test_one_receipt_with_two_amounts_is_refused_with_both_shown_and_kept(home: Village) -> None:
    home.pay("RKT1", 50_000)
    with pytest.raises(Contradiction) as caught:
        home.pay("RKT1", 60_000)
    problem = caught.value.problems[0]
    assert problem.code == "MG-P001"
    assert "50000" in problem.what
    assert "60000" in problem.what
    verdict = flows.on_message(home.core, raw(), lambda: Seen(home.payment("RKT1", 60_000)))
    assert verdict.payment is None
    assert "50000" in outcome(home)
    assert home.credit_minor() == 50_000


def test_what_cannot_be_read_is_kept_with_the_reason(home: Village) -> None:
    flows.on_message(home.core, raw(), lambda: Unclear("no JSON"))
    assert outcome(home) == "nothing booked: no JSON"


@pytest.mark.parametrize("typed", ["K-104", "k-104", " K 104 ", "K-1O4", "k1o4", "K104", "M-K-104", "mk-1o4", "K-I04"])
def test_a_reference_is_understood_however_it_is_typed(home_in_memory: Village, typed: str) -> None:
    assert home_in_memory.pay("RKT1", 50_000, typed).payment.account_id == "K-104"


@pytest.mark.parametrize("typed", ["K-105", "K-14", "K-1044", "K-014"])
def test_a_near_miss_waits_with_a_suggestion(home_in_memory: Village, typed: str) -> None:
    home = home_in_memory
    receipt = home.pay("RKT1", 50_000, typed)
    assert receipt.payment.status == "suspense"
    assert receipt.suggestions == ("K-104",)
    assert home.balance_minor(SUSPENSE) == -50_000
    assert home.credit_minor() == 0
    home.are_books_true()


def test_a_reference_that_fits_two_accounts_is_not_guessed(home: Village) -> None:
    with home.store.begin() as uow:  # as rows of an older version; a request for the second one is refused
        for name in ("KO1", "K01"):
            uow.accounts.add(Account(name, "c-K-104", "kisiju", START))
    assert home.pay("RKT1", 50_000, "K01").payment.account_id == "K01"
    receipt = home.pay("RKT2", 50_000, "k-oi")
    assert receipt.payment.status == "suspense"
    assert set(receipt.suggestions) >= {"K01", "KO1"}


def test_a_phone_as_reference_finds_its_account_and_the_payers_own_only_suggests(home: Village) -> None:
    seen = Seen(home.payment("RKT1", 50_000, "0712000104"), reference_phone="+254712000104")
    assert flows.on_payment(home.core, seen).payment.account_id == "K-104"
    receipt = home.pay("RKT2", 50_000, "church", payer="+254712000104", payer_kind="e164")
    assert receipt.payment.status == "suspense"
    assert receipt.suggestions == ("K-104",)


def test_a_hashed_payer_is_suggested_from_earlier_payments_and_a_masked_one_never(home: Village) -> None:
    home.pay("RKT1", 100, payer="ab" * 32, payer_kind="hashed")
    assert home.pay("RKT2", 100, "?", payer="ab" * 32, payer_kind="hashed").suggestions == ("K-104",)
    home.pay("RKT3", 100, payer="2547****104", payer_kind="masked")
    assert home.pay("RKT4", 100, "?", payer="2547****104", payer_kind="masked").suggestions == ()


def test_a_payment_in_another_currency_waits(home: Village) -> None:
    receipt = flows.on_payment(home.core, Seen(replace(home.payment("RKT1", 900), currency="UGX")))
    assert receipt.payment.status == "suspense"
    assert receipt.suggestions == ("K-104",)
    with pytest.raises(InvalidInput, match="MG-P002"):
        actions.move_payment(home.core, receipt.payment.id, "K-104", "amina", "asked by phone")
    home.are_books_true()


def test_moving_gives_light_and_moving_again_takes_it_back(home: Village) -> None:
    home.move_in("K-200")
    payment = home.pay("RKT1", 50_000, "?").payment
    for _ in range(2):
        actions.move_payment(home.core, payment.id, "K-104", "amina", "asked by phone")
    assert home.credit_minor() == 50_000
    assert home.desired().supply.on
    actions.move_payment(home.core, payment.id, "K-200", "amina", "it was the neighbour's")
    assert (home.credit_minor(), home.credit_minor("K-200")) == (0, 50_000)
    assert not home.desired().supply.on
    assert home.desired("K-200").supply.on
    actions.move_payment(home.core, payment.id, "K-104", "amina", "no, it was right")
    actions.move_payment(home.core, payment.id, "K-200", "amina", "yes it was")
    assert home.balance_minor(CASH) == 50_000
    home.are_books_true()
    actions.reverse_payment(home.core, payment.id, "amina", "sent back")
    assert (home.credit_minor(), home.credit_minor("K-200"), home.balance_minor(CASH)) == (0, 0, 0)
    home.are_books_true()


def test_a_reversal_after_use_is_a_debt_and_comes_once(home: Village) -> None:
    payment = home.pay("RKT1", 50_000).payment
    home.use(2000)
    for _ in range(2):
        actions.reverse_payment(home.core, payment.id, "amina", "the customer asked the provider")
    assert home.credit_minor() == -25_000
    assert not home.desired().supply.on
    assert home.balance_minor(CASH) == 0
    home.are_books_true()


def test_a_reversal_before_its_payment_ends_at_nothing_too(home: Village) -> None:
    seen = Seen(home.payment("RKT1", 50_000), "reversed", note="reversed by the customer")
    flows.on_payment(home.core, seen)
    assert home.pay("RKT1", 50_000).payment.status == "reversed"
    assert (home.credit_minor(), home.balance_minor(CASH)) == (0, 0)
    home.are_books_true()


def test_any_order_of_sightings_gives_one_posting() -> None:
    references = ("", "K-104", "", "k 1o4")
    for order in set(permutations(references)):
        village = make_village(MemoryStore())
        village.settle_in(ENERGY)
        for reference in order:
            village.pay("RKT1", 50_000, reference)
        assert village.credit_minor() == 50_000
        assert village.balance_minor(CASH) == 50_000
        village.are_books_true()


def test_a_pending_payment_gives_nothing_until_it_is_confirmed(home: Village) -> None:
    home.pay("RKT1", 50_000, status="pending")
    assert home.credit_minor() == 0
    with pytest.raises(InvalidInput, match="MG-P003"):
        actions.reverse_payment(home.core, "mpesa:600638:RKT1", "amina", "?")
    home.are_books_true()
    home.pay("RKT1", 50_000)
    assert home.credit_minor() == 50_000
    home.are_books_true()


def test_a_question_before_paying_is_answered_without_booking(home: Village) -> None:
    def may(reference: str) -> bool:
        return flows.on_message(home.core, raw(), lambda: Asked(reference, 100, "KES")).may_pay

    assert may("k104")
    assert may("K-105")
    assert not may("XYZ")
    assert home.balance_minor(CASH) == 0


def test_suspense_is_listed_with_suggestions(home: Village) -> None:
    home.pay("RKT1", 50_000, "K-105")
    home.pay("RKT2", 50_000, "?")
    page = views.suspense(home.core, "", 1)
    assert [item.suggestions for item in page.items] == [("K-104",)]
    assert page.next == "mpesa:600638:RKT1"
    assert views.suspense(home.core, page.next, 1).next is None


def test_unknown_payments_and_accounts_are_named(home: Village) -> None:
    with pytest.raises(InvalidInput, match="MG-A001"):
        actions.move_payment(home.core, "mpesa:600638:NONE", "K-104", "amina", "?")
    home.pay("RKT1", 100, "?")
    with pytest.raises(InvalidInput, match="MG-A001"):
        actions.move_payment(home.core, "mpesa:600638:RKT1", "K-999", "amina", "?")
