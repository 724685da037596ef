"""What a provider's message says about money, as frozen facts; none of it is believed or booked here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Provider = Literal["mpesa", "momo", "airtel", "webhook"]
Status = Literal["paid", "failed", "pending", "ambiguous", "validation", "reversed"]
Action = Literal[
    "post",  # money has arrived: book it once, by its receipt
    "tell_customer",  # final for this attempt; the customer can change something and try again
    "final",  # final; nothing to do
    "retry_later",  # not paid; the same push may be sent again in a minute or two
    "retry_once",  # not paid; once more with shorter texts
    "enquire",  # not known: ask by the same reference, never send a new one
    "fix_configuration",  # our settings at the provider are wrong
]


@dataclass(frozen=True, slots=True)
class Phone:
    """Who paid: a full number, a number with its middle hidden, or only the hash of a number."""

    kind: Literal["e164", "masked", "hashed"]
    text: str


@dataclass(frozen=True, slots=True)
class PaymentAccount:
    """Our account at a provider, as far as reading its messages needs it.

    `exponent` is the number of decimals of the currency (2 for KES, 0 for UGX), `region` the country whose numbers
    are written without a country code; `other_shortcodes` are further names of the same account, such as the till
    of a store, and are all reported as `shortcode`.
    """

    provider: Provider
    shortcode: str
    currency: str
    exponent: int
    region: str
    other_shortcodes: tuple[str, ...] = ()

    def is_named(self, shortcode: str) -> bool:
        """Tell whether a provider's message with this shortcode is about this account."""
        return shortcode == self.shortcode or shortcode in self.other_shortcodes


@dataclass(frozen=True, slots=True)
class RawRequest:
    """What came in, untouched: kept before it is read, and enough to read it again."""

    body: bytes
    received_at: datetime
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    source_address: str = ""


@dataclass(frozen=True, slots=True)
class Sighting:
    """One look at one payment; a payment can be seen many times and is told by provider, shortcode and receipt.

    `paid` always has a receipt, an amount above zero and a time. `reversed` has the amount that went back and the
    receipt it went back for in `linked_receipt`; its own receipt may be missing. The others may lack any of them.
    `request_id` is the id under which we asked for the money, where we did.
    """

    provider: Provider
    shortcode: str
    status: Status
    raw_kind: str
    currency: str
    receipt: str = ""
    amount_minor: int | None = None
    paid_at: datetime | None = None
    payer: Phone | None = None
    reference: str = ""
    channel: str = ""
    names: tuple[str, ...] = ()
    request_id: str = ""
    linked_receipt: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A message that is no fact about our money, and why; nothing may be credited from it."""

    reason: str
    line: int = 0  # of a file, from 1


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request to a provider, ready to be sent; its headers and body carry secrets and are never shown."""

    method: Literal["GET", "POST"]
    url: str
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What a provider answered; status 0 means that no answer came."""

    status: int
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A bearer token of a provider and when to stop using it."""

    value: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class PushAnswer:
    """What became of our asking a customer to pay: it is under way, it is not, or nobody knows."""

    outcome: Literal["accepted", "refused", "ambiguous"]
    request_id: str = ""  # the provider's, else ours
    code: str = ""
    reason: str = ""
    action: Action = "enquire"


@dataclass(frozen=True, slots=True)
class Asked:
    """What we asked a customer to pay, for the providers whose answers name neither amount nor payer."""

    request_id: str
    amount_minor: int
    reference: str
    payer: Phone | None = None


@dataclass(frozen=True, slots=True)
class ResultCode:
    """One code of a provider's table: what it means and what to do about it."""

    meaning: str
    action: Action

    @property
    def status(self) -> Status:
        """Return what the code says about the money."""
        return STATUS_OF_ACTION[self.action]


STATUS_OF_ACTION: Mapping[Action, Status] = {
    "post": "paid",
    "tell_customer": "failed",
    "final": "failed",
    "retry_later": "failed",
    "retry_once": "failed",
    "enquire": "ambiguous",
    "fix_configuration": "failed",
}
UNKNOWN_CODE = ResultCode("a code that is not in the table", "enquire")
