"""Airtel Money: the callback is never believed, the enquiry is."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from microgrid.errors import InvalidInput
from microgrid.providers.airtel import (
    Airtel,
    access_token,
    enquire,
    hash_matches,
    push,
    read_callback,
    read_enquiry,
    read_push_answer,
    refund,
)
from microgrid.providers.payment_facts import (
    Asked,
    HttpAnswer,
    PaymentAccount,
    Phone,
    RawRequest,
    Sighting,
    Unreadable,
)

Raw = Callable[..., RawRequest]
PAYER = Phone("e164", "+256700000000")
ASKED = Asked("BBZMiscxy", 5000, "METER0012", PAYER)
CALLBACK: dict[str, object] = {
    "id": "BBZMiscxy",
    "message": "Paid UGX 5,000 to TECHNOLOGIES LIMITED Charge UGX 140, Trans ID MP210603.1234.L06941.",
    "status_code": "TS",
    "airtel_money_id": "MP210603.1234.L06941",
}


def enquiry(**changes: object) -> str:
    transaction = {"id": "BBZMiscxy", "message": "said", "status": "TS", "airtel_money_id": "MP210603.1234.L06941"}
    return json.dumps({"data": {"transaction": transaction | changes}, "status": {"code": "200"}})


@pytest.fixture
def airtel(uganda: PaymentAccount) -> Airtel:
    return Airtel(uganda, "client-1", "secret-1")


def test_a_push_names_the_number_without_its_country(airtel: Airtel) -> None:
    request = push(airtel, "token-1", "BBZMiscxy", PAYER, 5000, "METER0012")
    assert dict(request.headers)["X-Country"] == "UG"
    assert json.loads(request.body) == {
        "reference": "METER0012",
        "subscriber": {"country": "UG", "currency": "UGX", "msisdn": "700000000"},
        "transaction": {"amount": 5000, "country": "UG", "currency": "UGX", "id": "BBZMiscxy"},
    }
    assert enquire(airtel, "t", "BBZMiscxy").url.endswith("/standard/v1/payments/BBZMiscxy")
    assert json.loads(refund(airtel, "t", "MP1").body) == {"transaction": {"airtel_money_id": "MP1"}}
    assert json.loads(access_token(airtel).body)["grant_type"] == "client_credentials"


def test_mistakes_are_told_at_once(airtel: Airtel) -> None:
    cents = replace(airtel, account=replace(airtel.account, currency="KES", exponent=2))
    with pytest.raises(InvalidInput) as caught:
        push(cents, "t", "X", Phone("masked", "2567****0"), 5050, "")
    assert [problem.code for problem in caught.value.problems] == ["MG-P401", "MG-P402", "MG-P403"]


def test_secrets_are_not_shown(airtel: Airtel) -> None:
    shown = f"{airtel!r} {access_token(airtel)!r} {push(airtel, 'token-1', 'X', PAYER, 5000, 'M')!r}"
    for secret in ("client-1", "secret-1", "token-1"):
        assert secret not in shown


ACCEPTED = (
    b'{"data":{"transaction":{"id":"BBZMiscxy","status":"SUCCESS"}},"status":{"code":"200","message":"SUCCESS",'
    b'"result_code":"ESB000010","response_code":"DP00800001006","success":true}}'
)


@pytest.mark.parametrize(
    ("status", "body", "outcome", "action"),
    [
        (200, ACCEPTED, "accepted", "enquire"),
        (200, b'{"status":{"result_code":"ESB000041","message":"duplicate"}}', "accepted", "enquire"),
        (200, b'{"status":{"response_code":"DP00800001007"}}', "refused", "tell_customer"),
        (200, b'{"status":{"code":"ROUTER117"}}', "ambiguous", "enquire"),
        (408, b"", "ambiguous", "enquire"),
        (502, b"", "ambiguous", "enquire"),
        (504, b"", "ambiguous", "enquire"),
        (401, b"", "refused", "retry_later"),
        (200, b"", "ambiguous", "enquire"),
    ],
)
def test_success_means_taken_in_hand(status: int, body: bytes, outcome: str, action: str) -> None:
    found = read_push_answer(HttpAnswer(status, body), "BBZMiscxy")
    assert (found.outcome, found.action, found.request_id) == (outcome, action, "BBZMiscxy")


@pytest.mark.parametrize("state", ["TS", "TF", "TA", "", None])
def test_a_callback_is_always_ambiguous(raw: Raw, uganda: PaymentAccount, state: object) -> None:
    found = read_callback(raw(json.dumps({"transaction": CALLBACK | {"status_code": state}})), uganda)
    assert isinstance(found, Sighting)
    assert (found.status, found.request_id, found.amount_minor) == ("ambiguous", "BBZMiscxy", None)


def test_a_callback_of_nothing(raw: Raw, uganda: PaymentAccount) -> None:
    assert isinstance(read_callback(raw('{"transaction":{"status_code":"TS"}}'), uganda), Unreadable)


def test_the_hash_of_a_callback(raw: Raw) -> None:
    text = json.dumps(CALLBACK, separators=(",", ":"))
    right = "lV+Z5pKypBJsaLmtx/C1p+lynn5yg7RF7BB25Ch1wNI="  # openssl dgst -sha256 -hmac private-1
    body = f'{{"transaction":{text},"hash":"{right}"}}'
    assert hash_matches(raw(body), b"private-1")
    assert not hash_matches(raw(body), b"private-2")
    assert not hash_matches(raw(body.replace("5,000", "6,000")), b"private-1")
    assert not hash_matches(raw(f'{{"transaction":{text}}}'), b"private-1")


def test_an_enquiry_says_that_what_we_asked_was_paid(raw: Raw, uganda: PaymentAccount) -> None:
    found = read_enquiry(raw(enquiry()), uganda, ASKED)
    assert isinstance(found, Sighting)
    assert (found.status, found.receipt, found.amount_minor) == ("paid", "MP210603.1234.L06941", 5000)
    assert (found.payer, found.reference, found.paid_at) == (PAYER, "METER0012", raw("").received_at)


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"status": "TF"}, "failed"),
        ({"status": "TE"}, "failed"),
        ({"status": "TA"}, "ambiguous"),
        ({"status": "TIP"}, "pending"),
        ({"status": "??"}, "ambiguous"),
        ({"airtel_money_id": None}, "ambiguous"),
    ],
)
def test_an_enquiry_that_is_no_payment(
    raw: Raw, uganda: PaymentAccount, changes: dict[str, object], status: str
) -> None:
    found = read_enquiry(raw(enquiry(**changes)), uganda, ASKED)
    assert isinstance(found, Sighting)
    assert (found.status, found.paid_at) == (status, None)


def test_an_answer_about_something_else_is_no_fact(raw: Raw, uganda: PaymentAccount) -> None:
    assert isinstance(read_enquiry(raw(enquiry(id="OTHER")), uganda, ASKED), Unreadable)
    assert isinstance(read_enquiry(raw('{"status":{"code":"500"}}'), uganda, ASKED), Unreadable)
