"""What M-Pesa answers when asked."""

import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from microgrid.providers.mpesa_results import (
    pull_clock,
    read_pull,
    read_reversal,
    read_stk_query,
    read_transaction_status,
)
from microgrid.providers.payment_facts import PaymentAccount, Phone, RawRequest, Sighting, Unreadable

Raw = Callable[..., RawRequest]
STATUS = {
    "ReceiptNo": "NEF61H8J60",
    "Amount": 10,
    "TransactionStatus": "Completed",
    "InitiatedTime": 20210506120000,
    "FinalisedTime": 20210506120001,
    "DebitPartyName": "254708374149 - JANE DOE",
    "CreditPartyName": "600638 - SHOP",
}
ROW = {
    "transactionId": "yy5abc",
    "trxDate": "2020-08-05T10:13:00Z",
    "msisdn": "708374149",
    "sender": "NAME",
    "transactiontype": "c2b-pay-bill-debit",
    "billreference": "METER0012",
    "amount": "168",
    "organizationname": "SHOP",
}


def result(values: dict[str, object], code: object = 0, receipt: str = "NEF61H8J60") -> str:
    items: list[dict[str, object]] = [{"Key": key, "Value": value} for key, value in values.items()]
    parameters = {"ResultParameter": [*items, {"Key": "ReasonType"}]}
    head = {"ResultType": 0, "ResultCode": code, "ResultDesc": "said", "OriginatorConversationID": "1236-7134259-1"}
    return json.dumps({"Result": {**head, "TransactionID": receipt, "ResultParameters": parameters}})


def page(*rows: object, code: str = "1000", wrapped: bool = True) -> str:
    response: object = [list(rows)] if wrapped else list(rows)
    return json.dumps({"ResponseRefID": "1", "ResponseCode": code, "Response": response})


def test_the_state_of_a_receipt(raw: Raw, kenya: PaymentAccount) -> None:
    assert read_transaction_status(raw(result(STATUS)), kenya) == Sighting(
        "mpesa",
        "600638",
        "paid",
        "transaction_status",
        "KES",
        receipt="NEF61H8J60",
        amount_minor=1000,
        paid_at=datetime(2021, 5, 6, 9, 0, 1, tzinfo=UTC),
        payer=Phone("e164", "+254708374149"),
        channel="enquiry",
        names=("JANE DOE",),
        request_id="1236-7134259-1",
    )


@pytest.mark.parametrize(
    ("change", "code", "status"),
    [
        ({"CreditPartyName": "999999 - OTHER SHOP"}, 0, "failed"),  # a true receipt of somebody else's
        ({"CreditPartyName": ""}, 0, "ambiguous"),
        ({"TransactionStatus": "Declined"}, 0, "failed"),
        ({"TransactionStatus": "Authorized"}, 0, "ambiguous"),
        ({"Amount": "10.005"}, 0, "ambiguous"),
        ({}, 2032, "ambiguous"),  # the question failed: that says nothing about the payment
        ({}, "SFC_IC0003", "ambiguous"),
    ],
)
def test_only_a_completed_payment_to_us_is_paid(
    raw: Raw, kenya: PaymentAccount, change: dict[str, object], code: object, status: str
) -> None:
    found = read_transaction_status(raw(result(STATUS | change, code)), kenya)
    assert isinstance(found, Sighting)
    assert found.status == status
    assert found.reason


def test_a_single_parameter_may_be_no_list(raw: Raw, kenya: PaymentAccount) -> None:
    body = '{"Result":{"ResultCode":0,"ResultParameters":{"ResultParameter":{"Key":"ReceiptNo","Value":"A1"}}}}'
    found = read_transaction_status(raw(body), kenya)
    assert isinstance(found, Sighting)
    assert (found.receipt, found.status) == ("A1", "ambiguous")


