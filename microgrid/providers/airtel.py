"""Airtel Money: ask a customer to pay, and enquire; its callback names no amount and is never believed."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from microgrid.errors import InvalidInput
from microgrid.providers.payment_facts import (
    Asked,
    HttpAnswer,
    HttpRequest,
    PaymentAccount,
    Phone,
    PushAnswer,
    RawRequest,
    ResultCode,
    Sighting,
    Unreadable,
)
from microgrid.providers.phones import national_digits
from microgrid.providers.push_problems import length_problems, payer_problems, whole_amount_problems
from microgrid.providers.wire_text import clean, json_object, name_of, part, text_of

PRODUCTION = "https://openapi.airtel.africa"
SANDBOX = "https://openapiuat.airtel.africa"
REFERENCE_LENGTH = 25

STATES: Mapping[str, ResultCode] = {
    "TS": ResultCode("paid", "post"),
    "TF": ResultCode("failed", "final"),
    "TE": ResultCode("expired", "final"),
    "TA": ResultCode("not known to the provider itself", "enquire"),
    "TIP": ResultCode("in progress", "enquire"),
}
RESPONSE_CODES: Mapping[str, ResultCode] = {
    "DP00800001000": ResultCode("not known to the provider itself", "enquire"),
    "DP00800001001": ResultCode("successful", "enquire"),  # the state, not this code, says that money came
    "DP00800001002": ResultCode("the PIN was wrong", "final"),
    "DP00800001003": ResultCode("the customer's limit is reached", "tell_customer"),
    "DP00800001004": ResultCode("the amount is too small or too large", "tell_customer"),
    "DP00800001005": ResultCode("no PIN was entered", "final"),
    "DP00800001006": ResultCode("in progress", "enquire"),
    "DP00800001007": ResultCode("not enough money in the wallet", "tell_customer"),
    "DP00800001008": ResultCode("refused", "final"),
    "DP00800001010": ResultCode("our account may not receive", "fix_configuration"),
    "DP00800001024": ResultCode("timed out", "enquire"),
    "DP00800001025": ResultCode("not found", "enquire"),
    "DP00800001026": ResultCode("our signature does not match", "fix_configuration"),
    "DP00800001029": ResultCode("expired", "final"),
}


@dataclass(frozen=True, slots=True)
class Airtel:
    """Our merchant account as requests need it."""

    account: PaymentAccount
    client_id: str = field(repr=False)
    client_secret: str = field(repr=False)
    base_url: str = PRODUCTION


def access_token(airtel: Airtel) -> HttpRequest:
    """Return the request for an access token."""
    body = {
        "client_id": airtel.client_id,
        "client_secret": airtel.client_secret,
        "grant_type": "client_credentials",
    }
    headers = (("Content-Type", "application/json"),)
    return HttpRequest("POST", f"{airtel.base_url}/auth/oauth2/token", headers, _json(body))


def push(airtel: Airtel, token: str, our_id: str, payer: Phone, amount_minor: int, reference: str) -> HttpRequest:
    """Return the request that asks a customer to pay; `our_id` is the one to enquire by, whatever the answer."""
    found = [
        *whole_amount_problems(amount_minor, airtel.account),
        *payer_problems(payer),
        *length_problems("reference", reference, REFERENCE_LENGTH),
    ]
    if found:
        raise InvalidInput(*found)
    country, currency = airtel.account.region, airtel.account.currency
    amount = amount_minor // 10**airtel.account.exponent
    body = {
        "reference": reference,
        "subscriber": {"country": country, "currency": currency, "msisdn": national_digits(payer)},
        "transaction": {
            "amount": amount,
            "country": country,
            "currency": currency,
            "id": our_id,
        },
    }
    headers = (*_headers(airtel, token), ("Content-Type", "application/json"))
    return HttpRequest("POST", f"{airtel.base_url}/merchant/v1/payments/", headers, _json(body))


def enquire(airtel: Airtel, token: str, our_id: str) -> HttpRequest:
    """Return the question how a payment we asked for stands."""
    return HttpRequest("GET", f"{airtel.base_url}/standard/v1/payments/{our_id}", _headers(airtel, token))


def refund(airtel: Airtel, token: str, receipt: str) -> HttpRequest:
    """Return the request to give a payment back, named by the provider's receipt."""
    headers = (*_headers(airtel, token), ("Content-Type", "application/json"))
    body = {"transaction": {"airtel_money_id": receipt}}
    return HttpRequest("POST", f"{airtel.base_url}/standard/v1/payments/refund", headers, _json(body))


