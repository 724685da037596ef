"""M-Pesa (Daraja) answers what we asked: the state of a payment, a reversal, and the payments of the last two days."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Literal

from microgrid.providers.mpesa import shown, values_of, with_clock_checked
from microgrid.providers.mpesa_codes import REVERSAL_RESULTS, STK_RESULTS, TRANSACTION_STATES, meaning
from microgrid.providers.payment_facts import PaymentAccount, Phone, RawRequest, Sighting, Unreadable
from microgrid.providers.phones import read_phone
from microgrid.providers.wire_text import (
    clean,
    compact_time,
    json_object,
    local_time,
    minor_units,
    name_of,
    part,
    text_of,
    zoned_time,
)

PullClock = Literal["nairobi", "utc"]
PULL_CLOCKS: tuple[PullClock, ...] = ("nairobi", "utc")


def read_stk_query(raw: RawRequest, account: PaymentAccount) -> Sighting | Unreadable:
    """Return what the provider says about a payment we asked for; it names no receipt, so none is ever paid here.

    A success is `pending`: the money is there, and the receipt comes by callback, pull or statement.
    """
    body = json_object(raw.body)
    if isinstance(body, Unreadable):
        return body
    request_id, code = name_of(body.get("CheckoutRequestID")), name_of(body.get("ResultCode"))
    if not request_id or not code:
        return Unreadable(f"the answer has no result yet: {error_text(body)}")
    known = meaning(STK_RESULTS, code)
    return Sighting(
        "mpesa",
        account.shortcode,
        "pending" if code == "0" else known.status,
        "stk_query",
        account.currency,
        channel="stk",
        request_id=request_id,
        reason=f"{code}: {known.meaning}; {text_of(body.get('ResultDesc'))}",
    )


def read_transaction_status(raw: RawRequest, account: PaymentAccount) -> Sighting | Unreadable:
    """Return the provider's word on one receipt.

    A result code other than 0 means that the question failed, which says nothing about the payment. Money that went
    to another shortcode is `failed`: a forged message may name a true receipt of somebody else.
    """
    result = _result(raw)
    if isinstance(result, Unreadable):
        return result
    values = values_of(part(result, "ResultParameters").get("ResultParameter"), "Key")
    payer, name = party(values.get("DebitPartyName"), account.region)
    found = Sighting(
        "mpesa",
        account.shortcode,
        "ambiguous",
        "transaction_status",
        account.currency,
        receipt=name_of(values.get("ReceiptNo") or result.get("TransactionID")).upper(),
        amount_minor=minor_units(values.get("Amount"), account.exponent),
        paid_at=compact_time(values.get("FinalisedTime")) or compact_time(values.get("InitiatedTime")),
        payer=payer,
        names=(name,) if name else (),
        channel="enquiry",
        request_id=name_of(result.get("OriginatorConversationID")),
        reason=f"{text_of(result.get('ResultCode'))}: {text_of(result.get('ResultDesc'))}",
    )
    if text_of(result.get("ResultCode")) != "0":
        return found
    return with_clock_checked(_with_state(found, values, account), raw)


def _with_state(found: Sighting, values: Mapping[str, object], account: PaymentAccount) -> Sighting:
    state, credited = text_of(values.get("TransactionStatus")), text_of(values.get("CreditPartyName"))
    if credited and not account.is_named(credited.split(" ", maxsplit=1)[0]):
        return replace(found, status="failed", reason=f"it was paid to {credited[:40]!r}, not to {account.shortcode}")
    known = meaning(TRANSACTION_STATES, state.lower())
    if known.status == "paid" and not (found.receipt and found.amount_minor and found.paid_at and credited):
        return replace(found, reason="completed, but the receipt, amount, time or payee is missing")
    return replace(found, status=known.status, reason="" if known.status == "paid" else f"the provider says {state!r}")


def read_reversal(raw: RawRequest, account: PaymentAccount) -> Sighting | Unreadable:
    """Return how a reversal we asked for ended; `linked_receipt` is the payment that went back."""
    result = _result(raw)
    if isinstance(result, Unreadable):
        return result
    values = values_of(part(result, "ResultParameters").get("ResultParameter"), "Key")
    code = name_of(result.get("ResultCode"))
    known = meaning(REVERSAL_RESULTS, code)
    found = Sighting(
        "mpesa",
        account.shortcode,
        "reversed" if code == "0" else known.status,
        "reversal",
        account.currency,
        receipt=name_of(result.get("TransactionID")).upper(),
        amount_minor=minor_units(values.get("Amount"), account.exponent),
        paid_at=compact_time(values.get("TransCompletedTime")),
        channel="reversal",
        request_id=name_of(result.get("OriginatorConversationID")),
        linked_receipt=name_of(values.get("OriginalTransactionID")).upper(),
        reason=f"{code}: {known.meaning}; {text_of(result.get('ResultDesc'))}",
    )
    if found.status == "reversed" and not (found.linked_receipt and found.amount_minor):
        return replace(found, status="ambiguous", reason="reversed, but of which payment, or how much, is missing")
    return found


def _result(raw: RawRequest) -> dict[str, object] | Unreadable:
    body = json_object(raw.body)
    if isinstance(body, Unreadable):
        return body
    result = part(body, "Result")
    if not name_of(result.get("ResultCode")):
        return Unreadable(f"Result.ResultCode is missing or no code: {shown(result.get('ResultCode'))}")
    return result


def read_pull(
    raw: RawRequest, account: PaymentAccount, clock: PullClock = "nairobi"
) -> tuple[Sighting | Unreadable, ...]:
    """Return one page of the provider's list of payments, row by row.

    The rows' times end in Z; whether that is true has to be tried (`pull_clock`), so the clock is an argument.
    """
    body = json_object(raw.body)
    if isinstance(body, Unreadable):
        return (body,)
    code = text_of(body.get("ResponseCode"))
    if code not in {"1000", "1001"}:
        return (Unreadable(f"the list did not come: {error_text(body)}"),)
    return tuple(
        read if isinstance(read, Unreadable) else with_clock_checked(read, raw)
        for number, row in enumerate(_rows(body.get("Response")), start=1)
        for read in (_pull_row(row, number, account, clock),)
    )


def _rows(response: object) -> Sequence[object]:
    """Return the rows of a page; the provider wraps the list in another list."""
    rows = response if isinstance(response, list) else []
    return rows[0] if len(rows) == 1 and isinstance(rows[0], list) else rows


def _pull_row(row: object, number: int, account: PaymentAccount, clock: PullClock) -> Sighting | Unreadable:
    fields = part(row)
    receipt = name_of(fields.get("transactionId")).upper()
    amount_minor = minor_units(fields.get("amount"), account.exponent)
    paid_at = pull_time(fields.get("trxDate"), clock)
    if not (receipt and amount_minor and paid_at):
        return Unreadable(f"row {number} lacks a receipt, an amount or a time", number)
    kind, sender = text_of(fields.get("transactiontype")), text_of(fields.get("sender"))
    return Sighting(
        "mpesa",
        account.shortcode,
        _pull_status(kind),
        "pull",
        account.currency,
        receipt=receipt,
        amount_minor=amount_minor,
        paid_at=paid_at,
        payer=read_phone(fields.get("msisdn"), account.region),
        reference=text_of(fields.get("billreference")),
        channel=kind,
        names=(sender,) if sender else (),
        reason="" if _pull_status(kind) == "paid" else f"a row of kind {kind!r} is no payment to us",
    )


def _pull_status(kind: str) -> Literal["paid", "ambiguous"]:
    """Only what a customer pays to a business is money in; a reversal in the list names no original."""
    customer_pays = kind.lower().startswith("c2b") and "revers" not in kind.lower()
    return "paid" if customer_pays else "ambiguous"


def pull_time(value: object, clock: PullClock) -> datetime | None:
    """Return the UTC moment of a row's time, read by a clock: `Z` is only believed when asked to."""
    text = text_of(value)
    if clock == "utc":
        return zoned_time(text)
    return local_time(text.removesuffix("Z")[:19], "%Y-%m-%dT%H:%M:%S")


def pull_clock(raw: RawRequest, account: PaymentAccount, known: Mapping[str, datetime]) -> PullClock | None:
    """Return by which clock a page is written, from payments whose true time is `known` by receipt.

    None when nothing is known, or when rows disagree; then read it as Nairobi time and let a person look.
    """
    fits = {
        clock
        for clock in PULL_CLOCKS
        for row in read_pull(raw, account, clock)
        if isinstance(row, Sighting) and row.paid_at and row.receipt in known
        if abs((row.paid_at - known[row.receipt]).total_seconds()) < 3600
    }
    return fits.pop() if len(fits) == 1 else None


def party(value: object, region: str) -> tuple[Phone | None, str]:
    """Return the phone and the name of a party written as `2547... - NAME`."""
    number, _, name = text_of(value).partition(" - ")
    return read_phone(number, region), clean(name)


def error_text(body: Mapping[str, object]) -> str:
    """Return what a provider's error body says, in one line."""
    keys = ("errorCode", "errorMessage", "ResponseCode", "ResponseDescription", "ResponseMessage", "message")
    said = [text_of(body.get(key)) for key in keys]
    return clean(" ".join(word for word in said if word)) or "no reason given"
