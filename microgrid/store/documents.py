"""Frozen records as JSON text and back, exactly: how rules documents and states of meters are kept.

Every object carries the name of its record under `is`, so that a union needs no guessing. A field a stored
document does not have takes the record's default; a field the record does not have is refused.
"""

from __future__ import annotations

import json
import types
from collections.abc import Callable, Iterable
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

TAG = "is"
NONE = type(None)
PLAIN = (str, int, bool)

Decode = Callable[[Any], Any]


def as_text(value: object) -> str:
    """Return a record, or a tuple of records, as JSON text."""
    return json.dumps(_as_json(value), separators=(",", ":"))


@cache
def reader(hint: Any) -> Callable[[str], Any]:
    """Return the function that makes a value of this type from its JSON text."""
    decode = _decoder(hint)
    return lambda text: decode(json.loads(text))


def _as_json(value: Any) -> Any:
    if value is None or isinstance(value, PLAIN):
        return value
    if isinstance(value, tuple):
        return [_as_json(item) for item in value]
    if isinstance(value, datetime | date):
        return value.isoformat()
    if is_dataclass(value) and not isinstance(value, type):
        names = _names(type(value))
        return {TAG: type(value).__name__, **{name: _as_json(getattr(value, name)) for name in names}}
    raise TypeError(f"a document cannot hold {type(value).__name__}: {value!r}")


@cache
def _names(record: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(record))


def _decoder(hint: Any) -> Decode:
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return _union([part for part in get_args(hint) if part is not NONE])
    if origin is tuple:
        return _tuple(get_args(hint))
    if hint is datetime or hint is date:
        read: Decode = hint.fromisoformat
        return read
    if hint in PLAIN or origin is Literal:
        return _same
    if is_dataclass(hint):
        return _tagged([hint])
    raise TypeError(f"a document cannot hold a field of type {hint}")


def _same(value: Any) -> Any:
    return value


def _union(parts: list[Any]) -> Decode:
    """Return what reads nothing or one of these types; several are told apart by their tag."""
    decode = _decoder(parts[0]) if len(parts) == 1 else _tagged(parts)
    return lambda value: None if value is None else decode(value)


def _tuple(parts: tuple[Any, ...]) -> Decode:
    if len(parts) != 2 or parts[1] is not Ellipsis:
        raise TypeError(f"a document holds tuples of one type and any length, not {parts}")
    item = _decoder(parts[0])
    return lambda values: tuple([item(value) for value in values])


def _tagged(records: Iterable[Any]) -> Decode:
    """Return what reads an object by its tag. Fields are looked up late: a record may hold its own kind."""
    by_tag = {record.__name__: record for record in records}

    def decode(value: dict[str, Any]) -> Any:
        tag = value.get(TAG)
        if tag not in by_tag:
            raise ValueError(f"a stored document is '{tag}', not one of {', '.join(sorted(by_tag))}")
        return _object(by_tag[tag], value)

    return decode


def _object(record: Any, value: dict[str, Any]) -> Any:
    known = _field_decoders(record)
    strange = sorted(value.keys() - known.keys() - {TAG})
    if strange:
        raise ValueError(f"a stored {record.__name__} has fields this version does not know: {', '.join(strange)}")
    return record(**{name: known[name](part) for name, part in value.items() if name != TAG})


@cache
def _field_decoders(record: Any) -> dict[str, Decode]:
    hints = get_type_hints(record)
    return {field.name: _decoder(hints[field.name]) for field in fields(record)}
