"""Frozen records as JSON text and back, exactly: how rules documents and states of meters are kept.

Every object carries the name of its record under `is`, so that a union needs no guessing. A field a stored
document does not have takes the record's default; a field the record does not have is refused.
"""

from __future__ import annotations

import json
import types
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from functools import cache
from operator import attrgetter
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

TAG = "is"
NONE = type(None)
PLAIN = (str, int, bool)

Decode = Callable[[Any], Any]
Encode = Callable[[Any], str]


def as_text(value: object) -> str:
    """Return a record, or a tuple of records, as JSON text."""
    kind = type(value)
    return (WRITERS.get(kind) or _writer_of(kind))(value)


def as_text_with(record: Any, written: Mapping[str, str]) -> str:
    """Return a record as JSON text, some of whose fields are written already."""
    kind: Any = type(record)
    form, names = _form(kind)
    return form % tuple(written[name] if name in written else as_text(getattr(record, name)) for name in names)


@cache
def reader(hint: Any) -> Callable[[str], Any]:
    """Return the function that makes a value of this type from its JSON text."""
    decode = _decoder(hint)
    return lambda text: decode(json.loads(text))


def _writer_of(kind: type) -> Encode:
    """Return what writes values of a type, made when the first of them is written."""
    if issubclass(kind, tuple):
        write: Encode = _written_list
    elif is_dataclass(kind):
        write = _record_writer(kind)
    else:
        raise TypeError(f"a document cannot hold {kind.__name__}")
    WRITERS[kind] = write
    return write


def _record_writer(kind: type) -> Encode:
    """Return what writes a record field by field; this is on the way of every payment."""
    form, names = _form(kind)
    if len(names) < 2:
        return lambda record: form % tuple(as_text(getattr(record, name)) for name in names)
    values, get, make = attrgetter(*names), WRITERS.get, _writer_of
    return lambda record: form % tuple([(get(type(value)) or make(type(value)))(value) for value in values(record)])


@cache
def _form(kind: Any) -> tuple[str, tuple[str, ...]]:
    """Return a record's text with a gap for each of its fields, and the fields."""
    names = tuple(field.name for field in fields(kind))
    parts = [f'"{TAG}":"{kind.__name__}"', *(f'"{name}":%s' for name in names)]
    return "{" + ",".join(parts) + "}", names


def _written_list(values: Iterable[Any]) -> str:
    return f"[{','.join(map(as_text, values))}]"


def _written_moment(moment: date) -> str:
    return f'"{moment.isoformat()}"'


WRITERS: dict[type, Encode] = {
    NONE: lambda _: "null",
    bool: lambda value: "true" if value else "false",
    int: repr,
    str: json.JSONEncoder().encode,
    datetime: _written_moment,
    date: _written_moment,
}


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
    return decode if decode is _same else lambda value: None if value is None else decode(value)


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
    names, special = _field_decoders(record)
    del value[TAG]
    if not value.keys() <= names:
        strange = ", ".join(sorted(value.keys() - names))
        raise ValueError(f"a stored {record.__name__} has fields this version does not know: {strange}")
    for name, decode in special:
        if (part := value.get(name)) is not None:
            value[name] = decode(part)
    return record(**value)


@cache
def _field_decoders(record: Any) -> tuple[frozenset[str], tuple[tuple[str, Decode], ...]]:
    """Return the names of a record's fields, and what reads those that are not plain; nothing is always nothing."""
    hints = get_type_hints(record)
    found = [(field.name, _decoder(hints[field.name])) for field in fields(record)]
    return frozenset(name for name, _ in found), tuple((name, read) for name, read in found if read is not _same)
