"""Numbers as people read them: few digits, thousands kept apart, the unit beside them."""

from __future__ import annotations

import math

import numpy as np

NO_BREAK = "\u00a0"  # keeps a number and its unit on one line
MINUS = "\u2212"
NONE = "none"
TINY_KWH = 1e-6  # a milliwatt-hour: what is smaller is rounding


def number(value: float, digits: int = 3) -> str:
    """Return a number with `digits` significant digits, whole from 10^digits on; `none` for infinity and NaN."""
    if not math.isfinite(value):
        return NONE
    if value == 0.0:
        return "0"
    places = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{places}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in {"-0", ""} else text.replace("-", MINUS)


def fixed(value: float, places: int = 0) -> str:
    """Return a number with a fixed number of decimals, for a column whose digits line up."""
    if not math.isfinite(value):
        return NONE
    text = f"{value:,.{places}f}"
    return text.replace("-", MINUS) if float(text.replace(",", "")) != 0.0 else text.removeprefix("-")


def with_unit(value: float, unit: str, digits: int = 3) -> str:
    """Return a number and its unit, such as `12,400 kWh`."""
    text = number(value, digits)
    return text if text == NONE else f"{text}{NO_BREAK}{unit}"


def money(value: float, currency: str) -> str:
    """Return an amount with its currency: whole from 100 on, else with three significant digits."""
    text = fixed(value) if abs(value) >= 100.0 else number(value)
    return text if text == NONE else f"{text}{NO_BREAK}{currency}"


def percent(fraction: float, digits: int = 3) -> str:
    """Return a fraction as a percentage, such as `1.99 %`."""
    return with_unit(fraction * 100.0, "%", digits)


def power(power_kw: float) -> str:
    """Return a power in kW, or in W when it is a lamp's or a home's."""
    return with_unit(power_kw, "kW") if power_kw >= 1.0 or power_kw == 0.0 else with_unit(power_kw * 1000.0, "W")


def energy(energy_kwh: float) -> str:
    """Return an energy in kWh, or in Wh when it is a small battery's."""
    if energy_kwh >= 1.0 or energy_kwh < TINY_KWH:
        return with_unit(energy_kwh if energy_kwh >= TINY_KWH else 0.0, "kWh")
    return with_unit(energy_kwh * 1000.0, "Wh")


def column(values: np.typing.ArrayLike) -> list[str]:
    """Return the numbers of one column with as many decimals as the largest of them needs."""
    array = np.asarray(values, dtype=np.float64)
    finite = np.abs(array[np.isfinite(array)])
    largest = float(finite.max(initial=0.0))
    places = 0 if largest >= 1000.0 else 1 if largest >= 10.0 else 3
    return [fixed(float(value), places) for value in array]


def listed(items: list[str]) -> str:
    """Return words as a sentence lists them: `a`, `a and b`, `a, b and c`."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}" if items else ""
