"""What people type where a plain number belongs, and the number they most likely meant."""

from __future__ import annotations

import re

from microgrid.config_document import LARGEST
from microgrid.config_model import Advice
from microgrid.config_schema import Schema

_PER_CENT = re.compile(r"([-+]?\d+(?:\.\d+)?)\s*%")
_PLAIN = re.compile(r"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
_DECIMAL_COMMA = re.compile(r"([-+]?\d+),(\d+)")
_GROUPED = re.compile(r"\d{1,3}(?:[, _']\d{3})+")
_WITH_UNIT = re.compile(r"([-+]?\d+(?:\.\d+)?)\s*[A-Za-z/$€]+[A-Za-z0-9/²³]*")


def advice(key: str, value: object, allowed: Schema) -> Advice:
    """Return why a value was refused and what to type, for a place that takes a number within `allowed`."""
    if isinstance(value, bool) or value is None:
        return Advice()
    if isinstance(value, int | float):
        return Advice() if abs(value) > LARGEST else _advice_for_number(key, float(value), allowed)
    return _advice_for_text(key, value, allowed) if isinstance(value, str) and _is_number(allowed) else Advice()


def plain(value: float) -> str:
    """Return a number as a person types it: shortest form, never with an exponent for ordinary sizes."""
    return f"{value:.12g}"


def _is_number(allowed: Schema) -> bool:
    return allowed.get("type") in {"number", "integer"}


def _is_fraction(allowed: Schema) -> bool:
    return allowed.get("maximum", allowed.get("exclusiveMaximum")) == 1


def _advice_for_number(key: str, value: float, allowed: Schema) -> Advice:
    if _is_fraction(allowed) and 1 <= value <= 100:
        share = plain(value / 100)
        return Advice("it is a fraction, not per cent", f"{key}: {share}", share)
    low = allowed.get("minimum", allowed.get("exclusiveMinimum"))
    if low == 0 and value < 0:
        return Advice(fix=f"remove the minus sign:  {key}: {plain(-value)}")
    return Advice()


def _advice_for_text(key: str, value: str, allowed: Schema) -> Advice:
    text = value.strip()
    if (match := _PER_CENT.fullmatch(text)) and _is_fraction(allowed):
        share = plain(float(match[1]) / 100)
        return Advice("it is a fraction, not per cent", f"{key}: {share}", share)
    if _PLAIN.fullmatch(text):
        return Advice("quotes make it text", f"{key}: {text}", text)
    if _GROUPED.fullmatch(text):
        whole = re.sub(r"\D", "", text)
        point = f" (or {text.replace(',', '.')} if the comma was a decimal point)" if text.count(",") == 1 else ""
        return Advice("a number is written without separators", f"{key}: {whole}{point}", "" if point else whole)
    if match := _DECIMAL_COMMA.fullmatch(text):
        number = f"{match[1]}.{match[2]}"
        return Advice("a decimal point is needed, not a comma", f"{key}: {number}", number)
    if match := _WITH_UNIT.fullmatch(text):
        return Advice("the unit is part of the key's name", f"write the number alone:  {key}: {match[1]}")
    return Advice()
