"""Time stamps as people write them: from the texts of a time column to seconds in UTC.

Read are ISO 8601 (`2025-01-31T18:00`, with or without offset), `20250131:1800`, and dates with the day or the
month first as spreadsheets write them; which of the two it is follows from the content, or is refused.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from microgrid.errors import Problem

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
DAY_S = 86_400
PROBLEMS_MAX = 20
TEXT_MAX = 40  # characters of a stamp that are looked at

_CLOCK = (
    r"(?:(?:[T ] *|(?<=9):)(?P<hour>9{1,2})(?::?(?P<minute>99)(?::(?P<second>99)(?:\.9*)?)?)?"
    r" *(?P<half>[AP]M)?)?"
    r" *(?P<zone>Z|UTC|(?P<sign>[+-])(?P<zone_h>99)(?::?(?P<zone_min>99))?)?"
)
_PATTERNS = tuple(
    re.compile(date + _CLOCK, re.IGNORECASE)
    for date in (
        r"(?P<year>9{4})(?P<bar>[-/.])(?P<month>9{1,2})(?P=bar)(?P<day>9{1,2})",
        r"(?P<year>9{4})(?P<month>99)(?P<day>99)",
        r"(?P<one>9{1,2})(?P<bar>[-/.])(?P<two>9{1,2})(?P=bar)(?P<year>9{4})",
    )
)
_NUMBERS = ("year", "month", "day", "one", "two", "hour", "minute", "second", "zone_h", "zone_min")


@dataclass(frozen=True, slots=True, eq=False)
class Stamps:
    """The times of a file's rows, in the order of the file, and what had to be assumed to read them.

    `clock_s` is what is written, `utc_s` what it means: whole seconds since 1970-01-01, shape (n,). Both are
    only meaningful when `problems` is empty.
    """

    clock_s: IntArray
    utc_s: IntArray
    notes: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class _Parsed:
    """What stands in the texts: numbers per row, and which rows have no day order, no offset or no sense."""

    number: dict[str, IntArray]
    free_order: BoolArray
    has_offset: BoolArray
    offset_s: IntArray
    unread: BoolArray


def parse_times(texts: Sequence[str], lines: Sequence[int], zone: str, file: str = "", column: int = 0) -> Stamps:
    """Read time stamps; those without an offset are the clock of `zone` (IANA name), summer time included.

    `lines` are the numbers of the rows in `file`, for messages. A file that shows by its content that it
    keeps standard time all year (it has the hour that summer time skips) is read so, and noted.
    """
    if not texts:
        nothing = np.zeros(0, dtype=np.int64)
        return Stamps(nothing, nothing)
    parsed = _parse(texts)
    clock_s, parsed, notes, problem = _clock(parsed)
    if problem is not None:
        return Stamps(clock_s, clock_s, (), (replace(problem, file=file, line=lines[0], column=column),))
    unread = _unread_problems(parsed.unread, texts, lines, file, column)
    if unread:
        return Stamps(clock_s, clock_s, notes, unread)
    if parsed.has_offset.all():
        return Stamps(clock_s, clock_s - parsed.offset_s, notes)
    if parsed.has_offset.any():
        return Stamps(clock_s, clock_s, notes, (_mixed_offsets(parsed.has_offset, texts, lines, file, column),))
    local = local_to_utc(clock_s, lines, zone, file)
    return Stamps(clock_s, local.utc_s, notes + local.notes, local.problems)


def standard_offset_s(zone: str, year: int = 2025) -> int:
    """Return how far the standard time of a zone is ahead of UTC, in seconds, without summer time.

    The smaller of the offsets on 1 January and 1 July: unlike the tables' own summer-time flag this is also
    right for Ireland (winter time is filed as the exception) and Morocco (the month of Ramadan is).
    """
    days = (datetime(year, 1, 1, tzinfo=UTC), datetime(year, 7, 1, tzinfo=UTC))
    return min(_offset_s(int(day.timestamp()), ZoneInfo(zone)) for day in days)


def text_of(second: int) -> str:
    """Return seconds since 1970 as people read it, such as `2025-01-31 18:00`."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=int(second))
    return moment.strftime("%Y-%m-%d %H:%M")


