"""What a design costs over the life of a project, and what a kilowatt-hour then costs.

Vectorised over candidates: hand in (n,) sizes and (years, n) uses, get (n,) results. All money is real, in
the currency of the costs.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TypeVar

import numpy as np

from sim.catalogue import Battery, Genset, Inverter, Panel
from sim.scenario import Costs, Rates
from sim.sizing.costing import (
    Designs,
    Flow,
    Lives,
    Project,
    YearlyUse,
    YearOfMoney,
    real_rate,
    revenue,
    yearly_flows,
)
from sim.sizing.replacement import Amount, Array

__all__ = [
    "CashYear",
    "Designs",
    "Flow",
    "Lives",
    "Project",
    "ProjectCost",
    "YearlyUse",
    "capital_recovery_factor",
    "cash_flow",
    "in_costs_currency",
    "in_site_currency",
    "lcoe_includes",
    "lives_of",
    "project_cost",
    "real_rate",
]

AnyAmount = TypeVar("AnyAmount", float, Array)
AnyRecord = TypeVar("AnyRecord", Designs, YearlyUse, Lives)


@dataclass(frozen=True, slots=True, eq=False)
class ProjectCost:
    """What each candidate costs, shape (n,), in real money of the costs' currency.

    `capex` is paid before the first day; later connections are in `npc` and `breakdown`. `lcoe_served`
    divides by the energy served, `lcoe_paid` by the energy paid for. `breakdown` holds present values by
    component; all of it adds up to `npc`.
    """

    capex: Array
    npc: Array
    annualised: Array
    lcoe_served: Array
    lcoe_paid: Array
    breakdown: dict[str, Flow]


@dataclass(frozen=True, slots=True)
class CashYear:
    """One year of a project's money; costs are positive and `revenue` is not part of `total`."""

    year: int
    capital: float
    replacement: float
    om: float
    fuel: float
    salvage: float
    total: float
    discounted: float
    served_kwh: float
    revenue: float


def project_cost(project: Project) -> ProjectCost:
    """Return the net present cost, annualised cost and cost per kWh of every candidate.

    NPC is the sum of all discounted costs less the value left at the end; the annualised cost is NPC times
    the capital recovery factor. The cost per kWh is NPC over the energy of all years, discounted like
    money: with equal years this is the annualised cost over a year's energy. A candidate that serves
    nothing has an infinite cost per kWh. Raises nothing; `Project` is trusted.
    """
    breakdown: dict[str, Flow] = {}
    capex: Amount = 0.0
    for number, year in enumerate(yearly_flows(project)):
        if number == 0:
            capex = _total(year.paid)
        for name, flow in year.worth.items():
            breakdown[name] = _added(breakdown.get(name, Flow()), flow)
    return _result(project, capex, breakdown)


def cash_flow(project: Project, candidate: int) -> tuple[CashYear, ...]:
    """Return the years 0, 1, ..., of one candidate's money; their `discounted` add up to its NPC.

    A replacement stands in the year in which it falls and is discounted from its own moment, not from the
    year's end.
    """
    single = _single(project, candidate)
    return tuple(_cash_year(single, number, year) for number, year in enumerate(yearly_flows(single)))


def capital_recovery_factor(rate: float, years: int) -> float:
    """Return the share of a sum to be paid each year-end so that it is repaid with interest after `years`."""
    if rate == 0.0:
        return 1.0 / years
    return float(-rate / np.expm1(-years * np.log1p(rate)))


def lives_of(costs: Costs, panel: Panel, battery: Battery, inverter: Inverter | None, genset: Genset) -> Lives:
    """Return how long equipment lasts: what the planner wrote, otherwise what the catalogue says."""
    return Lives(
        pv_years=costs.pv_life_years or panel.life_years,
        battery_years=costs.battery_life_years or battery.ageing.life_years,
        inverter_years=costs.inverter_life_years or (np.inf if inverter is None else inverter.life_years),
        genset_hours=costs.genset_life_hours or genset.life_hours,
        battery_cycles=costs.battery_life_cycles or battery.ageing.life_cycles,
    )


def in_site_currency(costs: Costs, amount: AnyAmount) -> AnyAmount:
    """Return an amount of the costs' currency in the money customers pay in."""
    return amount if costs.exchange_rate is None else amount * costs.exchange_rate.per_unit


def in_costs_currency(costs: Costs, amount: AnyAmount) -> AnyAmount:
    """Return an amount of the money customers pay in, such as a price per kWh, in the costs' currency."""
    return amount if costs.exchange_rate is None else amount / costs.exchange_rate.per_unit