def test_a_push_query_names_no_receipt_and_never_pays(raw: Raw, kenya: PaymentAccount) -> None:
    body = {"ResponseCode": "0", "CheckoutRequestID": "ws_CO_1", "ResultCode": "0", "ResultDesc": "done"}
    found = read_stk_query(raw(json.dumps(body)), kenya)
    assert isinstance(found, Sighting)
    assert (found.status, found.request_id, found.receipt) == ("pending", "ws_CO_1", "")
    cancelled = read_stk_query(raw(json.dumps(body | {"ResultCode": 1032})), kenya)
    assert isinstance(cancelled, Sighting)
    assert cancelled.status == "failed"
    busy = '{"requestId":"1","errorCode":"500.001.1001","errorMessage":"The transaction is being processed"}'
    still = read_stk_query(raw(busy), kenya)
    assert isinstance(still, Unreadable)
    assert "being processed" in still.reason


def test_a_reversal_names_what_went_back(raw: Raw, kenya: PaymentAccount) -> None:
    values: dict[str, object] = {
        "DebitAccountBalance": "Utility Account|KES|7502.00",
        "Amount": "10.00",
        "TransCompletedTime": 20211114132711,
        "OriginalTransactionID": "NEF61H8J60",
    }
    found = read_reversal(raw(result(values, receipt="PKL1")), kenya)
    assert isinstance(found, Sighting)
    assert (found.status, found.receipt, found.linked_receipt) == ("reversed", "PKL1", "NEF61H8J60")
    assert (found.amount_minor, found.paid_at) == (1000, datetime(2021, 11, 14, 10, 27, 11, tzinfo=UTC))


@pytest.mark.parametrize(("code", "status"), [("R000001", "ambiguous"), ("R000002", "failed"), (11, "failed")])
def test_a_reversal_that_was_refused(raw: Raw, kenya: PaymentAccount, code: object, status: str) -> None:
    found = read_reversal(raw(result({}, code)), kenya)
    assert isinstance(found, Sighting)
    assert found.status == status


def test_a_reversal_of_nobody_knows_what_reverses_nothing(raw: Raw, kenya: PaymentAccount) -> None:
    found = read_reversal(raw(result({"Amount": "10.00"})), kenya)
    assert isinstance(found, Sighting)
    assert found.status == "ambiguous"


@pytest.mark.parametrize("wrapped", [True, False])
def test_a_page_of_payments(raw: Raw, kenya: PaymentAccount, *, wrapped: bool) -> None:
    (found,) = read_pull(raw(page(ROW, wrapped=wrapped)), kenya)
    assert isinstance(found, Sighting)
    assert (found.status, found.receipt, found.amount_minor) == ("paid", "YY5ABC", 16_800)
    assert (found.payer, found.reference) == (Phone("e164", "+254708374149"), "METER0012")


def test_an_empty_page_and_a_failed_one_differ(raw: Raw, kenya: PaymentAccount) -> None:
    assert read_pull(raw(page(code="1001")), kenya) == ()
    assert isinstance(read_pull(raw('{"errorCode":"500.003.03","errorMessage":"Quota"}'), kenya)[0], Unreadable)


def test_one_bad_row_spoils_no_other(raw: Raw, kenya: PaymentAccount) -> None:
    first, second, third = read_pull(raw(page(ROW, {"amount": "x"}, 7)), kenya)
    assert isinstance(first, Sighting)
    assert [row.line for row in (second, third) if isinstance(row, Unreadable)] == [2, 3]


@pytest.mark.parametrize("kind", ["b2c-payment", "c2b-pay-bill-reversal", "", "Reversal"])
def test_rows_that_are_no_payment_to_us_credit_nothing(raw: Raw, kenya: PaymentAccount, kind: str) -> None:
    (found,) = read_pull(raw(page(ROW | {"transactiontype": kind})), kenya)
    assert isinstance(found, Sighting)
    assert found.status == "ambiguous"


def test_the_clock_of_a_page_is_found_from_known_payments(raw: Raw, kenya: PaymentAccount) -> None:
    request = raw(page(ROW))
    nairobi = {"YY5ABC": datetime(2020, 8, 5, 7, 13, 2, tzinfo=UTC)}
    utc = {"YY5ABC": datetime(2020, 8, 5, 10, 13, 2, tzinfo=UTC)}
    assert pull_clock(request, kenya, nairobi) == "nairobi"
    assert pull_clock(request, kenya, utc) == "utc"
    assert pull_clock(request, kenya, {}) is None
    (found,) = read_pull(request, kenya, "utc")
    assert isinstance(found, Sighting)
    assert found.paid_at == datetime(2020, 8, 5, 10, 13, tzinfo=UTC)
