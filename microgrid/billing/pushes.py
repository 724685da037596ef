"""Payments we ask for on the customer's phone: from our question to the money, or to the knowledge that none comes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

State = Literal["asked", "sent", "paid", "failed", "unknown"]
OPEN: tuple[State, ...] = ("asked", "sent")


@dataclass(frozen=True, slots=True)
class Push:
    """One request to a customer to pay.

    asked: not sent yet. sent: the provider has it, or may have it. paid: its payment is booked. failed: no money moves.
    unknown: the provider could not say within a day; a person looks.
    """

    id: str  # a UUID, made by whoever asks; also what the provider calls it where we may choose
    provider: str
    shortcode: str
    account_id: str
    phone: str  # E.164
    amount_minor: int
    currency: str
    reference: str
    asked_at: datetime
    asked_by: str
    state: State = "asked"
    request_id: str = ""  # the provider's own name for it
    payment_id: str = ""
    reason: str = ""

    @property
    def is_open(self) -> bool:
        """Tell whether money may still come of it."""
        return self.state in OPEN

    @property
    def line(self) -> str:
        """Return the payment account it is asked through."""
        return f"{self.provider}:{self.shortcode}"


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of sending a push: under way, refused (no money moves; perhaps try `again`), or nobody knows."""

    outcome: Literal["accepted", "refused", "ambiguous"]
    request_id: str = ""
    reason: str = ""
    again: bool = False
