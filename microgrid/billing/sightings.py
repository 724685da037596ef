"""What somebody says about money: the form in which every channel hands it to the flows, and what is kept of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from microgrid.billing.payments import Payment


@dataclass(frozen=True, slots=True)
class Seen:
    """One look at one payment that was made, or taken back.

    `reference_phone` is the reference read as a number; `channel` is where it was seen: stk, c2b, callback, statement,
    sms, webhook, cash, enquiry or pull. `request_id` names what we asked the payer for, where we did. What is not
    `proven` (nobody signed it, and we did not ask) confirms no payment that waits for its provider's word.
    """

    payment: Payment
    what: Literal["paid", "reversed"] = "paid"
    reference_phone: str = ""
    note: str = ""
    channel: str = "cash"
    request_id: str = ""
    proven: bool = True


@dataclass(frozen=True, slots=True)
class Asked:
    """A provider asks whether a payment that is about to be made may go on."""

    reference: str
    amount_minor: int
    currency: str
    reference_phone: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """What a provider says about a payment, or about our request for one, when it is not that money has come.

    waiting: ask again later. unknown: the provider knows no such payment. failed: no money has moved, or not to us.
    see_list: whether money has come can only be told from the provider's own list of payments. kept: a payment that
    was to go back did not.
    """

    state: Literal["waiting", "unknown", "failed", "see_list", "kept"]
    reason: str
    payment_id: str = ""
    request_id: str = ""
    proven: bool = False


@dataclass(frozen=True, slots=True)
class Unclear:
    """A message from which nothing may be booked, and why."""

    reason: str


Heard = Seen | Asked | Told | Unclear


@dataclass(frozen=True, slots=True)
class Sighted:
    """That a payment was seen by a channel, in which message, and when first."""

    id: str  # payment, channel, message
    payment_id: str
    channel: str
    raw_event_id: str
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something about money that needs a person, until somebody settles it."""

    id: str  # what is wrong, of what: raised once
    subject: str  # payment:..., push:..., or message:...
    what: str
    raised_at: datetime
    settled_at: datetime | None = None
    settled_by: str = ""
    note: str = ""


def sighted(payment_id: str, channel: str, raw_event_id: str, seen_at: datetime) -> Sighted:
    """Return the row that keeps one look at a payment."""
    return Sighted(f"{payment_id} {channel} {raw_event_id}".rstrip(), payment_id, channel, raw_event_id, seen_at)
