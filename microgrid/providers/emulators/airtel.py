"""An emulated Airtel Money: pushes are taken in hand, called back without an amount, and told when enquired."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence

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
    in_order,
    source,
    struck,
)

FAILURES = ("TF", "TE")


def schedule(chance: np.random.Generator, payments: Sequence[Intended], plan: FaultPlan, wallet: Wallet) -> Schedule:
    """Return what becomes of pushes and every message they make."""
    happened: list[Happened] = []
    deliveries: list[Delivery] = []
    for number, intended in enumerate(payments):
        one, sent = pay(chance, plan, number, intended, wallet)
        happened.append(one)
        deliveries += sent
    return Schedule(tuple(happened), in_order(chance, plan, deliveries))


def pay(
    chance: np.random.Generator,
    plan: FaultPlan,
    number: int,
    intended: Intended,
    wallet: Wallet,
    our_id: str = "",
) -> tuple[Happened, tuple[Delivery, ...]]:
    """Return what becomes of one push, the `number`th of its run, and the messages it makes."""
    one = _happen(chance, plan, number, intended, our_id)
    return one, (*_push_answers(one, wallet), *_callbacks(chance, one, wallet))


def _happen(chance: np.random.Generator, plan: FaultPlan, number: int, intended: Intended, our_id: str) -> Happened:
    faults = struck(chance, plan)
    failure = FAILURES[int(chance.integers(len(FAILURES)))]
    paid_at_s = intended.at_s + int(chance.integers(5, 100))
    receipt = f"MP{paid_at_s:010d}.{number:04d}.L{int(chance.integers(100_000)):05d}"
    code = failure if "fails" in faults else "0"
    request_id = our_id or f"TOPUP{number:08d}"
    return Happened(intended, receipt, request_id, code, paid_at_s, intended.reference, faults)


def _push_answers(one: Happened, wallet: Wallet) -> list[Delivery]:
    answered_s = one.paid_at_s + 10 if "before_answer" in one.struck else one.intended.at_s + 1
    answers = []
    if "token_expiry" in one.struck:
        expired = compact({"error": "invalid_token", "error_description": "expired"})
        answers.append(Delivery(one.intended.at_s, "push_answer", expired, http_status=401, request_id=one.request_id))
    status, body = (200, accepted_body(one)) if "lost_answer" not in one.struck else (504, b"")
    return [*answers, Delivery(answered_s, "push_answer", body, wallet.address, {}, status, one.request_id)]


def accepted_body(one: Happened) -> bytes:
    """Return the answer to a push that was taken in hand."""
    status = {
        "code": "200",
        "message": "SUCCESS",
        "result_code": "ESB000010",
        "response_code": "DP00800001006",
        "success": True,
    }
    return compact({"data": {"transaction": {"id": one.request_id, "status": "SUCCESS"}}, "status": status})


def _callbacks(chance: np.random.Generator, one: Happened, wallet: Wallet) -> list[Delivery]:
    times_s = arrivals_s(chance, one.struck, one.paid_at_s + 1)
    sender = source(one.struck, wallet)
    state = "TS" if one.paid else one.code
    sent = [Delivery(at_s, "callback", callback_body(one, state, wallet), sender) for at_s in times_s]
    if "forged" in one.struck:
        sent.append(Delivery(one.intended.at_s + 2, "callback", callback_body(one, "TS", wallet), sender))
    return sent


def callback_body(one: Happened, state: str, wallet: Wallet) -> bytes:
    """Return the body of a callback: a text for people, and a hash where the wallet has a secret."""
    transaction = {
        "id": one.request_id,
        "message": f"Paid {wallet.account.currency} to SHOP, Trans ID {one.receipt}.",
        "status_code": state,
        "airtel_money_id": one.receipt,
    }
    if not wallet.secret:
        return compact({"transaction": transaction})
    digest = hmac.new(wallet.secret, compact(transaction), hashlib.sha256).digest()
    return compact({"transaction": transaction, "hash": base64.b64encode(digest).decode()})


def enquiry_answer(book: Mapping[str, Happened], request_id: str, at_s: int) -> bytes:
    """Return the answer to a question at a time: in progress until the customer has decided."""
    one = book.get(request_id)
    if one is None:
        status = {"code": "200", "response_code": "DP00800001025", "success": False, "message": "not found"}
        return compact({"data": {}, "status": status})
    state = "TIP" if at_s < one.paid_at_s else ("TS" if one.paid else one.code)
    transaction = {"id": request_id, "message": "", "status": state}
    if state == "TS":
        transaction["airtel_money_id"] = one.receipt
    status = {"code": "200", "response_code": "DP00800001001", "success": True, "message": "SUCCESS"}
    return compact({"data": {"transaction": transaction}, "status": status})
