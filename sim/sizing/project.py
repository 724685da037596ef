"""A project's years, one after the other: demand grows, panels fade, batteries wear out and are replaced.

The same loop serves one design in f64 and a hundred thousand in f32: it is given the function that runs a year.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sim.components import Components
from sim.inputs import FloatArray, Inputs
from sim.physics.ageing import (
    CyclesToFailure,
    Model,
    Stress,
    Wear,
    age,
    capacity_left,
    lead_acid_year,
    life_years,
)
from sim.physics.genset import fuel_litres
from sim.physics.operation import Drivers, Plant, State
from sim.scenario import Costs
from sim.sizing.economics import Designs
from sim.sizing.plant import each, first_state, panels_left, plant_of
from sim.sizing.sweep import Year

RunYear = Callable[[Drivers, Plant, State, float], tuple[Year, State]]
DAYS = 365


@dataclass(frozen=True, slots=True, eq=False)
class ProjectUse:
    """What designs do in each year of the project, all systems together; arrays (years, n)."""

    load_kwh: FloatArray  # (years,)
    unserved_kwh: FloatArray
    pv_kwh: FloatArray  # what the panels could give
    genset_kwh: FloatArray
    genset_hours: FloatArray
    genset_starts: FloatArray
    fuel_litres: FloatArray
    battery_cycles: FloatArray  # equivalent full cycles of rated energy
    capacity_left: FloatArray  # of the battery, at the start of the year
    battery_life_years: FloatArray  # (n,); inf when the planner gave the life

    @property
    def served_kwh(self) -> FloatArray:
        """Return the energy that reached customers."""
        served: FloatArray = self.load_kwh[:, np.newaxis] - self.unserved_kwh
        return served

    @property
    def unserved_fraction(self) -> FloatArray:
        """Return the part of all energy wanted in the project that was not served, (n,)."""
        total_kwh = self.load_kwh.sum()
        fraction: FloatArray = self.unserved_kwh.sum(axis=0) / (total_kwh if total_kwh > 0.0 else 1.0)
        return fraction


def project_use(
    inputs: Inputs, parts: Components, costs: Costs, designs: Designs, years: int, run_year: RunYear
) -> ProjectUse:
    """Run `designs` through every year of the project with `run_year` and return what each year came to."""
    count = designs.pv_kw.size
    model = ageing_model(parts, costs)
    wear, age_years = Wear(np.zeros(count), np.zeros(count)), np.zeros(count)
    states: list[State] = []
    rows: list[dict[str, FloatArray]] = []
    stresses: list[Stress] = []
    losses: list[Wear] = []
    for year in range(years):
        left = np.ones(count) if model is None else np.asarray(capacity_left(model, wear))
        plant = plant_of(parts, designs, left, panels_left(parts, costs, year), inputs.dt_h)
        states = (
            states or [first_state(plant, parts.system.start_soc, designs.battery_kwh * 1000.0)] * inputs.weights.size
        )
        row, states = _one_year(inputs, parts, plant, states, year, run_year)
        stresses.append(stress_of_year(inputs, designs, row))
        per_pv_kw = sun_kwh_per_kw(inputs, year) * panels_left(parts, costs, year)
        rows.append(_yearly(parts, designs, row, left, per_pv_kw, home_weights(inputs, parts, year).sum()))
        if model is not None:
            worn = _worn(model, wear, stresses[-1], row, designs)
            losses.append(Wear(worn.calendar - wear.calendar, worn.cycle - wear.cycle))
            wear, age_years = _replaced(model, worn, age_years + 1.0, parts)
    life = np.full(count, np.inf) if model is None else _life(model, stresses, losses, parts)
    return ProjectUse(
        load_kwh=np.array([wanted_w(inputs, parts, year).sum() for year in range(years)]) * inputs.dt_h / 1000.0,
        battery_life_years=life,
        **{name: np.array([row[name] for row in rows]) for name in rows[0]},
    )


def ageing_model(parts: Components, costs: Costs) -> Model | None:
    """Return how the battery wears, or nothing when the planner wrote its life: then its capacity stays."""
    if costs.battery_life_years is not None or costs.battery_life_cycles is not None:
        return None
    ageing = parts.battery.ageing
    if ageing.model == "cycles_to_failure":
        assert ageing.cycles_a is not None and ageing.cycles_b is not None  # the catalogue checks it  # noqa: PT018
        return CyclesToFailure(ageing.life_years, ageing.cycles_a, ageing.cycles_b, ageing.end_of_life_fraction)
    return ageing.model


def drivers_of(inputs: Inputs, parts: Components, system: int, year: int) -> Drivers:
    """Return what drives one system in one year of the project, year 0 being the first.

    Several draws of weather are used in turn. Cold and heat act on the battery through the catalogue's derating points.
    """
    draw = year % inputs.pv_w_per_w.shape[0]
    temps_c = inputs.temp_c[draw]
    points = parts.battery.derating
    at_c = [point.temp_c for point in points]
    factor = inputs.load_factor[year]
    if parts.own_systems:  # fewer homes, not smaller ones
        connected = inputs.connected_fraction[year].sum()
        factor = np.full(12, factor.sum() / connected if connected > 0.0 else 0.0)
    return Drivers(
        inputs.loads_w[system] * inputs.monthly(factor),
        inputs.pv_w_per_w[draw],
        inputs.source_w,
        np.interp(temps_c, at_c, [min(point.capacity_fraction, 1.0) for point in points]),
        np.interp(temps_c, at_c, [point.charge_fraction for point in points]),
    )


def home_weights(inputs: Inputs, parts: Components, year: int) -> FloatArray:
    """Return how many systems in use each sample stands for in a year: homes are connected month by month."""
    return inputs.weights * (float(inputs.connected_fraction[year].mean()) if parts.own_systems else 1.0)


def systems_built(inputs: Inputs, parts: Components, years: int) -> float:
    """Return how many systems are bought: one microgrid, or one for each home that is ever connected."""
    return inputs.systems * (float(inputs.connected_fraction[:years].max()) if parts.own_systems else 1.0)


def _one_year(
    inputs: Inputs, parts: Components, plant: Plant, states: list[State], year: int, run_year: RunYear
) -> tuple[Year, list[State]]:
    weights = home_weights(inputs, parts, year)
    share = weights / weights.sum() if weights.sum() > 0.0 else weights
    sums: list[FloatArray] = []
    after, history = [], None
    for system, state in enumerate(states):
        result, end = run_year(drivers_of(inputs, parts, system, year), plant, state, inputs.dt_h)
        part = [value * share[system] for value in result[:-1]]
        sums = part if not sums else [so_far + value for so_far, value in zip(sums, part, strict=True)]
        history = result.history_wh if weights.size == 1 else None  # wear of many homes follows their mean year
        after.append(end)
    return Year(*sums)._replace(history_wh=history), after


def stress_of_year(inputs: Inputs, designs: Designs, year: Year) -> Stress:
    """Return what a year did to each battery, relative to its rated energy.

    From the year's sums, the same for one design and for a hundred thousand: a battery in the sun swings once a day, so
    its mean daily depth is the year's cycles over its days, in two movements of that depth in 24 hours.
    """
    rated_wh = np.where(designs.battery_kwh > 0.0, designs.battery_kwh * 1000.0, np.inf)
    cycles = equivalent_cycles(year, rated_wh)
    daily = cycles / DAYS
    soc = np.minimum(year.mean_energy_wh / rated_wh, 1.0)
    return Stress(float(DAYS), cycles, soc, np.minimum(daily, 1.0), daily / 12.0, float(inputs.temp_c.mean()))


def _worn(model: Model, wear: Wear, stress: Stress, year: Year, designs: Designs) -> Wear:
    """Return the wear after a year; lead-acid's cycles are counted one by one where every step was kept."""
    if not isinstance(model, CyclesToFailure) or year.history_wh is None:
        return age(model, wear, stress)
    rated_wh = np.where(designs.battery_kwh > 0.0, designs.battery_kwh * 1000.0, np.inf)
    worn = [
        lead_acid_year(
            model,
            Wear(np.asarray(wear.calendar)[index], np.asarray(wear.cycle)[index]),
            year.history_wh[:, index] / rated_wh[index],
            float(DAYS),
            float(np.asarray(stress.temp_c)),
        )
        for index in range(designs.pv_kw.size)
    ]
    return Wear(*(np.array(amounts, dtype=np.float64) for amounts in zip(*worn, strict=True)))


