"""Tokens in words: what each gives, and the text by which a customer gets it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from microgrid.home_ports import Home
from microgrid.kept import OutboxItem
from microgrid.ports import UnitOfWork
from microgrid.switching.reasons import kwh_text
from microgrid.switching.token_records import GivenToken
from microgrid.switching.tokens import WH_PER_UNIT

HOURS_OF_DAY = 24


def tell(uow: UnitOfWork, home: Home | None, given: Sequence[GivenToken], now: datetime) -> None:
    """Put a text for each token into the outbox, where the customer has a phone."""
    customer = None if home is None else uow.customers.get(home.account.customer_id)
    if customer is None or customer.phone is None or not given:
        return
    devices = uow.token_devices.get_all({token.serial for token in given})
    texts = sms_texts(given, {key: device.divider for key, device in devices.items()})
    for token, text in zip(given, texts, strict=True):
        uow.outbox.put(OutboxItem(f"token:{token.id}", "sms", customer.phone, text, now, now))


def sms_texts(tokens: Sequence[GivenToken], dividers: Mapping[str, int]) -> list[str]:
    """Return one text for each token, in their order; several for one meter are numbered."""
    together = Counter(token.serial for token in tokens)
    so_far: Counter[str] = Counter()
    texts = []
    for token in tokens:
        so_far[token.serial] += 1
        number = f" {so_far[token.serial]} of {together[token.serial]}" if together[token.serial] > 1 else ""
        gives = worth_text(token, dividers[token.serial])
        texts.append(f"Token{number} for meter {token.serial}, {gives}: {token.spaced}")
    return texts


def worth_text(token: GivenToken, divider: int) -> str:
    """Return what a token gives, as a customer reads it.

    >>> from datetime import UTC, datetime
    >>> at = datetime(2026, 1, 1, tzinfo=UTC)
    >>> worth_text(GivenToken("a", "M", 2, "add", 20, "time", "123456789", "p", at, "x"), 16)
    '1 day 6 hours'
    """
    if token.kind in ("disable", "sync"):
        return {"disable": "unlocked for ever", "sync": "no change of supply"}[token.kind]
    if token.unit == "energy":
        return kwh_text(token.value * WH_PER_UNIT)
    days, rest = divmod(token.value, divider)
    hours = rest * HOURS_OF_DAY // divider
    return " ".join(_counted([(days, "day"), (hours, "hour")])) or "0 days"


def _counted(parts: Iterable[tuple[int, str]]) -> list[str]:
    return [f"{number} {name}{'' if number == 1 else 's'}" for number, name in parts if number]
