"""An emulated MTN MoMo: requests to pay are answered, called back and enquired, with the faults of a plan."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

import numpy as np

from microgrid.providers.emulators.faults import (
    Delivery,
    FaultPlan,
    Happened,
    Intended,
    Schedule,
    Wallet,
    arrivals_s,
    compact,
    forged_receipt,
    in_order,
    said_phone,
    source,
    struck,
)
from microgrid.providers.wire_text import major_text

FAILURES = ("PAYER_NOT_FOUND", "NOT_ENOUGH_FUNDS", "APPROVAL_REJECTED", "EXPIRED", "INTERNAL_PROCESSING_ERROR")
# Two pages of the provider disagree on what it does when a callback is not taken; both happen here.
Retries = Literal["once", "persistent"]
PERSISTENT_S = (0, *(2 + second for second in range(20)), *(22 + 120 * turn for turn in range(1, 31)))


def retry_times_s(retries: Retries, until_s: int) -> Iterator[int]:
    """Yield how long after the first try a callback that is never taken is tried, up to a time."""
    if retries == "once":
        yield 0
        return
    yield from (at_s for at_s in PERSISTENT_S if at_s <= until_s)
    yield from range(PERSISTENT_S[-1] + 3600, until_s + 1, 3600)


def schedule(
    chance: np.random.Generator,
    payments: Sequence[Intended],
    plan: FaultPlan,
    wallet: Wallet,
    retries: Retries = "once",
) -> Schedule:
    """Return what becomes of requests to pay and every message they make.

    Under `persistent` a dropped callback is one that we did not take: it comes again 2 s later.
    """
    happened: list[Happened] = []
    deliveries: list[Delivery] = []
    for number, intended in enumerate(payments):
        one, sent = pay(chance, plan, number, intended, wallet, retries)
        happened.append(one)
        deliveries += sent
    return Schedule(tuple(happened), in_order(chance, plan, deliveries))


def pay(
    chance: np.random.Generator,
    plan: FaultPlan,
    number: int,
    intended: Intended,
    wallet: Wallet,
    retries: Retries = "once",
    reference_id: str = "",
) -> tuple[Happened, tuple[Delivery, ...]]:
    """Return what becomes of one request to pay, the `number`th of its run, and the messages it makes."""
    one = _happen(chance, plan, number, intended, reference_id)
    return one, (*_push_answers(one, wallet), *_callbacks(chance, one, wallet, retries))


def _happen(
    chance: np.random.Generator, plan: FaultPlan, number: int, intended: Intended, reference_id: str
) -> Happened:
    faults = struck(chance, plan)
    failure = FAILURES[int(chance.integers(len(FAILURES)))]
    paid_at_s = intended.at_s + int(chance.integers(5, 200))
    uuid = f"{int(chance.integers(2**32)):08x}-0000-4000-8000-{number:012x}"
    receipt = str(300_000_000 + number)
    code = failure if "fails" in faults else "0"
    return Happened(intended, receipt, reference_id or uuid, code, paid_at_s, intended.reference, faults)


def _push_answers(one: Happened, wallet: Wallet) -> list[Delivery]:
    answered_s = one.paid_at_s + 10 if "before_answer" in one.struck else one.intended.at_s + 1
    answers = []
    if "token_expiry" in one.struck:
        expired = compact({"error": "Unauthorized", "message": "Access token expired"})
        answers.append(Delivery(one.intended.at_s, "push_answer", expired, http_status=401, request_id=one.request_id))
    status, body = (202, b"") if "lost_answer" not in one.struck else _lost(one)
    return [*answers, Delivery(answered_s, "push_answer", body, wallet.address, {}, status, one.request_id)]


def _lost(one: Happened) -> tuple[int, bytes]:
    """Return an answer that hides the success: a gateway error, or "sent before" after one that got lost."""
    if one.paid_at_s % 2:
        return 500, b""
    words = {
        "code": "RESOURCE_ALREADY_EXIST",
        "message": "Duplicated reference id. Creation of resource failed.",
    }
    return 409, compact(words)


def _callbacks(chance: np.random.Generator, one: Happened, wallet: Wallet, retries: Retries) -> list[Delivery]:
    times_s = arrivals_s(chance, one.struck, one.paid_at_s + 1)
    if not times_s and retries == "persistent":
        times_s = tuple(one.paid_at_s + 1 + late_s for late_s in retry_times_s(retries, 2))[1:2]
    sender = source(one.struck, wallet)
    sent = [Delivery(at_s, "callback", body_of(one, wallet), sender, request_id=one.request_id) for at_s in times_s]
    forged = forged_receipt(chance)
    if "forged" in one.struck:  # a stranger who guessed the reference says it was paid, before the customer decides
        lie = body_of(one, wallet, {"status": "SUCCESSFUL", "financialTransactionId": forged})
        sent.append(Delivery(one.intended.at_s + 2, "callback", lie, sender, request_id=one.request_id))
    return sent


def body_of(one: Happened, wallet: Wallet, instead: Mapping[str, object] | None = None) -> bytes:
    """Return the body of a callback, which is also the answer to an enquiry after the payment has ended."""
    body: dict[str, object] = {
        "amount": major_text(one.intended.amount_minor, wallet.account.exponent),
        "currency": wallet.account.currency,
        "externalId": one.request_id,
        "payer": {"partyIdType": "MSISDN", "partyId": said_phone(one.struck, one.intended.phone)},
        "payerMessage": "Top up",
        "payeeNote": one.intended.reference,
        "status": "SUCCESSFUL" if one.paid else "FAILED",
    }
    if one.paid:
        body["financialTransactionId"] = one.receipt
    else:
        reason: object = one.code if "number_as_text" in one.struck else {"code": one.code, "message": one.code}
        body["reason"] = reason
    return compact(body | dict(instead or {}))


def enquiry_answer(book: Mapping[str, Happened], request_id: str, wallet: Wallet, at_s: int) -> tuple[int, bytes]:
    """Return status and body of the answer to a question at a time: pending until the customer has decided."""
    one = book.get(request_id)
    if one is None:
        return 404, compact({"code": "RESOURCE_NOT_FOUND", "message": "Requested resource was not found."})
    if at_s >= one.paid_at_s:
        return 200, body_of(one, wallet)
    words = {
        "amount": major_text(one.intended.amount_minor, wallet.account.exponent),
        "currency": wallet.account.currency,
        "externalId": request_id,
        "payer": {"partyIdType": "MSISDN", "partyId": one.intended.phone.lstrip("+")},
        "payeeNote": one.intended.reference,
        "status": "PENDING",
    }
    return 200, compact(words)
