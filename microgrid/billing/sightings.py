"""What somebody says about money: the form in which every channel hands it to the flows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from microgrid.billing.payments import Payment


@dataclass(frozen=True, slots=True)
class Seen:
    """One look at one payment that was made, or taken back; `reference_phone` is the reference read as a number."""

    payment: Payment
    what: Literal["paid", "reversed"] = "paid"
    reference_phone: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """A provider asks whether a payment that is about to be made may go on."""

    reference: str
    amount_minor: int
    currency: str
    reference_phone: str = ""


@dataclass(frozen=True, slots=True)
class Unclear:
    """A message from which nothing may be booked, and why."""

    reason: str


Heard = Seen | Asked | Unclear
