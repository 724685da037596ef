"""Weather from the formats that pvlib reads: PVGIS hourly and typical years, TMY3, TMY2 and EPW."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from microgrid.errors import InvalidInput, Problem
from sim.weather.record import MESSAGES_MAX, Record
from sim.weather.series import FloatArray, IntArray, zone_text
from sim.weather.sun import quiet_pvlib

if TYPE_CHECKING:
    from pandas import DataFrame, DatetimeIndex

MISSING_CODES = {  # what TMY3 and EPW write where nothing was measured
    "ghi_w_m2": 9990.0,
    "dni_w_m2": 9990.0,
    "dhi_w_m2": 9990.0,
    "temp_c": 99.8,
    "wind_m_s": 900.0,
}
NAMES = {
    "ghi": "ghi_w_m2",
    "dni": "dni_w_m2",
    "dhi": "dhi_w_m2",
    "temp_air": "temp_c",
    "wind_speed": "wind_m_s",
}
_SLOPE = re.compile(r"Slope:?\s*(-?[\d.]+)")
_AZIMUTH = re.compile(r"Azimuth:?\s*(-?[\d.]+)")


def read_tmy3(file: str, text: str) -> Record:
    """Return a TMY3 file; its label 01:00 is the hour from 00:00 to 01:00 of the station's standard time."""
    from pvlib import iotools

    data, meta = _read("TMY3", file, text, 1, lambda: iotools.read_tmy3(io.StringIO(text)))
    offset_s = int(float(meta["TZ"]) * 3600)
    lines = 3 + np.arange(len(data), dtype=np.int64)
    start_s = _tmy3_ends_s(data) - 3600
    place = f"{str(meta['Name']).strip(chr(34))}, {zone_text(offset_s)}"
    note = f"TMY3 of {place}: months from different years, labels at the end of each hour"
    return Record(
        file,
        start_s,
        lines,
        3600,
        offset_s,
        _columns(data, lines, file),
        typical=True,
        place=_place(meta),
        notes=(note,),
    )


def _tmy3_ends_s(data: DataFrame) -> IntArray:
    """Return the labels as written: pvlib moves the last hour of February of a leap year into March."""
    from pandas import to_datetime

    days = to_datetime(data["Date (MM/DD/YYYY)"], format="%m/%d/%Y").to_numpy().astype("datetime64[D]")
    hours = [int(text.split(":")[0]) for text in data["Time (HH:MM)"]]
    return np.asarray(days.astype(np.int64) * 86_400 + 3600 * np.array(hours, dtype=np.int64))


def read_epw(file: str, text: str) -> Record:
    """Return an EPW file; its hour 1 is the hour from 00:00 to 01:00 of the station's standard time."""
    from pvlib import iotools

    data, meta = _read("EPW", file, text, 8, lambda: iotools.read_epw(io.StringIO(text)))
    offset_s = int(float(meta["TZ"]) * 3600)
    lines = 9 + np.arange(len(data), dtype=np.int64)
    note = f"EPW of {meta['city']}, {zone_text(offset_s)}: hour 1 is from 00:00 to 01:00"
    return Record(
        file,
        _clock_s(data.index),
        lines,
        3600,
        offset_s,
        _columns(data, lines, file),
        typical=True,
        notes=(note,),
    )


def read_tmy2(file: str, path: str) -> Record:
    """Return an NREL TMY2 file; its hour 1 is the hour from 00:00 to 01:00 of the station's standard time."""
    from pvlib import iotools

    data, meta = _read("TMY2", file, "", 0, lambda: iotools.read_tmy2(path))
    data = data.assign(temp_air=data["DryBulb"] / 10.0, wind_speed=data["Wspd"] / 10.0)
    data = data.rename(columns={"GHI": "ghi", "DNI": "dni", "DHI": "dhi"})
    offset_s = int(float(meta["TZ"]) * 3600)
    lines = 2 + np.arange(len(data), dtype=np.int64)
    note = f"TMY2 of {meta['City']}, {zone_text(offset_s)}: hour 1 is from 00:00 to 01:00"
    return Record(
        file,
        _clock_s(data.index),
        lines,
        3600,
        offset_s,
        _columns(data, lines, file),
        typical=True,
        notes=(note,),
    )