def _parse(texts: Sequence[str]) -> _Parsed:
    """Take the numbers out of all texts; rows of one shape (digits as 9) are read together, by column."""
    size = len(texts)
    letters = np.array([text.strip()[:TEXT_MAX] or "?" for text in texts], dtype=np.str_)
    codes = letters.view(np.uint32).reshape(size, -1)
    digits = (codes >= ord("0")) & (codes <= ord("9"))
    shapes = np.where(digits, np.uint32(ord("9")), codes)
    parsed = _Parsed(
        {name: np.zeros(size, dtype=np.int64) for name in _NUMBERS},
        np.zeros(size, dtype=np.bool_),
        np.zeros(size, dtype=np.bool_),
        np.zeros(size, dtype=np.int64),
        np.zeros(size, dtype=np.bool_),
    )
    for rows in _like_rows(shapes):
        _read_shape("".join(map(chr, shapes[rows[0]])).rstrip("\0"), rows, codes, parsed)
    return parsed


def _like_rows(shapes: npt.NDArray[np.uint32]) -> list[IntArray]:
    """Return the row numbers of each distinct shape (rows are compared by a 64-bit hash)."""
    primes = np.array([pow(1099511628211, 1 + i, 2**64) for i in range(shapes.shape[1])], dtype=np.uint64)
    key = shapes.astype(np.uint64) @ primes
    order = np.argsort(key, kind="stable").astype(np.int64)
    cuts = np.flatnonzero(np.diff(key[order])) + 1
    return np.split(order, cuts)


def _read_shape(shape: str, rows: IntArray, codes: npt.NDArray[np.uint32], parsed: _Parsed) -> None:
    """Fill the numbers of all rows of one shape, or mark them as unread."""
    found = next((match for pattern in _PATTERNS if (match := pattern.fullmatch(shape))), None)
    if found is None:
        parsed.unread[rows] = True
        return
    groups = found.groupdict()
    for name in _NUMBERS:
        if groups.get(name) is not None:
            first, end = found.span(name)
            tens = 10 ** np.arange(end - first - 1, -1, -1, dtype=np.int64)
            parsed.number[name][rows] = (codes[rows, first:end].astype(np.int64) - ord("0")) @ tens
    if groups["half"]:
        parsed.unread[rows] = (parsed.number["hour"][rows] < 1) | (parsed.number["hour"][rows] > 12)
        parsed.number["hour"][rows] %= 12
        parsed.number["hour"][rows] += 12 * (groups["half"].upper() == "PM")
    parsed.free_order[rows] = "one" in groups
    parsed.has_offset[rows] = groups["zone"] is not None
    sign = -1 if groups["sign"] == "-" else 1
    minutes = 60 * parsed.number["zone_h"][rows] + parsed.number["zone_min"][rows]
    parsed.offset_s[rows] = 60 * sign * minutes


def _clock(parsed: _Parsed) -> tuple[IntArray, _Parsed, tuple[str, ...], Problem | None]:
    """Return the clock in seconds, deciding first whether the day or the month is written first."""
    free = parsed.free_order & ~parsed.unread
    free &= np.minimum(parsed.number["one"], parsed.number["two"]) <= 12  # 31/31 fits no order: it is no date
    if not free.any():
        return (*_seconds(parsed), (), None)
    one, two = parsed.number["one"][free], parsed.number["two"][free]
    orders = [
        _with_order(parsed, "one", "two"),  # day first
        _with_order(parsed, "two", "one"),
    ]
    fits = [bool((two <= 12).all()), bool((one <= 12).all())]
    if fits == [True, True]:
        fits = [_is_regular(_seconds(order)[0][~parsed.unread]) for order in orders]
    if fits[0] == fits[1]:
        return (*_seconds(orders[0]), (), _order_unknown(both=fits[0]))
    written = "day/month/year" if fits[0] else "month/day/year"
    return (*_seconds(orders[0] if fits[0] else orders[1]), (f"dates are read as {written}",), None)


