"""The answers of `size` and `evaluate` as plain data, for programs: `microgrid.size/1` and `microgrid.evaluate/1`.

Money is real, in the currency of the costs; energy of `evaluate` is that of the year asked for. Keys are never renamed
within a version.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from sim.sizing.economics import in_site_currency, lcoe_includes
from sim.sizing.evaluate import Evaluation, Study
from sim.sizing.search import NAMES, Candidates, Sizing, meets_goal
from sim.sizing.why import Infeasible

Answer = dict[str, object]
PARETO_SHOWN = 60


def size_answer(study: Study, sizing: Sizing, why: Infeasible | None, seconds: float) -> Answer:
    """Return what `size --json` prints."""
    return {
        **_scenario(study),
        "best": None if sizing.best is None else best_answer(study, sizing.best),
        "infeasible": None if why is None else asdict(why),
        "pareto": pareto_answer(sizing.pareto),
        "searched": sizing.searched,
        "too_weak_for_peaks": sizing.too_weak,
        "candidate_years": sizing.candidate_years,
        "seconds": round(seconds, 3),
        "candidate_years_per_s": round(sizing.candidate_years / max(seconds, 1e-9)),
    }


def evaluate_answer(study: Study, evaluation: Evaluation) -> Answer:
    """Return what `evaluate --json` prints: one year's energy, the project's money and reliability, every year."""
    totals = evaluation.years[evaluation.year - 1]
    use, row = evaluation.use, evaluation.year - 1
    fuel_litres, cycles = float(use.fuel_litres[row, 0]), float(use.battery_cycles[row, 0])
    return {
        **_scenario(study),
        **best_answer(study, evaluation),
        "year": evaluation.year,
        **_rounded(asdict(totals)),
        "imbalance_kwh": totals.imbalance_kwh,
        "fuel_litres": round(fuel_litres, 3),
        "battery_cycles": round(cycles, 6),
        "carries_peaks": evaluation.carries_peaks,
        "meets_goal": meets_goal(study, evaluation),
        "years": years_answer(evaluation),
        "cash_flow": [_rounded(asdict(year)) for year in evaluation.cash],
        "breakdown": breakdown_answer(evaluation),
    }


def best_answer(study: Study, evaluation: Evaluation) -> Answer:
    """Return the sizes of one design and what it costs and achieves over the project."""
    costs, cost = study.scenario.costs, evaluation.cost
    lcoe, lcoe_paid = float(cost.lcoe_served[0]), float(cost.lcoe_paid[0])
    return {
        **{name: float(getattr(evaluation.design, name)[0]) for name in NAMES},
        "npc": round(float(cost.npc[0]), 2),
        "capex": round(float(cost.capex[0]), 2),
        "annualised": round(float(cost.annualised[0]), 2),
        "lcoe_per_kwh": _finite(lcoe),
        "lcoe_per_paid_kwh": _finite(lcoe_paid),
        "lcoe_per_kwh_site_currency": _finite(in_site_currency(costs, lcoe)),
        "lcoe_includes": lcoe_includes(costs, study.scenario.rates, study.scenario.goal.years),
        "unserved_fraction": evaluation.unserved_fraction,
        "renewable_fraction": evaluation.renewable_fraction,
        "battery_life_years": costs.battery_life_years or _finite(float(evaluation.use.battery_life_years[0])),
    }


def pareto_answer(pareto: Candidates) -> list[Answer]:
    """Return the Pareto list, cheapest last, thinned evenly to what a person can read."""
    count = pareto.npc.size
    chosen = sorted({round(step * (count - 1) / (PARETO_SHOWN - 1)) for step in range(PARETO_SHOWN)}) if count else []
    return [
        {
            **{name: float(getattr(pareto.designs, name)[index]) for name in NAMES},
            "npc": round(float(pareto.npc[index]), 2),
            "lcoe_per_kwh": _finite(float(pareto.lcoe[index])),
            "capex": round(float(pareto.capex[index]), 2),
            "unserved_fraction": float(pareto.unserved_fraction[index]),
            "renewable_fraction": float(pareto.renewable_fraction[index]),
        }
        for index in chosen
    ]


def years_answer(evaluation: Evaluation) -> list[Answer]:
    """Return the energy of every year of the project."""
    use = evaluation.use
    return [
        {
            "year": index + 1,
            "load_kwh": round(totals.load_kwh, 3),
            "served_kwh": round(totals.served_kwh, 3),
            "unserved_kwh": round(totals.unserved_kwh, 3),
            "spilled_kwh": round(totals.spilled_kwh, 3),
            "genset_kwh": round(totals.genset_kwh, 3),
            "fuel_litres": round(float(use.fuel_litres[index, 0]), 3),
            "battery_capacity_left": round(float(use.capacity_left[index, 0]), 5),
        }
        for index, totals in enumerate(evaluation.years)
    ]


def breakdown_answer(evaluation: Evaluation) -> dict[str, Answer]:
    """Return the present value of each component by kind of money; all of it adds up to the NPC."""
    return {
        name: {kind: round(float(amount[0]), 2) for kind, amount in flow._asdict().items()}
        for name, flow in evaluation.cost.breakdown.items()
    }


def _scenario(study: Study) -> Answer:
    scenario = study.scenario
    return {
        "site": scenario.site.name,
        "currency": scenario.costs.currency or scenario.site.currency,
        "site_currency": scenario.site.currency,
        "project_years": scenario.goal.years,
        "seed": scenario.seed,
        "filled": list(study.inputs.fills),
    }


def _rounded(values: Mapping[str, float | int]) -> Answer:
    return {name: round(value, 6) if isinstance(value, float) else value for name, value in values.items()}


def _finite(value: float) -> float | None:
    """Return the number, or nothing where JSON has no word for it (nothing served, no limit)."""
    return value if abs(value) < float("inf") else None
