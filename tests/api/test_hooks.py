"""Providers call; forgers call too, and get nothing but are remembered."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from microgrid.store.memory import MemoryStore
from tests.api.service import Service, confirmation, make_service

THANKS = {"ResultCode": 0, "ResultDesc": "Success"}


def outcomes(service: Service) -> list[str]:
    with service.village.store.read() as uow:
        return [row.outcome for row in uow.raw_events.page()]


def test_a_message_is_kept_as_it_came_with_what_became_of_it(service: Service) -> None:
    body = b'{"not": "a payment"}'
    assert service.provider("confirmation", body).json() == THANKS
    with service.village.store.read() as uow:
        (kept,) = uow.raw_events.page()
    assert kept.body == body
    assert kept.outcome.startswith("nothing booked: BusinessShortCode")
    assert kept.address == "196.201.214.200"


def test_a_forger_from_elsewhere_credits_nothing_and_is_kept() -> None:
    service = make_service(MemoryStore(), address="203.0.113.9")
    assert service.provider("confirmation", confirmation("RKT1", "500")).json() == THANKS
    assert service.village.credit_minor() == 0
    assert outcomes(service) == ["nothing booked: 203.0.113.9 is not an address of the provider"]


@pytest.mark.parametrize("secret", ["7hX2vQ9rLw4nTz8B", "x", "7hX2vQ9rLw4nTz8b%2Fconfirmation"])
def test_without_the_secret_there_is_no_address(service: Service, secret: str) -> None:
    assert service.provider("confirmation", confirmation("RKT1", "500"), secret).status_code == 404
    assert outcomes(service) == []


def test_a_large_message_is_not_read(service: Service) -> None:
    response = service.provider("confirmation", b" " * 70_000)
    assert (response.status_code, response.json()["code"]) == (413, "MG-A009")


def test_one_receipt_with_two_amounts_is_thanked_for_and_kept(service: Service) -> None:
    service.provider("confirmation", confirmation("RKT1", "500"))
    assert service.provider("confirmation", confirmation("RKT1", "900")).json() == THANKS
    assert service.village.credit_minor() == 50_000
    assert any("amount_minor 50000" in each and "90000" in each for each in outcomes(service))


def test_a_question_before_paying_is_answered(service: Service) -> None:
    accepted = {"ResultCode": "0", "ResultDesc": "Accepted"}
    refused = {"ResultCode": "C2B00012", "ResultDesc": "Invalid Account Number"}
    assert service.provider("validation", confirmation("RKT1", "500", "k 1o4")).json() == accepted
    assert service.provider("validation", confirmation("RKT1", "500", "K-105")).json() == accepted
    assert service.provider("validation", confirmation("RKT1", "500", "ZZZ")).json() == refused
    assert service.village.credit_minor() == 0


def test_the_push_and_the_confirmation_of_one_payment_are_one_posting(service: Service) -> None:
    items = [
        {"Name": "Amount", "Value": 500},
        {"Name": "MpesaReceiptNumber", "Value": "RKT1"},
        {"Name": "TransactionDate", "Value": 20260302090000},
        {"Name": "PhoneNumber", "Value": 254712000104},
    ]
    callback = {"CheckoutRequestID": "ws_1", "ResultCode": 0, "CallbackMetadata": {"Item": items}}
    body = service.client.build_request("POST", "/", json={"Body": {"stkCallback": callback}}).content
    service.provider("stk", body)
    service.provider("confirmation", confirmation("RKT1", "500.00"))
    assert service.village.credit_minor() == 50_000
    service.village.are_books_true()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_no_bytes_break_a_hook(body: bytes) -> None:
    service = make_service(MemoryStore())
    for call in ("confirmation", "validation", "stk"):
        assert service.provider(call, body).status_code == 200
    assert service.village.balance_minor("cash:mpesa:600638") == 0
