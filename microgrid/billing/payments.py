"""Money that arrived: one payment per receipt, however often and by whatever channel it was seen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Status = Literal["posted", "suspense", "pending", "refused", "refunding", "reversed"]


@dataclass(frozen=True, slots=True)
class Payment:
    """One payment as the provider names it."""

    id: str  # provider:shortcode:receipt
    provider: str
    shortcode: str
    receipt: str
    amount_minor: int
    currency: str
    paid_at: datetime
    received_at: datetime
    reference: str = ""
    payer: str = ""  # E.164, masked or hashed as the provider gave it
    payer_kind: Literal["e164", "masked", "hashed", "none"] = "none"
    account_id: str | None = None
    status: Status = "pending"
    journal_id: str | None = None


@dataclass(frozen=True, slots=True)
class RefundDue:
    """A payment whose owner was not found in time, to be given back; off the list once it is matched or returned."""

    id: str  # of the payment
    state: Literal["listed", "matched", "returned"]
    listed_at: datetime
    closed_at: datetime | None = None


def payment_id(provider: str, shortcode: str, receipt: str) -> str:
    """Return the identity of a payment: provider, shortcode and receipt, and nothing else."""
    return f"{provider}:{shortcode}:{receipt}"
