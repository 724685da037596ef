"""The planner's question answered: is it enough, what does a kilowatt-hour cost, and what limits it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from sim.physics.operation import Plant
from sim.report import amounts
from sim.report.money_charts import NOTHING_BUILT, design_text
from sim.report.shortage import WINDOW_H, Shortage, shortage_of
from sim.sizing.economics import in_costs_currency, in_site_currency
from sim.sizing.evaluate import Evaluation, Study, evaluate
from sim.sizing.plant import panels_left, plant_of
from sim.sizing.search import NAMES, Sizing

SIZE_NAMES = dict(zip(NAMES, ("panels", "battery", "inverter", "generator"), strict=True))


@dataclass(frozen=True, slots=True)
class Fact:
    """One of the numbers that matter."""

    label: str
    value: str
    note: str


def hardest_year(study: Study, evaluation: Evaluation) -> Evaluation:
    """Return the evaluation that shows the year in which most is missing; if nothing is, the one with most demand."""
    years = evaluation.years
    order = np.lexsort([[-year.load_kwh for year in years], [-round(year.unserved_kwh, 3) for year in years]])
    hardest = int(order[0]) + 1
    return evaluation if hardest == evaluation.year else evaluate(study, evaluation.design, hardest)


def full_battery_wh(study: Study, evaluation: Evaluation) -> float:
    """Return what a battery as old as it is in the evaluation's year holds when full [Wh]."""
    return _number(_plant_of(study, evaluation).tank.ceiling_wh)


def meets_goal(study: Study, evaluation: Evaluation) -> bool:
    """Tell whether a design serves as much as the goal asks and carries the peaks."""
    enough = evaluation.unserved_fraction <= study.scenario.goal.unserved_fraction_max
    return enough and evaluation.carries_peaks


def verdict(study: Study, evaluation: Evaluation) -> str:
    """Return the answer to `is it enough?` in one or two sentences."""
    goal, missing = study.scenario.goal, evaluation.unserved_fraction
    enough = missing <= goal.unserved_fraction_max
    if design_text(evaluation.design) == NOTHING_BUILT:
        return "No. Nothing is built, and nothing is served."
    owned = f"Each of {study.systems:,.0f} systems has {design_text(evaluation.design)}. Together they serve"
    one = f"{_capital(design_text(evaluation.design))} serve"
    served = f"{owned if study.systems > 1.0 else one} {amounts.percent(1.0 - missing)} of the energy"
    customers = study.inputs.connections
    people = "one customer asks" if customers == 1 else f"{customers:,} customers ask"
    asked = f"that {people} for over {_years(goal.years)}"
    allowed = f"the goal allows {amounts.percent(goal.unserved_fraction_max)} to be missing"
    missing_text = f"{amounts.percent(missing, 4)} is missing, and {allowed}"
    text = f"{'Yes' if enough and evaluation.carries_peaks else 'No'}. {served} {asked}; {missing_text}."
    return text if evaluation.carries_peaks else f"{text} {_peaks_text(study)}"


def price_text(study: Study, evaluation: Evaluation) -> str:
    """Return what a kilowatt-hour costs and whether the price customers pay covers it."""
    cost = float(evaluation.cost.lcoe_served[0])
    if not np.isfinite(cost):
        return "Nothing is served, so there is no cost per kilowatt-hour."
    text = f"A kilowatt-hour served costs {_both(study, cost)}"
    payg, paid = study.scenario.payg, float(evaluation.cost.lcoe_paid[0])
    if payg is None or payg.price_per_kwh == 0.0:
        return f"{text}. No price for customers is given."
    if payg.paid_fraction < 1.0:
        text += f", and one that is paid for {_both(study, paid)}"
    price = in_costs_currency(study.scenario.costs, payg.price_per_kwh)
    gap = amounts.percent(abs(price - paid) / paid) if paid > 0.0 else ""
    compared = "covers the whole cost" if price >= paid else f"falls {gap} short of it"
    more = f", with {gap} to spare" if price >= paid and gap else ""
    at_rate = "at this discount rate, before loans, profit and taxes on income"
    site_currency = study.scenario.site.currency
    return f"{text}. The price of {amounts.money(payg.price_per_kwh, site_currency)} {compared}{more}, {at_rate}."


def limit_text(study: Study, hardest: Evaluation) -> str:
    """Return what limits the design in its hardest year."""
    steps, plant = hardest.trajectory, _plant_of(study, hardest)
    found = shortage_of(
        steps.unserved_w,
        steps.inverter_w,
        steps.battery_w,
        _number(plant.inverter.rated_w),
        hardest.drivers.rate_factor * _number(plant.tank.discharge_limit_w),
        study.inputs.dt_h,
    )
    if found is None:
        return _nothing_missing_text(study, hardest)
    whose = f"{amounts.energy(found.unserved_kwh)} are missing{' in the first sample home' * (_homes(study) > 0)}"
    until = (found.worst_hour + WINDOW_H) % 24
    in_month, at_hours = (amounts.percent(round(part, 2)) for part in (found.worst_month_part, found.worst_hours_part))
    return (
        f"What limits it: in year {hardest.year}, the hardest, {whose} because "
        f"{_causes_text(found, _low_text(study, hardest))}. {in_month} of that falls in {found.worst_month}, and "
        f"{at_hours} between {found.worst_hour:02d}:00 and {until:02d}:00."
    )


