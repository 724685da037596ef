"""MTN MoMo: what we ask, and what comes back."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from microgrid.billing.enquiries import ASK_AFTER_S
from microgrid.errors import InvalidInput
from microgrid.providers.momo import (
    SANDBOX,
    Momo,
    access_token,
    enquire,
    read_payment,
    read_push_answer,
    request_to_pay,
)
from microgrid.providers.payment_facts import HttpAnswer, PaymentAccount, Phone, RawRequest, Sighting, Unreadable

Raw = Callable[..., RawRequest]
REFERENCE = "d5a1c2b0-0000-4000-8000-000000000001"
PAYER = Phone("e164", "+256770000000")
BODY: dict[str, object] = {
    "amount": "600",
    "currency": "EUR",
    "financialTransactionId": "363440463",
    "externalId": "INV-881",
    "payer": {"partyIdType": "MSISDN", "partyId": "256770000000"},
    "payerMessage": "Top up",
    "payeeNote": "METER0012",
    "status": "SUCCESSFUL",
}


@pytest.fixture
def momo(collections: PaymentAccount) -> Momo:
    return Momo(collections, "sandbox", "user-1", "key-1", "subscription-1", "https://pay.example.org/c/9f2c", SANDBOX)


def test_a_request_to_pay(momo: Momo) -> None:
    request = request_to_pay(momo, "token-1", REFERENCE, PAYER, 60_000, "METER0012")
    headers = dict(request.headers)
    assert (headers["X-Reference-Id"], headers["X-Target-Environment"]) == (REFERENCE, "sandbox")
    assert headers["X-Callback-Url"] == f"https://pay.example.org/c/9f2c/{REFERENCE}"
    body = json.loads(request.body)
    assert (body["amount"], body["currency"], body["payeeNote"]) == ("600.00", "EUR", "METER0012")
    assert body["payer"] == {"partyIdType": "MSISDN", "partyId": "256770000000"}
    assert enquire(momo, "token-1", REFERENCE).url.endswith(f"/collection/v1_0/requesttopay/{REFERENCE}")


def test_a_currency_without_decimals_is_asked_without(momo: Momo) -> None:
    shillings = replace(momo, account=replace(momo.account, currency="UGX", exponent=0))
    assert json.loads(request_to_pay(shillings, "t", REFERENCE, PAYER, 600, "M").body)["amount"] == "600"


def test_mistakes_are_told_at_once(momo: Momo) -> None:
    with pytest.raises(InvalidInput) as caught:
        request_to_pay(momo, "t", REFERENCE, Phone("hashed", "ab" * 32), 0, "M")
    assert [problem.code for problem in caught.value.problems] == ["MG-P402", "MG-P401"]


def test_secrets_are_not_shown(momo: Momo) -> None:
    shown = f"{momo!r} {access_token(momo)!r} {request_to_pay(momo, 'token-1', REFERENCE, PAYER, 60_000, 'M')!r}"
    for secret in ("user-1", "key-1", "subscription-1", "9f2c", "token-1"):
        assert secret not in shown


@pytest.mark.parametrize(
    ("status", "body", "outcome", "action"),
    [
        (202, b"", "accepted", "enquire"),
        (409, b'{"code":"RESOURCE_ALREADY_EXIST","message":"Duplicated reference id."}', "accepted", "enquire"),
        (500, b"", "ambiguous", "enquire"),
        (500, b'{"code":"NOT_ALLOWED"}', "ambiguous", "enquire"),
        (503, b"", "ambiguous", "enquire"),
        (0, b"", "ambiguous", "enquire"),
        (401, b"", "refused", "retry_later"),
        (400, b'{"code":"INVALID_CURRENCY","message":"Currency not supported."}', "refused", "fix_configuration"),
        (400, b"", "refused", "fix_configuration"),
    ],
)
def test_what_an_answer_means(status: int, body: bytes, outcome: str, action: str) -> None:
    found = read_push_answer(HttpAnswer(status, body), REFERENCE)
    assert (found.outcome, found.action, found.request_id) == (outcome, action, REFERENCE)


def test_a_callback_of_a_payment(raw: Raw, collections: PaymentAccount) -> None:
    assert read_payment(raw(json.dumps(BODY)), collections, REFERENCE) == Sighting(
        "momo",
        "COLL1",
        "paid",
        "callback",
        "EUR",
        receipt="363440463",
        amount_minor=60_000,
        paid_at=datetime(2026, 11, 23, 6, 0, tzinfo=UTC),
        payer=PAYER,
        reference="METER0012",
        channel="requesttopay",
        request_id=REFERENCE,
    )


@pytest.mark.parametrize("reason", ["NOT_ENOUGH_FUNDS", {"code": "NOT_ENOUGH_FUNDS", "message": "Too little"}])
def test_a_reason_is_a_text_or_an_object(raw: Raw, collections: PaymentAccount, reason: object) -> None:
    found = read_payment(raw(json.dumps(BODY | {"status": "FAILED", "reason": reason})), collections, REFERENCE)
    assert isinstance(found, Sighting)
    assert (found.status, found.reason) == ("failed", "NOT_ENOUGH_FUNDS: not enough money in the wallet")


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"status": "PENDING"}, "pending"),
        ({"status": "PENDING", "reason": "ONGOING"}, "pending"),
        ({"status": "FAILED", "reason": "NEVER_HEARD_OF"}, "failed"),
        ({"financialTransactionId": None}, "ambiguous"),
        ({"amount": "600.001"}, "ambiguous"),
        ({"amount": "0"}, "ambiguous"),
    ],
)
def test_what_is_not_paid(raw: Raw, collections: PaymentAccount, change: dict[str, object], status: str) -> None:
    found = read_payment(raw(json.dumps(BODY | change)), collections, REFERENCE)
    assert isinstance(found, Sighting)
    assert (found.status, found.paid_at) == (status, None)
    assert found.reason


@pytest.mark.parametrize("change", [{"currency": "UGX"}, {"currency": None}, {"status": "OK"}, {"status": None}])
def test_other_currencies_and_states_are_no_fact(
    raw: Raw, collections: PaymentAccount, change: dict[str, object]
) -> None:
    assert isinstance(read_payment(raw(json.dumps(BODY | change)), collections, REFERENCE), Unreadable)


def test_pending_payments_are_asked_about_for_a_day() -> None:
    assert ASK_AFTER_S[:6] == (10, 30, 60, 120, 300, 900)
    assert ASK_AFTER_S[-1] == 86_400
    assert list(ASK_AFTER_S) == sorted(set(ASK_AFTER_S))