def lcoe_includes(costs: Costs, rates: Rates, years: int) -> str:
    """Return one sentence that says what the cost per kWh includes and leaves out."""
    fixed, yearly, rise = costs.fixed, costs.yearly, rates.fuel_escalation
    parts = [
        "equipment with duty and VAT",
        f"contingency of {fixed.contingency_fraction:.1%}" if fixed.contingency_fraction else "no contingency",
        "line, connections (in the year they are made) and fixed costs",
        "operation and upkeep",
        f"fuel {'rising' if rise > 0.0 else 'falling'} {abs(rise):.1%} a year against inflation" if rise else "fuel",
        "replacements",
        f"insurance of {yearly.insurance_fraction:.1%} of equipment and line" if yearly.insurance_fraction else "",
        f"mobile-money fees of {yearly.mobile_money_fraction:.1%} of revenue" if yearly.mobile_money_fraction else "",
    ]
    return (
        f"Includes {', '.join(filter(None, parts))}, less the value left after {years} years, at {_rate_text(rates)}; "
        "divides by discounted energy; leaves out revenue, financing, profit and taxes on income."
    )


def _rate_text(rates: Rates) -> str:
    if rates.real_or_nominal == "real":
        return f"a real discount rate of {rates.discount:.2%}"
    return (
        f"a nominal discount rate of {rates.discount:.2%} less inflation of {rates.inflation:.2%}, "
        f"which is {real_rate(rates):.2%} real"
    )


def _result(project: Project, capex: Amount, breakdown: dict[str, Flow]) -> ProjectCost:
    shape = np.shape(project.designs.pv_kw)
    npc = np.broadcast_to(np.asarray(_total(breakdown)), shape)
    served_kwh = _discounted_served_kwh(project)
    paid_kwh = served_kwh * project.paid_fraction
    with np.errstate(divide="ignore", invalid="ignore"):
        lcoe_served, lcoe_paid = npc / served_kwh, npc / paid_kwh
    return ProjectCost(
        capex=np.broadcast_to(np.asarray(capex), shape),
        npc=npc,
        annualised=npc * capital_recovery_factor(real_rate(project.rates), project.years),
        lcoe_served=np.where(served_kwh > 0.0, lcoe_served, np.inf),
        lcoe_paid=np.where(paid_kwh > 0.0, lcoe_paid, np.inf),
        breakdown={name: Flow(*(np.broadcast_to(part, shape) for part in flow)) for name, flow in breakdown.items()},
    )


def _discounted_served_kwh(project: Project) -> Array:
    factors = (1.0 + real_rate(project.rates)) ** -np.arange(1.0, project.years + 1.0)
    total: Array = factors @ project.use.served_kwh
    return total


def _total(flows: dict[str, Flow]) -> Amount:
    total: Amount = 0.0
    for flow in flows.values():
        total = total + flow.total()
    return total


def _added(one: Flow, other: Flow) -> Flow:
    return Flow(*(left + right for left, right in zip(one, other, strict=True)))


def _cash_year(project: Project, number: int, year: YearOfMoney) -> CashYear:
    paid = Flow()
    for flow in year.paid.values():
        paid = _added(paid, flow)
    return CashYear(
        year=number,
        capital=_scalar(paid.capital),
        replacement=_scalar(paid.replacement),
        om=_scalar(paid.om),
        fuel=_scalar(paid.fuel),
        salvage=_scalar(paid.salvage),
        total=_scalar(paid.total()),
        discounted=_scalar(_total(year.worth)),
        served_kwh=_scalar(project.use.served_kwh[number - 1]) if number else 0.0,
        revenue=_scalar(revenue(project, number)) if number else 0.0,
    )


def _scalar(amount: Amount) -> float:
    return float(np.asarray(amount).reshape(()))


def _single(project: Project, candidate: int) -> Project:
    count = np.shape(project.designs.pv_kw)[0]
    return replace(
        project,
        designs=_picked(project.designs, candidate, count),
        use=_picked(project.use, candidate, count),
        lives=_picked(project.lives, candidate, count),
    )


def _picked(record: AnyRecord, candidate: int, count: int) -> AnyRecord:
    """Return the record of one candidate: the last axis keeps that one, scalars stay as they are."""
    values = {}
    for field in fields(record):
        value = np.asarray(getattr(record, field.name), dtype=np.float64)
        varies = value.ndim > 0 and value.shape[-1] == count
        values[field.name] = value[..., candidate : candidate + 1] if varies else value
    return replace(record, **values)