def read_push_answer(answer: HttpAnswer, our_id: str) -> PushAnswer:
    """Return what the answer to a push means: SUCCESS is "taken in hand", not paid; and a repeated id was sent before.

    Gateway errors are ambiguous: enquire by the same id, and never send the payment again under a new one.
    """
    body = json_object(answer.body)
    fields: dict[str, object] = {} if isinstance(body, Unreadable) else body
    status = part(fields, "status")
    result, code = name_of(status.get("result_code")), name_of(status.get("response_code"))
    said = text_of(status.get("message")) or f"HTTP {answer.status}"
    known = RESPONSE_CODES.get(code)
    if result == "ESB000041":
        return PushAnswer("accepted", our_id, result, "it was sent before: enquire")
    if known is not None and known.action != "enquire":
        return PushAnswer("refused", our_id, code, known.meaning, known.action)
    if answer.status == 200 and text_of(part(fields, "data", "transaction").get("status")):
        return PushAnswer("accepted", our_id, code or result, said)
    if answer.status == 401:
        return PushAnswer("refused", our_id, code or result, said, "retry_later")
    return PushAnswer("ambiguous", our_id, code or result, said)


def read_callback(raw: RawRequest, account: PaymentAccount) -> Sighting | Unreadable:
    """Return which payment a callback is about, always ambiguous: enquire by `request_id`.

    The callback has no amount and no payer, and its message is a text for people.
    """
    body = json_object(raw.body)
    if isinstance(body, Unreadable):
        return body
    transaction = part(body, "transaction")
    request_id, state = name_of(transaction.get("id")), name_of(transaction.get("status_code"))
    if not request_id:
        return Unreadable("transaction.id is missing or no id")
    return Sighting(
        "airtel",
        account.shortcode,
        "ambiguous",
        "callback",
        account.currency,
        receipt=name_of(transaction.get("airtel_money_id")),
        channel="push",
        request_id=request_id,
        reason=f"the callback says {state or 'nothing'}; enquire before believing it",
    )


def hash_matches(raw: RawRequest, private_key: bytes) -> bool:
    """Tell whether a callback's `hash` is the HMAC-SHA256, in base64, of its transaction without spaces.

    How the provider lays out the bytes it signs is only known second-hand; a mismatch is a remark, since a callback
    is enquired anyway.
    """
    body = json_object(raw.body)
    if isinstance(body, Unreadable):
        return False
    signed = json.dumps(part(body, "transaction"), separators=(",", ":"), ensure_ascii=False)
    right = base64.b64encode(hmac.new(private_key, signed.encode("utf-8", "replace"), hashlib.sha256).digest())
    return hmac.compare_digest(text_of(body.get("hash")).encode("utf-8", "replace"), right)


def read_enquiry(raw: RawRequest, account: PaymentAccount, asked: Asked) -> Sighting | Unreadable:
    """Return how a payment we asked for stands; its amount and payer are those we `asked`, for the answer has none.

    The answer has no time either: a payment counts as made when we heard of it.
    """
    body = json_object(raw.body)
    if isinstance(body, Unreadable):
        return body
    transaction = part(body, "data", "transaction")
    if name_of(transaction.get("id")) != asked.request_id:
        return Unreadable(f"the answer is about another payment than {asked.request_id}")
    state = name_of(transaction.get("status")).upper()
    known = STATES.get(state, ResultCode(f"a state that is not in the table: {state or 'none'}", "enquire"))
    found = Sighting(
        "airtel",
        account.shortcode,
        "pending" if state == "TIP" else known.status,
        "enquiry",
        account.currency,
        receipt=name_of(transaction.get("airtel_money_id")),
        amount_minor=asked.amount_minor,
        payer=asked.payer,
        reference=asked.reference,
        channel="push",
        request_id=asked.request_id,
        reason=f"{known.meaning}; {clean(text_of(transaction.get('message')))}",
    )
    if found.status != "paid":
        return found
    if not found.receipt:
        return replace(found, status="ambiguous", reason="paid, but the receipt is missing")
    return replace(found, paid_at=raw.received_at, reason="")


def _headers(airtel: Airtel, token: str) -> tuple[tuple[str, str], ...]:
    return (
        ("Authorization", f"Bearer {token}"),
        ("X-Country", airtel.account.region),
        ("X-Currency", airtel.account.currency),
    )


def _json(body: Mapping[str, object]) -> bytes:
    return json.dumps(body, separators=(",", ":")).encode()