def read_pvgis_tmy(file: str, text: str) -> Record:
    """Return a PVGIS typical year (CSV or JSON); times are UTC, light belongs to one moment of each hour."""
    from pvlib import iotools

    if text.lstrip().startswith("{"):
        data, meta = _read("PVGIS", file, text, 0, lambda: iotools.read_pvgis_tmy(io.StringIO(text), "json"))
        header = 0
        after_h = json.loads(text)["inputs"].get("location", {}).get("irradiance_time_offset", 0.0)
    else:
        header = _line_of(text, "time(UTC)")
        raw = text.encode()
        data, meta = _read("PVGIS", file, text, header, lambda: iotools.read_pvgis_tmy(io.BytesIO(raw), "csv"))
        after_h = meta["inputs"].get("irradiance time offset", 0.0)
    lines = (header + 2 if header else 1) + np.arange(len(data), dtype=np.int64)
    after_s = round(float(after_h) * 3600)
    sampled = f"light sampled {after_s // 60} min past the hour"
    note = f"PVGIS typical year in UTC: months from different years, {sampled}"
    columns = _columns(data, lines, file)
    return Record(
        file, _clock_s(data.index), lines, 3600, 0, columns, after_s, typical=True, place=_place(meta), notes=(note,)
    )


def read_pvgis_hourly(file: str, text: str) -> Record:
    """Return PVGIS hourly data (CSV or JSON) of a plane; times are UTC, one moment of each hour."""
    from pvlib import iotools

    is_json = text.lstrip().startswith("{")
    header = 0 if is_json else _line_of(text, "time,")
    form = "json" if is_json else "csv"
    data, meta = _read("PVGIS", file, text, header, lambda: iotools.read_pvgis_hourly(io.StringIO(text), form))
    lines = (header + 2 if header else 1) + np.arange(len(data), dtype=np.int64)
    sample_s = _clock_s(data.index)
    after_s = int(np.bincount(sample_s % 3600).argmax())
    slope_deg, azimuth_deg = _pvgis_plane(text, is_json=is_json)
    columns = _columns(data, lines, file) | _pvgis_light(data, is_level=slope_deg == 0.0)
    plane = _plane_text(slope_deg, azimuth_deg)
    note = f"PVGIS hourly in UTC, light sampled {after_s // 60} min past the hour, {plane}"
    return Record(file, sample_s - sample_s % 3600, lines, 3600, 0, columns, after_s, place=_place(meta), notes=(note,))


def _pvgis_light(data: DataFrame, *, is_level: bool) -> dict[str, FloatArray]:
    """Return what falls on the file's plane: global and diffuse light when level, else the sum."""
    parts = [name for name in ("poa_direct", "poa_sky_diffuse", "poa_ground_diffuse") if name in data]
    whole = data["poa_global"] if "poa_global" in data else data[parts].sum(axis=1, skipna=False)
    light = {"ghi_w_m2" if is_level else "poa_w_m2": whole.to_numpy(np.float64)}
    if is_level and "poa_sky_diffuse" in data:
        light["dhi_w_m2"] = data["poa_sky_diffuse"].to_numpy(np.float64)
    return light


def _pvgis_plane(text: str, *, is_json: bool) -> tuple[float, float]:
    """Return the slope of the file's plane and its direction as PVGIS counts it, 0 south, 90 west; NaN: not fixed."""
    if is_json:
        system = json.loads(text)["inputs"].get("mounting_system", {}).get("fixed", {})
        slope, azimuth = (system.get(name, {}).get("value", "nan") for name in ("slope", "azimuth"))
        return float(slope), float(azimuth)
    found = [pattern.search(text) for pattern in (_SLOPE, _AZIMUTH)]
    slope_deg, azimuth_deg = (float(match.group(1)) if match else float("nan") for match in found)
    return slope_deg, azimuth_deg


def _plane_text(slope_deg: float, azimuth_deg: float) -> str:
    if slope_deg == 0.0:
        return "level plane"
    towards = f"towards {(azimuth_deg + 180.0) % 360.0:g} (0 north, 90 east)"
    plane = f"plane tilted {slope_deg:g} degrees {towards}" if slope_deg > 0.0 else "plane that follows the sun"
    return f"{plane}; it is used for every array, whatever its tilt_deg"


