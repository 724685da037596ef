"""MTN MoMo collections: ask a customer to pay, and read the callback or the answer to our question about it."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from microgrid.errors import InvalidInput
from microgrid.providers.payment_facts import (
    UNKNOWN_CODE,
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
from microgrid.providers.phones import international_digits, read_phone
from microgrid.providers.push_problems import amount_problems, payer_problems
from microgrid.providers.wire_text import clean, json_object, major_text, minor_units, name_of, part, text_of

PRODUCTION = "https://proxy.momoapi.mtn.com"
SANDBOX = "https://sandbox.momodeveloper.mtn.com"

REASONS: Mapping[str, ResultCode] = {
    "PAYER_NOT_FOUND": ResultCode("the number has no wallet", "tell_customer"),
    "PAYEE_NOT_FOUND": ResultCode("our account is not known to the provider", "fix_configuration"),
    "NOT_ENOUGH_FUNDS": ResultCode("not enough money in the wallet", "tell_customer"),
    "PAYER_LIMIT_REACHED": ResultCode("the customer's limit is reached", "tell_customer"),
    "PAYEE_NOT_ALLOWED_TO_RECEIVE": ResultCode("our account may not receive", "fix_configuration"),
    "APPROVAL_REJECTED": ResultCode("the customer refused", "final"),
    "EXPIRED": ResultCode("the request expired", "final"),
    "ONGOING": ResultCode("still going on", "enquire"),
    "PAYER_DELAYED": ResultCode("the customer has not answered yet", "enquire"),
    "COULD_NOT_PERFORM_TRANSACTION": ResultCode("the customer did not answer within about five minutes", "final"),
    "INTERNAL_PROCESSING_ERROR": ResultCode("refused, most often for lack of money in the wallet", "tell_customer"),
    "SERVICE_UNAVAILABLE": ResultCode("the provider is busy", "retry_later"),
    "NOT_ALLOWED": ResultCode("our account may not do this", "fix_configuration"),
    "INVALID_CALLBACK_URL_HOST": ResultCode("the callback's host is not the registered one", "fix_configuration"),
    "INVALID_CURRENCY": ResultCode("the account has another currency", "fix_configuration"),
}


@dataclass(frozen=True, slots=True)
class Momo:
    """Our collection account as requests need it."""

    account: PaymentAccount
    environment: str  # such as mtnuganda, mtnghana, sandbox
    api_user: str = field(repr=False)
    api_key: str = field(repr=False)
    subscription_key: str = field(repr=False)
    callback_url: str = field(repr=False)  # ends in the reference of each request: the body names none of ours
    base_url: str = PRODUCTION


def access_token(momo: Momo) -> HttpRequest:
    """Return the request for an access token."""
    pair = base64.b64encode(f"{momo.api_user}:{momo.api_key}".encode()).decode()
    headers = (("Authorization", f"Basic {pair}"), ("Ocp-Apim-Subscription-Key", momo.subscription_key))
    return HttpRequest("POST", f"{momo.base_url}/collection/token/", headers)


def request_to_pay(
    momo: Momo, token: str, reference_id: str, payer: Phone, amount_minor: int, reference: str
) -> HttpRequest:
    """Return the request that asks a customer to pay; `reference_id`, a UUID of ours, makes a repeat harmless."""
    found = [*payer_problems(payer), *amount_problems(amount_minor, momo.account)]
    if found:
        raise InvalidInput(*found)
    body = {
        "amount": major_text(amount_minor, momo.account.exponent),
        "currency": momo.account.currency,
        "externalId": reference_id,
        "payer": {"partyIdType": "MSISDN", "partyId": international_digits(payer)},
        "payerMessage": "Top up",
        "payeeNote": reference,
    }
    callback = ("X-Callback-Url", f"{momo.callback_url}/{reference_id}")
    headers = (*_headers(momo, token), ("X-Reference-Id", reference_id), callback, ("Content-Type", "application/json"))
    url = f"{momo.base_url}/collection/v1_0/requesttopay"
    return HttpRequest("POST", url, headers, json.dumps(body, separators=(",", ":")).encode())


def enquire(momo: Momo, token: str, reference_id: str) -> HttpRequest:
    """Return the question how a payment we asked for stands."""
    url = f"{momo.base_url}/collection/v1_0/requesttopay/{reference_id}"
    return HttpRequest("GET", url, _headers(momo, token))


def read_push_answer(answer: HttpAnswer, reference_id: str) -> PushAnswer:
    """Return what the answer to a request to pay means; "duplicated reference" means that it was sent before."""
    body = json_object(answer.body)
    fields: Mapping[str, object] = {} if isinstance(body, Unreadable) else body
    code = name_of(fields.get("code"))
    if answer.status == 202:
        return PushAnswer("accepted", reference_id, reason="under way")
    if answer.status == 409:
        return PushAnswer("accepted", reference_id, code, "it was sent before: enquire")
    said = text_of(fields.get("message")) or f"HTTP {answer.status}"
    if 400 <= answer.status < 500 and answer.status not in {408, 429}:
        action = "retry_later" if answer.status == 401 else REASONS.get(code, FIX).action
        return PushAnswer("refused", reference_id, code, said, action)
    return PushAnswer("ambiguous", reference_id, code, said)


FIX = ResultCode("the request was refused", "fix_configuration")


def read_payment(
    raw: RawRequest, account: PaymentAccount, reference_id: str, *, raw_kind: str = "callback"
) -> Sighting | Unreadable:
    """Return how a payment stands, from a callback or from the answer to `enquire`: the bodies are the same.

    `reference_id` is the one of the address called or asked, since the body need not hold it. No time is sent, so a
    payment counts as made when we heard of it.
    """
    body = json_object(raw.body)
    if isinstance(body, Unreadable):
        return body
    status, currency = text_of(body.get("status")).upper(), text_of(body.get("currency")).upper()
    if status not in {"SUCCESSFUL", "FAILED", "PENDING"}:
        return Unreadable(f"status is none of SUCCESSFUL, FAILED and PENDING: {status[:40]!r}")
    if currency != account.currency:
        return Unreadable(f"the currency is {currency[:3]!r}; the account has {account.currency}")
    found = Sighting(
        "momo",
        account.shortcode,
        "pending",
        raw_kind,
        account.currency,
        receipt=name_of(body.get("financialTransactionId")),
        amount_minor=minor_units(body.get("amount"), account.exponent),
        payer=read_phone(part(body, "payer").get("partyId"), account.region),
        reference=text_of(body.get("payeeNote")),
        channel="requesttopay",
        request_id=reference_id,
    )
    return _with_status(found, status, body, raw)


def _with_status(found: Sighting, status: str, body: Mapping[str, object], raw: RawRequest) -> Sighting:
    code = reason_code(body.get("reason"))
    known = REASONS.get(code, UNKNOWN_CODE)
    if status == "SUCCESSFUL":
        if found.receipt and found.amount_minor:
            return replace(found, status="paid", paid_at=raw.received_at)
        return replace(found, status="ambiguous", reason="successful, but the receipt or the amount is missing")
    if status == "FAILED":  # said outright, so also an unknown reason is a failure
        return replace(found, status="failed", reason=f"{code or 'no reason'}: {known.meaning}")
    return replace(found, reason=f"{code}: {known.meaning}" if code else "the customer has not answered yet")


def reason_code(reason: object) -> str:
    """Return the code of a reason, which is a text in some versions and an object in others."""
    return name_of(reason) or name_of(part(reason).get("code")) or clean(text_of(reason))[:40]


def _headers(momo: Momo, token: str) -> tuple[tuple[str, str], ...]:
    return (
        ("Authorization", f"Bearer {token}"),
        ("X-Target-Environment", momo.environment),
        ("Ocp-Apim-Subscription-Key", momo.subscription_key),
    )
