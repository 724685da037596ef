"""What a result rests on, and what it leaves out: said in the report, so that nobody has to guess."""

from __future__ import annotations

import numpy as np

from sim.report import amounts
from sim.sizing.economics import real_rate
from sim.sizing.evaluate import Study


def assumptions(study: Study) -> tuple[str, ...]:
    """Return what was assumed about place, weather, demand, equipment and money, one sentence each."""
    return (
        *_place(study),
        *(f"{note[:1].upper()}{note[1:].rstrip('.')}." for note in study.inputs.notes),
        *_parts(study),
        *_money(study),
    )


def not_modelled(study: Study) -> tuple[str, ...]:
    """Return what the figures leave out, one sentence each."""
    draws = study.inputs.pv_w_per_w.shape[0]
    sky = "one year of weather is" if draws == 1 else f"{draws} years of weather are"
    minutes = study.scenario.step_minutes
    within = f"What happens within a step of {minutes} minutes: powers are means over it"
    checked = ", but the busiest minute and the largest motor start are held against inverter and generator"
    return (
        f"Other weather than was given: {sky} used again and again, without a change of climate.",
        f"{within}{checked if study.peaks is not None else ', and peaks inside it were not checked'}.",
        "Losses and voltage drop on the lines to customers: demand is taken at the powerhouse.",
        "Breakdowns, repairs and theft: everything works until it is replaced.",
        "Customers who pay late, stop paying or are switched off: the part of energy that is paid for is one number.",
        "How demand answers to the price.",
        "A battery in a room warmer or colder than the air outside.",
        "Fuel that does not arrive.",
        "Loans, grants, profit, and taxes on income.",
    )


def place_text(study: Study) -> str:
    """Return where a site lies, such as `7.42° south, 39.33° east`."""
    site = study.scenario.site
    north, east = "south" if site.latitude < 0.0 else "north", "west" if site.longitude < 0.0 else "east"
    return f"{abs(site.latitude):g}° {north}, {abs(site.longitude):g}° {east}"


def _place(study: Study) -> tuple[str, ...]:
    site, system = study.scenario.site, study.scenario.system
    place = f"{site.name} lies at {place_text(study)}, {site.altitude_m:g} m above the sea"
    clock = f"Steps of {study.scenario.step_minutes} minutes in the standard time of {site.timezone}"
    kind = system.topology.replace("_", " ")
    buses = f"{kind}, panels on the {system.coupling.upper()} side" if study.parts.inverter is not None else kind
    run = (
        "charges the battery whenever the generator runs" if system.dispatch == "cycle_charging" else "follows the load"
    )
    return (f"{place}.", f"{clock}.", f"The system is a {buses}; its generator, if any, {run}.")


def _parts(study: Study) -> tuple[str, ...]:
    parts, system = study.parts, study.scenario.system
    wanted = [
        ("Panels", parts.panel, system.pv_kw),
        ("Battery", parts.battery, system.battery_kwh),
        ("Inverter", parts.inverter, system.inverter_kw),
        ("Generator", parts.genset, system.genset_kw),
    ]
    named = [
        f"{name}: {item.title}. Its figures: {item.source.rstrip('.')}."
        for name, item, sizes in wanted
        if item is not None and float(np.max(np.asarray(sizes))) > 0.0
    ]
    costs = study.scenario.costs
    if costs.battery_life_years is None and costs.battery_life_cycles is None:
        named.append("The battery wears with time and use, and is replaced at the end of its life.")
    else:
        named.append("The battery keeps its capacity for the life that was given, and is then replaced.")
    return (*named, f"Panels lose {amounts.percent(parts.panel.degradation_per_year)} of their power each year.")


def _money(study: Study) -> tuple[str, ...]:
    scenario = study.scenario
    rates, costs, payg = scenario.rates, scenario.costs, scenario.payg
    told = f"Money is real: today's prices, discounted at {amounts.percent(real_rate(rates))} a year"
    if rates.real_or_nominal == "nominal":
        told += f" (nominal {amounts.percent(rates.discount)} less inflation {amounts.percent(rates.inflation)})"
    said = [f"{told}."]
    if costs.exchange_rate is not None:
        rate = costs.exchange_rate
        pair = f"{amounts.number(rate.per_unit, 6)} {scenario.site.currency} for 1 {costs.currency}"
        said.append(f"The exchange rate is {pair}, as on {rate.on.isoformat()}.")
    if payg is not None:
        said.append(f"{amounts.percent(payg.paid_fraction)} of the energy served is paid for.")
    return tuple(said)
