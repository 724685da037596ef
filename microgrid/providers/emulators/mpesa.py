"""An emulated M-Pesa: customers pay, and calls reach us, with the faults of a plan."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from microgrid.providers.emulators.faults import (
    Delivery,
    FaultPlan,
    Happened,
    Intended,
    Schedule,
    Wallet,
    What,
    arrivals_s,
    compact,
    forged_receipt,
    in_order,
    moment,
    receipt_of,
    said_phone,
    source,
    struck,
    typed,
)
from microgrid.providers.mpesa_requests import timestamp
from microgrid.providers.wire_text import major_text

FAILURES = ("1", "1032", "1037", "2001", "1019")


def schedule(chance: np.random.Generator, payments: Sequence[Intended], plan: FaultPlan, wallet: Wallet) -> Schedule:
    """Return what happens to these payments and every call it makes; the same generator state, the same bytes."""
    happened: list[Happened] = []
    deliveries: list[Delivery] = []
    for number, intended in enumerate(payments):
        one, sent = pay(chance, plan, number, intended, wallet)
        happened.append(one)
        deliveries += sent
    return Schedule(tuple(happened), in_order(chance, plan, deliveries))


def pay(
    chance: np.random.Generator, plan: FaultPlan, number: int, intended: Intended, wallet: Wallet
) -> tuple[Happened, tuple[Delivery, ...]]:
    """Return what becomes of one payment, the `number`th of its run, and the calls it makes."""
    happened = _happen(chance, plan, number, intended, wallet)
    sent = [*_push_answers(happened), *_callbacks(chance, happened, wallet), *_c2b(chance, happened, wallet)]
    forged = forged_receipt(chance)
    if "forged" in happened.struck:
        lie = replace(happened, receipt=forged, struck=happened.struck - {"outside_address"})
        # Half of the liars come from outside; the others have found a way in and only an enquiry unmasks them.
        faults = frozenset({"outside_address"}) if number % 2 else frozenset[str]()
        sent.append(_delivery(intended.at_s + 20, "c2b_confirmation", c2b_body(lie, wallet), faults, wallet))
    return happened, tuple(sent)


def _happen(chance: np.random.Generator, plan: FaultPlan, number: int, intended: Intended, wallet: Wallet) -> Happened:
    faults = struck(chance, plan)
    failure = FAILURES[int(chance.integers(len(FAILURES)))]
    reference = typed(chance, faults, intended, wallet)
    paid = "fails" not in faults
    back = paid and "customer_reversal" in faults
    paid_at_s = intended.at_s + int(chance.integers(5, 40))
    reversed_at_s, reversal_receipt = paid_at_s + int(chance.integers(60, 86_400)), receipt_of(chance, 2 * number + 1)
    return Happened(
        intended,
        receipt_of(chance, 2 * number),
        f"ws_CO_{number:018d}" if intended.asked else "",
        "0" if paid else failure,
        paid_at_s,
        intended.reference[:12] if intended.asked else reference,
        faults,
        reversed_at_s if back else None,
        reversal_receipt if back else "",
    )


def _push_answers(happened: Happened) -> list[Delivery]:
    """Return what comes back for our own request: a token that has expired, and then its answer, lost or not."""
    if not happened.intended.asked:
        return []
    asked_s, faults = happened.intended.at_s, happened.struck
    answered_s = happened.paid_at_s + 10 if "before_answer" in faults else asked_s + 2
    answers = []
    if "token_expiry" in faults:
        expired = compact({"requestId": "1", "errorCode": "404.001.03", "errorMessage": "Invalid Access Token"})
        answers.append(Delivery(asked_s, "push_answer", expired, http_status=404))
    if "lost_answer" in faults:
        return [*answers, Delivery(answered_s, "push_answer", b"<html>Bad Gateway</html>", http_status=502)]
    accepted = {
        "MerchantRequestID": f"29115-{asked_s}-1",
        "CheckoutRequestID": happened.request_id,
        "ResponseCode": "0",
        "ResponseDescription": "Success. Request accepted for processing",
        "CustomerMessage": "Success. Request accepted for processing",
    }
    return [*answers, Delivery(answered_s, "push_answer", compact(accepted), http_status=200)]


def _callbacks(chance: np.random.Generator, happened: Happened, wallet: Wallet) -> list[Delivery]:
    times_s = arrivals_s(chance, happened.struck, happened.paid_at_s + 2)
    if not happened.intended.asked:
        return []
    body = stk_body(happened, wallet)
    return [_delivery(at_s, "stk_callback", body, happened.struck, wallet) for at_s in times_s]


def _c2b(chance: np.random.Generator, happened: Happened, wallet: Wallet) -> list[Delivery]:
    body, faults = c2b_body(happened, wallet), happened.struck
    times_s = arrivals_s(chance, faults, happened.paid_at_s + 1)
    if not happened.paid:
        return []
    validation = _delivery(happened.paid_at_s - 2, "c2b_validation", body, faults, wallet)
    return [validation, *(_delivery(at_s, "c2b_confirmation", body, faults, wallet) for at_s in times_s)]


def _delivery(at_s: int, what: What, body: bytes, faults: frozenset[str], wallet: Wallet) -> Delivery:
    return Delivery(at_s, what, body, source(faults, wallet))


def c2b_body(happened: Happened, wallet: Wallet) -> bytes:
    """Return the body of a validation or confirmation: every value a text."""
    names = () if "omit_names" in happened.struck else happened.intended.names
    first, middle, last = (*names, "", "", "")[:3]
    amount = major_text(happened.intended.amount_minor, wallet.account.exponent)
    return compact(
        {
            "TransactionType": "Pay Bill",
            "TransID": happened.receipt,
            "TransTime": timestamp(moment(wallet, happened.said_at_s)),
            "TransAmount": amount.removesuffix(".00") if happened.paid_at_s % 2 else amount,
            "BusinessShortCode": wallet.account.shortcode,
            "BillRefNumber": happened.typed_reference,
            "InvoiceNumber": "",
            "OrgAccountBalance": "",
            "ThirdPartyTransID": "",
            "MSISDN": said_phone(happened.struck, happened.intended.phone),
            "FirstName": first,
            "MiddleName": middle,
            "LastName": last,
        }
    )


def stk_body(happened: Happened, wallet: Wallet) -> bytes:
    """Return the body of the callback that ends a payment we asked for: numbers, unless they come as text."""
    callback: dict[str, object] = {
        "MerchantRequestID": f"29115-{happened.intended.at_s}-1",
        "CheckoutRequestID": happened.request_id,
        "ResultCode": _number(happened.code, happened),
        "ResultDesc": "The service request is processed successfully." if happened.paid else "Request failed",
    }
    if happened.paid:
        # The amount is put in as text and unquoted below: money is never a float here either.
        values: tuple[tuple[str, object], ...] = (
            ("Amount", _number(major_text(happened.intended.amount_minor, wallet.account.exponent), happened)),
            ("MpesaReceiptNumber", happened.receipt),
            ("TransactionDate", _number(timestamp(moment(wallet, happened.said_at_s)), happened)),
            ("PhoneNumber", _number(happened.intended.phone.lstrip("+"), happened)),
        )
        items: list[dict[str, object]] = [{"Name": name, "Value": value} for name, value in values]
        callback["CallbackMetadata"] = {"Item": [*items, {"Name": "Balance"}]}
    return _unquoted(json.dumps({"Body": {"stkCallback": callback}}, separators=(",", ":")))


def _number(digits: str, happened: Happened) -> str:
    """Return digits to be written as a number, or as text where that fault strikes."""
    return digits if "number_as_text" in happened.struck else f"\x00{digits}\x00"


def _unquoted(text: str) -> bytes:
    return text.replace('"\\u0000', "").replace('\\u0000"', "").encode()
