"""What we ask of M-Pesa (Daraja): the requests as data, and what its immediate answers mean."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from microgrid.errors import InvalidInput
from microgrid.providers.mpesa_codes import HTTP_ERRORS, meaning
from microgrid.providers.mpesa_results import error_text
from microgrid.providers.origin import callback_problems
from microgrid.providers.payment_facts import (
    HttpAnswer,
    HttpRequest,
    PaymentAccount,
    Phone,
    PushAnswer,
    Unreadable,
)
from microgrid.providers.phones import international_digits
from microgrid.providers.push_problems import length_problems, payer_problems, whole_amount_problems
from microgrid.providers.wire_text import NAIROBI, json_object, name_of, text_of

PRODUCTION = "https://api.safaricom.co.ke"
SANDBOX = "https://sandbox.safaricom.co.ke"
REFERENCE_LENGTH = 12
DESCRIPTION_LENGTH = 13
PULL_HOURS = 48
PULL_PAGE = 100


@dataclass(frozen=True, slots=True)
class DarajaKeys:
    """What proves to the provider that it is us; never shown."""

    consumer_key: str = field(repr=False)
    consumer_secret: str = field(repr=False)
    passkey: str = field(repr=False)
    initiator: str = ""
    security_credential: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Daraja:
    """One shortcode of ours as requests need it: which host, whose keys, and where answers shall go."""

    account: PaymentAccount
    keys: DarajaKeys
    callback_url: str = field(repr=False)  # its path is a secret
    timeout_url: str = field(default="", repr=False)
    base_url: str = PRODUCTION
    till: str = ""  # for Buy Goods: the till that is paid


def access_token(daraja: Daraja) -> HttpRequest:
    """Return the request for an access token."""
    pair = f"{daraja.keys.consumer_key}:{daraja.keys.consumer_secret}"
    url = f"{daraja.base_url}/oauth/v1/generate?grant_type=client_credentials"
    return HttpRequest("GET", url, (("Authorization", f"Basic {_base64(pair)}"),))


def stk_push(
    daraja: Daraja, token: str, payer: Phone, amount_minor: int, reference: str, description: str, now: datetime
) -> HttpRequest:
    """Return the request that asks a customer, on their phone, to pay; refuses what the provider would refuse."""
    found = [
        *whole_amount_problems(amount_minor, daraja.account),
        *payer_problems(payer),
        *length_problems("reference", reference, REFERENCE_LENGTH),
        *length_problems("description", description, DESCRIPTION_LENGTH),
        *callback_problems(daraja.callback_url),
    ]
    if found:
        raise InvalidInput(*found)
    digits, stamp = international_digits(payer), timestamp(now)
    body = {
        "BusinessShortCode": daraja.account.shortcode,
        "Password": password(daraja.account.shortcode, daraja.keys.passkey, stamp),
        "Timestamp": stamp,
        "TransactionType": "CustomerBuyGoodsOnline" if daraja.till else "CustomerPayBillOnline",
        "Amount": str(amount_minor // 10**daraja.account.exponent),
        "PartyA": digits,
        "PartyB": daraja.till or daraja.account.shortcode,
        "PhoneNumber": digits,
        "CallBackURL": daraja.callback_url,
        "AccountReference": reference,
        "TransactionDesc": description,
    }
    return _post(daraja, token, "/mpesa/stkpush/v1/processrequest", body)


def stk_query(daraja: Daraja, token: str, request_id: str, now: datetime) -> HttpRequest:
    """Return the question how a payment we asked for stands."""
    stamp = timestamp(now)
    body = {
        "BusinessShortCode": daraja.account.shortcode,
        "Password": password(daraja.account.shortcode, daraja.keys.passkey, stamp),
        "Timestamp": stamp,
        "CheckoutRequestID": request_id,
    }
    return _post(daraja, token, "/mpesa/stkpushquery/v1/query", body)


def transaction_status(daraja: Daraja, token: str, receipt: str, our_id: str) -> HttpRequest:
    """Return the question what became of a receipt; the answer comes later, to our callback address."""
    body = {
        **_operator(daraja, "TransactionStatusQuery"),
        "TransactionID": receipt,
        "OriginalConversationID": our_id,
        "PartyA": daraja.account.shortcode,
        "IdentifierType": "4",
        "Remarks": "confirm",
        "Occasion": our_id,
    }
    return _post(daraja, token, "/mpesa/transactionstatus/v1/query", body)


def reversal(daraja: Daraja, token: str, receipt: str, amount_minor: int) -> HttpRequest:
    """Return the request to give a customer's payment back."""
    found = whole_amount_problems(amount_minor, daraja.account)
    if found:
        raise InvalidInput(*found)
    body = {
        **_operator(daraja, "TransactionReversal"),
        "TransactionID": receipt,
        "Amount": str(amount_minor // 10**daraja.account.exponent),
        "ReceiverParty": daraja.account.shortcode,
        "RecieverIdentifierType": "11",  # spelt as the provider spells it
        "Remarks": "refund",
    }
    return _post(daraja, token, "/mpesa/reversal/v1/request", body)


def pull_query(daraja: Daraja, token: str, start: datetime, end: datetime, offset: int) -> HttpRequest:
    """Return the request for one page of the payments between two moments of the last 48 hours."""
    body = {
        "ShortCode": daraja.account.shortcode,
        "StartDate": f"{start.astimezone(NAIROBI):%Y-%m-%d %H:%M:%S}",
        "EndDate": f"{end.astimezone(NAIROBI):%Y-%m-%d %H:%M:%S}",
        "OffSetValue": str(offset),
    }
    return _post(daraja, token, "/pulltransactions/v1/query", body)


def pull_register(daraja: Daraja, token: str, nominated_number: str) -> HttpRequest:
    """Return the request that opens the list of payments of our shortcode to us, once."""
    body = {
        "ShortCode": daraja.account.shortcode,
        "RequestType": "Pull",
        "NominatedNumber": nominated_number,
        "CallBackURL": daraja.callback_url,
    }
    return _post(daraja, token, "/pulltransactions/v1/register", body)


def c2b_register(daraja: Daraja, token: str, validation_url: str, *, refuse_when_silent: bool = False) -> HttpRequest:
    """Return the request that tells the provider where to send payments; the real provider takes it only once.

    When our validation does not answer, payments go on unless `refuse_when_silent`.
    """
    found = [*callback_problems(daraja.callback_url), *callback_problems(validation_url)]
    if found:
        raise InvalidInput(*found)
    body = {
        "ShortCode": daraja.account.shortcode,
        "ResponseType": "Cancelled" if refuse_when_silent else "Completed",
        "ConfirmationURL": daraja.callback_url,
        "ValidationURL": validation_url,
    }
    return _post(daraja, token, "/mpesa/c2b/v1/registerurl", body)


def read_answer(answer: HttpAnswer) -> PushAnswer:
    """Return what the immediate answer to any of the POST requests above means.

    No answer, a gateway error or an unknown error may all hide a payment under way: ambiguous, so enquire.
    """
    body = json_object(answer.body)
    fields: Mapping[str, object] = {} if isinstance(body, Unreadable) else body
    if answer.status == 200 and text_of(fields.get("ResponseCode")) == "0":
        return PushAnswer("accepted", _request_id(fields), "0", text_of(fields.get("ResponseDescription")))
    code = name_of(fields.get("errorCode") or fields.get("ResponseCode"))
    action = meaning(HTTP_ERRORS, code).action
    reason = error_text(fields) if fields else f"HTTP {answer.status} without a readable body"
    if action == "enquire" or answer.status < 400:
        return PushAnswer("ambiguous", _request_id(fields), code, reason, "enquire")
    return PushAnswer("refused", _request_id(fields), code, reason, action)


def _request_id(fields: Mapping[str, object]) -> str:
    # The provider's own spelling lacks an r in one of its answers.
    keys = ("CheckoutRequestID", "OriginatorConversationID", "OriginatorCoversationID")
    return next((found for key in keys if (found := name_of(fields.get(key)))), "")


def timestamp(now: datetime) -> str:
    """Return a moment as the provider's digits: Nairobi time, `YYYYMMDDHHmmss`."""
    return f"{now.astimezone(NAIROBI):%Y%m%d%H%M%S}"


def password(shortcode: str, passkey: str, stamp: str) -> str:
    """Return the password of one push: it holds for one timestamp only."""
    return _base64(f"{shortcode}{passkey}{stamp}")


def _operator(daraja: Daraja, command: str) -> dict[str, str]:
    return {
        "Initiator": daraja.keys.initiator,
        "SecurityCredential": daraja.keys.security_credential,
        "CommandID": command,
        "ResultURL": daraja.callback_url,
        "QueueTimeOutURL": daraja.timeout_url or daraja.callback_url,
    }


def _post(daraja: Daraja, token: str, path: str, body: Mapping[str, str]) -> HttpRequest:
    headers = (("Authorization", f"Bearer {token}"), ("Content-Type", "application/json"))
    return HttpRequest("POST", daraja.base_url + path, headers, json.dumps(body, separators=(",", ":")).encode())


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
