"""OpenPAYGO Token: digits that carry paid time or energy to a meter with a keypad and no network.

A meter and the service share a starting code and a key. A token is made from a value and a count that only
rises: its last digits say the value, the rest prove that whoever made it holds the key. Even counts add, odd
ones set, unlock for ever, or bring the counts together. Count 0 would need no key and is never made nor taken.
Source: OpenPAYGO Token 2.3 and its published test vectors.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import count as counting

from siphash24 import siphash24

KEY_BYTES = 16
LARGEST_CODE = 999_999_999  # of a starting code and of a standard token
LARGEST_VALUE = 995
LARGEST_EXTENDED_VALUE = 999_999
UNLOCK_VALUE = 998
SYNC_VALUE = 999
FORWARD_COUNTS = 64  # a meter takes a token this far ahead of the newest it holds
SYNC_FORWARD_COUNTS = 100
BACKWARD_COUNTS = 16  # and an older one that adds, as long as fewer counts lie between

_STANDARD_VALUES, _EXTENDED_VALUES = 1_000, 1_000_000
_LARGEST_EXTENDED_CODE = 999_999_999_999


class Kind(StrEnum):
    """What a token does: add to what is left, replace it, unlock for ever, or only bring the counts together."""

    ADD = "add"
    SET = "set"
    DISABLE = "disable"
    SYNC = "sync"


@dataclass(frozen=True, slots=True)
class Secret:
    """What a meter and the service share; never shown, so it prints without its code and key.

    `restricted` is for keypads that have the digits 1 to 4 only; `extended` tokens have 12 digits for larger values.
    """

    starting_code: int = field(repr=False)
    key: bytes = field(repr=False)
    restricted: bool = False
    extended: bool = False

    def __post_init__(self) -> None:
        if len(self.key) != KEY_BYTES:  # the hash would quietly take any other length
            raise ValueError(f"a key has {KEY_BYTES} bytes, this one has {len(self.key)}")
        if not 0 <= self.starting_code <= LARGEST_CODE:
            raise ValueError("a starting code has at most nine digits")


def codes(secret: Secret, value: int) -> Iterator[tuple[int, int]]:
    """Give the code of a value at count 1, 2, 3 and so on, as pairs of count and code."""
    values = _values(secret)
    last_digits = (secret.starting_code + value) % values
    code = secret.starting_code - secret.starting_code % values + last_digits
    for count in counting(1):
        code = _next_extended(code, secret.key) if secret.extended else _next_standard(code, secret.key)
        yield count, code - code % values + last_digits


def next_count(count: int, kind: Kind) -> int:
    """Return the first count after this one that a token of the kind can have."""
    odd = kind is not Kind.ADD
    return count + 1 if (count + 1) % 2 == odd else count + 2


def kind_of(secret: Secret, value: int, count: int) -> Kind | None:
    """Return what a token of this value at this count does; nothing when there is no such token."""
    if is_amount(secret, value):
        return Kind.SET if count % 2 else Kind.ADD
    special = {UNLOCK_VALUE: Kind.DISABLE, SYNC_VALUE: Kind.SYNC}
    return special.get(value) if count % 2 else None


def is_amount(secret: Secret, value: int) -> bool:
    """Return whether a value is an amount that can be added or set; 996 to 999 have other meanings."""
    in_extended = secret.extended and SYNC_VALUE < value <= LARGEST_EXTENDED_VALUE
    return 0 <= value <= LARGEST_VALUE or in_extended


def value_of(secret: Secret, code: int) -> int:
    """Return the value that the last digits of a code say; whether it is genuine is another question."""
    return (code - secret.starting_code) % _values(secret)


def text_of(secret: Secret, code: int) -> str:
    """Return a code as the digits to press.

    >>> text_of(Secret(123456789, bytes(16), restricted=True), 662486790)
    '324244134441123'
    """
    if not secret.restricted:
        return f"{code:0{text_length(secret)}d}"
    shifts = range(2 * text_length(secret) - 2, -1, -2)
    return "".join(str((code >> shift & 3) + 1) for shift in shifts)


def code_of(secret: Secret, text: str) -> int | None:
    """Return the code of pressed digits, spaces left out; nothing when they are no code of this meter."""
    pressed = text.replace(" ", "")
    allowed = "1234" if secret.restricted else "0123456789"
    if len(pressed) != text_length(secret) or not set(pressed) <= set(allowed):
        return None
    if not secret.restricted:
        return int(pressed)
    code = sum((int(digit) - 1) << 2 * place for place, digit in enumerate(reversed(pressed)))
    return code if code <= (_LARGEST_EXTENDED_CODE if secret.extended else LARGEST_CODE) else None


def text_length(secret: Secret) -> int:
    """Return how many digits a token of this meter has."""
    if secret.restricted:
        return 20 if secret.extended else 15
    return 12 if secret.extended else 9


def starting_code_of(key: bytes) -> int:
    """Return the starting code that the standard derives from a key, for meters that are given none."""
    return _fold(keyed_hash(Secret(0, key).key, key))


def keyed_hash(key: bytes, message: bytes) -> int:
    """Return the SipHash-2-4 of a message as a number below 2**64."""
    return int.from_bytes(siphash24(message, key=key).digest(), "little")


def _values(secret: Secret) -> int:
    return _EXTENDED_VALUES if secret.extended else _STANDARD_VALUES


def _next_standard(code: int, key: bytes) -> int:
    return _fold(keyed_hash(key, code.to_bytes(4, "big") * 2))


def _next_extended(code: int, key: bytes) -> int:
    taken = keyed_hash(key, code.to_bytes(8, "big")) >> 24  # 40 bits reach 1,099,511,627,775
    return taken - 99_511_627_777 if taken > _LARGEST_EXTENDED_CODE else taken


def _fold(hashed: int) -> int:
    taken = (hashed >> 32 ^ hashed & 0xFFFF_FFFF) >> 2  # 30 bits reach 1,073,741,823
    return taken - 73_741_825 if taken > LARGEST_CODE else taken
