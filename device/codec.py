"""Messages as bytes: deterministic CBOR (RFC 8949, 4.2) with whole numbers as keys, and strict limits on what is read.

Unknown keys are ignored, so that a newer service can say more; everything else that is not as the protocol says is
refused, naming the field and what it held.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import cbor2

from device.fields import (
    LARGEST_TIME_S,
    LARGEST_U32,
    LARGEST_WH,
    Fields,
    MessageError,
    bad,
    loaded,
    refuse_unplain,
    wholes,
)
from device.messages import (
    SCHEMA,
    ClockQuality,
    Desired,
    Event,
    EventKind,
    FailTerms,
    Link,
    Message,
    Readings,
    Relay,
    Reported,
    Request,
    RequestKind,
    Result,
)


def encode(message: Message) -> bytes:
    """Return a message as deterministic CBOR."""
    return cbor2.dumps(_WRITERS[type(message)](message))


def decode(kind: str, body: bytes) -> Message:
    """Return the message of a kind (`desired`, `readings`, ...) that bytes hold; MessageError when they hold none."""
    reader = _READERS.get(kind)
    if reader is None:
        raise MessageError(f"there is no message of kind {kind[:20]!r}")
    fields = Fields(loaded(body))
    refuse_unplain(fields.given, _KEYS[kind])
    if fields.whole(0, "schema", 0, 255) != SCHEMA:
        raise MessageError(f"schema is {fields.given[0]}, this is schema {SCHEMA}")
    return reader(fields)


_fail_terms = lru_cache(maxsize=256)(FailTerms)  # the meters of a site share theirs

# Desired --------------------------------------------------------------------------------------------------------------


def _write_desired(message: Desired) -> dict[int, object]:
    fail = message.fail
    return {
        0: SCHEMA,
        1: message.revision,
        2: int(message.on),
        3: message.cutoff_wh,
        4: message.until_s,
        5: message.power_limit_w,
        6: message.service_time_s,
        7: [
            fail.grace_s,
            fail.lifeline_w,
            fail.lifeline_s,
            int(fail.critical),
            fail.quiet_from_s,
            fail.quiet_to_s,
            fail.quiet_max_wh,
        ],
        8: message.not_after_s,
        9: message.epoch,
        10: message.tokens_included,
        11: message.daily_wh,
        12: message.day_start_s,
    }


def _read_desired(fields: Fields) -> Desired:
    grace_s, lifeline_w, lifeline_s, critical, *quiet = fields.wholes(7, "fail policy", 0, LARGEST_U32, 7)
    if critical > 1:
        raise bad("fail policy critical", 7, critical, "0 or 1")
    for second in quiet[:2]:
        if second > 86_400:
            raise bad("fail policy quiet hours", 7, second, "seconds of a day")
    return Desired(
        fields.whole(1, "revision"),
        fields.whole(2, "supply", 0, 1) == 1,
        fields.optional(3, "cutoff_wh", 0, LARGEST_WH),
        fields.optional(4, "until", 0, LARGEST_TIME_S),
        fields.optional(5, "power_limit_w"),
        fields.whole(6, "service time", 0, LARGEST_TIME_S),
        _fail_terms(grace_s, lifeline_w, lifeline_s, critical == 1, quiet[0], quiet[1], quiet[2]),
        fields.whole(8, "not-after", 0, LARGEST_TIME_S),
        fields.whole(9, "register epoch"),
        fields.whole(10, "tokens included"),
        fields.optional(11, "daily_wh"),
        fields.whole(12, "start of day", 0, 86_400),
    )


# Request --------------------------------------------------------------------------------------------------------------


def _write_request(message: Request) -> dict[int, object]:
    return {
        0: SCHEMA,
        1: int(message.kind),
        2: message.number,
        3: message.boot,
        4: message.birth,
        5: message.service_time_s,
        6: None if message.seqs is None else list(message.seqs),
    }


def _read_request(fields: Fields) -> Request:
    seqs = None
    if fields.given.get(6) is not None:
        first, last = fields.wholes(6, "rows asked for", 0, LARGEST_U32, 2)
        if last < first:
            raise bad("rows asked for", 6, [first, last], "a first row and one not before it")
        seqs = (first, last)
    return Request(
        RequestKind(fields.whole(1, "kind", 0, 3)),
        fields.whole(2, "number"),
        fields.whole(3, "boot"),
        fields.whole(4, "birth"),
        fields.whole(5, "service time", 0, LARGEST_TIME_S),
        seqs,
    )


# Reported -------------------------------------------------------------------------------------------------------------


def _write_reported(message: Reported) -> dict[int, object]:
    return {
        0: SCHEMA,
        1: message.revision,
        2: int(message.relay),
        3: message.register_wh,
        4: int(message.result),
        5: message.time_s,
        6: message.boot,
        7: message.power_w,
        8: message.tokens,
        9: message.epoch,
        10: message.seconds_left,
    }


def _read_reported(fields: Fields) -> Reported:
    return Reported(
        fields.whole(1, "revision"),
        Relay(fields.whole(2, "relay", 0, 2)),
        fields.whole(3, "register_wh", 0, LARGEST_WH),
        Result(fields.whole(4, "result", 0, 6)),
        fields.whole(5, "time", 0, LARGEST_TIME_S),
        fields.whole(6, "boot"),
        fields.whole(7, "power_w"),
        fields.whole(8, "tokens"),
        fields.whole(9, "register epoch"),
        fields.optional(10, "seconds left", 0, LARGEST_TIME_S),
    )


# Readings -------------------------------------------------------------------------------------------------------------


def _write_readings(message: Readings) -> dict[int, object]:
    columns: list[object] = [
        message.interval_s,
        message.first_voltage_dv,
        list(message.register_deltas_wh),
        None if message.voltage_deltas_dv is None else list(message.voltage_deltas_dv),
        None if message.current_ma is None else list(message.current_ma),
        _flat(message.time_exceptions),
        _flat(message.relay_changes),
        _flat(message.power_w),
    ]
    return {
        0: SCHEMA,
        1: message.epoch,
        2: message.first_seq,
        3: message.first_time_s,
        4: message.base_register_wh,
        5: columns,
        6: message.flags,
        7: message.revision,
        8: None if message.bands_wh is None else list(message.bands_wh),
    }


def _read_readings(fields: Fields) -> Readings:
    columns = fields.given.get(5)
    if type(columns) is not list or len(columns) != 8:
        raise bad("columns", 5, columns, "a list of 8 columns")
    inside = Fields(dict(enumerate(columns)))
    deltas = inside.wholes(2, "register column", 0, LARGEST_U32)
    rows = len(deltas) + 1
    bands = fields.given.get(8)
    return Readings(
        fields.whole(1, "register epoch"),
        fields.whole(2, "seq"),
        fields.whole(3, "time", 0, LARGEST_TIME_S),
        fields.whole(4, "base_register_wh", 0, LARGEST_WH),
        inside.whole(0, "interval column", 1, 86_400),
        inside.optional(1, "first voltage column"),
        deltas,
        _column(columns, 3, "voltage column", -LARGEST_U32, rows - 1),
        _column(columns, 4, "current column", 0, rows),
        _pairs(columns, 5, "time column", rows),
        _pairs(columns, 6, "relay column", rows),
        _pairs(columns, 7, "power column", rows),
        fields.whole(6, "flags"),
        fields.whole(7, "revision"),
        None if bands is None else fields.wholes(8, "bands", 0, LARGEST_WH),
    )


def _column(columns: list[Any], place: int, name: str, low: int, count: int) -> tuple[int, ...] | None:
    given = columns[place]
    return None if given is None else wholes(given, place, name, low, LARGEST_U32, count)


def _pairs(columns: list[Any], place: int, name: str, rows: int) -> tuple[tuple[int, int], ...] | None:
    if columns[place] is None:
        return None
    flat = wholes(columns[place], place, name, 0, LARGEST_U32)
    pairs = tuple(zip(flat[::2], flat[1::2], strict=False))
    if len(flat) % 2 or any(row >= rows for row, _ in pairs):
        raise bad(name, place, list(flat), f"pairs of a row below {rows} and its value")
    return pairs


def _flat(pairs: tuple[tuple[int, int], ...] | None) -> list[int] | None:
    return None if pairs is None else [number for pair in pairs for number in pair]


# Event and link -------------------------------------------------------------------------------------------------------


def _write_event(message: Event) -> dict[int, object]:
    return {
        0: SCHEMA,
        1: message.epoch,
        2: message.seq,
        3: int(message.kind),
        4: message.value,
        5: message.time_s,
    }


def _read_event(fields: Fields) -> Event:
    return Event(
        fields.whole(1, "register epoch"),
        fields.whole(2, "seq"),
        EventKind(fields.whole(3, "kind", 1, 7)),
        fields.whole(4, "value", 0, LARGEST_WH),
        fields.whole(5, "time", 0, LARGEST_TIME_S),
    )


def _write_link(message: Link) -> dict[int, object]:
    return {
        0: SCHEMA,
        1: message.boot,
        2: int(message.here),
        3: message.firmware,
        4: message.capabilities,
        5: message.birth,
        6: message.last_seq,
        7: message.tokens,
        8: int(message.clock),
    }


def _read_link(fields: Fields) -> Link:
    return Link(
        fields.whole(1, "boot"),
        fields.whole(2, "here", 0, 1) == 1,
        fields.whole(3, "firmware"),
        fields.whole(4, "capabilities"),
        fields.whole(5, "birth"),
        fields.whole(6, "last seq"),
        fields.whole(7, "tokens"),
        ClockQuality(fields.whole(8, "clock", 0, 1)),
    )


_WRITERS: dict[type, Callable[[Any], dict[int, object]]] = {
    Desired: _write_desired,
    Request: _write_request,
    Reported: _write_reported,
    Readings: _write_readings,
    Event: _write_event,
    Link: _write_link,
}
_KEYS = {
    kind: tuple(range(count))
    for kind, count in (("desired", 13), ("request", 7), ("reported", 11), ("readings", 9), ("event", 6), ("link", 9))
}
_READERS: dict[str, Callable[[Fields], Message]] = {
    "desired": _read_desired,
    "request": _read_request,
    "reported": _read_reported,
    "readings": _read_readings,
    "event": _read_event,
    "link": _read_link,
}
