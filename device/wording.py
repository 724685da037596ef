"""A message in words, for people and for programs that read JSON: names of fields, and numbers that stand for words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import IntEnum

from device.messages import KIND_OF, Link, Message, Result

_RESULTS = {Result.BAD_MAC: "not proven"}
_LINK_BITS = ("switch", "rows", "gateway", "bands", "clock", "keypad", "three phases")


def in_words(message: Message) -> dict[str, object]:
    """Return a message as what it is and its fields by name; numbers that stand for words are words."""
    found: dict[str, object] = {"message": KIND_OF[type(message)], **_fields(message)}
    if isinstance(message, Link):
        can = [word for bit, word in enumerate(_LINK_BITS) if message.capabilities >> bit & 1]
        found["can"] = can
    return found


def result_in_words(result: Result) -> str:
    """Return what a meter answered, in words."""
    return _RESULTS.get(result, _word(result))


def _fields(record: object) -> Mapping[str, object]:
    assert is_dataclass(record)
    return {each.name: _plain(getattr(record, each.name)) for each in fields(record)}


def _plain(value: object) -> object:
    if isinstance(value, Result):
        return result_in_words(value)
    if isinstance(value, IntEnum):
        return _word(value)
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return _fields(value) if is_dataclass(value) else value


def _word(value: IntEnum) -> str:
    return value.name.lower().replace("_", " ")
