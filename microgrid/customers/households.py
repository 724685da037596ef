"""A line of a customers' file: a household with its account, its place, its meter and its plan, read and checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import TypeVar, get_args
from zoneinfo import ZoneInfo

from microgrid.billing.local_time import day_start
from microgrid.customers.phones import kind_of
from microgrid.customers.records import CustomerClass, Priority, Site
from microgrid.errors import Problem

Value = TypeVar("Value")

REQUIRED = ("customer_id", "name", "site_id", "account_id")
COLUMNS = (
    *REQUIRED,
    *("phone", "other_phones", "language", "opened_at", "connection_id", "priority", "phase", "feeder_id", "tier"),
    *("customer_class", "latitude", "longitude", "connected_on", "meter_id", "meter_profile", "rated_w"),
    *("fitted_at", "first_register_wh", "plan_id", "enrolled_at"),
)
MICRODEGREES = 1_000_000
ID_LONGEST, NAME_LONGEST, REGISTER_MAX_WH = 64, 200, 2**62
PROFILES: tuple[str, ...] = ("T", "S", "M")


@dataclass(frozen=True, slots=True)
class Household:
    """What a line says; moments stay empty where it says none."""

    customer_id: str
    name: str
    site_id: str
    account_id: str
    phone: str | None
    other_phones: Sequence[str]
    language: str
    opened_at: datetime | None
    connection_id: str
    priority: str
    phase: int
    feeder_id: str | None
    tier: int | None
    customer_class: str
    latitude_microdeg: int | None
    longitude_microdeg: int | None
    connected_on: date | None
    meter_id: str
    meter_profile: str
    rated_w: int | None
    fitted_at: datetime | None
    first_register_wh: int
    plan_id: str
    enrolled_at: datetime | None


@dataclass(slots=True)
class Cells:
    """The cells of one line, read one by one; what cannot be meant is collected."""

    texts: Mapping[str, str]
    zone: ZoneInfo
    problems: list[Problem] = field(default_factory=list)

    def text(self, name: str, otherwise: str = "", longest: int = ID_LONGEST) -> str:
        """Return a text."""
        found = self.texts.get(name, "").strip() or otherwise
        if not found and name in REQUIRED:
            self.refuse(name, "is empty", "fill it in")
        elif not found.isprintable() or len(found) > longest:
            self.refuse(name, f"is {found[:40]!r}", f"use at most {longest} printable characters")
        return found

    def word(self, name: str, words: Sequence[str], otherwise: str) -> str:
        """Return one of some words."""
        found = self.texts.get(name, "").strip() or otherwise
        if found not in words:
            self.refuse(name, f"is {found[:40]!r}", f"use one of {', '.join(words)}")
        return found

    def whole(self, name: str, lowest: int, highest: int) -> int | None:
        """Return a whole number, or nothing where the cell is empty."""
        text = self.texts.get(name, "").strip()
        if not text:
            return None
        if text.isascii() and text.isdigit() and len(text) < 20 and lowest <= int(text) <= highest:
            return int(text)
        self.refuse(name, f"is {text[:40]!r}", f"write a whole number from {lowest} to {highest}")
        return None

    def microdegrees(self, name: str, limit: int) -> int | None:
        """Return degrees with a decimal point in millionths, or nothing where the cell is empty."""
        found = self.read(name, Decimal, "write degrees with a decimal point, such as -7.42")
        if found is None:
            return None
        if found.is_finite() and abs(found) <= limit:
            return int((found * MICRODEGREES).to_integral_value())
        self.refuse(name, f"is {found}", f"write degrees from -{limit} to {limit}")
        return None

    def moment(self, name: str) -> datetime | None:
        """Return a moment: with its offset, or a day, which begins where the site is."""
        return self.read(name, self._moment, "write it as 2026-03-01 or 2026-03-01T09:00+03:00")

    def read(self, name: str, reader: Callable[[str], Value], fix: str) -> Value | None:
        """Return what a reader makes of a cell, or nothing where it is empty."""
        text = self.texts.get(name, "").strip()
        if not text:
            return None
        try:
            return reader(text)
        except (ValueError, InvalidOperation, OverflowError):
            self.refuse(name, f"is {text[:40]!r}", fix)
            return None

    def refuse(self, name: str, what: str, fix: str) -> None:
        """Keep what is wrong with a cell."""
        self.problems.append(Problem("MG-A031", f"{name} {what}", fix=fix))

    def _moment(self, text: str) -> datetime:
        if len(text) == len("2026-03-01"):
            return day_start(date.fromisoformat(text), self.zone)
        found = datetime.fromisoformat(text)
        if found.utcoffset() is None:
            raise ValueError(text)
        return found.astimezone(UTC)


def read(texts: Mapping[str, str], site: Site) -> tuple[Household, Sequence[Problem]]:
    """Return what a line says, and every mistake in it."""
    cells = Cells(texts, ZoneInfo(site.timezone))
    account_id = cells.text("account_id")
    made = Household(
        customer_id=cells.text("customer_id"),
        name=cells.text("name", longest=NAME_LONGEST),
        site_id=site.id,
        account_id=account_id,
        phone=_whole_number(cells, "phone"),
        other_phones=_numbers(cells, "other_phones"),
        language=cells.text("language", "en", 3),
        opened_at=cells.moment("opened_at"),
        connection_id=cells.text("connection_id", account_id),
        priority=cells.word("priority", get_args(Priority), "standard"),
        phase=cells.whole("phase", 1, 3) or 1,
        feeder_id=cells.text("feeder_id") or None,
        tier=cells.whole("tier", 1, 5),
        customer_class=cells.word("customer_class", get_args(CustomerClass), "household"),
        latitude_microdeg=cells.microdegrees("latitude", 90),
        longitude_microdeg=cells.microdegrees("longitude", 180),
        connected_on=cells.read("connected_on", date.fromisoformat, "write it as 2026-03-01"),
        meter_id=cells.text("meter_id"),
        meter_profile=cells.word("meter_profile", PROFILES, "M"),
        rated_w=cells.whole("rated_w", 1, 10_000_000),
        fitted_at=cells.moment("fitted_at"),
        first_register_wh=cells.whole("first_register_wh", 0, REGISTER_MAX_WH) or 0,
        plan_id=cells.text("plan_id"),
        enrolled_at=cells.moment("enrolled_at"),
    )
    return made, cells.problems


def _whole_number(cells: Cells, name: str) -> str | None:
    found = cells.text(name)
    if found and kind_of(found) != "e164":
        cells.refuse(name, f"is {found[:40]!r}", "write it with its country code, such as +254712000104")
    return found or None


def _numbers(cells: Cells, name: str) -> Sequence[str]:
    found = cells.text(name, longest=NAME_LONGEST).split()
    for number in found:
        if kind_of(number) is None:
            cells.refuse(name, f"holds {number[:40]!r}", "write numbers with country code, with spaces between them")
    return found
