"""What was understood of a scenario and its data, and what looks odd though it is allowed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from microgrid.config_model import Broken
from microgrid.errors import InvalidInput, Problem
from sim.scenario import Scenario

if TYPE_CHECKING:
    from sim.inputs import Inputs


@dataclass(frozen=True, slots=True)
class Understanding:
    """A scenario's data in a few numbers, as a planner would check them by hand."""

    timezone: str
    step_minutes: int
    steps: int
    connections: int
    sun_kwh_m2_year: float
    mean_temp_c: float
    pv_kwh_per_kw_year: float
    demand_kwh_year: float
    peak_kw: float  # of the means over a step
    peak_hour: int  # hour of the day in which it falls
    peak_minute_kw: float  # of all customers together
    most_growth: float  # largest load of the project over the one described: connections, growth, uptake
    systems: int  # 1 microgrid, or one for each home
    mean_day_kw: tuple[float, ...]  # 24 hours
    notes: tuple[str, ...]
    fills: tuple[str, ...]


def understand(scenario: Scenario, folder: Path) -> Understanding:
    """Return what the data of a scenario say; `folder` is where its files lie.

    Raises InvalidInput with the mistakes of the weather and of the demand together.
    """
    from sim.loading import load_inputs

    try:
        return _in_numbers(scenario, load_inputs(scenario, folder))
    except InvalidInput as first:
        problems = dict.fromkeys((*_data_problems(scenario, folder), *first.problems))  # each once, in order
        raise InvalidInput(*problems) from None


def _in_numbers(scenario: Scenario, inputs: Inputs) -> Understanding:
    load_kw = (inputs.loads_w.sum(axis=1) * inputs.weights[:, None]).sum(axis=0) / 1000.0
    per_hour = inputs.steps_per_day // 24
    peak_step = int(load_kw.argmax())
    mean_day_kw = load_kw.reshape(-1, 24, per_hour).mean(axis=(0, 2))
    return Understanding(
        timezone=scenario.site.timezone,
        step_minutes=scenario.step_minutes,
        steps=len(load_kw),
        connections=inputs.connections,
        sun_kwh_m2_year=float(inputs.ghi_w_m2.mean(axis=0).sum()) * inputs.dt_h / 1000.0,
        mean_temp_c=float(inputs.temp_c.mean()),
        pv_kwh_per_kw_year=float(inputs.pv_w_per_w.mean(axis=0).sum()) * inputs.dt_h,
        demand_kwh_year=float(load_kw.sum()) * inputs.dt_h,
        peak_kw=float(load_kw[peak_step]),
        peak_hour=peak_step % inputs.steps_per_day // per_hour,
        peak_minute_kw=inputs.peak_minute_w / 1000.0,
        most_growth=float(inputs.load_factor.max()),
        systems=round(inputs.systems),
        mean_day_kw=tuple(float(kw) for kw in mean_day_kw),
        notes=inputs.notes,
        fills=inputs.fills,
    )


def _data_problems(scenario: Scenario, folder: Path) -> tuple[Problem, ...]:
    """Return every mistake in the data files: those of each are said even when others have some."""
    from sim.demand.load import load_demand
    from sim.preparing import sources_w
    from sim.weather.load import load_weather

    step, years, seed = scenario.step_minutes, scenario.goal.years, scenario.seed
    readings: tuple[Callable[[], object], ...] = (
        lambda: load_weather(scenario.weather, scenario.site, folder, step, seed),
        lambda: load_demand(scenario.demand, scenario.site, folder, step, years, seed),
        lambda: sources_w(scenario.system.sources, folder, 365 * 24 * 60 // step),
    )
    problems: list[Problem] = []
    for reading in readings:
        try:
            reading()
        except InvalidInput as mistakes:
            problems += mistakes.problems
    return tuple(problems)


def oddities(scenario: Scenario, understood: Understanding) -> Iterator[Broken]:
    """Yield what is allowed but looks like a slip: W for kW, a wrong place, things for free."""
    yield from _odd_sizes(scenario, understood)
    yield from _odd_place(scenario)
    yield from _odd_ramp(scenario, understood)
    yield from _free_parts(scenario)


def _odd_sizes(scenario: Scenario, understood: Understanding) -> Iterator[Broken]:
    from sim.scenario_rules import largest

    peak_kw = max(understood.peak_kw * understood.most_growth, 0.001)
    day_kwh = max(understood.demand_kwh_year / 365.0 * understood.most_growth, 0.001)
    usual = {"pv_kw": peak_kw, "inverter_kw": peak_kw, "genset_kw": peak_kw, "battery_kwh": day_kwh}
    for key, needed in usual.items():
        size = largest(getattr(scenario.system, key))
        if size > 150.0 * needed:  # a slip of 1,000 is found, a generous range is not
            of = "energy of a day" if key == "battery_kwh" else "peak"
            what = f"system.{key}: {size:g} is {size / needed:,.0f} times the {of} ({needed:.3g})"
            unit = key.rsplit("_", maxsplit=1)[-1]
            why = f"it looks like {unit[1:].replace('w', 'W')} where {unit.replace('w', 'W')} is meant"
            yield Broken(("system", key), "MG-C070", what, why, f"{key}: {size / 1000:g}")


def _odd_place(scenario: Scenario) -> Iterator[Broken]:
    from sim.time_text import standard_offset_s

    site = scenario.site
    clock_h = standard_offset_s(site.timezone, 2025) / 3600.0
    apart_h = abs((clock_h - site.longitude / 15.0 + 12.0) % 24.0 - 12.0)
    if apart_h > 3.25:  # the widest honest gap, in western China, is 3.1 hours
        what = f"the clock of {site.timezone} is {apart_h:.1f} h from the sun at longitude {site.longitude:g}"
        swapped = f"latitude: {site.longitude:g}, longitude: {site.latitude:g}"
        fix = swapped if abs(site.longitude) <= 90.0 else "check longitude and timezone"
        yield Broken(("site", "longitude"), "MG-C071", what, "latitude and longitude may be swapped", fix)


def _odd_ramp(scenario: Scenario, understood: Understanding) -> Iterator[Broken]:
    if scenario.demand.survey_file is not None:  # a survey asks a sample of the village
        return
    planned = max(scenario.demand.connections_by_month, default=0)
    if planned > understood.connections:
        what = f"connections_by_month reaches {planned}, but {understood.connections} customers are described"
        fix = f"describe the other {planned - understood.connections}, or end the ramp-up there"
        yield Broken(("demand", "connections_by_month"), "MG-C072", what, fix=fix)


def _free_parts(scenario: Scenario) -> Iterator[Broken]:
    from sim.scenario_rules import largest

    system, given = scenario.system, scenario.costs.model_fields_set
    needed = {
        "inverter_per_kw": largest(system.inverter_kw),
        "genset_per_kw": largest(system.genset_kw),
        "fuel_per_litre": largest(system.genset_kw),
    }
    for key, size in needed.items():
        if size > 0.0 and key not in given:
            part = key.split("_", maxsplit=1)[0]
            what = f"costs names no {key}: the {part} would be free"
            yield Broken(("costs",), "MG-C073", what, "the search would like it too much", f"add  {key}: ...  to costs")