def _with_order(parsed: _Parsed, day: str, month: str) -> _Parsed:
    number = dict(parsed.number)
    number["day"] = np.where(parsed.free_order, number[day], number["day"])
    number["month"] = np.where(parsed.free_order, number[month], number["month"])
    return replace(parsed, number=number)


def _is_regular(clock_s: IntArray) -> bool:
    """Tell whether times follow each other in one small step, as only one of two readings of a date does."""
    steps = np.diff(clock_s)
    return steps.size == 0 or bool((steps == steps[0]).all() and abs(int(steps[0])) <= DAY_S)


def _seconds(parsed: _Parsed) -> tuple[IntArray, _Parsed]:
    """Return the clock in seconds since 1970 and mark what is no date; 24:00 ends its day."""
    n = parsed.number
    month_ok = (n["month"] >= 1) & (n["month"] <= 12) & (n["year"] >= 1900) & (n["year"] <= 2200)
    month = (n["year"] - 1970).astype("M8[Y]").astype("M8[M]") + np.where(month_ok, n["month"] - 1, 0)
    day = month.astype("M8[D]") + (n["day"] - 1)
    is_day = month_ok & (n["day"] >= 1) & (day.astype("M8[M]") == month)
    seconds = 3600 * n["hour"] + 60 * n["minute"] + n["second"]
    is_clock = (n["minute"] < 60) & (n["second"] < 60) & (seconds <= DAY_S) & (np.abs(parsed.offset_s) <= DAY_S)
    clock_s = day.astype(np.int64) * DAY_S + seconds
    return clock_s, replace(parsed, unread=parsed.unread | ~is_day | ~is_clock)


def _order_unknown(*, both: bool) -> Problem:
    what = "dates fit both day/month and month/day" if both else "some dates are day/month, others month/day"
    return Problem(
        code="MG-D291",
        what=what,
        why="the year can come out shuffled, and a plan built on it would look right",
        fix="write the times as 2025-01-31 18:00",
    )


def _unread_problems(
    unread: BoolArray, texts: Sequence[str], lines: Sequence[int], file: str, column: int
) -> tuple[Problem, ...]:
    return tuple(
        Problem(
            code="MG-D290",
            what=f"cannot read {texts[row].strip()!r} as a time",
            fix="write times as 2025-01-31 18:00 or 2025-01-31T18:00+03:00",
            file=file,
            line=lines[row],
            column=column,
        )
        for row in np.flatnonzero(unread)[:PROBLEMS_MAX]
    )


def _mixed_offsets(
    has_offset: BoolArray, texts: Sequence[str], lines: Sequence[int], file: str, column: int
) -> Problem:
    row = int(np.flatnonzero(has_offset != has_offset[0])[0])
    odd = "has" if has_offset[row] else "has no"
    return Problem(
        code="MG-D292",
        what=f"time {texts[row].strip()!r} {odd} UTC offset, unlike the rows before it",
        fix="write the offset in every row, or in none",
        file=file,
        line=lines[row],
        column=column,
    )


# --- clocks with summer time ---


