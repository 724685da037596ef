"""M-Pesa (Daraja) calls us: payments to our shortcode, and the ends of the payments we asked for.

These calls carry no signature. What they say is a sighting, to be confirmed by asking the provider where it matters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Literal

from microgrid.providers.mpesa_codes import STK_RESULTS, meaning
from microgrid.providers.payment_facts import PaymentAccount, RawRequest, Sighting, Status, Unreadable
from microgrid.providers.phones import read_phone
from microgrid.providers.wire_text import compact_time, json_object, minor_units, name_of, part, text_of

CLOCK_AHEAD = timedelta(minutes=5)  # a payment of the future: the provider's clock, or ours, is wrong

Refusal = Literal["phone", "account", "amount", "kyc", "shortcode", "other"]
REFUSALS: Mapping[Refusal, tuple[str, str]] = {
    "phone": ("C2B00011", "Invalid MSISDN"),
    "account": ("C2B00012", "Invalid Account Number"),
    "amount": ("C2B00013", "Invalid Amount"),
    "kyc": ("C2B00014", "Invalid KYC Details"),
    "shortcode": ("C2B00015", "Invalid Shortcode"),
    "other": ("C2B00016", "Other Error"),
}


def read_validation(raw: RawRequest, account: PaymentAccount) -> Sighting | Unreadable:
    """Return the payment a customer is about to make; no money has moved yet."""
    return _read_c2b(raw, account, "validation", "c2b_validation")


def read_confirmation(raw: RawRequest, account: PaymentAccount) -> Sighting | Unreadable:
    """Return the payment a customer made to our shortcode."""
    return _read_c2b(raw, account, "paid", "c2b_confirmation")


def _read_c2b(raw: RawRequest, account: PaymentAccount, status: Status, raw_kind: str) -> Sighting | Unreadable:
    body = json_object(raw.body)
    if isinstance(body, Unreadable):
        return body
    receipt, paid_at = name_of(body.get("TransID")).upper(), compact_time(body.get("TransTime"))
    amount_minor = minor_units(body.get("TransAmount"), account.exponent)
    if not account.is_named(text_of(body.get("BusinessShortCode"))):
        return Unreadable(f"BusinessShortCode is {shown(body.get('BusinessShortCode'))}, not {account.shortcode}")
    if not receipt:
        return Unreadable(f"TransID is no receipt: {shown(body.get('TransID'))}")
    if not amount_minor:
        return Unreadable(f"TransAmount is no amount in {account.currency}: {shown(body.get('TransAmount'))}")
    if paid_at is None:
        return Unreadable(f"TransTime is no time YYYYMMDDHHmmss: {shown(body.get('TransTime'))}")
    names = (text_of(body.get(key)) for key in ("FirstName", "MiddleName", "LastName"))
    sighting = Sighting(
        "mpesa",
        account.shortcode,
        status,
        raw_kind,
        account.currency,
        receipt=receipt,
        amount_minor=amount_minor,
        paid_at=paid_at,
        payer=read_phone(body.get("MSISDN"), account.region),
        reference=text_of(body.get("BillRefNumber")),
        channel=text_of(body.get("TransactionType")),
        names=tuple(name for name in names if name),
        request_id=name_of(body.get("ThirdPartyTransID")),
    )
    return with_clock_checked(sighting, raw)


def read_stk_callback(raw: RawRequest, account: PaymentAccount) -> Sighting | Unreadable:
    """Return how a payment we asked for on the customer's phone ended."""
    body = json_object(raw.body)
    if isinstance(body, Unreadable):
        return body
    callback = part(body, "Body", "stkCallback")
    request_id, code = name_of(callback.get("CheckoutRequestID")), name_of(callback.get("ResultCode"))
    if not request_id:
        return Unreadable(f"CheckoutRequestID is missing or no id: {shown(callback.get('CheckoutRequestID'))}")
    if not code:
        return Unreadable(f"ResultCode is missing or no code: {shown(callback.get('ResultCode'))}")
    known = meaning(STK_RESULTS, code)
    ended = Sighting(
        "mpesa",
        account.shortcode,
        known.status,
        "stk_callback",
        account.currency,
        channel="stk",
        request_id=request_id,
        reason=f"{code}: {known.meaning}; {text_of(callback.get('ResultDesc'))}",
    )
    return _with_money(ended, callback, raw, account) if code == "0" else ended


def _with_money(ended: Sighting, callback: dict[str, object], raw: RawRequest, account: PaymentAccount) -> Sighting:
    """Return a success with its money, or as ambiguous when a part of it cannot be read."""
    values = values_of(part(callback, "CallbackMetadata").get("Item"), "Name")
    receipt = name_of(values.get("MpesaReceiptNumber")).upper()
    amount_minor = minor_units(values.get("Amount"), account.exponent)
    paid_at = compact_time(values.get("TransactionDate"))
    payer = read_phone(values.get("PhoneNumber"), account.region)
    whole = replace(ended, receipt=receipt, amount_minor=amount_minor, paid_at=paid_at, payer=payer)
    if not (receipt and amount_minor and paid_at):
        return replace(whole, status="ambiguous", reason="0: paid, but the receipt, amount or time is missing")
    return with_clock_checked(replace(whole, reason=""), raw)


def values_of(items: object, key: str) -> dict[str, object]:
    """Return a provider's list of named values as a dictionary; of a repeated name the first value counts."""
    found: dict[str, object] = {}
    for item in items if isinstance(items, list) else [items]:
        if isinstance(item, dict) and item.get("Value") is not None:
            found.setdefault(text_of(item.get(key)), item["Value"])
    return found


def with_clock_checked(sighting: Sighting, raw: RawRequest) -> Sighting:
    """Return the sighting, with a remark when it says to have been paid after it came in."""
    if sighting.paid_at is None or sighting.paid_at - raw.received_at <= CLOCK_AHEAD:
        return sighting
    return replace(sighting, reason=f"paid at {sighting.paid_at.isoformat()}, after it came in: a clock is wrong")


def accept_validation(our_id: str = "") -> bytes:
    """Return the answer that lets a customer's payment go on; the confirmation will echo `our_id`."""
    echo = f',"ThirdPartyTransID":"{our_id}"' if name_of(our_id) else ""
    return f'{{"ResultCode":"0","ResultDesc":"Accepted"{echo}}}'.encode()


def refuse_validation(because: Refusal) -> bytes:
    """Return the answer that stops a customer's payment before any money moves."""
    code, words = REFUSALS[because]
    return f'{{"ResultCode":"{code}","ResultDesc":"{words}"}}'.encode()


def confirmation_answer() -> bytes:
    """Return the answer to anything that is already a fact: it was received."""
    return b'{"ResultCode":0,"ResultDesc":"Success"}'


def shown(value: object) -> str:
    """Return a value of a message, short and printable, for a reason."""
    if value is None:
        return "nothing"
    return repr(text_of(value)[:40]) if isinstance(value, str) else f"a {type(value).__name__}"
