"""Programs that asked to be told when something happens: what they hear of, and how a message proves it is ours.

The signature is that of the open specification "Standard Webhooks" 1.0 (symmetric, `v1`), for which there are
libraries in most languages.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

EVENTS = (
    "payment.booked",
    "payment.moved",
    "payment.reversed",
    "supply.changed",
    "supply.confirmed",
    "account.low_credit",
)
SECRET_PREFIX = "whsec_"  # noqa: S105 - how the specification marks a secret, not one itself
SECRET_BYTES = range(24, 65)

Content = Mapping[str, str | int | bool | None]


@dataclass(frozen=True, slots=True)
class Subscriber:
    """A program that is told of some events, of one site or of all; `ended_by` is empty while it is in force."""

    id: str
    url: str
    sealed_secret: bytes
    events: tuple[str, ...]
    site_id: str  # empty: of all sites, and of payments that belong to none yet
    created_at: datetime
    created_by: str
    ended_at: datetime | None = None
    ended_by: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened; `key` names it among all of its kind."""

    kind: str
    key: str
    site_id: str
    content: Content

    @property
    def id(self) -> str:
        """Return the id of the event: always the same for the same thing, so that a receiver can tell repeats."""
        return f"evt_{hashlib.sha256(f'{self.kind}:{self.key}'.encode()).hexdigest()[:32]}"


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent to one address: a body and the headers that prove where it comes from."""

    url: str
    headers: Mapping[str, str]
    body: bytes


def wants(subscriber: Subscriber, event: Event) -> bool:
    """Say whether a subscriber is to be told of an event."""
    return event.kind in subscriber.events and subscriber.site_id in ("", event.site_id)


def secret_bytes(secret: str) -> bytes | None:
    """Return the bytes a secret such as `whsec_...` stands for, or nothing when it is none."""
    try:
        found = base64.b64decode(secret.removeprefix(SECRET_PREFIX).encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error):
        return None
    return found if secret.startswith(SECRET_PREFIX) and len(found) in SECRET_BYTES else None


def signed(url: str, body: bytes, event_id: str, secret: bytes, now: datetime) -> Message:
    """Return a message that only who holds the secret can have made, and that is too old soon."""
    sent_s = str(int(now.timestamp()))
    proof = hmac.digest(secret, b".".join((event_id.encode(), sent_s.encode(), body)), "sha256")
    headers = {
        "content-type": "application/json",
        "webhook-id": event_id,
        "webhook-timestamp": sent_s,
        "webhook-signature": f"v1,{base64.b64encode(proof).decode()}",
    }
    return Message(url, headers, body)


class Poster(Protocol):
    """The way to programs that asked to be told."""

    def refusal(self, url: str) -> str:
        """Return why nothing is sent to an address, or nothing when something may be."""

    def post_all(self, messages: Sequence[Message]) -> Sequence[str | None]:
        """Send each once; for each nothing when it was taken, why it was not, or None when it was not tried."""


class NoPoster:
    """Stands where no way to other programs is set up."""

    def refusal(self, url: str) -> str:  # noqa: ARG002 - as the port says
        """Refuse every address."""
        return "this service sends nothing to other programs"

    def post_all(self, messages: Sequence[Message]) -> Sequence[str | None]:
        """Try nothing."""
        return [None for _ in messages]


NO_POSTER = NoPoster()
