"""One design in full: every step of every year in f64, and its money."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from sim.inputs import FloatArray, Inputs, load_inputs
from sim.physics.operation import Drivers, Plant, State, Trajectory
from sim.scenario import Scenario
from sim.sizing.economics import (
    CashYear,
    Designs,
    Lives,
    Project,
    ProjectCost,
    YearlyUse,
    cash_flow,
    in_costs_currency,
    project_cost,
)
from sim.sizing.exact import YearTotals, exact_year
from sim.sizing.peaks import Peaks, carries, peaks_of
from sim.sizing.plant import Components, components_of
from sim.sizing.project import ProjectUse, drivers_of, home_weights, project_use
from sim.sizing.sweep import Year

HOURS = ("genset_hours", "unserved_hours", "longest_outage_hours", "battery_cycles", "genset_starts")


@dataclass(frozen=True, slots=True, eq=False)
class Study:
    """A scenario made ready: its inputs and its components."""

    scenario: Scenario
    inputs: Inputs
    parts: Components
    peaks: Peaks | None


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """One design's years, money, and one year's every step."""

    design: Designs  # of one
    use: ProjectUse
    cost: ProjectCost
    cash: tuple[CashYear, ...]
    years: tuple[YearTotals, ...]  # all systems together; hours and cycles of an average one
    year: int  # which year, from 1, the next two show
    drivers: Drivers  # of the first system
    trajectory: Trajectory
    carries_peaks: bool

    @property
    def unserved_fraction(self) -> float:
        """Return the part of the project's demand that is not served."""
        return float(self.use.unserved_fraction[0])

    @property
    def renewable_fraction(self) -> float:
        """Return the part of the energy served that did not come from the engine."""
        served_kwh, genset_kwh = float(self.use.served_kwh.sum()), float(self.use.genset_kwh.sum())
        return 0.0 if served_kwh <= 0.0 else max(0.0, 1.0 - genset_kwh / served_kwh)


def study_of(scenario: Scenario, folder: Path) -> Study:
    """Return a scenario made ready for `evaluate` and `size`; InvalidInput for mistakes in its files."""
    parts = components_of(scenario.system)
    inputs = load_inputs(scenario, folder)
    return Study(scenario, inputs, parts, peaks_of(inputs, parts))


def one_design(pv_kw: float, battery_kwh: float, inverter_kw: float, genset_kw: float) -> Designs:
    """Return a fleet of one."""
    return Designs(*(np.array([size], dtype=np.float64) for size in (pv_kw, battery_kwh, inverter_kw, genset_kw)))


def evaluate(study: Study, design: Designs, year: int = 1) -> Evaluation:
    """Run one design through its project and return everything about it; `year` (from 1) keeps its steps."""
    scenario, inputs, parts = study.scenario, study.inputs, study.parts
    records: list[tuple[Trajectory, YearTotals]] = []

    def run_year(drivers: Drivers, plant: Plant, state: State, dt_h: float) -> tuple[Year, State]:
        result, end, runs = exact_year(drivers, plant, state, dt_h)
        records.append((runs[0][0] if len(records) == shown else _NOTHING, runs[0][1]))
        return result, end

    systems = inputs.weights.size
    shown = (year - 1) * systems
    use = project_use(inputs, parts, scenario.costs, design, scenario.goal.years, run_year)
    project = project_of(study, design, use)
    totals = [
        _together([totals for _, totals in records[first : first + systems]], home_weights(inputs, index))
        for index, first in enumerate(range(0, len(records), systems))
    ]
    return Evaluation(
        design=design,
        use=use,
        cost=project_cost(project),
        cash=cash_flow(project, 0),
        years=tuple(totals),
        year=year,
        drivers=drivers_of(inputs, parts, 0, year - 1),
        trajectory=records[shown][0],
        carries_peaks=bool(carries(design, parts, study.peaks)[0]),
    )


def project_of(study: Study, designs: Designs, use: ProjectUse) -> Project:
    """Return the money side of `designs`: what is bought for all systems, and what they did in each year."""
    scenario, inputs = study.scenario, study.inputs
    payg = scenario.payg
    per_year = inputs.connected_fraction.max(axis=1) * inputs.connections
    return Project(
        costs=scenario.costs,
        rates=scenario.rates,
        years=scenario.goal.years,
        lives=_lives(study, use),
        designs=Designs(*(getattr(designs, field.name) * inputs.systems for field in fields(Designs))),
        use=YearlyUse(
            served_kwh=use.served_kwh,
            **{
                name: getattr(use, name) for name in (field.name for field in fields(YearlyUse)) if name != "served_kwh"
            },
        ),
        connections_by_year=per_year,
        paid_fraction=1.0 if payg is None else payg.paid_fraction,
        sources=scenario.system.sources,
        price_per_kwh=0.0 if payg is None else in_costs_currency(scenario.costs, payg.price_per_kwh),
    )


def _lives(study: Study, use: ProjectUse) -> Lives:
    """Return how long equipment lasts: what the planner wrote, else the ageing model, else the catalogue."""
    costs, parts = study.scenario.costs, study.parts
    ageing = parts.battery.ageing
    worn = bool(np.isfinite(use.battery_life_years).all())
    inverter_years = np.inf if parts.inverter is None else parts.inverter.life_years
    return Lives(
        pv_years=costs.pv_life_years or parts.panel.life_years,
        battery_years=use.battery_life_years if worn else costs.battery_life_years or ageing.life_years,
        inverter_years=costs.inverter_life_years or inverter_years,
        genset_hours=costs.genset_life_hours or parts.genset.life_hours,
        battery_cycles=np.inf if worn else costs.battery_life_cycles or ageing.life_cycles,
    )


def _together(systems: list[YearTotals], weights: FloatArray) -> YearTotals:
    """Return the sums of all systems; hours, cycles and starts are those of an average one."""
    if len(systems) == 1 and weights[0] == 1.0:
        return systems[0]
    values: dict[str, float] = {}
    count = float(weights.sum()) or 1.0  # a year before anybody is connected
    for field in fields(YearTotals):
        series = np.array([getattr(totals, field.name) for totals in systems], dtype=np.float64)
        total = float(weights @ series)
        values[field.name] = total / count if field.name in HOURS else total
    values["genset_starts"] = round(values["genset_starts"])
    return YearTotals(**values)  # type: ignore[arg-type]  # every field is a number


_NOTHING = Trajectory(*(np.zeros(0) for _ in Trajectory._fields))
