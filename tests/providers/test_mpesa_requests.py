"""What we ask of M-Pesa, and what its immediate answers mean."""

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from microgrid.errors import InvalidInput
from microgrid.providers.mpesa_requests import (
    SANDBOX,
    Daraja,
    DarajaKeys,
    access_token,
    c2b_register,
    pull_query,
    pull_register,
    read_answer,
    reversal,
    stk_push,
    stk_query,
    transaction_status,
)
from microgrid.providers.payment_facts import AccessToken, HttpAnswer, HttpRequest, PaymentAccount, Phone, Unreadable
from microgrid.providers.token_answer import read_access_token

NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
PAYER = Phone("e164", "+254708374149")


@pytest.fixture
def daraja() -> Daraja:
    account = PaymentAccount("mpesa", "174379", "KES", 2, "KE")
    keys = DarajaKeys("consumer-key", "consumer-secret", "the-passkey", "operator", "sealed-credential")
    return Daraja(account, keys, "https://pay.example.org/in/9f2c", base_url=SANDBOX)


def body_of(request: HttpRequest) -> dict[str, str]:
    read = json.loads(request.body)
    assert isinstance(read, dict)
    return read


def test_a_push_in_the_providers_words(daraja: Daraja) -> None:
    request = stk_push(daraja, "token-1", PAYER, 5000, "METER0012", "Top up", NOW)
    assert (request.method, request.url) == ("POST", f"{SANDBOX}/mpesa/stkpush/v1/processrequest")
    assert dict(request.headers)["Authorization"] == "Bearer token-1"
    assert body_of(request) == {
        "BusinessShortCode": "174379",
        "Password": base64.b64encode(b"174379the-passkey20261123090000").decode(),
        "Timestamp": "20261123090000",
        "TransactionType": "CustomerPayBillOnline",
        "Amount": "50",
        "PartyA": "254708374149",
        "PartyB": "174379",
        "PhoneNumber": "254708374149",
        "CallBackURL": "https://pay.example.org/in/9f2c",
        "AccountReference": "METER0012",
        "TransactionDesc": "Top up",
    }


def test_a_till_is_paid_as_goods(daraja: Daraja) -> None:
    body = body_of(stk_push(replace(daraja, till="555111"), "t", PAYER, 5000, "METER0012", "Top up", NOW))
    assert (body["TransactionType"], body["PartyB"]) == ("CustomerBuyGoodsOnline", "555111")


def test_every_mistake_of_a_push_is_told_at_once(daraja: Daraja) -> None:
    wrong = replace(daraja, callback_url="http://pay.example.org/9f2c")
    with pytest.raises(InvalidInput) as caught:
        stk_push(wrong, "t", Phone("masked", "25470****149"), 5050, "METER00120012", "", NOW)
    codes = [problem.code for problem in caught.value.problems]
    assert codes == ["MG-P401", "MG-P402", "MG-P403", "MG-P403", "MG-P404"]
    assert "50.50 KES" in caught.value.problems[0].what
    assert caught.value.problems[0].fix == "ask for 51 KES"


@pytest.mark.parametrize("amount_minor", [0, -100, 1, 99])
def test_no_push_of_less_than_a_unit(daraja: Daraja, amount_minor: int) -> None:
    with pytest.raises(InvalidInput, match="MG-P401"):
        stk_push(daraja, "t", PAYER, amount_minor, "METER0012", "Top up", NOW)


def test_a_callback_address_with_the_providers_name_is_refused(daraja: Daraja) -> None:
    with pytest.raises(InvalidInput, match="MG-P404"):
        c2b_register(replace(daraja, callback_url="https://mpesa.example.org/x"), "t", "https://a.example.org/v")
    body = body_of(c2b_register(daraja, "t", "https://a.example.org/v", refuse_when_silent=True))
    assert (body["ResponseType"], body["ValidationURL"]) == ("Cancelled", "https://a.example.org/v")
    assert body_of(c2b_register(daraja, "t", "https://a.example.org/v"))["ResponseType"] == "Completed"


