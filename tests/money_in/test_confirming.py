"""Above a limit no unsigned message is believed: the payment waits, without credit, for its provider's own word."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from microgrid import payment_requests
from microgrid.billing.enquiries import ASK_AFTER_S
from microgrid.errors import InvalidInput
from microgrid.kept import OutboxItem
from microgrid.providers.emulators.desk import Call
from microgrid.providers.emulators.faults import Delivery, FaultPlan
from microgrid.providers.emulators.served_mpesa import ServedMpesa
from microgrid.store.memory import MemoryStore
from tests.flows.village import START
from tests.money_in.served import ADDRESS, World, world

LIMIT: Mapping[str, object] = {"confirm_above_minor": 20_000, "lists": False}
BODY = (
    b'{"TransactionType":"Pay Bill","TransID":"%s","TransTime":"20260302090000","TransAmount":"%s",'
    b'"BusinessShortCode":"600638","BillRefNumber":"%s","MSISDN":"25470****149"}'
)


def forge(w: World, receipt: str, amount: str, reference: str = "K-104", address: str = ADDRESS) -> None:
    """Say that a payment was made, at the right address."""
    assert isinstance(w.emulator, ServedMpesa)
    body = BODY % (receipt.encode(), amount.encode(), reference.encode())
    w.post(Call(0, w.emulator.confirmation_url, Delivery(0, "c2b_confirmation", body, address)))


def reverse_item(w: World, receipt: str) -> OutboxItem:
    now = w.village.clock.at
    return OutboxItem(f"reverse:{receipt}", "reverse", f"{w.line}:{receipt}", "", now, now)


def questions(w: World) -> int:
    return w.emulator.desk.counts["/mpesa/transactionstatus/v1/query"]


def test_a_payment_up_to_the_limit_is_credited_at_once_and_nobody_is_asked() -> None:
    with world(MemoryStore(), settings=LIMIT) as w:
        receipt = w.pay(20_000)
        w.village.clock.pass_(minutes=1)
        w.deliver()
        assert (w.payment(receipt).status, w.village.credit_minor()) == ("posted", 20_000)
        w.live(minutes=5)
        assert questions(w) == 0


def test_a_payment_above_the_limit_is_credited_when_its_provider_has_confirmed_it() -> None:
    with world(MemoryStore(), settings=LIMIT) as w:
        receipt = w.pay(20_100)
        w.village.clock.pass_(minutes=1)
        w.deliver()
        assert (w.payment(receipt).status, w.village.credit_minor()) == ("pending", 0)
        w.village.are_books_true()
        w.live(minutes=3)
        assert (w.payment(receipt).status, w.village.credit_minor()) == ("posted", 20_100)
        assert w.channels(receipt) == {"c2b", "enquiry"}
        assert w.alarms() == []
        asked = questions(w)
        w.live(hours=3)
        assert questions(w) == asked
        w.village.are_books_true()


def test_always_means_every_amount() -> None:
    with world(MemoryStore(), settings={"confirm": "always"}) as w:
        receipt = w.pay(100)
        w.village.clock.pass_(minutes=1)
        w.deliver()
        assert w.payment(receipt).status == "pending"
        w.live(minutes=3)
        assert w.payment(receipt).status == "posted"


def test_a_forged_message_above_the_limit_credits_nothing_and_raises_an_alarm() -> None:
    with world(MemoryStore(), settings=LIMIT) as w:
        forge(w, "QFORGED001", "5000")
        w.live(minutes=3)
        assert (w.payment("QFORGED001").status, w.village.credit_minor(), w.cash_minor()) == ("pending", 0, 0)
        (alarm,) = w.alarms()
        assert alarm.subject == "payment:mpesa:600638:QFORGED001"
        assert "does not know this payment" in alarm.what
        w.live(hours=30)
        assert {one.id.partition(":")[0] for one in w.alarms()} == {"unknown", "silent"}
        assert questions(w) < len(ASK_AFTER_S) + 1
        asked = questions(w)
        w.live(hours=3)
        assert questions(w) == asked
        w.village.are_books_true()


def test_a_forged_message_from_elsewhere_is_kept_and_changes_nothing() -> None:
    with world(MemoryStore(), settings=LIMIT) as w:
        forge(w, "QFORGED001", "10", address="203.0.113.9")
        assert w.payments() == []
        with w.village.store.read() as uow:
            (kept,) = uow.raw_events.page()
        assert "203.0.113.9 is not an address of the provider" in kept.outcome


def test_a_lie_about_the_amount_of_a_true_receipt_is_put_right_by_the_provider() -> None:
    with world(MemoryStore(), settings=LIMIT) as w:
        receipt = w.pay(1_000)
        forge(w, receipt, "9000")  # before the true message comes
        w.live(minutes=5)
        assert (w.payment(receipt).status, w.payment(receipt).amount_minor) == ("posted", 1_000)
        assert w.village.credit_minor() == w.cash_minor() == 1_000
        assert [one.id.partition(":")[0] for one in w.alarms()] == ["refused"]  # one receipt, two amounts
        w.village.are_books_true()


def test_a_lie_about_whom_a_true_receipt_is_for_is_pointed_at() -> None:
    with world(MemoryStore(), settings=LIMIT) as w:
        w.village.move_in("K-200")
        receipt = w.pay(30_000, "K-200")
        forge(w, receipt, "300", "K-104")
        w.live(minutes=5)
        assert w.cash_minor() == 30_000
        (alarm,) = w.alarms()
        assert "'K-104'" in alarm.what
        assert "'K-200'" in alarm.what
        w.village.are_books_true()


def test_money_that_went_to_another_shortcode_is_refused_and_pointed_at() -> None:
    with world(MemoryStore(), settings=LIMIT) as w:
        receipt = w.pay(30_000)
        shortcode = replace(w.emulator.desk.wallet.account, shortcode="999999")
        w.emulator.desk.waiting.clear()
        w.emulator.desk.wallet = replace(w.emulator.desk.wallet, account=shortcode)
        forge(w, receipt, "300")
        w.live(minutes=3)
        assert (w.payment(receipt).status, w.cash_minor()) == ("refused", 0)
        (alarm,) = w.alarms()
        assert "999999" in alarm.what
        w.village.are_books_true()


def test_an_answer_to_a_question_nobody_asked_confirms_nothing() -> None:
    with world(MemoryStore(), settings=LIMIT) as w:
        forge(w, "QFORGED001", "5000")
        w.village.tick()
        w.village.clock.pass_(seconds=20)
        w.village.tick()
        (true_answer,) = [call for call in w.emulator.desk.waiting if call.delivery.what == "status_result"]
        root = true_answer.url.rpartition("/")[0]
        lie = true_answer.delivery.body.replace(b"2032", b"0").replace(
            b'"ResultParameter":[', b'"ResultParameter":[{"Key":"ReceiptNo","Value":"QFORGED001"},'
            b'{"Key":"Amount","Value":"5000"},{"Key":"TransactionStatus","Value":"Completed"},'
            b'{"Key":"FinalisedTime","Value":"20260302090000"},{"Key":"CreditPartyName","Value":"600638 - SHOP"},'
        )  # fmt: skip
        for url in (root, f"{root}/{'0' * 32}"):
            w.post(Call(0, url, Delivery(0, "status_result", lie, ADDRESS)))
        assert (w.payment("QFORGED001").status, w.cash_minor()) == ("pending", 0)
        w.post(Call(0, true_answer.url, Delivery(0, "status_result", lie, ADDRESS)))  # only the provider knows this one
        assert w.payment("QFORGED001").status == "posted"


def test_a_provider_that_is_down_is_asked_again_and_holds_up_nothing_else() -> None:
    with world(MemoryStore(), settings=LIMIT) as w:
        receipt = w.pay(30_000)
        w.village.clock.pass_(minutes=1)
        w.deliver()
        w.emulator.desk.loses = lambda _path, _count: True
        w.live(minutes=10)
        w.emulator.desk.loses = lambda _path, _count: False
        w.live(hours=2)
        assert w.payment(receipt).status == "posted"
        assert w.alarms() == []


def test_questions_follow_the_documented_pauses() -> None:
    with world(MemoryStore(), settings=LIMIT) as w:
        forge(w, "QFORGED001", "5000")
        asked_s = []
        while w.village.clock.at < START + timedelta(hours=4):
            before = questions(w)
            w.village.clock.pass_(seconds=10)
            w.village.tick()
            if questions(w) > before:
                asked_s.append(int((w.village.clock.at - START).total_seconds()))
        assert asked_s == [10, 30, 60, 120, 300, 900, 3600, 7200, 10_800, 14_400]


def test_a_person_settles_an_alarm_once_and_it_is_written_down() -> None:
    with world(MemoryStore(), settings=LIMIT) as w:
        forge(w, "QFORGED001", "5000")
        w.live(minutes=3)
        (alarm,) = w.alarms()
        for who in ("amina", "juma"):
            settled = payment_requests.settle_alarm(w.village.core, alarm.id, who, "told the police")
            assert settled.settled_by == "amina"
        assert w.alarms() == []
        assert [row.actor for row in w.village.audit(alarm.subject)] == ["amina"]
        with pytest.raises(InvalidInput, match="MG-A001"):
            payment_requests.settle_alarm(w.village.core, "none", "amina", "?")


def test_the_list_of_two_days_brings_what_never_reached_us() -> None:
    plan = FaultPlan(drop_callback=1.0)
    with world(MemoryStore(), plan=plan) as w:
        receipts = [w.pay(1_000 + 100 * number) for number in range(230)]  # three pages
        w.live(hours=26)
        assert {one.receipt for one in w.payments()} == set(receipts)
        assert w.channels(receipts[0]) == {"pull"}
        assert w.cash_minor() == w.truly_paid_minor()
        assert w.emulator.desk.counts["/pulltransactions/v1/query"] <= 8
        w.village.are_books_true()


def test_a_list_that_does_not_come_is_asked_for_again() -> None:
    with world(MemoryStore(), plan=FaultPlan(drop_callback=1.0)) as w:
        receipt = w.pay(1_000)
        w.village.clock.pass_(minutes=1)
        w.emulator.desk.loses = lambda _path, _count: True
        w.village.tick()
        w.emulator.desk.loses = lambda _path, _count: False
        assert w.payments() == []
        w.live(minutes=6)
        assert w.payment(receipt).status == "posted"


def test_a_payment_is_given_back_by_the_provider_once() -> None:
    with world(MemoryStore(), settings=LIMIT) as w:
        receipt = w.pay(10_000)
        w.village.clock.pass_(minutes=1)
        w.deliver()
        item = reverse_item(w, receipt)
        with w.village.store.begin() as uow:
            uow.outbox.put_all([item, replace(item, id="the same after a crash")])
        w.live(minutes=5)
        assert (w.payment(receipt).status, w.cash_minor(), w.village.credit_minor()) == ("reversed", 0, 0)
        assert w.emulator.desk.counts["/mpesa/reversal/v1/request"] == 2
        assert w.alarms() == []
        w.village.are_books_true()


@pytest.mark.parametrize("provider", ["momo", "airtel"])
def test_a_wallet_without_a_way_back_calls_for_a_person(provider: str) -> None:
    with world(MemoryStore(), "momo" if provider == "momo" else "airtel") as w:
        w.ask(50_000)
        w.live(minutes=10)
        (payment,) = w.payments()
        with pytest.raises(InvalidInput, match="MG-P022"):
            w.way.reverse(payment)
        with w.village.store.begin() as uow:
            uow.outbox.put(reverse_item(w, payment.receipt))
        w.live(minutes=5)
        (alarm,) = w.alarms()
        assert "cannot be given back" in alarm.what
        assert w.payment(payment.receipt).status == "posted"
