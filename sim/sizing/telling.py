"""The answers of `size` and `evaluate` in words and columns, for people at a terminal."""

from __future__ import annotations

import textwrap

import numpy as np

from sim.sizing.economics import Designs, in_site_currency, lcoe_includes
from sim.sizing.evaluate import Evaluation, Study
from sim.sizing.search import Sizing

WIDTH = 100
UNITS = {"pv_kw": "Wp", "battery_kwh": "Wh", "inverter_kw": "W", "genset_kw": "W"}
LEVELS = (0.1, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0)  # of the goal: the rows of the list shown


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
    litres = float(evaluation.use.fuel_litres[evaluation.year - 1, 0])
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
        f"  engine          {totals.genset_kwh:>12,.0f} kWh   {totals.genset_hours:,.0f} h, {litres:,.0f} L",
        f"  battery out     {totals.battery_discharge_kwh:>12,.0f} kWh   {totals.battery_cycles:,.0f} cycles, "
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
    design, cost, costs = evaluation.design, evaluation.cost, study.scenario.costs
    currency, here = costs.currency or study.scenario.site.currency, study.scenario.site.currency
    lcoe, paid = float(cost.lcoe_served[0]), float(cost.lcoe_paid[0])
    both = "" if currency == here else f"   = {in_site_currency(costs, lcoe):,.0f} {here}"
    each = "" if study.inputs.systems == 1.0 else f"   each of {study.inputs.systems:,.0f} homes"
    lines = [
        f"  {sizes_text(design, 0)}{each}",
        f"  a kWh served    {lcoe:>12,.3f} {currency}{both}   (paid for: {paid:,.3f} {currency})",
        f"  first cost      {float(cost.capex[0]):>12,.0f} {currency}   net present cost {float(cost.npc[0]):,.0f}",
        f"  unserved        {evaluation.unserved_fraction:>12.2%} of all energy   "
        f"renewable {evaluation.renewable_fraction:.1%}",
    ]
    if study.peaks is not None and not evaluation.carries_peaks:
        lines.append(
            f"  too weak: the AC side must carry {study.peaks.minute_kw:.1f} kW for a minute and "
            f"{study.peaks.surge_kw:.1f} kW while a motor starts"
        )
    return lines


def _pareto_lines(study: Study, sizing: Sizing) -> list[str]:
    currency = study.scenario.costs.currency or study.scenario.site.currency
    pareto, goal = sizing.pareto, study.scenario.goal.unserved_fraction_max
    chosen = [int(np.searchsorted(pareto.unserved_fraction, goal * level, side="right")) - 1 for level in LEVELS]
    head = f"  {'cost/kWh':>10} {'first cost':>14} {'unserved':>9}   design  ({currency})"
    rows = [
        f"  {pareto.lcoe[i]:>10.3f} {pareto.capex[i]:>14,.0f} {pareto.unserved_fraction[i]:>9.2%}   "
        f"{sizes_text(pareto.designs, i)}"
        for i in sorted({index for index in chosen if index >= 0})
    ]
    return [head, *rows]
