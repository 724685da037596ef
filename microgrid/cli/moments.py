"""Moments, days and times of the day as people type them."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from microgrid.billing.local_time import is_period
from microgrid.errors import InvalidInput, Problem

SPANS = {"s": timedelta(seconds=1), "m": timedelta(minutes=1), "h": timedelta(hours=1)}


def moment(text: str, option: str) -> datetime:
    """Return a moment that somebody typed with its offset from UTC."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.utcoffset() is None:
        raise _refusal(text, option, "a moment with its offset from UTC", "2026-11-23T10:00+03:00")
    return found


def day(text: str, option: str) -> date:
    """Return a day that somebody typed."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or not is_period(found, found, 1):
        raise _refusal(text, option, "a day", "2026-11-23")
    return found


def minutes(text: str, option: str) -> tuple[int, int]:
    """Return the two minutes of the day that somebody typed as hours, such as 22:00-06:00."""
    first, _, last = text.partition("-")
    try:
        return _minute(first), _minute(last)
    except ValueError:
        raise _refusal(text, option, "two times of the day", "22:00-06:00") from None


def span(text: str, option: str) -> timedelta:
    """Return how long something lasts, as somebody typed it: 30s, 2m, 1h, or seconds."""
    number, unit = (text[:-1], text[-1]) if text[-1:] in SPANS else (text, "s")
    if not number.isascii() or not number.isdigit() or len(number) > 6:
        raise _refusal(text, option, "a length of time", "30s, 2m or 1h")
    return int(number) * SPANS[unit]


def _minute(text: str) -> int:
    hour, minute = (int(part) for part in text.split(":"))
    if not (0 <= hour < 24 and 0 <= minute < 60):
        raise ValueError(text)
    return hour * 60 + minute


def _refusal(text: str, option: str, wanted: str, example: str) -> InvalidInput:
    what = f"'{text}' after {option} is not {wanted}; nothing was done"
    return InvalidInput(Problem("MG-M043", what, fix=f"write it as {example}"))
