"""Charts of years and money: energy year by year, cash flow, what the cost is made of, and cost against reliability."""

from __future__ import annotations

import numpy as np

from sim.inputs import FloatArray
from sim.report import amounts
from sim.report.charts import Chart, Figure, figure, plain, titled
from sim.report.tables import (
    CASH_KINDS,
    Table,
    breakdown_table,
    candidates_table,
    cash_table,
    energy_table,
    title_of,
)
from sim.sizing.economics import Designs
from sim.sizing.evaluate import Evaluation, Study
from sim.sizing.search import Candidates, Sizing

KIND_LOOKS = {
    "Investment": ("--battery", ""),
    "Replacement": ("--charge", "/"),
    "Upkeep and staff": ("--source", ""),
    "Fuel": ("--genset", "x"),
    "Value left": ("--solar", "."),
}
NOTHING_BUILT = "nothing is built"
COST_NAMES = {"lcoe": "cost of a kWh served", "npc": "whole-life cost"}
COST_DECIMALS = {"lcoe": 4, "npc": 0}
COST_SHOWN = {"lcoe": "%{y:,.3f} a kWh", "npc": "%{y:,.0f}"}
CLOUD = 600  # designs drawn as dots behind the line of the best ones


def energy_chart(evaluation: Evaluation) -> Chart:
    """Return what happened to the energy asked for in each year."""
    years = [str(number) for number in range(1, len(evaluation.years) + 1)]
    from_engine = [min(year.genset_kwh, year.served_kwh) for year in evaluation.years]
    from_sun = [year.served_kwh - kwh for year, kwh in zip(evaluation.years, from_engine, strict=True)]
    missing = [year.unserved_kwh for year in evaluation.years]
    traces = [
        _bars("Served with sun and battery", years, from_sun, "--solar", ""),
        _bars("Served with the generator", years, from_engine, "--genset", "/"),
        _bars("Not served", years, missing, "--unserved", "x"),
    ]
    kept = [trace for trace in traces if any(trace["y"])]
    drawn = figure(kept, barmode="stack", yaxis=titled("kWh a year"), xaxis=titled("Year of the project"))
    first, last = evaluation.years[0], evaluation.years[-1]
    worst = int(np.argmax(missing))
    summary = (
        f"Customers ask for {amounts.energy(first.load_kwh)} in year 1 and {amounts.energy(last.load_kwh)} in year "
        f"{len(years)}. "
    )
    if missing[worst] > 0.0005:
        part = amounts.percent(missing[worst] / evaluation.years[worst].load_kwh)
        summary += f"Most is missing in year {worst + 1}: {amounts.energy(missing[worst])}, {part}."
    else:
        summary += "Nothing is missing in any year."
    return Chart("energy", "Energy, year by year", summary, drawn, energy_table(evaluation))


def cash_chart(evaluation: Evaluation, currency: str) -> Chart:
    """Return what is paid in each year, and what customers pay."""
    years = [str(year.year) for year in evaluation.cash]
    columns = {name: [float(getattr(year, kind)) for year in evaluation.cash] for name, kind in CASH_KINDS.items()}
    traces = [_bars(name, years, values, *KIND_LOOKS[name]) for name, values in columns.items() if any(values)]
    revenue = [year.revenue for year in evaluation.cash]
    if any(revenue):
        line = {"color": "--text", "width": 2}
        traces.append(
            {"type": "scatter", "mode": "lines+markers", "name": "Customers pay", "x": years[1:], "line": line}
            | {"y": plain(revenue[1:], 2), "hovertemplate": "%{y:,.0f}"}
        )
    drawn = figure(traces, barmode="relative", yaxis=titled(f"{currency} a year"), xaxis=titled("Year of the project"))
    total = sum(year.total for year in evaluation.cash[1:])
    later = f"{amounts.money(evaluation.cash[0].total, currency)} are paid before the first day"
    summary = f"{later} and {amounts.money(total, currency)} in the years after, less what is left at the end."
    if any(revenue):
        summary += f" Customers pay {amounts.money(sum(revenue), currency)} in all years together."
    return Chart("cash", "Cash flow", summary, drawn, cash_table(evaluation, currency))


def breakdown_chart(evaluation: Evaluation, currency: str) -> Chart:
    """Return what the whole-life cost is made of."""
    worth = {
        title_of(name): [float(np.asarray(part).reshape(-1)[0]) for part in flow]
        for name, flow in evaluation.cost.breakdown.items()
    }
    order = sorted((name for name, parts in worth.items() if any(parts)), key=lambda name: sum(worth[name]))
    traces = []
    for index, kind in enumerate(CASH_KINDS):
        values = [worth[name][index] for name in order]
        if any(values):
            bars = _bars(kind, order, values, *KIND_LOOKS[kind])
            traces.append(bars | {"orientation": "h", "x": bars["y"], "y": order, "hovertemplate": "%{x:,.0f}"})
    xaxis = titled(f"present value, {currency}")
    drawn = figure(traces, barmode="relative", xaxis=xaxis, hovermode="y unified", height=110 + 30 * len(order))
    largest = order[:-4:-1]
    npc = float(evaluation.cost.npc[0])
    parts = [f"{name} {amounts.percent(sum(worth[name]) / npc)}" for name in largest] if npc > 0.0 else largest
    summary = f"Of {amounts.money(npc, currency)} in all, the largest parts are {amounts.listed(parts)}."
    return Chart("breakdown", "What the cost is made of", summary, drawn, breakdown_table(evaluation, currency))


