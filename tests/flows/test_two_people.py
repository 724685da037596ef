"""Refunds and write-offs are done when a second person agrees, once, and exactly as they were asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

import pytest

from microgrid import actions, agreements, flows
from microgrid.agreements import Wish
from microgrid.billing.payments import Payment
from microgrid.billing.pushes import Push, Taken
from microgrid.billing.sightings import Seen, Told
from microgrid.errors import InvalidInput, MicrogridError
from microgrid.kept import Approval
from microgrid.money_ports import Answered
from tests.flows.village import ENERGY, AnyStore, Village, make_village

ASHA, BEN, CAROL = "person:asha", "person:ben", "person:carol"
PAYMENT = "mpesa:600638:RKT1"
REFUND = Wish("refund", PAYMENT, "paid twice")


@dataclass
class Provider:
    """A provider that gives payments back, or says why it does not; asked for nothing else."""

    refusal: str = ""
    asked: list[str] = field(default_factory=list)
    lists: bool = False

    def check(self, push: Push) -> None:
        raise NotImplementedError(push.id)

    def push(self, push: Push) -> Taken:
        raise NotImplementedError(push.id)

    def enquire(self, about: Payment | Push) -> Answered:
        raise NotImplementedError(about.id)

    def pull(self, since: datetime, until: datetime) -> Iterator[Answered]:
        raise NotImplementedError(since, until)

    def reverse(self, payment: Payment) -> Answered:
        self.asked.append(payment.id)
        if self.refusal:
            return Answered(b"no", (Told("kept", self.refusal, payment_id=payment.id, proven=True),))
        return Answered(b"yes", (Seen(payment, "reversed", channel="enquiry"),))


@pytest.fixture
def provider() -> Provider:
    return Provider()


@pytest.fixture
def with_provider(store: AnyStore, provider: Provider) -> Village:
    """Return a village with one home, whose provider can be asked."""
    village = make_village(store, providers={"mpesa:600638": provider})
    village.settle_in(ENERGY)
    return village


def refund(home: Village) -> None:
    agreements.grant(home.core, agreements.ask(home.core, REFUND, ASHA).id, BEN)


def codes(error: pytest.ExceptionInfo[MicrogridError]) -> list[str]:
    return [problem.code for problem in error.value.problems]


def status(home: Village) -> str:
    with home.store.read() as uow:
        payment = uow.payments.get(PAYMENT)
    assert payment is not None
    return payment.status


def test_a_refund_is_owed_when_a_second_person_agrees_and_gone_when_the_provider_says_so(home: Village) -> None:
    home.pay("RKT1", 50_000)
    asked = agreements.ask(home.core, REFUND, ASHA)
    assert agreements.ask(home.core, REFUND, ASHA) == asked
    assert asked.id == f"refund:payment:{PAYMENT}:1"
    assert home.credit_minor() == 50_000
    with pytest.raises(InvalidInput) as own:
        agreements.grant(home.core, asked.id, ASHA)
    assert codes(own) == ["MG-A017"]
    for _ in range(2):
        assert agreements.grant(home.core, asked.id, BEN).granted is True
    assert (home.credit_minor(), status(home)) == (0, "refunding")
    assert not home.desired().supply.on
    assert home.balance_minor("refunds_payable:mpesa:600638") == -50_000
    home.are_books_true()
    for _ in range(2):
        flows.on_payment(home.core, Seen(home.payment("RKT1", 50_000), "reversed"))
    assert (home.credit_minor(), status(home)) == (0, "reversed")
    assert home.balance_minor("refunds_payable:mpesa:600638") == home.balance_minor("cash:mpesa:600638") == 0
    home.are_books_true()


def test_a_refund_from_suspense(home: Village) -> None:
    home.pay("RKT1", 50_000, "nobody")
    asked = agreements.ask(home.core, REFUND, ASHA)
    agreements.grant(home.core, asked.id, BEN)
    with pytest.raises(InvalidInput, match="MG-P002"):
        actions.move_payment(home.core, PAYMENT, "K-104", "test", "too late")
    assert home.balance_minor("suspense:mpesa:600638") == 0
    agreements.keep_payment(home.core, PAYMENT, BEN, "found the owner")
    assert (status(home), home.balance_minor("suspense:mpesa:600638")) == ("suspense", -50_000)
    refund(home)
    actions.reverse_payment(home.core, PAYMENT, "test", "sent by hand")
    assert status(home) == "reversed"
    home.are_books_true()


def test_a_refund_that_did_not_come_about_is_credit_again_and_can_be_asked_for_again(home: Village) -> None:
    home.pay("RKT1", 50_000)
    for number in (1, 2):
        asked = agreements.ask(home.core, REFUND, ASHA)
        assert asked.id.endswith(f":{number}")
        agreements.grant(home.core, asked.id, BEN)
        agreements.keep_payment(home.core, PAYMENT, BEN, "the number is closed")
        assert (home.credit_minor(), status(home), home.desired().supply.on) == (50_000, "posted", True)
    with pytest.raises(InvalidInput) as told:
        agreements.keep_payment(home.core, PAYMENT, BEN, "again")
    assert codes(told) == ["MG-P050"]
    flows.on_payment(home.core, Seen(home.payment("RKT1", 50_000), "reversed"))
    assert (home.credit_minor(), status(home)) == (0, "reversed")
    home.are_books_true()


def test_the_provider_is_asked_once_after_two_people_agreed(with_provider: Village, provider: Provider) -> None:
    with_provider.pay("RKT1", 50_000)
    refund(with_provider)
    assert provider.asked == []
    for _ in range(2):
        with_provider.tick()
    assert (provider.asked, status(with_provider)) == ([PAYMENT], "reversed")
    assert with_provider.credit_minor() == 0
    with_provider.are_books_true()


def test_a_provider_that_keeps_the_money_is_seen_by_a_person(with_provider: Village, provider: Provider) -> None:
    provider.refusal = "the payer's number is closed"
    with_provider.pay("RKT1", 50_000)
    refund(with_provider)
    with_provider.tick()
    with with_provider.store.read() as uow:
        assert [alarm.what for alarm in uow.alarms.where(subject=f"payment:{PAYMENT}")] == [
            "the provider did not give it back: the payer's number is closed"
        ]
    assert status(with_provider) == "refunding"
    agreements.keep_payment(with_provider.core, PAYMENT, BEN, "as the provider said")
    assert (with_provider.credit_minor(), status(with_provider)) == (50_000, "posted")
    with_provider.are_books_true()


@pytest.mark.parametrize("how", ["kept", "went back by hand"])
def test_nobody_asks_the_provider_for_what_is_settled(with_provider: Village, provider: Provider, how: str) -> None:
    with_provider.pay("RKT1", 50_000)
    refund(with_provider)
    if how == "kept":
        agreements.keep_payment(with_provider.core, PAYMENT, BEN, "a mistake")
    else:
        actions.reverse_payment(with_provider.core, PAYMENT, BEN, "sent by hand")
    with_provider.tick()
    assert provider.asked == []
    with_provider.are_books_true()


def test_what_was_used_is_not_given_back(home: Village) -> None:
    home.pay("RKT1", 50_000)
    asked = agreements.ask(home.core, REFUND, ASHA)
    home.clock.pass_(hours=1)
    home.use(1100)
    with pytest.raises(InvalidInput) as told:
        agreements.grant(home.core, asked.id, BEN)
    assert codes(told) == ["MG-P050"]
    assert agreements.approval(home.core, asked.id).granted is None  # nothing half-done: it can still be decided
    assert (home.credit_minor(), status(home)) == (47_500, "posted")
    home.are_books_true()


def test_one_request_about_one_thing_at_a_time(home: Village) -> None:
    home.pay("RKT1", 50_000)
    asked = agreements.ask(home.core, REFUND, ASHA)
    with pytest.raises(InvalidInput) as told:
        agreements.ask(home.core, REFUND, CAROL)
    assert codes(told) == ["MG-A041"]
    assert [one.id for one in agreements.waiting(home.core, "", 9).items] == [asked.id]
    agreements.refuse(home.core, asked.id, ASHA, "a mistake of mine")
    with pytest.raises(InvalidInput) as decided:
        agreements.grant(home.core, asked.id, BEN)
    assert codes(decided) == ["MG-A016"]
    assert agreements.waiting(home.core, "", 9).items == []
    assert agreements.ask(home.core, REFUND, CAROL).id.endswith(":2")
    assert home.credit_minor() == 50_000


def test_what_cannot_be_done_is_not_even_asked(home: Village) -> None:
    with pytest.raises(InvalidInput, match="no payment"):
        agreements.ask(home.core, REFUND, ASHA)
    home.pay("RKT1", 50_000, status="pending")
    with pytest.raises(InvalidInput) as pending:
        agreements.ask(home.core, REFUND, ASHA)
    assert codes(pending) == ["MG-P050"]
    with pytest.raises(InvalidInput) as no_debt:
        agreements.ask(home.core, Wish("write_off", "K-104", "moved away", 1), ASHA)
    assert codes(no_debt) == ["MG-P051"]


def test_a_debt_is_given_up_by_two_people(home: Village) -> None:
    home.clock.pass_(hours=1)
    home.use(1200)
    assert home.credit_minor() == -5000
    with pytest.raises(InvalidInput) as too_much:
        agreements.ask(home.core, Wish("write_off", "K-104", "moved away", 5001), ASHA)
    assert codes(too_much) == ["MG-P051"]
    asked = agreements.ask(home.core, Wish("write_off", "K-104", "moved away", 4000), ASHA)
    agreements.grant(home.core, asked.id, BEN)
    assert home.credit_minor() == -1000
    assert home.balance_minor("bad_debt:kisiju") == 4000
    assert [row.actor for row in home.audit("account:K-104")][-2:] == [ASHA, BEN]
    home.are_books_true()


def test_what_another_version_asked_for_is_not_guessed(home: Village) -> None:
    with home.store.begin() as uow:
        uow.approvals.add(Approval("x", "dance", "account:K-104", "{}", "", ASHA, home.clock.now()))
    with pytest.raises(InvalidInput) as told:
        agreements.grant(home.core, "x", BEN)
    assert codes(told) == ["MG-A043"]
    assert agreements.approval(home.core, "x").granted is None
