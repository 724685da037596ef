"""What people type as the reference of a payment, and what they may have meant."""

from __future__ import annotations

import re

LONGEST = 24  # a longer text is a sentence, not a name
SHORTEST_PHONE, LONGEST_PHONE = 7, 15  # digits: from a number within a country to the longest there is

TYPEABLE = re.compile(r"[A-Z0-9]([A-Z0-9-]{0,22}[A-Z0-9])?")
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ0123456789"  # of a spelling: O and I are spelt 0 and 1
_LOOK_ALIKE = str.maketrans({"O": "0", "I": "1", "-": None})  # told apart by no telephone and by few people


def is_typeable(name: str) -> bool:
    """Tell whether a customer can type a name on any phone: capitals, digits and hyphens, at most 24 of them."""
    return TYPEABLE.fullmatch(name) is not None


def canonical(reference: str) -> str:
    """Return a reference in capitals without spaces and signs, as names of accounts and meters are written."""
    return re.sub(r"[^A-Z0-9-]", "", reference.upper())


def spelling(reference: str) -> str:
    """Return what all spellings of one name have in common: those that differ by case, spaces, hyphens, O/0 and I/1.

    It is empty for what is no name.

    >>> spelling("k-1O4") == spelling("K104") == "K104"
    True
    """
    spelt = canonical(reference).translate(_LOOK_ALIKE)
    return spelt if len(spelt) <= LONGEST else ""


def reads_as_phone(name: str) -> bool:
    """Tell whether a name can be taken for a telephone number, however it is spelt."""
    spelt = spelling(name)
    return spelt.isdigit() and SHORTEST_PHONE <= len(spelt) <= LONGEST_PHONE


def near_misses(reference: str) -> frozenset[str]:
    """Return the spellings one slip of the finger away: a character more, less, another, or two swapped."""
    text = spelling(reference)
    if len(text) < 3:
        return frozenset()
    ends = [(text[:i], text[i:]) for i in range(len(text) + 1)]
    dropped = {left + right[1:] for left, right in ends if right}
    swapped = {left + right[1] + right[0] + right[2:] for left, right in ends if len(right) > 1}
    changed = {left + letter + right[1:] for left, right in ends if right for letter in _LETTERS}
    added = {left + letter + right for left, right in ends for letter in _LETTERS}
    return frozenset(dropped | swapped | changed | added) - {text}