def _read(
    form: str, file: str, text: str, header: int, read: Callable[[], tuple[Any, Any]]
) -> tuple[DataFrame, dict[str, Any]]:
    """Return what pvlib reads, or raise InvalidInput that names the first cell it can have stumbled over."""
    try:
        with quiet_pvlib():
            data, meta = read()
        if data.index.hasnans:  # rows that are not there
            raise ValueError(form)
        return data, meta
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
        raise InvalidInput(_unreadable(form, file, text, header)) from error


def _unreadable(form: str, file: str, text: str, header: int) -> Problem:
    names, rows = _cells(text, header)
    for line, cells in rows:
        if len(cells) != len(names) and form == "PVGIS":
            what = f"the row has {len(cells)} cells, but there are {len(names)} column names"
            return Problem("MG-D105", what, fix="download the file again", file=file, line=line)
        for name, cell in zip(names[1:], cells[1:], strict=False):
            if form == "PVGIS" and not _is_number(cell):
                fix = "correct the cell, or download the file again"
                return Problem("MG-D107", f"{name} is {cell!r}, not a number", fix=fix, file=file, line=line)
    return Problem(
        "MG-D105",
        f"the file begins like {form} but cannot be read to its end ({len(rows)} rows)",
        why="it was cut off, or changed by a spreadsheet program",
        fix="download it again and do not save it from a spreadsheet",
        file=file,
    )


def _cells(text: str, header: int) -> tuple[list[str], list[tuple[int, list[str]]]]:
    all_lines = text.splitlines()
    names = all_lines[header].split(",") if header < len(all_lines) else []
    rows: list[tuple[int, list[str]]] = []
    for number, line in enumerate(all_lines[header + 1 :], header + 2):
        if not line.strip():
            break
        rows.append((number, line.split(",")))
    return names, rows


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _columns(data: DataFrame, lines: IntArray, file: str) -> dict[str, FloatArray]:
    """Return the columns we know as numbers, NaN for the format's missing codes; text in them is refused."""
    from pandas import to_numeric

    columns: dict[str, FloatArray] = {}
    problems: list[Problem] = []
    for theirs, ours in NAMES.items():
        if theirs not in data:
            continue
        values = to_numeric(data[theirs], errors="coerce").to_numpy(np.float64)
        problems.extend(_text_problems(theirs, data[theirs].tolist(), values, lines, file))
        is_missing = (values > MISSING_CODES[ours]) | (values < -900.0)
        columns[ours] = np.where(is_missing, np.nan, values)
    if problems:
        raise InvalidInput(*problems[:MESSAGES_MAX])
    return columns


def _text_problems(name: str, cells: Sequence[object], values: FloatArray, lines: IntArray, file: str) -> list[Problem]:
    bad = [int(row) for row in np.flatnonzero(np.isnan(values)) if isinstance(cells[int(row)], str)]
    return [
        Problem(
            "MG-D107",
            f"column {name} has the text {cells[row]!r}, not a number",
            fix="correct the cell, or download the file again",
            file=file,
            line=int(lines[row]),
        )
        for row in bad[:MESSAGES_MAX]
    ]


def _place(meta: dict[str, Any]) -> tuple[float, float] | None:
    """Return the latitude and longitude that a file's head gives."""
    inputs = meta.get("inputs", meta)
    place = inputs.get("location", inputs)
    if "latitude" not in place or "longitude" not in place:
        return None
    return float(place["latitude"]), float(place["longitude"])


def _clock_s(index: DatetimeIndex) -> IntArray:
    """Return the file's clock in seconds since 1970."""
    clock = index.tz_localize(None).to_numpy().astype("datetime64[s]")
    return np.asarray(clock.astype(np.int64), dtype=np.int64)


def _line_of(text: str, start: str) -> int:
    """Return the number, from 0, of the first line that begins so; the last line when there is none."""
    number = 0
    for number, line in enumerate(text.splitlines()):  # noqa: B007 - the last number is the answer
        if line.startswith(start):
            break
    return number
