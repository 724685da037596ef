"""OpenPAYGO Metrics: the names, times and signatures of messages between a small meter and the service.

Source: OpenPAYGO Metrics 1.0-rc1 and the signatures its published library makes.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from enum import StrEnum

from device.openpaygo import KEY_BYTES, keyed_hash

Message = Mapping[str, object]

_SHORT_NAMES = {
    "serial_number": "sn",
    "timestamp": "ts",
    "request_count": "rc",
    "data_collection_timestamp": "dct",
    "data_format_id": "df",
    "data_format": "dfo",
    "data": "d",
    "historical_data": "hd",
    "accessories": "acc",
    "auth": "a",
    "token_list": "tkl",
    "active_until_timestamp": "auts",
    "active_seconds_left": "asl",
    "settings": "st",
    "extra_data": "ed",
    "token_count": "tc",
    "active_until_timestamp_requested": "autsr",
    "active_seconds_left_requested": "aslr",
}
_LONG_NAMES = {short: name for name, short in _SHORT_NAMES.items()} | {"dtc": "data_collection_timestamp"}


class Method(StrEnum):
    """What a signature covers: the serial number alone, with the time, with the request's number, or everything."""

    SERIAL = "sa"
    TIME = "ta"
    NUMBER = "ca"
    DATA = "da"
    CHAINED = "ra"


def long_names(message: Message) -> dict[str, object]:
    """Return a message under long names; `dtc`, which one library writes for `dct`, is understood."""
    return {_LONG_NAMES.get(name, name): value for name, value in message.items()}


def short_names(message: Message) -> dict[str, object]:
    """Return a message under the short names that small meters use."""
    return {_SHORT_NAMES.get(name, name): value for name, value in message.items()}


def request_signature(key: bytes, method: Method, message: Message) -> str:
    """Return the `auth` of a request, given under long names and as JSON reads it."""
    return _request_signature(_padded(key), method, message)


def is_genuine(key: bytes, message: Message) -> bool:
    """Return whether a request, given under long names, was signed with this key.

    Meters in the field leave out leading zeros of the hash; both forms are accepted. A signature that covers
    less than the data proves only who sent it: see `Method`.
    """
    claimed = str(message.get("auth", ""))
    if claimed[:2] not in set(Method) or not isinstance(message.get("serial_number"), str):
        return False
    method = Method(claimed[:2])
    forms = [_request_signature(form(key), method, message) for form in (_padded, _bare)]
    return any(hmac.compare_digest(claimed.encode(), expected.encode()) for expected in forms)


def answer_signature(key: bytes, request: Message, answer: Message) -> str:
    """Return the `auth` of the answer to a request, both under long names."""
    parts = [str(request["serial_number"]), *_numbers(request, "timestamp", "request_count")]
    parts += _numbers(answer, "active_until_timestamp", "active_seconds_left")
    parts += [_compact(answer[name]) for name in ("token_list", "settings", "extra_data") if answer.get(name)]
    return Method.DATA + _padded(key)("".join(parts))


def seconds_left(until: datetime, now: datetime) -> int:
    """Return for how many whole seconds supply is paid, 0 when that time is over."""
    return max(0, int((_utc(until) - _utc(now)).total_seconds()))


def active_until(until: datetime) -> int:
    """Return the end of paid time as whole seconds since 1970 in UTC."""
    return int(_utc(until).timestamp())


def _request_signature(hashed: Callable[[str], str], method: Method, message: Message) -> str:
    serial = str(message["serial_number"])
    if method is Method.CHAINED:
        return method + _chained(hashed, serial, message)
    covered = {
        Method.SERIAL: (),
        Method.TIME: ("timestamp",),
        Method.NUMBER: ("request_count",),
        Method.DATA: ("timestamp", "request_count"),
    }[method]
    parts = [serial, *_numbers(message, *covered)]
    if method is Method.DATA:
        parts += [_compact(message[name]) for name in ("data", "historical_data") if message.get(name)]
    return method + hashed("".join(parts))


def _chained(hashed: Callable[[str], str], serial: str, message: Message) -> str:
    rows = message.get("historical_data")
    data = [_compact(message.get("data", [])), *(_compact(row) for row in (rows if isinstance(rows, list) else []))]
    links = [*_numbers(message, "timestamp", "request_count"), *data]
    chain = hashed(serial)
    for link in links:
        chain = hashed(chain + link)
    return chain


def _padded(key: bytes) -> Callable[[str], str]:
    return lambda text: f"{_hash(key, text):016x}"


def _bare(key: bytes) -> Callable[[str], str]:
    return lambda text: f"{_hash(key, text):x}"


def _hash(key: bytes, text: str) -> int:
    if len(key) != KEY_BYTES:
        raise ValueError(f"a key has {KEY_BYTES} bytes, this one has {len(key)}")
    return keyed_hash(key, text.encode())


def _numbers(message: Message, *names: str) -> list[str]:
    return [str(message[name]) for name in names if message.get(name)]


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError(f"a moment needs its zone, got {moment.isoformat()}")
    return moment.astimezone(UTC)