def equivalent_cycles(year: Year, rated_wh: FloatArray) -> FloatArray:
    """Return the full cycles of rated energy: half of what went in and out of the terminals, over the rating."""
    cycles: FloatArray = (year.charge_wh + year.discharge_wh) / 2.0 / rated_wh
    return cycles


def _replaced(model: Model, wear: Wear, age_years: FloatArray, parts: Components) -> tuple[Wear, FloatArray]:
    """Return wear and age after the year's end, when batteries that are worn out or too old are replaced."""
    ageing = parts.battery.ageing
    worn = np.asarray(capacity_left(model, wear)) <= ageing.end_of_life_fraction
    ended = worn | (age_years >= ageing.life_years)
    return Wear(*(np.where(ended, 0.0, amount) for amount in wear)), np.where(ended, 0.0, age_years)


def _life(model: Model, stresses: list[Stress], losses: list[Wear], parts: Components) -> FloatArray:
    """Return the life of each battery if every year were the project's average one, at most the maker's years.

    The fade models know nothing of electronics, seals and terminals; the catalogue's years do. Lead-acid adds its
    damage up, so its life is what may be lost over what an average year takes.
    """
    ageing = parts.battery.ageing
    if isinstance(model, CyclesToFailure):
        yearly = Wear(*(np.mean(causes, axis=0) for causes in zip(*losses, strict=True)))
        worn_years = (1.0 - model.end_of_life_fraction) / np.maximum(np.maximum(yearly.calendar, yearly.cycle), 1e-9)
    else:
        mean = Stress(*(np.mean([np.asarray(part) for part in years], axis=0) for years in zip(*stresses, strict=True)))
        longest = round(ageing.life_years) + 1
        worn_years = np.asarray(life_years(model, mean, ageing.end_of_life_fraction, years_max=longest))
    return np.minimum(worn_years, ageing.life_years)


