"""Read the pieces of which providers' messages are made: JSON, text, amounts and times, from anybody's bytes.

Nothing here raises for any input: what cannot be read is None, or an Unreadable with the reason.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import NoReturn

from microgrid.providers.payment_facts import Unreadable

LARGEST_BODY = 65_536  # bytes of one callback; the largest seen is about 2,000
LONGEST_TEXT = 200  # characters kept of a free text
LARGEST_AMOUNT_MINOR = 10**15 - 1  # fifteen digits
# East Africa has had no summer time since 1960; providers there write local time without a zone.
NAIROBI = timezone(timedelta(hours=3))

_PLAIN = re.compile(r"[0-9]{1,15}(\.[0-9]{1,12})?([eE]\+?[0-9]{1,2})?")  # 27 digits: Decimal stays exact
_GROUPED = re.compile(r"[0-9]{1,3}(,[0-9]{3}){1,4}(\.[0-9]{1,12})?")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_COMPACT_TIME = re.compile(r"[0-9]{14}")


def json_object(body: bytes) -> dict[str, object] | Unreadable:
    """Return the object a body holds; all numbers in it are the text they were written as."""
    if len(body) > LARGEST_BODY:
        return Unreadable(f"the body has {len(body)} bytes; a callback has at most {LARGEST_BODY}")
    try:
        read = json.loads(
            body.decode("utf-8-sig"),
            parse_int=str,
            parse_float=str,
            parse_constant=_refuse_constant,
            object_pairs_hook=_unique,
        )
    except (ValueError, RecursionError) as error:
        return Unreadable(f"the body is not JSON: {clean(str(error))}")
    return read if isinstance(read, dict) else Unreadable("the body is JSON, but not an object")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number")


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key is there twice")
    return found


def clean(text: str) -> str:
    """Return a text without control characters and lone surrogates, trimmed, at most 200 characters."""
    return _UNPRINTABLE.sub(" ", text[: 4 * LONGEST_TEXT]).strip()[:LONGEST_TEXT]


def text_of(value: object) -> str:
    """Return a text or number as a clean text; anything else is empty."""
    return clean(value) if isinstance(value, str) else ""


def part(found: object, *path: str) -> dict[str, object]:
    """Return the object at a path of keys, or an empty one where there is none."""
    for key in path:
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}


def name_of(value: object) -> str:
    """Return a receipt, id or code; empty unless it is 1 to 64 letters, digits and `._:/-`."""
    text = text_of(value)
    return text if _NAME.fullmatch(text) else ""


def minor_units(value: object, exponent: int) -> int | None:
    """Return an amount in minor units, exactly; None for what is no amount or has a fraction of a minor unit.

    >>> minor_units("10.00", 2), minor_units("600", 0), minor_units("0.5", 0), minor_units("-1", 2)
    (1000, 600, None, None)
    """
    text = text_of(value)
    if not _PLAIN.fullmatch(text):
        return None
    minor = Decimal(text).scaleb(exponent)
    if minor > LARGEST_AMOUNT_MINOR or minor != minor.to_integral_value():
        return None
    return int(minor)


def grouped_minor_units(value: object, exponent: int) -> int | None:
    """Return an amount written for people in minor units: commas may group its thousands.

    >>> grouped_minor_units("1,234.50", 2), grouped_minor_units("1,23", 2)
    (123450, None)
    """
    text = text_of(value)
    return minor_units(text.replace(",", "") if _GROUPED.fullmatch(text) else text, exponent)


def major_text(amount_minor: int, exponent: int) -> str:
    """Return minor units as the decimal text providers expect: 150 cents are `1.50`, 100 are `1.00`."""
    if exponent == 0:
        return str(amount_minor)
    whole, rest = divmod(amount_minor, 10**exponent)
    return f"{whole}.{rest:0{exponent}d}"


def compact_time(value: object) -> datetime | None:
    """Return the UTC moment of Nairobi digits `YYYYMMDDHHmmss`."""
    text = text_of(value)
    return local_time(text, "%Y%m%d%H%M%S") if _COMPACT_TIME.fullmatch(text) else None


def local_time(text: str, layout: str, zone: timezone = NAIROBI) -> datetime | None:
    """Return the UTC moment of a local time in a layout of `strptime`."""
    try:
        return datetime.strptime(text, layout).replace(tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def zoned_time(value: object) -> datetime | None:
    """Return the UTC moment of an RFC 3339 time; a time without a zone is not one."""
    try:
        moment = datetime.fromisoformat(text_of(value))
        return moment.astimezone(UTC) if moment.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None