def search_text(study: Study, sizing: Sizing) -> str:
    """Return how the design was found, whether the goal or the cost decides it, and where the range ends too soon."""
    best, goal = sizing.best, study.scenario.goal
    if best is None:
        return ""
    aim = "costs least per kilowatt-hour" if goal.objective == "lcoe" else "has the lowest whole-life cost"
    found = f"{sizing.searched:,} designs were tried; of those that meet the goal this one {aim}."
    ends = [_edge_text(name, best, getattr(study.scenario.system, name)) for name in NAMES]
    return " ".join([found, _deciding_text(study, sizing, best), *(text for text in ends if text)])


def ten_facts(study: Study, evaluation: Evaluation) -> tuple[Fact, ...]:
    """Return the ten numbers that matter."""
    facts = (*_cost_facts(study, evaluation), *_supply_facts(study, evaluation), *_equipment_facts(study, evaluation))
    return tuple(replace(fact, value=fact.value.replace(amounts.NO_BREAK, " ")) for fact in facts)  # narrow cards


def currency_of(study: Study) -> str:
    """Return the currency that costs are in."""
    return study.scenario.costs.currency or study.scenario.site.currency


def _cost_facts(study: Study, evaluation: Evaluation) -> tuple[Fact, ...]:
    cost, currency, goal = evaluation.cost, currency_of(study), study.scenario.goal
    served, paid = float(cost.lcoe_served[0]), float(cost.lcoe_paid[0])
    years = f"over {_years(goal.years)}; {amounts.money(float(cost.annualised[0]), currency)} a year"
    later = sum(year.capital for year in evaluation.cash[1:])
    follows = f"{amounts.money(later, currency)} follow for later connections" if later > 0.0 else "equipment and works"
    return (
        Fact("A kWh served costs", amounts.money(served, currency), _in_site_money(study, served)),
        Fact("A kWh paid for costs", amounts.money(paid, currency), _in_site_money(study, paid)),
        Fact("To pay before the first day", amounts.money(float(cost.capex[0]), currency), follows),
        Fact("Whole-life cost", amounts.money(float(cost.npc[0]), currency), years),
    )


def _supply_facts(study: Study, evaluation: Evaluation) -> tuple[Fact, ...]:
    years, goal = evaluation.years, study.scenario.goal
    load_kwh = sum(year.load_kwh for year in years) / len(years)
    hours = sum(year.unserved_hours for year in years) / len(years)
    longest = max(range(len(years)), key=lambda index: years[index].longest_outage_hours)
    outage_h = years[longest].longest_outage_hours
    outage = f"longest: {amounts.with_unit(outage_h, 'h')}, in year {longest + 1}" if outage_h else "no outage"
    first, last = (amounts.energy(years[end].load_kwh) for end in (0, -1))
    grows = f"a year on average; {first} in year 1, {last} in the last"
    allowed = f"the goal allows {amounts.percent(goal.unserved_fraction_max)}"
    return (
        Fact("Energy not served", amounts.percent(evaluation.unserved_fraction, 4), allowed),
        Fact("Hours with load unserved", f"{amounts.number(hours)} a year", outage),
        Fact("Customers ask for", amounts.energy(load_kwh), grows),
        Fact("From the sun and other sources", amounts.percent(evaluation.renewable_fraction), "of the energy served"),
    )


def _equipment_facts(study: Study, evaluation: Evaluation) -> tuple[Fact, ...]:
    years, use = evaluation.years, evaluation.use
    offered_kwh = sum(year.pv_kwh + year.source_kwh for year in years)
    spilled_kwh = sum(year.spilled_kwh for year in years)
    cycles = float(use.battery_cycles[:, 0].mean())
    ageing = study.parts.battery.ageing
    costs, battery = study.scenario.costs, float(evaluation.design.battery_kwh[0]) > 0.0
    modelled = float(use.battery_life_years[0])
    life = modelled if np.isfinite(modelled) else costs.battery_life_years or ageing.life_years
    whose = "as given" if not np.isfinite(modelled) else "by age" if modelled >= ageing.life_years else "by wear"
    wear = f"{whose}; {amounts.number(cycles)} full cycles a year"
    if float(evaluation.design.genset_kw[0]) > 0.0:
        litres, hours = float(use.fuel_litres[:, 0].mean()), sum(year.genset_hours for year in years) / len(years)
        last = Fact(
            "Fuel for the generator",
            f"{amounts.number(litres)} litres",
            f"a year on average, in {amounts.number(hours)} hours",
        )
    else:
        spilled = spilled_kwh / offered_kwh if offered_kwh > 0.0 else 0.0
        last = Fact("Energy spilled", amounts.percent(spilled), "of what sun and other sources could give")
    none = Fact("Battery life", "no battery", "")
    return Fact("Battery life", amounts.with_unit(life, "years"), wear) if battery else none, last


