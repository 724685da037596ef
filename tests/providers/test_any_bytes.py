"""Whatever anybody sends, no reader raises, and nothing is paid without a receipt, an amount and a time."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgrid.providers import airtel, momo, mpesa, mpesa_requests, mpesa_results, sms_receipt, statement, token_answer
from microgrid.providers.payment_facts import Asked, HttpAnswer, PaymentAccount, RawRequest, Sighting, Unreadable
from microgrid.providers.webhook import SIGNATURE_HEADER, TIMESTAMP_HEADER, read_webhook, signature

KENYA = PaymentAccount("mpesa", "600638", "KES", 2, "KE")
MOMO = PaymentAccount("momo", "C1", "EUR", 2, "UG")
AIRTEL = PaymentAccount("airtel", "S1", "UGX", 0, "UG")
BANK = PaymentAccount("webhook", "B1", "KES", 2, "KE")
CAME = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
SECRET = b"shared"
Read = Callable[[bytes], object]


def request(body: bytes) -> RawRequest:
    return RawRequest(body, CAME)


def signed(body: bytes) -> RawRequest:
    stamp = str(int(CAME.timestamp()))
    return RawRequest(body, CAME, {TIMESTAMP_HEADER: stamp, SIGNATURE_HEADER: signature(SECRET, stamp, body)})


def statement_sightings(body: bytes) -> object:
    found = statement.read_statement(body, KENYA)
    return found if isinstance(found, Unreadable) else statement.sightings(found, KENYA)


READERS: dict[str, Read] = {
    "validation": lambda body: mpesa.read_validation(request(body), KENYA),
    "confirmation": lambda body: mpesa.read_confirmation(request(body), KENYA),
    "stk": lambda body: mpesa.read_stk_callback(request(body), KENYA),
    "stk_query": lambda body: mpesa_results.read_stk_query(request(body), KENYA),
    "status": lambda body: mpesa_results.read_transaction_status(request(body), KENYA),
    "reversal": lambda body: mpesa_results.read_reversal(request(body), KENYA),
    "pull": lambda body: mpesa_results.read_pull(request(body), KENYA),
    "momo": lambda body: momo.read_payment(request(body), MOMO, "ref-1"),
    "airtel_callback": lambda body: airtel.read_callback(request(body), AIRTEL),
    "airtel_enquiry": lambda body: airtel.read_enquiry(request(body), AIRTEL, Asked("id-1", 500, "M1")),
    "webhook": lambda body: read_webhook(signed(body), BANK, (SECRET,)),
    "sms": lambda body: sms_receipt.read_sms_receipt(request(body), "MPESA", KENYA),
    "statement": statement_sightings,
}
NAMES = (
    *("Body", "stkCallback", "CallbackMetadata", "Item", "Name", "Value", "Key", "Amount", "MpesaReceiptNumber"),
    *("TransactionDate", "PhoneNumber", "ResultCode", "CheckoutRequestID", "TransID", "TransAmount", "TransTime"),
    *("BusinessShortCode", "MSISDN", "FirstName", "Result", "ResultParameters", "ResultParameter", "ReceiptNo"),
    *("TransactionStatus", "CreditPartyName", "FinalisedTime", "OriginalTransactionID", "Response", "ResponseCode"),
    *("transactionId", "trxDate", "amount", "transactiontype", "status", "currency", "financialTransactionId"),
    *("payer", "partyId", "reason", "transaction", "data", "id", "airtel_money_id", "receipt", "paid_at", "code"),
)
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(["0", "10.00", "600638", "20261123090000", "RKT1", "Completed", "SUCCESSFUL", "EUR", "KES", "TS"]),
    st.sampled_from(["1000", "id-1", "2026-11-23T09:00:00Z", "254708374149", "600638 - SHOP", "c2b-pay-bill-debit"]),
)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.one_of(st.sampled_from(NAMES), st.text(max_size=5)), inner, max_size=8),
    ),
    max_leaves=12,
)


def check(found: object) -> None:
    for one in found if isinstance(found, tuple) else (found,):
        assert isinstance(one, Sighting | Unreadable)
        if isinstance(one, Unreadable):
            assert one.reason
        elif one.status in {"paid", "validation"}:
            assert one.receipt
            assert one.amount_minor
            assert one.amount_minor > 0
            assert one.paid_at
            assert one.paid_at.tzinfo is UTC
        elif one.status == "reversed":
            assert one.linked_receipt
            assert one.amount_minor
        if isinstance(one, Sighting):
            (one.reference + one.reason + "".join(one.names)).encode()  # no lone surrogates reach a database


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=30)
@given(body=st.binary(max_size=300))
def test_any_bytes(name: str, body: bytes) -> None:
    check(READERS[name](body))


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=15)
@given(tree=TREES)
def test_any_json(name: str, tree: Any) -> None:
    check(READERS[name](json.dumps(tree).encode()))


SHAPES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "validation": lambda fields: fields,
    "confirmation": lambda fields: fields,
    "stk": lambda fields: {
        "Body": {
            "stkCallback": {
                "CheckoutRequestID": "ws_1",
                "ResultCode": 0,
                "CallbackMetadata": {"Item": [{"Name": name, "Value": value} for name, value in fields.items()]},
            }
        }
    },
    "status": lambda fields: {
        "Result": {
            "ResultCode": 0,
            "ResultParameters": {"ResultParameter": [{"Key": name, "Value": fields[name]} for name in fields]},
        }
    },
    "pull": lambda fields: {"ResponseCode": "1000", "Response": [[fields]]},
    "momo": lambda fields: {"status": "SUCCESSFUL", "currency": "EUR"} | fields,
    "airtel_enquiry": lambda fields: {"data": {"transaction": {"id": "id-1", "status": "TS"} | fields}},
    "webhook": lambda fields: {"currency": "KES"} | fields,
}


@pytest.mark.parametrize("name", SHAPES)
@settings(max_examples=40)
@given(fields=st.dictionaries(st.sampled_from(NAMES), LEAVES, max_size=12))
def test_the_right_shape_with_any_values(name: str, fields: dict[str, Any]) -> None:
    check(READERS[name](json.dumps(SHAPES[name](fields)).encode()))


@settings(max_examples=30)
@given(cells=st.lists(st.lists(st.text(max_size=12), max_size=14), max_size=8))
def test_a_statement_with_any_cells(cells: list[list[str]]) -> None:
    rows = "\n".join(",".join(row) for row in cells)
    header = (
        "Receipt No.,Completion Time,Details,Transaction Status,Paid In,Withdrawn,Reason Type,Linked Transaction ID"
    )
    check(statement_sightings(f"{header}\n{rows}".encode("utf-8", "replace")))


@settings(max_examples=50)
@given(body=st.binary(max_size=200), status=st.integers(0, 599))
def test_any_answer(body: bytes, status: int) -> None:
    answer = HttpAnswer(status, body)
    assert mpesa_requests.read_answer(answer).outcome != "accepted"
    assert airtel.read_push_answer(answer, "id-1").request_id == "id-1"
    assert momo.read_push_answer(answer, "ref-1").request_id == "ref-1"
    assert isinstance(token_answer.read_access_token(answer, CAME), Unreadable)
