"""What a weather file says, row by row, on the file's own clock and before anything is filled or assumed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from microgrid.errors import Problem
from sim.weather.series import FloatArray, IntArray

LIGHT = ("ghi_w_m2", "dni_w_m2", "dhi_w_m2", "poa_w_m2")
COLUMNS = (*LIGHT, "pv_kw_per_kw", "temp_c", "wind_m_s")
MESSAGES_MAX = 20  # per file: more are not read
NEGATIVE_W_M2 = -5.0  # a pyranometer reads a few watts below zero on a clear night
NEAR_KM = 50.0
EARTH_KM = 6371.0
LIMITS = {
    "ghi_w_m2": (NEGATIVE_W_M2, 1500.0),
    "dni_w_m2": (NEGATIVE_W_M2, 1500.0),
    "dhi_w_m2": (NEGATIVE_W_M2, 1500.0),
    "poa_w_m2": (NEGATIVE_W_M2, 1500.0),
    "pv_kw_per_kw": (-0.02, 1.5),
    "temp_c": (-60.0, 60.0),
    "wind_m_s": (0.0, 75.0),
}
WORDS = {
    "ghi_w_m2": "global light",
    "dni_w_m2": "direct light",
    "dhi_w_m2": "diffuse light",
    "poa_w_m2": "light on the plane",
    "pv_kw_per_kw": "production",
    "temp_c": "temperature",
    "wind_m_s": "wind",
}


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """The rows of one weather file.

    `start_s` is when the step of each row starts, in seconds since 1970 as the file's clock shows it;
    that clock is `utc_offset_s` ahead of UTC. `columns` are named as in `COLUMNS`, each (n,), NaN where a
    value is missing. `sampled_after_s` is None when values are means over the step, else each value
    belongs to one moment, so long after the start of its step. A `typical` year takes its months from
    different years. `lines` are line
    numbers; `place` is the latitude and longitude that the file gives for itself.
    """

    file: str
    start_s: IntArray
    lines: IntArray
    step_s: int
    utc_offset_s: int
    columns: Mapping[str, FloatArray]
    sampled_after_s: int | None = None
    typical: bool = False
    place: tuple[float, float] | None = None
    notes: tuple[str, ...] = ()


def value_problems(record: Record) -> tuple[Problem, ...]:
    """Return a problem for each value no weather has; a column in a wrong unit is one problem."""
    problems: list[Problem] = []
    for name, values in record.columns.items():
        in_kilowatt = _kilowatt_problem(record, name, values)
        problems.extend([in_kilowatt] if in_kilowatt else _range_problems(record, name, values))
    return tuple(problems[:MESSAGES_MAX])


def without_sign_noise(record: Record) -> dict[str, FloatArray]:
    """Return the columns with the small negative readings of a dark sensor set to zero."""
    return {
        name: values if name == "temp_c" else np.where(values < 0.0, 0.0, values)
        for name, values in record.columns.items()
    }


def _range_problems(record: Record, name: str, values: FloatArray) -> list[Problem]:
    low, high = LIMITS[name]
    bad = np.flatnonzero((values < low) | (values > high))
    return [
        Problem(
            "MG-D108",
            f"{WORDS[name]} of {values[row]:g} {unit_text(name)} at {clock_text_of(record.start_s[row])} "
            f"is outside {low:g} to {high:g}",
            why="such a value is a sensor fault, a marker for a missing value, or another unit",
            fix="correct the row, or leave the cell empty so that it counts as a gap",
            file=record.file,
            line=int(record.lines[row]),
        )
        for row in bad[:MESSAGES_MAX]
    ]


def _kilowatt_problem(record: Record, name: str, values: FloatArray) -> Problem | None:
    """Return a problem when light is so small that it must be in kW, or production too large for one kW."""
    peak = float(np.nanmax(values, initial=0.0))
    if name in LIGHT and name != "dni_w_m2" and 0.0 < peak < 3.0:
        what = f"{WORDS[name]} never exceeds {peak:.3g} W/m2"
        why = "a year's brightest hour is near 1000 W/m2: the column is probably in kW/m2 or kWh/m2"
        fix = f"name the column {name.split('_', maxsplit=1)[0]}_kw_m2, or multiply it by 1000"
    elif name == "pv_kw_per_kw" and peak > 1.5:
        what = f"{WORDS[name]} reaches {peak:g} kW per kW"
        why = "one kW of panels gives at most a little over 1 kW: the column is not per kW, or in W"
        fix = "divide the column by the size of the array in the same unit"
    else:
        return None
    return Problem("MG-D109", what, why=why, fix=fix, file=record.file)


def place_notes(record: Record, latitude: float, longitude: float) -> tuple[str, ...]:
    """Return a note when a file says that it is of another place than the site: more than 50 km away."""
    if record.place is None:
        return ()
    (lat_a, lon_a), (lat_b, lon_b) = np.radians(record.place), np.radians((latitude, longitude))
    half = np.sin((lat_b - lat_a) / 2) ** 2 + np.cos(lat_a) * np.cos(lat_b) * np.sin((lon_b - lon_a) / 2) ** 2
    away_km = 2.0 * EARTH_KM * float(np.arcsin(np.sqrt(half)))
    if away_km <= NEAR_KM:
        return ()
    said = f"latitude {record.place[0]:g}, longitude {record.place[1]:g}"
    return (f"the file is of {said}: {away_km:.0f} km from the site",)


def unit_text(name: str) -> str:
    """Return the unit of a column as a person writes it."""
    return {"temp_c": "degC", "wind_m_s": "m/s", "pv_kw_per_kw": "kW per kW"}.get(name, "W/m2")


def clock_text_of(second: int) -> str:
    """Return a moment of the file's clock as a person writes it, such as `02-28 13:30`."""
    return str(np.datetime64(int(second), "s"))[5:16].replace("T", " ")


def span_text(seconds: int) -> str:
    """Return a length of time as a person writes it, such as `2 h` or `30 min`."""
    return f"{seconds / 3600:g} h" if seconds >= 3600 else f"{seconds // 60} min"
