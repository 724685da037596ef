"""The slow half of reading a scenario: sun on the panels, and everybody's appliances for a year."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from microgrid.errors import InvalidInput, Problem
from microgrid.files import content_of
from sim.components import Components, components_of
from sim.demand.load import CommunityLoad, load_demand
from sim.inputs import DAYS_IN_MONTHS, FloatArray, Inputs
from sim.physics.inverter import pvwatts_ac_w
from sim.physics.pv import pv_power_w, pwm_power_w
from sim.scenario import Scenario, Source
from sim.weather.irradiance import array_conditions
from sim.weather.load import load_weather
from sim.weather.series import WeatherYear

SHORT_CIRCUIT_COEFF_PER_C = 0.0005  # relative rise of a crystalline module's current; IEC 60891 data of common modules


def prepare(scenario: Scenario, folder: Path) -> Inputs:
    """Return the inputs of `scenario` made afresh; InvalidInput for every mistake in its files."""
    single_homes = scenario.system.topology != "microgrid"
    load = load_demand(
        scenario.demand,
        scenario.site,
        folder,
        scenario.step_minutes,
        scenario.goal.years,
        scenario.seed,
        single_homes=single_homes,
    )
    draws = 1 if scenario.weather.file else scenario.weather.draws
    years = [
        load_weather(scenario.weather, scenario.site, folder, scenario.step_minutes, scenario.seed, draw)
        for draw in range(draws)
    ]
    first = years[0]
    loads_w, weights = _systems(load, single_homes)
    return Inputs(
        dt_h=first.step_s / 3600.0,
        utc_offset_s=first.utc_offset_s,
        year=first.year,
        pv_w_per_w=np.array([pv_per_watt(scenario, year) for year in years]),
        ghi_w_m2=np.array([year.ghi_w_m2 for year in years]),
        temp_c=np.array([year.temp_c for year in years]),
        source_w=sources_w(scenario.system.sources, folder, first.ghi_w_m2.size),
        loads_w=loads_w,
        weights=weights,
        load_factor=load.growth_by_month.reshape(-1, 12),
        connected_fraction=load.connected_by_month.reshape(-1, 12) / max(load.connections, 1),
        connections=load.connections,
        peak_minute_w=load.peak_minute_w,
        peak_three_phase_w=float(load.three_phase_w[load.load_w.sum(axis=0).argmax()]),
        largest_start_w=load.largest_start_w,
        notes=(*first.notes, *load.notes),
        fills=first.fills,
    )


def pv_per_watt(scenario: Scenario, year: WeatherYear) -> FloatArray:
    """Return the power on its bus of one installed watt of new panels in each step (n,).

    Losses, soiling by month, the charge controller, and for AC coupling the PV inverter are included.
    """
    system, parts = scenario.system, components_of(scenario.system)
    if year.pv_kw_per_kw is not None:
        return year.pv_kw_per_kw
    kept = np.ones(12) if system.soiling_by_month is None else 1.0 - np.array(system.soiling_by_month)
    steps_per_day = year.ghi_w_m2.size // 365
    kept_by_step = np.repeat(kept, np.array(DAYS_IN_MONTHS) * steps_per_day) * (1.0 - parts.panel.losses_fraction)
    power = np.zeros(year.ghi_w_m2.size)
    heat_loss = (parts.panel.faiman_u0_w_m2_c, parts.panel.faiman_u1_w_s_m3_c)
    for array in system.arrays:
        poa_w_m2, cell_temp_c = array_conditions(year, scenario.site, array, heat_loss)
        power += array.share * _array_power(parts, poa_w_m2, cell_temp_c)
    power *= kept_by_step
    if parts.inverter is not None and parts.on_ac:
        efficiency = parts.inverter.pv_inverter_efficiency
        return np.array([pvwatts_ac_w(float(dc), 1.0, efficiency) for dc in power])
    return power


def _array_power(parts: Components, poa_w_m2: FloatArray, cell_temp_c: FloatArray) -> FloatArray:
    """Return the DC power of one watt of panels behind what holds them at their voltage; kernels run on each step.

    That is a charge controller on the DC bus; on the AC bus it is the PV inverter, whose efficiency holds its losses.
    """
    panel = parts.panel
    steps = zip(poa_w_m2.tolist(), cell_temp_c.tolist(), strict=True)
    if parts.system.controller == "pwm" and not parts.on_ac:
        ratio = panel.pwm_voltage_ratio
        return np.array([pwm_power_w(sun, temp, 1.0, SHORT_CIRCUIT_COEFF_PER_C, ratio) for sun, temp in steps])
    power = np.array([pv_power_w(sun, temp, 1.0, panel.temp_coeff_per_c) for sun, temp in steps])
    return power if parts.on_ac else power * panel.mppt_efficiency


def _systems(load: CommunityLoad, single_homes: bool) -> tuple[FloatArray, FloatArray]:  # noqa: FBT001  from the file
    """Return the loads of each system and how many it stands for: one microgrid, or sample homes."""
    if not single_homes or load.homes_w is None or load.homes_weight is None:
        return load.load_w[np.newaxis], np.ones(1)
    loads_w = np.zeros((load.homes_w.shape[0], 3, load.homes_w.shape[1]))
    loads_w[:, 1] = load.homes_w
    return loads_w, load.homes_weight


def sources_w(sources: tuple[Source, ...], folder: Path, count: int) -> FloatArray:
    """Return the power of all further sources in each step (count,); InvalidInput with the mistakes of every file."""
    total_w = np.zeros(count)
    problems: list[Problem] = []
    for source in sources:
        try:
            total_w += source.kw * 1000.0 * read_profile(folder / source.file, count)
        except InvalidInput as mistakes:
            problems += mistakes.problems
    if problems:
        raise InvalidInput(*problems)
    return total_w


def read_profile(path: Path, count: int) -> FloatArray:
    """Return a profile of kW per installed kW, one row per step of a year, with or without a heading.

    Raises InvalidInput naming every row that is not a number from 0 to 1.5, or a wrong number of rows.
    """
    try:
        text = content_of(path).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as mistake:
        reason = getattr(mistake, "strerror", None) or "it is not UTF-8 text"
        what, fix = f"cannot read the profile {path.name}: {reason}", "check its name, and save it as CSV"
        raise InvalidInput(Problem("MG-D001", what, fix=fix, file=path.name)) from None
    try:
        rows = [row[-1].strip() for row in csv.reader(text.splitlines()) if row]
    except csv.Error as mistake:
        what = f"cannot split the profile {path.name} into cells: {mistake}"
        raise InvalidInput(Problem("MG-D001", what, fix="save it as CSV with one column", file=path.name)) from None
    heading = 0 if not rows or _number(rows[0]) is not None else 1
    values = [_number(cell) for cell in rows[heading:]]
    problems = [
        Problem(
            "MG-D002",
            f"'{rows[heading + index]}' is not a power between 0 and 1.5 kW per kW",
            fix="give kW per installed kW",
            file=path.name,
            line=index + heading + 1,
        )
        for index, value in enumerate(values)
        if value is None or not 0.0 <= value <= 1.5
    ]
    if len(values) != count:
        what = f"{len(values)} rows, but a year at this step has {count}"
        problems.append(Problem("MG-D003", what, fix="give one row per step of 365 days", file=path.name))
    if problems:
        raise InvalidInput(*problems)
    return np.array(values, dtype=np.float64)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
