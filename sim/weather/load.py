"""From what a planner wrote under `weather:` to one checked year on the site's clock: the way in here."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from microgrid.errors import InvalidInput, Problem
from sim.scenario import Site, Weather
from sim.time_text import standard_offset_s
from sim.weather.gaps import fill_gaps
from sim.weather.irradiance import LOW_SUN_COS, beam_and_diffuse_w_m2
from sim.weather.placing import Placed, place_on_year
from sim.weather.readers import read_weather_file
from sim.weather.record import LIGHT, Record, place_notes
from sim.weather.resample import Columns, cos_zenith, means_of_samples, to_site_clock
from sim.weather.series import FloatArray, Steps, WeatherYear, zone_text
from sim.weather.sun import mean_extraterrestrial_w_m2
from sim.weather.sun_check import sun_problem
from sim.weather.synthetic import synthetic_year

DEFAULT_TEMP_C = 25.0
BEAM_MAX_W_M2 = 1400.0  # direct light worked out from global and diffuse; the sun gives no more


def load_weather(
    weather: Weather, site: Site, folder: Path, step_minutes: int, seed: int, draw: int = 0
) -> WeatherYear:
    """Return one year of weather at the scenario's step, from a file beside it or from monthly means.

    `draw` 0, 1, 2, ... are independent synthetic years of one seed; of a file with several whole years it
    picks one. Raises InvalidInput with every mistake of the file or of the twelve numbers.
    """
    if weather.file is None:
        return synthetic_year(weather, site, step_minutes, seed, draw)
    record = read_weather_file(folder / weather.file, weather, site)
    return year_from_record(record, weather, site, step_minutes, draw)


def year_from_record(record: Record, weather: Weather, site: Site, step_minutes: int, draw: int = 0) -> WeatherYear:
    """Return the year that a file's rows tell: without gaps, in beam and diffuse, on the site's clock."""
    placed = place_on_year(record, draw)
    placed = Placed(placed.steps, _useful(placed.columns), placed.line, placed.notes)
    sun_w_m2 = mean_extraterrestrial_w_m2(placed.steps, site)
    filled = fill_gaps(placed, sun_w_m2, record.file, long_allowed=weather.fill == "long")
    columns = filled.columns
    if record.sampled_after_s is not None:
        columns = means_of_samples(columns, placed.steps, site, record.sampled_after_s)
    columns, light_notes = complete_light(columns, placed.steps, site, record.file)
    sun_notes = _refuse_wrong_clock(columns, sun_w_m2, placed.steps, record)
    columns, air_notes = _with_air(columns, placed.steps, weather)
    offset_s = standard_offset_s(site.timezone, placed.steps.year)
    columns, steps = to_site_clock(columns, placed.steps, site, offset_s, 60 * step_minutes)
    step_notes = _step_notes(placed.steps, steps)
    place = place_notes(record, site.latitude, site.longitude)
    notes = (*placed.notes, *place, *filled.notes, *light_notes, *sun_notes, *air_notes, *step_notes)
    return _year(columns, steps, notes, filled.fills)


def _useful(columns: Columns) -> Columns:
    """Return the columns that say something; with level light, that on the file's plane is not needed."""
    said = {name: values for name, values in columns.items() if not np.isnan(values).all()}
    is_level = "ghi_w_m2" in said or {"dni_w_m2", "dhi_w_m2"} <= said.keys()
    extra = {"poa_w_m2", "pv_kw_per_kw"} if is_level else {"pv_kw_per_kw"} if "poa_w_m2" in said else set()
    return {name: values for name, values in said.items() if name not in extra}


def complete_light(columns: Columns, steps: Steps, site: Site, file: str) -> tuple[Columns, tuple[str, ...]]:
    """Return global, direct and diffuse light, those missing worked out from the others, and a note of how.

    A file of the plane's own light, or of PV production, is kept as it is: its three horizontal columns
    are zero.
    """
    have = tuple(name for name in LIGHT[:3] if name in columns)
    if "ghi_w_m2" not in have and len(have) < 2:
        return _without_horizontal(columns, steps, file)
    cos = np.maximum(cos_zenith(steps, site), 0.0)
    known = {name: columns[name] for name in have}
    if len(have) == 3:
        return columns, ()
    if have == ("ghi_w_m2",):
        dni, dhi = beam_and_diffuse_w_m2(known["ghi_w_m2"], steps, site)
        added = {"dni_w_m2": dni, "dhi_w_m2": dhi}
        note = "direct and diffuse light split from global light (Erbs)"
    else:
        added = _third(known, cos)
        note = f"{next(iter(added))} worked out from {' and '.join(have)}"
    return columns | added, (note,)


