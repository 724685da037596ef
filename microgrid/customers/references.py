"""What people type as the reference of a payment, and what they may have meant."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-"
LOOK_ALIKE = {"O": "O0", "0": "O0", "I": "I1", "1": "I1"}  # told apart by no telephone and by few people
LONGEST = 24  # a longer text is a sentence, not a name
DOUBTFUL = 4  # look-alike characters that are tried both ways; 2 ** 4 spellings

TYPEABLE = re.compile(r"[A-Z0-9]([A-Z0-9-]{0,22}[A-Z0-9])?")


def is_typeable(name: str) -> bool:
    """Tell whether a customer can type a name on any phone: capitals, digits and hyphens, at most 24 of them."""
    return TYPEABLE.fullmatch(name) is not None


def canonical(reference: str) -> str:
    """Return a reference in capitals without spaces and signs, as names of accounts and meters are written."""
    return re.sub(r"[^A-Z0-9-]", "", reference.upper())


def same_meaning(reference: str) -> frozenset[str]:
    """Return the names a reference can stand for but for case, spaces, hyphens, and O for 0 or I for 1."""
    plain = canonical(reference)
    if not plain or len(plain) > LONGEST:
        return frozenset()
    bare = plain.replace("-", "")
    spelt = {spelling for text in (plain, bare) for spelling in _look_alikes(text)}
    hyphened = {f"{text[:i]}-{text[i:]}" for text in spelt for i in range(1, len(text))}
    return frozenset(spelt | hyphened)


def near_misses(reference: str) -> frozenset[str]:
    """Return the names one slip of the finger away: a character more, less, another, or two swapped."""
    text = canonical(reference)
    if len(text) < 3 or len(text) > LONGEST:
        return frozenset()
    ends = [(text[:i], text[i:]) for i in range(len(text) + 1)]
    dropped = {left + right[1:] for left, right in ends if right}
    swapped = {left + right[1] + right[0] + right[2:] for left, right in ends if len(right) > 1}
    changed = {left + letter + right[1:] for left, right in ends if right for letter in LETTERS}
    added = {left + letter + right for left, right in ends for letter in LETTERS}
    return frozenset(dropped | swapped | changed | added) - {text}


def _look_alikes(text: str) -> Iterator[str]:
    places = [i for i, letter in enumerate(text) if letter in LOOK_ALIKE][:DOUBTFUL]
    for letters in product(*(LOOK_ALIKE[text[i]] for i in places)):
        spelt = list(text)
        for i, letter in zip(places, letters, strict=True):
            spelt[i] = letter
        yield "".join(spelt)
