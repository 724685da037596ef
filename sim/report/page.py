"""The report: one HTML file that answers the planner's question and opens anywhere, without a network."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from pathlib import Path
from typing import Any

import numpy as np

from microgrid import __version__
from microgrid.files import write_whole
from sim.report import amounts, answer, assumed
from sim.report.charts import Chart
from sim.report.money_charts import breakdown_chart, cash_chart, design_text, energy_chart, pareto_chart
from sim.report.tables import candidates_table, cost_table, operation_table
from sim.report.week_charts import RULE, week_charts
from sim.sizing.economics import lcoe_includes
from sim.sizing.evaluate import Evaluation, Study
from sim.sizing.search import Candidates, Sizing

TEMPLATES = Path(__file__).resolve().parent / "templates"


def write_report(path: Path, study: Study, evaluation: Evaluation, sizing: Sizing | None, inputs_text: str) -> None:
    """Write the report of one design as one self-contained HTML file; whole, or not at all.

    `sizing` adds how the design was found; `inputs_text` is the scenario as the planner wrote it. The same arguments
    give the same bytes. Raises Environment when the disk is full or the place may not be written to.
    """
    currency = answer.currency_of(study)
    hardest = answer.hardest_year(study, evaluation)
    weeks = week_charts(study, hardest, answer.full_battery_wh(study, hardest))
    money = (cash_chart(evaluation, currency), breakdown_chart(evaluation, currency))
    search = () if sizing is None else (pareto_chart(study, sizing, currency),)
    energy = energy_chart(evaluation)
    scenario = study.scenario
    content = {
        "title": f"{scenario.site.name}: {design_text(evaluation.design)}",
        "enough": answer.meets_goal(study, evaluation),
        "answer": _answer(study, evaluation, hardest),
        "found": "" if sizing is None else answer.search_text(study, sizing),
        "facts": answer.ten_facts(study, evaluation),
        "weeks": weeks,
        "weeks_year": hardest.year,
        "weeks_rule": RULE,
        "energy": energy,
        "operation": operation_table(evaluation),
        "imbalance": _imbalance_text(evaluation),
        "money": money,
        "cost_of_energy": cost_table(study, evaluation),
        "lcoe_includes": lcoe_includes(scenario.costs, scenario.rates, scenario.goal.years),
        "search": search,
        "homes": round(study.systems) if study.systems > 1.0 else 0,
    }
    charts = (*weeks, energy, *money, *search)
    write_whole(path, _rendered("report.html", study, inputs_text, charts, content))


def write_infeasible_report(
    path: Path, study: Study, sizing: Sizing, reasons: tuple[str, ...], inputs_text: str
) -> None:
    """Write a report of what was tried when no design meets the goal; whole, or not at all.

    The first of `reasons` says which limit is tightest, each other one names a change that would fit. When every design
    was refused unseen because it cannot carry the peaks, there is nothing to draw. Raises Environment as
    `write_report` does.
    """
    currency = answer.currency_of(study)
    charts = (pareto_chart(study, sizing, currency),) if sizing.candidates.npc.size else ()
    content = {
        "title": f"{study.scenario.site.name}: no design meets the goal",
        "goal": amounts.percent(study.scenario.goal.unserved_fraction_max),
        "searched": f"{sizing.searched:,}",
        "too_weak": f"{sizing.too_weak:,}" if sizing.too_weak else "",
        "tightest": reasons[0] if reasons else "",
        "would_fit": reasons[1:],
        "closest": candidates_table("The designs that leave least unserved.", _closest(sizing), currency),
        "search": charts,
    }
    write_whole(path, _rendered("infeasible.html", study, inputs_text, charts, content))


def _answer(study: Study, evaluation: Evaluation, hardest: Evaluation) -> str:
    """Return one paragraph: is it enough, what does a kilowatt-hour cost, what limits it."""
    return " ".join(
        (answer.verdict(study, evaluation), answer.price_text(study, evaluation), answer.limit_text(study, hardest))
    )


def _imbalance_text(evaluation: Evaluation) -> str:
    largest_kwh = max(abs(year.imbalance_kwh) for year in evaluation.years)
    exact = "to a thousandth of a watt-hour" if largest_kwh < 1e-6 else f"to {amounts.energy(largest_kwh)}"
    return f"In every year what came in equals what went out, stayed or was lost, {exact}."


def _closest(sizing: Sizing) -> Candidates:
    """Return up to ten designs with the least energy unserved, of equals the cheapest first."""
    found = sizing.candidates
    order = np.lexsort([found.npc, found.unserved_fraction])
    return found.picked(order[:10])


def _rendered(template: str, study: Study, inputs_text: str, charts: tuple[Chart, ...], content: dict[str, Any]) -> str:
    import jinja2
    from plotly.offline import get_plotlyjs

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    plotly_js, drawing_js = get_plotlyjs(), (TEMPLATES / "charts.js").read_text(encoding="utf-8")
    return environment.get_template(template).render(
        **content,
        site=study.scenario.site,
        place=assumed.place_text(study),
        charts=charts,
        fills=study.inputs.fills,
        assumed=assumed.assumptions(study),
        left_out=assumed.not_modelled(study),
        inputs_text=inputs_text,
        inputs_hash=hashlib.sha256(inputs_text.encode()).hexdigest(),
        version=__version__,
        seed=study.scenario.seed,
        plotly_js=plotly_js,
        drawing_js=drawing_js,
        allowed_scripts=" ".join(_hash_of(script) for script in (plotly_js, drawing_js)),
    )


def _hash_of(script: str) -> str:
    """Return a script's hash as a content security policy names it: nothing else on the page may run."""
    return f"'sha256-{b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