def pareto_chart(study: Study, sizing: Sizing, currency: str) -> Chart:
    """Return cost against reliability: the best designs for each, others that were tried, and the goal."""
    goal, line = study.scenario.goal.unserved_fraction_max, sizing.pareto
    reach = max(4.0 * goal, 0.02, float(line.unserved_fraction.min(initial=1.0)) * 2.0)
    near = line.picked(line.unserved_fraction <= reach)
    objective = study.scenario.goal.objective
    traces = [_cloud(sizing, objective, reach), _dots("Cheapest for its reliability", near, objective, "--battery", 6)]
    if sizing.best is not None:
        traces.append(_chosen(sizing.best, objective))
    limit = {"type": "line", "x0": goal * 100.0, "x1": goal * 100.0, "y0": 0, "y1": 1, "yref": "paper"}
    label = {"x": goal * 100.0, "y": 1, "yref": "paper", "text": "goal", "showarrow": False, "xanchor": "left"}
    drawn_cost = np.append(near.objective(objective), [] if sizing.best is None else _figure_of(sizing.best, objective))
    low, high = (float(drawn_cost.min()), float(drawn_cost.max())) if drawn_cost.size else (0.0, 1.0)
    room = 0.1 * (high - low) + 0.02 * high
    drawn = figure(
        [trace for trace in traces if trace["x"]],
        xaxis=titled("energy not served, %") | {"range": [-0.02 * reach * 100.0, reach * 100.0]},
        yaxis=titled(f"{COST_NAMES[objective]}, {currency}") | {"range": [low - room, high + room]},
        hovermode="closest",
        shapes=[limit | {"line": {"color": "--unserved", "dash": "dash", "width": 2}}],
        annotations=[label],
    )
    summary = _pareto_summary(sizing, objective, currency)
    return Chart("pareto", "Cost against reliability", summary, drawn, _pareto(near, currency))


def design_text(designs: Designs, index: int = 0) -> str:
    """Return one design in words, without what is not there."""
    sizes = [
        (amounts.power(float(designs.pv_kw[index])), "of panels"),
        (amounts.energy(float(designs.battery_kwh[index])), "of battery"),
        (amounts.power(float(designs.inverter_kw[index])), "of inverter"),
        (amounts.power(float(designs.genset_kw[index])), "of generator"),
    ]
    present = [f"{size} {name}" for size, name in sizes if not size.startswith("0")]
    return amounts.listed(present) or NOTHING_BUILT


def _pareto_summary(sizing: Sizing, objective: str, currency: str) -> str:
    line = sizing.pareto
    if line.npc.size == 0:
        return "No design that was tried can carry the busiest minute and the largest motor start."
    weak = ""
    if sizing.too_weak:
        weak = f", {sizing.too_weak:,} of them refused because they cannot carry the busiest minute or a motor start"
    ends = [
        f"{amounts.percent(float(unserved))} unserved for {amounts.money(float(cost), currency)}"
        f"{' a kilowatt-hour' * (objective == 'lcoe')}"
        for unserved, cost in zip(line.unserved_fraction, line.objective(objective), strict=True)
    ]
    return (
        f"{sizing.searched:,} designs were tried{weak}. {line.npc.size:,} are beaten by no other in "
        f"both cost and reliability: they reach from {ends[0]} to {ends[-1]}."
    )


def _pareto(near: Candidates, currency: str) -> Table:
    return candidates_table(
        "Designs that no other beats in both cost and reliability, the most reliable first.", near, currency
    )


def _cloud(sizing: Sizing, objective: str, reach: float) -> Figure:
    """Return an even selection of the other designs, not much dearer than the dearest of the best ones."""
    found, dearest = sizing.candidates, float(sizing.pareto.objective(objective).max(initial=0.0))
    index = np.flatnonzero((found.unserved_fraction <= reach) & (found.objective(objective) <= 1.2 * dearest))
    every = max(1, -(-index.size // CLOUD))
    return _dots("Also tried", found.picked(index[::every]), objective, "--faint", 4)


def _dots(name: str, found: Candidates, objective: str, color: str, size: int) -> Figure:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": plain(found.unserved_fraction * 100.0, 4),
        "y": plain(found.objective(objective), COST_DECIMALS[objective]),
        "text": [design_text(found.designs, index) for index in range(found.npc.size)],
        "hovertemplate": f"%{{text}}<br>%{{x:.3~g}} % unserved, {COST_SHOWN[objective]}<extra></extra>",
        "marker": {"color": color, "size": size},
    }


def _figure_of(best: Evaluation, objective: str) -> FloatArray:
    return best.cost.lcoe_served if objective == "lcoe" else best.cost.npc


def _chosen(best: Evaluation, objective: str) -> Figure:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": "Chosen",
        "x": plain([best.unserved_fraction * 100.0], 4),
        "y": plain(_figure_of(best, objective), COST_DECIMALS[objective]),
        "text": [design_text(best.design)],
        "hovertemplate": f"chosen: %{{text}}<br>%{{x:.3~g}} % unserved, {COST_SHOWN[objective]}<extra></extra>",
        "marker": {"color": "--unserved", "size": 14, "symbol": "star", "line": {"color": "--text", "width": 1}},
    }


def _bars(name: str, years: list[str], values: list[float], color: str, pattern: str) -> Figure:
    look = {"color": color, "pattern": {"shape": pattern, "fgcolor": "--panel", "fillmode": "overlay"}}
    return {
        "type": "bar",
        "name": name,
        "x": years,
        "y": plain(values, 2),
        "marker": look if pattern else {"color": color},
        "hovertemplate": "%{y:,.0f}",
    }
