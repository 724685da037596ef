"""The fields of a message while it is read: deterministic CBOR within strict limits, each field as it should be."""

from __future__ import annotations

from typing import Any

import cbor2

LARGEST_BYTES = 512
DEEPEST = 4
LARGEST_U32 = 2**32 - 1
LARGEST_TIME_S = 2**40
LARGEST_WH = 2**48
MOST_ROWS = 200  # more do not fit into a message


class MessageError(ValueError):
    """A message that is not as the protocol says; the text names the field and what it held."""


def loaded(body: bytes) -> dict[int, Any]:
    """Return the map that bytes hold; MessageError when they are not one in the deterministic form."""
    if len(body) > LARGEST_BYTES:
        raise MessageError(f"the message has {len(body)} bytes, more than {LARGEST_BYTES}")
    try:
        found = cbor2.loads(body, max_depth=DEEPEST, allow_indefinite=False, allow_duplicate_keys=False)
        again = cbor2.dumps(found)
    except (cbor2.CBORError, ValueError, TypeError, OverflowError, RecursionError) as error:
        raise MessageError(f"the message is no CBOR of ours: {str(error)[:80]}") from None
    if type(found) is not dict or not all(map(_is_whole, found)):
        raise MessageError("the message is no map with whole numbers as keys")
    keys = list(found)
    if again != body or (keys != list(range(len(keys))) and keys != sorted(keys, key=_place)):  # the usual comes first
        raise MessageError("the message is not in the deterministic form")
    return found


def _place(key: int) -> tuple[bool, int]:
    """Return where a key stands in the deterministic form: by its bytes, so those below zero come last."""
    return key < 0, abs(key)


def refuse_unplain(given: dict[int, Any], known: tuple[int, ...]) -> None:
    """Refuse a message that lacks a key, or whose unknown keys hold more than numbers, texts, lists and maps."""
    if tuple(given) == known:
        return
    missing = [key for key in known if key not in given]
    if missing:
        raise MessageError(f"key {missing[0]} is missing")
    for key, value in given.items():
        if key not in known and not _is_plain(value):
            raise MessageError(f"unknown key {key} holds neither numbers nor texts")


def _is_plain(value: object) -> bool:
    if isinstance(value, list):
        return all(map(_is_plain, value))
    if isinstance(value, dict):
        return all(_is_plain(each) for pair in value.items() for each in pair)
    return value is None or _is_whole(value) or type(value) in (bool, bytes, str)


def _is_whole(value: object) -> bool:
    """Return whether a value is a whole number as CBOR writes it without a tag."""
    return type(value) is int and -(2**64) <= value < 2**64


class Fields:
    """The fields of one message while it is read."""

    __slots__ = ("given",)

    def __init__(self, given: dict[int, Any]) -> None:
        self.given = given

    def whole(self, key: int, name: str, low: int = 0, high: int = LARGEST_U32) -> int:
        """Return the whole number of a key; MessageError for anything else."""
        value = self.given.get(key)
        if type(value) is not int or not low <= value <= high:
            raise bad(name, key, value, f"a whole number from {low} to {high}")
        return value

    def optional(self, key: int, name: str, low: int = 0, high: int = LARGEST_U32) -> int | None:
        """Return the whole number of a key, or nothing where null stands."""
        return None if self.given.get(key) is None else self.whole(key, name, low, high)

    def wholes(self, key: int, name: str, low: int, high: int, exactly: int | None = None) -> tuple[int, ...]:
        """Return the whole numbers of a key."""
        return wholes(self.given.get(key), key, name, low, high, exactly)


def bad(name: str, key: int, value: object, wanted: str) -> MessageError:
    """Return the error for a field that is not as wanted."""
    return MessageError(f"{name} (key {key}) is {str(value)[:40]!r}, not {wanted}")


def wholes(value: object, key: int, name: str, low: int, high: int, exactly: int | None = None) -> tuple[int, ...]:
    """Return a list of whole numbers within bounds, as many as wanted; MessageError for anything else."""
    wanted = f"a list of {'' if exactly is None else f'{exactly} '}whole numbers from {low} to {high}"
    if type(value) is not list or len(value) > MOST_ROWS or exactly not in (None, len(value)):
        raise bad(name, key, value, wanted)
    for each in value:
        if type(each) is not int or not low <= each <= high:
            raise bad(name, key, each, wanted)
    return tuple(value)