def _third(known: Columns, cos: FloatArray) -> Columns:
    """Return the one of global, direct and diffuse light that the other two leave open."""
    ghi, dni, dhi = (known.get(name) for name in LIGHT[:3])
    if ghi is not None and dhi is not None:
        is_high = cos > LOW_SUN_COS
        beam = np.divide(np.maximum(ghi - dhi, 0.0), cos, out=np.zeros_like(ghi), where=is_high)
        return {"dni_w_m2": np.minimum(beam, BEAM_MAX_W_M2)}
    if ghi is not None and dni is not None:
        return {"dhi_w_m2": np.clip(ghi - dni * cos, 0.0, ghi)}
    assert dni is not None  # two of the three are known
    assert dhi is not None
    return {"ghi_w_m2": dni * cos + dhi}


def _without_horizontal(columns: Columns, steps: Steps, file: str) -> tuple[Columns, tuple[str, ...]]:
    kept = next((name for name in ("poa_w_m2", "pv_kw_per_kw") if name in columns), None)
    if kept is None and not any(name in columns for name in LIGHT):
        fix = "check which column holds the light, and export the file again"
        raise InvalidInput(Problem("MG-D106", "the columns of light hold no values", fix=fix, file=file))
    if kept is None:
        what = "the file has direct or diffuse light alone: neither gives the light on a panel"
        fix = "add the column ghi_w_m2, or both dni_w_m2 and dhi_w_m2"
        raise InvalidInput(Problem("MG-D106", what, fix=fix, file=file))
    dark = {name: np.zeros(steps.count) for name in LIGHT[:3]}
    note = {
        "poa_w_m2": "the light on the plane is used as it is: tilt and azimuth of the arrays change nothing",
        "pv_kw_per_kw": "the PV production is used as it is: it holds its own tilt, temperature and losses",
    }[kept]
    return columns | dark, (note,)


def _refuse_wrong_clock(columns: Columns, sun_w_m2: FloatArray, steps: Steps, record: Record) -> tuple[str, ...]:
    light = next(columns[name] for name in ("pv_kw_per_kw", "poa_w_m2", "ghi_w_m2") if name in columns)
    problem, notes = sun_problem(light, sun_w_m2, steps, record)
    if problem is not None:
        raise InvalidInput(problem)
    return notes


def _with_air(columns: Columns, steps: Steps, weather: Weather) -> tuple[Columns, tuple[str, ...]]:
    """Return the columns with temperature and wind, taken from the scenario where the file has none."""
    added: Columns = {}
    notes: list[str] = []
    if "temp_c" not in columns:
        monthly_c = np.array(weather.monthly_temp_c or (DEFAULT_TEMP_C,) * 12)
        added["temp_c"] = monthly_c[steps.month]
        said = "monthly_temp_c" if weather.monthly_temp_c else f"{DEFAULT_TEMP_C:g} degC all year, assumed"
        notes.append(f"the file has no temperature: {said}")
    if "wind_m_s" not in columns:
        added["wind_m_s"] = np.full(steps.count, weather.wind_m_s)
        notes.append(f"the file has no wind: {weather.wind_m_s:g} m/s all year (wind_m_s)")
    return columns | added, tuple(notes)


def _step_notes(before: Steps, after: Steps) -> tuple[str, ...]:
    notes = [f"{before.count} steps of {before.step_s // 60} min"]
    if before.step_s != after.step_s:
        way = "averaged" if before.step_s < after.step_s else "split along the sun, sums kept,"
        notes.append(f"{way} to {after.step_s // 60} min")
    if before.utc_offset_s != after.utc_offset_s:
        ends = f"{zone_text(before.utc_offset_s)} to {zone_text(after.utc_offset_s)}"
        notes.append(f"moved from {ends}; the year is closed to a ring")
    return (", ".join(notes),)


def _year(columns: Columns, steps: Steps, notes: tuple[str, ...], fills: tuple[str, ...]) -> WeatherYear:
    return WeatherYear(
        step_s=steps.step_s,
        utc_offset_s=steps.utc_offset_s,
        year=steps.year,
        ghi_w_m2=columns["ghi_w_m2"],
        dni_w_m2=columns["dni_w_m2"],
        dhi_w_m2=columns["dhi_w_m2"],
        temp_c=columns["temp_c"],
        wind_m_s=columns["wind_m_s"],
        poa_w_m2=columns.get("poa_w_m2"),
        pv_kw_per_kw=columns.get("pv_kw_per_kw"),
        notes=notes,
        fills=fills,
    )
