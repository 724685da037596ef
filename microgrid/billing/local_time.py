"""Days, months and minutes on the clock of a site, as UTC moments; exact where clocks change.

A local day begins at the moment its midnight would show, and ends where the next one begins: every moment belongs to
one day, days follow each other without gaps, also where midnight is skipped or comes twice.
"""

from __future__ import annotations

from bisect import bisect_right
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)
FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2199, 12, 31)  # that anybody can ask about
MINUTES_OF_DAY = 24 * 60


@lru_cache(maxsize=4096)
def day_start(day: date, zone: ZoneInfo) -> datetime:
    """Return the UTC moment at which a local day begins."""
    return datetime.combine(day, time.min, zone).astimezone(UTC)


def is_period(first: date, last: date, days_max: int) -> bool:
    """Tell whether these can be the first and the last of so many days at most, in years that every clock shows."""
    return FIRST_DAY <= first <= last <= LAST_DAY and last - first < DAY * days_max


def local_day(at: datetime, zone: ZoneInfo) -> date:
    """Return the local day a moment belongs to."""
    day = at.astimezone(zone).date()
    if at < day_start(day, zone):
        return day - DAY
    return day + DAY if day_start(day + DAY, zone) <= at else day


def days_later(at: datetime, days: int, zone: ZoneInfo) -> datetime:
    """Return the moment at which the same wall clock of the site shows the same time so many days later."""
    local = at.astimezone(zone)
    return local.replace(tzinfo=None, fold=0).__add__(DAY * days).replace(tzinfo=zone).astimezone(UTC)


def month_start(day: date) -> date:
    """Return the first day of a day's month."""
    return day.replace(day=1)


def next_month(day: date) -> date:
    """Return the first day of the month after a day's."""
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)


def days_of_month(day: date) -> tuple[date, ...]:
    """Return every day of a day's month."""
    return _days_from(month_start(day))


def local_minute(at: datetime, zone: ZoneInfo) -> int:
    """Return the minute of the day that a clock on the wall shows."""
    local = at.astimezone(zone)
    return local.hour * 60 + local.minute


@lru_cache(maxsize=4096)
def moments_of_day(day: date, zone: ZoneInfo, minutes: tuple[int, ...]) -> tuple[datetime, ...]:
    """Return when a local day begins and when its wall clock passes these minutes, in order.

    On a day on which clocks change, the change itself and both readings of a minute shown twice are among them.
    """
    start, end = day_start(day, zone), day_start(day + DAY, zone)
    found = {start}
    for fold in (0, 1):
        for minute in minutes:
            wall = datetime.combine(day, time(minute // 60 % 24, minute % 60, fold=fold), zone)
            found.add(wall.astimezone(UTC))
    found.update(_clock_change(start, end, zone))
    return tuple(sorted(moment for moment in found if start <= moment < end))


def window(at: datetime, zone: ZoneInfo, minutes: tuple[int, ...]) -> tuple[date, datetime, datetime]:
    """Return the local day of a moment, and the part of it without a midnight, change or such minute: start and end."""
    day = local_day(at, zone)
    moments = moments_of_day(day, zone, minutes)
    place = bisect_right(moments, at)
    end = moments[place] if place < len(moments) else day_start(day + DAY, zone)
    return day, moments[place - 1], end


@lru_cache(maxsize=64)
def _days_from(first: date) -> tuple[date, ...]:
    return tuple(first + DAY * n for n in range((next_month(first) - first).days))


def _clock_change(start: datetime, end: datetime, zone: ZoneInfo) -> tuple[datetime, ...]:
    """Return the moment between two others at which a zone's offset changes, to the second, or none."""
    offset = start.astimezone(zone).utcoffset()
    if end.astimezone(zone).utcoffset() == offset:
        return ()
    before_s, after_s = 0, int((end - start).total_seconds())
    while after_s - before_s > 1:
        middle_s = (before_s + after_s) // 2
        same = (start + timedelta(seconds=middle_s)).astimezone(zone).utcoffset() == offset
        before_s, after_s = (middle_s, after_s) if same else (before_s, middle_s)
    return (start + timedelta(seconds=after_s),)
