"""Every address that a provider calls: who forges or garbles a call gets nothing, and it is kept with the reason."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from microgrid.api.app import create_app
from microgrid.api.hooks import Hook
from microgrid.cli.money_in import hooks
from microgrid.payment_settings import KEYS
from microgrid.providers.payment_facts import Provider
from microgrid.store.memory import MemoryStore
from tests.flows.village import ENERGY, Village, make_village
from tests.money_in.served import ADDRESS, SECRET, SECRET_PATH, account_settings

ELSEWHERE = "203.0.113.9"
PROVIDERS: tuple[Provider, ...] = ("mpesa", "momo", "airtel", "webhook")
REQUEST = "11111111-1111-4111-8111-111111111111"  # of ours, as far as the caller says; there is none
NOTHING = ("nothing booked: ", "asked for ", f"{ELSEWHERE} is not an address")

# What each call looks like when a provider makes it.
PAID_IN = {
    "TransactionType": "Pay Bill",
    "TransID": "RKT1",
    "TransTime": "20260302090000",
    "TransAmount": "500.00",
    "BusinessShortCode": "600638",
    "BillRefNumber": "K-104",
    "MSISDN": "25470****149",
    "FirstName": "Amina",
}
PUSHED = {
    "Body": {
        "stkCallback": {
            "MerchantRequestID": "1",
            "CheckoutRequestID": "ws_1",
            "ResultCode": 0,
            "ResultDesc": "done",
            "CallbackMetadata": {
                "Item": [
                    {"Name": "Amount", "Value": 500},
                    {"Name": "MpesaReceiptNumber", "Value": "RKT1"},
                    {"Name": "TransactionDate", "Value": 20260302090000},
                    {"Name": "PhoneNumber", "Value": 254712000104},
                ]
            },
        }
    }
}
ANSWERED = {
    "Result": {
        "ResultType": 0,
        "ResultCode": 0,
        "ResultDesc": "done",
        "OriginatorConversationID": "x",
        "ConversationID": "y",
        "TransactionID": "RKT2",
        "ResultParameters": {
            "ResultParameter": [
                {"Key": "ReceiptNo", "Value": "RKT1"},
                {"Key": "Amount", "Value": 500},
                {"Key": "TransactionStatus", "Value": "Completed"},
                {"Key": "FinalisedTime", "Value": 20260302090000},
                {"Key": "CreditPartyName", "Value": "600638 - Kisiju"},
            ]
        },
    }
}
CALLS: dict[tuple[str, str], Any] = {
    ("mpesa", "confirmation"): PAID_IN,
    ("mpesa", "validation"): PAID_IN,
    ("mpesa", "stk"): PUSHED,
    ("mpesa", "status"): ANSWERED,
    ("mpesa", "reversal"): ANSWERED,
    ("mpesa", "timeout"): ANSWERED,
    ("momo", "callback"): {
        "amount": "500",
        "currency": "KES",
        "status": "SUCCESSFUL",
        "financialTransactionId": "363440463",
        "externalId": "1",
        "payer": {"partyIdType": "MSISDN", "partyId": "254712000104"},
        "payeeNote": "K-104",
    },
    ("airtel", "callback"): {
        "transaction": {"id": REQUEST, "status_code": "TS", "airtel_money_id": "MP1", "message": "Paid KES 500"},
        "hash": "bm9uZQ==",
    },
    ("webhook", "signed"): {
        "receipt": "B1",
        "amount": "500",
        "currency": "KES",
        "paid_at": "2026-03-02T09:00:00+03:00",
        "reference": "K-104",
    },
}


class Door:
    """All addresses of one provider, and who calls them from somewhere."""

    def __init__(self, provider: Provider, address: str = ADDRESS) -> None:
        chosen = account_settings(provider, "http://127.0.0.1:1", {})
        secrets = dict.fromkeys((*KEYS[provider].needed, *KEYS[provider].optional), SECRET)
        self.provider = provider
        self.hooks: tuple[Hook, ...] = hooks(chosen, secrets, "https://service.test")
        self.village: Village = make_village(MemoryStore())
        self.village.settle_in(ENERGY)
        app = create_app(self.village.core, self.hooks)
        self.client = TestClient(app, client=(address, 4711), raise_server_exceptions=False)

    def call(self, hook: Hook, body: bytes, **headers: str) -> None:
        """Call an address; it is answered as if all were well."""
        end = f"/{REQUEST}" if hook.names_request else ""
        answer = self.client.post(f"/hooks/{SECRET_PATH}/{hook.call}{end}", content=body, headers=headers)
        assert answer.status_code == 200, answer.text

    def kept(self) -> list[tuple[bytes, str]]:
        """Return every message that was kept, with what became of it."""
        with self.village.store.read() as uow:
            return [(row.body, row.outcome) for row in uow.raw_events.page(limit=100_000)]

    def credits_nothing(self) -> None:
        """Prove that no money is in the books, and that they are true."""
        with self.village.store.read() as uow:
            assert [journal.kind for journal in uow.ledger.page()] == []
        self.village.are_books_true()


def garbled(body: Any) -> Iterator[Any]:
    """Yield a message with each of its parts gone, or of every other kind."""
    if isinstance(body, dict):
        for name, part in body.items():
            yield {other: body[other] for other in body if other != name}
            yield from ({**body, name: wrong} for wrong in garbled(part))
    elif isinstance(body, list):
        for place, part in enumerate(body):
            yield from ([*body[:place], wrong, *body[place + 1 :]] for wrong in garbled(part))
    yield from (None, True, -1, 0, 10**400, 1.5e308, "", "\x00\ud800", "NaN", "9" * 400, [], [[]], {}, {"": {}})


def test_every_call_of_every_provider_is_tried_here() -> None:
    assert set(CALLS) == {(provider, hook.call) for provider in PROVIDERS for hook in Door(provider).hooks}


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_call_of_the_right_form_from_elsewhere_credits_nothing(provider: Provider) -> None:
    door = Door(provider, ELSEWHERE)
    for hook in door.hooks:
        body = json.dumps(CALLS[provider, hook.call]).encode()
        door.call(hook, body, **{"X-Forwarded-For": ADDRESS})
    assert {outcome for _, outcome in door.kept()} == {f"nothing booked: {ELSEWHERE} is not an address of the provider"}
    assert len(door.kept()) == len(door.hooks)
    door.credits_nothing()


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_call_about_what_nobody_asked_for_credits_nothing(provider: Provider) -> None:
    """From the right address and of the right form, but about no request of ours, or not signed."""
    door = Door(provider)
    for hook in door.hooks:
        if hook.call not in ("confirmation", "stk"):  # these are how money is told of; see the limit in test_confirming
            door.call(hook, json.dumps(CALLS[provider, hook.call]).encode())
    assert all(outcome.startswith(NOTHING) for _, outcome in door.kept()), door.kept()
    door.credits_nothing()


def check_garbled(provider: Provider, step: int) -> None:
    """Send a garbled call of each kind, or one in so many, to every address of a provider."""
    door, sent = Door(provider), set()
    for hook in door.hooks:
        for wrong in list(garbled(CALLS[provider, hook.call]))[::step]:
            body = json.dumps(wrong).encode()
            sent.add(body)
            door.call(hook, body)
    kept = door.kept()
    assert {body for body, _ in kept} == sent
    assert all(outcome for _, outcome in kept)
    door.village.are_books_true()


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_garbled_call_never_fails_and_is_kept(provider: Provider) -> None:
    check_garbled(provider, 19)  # shares no factor with the kinds of garbling


@pytest.mark.long
@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_call_garbled_in_any_way_never_fails_and_is_kept(provider: Provider) -> None:
    check_garbled(provider, 1)


@cache
def one_door(provider: Provider) -> Door:
    """Return the addresses of a provider, the same ones each time."""
    return Door(provider)


@pytest.mark.parametrize("provider", PROVIDERS)
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(body=st.binary(max_size=300) | st.text(max_size=100).map(lambda text: text.encode("utf-8", "replace")))
def test_any_bytes_credit_nothing_and_are_kept(provider: Provider, body: bytes) -> None:
    door = one_door(provider)
    for hook in door.hooks:
        door.call(hook, body)
    kept = [outcome for sent, outcome in door.kept() if sent == body]
    assert len(kept) == len(door.hooks)
    assert all(outcome.startswith(NOTHING) for outcome in kept), kept
    door.credits_nothing()
