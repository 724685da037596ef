"""What M-Pesa sends to us: payments, their validation, and the ends of pushes."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from microgrid.providers.mpesa import (
    accept_validation,
    confirmation_answer,
    read_confirmation,
    read_stk_callback,
    read_validation,
    refuse_validation,
)
from microgrid.providers.mpesa_codes import STK_RESULTS
from microgrid.providers.payment_facts import PaymentAccount, Phone, RawRequest, Sighting, Unreadable

Raw = Callable[..., RawRequest]
C2B = {
    "TransactionType": "Pay Bill",
    "TransID": "RKTQDM7W6S",
    "TransTime": "20191122063845",
    "TransAmount": "10",
    "BusinessShortCode": "600638",
    "BillRefNumber": "invoice008",
    "InvoiceNumber": "",
    "OrgAccountBalance": "",
    "ThirdPartyTransID": "",
    "MSISDN": "25470****149",
    "FirstName": "John",
    "MiddleName": "",
    "LastName": "Doe",
}
PAID = (
    '{"Body":{"stkCallback":{"MerchantRequestID":"29115-34620561-1","CheckoutRequestID":"ws_CO_191220191020363925",'
    '"ResultCode":0,"ResultDesc":"The service request is processed successfully.","CallbackMetadata":{"Item":['
    '{"Name":"Amount","Value":1.00},{"Name":"MpesaReceiptNumber","Value":"NLJ7RT61SV"},{"Name":"Balance"},'
    '{"Name":"TransactionDate","Value":20191219102115},{"Name":"PhoneNumber","Value":254708374149}]}}}}'
)
CANCELLED = (
    '{"Body":{"stkCallback":{"MerchantRequestID":"29115-34620561-1","CheckoutRequestID":"ws_CO_191220191020363925",'
    '"ResultCode":1032,"ResultDesc":"Request cancelled by user"}}}'
)


def test_a_confirmation_is_a_payment(raw: Raw, kenya: PaymentAccount) -> None:
    assert read_confirmation(raw(json.dumps(C2B)), kenya) == Sighting(
        "mpesa",
        "600638",
        "paid",
        "c2b_confirmation",
        "KES",
        receipt="RKTQDM7W6S",
        amount_minor=1000,
        paid_at=datetime(2019, 11, 22, 3, 38, 45, tzinfo=UTC),
        payer=Phone("masked", "25470****149"),
        reference="invoice008",
        channel="Pay Bill",
        names=("John", "Doe"),
    )


def test_a_validation_is_no_payment(raw: Raw, kenya: PaymentAccount) -> None:
    found = read_validation(raw(json.dumps(C2B)), kenya)
    assert isinstance(found, Sighting)
    assert (found.status, found.amount_minor, found.raw_kind) == ("validation", 1000, "c2b_validation")


def test_names_may_be_absent_and_the_phone_hashed(raw: Raw, kenya: PaymentAccount) -> None:
    body = {key: value for key, value in C2B.items() if not key.endswith("Name")} | {"MSISDN": "ab" * 32}
    found = read_confirmation(raw(json.dumps(body)), kenya)
    assert isinstance(found, Sighting)
    assert (found.names, found.payer) == ((), Phone("hashed", "ab" * 32))


def test_another_name_of_our_shortcode_is_the_same_account(raw: Raw, kenya: PaymentAccount) -> None:
    found = read_confirmation(raw(json.dumps(C2B | {"BusinessShortCode": "174379"})), kenya)
    assert isinstance(found, Sighting)
    assert found.shortcode == "600638"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"BusinessShortCode": "999999"}, "BusinessShortCode"),
        ({"TransID": ""}, "TransID"),
        ({"TransID": None}, "TransID"),
        ({"TransID": ["RKTQDM7W6S"]}, "TransID"),
        ({"TransAmount": "0"}, "TransAmount"),
        ({"TransAmount": "-10"}, "TransAmount"),
        ({"TransAmount": "10.001"}, "TransAmount"),
        ({"TransAmount": True}, "TransAmount"),
        ({"TransTime": "now"}, "TransTime"),
    ],
)
def test_a_confirmation_with_a_part_missing_is_no_fact(
    raw: Raw, kenya: PaymentAccount, change: dict[str, object], named: str
) -> None:
    found = read_confirmation(raw(json.dumps(C2B | change)), kenya)
    assert isinstance(found, Unreadable)
    assert found.reason.startswith(named)


def test_a_currency_without_cents_takes_no_cents(raw: Raw, kenya: PaymentAccount) -> None:
    shillings = replace(kenya, currency="UGX", exponent=0)
    whole = read_confirmation(raw(json.dumps(C2B | {"TransAmount": "10.00"})), shillings)
    assert isinstance(whole, Sighting)
    assert whole.amount_minor == 10
    assert isinstance(read_confirmation(raw(json.dumps(C2B | {"TransAmount": "10.50"})), shillings), Unreadable)


def test_a_payment_of_the_future_is_kept_with_a_remark(raw: Raw, kenya: PaymentAccount) -> None:
    came = datetime(2019, 11, 22, 0, 38, 50, tzinfo=UTC)  # 3 h before the provider says it was paid
    found = read_confirmation(raw(json.dumps(C2B), received_at=came), kenya)
    assert isinstance(found, Sighting)
    assert (found.status, "a clock is wrong" in found.reason) == ("paid", True)


def test_a_push_that_was_paid(raw: Raw, kenya: PaymentAccount) -> None:
    assert read_stk_callback(raw(PAID), kenya) == Sighting(
        "mpesa",
        "600638",
        "paid",
        "stk_callback",
        "KES",
        receipt="NLJ7RT61SV",
        amount_minor=100,
        paid_at=datetime(2019, 12, 19, 7, 21, 15, tzinfo=UTC),
        payer=Phone("e164", "+254708374149"),
        channel="stk",
        request_id="ws_CO_191220191020363925",
    )


def test_numbers_may_come_as_text(raw: Raw, kenya: PaymentAccount) -> None:
    text = PAID.replace('"ResultCode":0', '"ResultCode":"0"').replace("1.00", '"1.00"')
    text = text.replace("20191219102115", '"20191219102115"').replace("254708374149", '"254708374149"')
    assert read_stk_callback(raw(text), kenya) == read_stk_callback(raw(PAID), kenya)


def test_a_push_that_was_cancelled_has_no_money(raw: Raw, kenya: PaymentAccount) -> None:
    for body in (CANCELLED, CANCELLED.replace("1032", '"1032"')):
        found = read_stk_callback(raw(body), kenya)
        assert isinstance(found, Sighting)
        assert (found.status, found.receipt, found.amount_minor) == ("failed", "", None)
        assert found.request_id == "ws_CO_191220191020363925"
        assert "cancelled" in found.reason


@pytest.mark.parametrize(
    ("code", "status"),
    [("1037", "ambiguous"), ("17", "ambiguous"), ("424242", "ambiguous"), ("1", "failed"), ("SFC_IC0003", "failed")],
)
def test_only_what_proves_non_payment_is_failed(raw: Raw, kenya: PaymentAccount, code: str, status: str) -> None:
    found = read_stk_callback(raw(CANCELLED.replace("1032", f'"{code}"')), kenya)
    assert isinstance(found, Sighting)
    assert found.status == status


@pytest.mark.parametrize(
    "without",
    ['{"Name":"Amount","Value":1.00},', '{"Name":"MpesaReceiptNumber","Value":"NLJ7RT61SV"},', ',"CallbackMetadata":{'],
)
def test_a_success_without_its_money_is_to_be_enquired(raw: Raw, kenya: PaymentAccount, without: str) -> None:
    body = PAID.replace(without, ',"Other":{' if without.startswith(",") else "")
    found = read_stk_callback(raw(body), kenya)
    assert isinstance(found, Sighting)
    assert found.status == "ambiguous"


def test_the_first_of_a_repeated_item_counts(raw: Raw, kenya: PaymentAccount) -> None:
    twice = PAID.replace('{"Name":"Balance"}', '{"Name":"Amount","Value":9999}')
    found = read_stk_callback(raw(twice), kenya)
    assert isinstance(found, Sighting)
    assert found.amount_minor == 100


def test_every_code_has_something_to_do() -> None:
    assert all(entry.meaning and entry.status for entry in STK_RESULTS.values())
    assert [code for code, entry in STK_RESULTS.items() if entry.status == "paid"] == ["0"]


def test_answers_to_the_provider() -> None:
    assert json.loads(accept_validation("pay-1")) == {
        "ResultCode": "0",
        "ResultDesc": "Accepted",
        "ThirdPartyTransID": "pay-1",
    }
    assert json.loads(accept_validation('x","y":"')) == {"ResultCode": "0", "ResultDesc": "Accepted"}
    assert json.loads(refuse_validation("account"))["ResultCode"] == "C2B00012"
    assert json.loads(refuse_validation("other"))["ResultCode"] == "C2B00016"
    assert json.loads(confirmation_answer()) == {"ResultCode": 0, "ResultDesc": "Success"}
