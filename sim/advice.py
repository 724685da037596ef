"""What planners usually mean by a value that cannot be right: swapped coordinates, kW for W, monthly sums."""

from __future__ import annotations

from collections.abc import Mapping

from microgrid.config_document import LARGEST, Location
from microgrid.config_model import Advice


def for_value(location: Location, value: object, data: object) -> Advice | None:
    """Return advice for a refused value of a scenario, None when the general advice is good enough."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    if abs(value) > LARGEST:
        return None
    number = float(value)
    match location:
        case ("site", "latitude"):
            found = _latitude(number, data)
        case (*_, "power_w"):
            found = _power(number)
        case ("weather", "monthly_ghi_kwh_m2_day", int(month)):
            found = _monthly_energy(number, month)
        case ("weather", "monthly_temp_c", int()) if number > 200:
            found = Advice("degrees Celsius are meant, not kelvin", f"{number - 273.15:.4g}")
        case _:
            found = None
    return found


def _latitude(latitude: float, data: object) -> Advice | None:
    site = data.get("site") if isinstance(data, Mapping) else None
    longitude = site.get("longitude") if isinstance(site, Mapping) else None
    if abs(latitude) > 180:
        return None
    fix = f"did you swap latitude and longitude? {latitude:g} would be a valid longitude"
    if isinstance(longitude, int | float) and abs(longitude) <= 90:
        fix = f"did you swap latitude and longitude?  latitude: {longitude:g}, longitude: {latitude:g}"
    return Advice(fix=fix)


def _power(power_w: float) -> Advice | None:
    if not 0.0 < power_w < 0.5:
        return None
    watts = f"{power_w * 1000:g}"
    return Advice("it looks like kW; appliances are in W", f"power_w: {watts}", watts)


def _monthly_energy(value: float, month: int) -> Advice | None:
    days = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)[month % 12]
    if not 12.0 < value <= 400.0:
        return None
    return Advice(
        "it looks like the sum of a month; the mean of a day is needed",
        f"{value / days:.2f}  ({value:g} divided by {days} days)",
    )
