"""One mapping for every record: a frozen dataclass to a row of plain values and back, by the types of its fields.

Times are kept as integer microseconds since 1970 (column `..._us`), dates as ISO text, documents as JSON text: exact,
ordered, and the same on every database.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, timedelta
from operator import attrgetter
from typing import Any, Generic, Literal, NoReturn, TypeVar, Union, get_args, get_origin, get_type_hints

from microgrid.documents import as_text, reader
from microgrid.errors import InvalidInput, Problem

Record = TypeVar("Record")
Value = str | int | bytes | None  # what a driver takes and gives
Kind = Literal["text", "integer", "boolean", "time", "day", "bytes", "document"]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LARGEST = 2**63 - 1  # an integer of a database has 64 bits
LONGEST_INDEXED = 1000  # bytes: two such texts and more fit into one entry of a PostgreSQL index

CHECKED = ("text", "integer", "time")  # kinds with values no database keeps

KINDS: dict[Any, Kind] = {str: "text", int: "integer", bool: "boolean", datetime: "time", date: "day", bytes: "bytes"}


@dataclass(frozen=True, slots=True)
class Column:
    """One column and the field it keeps."""

    name: str
    field: str
    kind: Kind
    optional: bool
    hint: Any


def column(field: str, hint: Any) -> Column:
    """Return the column of a field by its type; `X | None` is a column that may be empty."""
    parts = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    filled = [part for part in parts if part is not type(None)]
    plain: Any = filled[0] if len(filled) == 1 else None
    kind = "text" if get_origin(plain) is Literal else KINDS.get(plain, "document")
    name = f"{field}_us" if kind == "time" else field
    return Column(name, field, kind, len(filled) < len(parts), hint)


class RowMap(Generic[Record]):
    """How records of one type become rows. The key comes first, also where it is made of several fields."""

    def __init__(
        self,
        record: type[Record],
        table: str,
        key: str = "id",
        indexed: tuple[str, ...] = (),
        key_of: Callable[[Record], str] | None = None,
    ) -> None:
        hints = get_type_hints(record)
        own = tuple(column(field.name, hints[field.name]) for field in fields(record))  # type: ignore[arg-type]  # a dataclass, which `type` cannot say
        self._table = table
        self.made_key = key_of
        self.key_of: Callable[[Record], str] = key_of or attrgetter(key)
        self.columns = own if key_of is None else (Column(key, key, "text", optional=False, hint=str), *own)
        self.key = key
        self._record: Callable[..., Record] = record
        self._fields = attrgetter(*(each.field for each in own))
        encoders = [_encoder(table, each, indexed=each.field in (key, *indexed)) for each in own]
        self._by_field = {each.field: encode for each, encode in zip(own, encoders, strict=True)}
        self._encoders = tuple((place, encode) for place, encode in enumerate(encoders) if encode is not _same)
        self._checks = tuple((place, encode) for place, encode in self._encoders if own[place].kind in CHECKED)
        found = ((place, _decoder(each)) for place, each in enumerate(own))
        self._decoders = tuple((place, decode) for place, decode in found if decode is not None)

    def values(self, record: Record) -> list[Value]:
        """Return the row of a record, column by column; InvalidInput when no database can keep it."""
        row = list(self._fields(record))
        for place, encode in self._encoders:
            row[place] = encode(row[place])
        if self.made_key is not None:
            row.insert(0, self.made_key(record))
        return row

    def asked(self, key: str) -> str:
        """Return a key that records are looked up by; InvalidInput when no record can have it."""
        return key if storable_key(key) else _refuse_text(f"{self._table}.{self.key}", key)

    def check(self, record: Record) -> None:
        """Refuse what no database can keep, as `values` does; a store in memory asks this."""
        fields = self._fields(record)
        for place, encode in self._checks:
            encode(fields[place])

    def record(self, row: Sequence[Any]) -> Record:
        """Return the record of a row."""
        values = list(row) if self.made_key is None else list(row[1:])
        for place, decode in self._decoders:
            values[place] = decode(values[place])
        return self._record(*values)

    def records(self, rows: Iterable[Sequence[Any]]) -> list[Record]:
        """Return the records of rows."""
        return [self.record(row) for row in rows]

    def encoded(self, field: str, value: object) -> Value:
        """Return one field's value as its column keeps it."""
        return self._by_field[field](value)


