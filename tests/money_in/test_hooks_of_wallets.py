"""Calls of wallets and of senders who sign: what is believed, what is only a reason to ask, and what is kept."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from microgrid import flows, payment_requests
from microgrid.api.app import create_app
from microgrid.billing.sightings import Alarm, Seen
from microgrid.cli.money_in import hooks
from microgrid.cli.money_keys import account_of
from microgrid.errors import InvalidInput
from microgrid.payment_settings import PaymentAccountSettings
from microgrid.providers.emulators import webhook as emulated
from microgrid.providers.emulators.faults import FaultPlan, Intended, Wallet, all_faults, moment
from microgrid.providers.emulators.served_wallets import ServedAirtel
from microgrid.providers.webhook import SIGNATURE_HEADER, TIMESTAMP_HEADER, signature
from microgrid.store.memory import MemoryStore
from tests.flows.village import ENERGY, START, Village, make_village
from tests.money_in.served import ADDRESS, PROXY, world

SECRET_PATH = "7hX2vQ9rLw4nTz8b"
SIGNED: dict[str, Any] = {
    "provider": "webhook",
    "shortcode": "BANK1",
    "currency": "KES",
    "exponent": 2,
    "region": "KE",
    "secret_path": SECRET_PATH,
    "keys": {"signing_secret_env": "A", "old_signing_secret_env": "B"},
    "allowed_addresses": (ADDRESS,),
}
KEYS = {"signing_secret": "now in force", "old_signing_secret": "until sunday"}
BODY = {
    "receipt": "B1",
    "amount": "500",
    "currency": "KES",
    "paid_at": "2026-03-02T09:00:00+03:00",
    "reference": "K-104",
}


class Bank:
    """A sender who signs, and the service it calls."""

    def __init__(self, address: str = ADDRESS) -> None:
        settings = PaymentAccountSettings.model_validate(SIGNED)
        self.village = make_village(MemoryStore())
        self.village.settle_in(ENERGY)
        self.account = account_of(settings)
        self.client = TestClient(create_app(self.village.core, hooks(settings, KEYS)), client=(address, 4711))

    def send(self, body: bytes, secret: str = KEYS["signing_secret"], late_s: int = 0, stamp: str = "") -> int:
        stamp = stamp or str(int(self.village.clock.at.timestamp()) - late_s)
        headers = {TIMESTAMP_HEADER: stamp, SIGNATURE_HEADER: signature(secret.encode(), stamp, body)}
        return self.client.post(f"/hooks/{SECRET_PATH}/signed", content=body, headers=headers).status_code

    def outcomes(self) -> list[str]:
        with self.village.store.read() as uow:
            return [row.outcome for row in uow.raw_events.page()]


def body_of(**other: str) -> bytes:
    return json.dumps({**BODY, **other}).encode()


def alarms(village: Village) -> Sequence[Alarm]:
    return list(payment_requests.alarms(village.core, "", 100, settled=False).items)


def test_a_signed_call_is_booked_with_either_secret() -> None:
    bank = Bank()
    for secret, receipt in ((KEYS["signing_secret"], "B1"), (KEYS["old_signing_secret"], "B2")):
        assert bank.send(body_of(receipt=receipt), secret) == 200
    assert bank.village.credit_minor() == 100_000
    bank.village.are_books_true()


@pytest.mark.parametrize("late_s", [301, -301, 86_400])
def test_a_call_signed_at_another_time_is_a_replay(late_s: int) -> None:
    bank = Bank()
    assert bank.send(body_of(), late_s=late_s) == 200
    assert bank.village.credit_minor() == 0
    assert "a replay" in bank.outcomes()[0]


def test_a_stranger_cannot_spoil_what_is_kept_of_a_true_call() -> None:
    bank = Bank()
    bank.send(body_of())
    bank.send(body_of(), secret="guessed")
    assert sorted(outcome.partition(" ")[0] for outcome in bank.outcomes()) == ["nothing", "posted"]
    assert bank.village.credit_minor() == 50_000


def test_a_signed_reversal_takes_the_money_back() -> None:
    bank = Bank()
    bank.send(body_of())
    bank.send(body_of(receipt="B9", status="reversed", linked_receipt="B1"))
    assert (bank.village.credit_minor(), bank.village.balance_minor("cash:webhook:BANK1")) == (0, 0)
    bank.village.are_books_true()


@pytest.mark.parametrize("seed", range(3))
def test_only_what_truly_moved_is_booked_whatever_a_sender_of_webhooks_does(seed: int) -> None:
    bank = Bank()
    wallet = Wallet(bank.account, START, ADDRESS, KEYS["signing_secret"].encode())
    paying = [Intended(60 * n, "+254712000104", 100 * (n + 1), "K-104", ("JANE",)) for n in range(60)]
    plan = all_faults(0.2)
    schedule = emulated.schedule(np.random.default_rng(seed), paying, plan, wallet)
    arrived = set()
    for delivery in schedule.deliveries:
        bank.village.clock.at = moment(wallet, delivery.at_s)
        client = TestClient(bank.client.app, client=(delivery.source_address, 1))
        client.post(f"/hooks/{SECRET_PATH}/signed", content=delivery.body, headers=dict(delivery.headers))
        apart_s = bank.village.clock.at.timestamp() - int(delivery.headers[TIMESTAMP_HEADER])
        if delivery.source_address == ADDRESS and abs(apart_s) <= 300:
            arrived.add(json.loads(delivery.body)["receipt"])
    true = sum(amount for receipt, amount in schedule.paid_minor.items() if receipt in arrived)
    assert bank.village.balance_minor("cash:webhook:BANK1") == true > 0
    bank.village.are_books_true()


def test_a_callback_of_a_request_that_nobody_made_books_nothing_and_calls_for_a_person() -> None:
    with world(MemoryStore(), "momo") as w:
        body = {
            "amount": "500",
            "currency": "KES",
            "status": "SUCCESSFUL",
            "financialTransactionId": "363440463",
            "payeeNote": "K-104",
        }
        for method in ("PUT", "POST"):
            answer = w.calls.request(
                method,
                w.hook_url("callback/11111111-1111-4111-8111-111111111111"),
                json=body,
                headers={"X-Forwarded-For": ADDRESS},
            )
            assert answer.status_code == 200
        w.live(minutes=5)
        assert w.payments() == []
        (alarm,) = w.alarms()
        assert "nobody here asked for" in alarm.what


def test_a_callback_that_names_another_amount_than_was_asked_for_is_not_believed() -> None:
    plan = FaultPlan(drop_callback=1.0)
    with world(MemoryStore(), "momo", plan, settings={"confirm_above_minor": 1_000_000}) as w:
        push = w.ask(50_000)
        body = {"amount": "9000", "currency": "KES", "status": "SUCCESSFUL", "financialTransactionId": "363440463"}
        w.calls.put(w.hook_url(f"callback/{push.id}"), json=body, headers={"X-Forwarded-For": ADDRESS})
        assert w.payments() == []
        (alarm,) = w.alarms()
        assert "asked for 50000" in alarm.what
        lie = replace(w.village.payment("363440463", 900_000), provider="momo")
        with pytest.raises(InvalidInput, match="MG-P021"):
            flows.on_payment(w.village.core, Seen(lie, request_id=push.id, proven=False))
        w.live(minutes=10)
        assert (w.push(push).state, w.village.credit_minor()) == ("paid", 50_000)
        w.village.are_books_true()


def test_a_small_callback_of_momo_is_believed_at_once_when_the_settings_say_so() -> None:
    with world(MemoryStore(), "momo", settings={"confirm_above_minor": 50_000}) as w:
        push = w.ask(50_000)
        w.village.clock.pass_(minutes=5)
        w.deliver()
        assert (w.push(push).state, w.village.credit_minor()) == ("paid", 50_000)
        assert w.emulator.desk.counts["/collection/v1_0/requesttopay/{reference_id}"] == 0


def test_a_callback_of_airtel_is_never_believed_and_a_wrong_hash_is_remarked() -> None:
    with world(MemoryStore(), "airtel", FaultPlan(fails=1.0)) as w:
        assert isinstance(w.emulator, ServedAirtel)
        push = w.ask(50_000)
        lie = {"transaction": {"id": push.id, "status_code": "TS", "airtel_money_id": "MP1", "message": "Paid"}}
        told = json.dumps(lie["transaction"], separators=(",", ":")).encode()
        wrong = hmac.new(b"guessed", told, hashlib.sha256).hexdigest()
        for body in ({**lie, "hash": wrong}, lie):
            w.calls.post(w.hook_url("callback"), json=body, headers={"X-Forwarded-For": ADDRESS})
        with w.village.store.read() as uow:
            outcomes = [row.outcome for row in uow.raw_events.page() if ":callback:" in row.id]
        assert all("its hash is wrong" in outcome for outcome in outcomes)
        w.live(minutes=10)
        assert (w.push(push).state, w.cash_minor()) == ("failed", 0)


def test_only_calls_about_a_request_may_name_one() -> None:
    with world(MemoryStore()) as w:
        for call, status in (("confirmation/x", 404), ("validation/x", 404), ("stk/x", 200), ("timeout/x", 200)):
            sent = w.calls.post(w.hook_url(call), content=b"{}", headers={"X-Forwarded-For": ADDRESS})
            assert sent.status_code == status, call
        answers = w.calls.post(w.hook_url("stk"), content=b"{}", headers={"X-Forwarded-For": PROXY})
        assert answers.status_code == 200
        assert w.payments() == []


def test_a_question_that_waited_too_long_is_asked_again() -> None:
    with world(MemoryStore(), settings={"confirm": "always", "lists": False}) as w:
        receipt = w.pay(1_000)
        w.village.clock.pass_(minutes=1)
        w.deliver()
        w.village.clock.pass_(seconds=20)
        w.village.tick()
        (answer,) = [call for call in w.emulator.desk.waiting if call.delivery.what == "status_result"]
        w.emulator.desk.waiting.clear()
        timeout = answer.url.replace("https://", "http://").replace("/status/", "/timeout/")
        w.calls.post(timeout, content=b"{}", headers={"X-Forwarded-For": ADDRESS})
        assert w.payment(receipt).status == "pending"
        w.live(minutes=2)
        assert w.payment(receipt).status == "posted"
        assert w.village.clock.at - START < timedelta(minutes=5)