def test_questions_in_the_providers_words(daraja: Daraja) -> None:
    status = transaction_status(daraja, "t", "NEF61H8J60", "ask-1")
    assert status.url.endswith("/mpesa/transactionstatus/v1/query")
    asked = body_of(status)
    assert (asked["CommandID"], asked["IdentifierType"], asked["TransactionID"]) == (
        "TransactionStatusQuery",
        "4",
        "NEF61H8J60",
    )
    assert body_of(stk_query(daraja, "t", "ws_CO_1", NOW))["CheckoutRequestID"] == "ws_CO_1"
    back = body_of(reversal(daraja, "t", "NEF61H8J60", 1000))
    assert (back["Amount"], back["RecieverIdentifierType"]) == ("10", "11")
    pull = pull_query(daraja, "t", datetime(2026, 11, 22, 21, 0, tzinfo=UTC), NOW, 100)
    assert body_of(pull) == {
        "ShortCode": "174379",
        "StartDate": "2026-11-23 00:00:00",
        "EndDate": "2026-11-23 09:00:00",
        "OffSetValue": "100",
    }
    assert body_of(pull_register(daraja, "t", "254700000000"))["RequestType"] == "Pull"
    with pytest.raises(InvalidInput, match="MG-P401"):
        reversal(daraja, "t", "NEF61H8J60", 1050)


def test_a_token_is_asked_for_and_its_end_remembered(daraja: Daraja) -> None:
    request = access_token(daraja)
    assert dict(request.headers)["Authorization"] == "Basic Y29uc3VtZXIta2V5OmNvbnN1bWVyLXNlY3JldA=="
    found = read_access_token(HttpAnswer(200, b'{"access_token":"abc","expires_in":"3599"}'), NOW)
    assert found == AccessToken("abc", datetime(2026, 11, 23, 6, 59, 39, tzinfo=UTC))


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b"{}"),
        (400, b'{"access_token":"abc","expires_in":"3599"}'),
        (200, b'{"access_token":"abc","expires_in":"soon"}'),
        (200, b"<html>"),
        (0, b""),
    ],
)
def test_anything_else_is_no_token(status: int, body: bytes) -> None:
    assert isinstance(read_access_token(HttpAnswer(status, body), NOW), Unreadable)


def test_secrets_are_not_shown(daraja: Daraja) -> None:
    request = stk_push(daraja, "token-1", PAYER, 5000, "METER0012", "Top up", NOW)
    token = read_access_token(HttpAnswer(200, b'{"access_token":"abc-secret","expires_in":"3599"}'), NOW)
    shown = f"{daraja!r} {request!r} {access_token(daraja)!r} {token!r}"
    for secret in ("consumer-secret", "the-passkey", "sealed-credential", "token-1", "abc-secret", "9f2c", "Password"):
        assert secret not in shown


ACCEPTED = b'{"CheckoutRequestID":"ws_CO_1","ResponseCode":"0","ResponseDescription":"Success"}'


@pytest.mark.parametrize(
    ("status", "body", "outcome", "action"),
    [
        (200, ACCEPTED, "accepted", "enquire"),
        (200, b'{"OriginatorCoversationID":"6e86","ResponseCode":"0"}', "accepted", "enquire"),
        (404, b'{"errorCode":"404.001.03","errorMessage":"Invalid Access Token"}', "refused", "retry_later"),
        (400, b'{"errorCode":"400.002.02","errorMessage":"Bad Request"}', "refused", "fix_configuration"),
        (500, b'{"errorCode":"500.001.1001","errorMessage":"?"}', "ambiguous", "enquire"),
        (500, b'{"errorCode":"500.003.02","errorMessage":"System is busy"}', "refused", "retry_later"),
        (502, b"<html>Bad Gateway</html>", "ambiguous", "enquire"),
        (0, b"", "ambiguous", "enquire"),
        (200, b"", "ambiguous", "enquire"),
        (200, b'{"ResponseCode":"17"}', "ambiguous", "enquire"),
        (403, b'{"errorCode":"9.9.9"}', "ambiguous", "enquire"),
    ],
)
def test_a_lost_answer_is_never_taken_for_a_refusal(status: int, body: bytes, outcome: str, action: str) -> None:
    found = read_answer(HttpAnswer(status, body))
    assert (found.outcome, found.action) == (outcome, action)
    if outcome == "accepted":
        assert found.request_id in {"ws_CO_1", "6e86"}
