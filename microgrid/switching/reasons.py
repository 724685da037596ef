"""Amounts, energy and moments as a customer reads them in the sentence that says why supply is as it is."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from microgrid.customers.records import Site

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def amount_text(amount_minor: int, site: Site) -> str:
    """Return an amount in the site's currency, such as KES 1,250.50; every minor unit is shown."""
    sign = "-" if amount_minor < 0 else ""
    whole, part = divmod(abs(amount_minor), 10**site.exponent)
    decimals = f".{part:0{site.exponent}d}" if site.exponent else ""
    return f"{site.currency} {sign}{whole:,}{decimals}"


def kwh_text(energy_wh: int) -> str:
    """Return an energy in kWh with one decimal, rounded down, or in Wh below one tenth."""
    if energy_wh < 100:
        return f"{energy_wh} Wh"
    return f"{energy_wh // 1000:,}.{energy_wh % 1000 // 100} kWh"


def moment_text(at: datetime, site: Site) -> str:
    """Return a moment on the clock of the site, such as Tue 3 Mar 2026 18:00; not in the words of any machine."""
    local = at.astimezone(ZoneInfo(site.timezone))
    day = f"{WEEKDAYS[local.weekday()]} {local.day} {MONTHS[local.month - 1]} {local.year}"
    return f"{day} {local.hour:02d}:{local.minute:02d}"