def microseconds(moment: datetime) -> int:
    """Return a moment as microseconds since 1970, exactly; ValueError when it does not say its zone."""
    if moment.tzinfo is None:
        raise ValueError(f"a moment needs its zone, got {moment.isoformat()}; write it with tzinfo=UTC")
    since = moment - EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def moment(microseconds_since: int) -> datetime:
    """Return the UTC moment of microseconds since 1970."""
    return EPOCH + timedelta(microseconds=microseconds_since)


def storable_text(text: str) -> bool:
    """Say whether every database keeps this text as it is: no NUL, no half of a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in text


def storable_key(text: str) -> bool:
    """Say whether every database keeps this text and can find by it."""
    if len(text) > LONGEST_INDEXED // 4 and len(text.encode(errors="replace")) > LONGEST_INDEXED:
        return False
    return storable_text(text)


def _encoder(table: str, each: Column, *, indexed: bool) -> Callable[[Any], Value]:
    where = f"{table}.{each.field}"
    encoders: dict[Kind, Callable[[Any], Value]] = {
        "text": _text_encoder(where, indexed=indexed),
        "integer": lambda number: (
            number if number is None or -LARGEST <= number <= LARGEST else _refuse_number(where, number)
        ),
        "boolean": _same,
        "time": lambda at: None if at is None else microseconds(at),
        "day": lambda day: None if day is None else day.isoformat(),
        "bytes": _same,
        "document": lambda document: None if document is None else as_text(document),
    }
    return encoders[each.kind]


def _text_encoder(where: str, *, indexed: bool) -> Callable[[str | None], str | None]:
    storable = storable_key if indexed else storable_text
    short = LONGEST_INDEXED // 4

    def encode(text: str | None) -> str | None:
        # The first line answers for nearly every text there is; payments have a dozen of them.
        if text is None or (text.isascii() and len(text) <= short and "\0" not in text):
            return text
        return text if storable(text) else _refuse_text(where, text)

    return encode


def _decoder(each: Column) -> Callable[[Any], Any] | None:
    decoders: dict[Kind, Callable[[Any], Any]] = {
        "boolean": bool,  # SQLite keeps 0 and 1
        "time": moment,
        "day": date.fromisoformat,
    }
    read = reader(each.hint) if each.kind == "document" else decoders.get(each.kind)
    if read is None or not each.optional:
        return read
    return lambda value: None if value is None else read(value)


def _same(value: Any) -> Any:
    return value


def _refuse_text(where: str, text: str) -> NoReturn:
    if storable_text(text):
        what = f"{where} cannot be kept: it has {len(text.encode())} bytes and begins with {text[:40]!r}"
        why = f"what records are found by has at most {LONGEST_INDEXED} bytes; nothing was written"
        raise InvalidInput(Problem("MG-L003", what, why=why, fix="shorten it where it comes in"))
    what = f"{where} cannot be kept: {text!r} holds a character that is no text"
    why = "NUL and halves of surrogate pairs cannot be stored by every database; nothing was written"
    raise InvalidInput(Problem("MG-L001", what, why=why, fix="remove that character where the text comes in"))


def _refuse_number(where: str, number: int) -> NoReturn:
    what = f"{where} cannot be kept: {number} is beyond 9,223,372,036,854,775,807"
    why = "amounts, registers and accruals are kept as 64-bit integers; nothing was written"
    raise InvalidInput(Problem("MG-L002", what, why=why, fix="check the amount and its unit"))