def sun_kwh_per_kw(inputs: Inputs, year: int) -> float:
    """Return what one kW of new panels could give in a year of the project."""
    return float(inputs.pv_w_per_w[year % inputs.pv_w_per_w.shape[0]].sum()) * inputs.dt_h


def _yearly(
    parts: Components, designs: Designs, row: Year, left: FloatArray, per_pv_kw: float, systems: float
) -> dict[str, FloatArray]:
    """Return a year's row of `ProjectUse`: energy and fuel of all systems, hours and cycles of an average one."""
    item = parts.genset
    litres = fuel_litres(
        each(row.genset_wh),
        each(row.genset_hours),
        each(designs.genset_kw * 1000.0),
        item.fuel_intercept_l_per_kwh_rated,
        item.fuel_slope_l_per_kwh,
    )
    rated_kwh = np.where(designs.battery_kwh > 0.0, designs.battery_kwh, np.inf)
    return {
        "unserved_kwh": row.unserved_wh / 1000.0 * systems,
        "pv_kwh": designs.pv_kw * per_pv_kw * systems,
        "genset_kwh": row.genset_wh / 1000.0 * systems,
        "genset_hours": row.genset_hours,
        "genset_starts": row.genset_starts,
        "fuel_litres": (litres + row.genset_starts * item.start_litres) * systems,
        "battery_cycles": equivalent_cycles(row, rated_kwh * 1000.0),
        "capacity_left": left,
    }


def wanted_w(inputs: Inputs, parts: Components, year: int) -> FloatArray:
    """Return what all systems together are asked for in each step of a year, (n,)."""
    weights = home_weights(inputs, parts, year)
    loads_w = [drivers_of(inputs, parts, system, year).loads_w.sum(axis=0) for system in range(weights.size)]
    together_w: FloatArray = weights @ np.array(loads_w)
    return together_w
