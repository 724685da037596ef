"""From what a provider's message says to what the flows are told, with as much belief as its way in deserves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from microgrid.billing.payments import Payment, payment_id
from microgrid.billing.sightings import Asked, Heard, Seen, Told, Unclear
from microgrid.providers.payment_facts import PaymentAccount, RawRequest, Sighting, Unreadable
from microgrid.providers.phones import read_phone

CHANNELS: Mapping[str, str] = {
    "c2b_confirmation": "c2b",
    "stk_callback": "stk",
    "callback": "callback",
    "transaction_status": "enquiry",
    "enquiry": "enquiry",
    "stk_query": "enquiry",
    "reversal": "enquiry",
    "pull": "pull",
    "webhook": "webhook",
    "sms": "sms",
    "statement": "statement",
}
State = Literal["waiting", "unknown", "failed", "see_list", "kept"]


@dataclass(frozen=True, slots=True)
class Belief:
    """How far a way in is believed.

    `proven`: the sender signed it, or we asked. Other messages book payments up to `confirm_above_minor` at once
    (None: any amount) and leave the rest to the provider's word, asked for by receipt or, `by_request`, by our request.
    """

    proven: bool = False
    confirm_above_minor: int | None = None
    by_request: bool = False

    def waits(self, amount_minor: int) -> bool:
        """Tell whether a payment of this amount is to be confirmed by its provider first."""
        return not self.proven and self.confirm_above_minor is not None and amount_minor > self.confirm_above_minor


ANYONE, PROVEN = Belief(), Belief(proven=True)


def heard(
    found: Sighting | Unreadable,
    raw: RawRequest,
    account: PaymentAccount,
    belief: Belief = ANYONE,
    request_id: str = "",
) -> Heard:
    """Return a sighting in the form in which every channel hands it to the flows.

    `request_id` is our own name of the request in the address that was called; it says more than the provider's.
    """
    if isinstance(found, Unreadable):
        return Unclear(found.reason)
    phone = read_phone(found.reference, account.region)
    reference_phone = phone.text if phone is not None and phone.kind == "e164" else ""
    if found.status == "validation":
        return Asked(found.reference, found.amount_minor or 0, found.currency, reference_phone)
    asked_for = "" if found.raw_kind == "c2b_confirmation" else request_id or found.request_id
    if found.status == "paid":
        return _paid(found, raw, belief, reference_phone, asked_for)
    if found.status == "reversed" and found.linked_receipt:
        payment = _payment(found, found.linked_receipt, raw)
        channel = CHANNELS.get(found.raw_kind, found.raw_kind)
        return Seen(payment, "reversed", reference_phone, found.reason, channel, "", belief.proven)
    return _told(found, belief, asked_for)


def _paid(found: Sighting, raw: RawRequest, belief: Belief, reference_phone: str, request_id: str) -> Heard:
    payment = _payment(found, found.receipt, raw)
    if belief.waits(payment.amount_minor):
        if belief.by_request:
            return Told("waiting", "said to be paid", request_id=request_id)
        payment = _payment(found, found.receipt, raw, waits=True)
    channel = CHANNELS.get(found.raw_kind, found.raw_kind)
    return Seen(payment, "paid", reference_phone, found.reason, channel, request_id, belief.proven)


def _told(found: Sighting, belief: Belief, request_id: str) -> Heard:
    reason = found.reason or "no money has moved for certain"
    if found.raw_kind == "reversal":
        about = payment_id(found.provider, found.shortcode, found.linked_receipt or found.receipt)
        return Told("kept", reason, about, "", belief.proven)
    if found.raw_kind == "transaction_status":
        about = payment_id(found.provider, found.shortcode, found.receipt)
        return Told(_state(found), reason, about, "", belief.proven)
    if not request_id:
        return Unclear(f"{found.status}: {reason}")
    return Told(_state(found), reason, "", request_id, belief.proven)


def _state(found: Sighting) -> State:
    if found.status == "failed":
        return "failed"
    if found.raw_kind in ("stk_query", "stk_callback"):  # these name no receipt that could be asked about
        return "see_list"
    return "unknown" if found.raw_kind == "transaction_status" else "waiting"


def _payment(found: Sighting, receipt: str, raw: RawRequest, *, waits: bool = False) -> Payment:
    payer = found.payer
    return Payment(
        payment_id(found.provider, found.shortcode, receipt),
        found.provider,
        found.shortcode,
        receipt,
        found.amount_minor or 0,
        found.currency,
        found.paid_at or raw.received_at,
        raw.received_at,
        found.reference,
        payer.text if payer is not None else "",
        payer.kind if payer is not None else "none",
        status="pending" if waits else "posted",
    )
