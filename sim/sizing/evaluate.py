"""One design in full: every step of every year in f64, and its money."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np

from sim.components import Components, components_of
from sim.inputs import FloatArray, Inputs
from sim.loading import load_inputs
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
    lives_of,
    project_cost,
)
from sim.sizing.exact import YearTotals, exact_year
from sim.sizing.peaks import Peaks, carries, peaks_of
from sim.sizing.project import ProjectUse, drivers_of, home_weights, project_use, systems_built, wanted_w
from sim.sizing.sweep import Year

OF_ONE_SYSTEM = ("genset_hours", "unserved_hours", "longest_outage_hours", "genset_starts")  # not added up


@dataclass(frozen=True, slots=True, eq=False)
class Study:
    """A scenario made ready: its inputs and its components."""

    scenario: Scenario
    inputs: Inputs
    parts: Components
    peaks: Peaks | None

    @property
    def systems(self) -> float:
        """Return how many systems of the same design are bought: 1 microgrid, or one for each home."""
        return systems_built(self.inputs, self.parts, self.scenario.goal.years)


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """One design's years, money, and one year's every step."""

    design: Designs  # of one
    use: ProjectUse
    cost: ProjectCost
    cash: tuple[CashYear, ...]
    years: tuple[YearTotals, ...]  # all systems together; hours and starts of an average one
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
        _together(
            [totals for _, totals in records[index * systems : (index + 1) * systems]],
            home_weights(inputs, parts, index),
            float(wanted_w(inputs, parts, index).max()) / 1000.0,
        )
        for index in range(scenario.goal.years)
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
        designs=Designs(*(getattr(designs, field.name) * study.systems for field in fields(Designs))),
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
    parts = study.parts
    lives = lives_of(study.scenario.costs, parts.panel, parts.battery, parts.inverter, parts.genset)
    modelled = bool(np.isfinite(use.battery_life_years).all())
    return replace(lives, battery_years=use.battery_life_years, battery_cycles=np.inf) if modelled else lives


def _together(systems: list[YearTotals], weights: FloatArray, peak_load_kw: float) -> YearTotals:
    """Return the sums of all systems, and the highest load of all at once; hours and starts are of an average one."""
    if len(systems) == 1 and weights[0] == 1.0:
        return systems[0]
    values: dict[str, float] = {}
    count = float(weights.sum()) or 1.0  # a year before anybody is connected
    for field in fields(YearTotals):
        series = np.array([getattr(totals, field.name) for totals in systems], dtype=np.float64)
        total = float(weights @ series)
        values[field.name] = total / count if field.name in OF_ONE_SYSTEM else total
    values["genset_starts"] = round(values["genset_starts"])
    values["peak_load_kw"] = peak_load_kw
    return YearTotals(**values)  # type: ignore[arg-type]  # every field is a number


_NOTHING = Trajectory(*(np.zeros(0) for _ in Trajectory._fields))
