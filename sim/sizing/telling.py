"""The answers of `size` and `evaluate` in words and columns, for people at a terminal."""

from __future__ import annotations

import math
import textwrap
from typing import NamedTuple

import numpy as np

from sim.sizing.economics import Designs, in_site_currency, lcoe_includes
from sim.sizing.evaluate import Evaluation, Study
from sim.sizing.peaks import smallest_inverter_kw
from sim.sizing.search import Sizing

WIDTH = 100
UNITS = {"pv_kw": "Wp", "battery_kwh": "Wh", "inverter_kw": "W", "genset_kw": "W"}
LEVELS = (0.1, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0)  # of the goal: the rows of the list shown
LEAST_ASKED = 0.01  # where nothing may be missing the list still shows what a little less would cost


class _Row(NamedTuple):
    """One line of the list of designs."""

    unserved_fraction: float
    cost: float  # what the goal makes small: of a kWh, or of the whole life
    first_cost: float
    sizes: str


def size_text(study: Study, sizing: Sizing) -> str:
    """Return the best design, what limits it, and the designs around it on the Pareto list."""
    assert sizing.best is not None
    rows = [
        f"Best of {sizing.searched:,} designs that serves at least "
        f"{1.0 - study.scenario.goal.unserved_fraction_max:.1%} of the energy over {study.scenario.goal.years} years",
        *_design_lines(study, sizing.best),
        "",
        "Cheaper serves less, better costs more:",
        *_pareto_lines(study, sizing),
        "",
        _lcoe_note(study),
    ]
    return "\n".join(rows)


def evaluate_text(study: Study, evaluation: Evaluation) -> str:
    """Return what one design does in the year asked for and costs over the project."""
    totals = evaluation.years[evaluation.year - 1]
    sources = [f"  other sources   {totals.source_kwh:>12,.0f} kWh"] if study.scenario.system.sources else []
    use, row = evaluation.use, evaluation.year - 1
    litres, cycles = float(use.fuel_litres[row, 0]), float(use.battery_cycles[row, 0])
    rows = [
        f"{study.scenario.site.name}: one design over {study.scenario.goal.years} years",
        *_design_lines(study, evaluation),
        "",
        f"Year {evaluation.year} of the project",
        f"  wanted          {totals.load_kwh:>12,.0f} kWh   peak {totals.peak_load_kw:.1f} kW",
        f"  served          {totals.served_kwh:>12,.0f} kWh",
        f"  unserved        {totals.unserved_kwh:>12,.0f} kWh   {totals.unserved_hours:,.0f} h, "
        f"longest {totals.longest_outage_hours:,.1f} h",
        f"  solar           {totals.pv_kwh:>12,.0f} kWh   spilled {totals.spilled_kwh:,.0f} kWh",
        *sources,
        f"  engine          {totals.genset_kwh:>12,.0f} kWh   {totals.genset_hours:,.0f} h, {litres:,.0f} L",
        f"  battery out     {totals.battery_discharge_kwh:>12,.0f} kWh   {cycles:,.0f} cycles, "
        f"loss {totals.battery_loss_kwh:,.0f} kWh",
        "",
        _lcoe_note(study),
    ]
    return "\n".join(rows)


def _lcoe_note(study: Study) -> str:
    scenario = study.scenario
    return textwrap.fill(lcoe_includes(scenario.costs, scenario.rates, scenario.goal.years), WIDTH)


def sizes_text(designs: Designs, index: int) -> str:
    """Return the sizes of one design as people say them: small ones in W and Wh, parts that are not there left out."""
    parts = []
    for name, unit in UNITS.items():
        kilo = float(getattr(designs, name)[index])
        if kilo > 0.0:
            size = f"{kilo:g} k{unit}" if kilo >= 1.0 else f"{1000.0 * kilo:g} {unit}"
            parts.append(f"{name.split('_')[0].replace('pv', 'panels')} {size}")
    return " · ".join(parts) or "nothing is built"


def _design_lines(study: Study, evaluation: Evaluation) -> list[str]:
    design, cost = evaluation.design, evaluation.cost
    costs, goal = study.scenario.costs, study.scenario.goal
    currency, here = costs.currency or study.scenario.site.currency, study.scenario.site.currency
    lcoe, paid = float(cost.lcoe_served[0]), float(cost.lcoe_paid[0])
    both = "" if currency == here else f"   = {in_site_currency(costs, lcoe):,.0f} {here}"
    each = "" if study.systems == 1.0 else f"   each of {study.systems:,.0f} homes"
    lines = [
        f"  {' · '.join([sizes_text(design, 0), *_sources(study)])}{each}",
        f"  a kWh served    {lcoe:>12,.3f} {currency}{both}   (paid for: {paid:,.3f} {currency})",
        f"  first cost      {float(cost.capex[0]):>12,.0f} {currency}   net present cost {float(cost.npc[0]):,.0f}",
        f"  unserved        {evaluation.unserved_fraction:>12.2%} of the energy of {goal.years} years   "
        f"renewable {evaluation.renewable_fraction:.1%}",
    ]
    if evaluation.unserved_fraction > goal.unserved_fraction_max + 1e-12:
        lines.append(f"  misses the goal: at most {goal.unserved_fraction_max:.2%} may stay unserved")
    if study.peaks is not None and not evaluation.carries_peaks:
        alone_kw = math.ceil(10.0 * smallest_inverter_kw(study.parts, study.peaks)) / 10.0
        lines += [
            f"  too weak: the AC side must carry {study.peaks.minute_kw:.1f} kW for a minute and "
            f"{study.peaks.surge_kw:.1f} kW while a motor starts;",
            f"            an inverter of {alone_kw:.1f} kW would do it alone",
        ]
    return lines


def _sources(study: Study) -> list[str]:
    return [f"{source.name} {source.kw:g} kW" for source in study.scenario.system.sources]


def _pareto_lines(study: Study, sizing: Sizing) -> list[str]:
    scenario, best = study.scenario, sizing.best
    assert best is not None
    by_energy = scenario.goal.objective == "lcoe"
    cost = float((best.cost.lcoe_served if by_energy else best.cost.npc)[0])
    chosen = _Row(best.unserved_fraction, cost, float(best.cost.capex[0]), sizes_text(best.design, 0))
    around = [row for row in _pareto_rows(study, sizing) if row.sizes != chosen.sizes]
    currency = scenario.costs.currency or scenario.site.currency
    head = f"  {'cost/kWh' if by_energy else 'net cost':>12} {'first cost':>14} {'unserved':>9}   design  ({currency})"
    lines = [
        f"{'>' if row is chosen else ' '} {row.cost:>12,.{3 if by_energy else 0}f} {row.first_cost:>14,.0f} "
        f"{row.unserved_fraction:>9.2%}   {row.sizes}"
        for row in sorted([chosen, *around])
    ]
    return [head, *lines]


def _pareto_rows(study: Study, sizing: Sizing) -> list[_Row]:
    """Return the Pareto designs that serve a good deal better, a little better, a little worse, ... than asked for."""
    pareto, goal = sizing.pareto, study.scenario.goal
    asked = max(goal.unserved_fraction_max, LEAST_ASKED)
    places = [int(np.searchsorted(pareto.unserved_fraction, asked * level, side="right")) - 1 for level in LEVELS]
    cost = pareto.objective(goal.objective)
    return [
        _Row(float(pareto.unserved_fraction[i]), float(cost[i]), float(pareto.capex[i]), sizes_text(pareto.designs, i))
        for i in sorted({place for place in places if place >= 0})
    ]
