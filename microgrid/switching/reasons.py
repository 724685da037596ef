"""Amounts, energy and moments as a customer reads them in the sentence that says why supply is as it is."""

from __future__ import annotations

from datetime import datetime
from unicodedata import normalize
from zoneinfo import ZoneInfo

from microgrid.customers.records import Site

SMS_LENGTH = 160  # characters of one text, where all of them are of the alphabet below
# GSM 03.38 without the characters that count twice; one other character halves what a text can hold.
SMS_ALPHABET = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ ÆæßÉ!\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
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


def sms_text(text: str) -> str:
    """Return a text as one SMS carries it: letters of its alphabet, without accents it lacks, and 160 of them at most.

    >>> sms_text("À Bafoussam [Ndé]: Łomé")
    'A Bafoussam ?Ndé?: ?omé'
    """
    found = "".join(_in_alphabet(letter) for letter in text)
    return found if len(found) <= SMS_LENGTH else f"{found[: SMS_LENGTH - 3]}..."


def _in_alphabet(letter: str) -> str:
    if letter in SMS_ALPHABET:
        return letter
    plain = normalize("NFKD", letter)[:1]
    return plain if plain in SMS_ALPHABET else "?"
