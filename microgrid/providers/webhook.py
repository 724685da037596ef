"""The generic signed webhook: for aggregators and banks that can send a small JSON with a signature.

The sender signs `timestamp.body` with HMAC-SHA256 and a shared secret, and sends two headers:
`Microgrid-Timestamp` (seconds since 1970) and `Microgrid-Signature` (hex). The body:
`{"receipt","amount","currency","paid_at","phone","reference","name","status","linked_receipt"}`.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from microgrid.providers.payment_facts import PaymentAccount, RawRequest, Sighting, Unreadable
from microgrid.providers.phones import read_phone
from microgrid.providers.wire_text import json_object, minor_units, name_of, text_of, zoned_time

TIMESTAMP_HEADER = "Microgrid-Timestamp"
SIGNATURE_HEADER = "Microgrid-Signature"
REPLAY_WINDOW_S = 300
_SECONDS = re.compile(r"[0-9]{1,12}")
_KINDS: Mapping[str, Literal["paid", "failed", "pending", "reversed"]] = {
    "": "paid",
    "paid": "paid",
    "failed": "failed",
    "pending": "pending",
    "reversed": "reversed",
}


def signature(secret: bytes, timestamp: str, body: bytes) -> str:
    """Return the signature of a body sent at a time, in hex."""
    return hmac.new(secret, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def why_untrusted(raw: RawRequest, secrets: tuple[bytes, ...], window_s: int = REPLAY_WINDOW_S) -> str:
    """Return why a call is not to be trusted; empty when one of the secrets signed it within the window.

    Two secrets hold while one is being replaced. The moment of reference is when the call came in.
    """
    headers = {name.lower(): value for name, value in raw.headers.items()}
    stamp = headers.get(TIMESTAMP_HEADER.lower(), "")
    given = headers.get(SIGNATURE_HEADER.lower(), "").encode("utf-8", "replace")
    if not _SECONDS.fullmatch(stamp):
        return f"{TIMESTAMP_HEADER} is missing or no number of seconds"
    # All secrets are tried, so that the time taken does not tell which one is near.
    right = [hmac.compare_digest(given, signature(secret, stamp, raw.body).encode()) for secret in secrets if secret]
    if not any(right):
        return f"{SIGNATURE_HEADER} is missing or wrong"
    apart_s = abs(raw.received_at.timestamp() - int(stamp))
    return "" if apart_s <= window_s else f"it was signed {apart_s:.0f} s away from when it came in: a replay"


def read_webhook(
    raw: RawRequest, account: PaymentAccount, secrets: tuple[bytes, ...], window_s: int = REPLAY_WINDOW_S
) -> Sighting | Unreadable:
    """Return the payment a signed call tells of; a call that is not trusted is no fact."""
    untrusted = why_untrusted(raw, secrets, window_s)
    if untrusted:
        return Unreadable(untrusted)
    body = json_object(raw.body)
    if isinstance(body, Unreadable):
        return body
    receipt, paid_at = name_of(body.get("receipt")), zoned_time(body.get("paid_at"))
    amount_minor = minor_units(body.get("amount"), account.exponent)
    status = _KINDS.get(text_of(body.get("status")))
    if text_of(body.get("currency")) != account.currency:
        return Unreadable(f"the currency is {text_of(body.get('currency'))[:3]!r}; the account has {account.currency}")
    if status is None or not receipt or not amount_minor or paid_at is None:
        return Unreadable("receipt, amount, paid_at (with an offset) or status is missing or cannot be read")
    name = text_of(body.get("name"))
    found = Sighting(
        account.provider,
        account.shortcode,
        status,
        "webhook",
        account.currency,
        receipt=receipt,
        amount_minor=amount_minor,
        paid_at=paid_at,
        payer=read_phone(body.get("phone"), account.region),
        reference=text_of(body.get("reference")),
        channel="webhook",
        names=(name,) if name else (),
        linked_receipt=name_of(body.get("linked_receipt")),
    )
    if status == "reversed" and not found.linked_receipt:
        return replace(found, status="ambiguous", reason="reversed, but of which payment is missing")
    return found
