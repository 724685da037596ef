"""From what a provider's message says to what the flows are told; whether it is believed is theirs to decide."""

from __future__ import annotations

from microgrid.billing.payments import Payment, payment_id
from microgrid.billing.sightings import Asked, Heard, Seen, Unclear
from microgrid.providers.payment_facts import PaymentAccount, RawRequest, Sighting, Unreadable
from microgrid.providers.phones import read_phone


def heard(found: Sighting | Unreadable, raw: RawRequest, account: PaymentAccount) -> Heard:
    """Return a sighting in the form in which every channel hands it to the flows."""
    if isinstance(found, Unreadable):
        return Unclear(found.reason)
    phone = read_phone(found.reference, account.region)
    reference_phone = phone.text if phone is not None and phone.kind == "e164" else ""
    if found.status == "validation":
        return Asked(found.reference, found.amount_minor or 0, found.currency, reference_phone)
    if found.status == "paid":
        return Seen(_payment(found, found.receipt, raw), "paid", reference_phone, found.reason)
    if found.status == "reversed" and found.linked_receipt:
        return Seen(_payment(found, found.linked_receipt, raw), "reversed", reference_phone, found.reason)
    return Unclear(f"{found.status}: {found.reason or 'no money has moved for certain'}")


def _payment(found: Sighting, receipt: str, raw: RawRequest) -> Payment:
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
        status="posted",
    )
