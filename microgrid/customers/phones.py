"""The numbers people are known by: whole, with the middle hidden, or hashed, and never taken for one another."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime

from microgrid.customers.records import Phone, PhoneKind
from microgrid.errors import InvalidInput, Problem

TAIL = 7

_WHOLE = re.compile(r"\+[1-9][0-9]{6,14}")
_HASHED = re.compile(r"[0-9a-fA-F]{64}")
_MASKED = re.compile(r"\+?[0-9]{1,12}\*{2,12}[0-9]{0,9}")


def phone(customer_id: str, number: str, at: datetime) -> Phone:
    """Return a number of a customer as it is kept; InvalidInput when it is none."""
    kind = kind_of(number)
    if kind is None:
        what = f"{number[:40]!r} is no telephone number"
        raise InvalidInput(Problem("MG-A022", what, fix="write it with its country code, such as +254712000104"))
    kept = number.lower() if kind == "hashed" else number
    hashed = {"e164": hash_of(kept), "hashed": kept, "masked": ""}[kind]
    tail = tail_of(kept) if kind == "e164" else ""
    return Phone(f"{customer_id}:{kept}", customer_id, kept, kind, hashed, tail, at)


def kind_of(number: str) -> PhoneKind | None:
    """Return how much of a number is shown, or nothing for what is none."""
    if _WHOLE.fullmatch(number):
        return "e164"
    if _HASHED.fullmatch(number):
        return "hashed"
    return "masked" if _MASKED.fullmatch(number) else None


def hash_of(number: str) -> str:
    """Return a whole number as providers hash it: SHA-256 of its digits with country code, without the plus."""
    return hashlib.sha256(number.lstrip("+").encode()).hexdigest()


def tail_of(digits: str) -> str:
    """Return the end of a number, which people leave as it is however they write its beginning."""
    return digits[-TAIL:]
