"""Which column of a table holds what: names as people and tools write them, with their units."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import NamedTuple

from microgrid.errors import Problem

_ALIASES = {
    "ghi_w_m2": "ghi global globhor global_horizontal global_horizontal_irradiance g_h allsky_sfc_sw_dwn "
    "shortwave_radiation solar_radiation",
    "dni_w_m2": "dni beam direct_normal direct_normal_irradiance gb_n beam_irradiance allsky_sfc_sw_dni",
    "dhi_w_m2": "dhi diffuse diffhor diffuse_horizontal diffuse_horizontal_irradiance gd_h "
    "diffuse_irradiance allsky_sfc_sw_diff diffuse_radiation",
    "poa_w_m2": "poa gti g_i plane_of_array plane_of_array_irradiance poa_global global_tilted_irradiance",
    "temp_c": "temp temperature temp_air air_temp air_temperature t_amb tamb t2m ambient_temperature "
    "ambient_temp dry_bulb temperature_2m",
    "wind_m_s": "wind wind_speed windspeed ws ws10m ws2m ws50m wind_speed_10m",
    "pv_kw_per_kw": "pv_kw_per_kw kw_per_kw kw_per_kwp kwh_per_kwp kw_kw kw_kwp capacity_factor pv",
    "time": "time timestamp datetime date_time date date_hour time_utc utc local_time time_local "
    "period_start time_start period_end time_end valid_time",
    "year": "year yr",
    "month": "month mo",
    "day": "day dy",
    "hour": "hour hr",
    "minute": "minute min mn",
}
KNOWN = {alias: meaning for meaning, aliases in _ALIASES.items() for alias in aliases.split()}
_LIGHT_UNIT = re.compile(r"_(kw|w)(h?)_?(?:per_)?m_?2$")
_OTHER_UNIT = re.compile(r"_(?:deg_?c|c|celsius|m_s|m_per_s|m_s_1)$")


class Column(NamedTuple):
    """What a column holds, the factor to W/m2 (for energies: to Wh/m2 per step), and if it is energy."""

    meaning: str
    factor: float
    is_energy: bool


def understand(name: str) -> Column | None:
    """Return what a column of this name holds, or None when the name means nothing here.

    >>> understand("GHI (kWh/m²)")
    Column(meaning='ghi_w_m2', factor=1000.0, is_energy=True)
    """
    plain = _plain(name)
    unit = _LIGHT_UNIT.search(plain)
    meaning = KNOWN.get(plain) or KNOWN.get(_base(plain))
    if meaning is None or (unit and not meaning.endswith("_w_m2")):
        return None
    factor = 1000.0 if unit and unit.group(1) == "kw" else 1.0
    return Column(meaning, factor, bool(unit and unit.group(2)))


def marks_the_end(name: str) -> bool:
    """Tell whether a time column says that its labels are at the end of each step."""
    return _plain(name) in {"time_end", "period_end"}


def is_in_utc(name: str) -> bool:
    """Tell whether a time column says that it is in UTC."""
    return _plain(name) in {"time_utc", "utc"}


def no_light(file: str, names: tuple[str, ...], line: int) -> Problem:
    """Return the problem of a table without any column of light, with the nearest known name."""
    close = [(name, get_close_matches(_base(_plain(name)), list(KNOWN), 1, 0.75)) for name in names]
    hints = [
        f"did you mean {KNOWN[match[0]]!r} for {name!r}?"
        for name, match in close
        if match and KNOWN[match[0]].endswith(("_w_m2", "_per_kw"))
    ]
    return Problem(
        "MG-D106",
        f"no column holds light; the columns are {', '.join(names)}",
        why="needed is ghi_w_m2 (with temp_c, wind_m_s if known), or poa_w_m2, or pv_kw_per_kw",
        fix=hints[0] if hints else "name the columns in the first row, such as  time,ghi_w_m2,temp_c",
        file=file,
        line=line,
    )


def _base(plain: str) -> str:
    """Return a plain name without its unit."""
    unit = _LIGHT_UNIT.search(plain)
    return plain[: unit.start()] if unit else _OTHER_UNIT.sub("", plain)


def _plain(name: str) -> str:
    """Return a name in small letters with single underscores: `GHI (W/m²)` is `ghi_w_m2`."""
    text = name.strip().lower().replace("²", "2").replace("^2", "2").replace("°", "deg")
    return re.sub(r"[^a-z0-9]+", "_", text).strip("_")