def local_to_utc(clock_s: IntArray, lines: Sequence[int], zone: str, file: str = "") -> Stamps:
    """Return what the clock of a zone means in UTC, for rows in the order of the file.

    In the hour that autumn repeats, the first of two equal stamps is summer time, the second standard time.
    """
    starts_s, offsets_s = _offsets(zone, int(clock_s.min()), int(clock_s.max()))
    hits = np.zeros(clock_s.size, dtype=np.int64)
    first_s, last_s = clock_s - offsets_s[0], clock_s - offsets_s[0]
    for start_s, end_s, offset_s in zip(starts_s, (*starts_s[1:], 2**62), offsets_s, strict=True):
        utc_s = clock_s - offset_s
        here = (utc_s >= start_s) & (utc_s < end_s)
        first_s = np.where(here & (hits == 0), utc_s, first_s)
        last_s = np.where(here, utc_s, last_s)
        hits += here
    again = _said_twice(clock_s, hits == 2)
    plain = Stamps(clock_s, np.where(again, last_s, first_s))
    if not _keeps_standard_time(clock_s, hits, again, len(offsets_s)):
        return plain
    if again.any():
        return replace(plain, problems=(_no_such_time(clock_s, hits, lines, zone, file),))
    standard_s = standard_offset_s(zone, _year(int(clock_s[0])))
    note = f"times show no change to summer time: read as standard time, {_utc_text(standard_s)}, all year"
    return Stamps(clock_s, clock_s - standard_s, (note,))


def _said_twice(clock_s: IntArray, repeated: BoolArray) -> BoolArray:
    """Mark the later, in time, of two equal stamps in the hour that autumn repeats."""
    rows = np.flatnonzero(repeated)
    if clock_s[-1] < clock_s[0]:  # newest first
        rows = rows[::-1]
    again = np.zeros(clock_s.size, dtype=np.bool_)
    _, first = np.unique(clock_s[rows], return_index=True)
    again[np.delete(rows, first)] = True
    return again


def _keeps_standard_time(clock_s: IntArray, hits: IntArray, again: BoolArray, segments: int) -> bool:
    """Tell whether a clock ran on where summer time would have skipped or repeated an hour."""
    if (hits == 0).any():
        return True
    only_autumn = segments == 2 and bool((hits == 2).any()) and not again.any()
    return only_autumn and _is_regular(clock_s)


def _no_such_time(clock_s: IntArray, hits: IntArray, lines: Sequence[int], zone: str, file: str) -> Problem:
    row = int(np.flatnonzero(hits == 0)[0])
    return Problem(
        code="MG-D294",
        what=f"time {text_of(int(clock_s[row]))} does not exist in {zone}: clocks skip that hour",
        why="another row of the file does follow summer time, so the clock cannot be standard time either",
        fix="export the times in UTC, such as 2025-03-30T01:00Z",
        file=file,
        line=lines[row],
    )


def _offsets(zone: str, first_s: int, last_s: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return from when (UTC seconds) which offset holds in a zone, around two clock times."""
    info = ZoneInfo(zone)
    starts, offsets = [-(2**62)], [_offset_s(first_s - 2 * DAY_S, info)]
    for day_s in range(first_s - 2 * DAY_S, last_s + 2 * DAY_S, DAY_S):
        after = _offset_s(day_s + DAY_S, info)
        if after != offsets[-1]:
            starts.append(_change_s(day_s, day_s + DAY_S, info))
            offsets.append(after)
    return tuple(starts), tuple(offsets)


def _change_s(low_s: int, high_s: int, info: ZoneInfo) -> int:
    """Return the first second between two times at which a zone has its later offset."""
    before = _offset_s(low_s, info)
    while high_s - low_s > 1:
        middle_s = (low_s + high_s) // 2
        low_s, high_s = (middle_s, high_s) if _offset_s(middle_s, info) == before else (low_s, middle_s)
    return high_s


def _offset_s(utc_s: int, info: ZoneInfo) -> int:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=utc_s)
    offset = moment.astimezone(info).utcoffset()
    assert offset is not None  # every zone of the IANA tables has one
    return int(offset.total_seconds())


def _year(second: int) -> int:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=second)).year


def _utc_text(offset_s: int) -> str:
    sign = "-" if offset_s < 0 else "+"
    return f"UTC{sign}{abs(offset_s) // 3600:02d}:{abs(offset_s) // 60 % 60:02d}"
