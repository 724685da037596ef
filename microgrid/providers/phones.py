"""Telephone numbers as providers give them: whole, with the middle hidden, or hashed."""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache

from microgrid.providers.payment_facts import Phone
from microgrid.providers.wire_text import text_of

_HASH = re.compile(r"[0-9a-fA-F]{64}")
_MASKED = re.compile(r"\+?[0-9]{0,12}[*xX.]{2,12}[0-9]{0,9}")
_WRITTEN = re.compile(r"\+?[0-9][0-9 ()-]{4,20}")


def read_phone(value: object, region: str) -> Phone | None:
    """Return a number of any kind, or None for what is none; `region` is the country of numbers without a code.

    A masked number keeps what was shown of it. It fits thousands of people: never find a customer by it.
    """
    return _read(text_of(value), region)


@lru_cache(maxsize=4096)
def _read(text: str, region: str) -> Phone | None:
    if _HASH.fullmatch(text):
        return Phone("hashed", text.lower())
    if _MASKED.fullmatch(text):
        return Phone("masked", re.sub(r"[xX.]", "*", text))
    if not _WRITTEN.fullmatch(text):
        return None
    whole = _e164(text, region) or _e164(f"+{text.lstrip('+')}", region)
    return Phone("e164", whole) if whole else None


def _e164(text: str, region: str) -> str:
    import phonenumbers  # 37 ms, and most of the service never reads a number

    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return ""
    valid = phonenumbers.is_valid_number(number)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164) if valid else ""


def hashed(phone: Phone) -> Phone:
    """Return a whole number as the providers hash it: SHA-256 of its digits without the plus; others as they are."""
    if phone.kind != "e164":
        return phone
    return Phone("hashed", hashlib.sha256(phone.text.lstrip("+").encode()).hexdigest())


def national_digits(phone: Phone) -> str:
    """Return a whole number without its country code, as Airtel wants it; empty for the other kinds."""
    if phone.kind != "e164":
        return ""
    import phonenumbers

    return phonenumbers.national_significant_number(phonenumbers.parse(phone.text, None))


def international_digits(phone: Phone) -> str:
    """Return a whole number as digits with country code and without plus; empty for the other kinds."""
    return phone.text.lstrip("+") if phone.kind == "e164" else ""