def _nothing_missing_text(study: Study, hardest: Evaluation) -> str:
    if sum(year.unserved_kwh for year in hardest.years) < amounts.TINY_KWH:
        return "Nothing is missing in any year: the design is limited by its cost, not by what it can give."
    return (
        f"In year {hardest.year}, the hardest, nothing is missing in the first sample home; others of the "
        f"{_homes(study):,} go short."
    )


def _low_text(study: Study, evaluation: Evaluation) -> str:
    """Return in words what it means that there is too little energy."""
    if float(evaluation.design.battery_kwh[0]) <= 0.0:
        return "the sun does not shine and there is no battery"
    shedding = study.scenario.system.shedding
    sheds = shedding.standard_below_soc > 0.0 or shedding.deferrable_below_soc > 0.0
    low = (
        "the battery is low, or customers of lower priority are let go to spare it" if sheds else "the battery is empty"
    )
    return f"{low} and the generator too small" if float(evaluation.design.genset_kw[0]) > 0.0 else low


def _causes_text(found: Shortage, low: str) -> str:
    causes = {
        low: found.battery_low,
        "the inverter gives all it can": found.inverter_full,
        "the battery gives all it may at once": found.battery_full,
    }
    named = [cause for cause in sorted(causes, key=lambda cause: -causes[cause]) if causes[cause] >= 0.05]
    if len(named) == 1:
        return named[0]
    return amounts.listed([f"{cause} ({amounts.percent(round(causes[cause], 2))})" for cause in named])


def _deciding_text(study: Study, sizing: Sizing, best: Evaluation) -> str:
    """Return whether the goal keeps the search from something cheaper."""
    found, by_energy = sizing.candidates, study.scenario.goal.objective == "lcoe"
    objective = found.objective(study.scenario.goal.objective)
    cheapest = int(objective.argmin())
    chosen = float((best.cost.lcoe_served if by_energy else best.cost.npc)[0])
    if objective[cheapest] >= 0.999 * chosen:  # closer than the sweep is exact
        return "Cost decides its size, not the goal: nothing that was tried is cheaper, not even what misses the goal."
    cost = f"{amounts.money(float(objective[cheapest]), currency_of(study))}{' per kilowatt-hour' * by_energy}"
    missing = amounts.percent(float(found.unserved_fraction[cheapest]))
    return f"The goal decides its size: the cheapest design of all costs {cost}, but leaves {missing} unserved."


def _plant_of(study: Study, evaluation: Evaluation) -> Plant:
    """Return the design as old as its parts are in the evaluation's year."""
    left = evaluation.use.capacity_left[evaluation.year - 1]
    power_left = panels_left(study.parts, study.scenario.costs, evaluation.year - 1)
    return plant_of(study.parts, evaluation.design, left, power_left, study.inputs.dt_h)


def _number(value: object) -> float:
    return float(np.asarray(value, dtype=np.float64).reshape(-1)[0])


def _homes(study: Study) -> int:
    """Return how many systems of the design there are, 0 for one microgrid."""
    return round(study.systems) if study.systems > 1.0 else 0


def _peaks_text(study: Study) -> str:
    if study.peaks is None:
        return ""
    minute, surge = (amounts.power(kw) for kw in (study.peaks.minute_kw, study.peaks.surge_kw))
    return (
        f"Inverter and generator together cannot carry the busiest minute ({minute}) or the largest motor start "
        f"({surge} for some seconds)."
    )


def _edge_text(name: str, best: Evaluation, sizes: object) -> str:
    if not isinstance(sizes, tuple) or len(sizes) < 2:
        return ""
    size = float(getattr(best.design, name)[0])
    if size >= max(sizes) > 0.0:
        return (
            f"The {SIZE_NAMES[name]} ended at the upper end of the range: raise {name} to see whether more is better."
        )
    if size <= min(sizes) and size > 0.0:
        return (
            f"The {SIZE_NAMES[name]} ended at the lower end of the range: lower {name} to see whether less is better."
        )
    return ""


def _both(study: Study, cost: float) -> str:
    """Return an amount of the costs' currency, and in brackets in the site's where that is another one."""
    text, other = amounts.money(cost, currency_of(study)), _in_site_money(study, cost)
    return f"{text} ({other})" if other else text


def _in_site_money(study: Study, cost: float) -> str:
    site = study.scenario.site.currency
    if site == currency_of(study):
        return ""
    return amounts.money(in_site_currency(study.scenario.costs, cost), site)


def _years(count: int) -> str:
    return "1 year" if count == 1 else f"{count} years"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
