"""What a project buys and pays in each of its years, component by component, for many designs at once.

Money is real (today's prices) in the currency of the costs. Year 0 is the day the plant starts; what is
paid during a year is counted at its end, except replacements, which are discounted from the moment they
happen.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from sim.scenario import Costs, Rates, Source
from sim.sizing.replacement import Amount, Array, YearOfWear, wear_by_year


@dataclass(frozen=True, slots=True, eq=False)
class Designs:
    """The candidates' sizes, each of shape (n,)."""

    pv_kw: Array
    battery_kwh: Array
    inverter_kw: Array
    genset_kw: Array


@dataclass(frozen=True, slots=True, eq=False)
class YearlyUse:
    """What each candidate does in each year of the project, each of shape (years, n).

    `battery_cycles` are equivalent full cycles of rated energy. A view made by `numpy.broadcast_to` serves
    where every year is alike.
    """

    served_kwh: Array
    pv_kwh: Array
    genset_kwh: Array
    genset_hours: Array
    genset_starts: Array
    fuel_litres: Array
    battery_cycles: Array


@dataclass(frozen=True, slots=True, eq=False)
class Lives:
    """How long equipment lasts, scalars or (n,); `math.inf` where there is no such limit.

    A battery ends by years or by cycles, whichever comes first; a generator by running hours.
    """

    pv_years: Amount
    battery_years: Amount
    inverter_years: Amount
    genset_hours: Amount = math.inf
    battery_cycles: Amount = math.inf


@dataclass(frozen=True, slots=True, eq=False)
class Project:
    """Everything that decides what candidate designs cost over the life of a project.

    `connections_by_year` has shape (years,): customers connected in each year, those of earlier years
    included. `price_per_kwh` is what customers pay, in the currency of the costs (`in_costs_currency`); it
    only sets the mobile-money fee and the revenue shown beside the cash flow. `paid_fraction` is of the
    energy served.
    """

    costs: Costs
    rates: Rates
    years: int
    lives: Lives
    designs: Designs
    use: YearlyUse
    connections_by_year: Array
    paid_fraction: float = 1.0
    sources: tuple[Source, ...] = ()
    price_per_kwh: float = 0.0


class Flow(NamedTuple):
    """Money of one component, scalars or (n,): costs are positive, the value left at the end is negative."""

    capital: Amount = 0.0
    replacement: Amount = 0.0
    om: Amount = 0.0
    fuel: Amount = 0.0
    salvage: Amount = 0.0

    def total(self) -> Amount:
        """Return the sum of all kinds of money."""
        return self.capital + self.replacement + self.om + self.fuel + self.salvage


class YearOfMoney(NamedTuple):
    """One year's money by component, as paid and as worth at the project's start."""

    paid: dict[str, Flow]
    worth: dict[str, Flow]


def real_rate(rates: Rates) -> float:
    """Return the real discount rate; a nominal one is freed of inflation, (i - f) / (1 + f)."""
    if rates.real_or_nominal == "real":
        return rates.discount
    return (rates.discount - rates.inflation) / (1.0 + rates.inflation)


def yearly_flows(project: Project) -> Iterator[YearOfMoney]:
    """Yield the money of year 0, 1, ..., `years` of a project."""
    prices = first_prices(project)
    rate = real_rate(project.rates)
    start = _first_year(project, prices)
    yield YearOfMoney(start, start)
    wear = {name: _wear(project, name, rate) for name in prices}
    for year in range(1, project.years + 1):
        yield _later_year(project, prices, {name: next(years) for name, years in wear.items()}, year)


def first_prices(project: Project) -> dict[str, Amount]:
    """Return what each kind of equipment costs when new, duty and VAT included, scalars or (n,)."""
    costs, designs, tax = project.costs, project.designs, project.costs.duty_and_vat
    prices: dict[str, Amount] = {
        "pv": designs.pv_kw * (costs.pv_per_kw * (1.0 + tax.pv)),
        "battery": designs.battery_kwh * (costs.battery_per_kwh * (1.0 + tax.battery)),
        "inverter": designs.inverter_kw * (costs.inverter_per_kw * (1.0 + tax.inverter)),
        "genset": designs.genset_kw * (costs.genset_per_kw * (1.0 + tax.genset)),
    }
    return prices | {f"source {source.name}": source.kw * source.cost_per_kw for source in project.sources}


def _first_year(project: Project, prices: dict[str, Amount]) -> dict[str, Flow]:
    costs, fixed, tax = project.costs, project.costs.fixed, project.costs.duty_and_vat
    once = fixed.development + fixed.powerhouse + fixed.logistics + fixed.other
    capital: dict[str, Amount] = prices | {
        "line": costs.line_km * costs.line_per_km * (1.0 + tax.line),
        "fixed": once * (1.0 + tax.fixed),
        "connections": _connection_cost(project, 1),
    }
    everything = sum(capital.values())
    capital["contingency"] = fixed.contingency_fraction * everything
    return {name: Flow(capital=amount) for name, amount in capital.items()}


def _later_year(project: Project, prices: dict[str, Amount], wear: dict[str, YearOfWear], year: int) -> YearOfMoney:
    rate = real_rate(project.rates)
    paid = _equipment_flows(project, prices, wear, year) | _running_flows(project, prices, year)
    if year < project.years:  # the customers of next year are connected before it begins
        connections = _connection_cost(project, year + 1)
        contingency = project.costs.fixed.contingency_fraction * connections
        paid |= {"connections": Flow(capital=connections), "contingency": Flow(capital=contingency)}
    worth = {name: _discounted(flow, (1.0 + rate) ** -year) for name, flow in paid.items()}
    for name, end in wear.items():
        worth[name] = worth[name]._replace(replacement=end.worth * _replacement_price(project, name, prices))
    return YearOfMoney(paid, worth)


def _equipment_flows(
    project: Project, prices: dict[str, Amount], wear: dict[str, YearOfWear], year: int
) -> dict[str, Flow]:
    upkeep = _upkeep(project, year)
    flows = {}
    for name, price in prices.items():
        sold = 0.0 if year < project.years else _salvage_fraction(project, name) * wear[name].remaining
        flows[name] = Flow(
            replacement=wear[name].replaced * _replacement_price(project, name, prices),
            om=upkeep[name],
            fuel=_fuel(project, year) if name == "genset" else 0.0,
            salvage=-price * sold,
        )
    return flows


def _upkeep(project: Project, year: int) -> dict[str, Amount]:
    costs, designs, use, row = project.costs, project.designs, project.use, year - 1
    per_hour = use.genset_hours[row] * costs.genset_om_per_kw_hour
    upkeep: dict[str, Amount] = {
        "pv": designs.pv_kw * costs.pv_om_per_kw_year + use.pv_kwh[row] * costs.pv_om_per_kwh,
        "battery": designs.battery_kwh * costs.battery_om_per_kwh_year,
        "inverter": designs.inverter_kw * costs.inverter_om_per_kw_year,
        "genset": designs.genset_kw * (costs.genset_om_per_kw_year + per_hour)
        + use.genset_kwh[row] * costs.genset_om_per_kwh
        + use.genset_starts[row] * costs.genset_start,
    }
    return upkeep | {f"source {source.name}": source.kw * source.om_per_kw_year for source in project.sources}


def _running_flows(project: Project, prices: dict[str, Amount], year: int) -> dict[str, Flow]:
    costs, yearly = project.costs, project.costs.yearly
    site = yearly.staff + yearly.security + yearly.land + yearly.licence + yearly.other + yearly.sms_and_data
    line = costs.line_km * costs.line_per_km * (1.0 + costs.duty_and_vat.line)
    insured = sum(prices.values()) + line
    return {
        "site": Flow(om=site),
        "insurance": Flow(om=yearly.insurance_fraction * insured),
        "mobile money": Flow(om=yearly.mobile_money_fraction * revenue(project, year)),
    }


def revenue(project: Project, year: int) -> Array:
    """Return what customers pay for energy in a year from 1 on, shape (n,), in the currency of the costs."""
    sold: Array = project.use.served_kwh[year - 1] * (project.paid_fraction * project.price_per_kwh)
    return sold


def _fuel(project: Project, year: int) -> Array:
    # The first year is bought at today's price; later ones at prices that rise faster than inflation.
    price = project.costs.fuel_per_litre * (1.0 + project.rates.fuel_escalation) ** (year - 1)
    cost: Array = project.use.fuel_litres[year - 1] * price
    return cost


def _connection_cost(project: Project, year: int) -> float:
    connected = np.maximum.accumulate(np.concatenate([[0.0], project.connections_by_year]))
    new = float(connected[year] - connected[year - 1])
    return new * project.costs.per_connection * (1.0 + project.costs.duty_and_vat.connection)


def _wear(project: Project, name: str, rate: float) -> Iterator[YearOfWear]:
    lives, use = project.lives, project.use
    unused = np.zeros((project.years, 1))
    if name == "battery":
        return wear_by_year(lives.battery_years, lives.battery_cycles, use.battery_cycles, rate)
    if name == "genset":
        return wear_by_year(math.inf, lives.genset_hours, use.genset_hours, rate)
    calendar = {"pv": lives.pv_years, "inverter": lives.inverter_years}
    calendar |= {f"source {source.name}": source.life_years for source in project.sources}
    return wear_by_year(calendar[name], math.inf, unused, rate)


def _replacement_price(project: Project, name: str, prices: dict[str, Amount]) -> Amount:
    return prices[name] * _fraction(project.costs.replacement_fraction.items(), name, 1.0)


def _salvage_fraction(project: Project, name: str) -> float:
    # Unless the planner says so, a new unit is worth what a new one then costs, never more than it did cost.
    replacement = _fraction(project.costs.replacement_fraction.items(), name, 1.0)
    return _fraction(project.costs.salvage_fraction.items(), name, min(1.0, replacement))


def _fraction(fractions: Iterable[tuple[str, float]], name: str, otherwise: float) -> float:
    return dict(fractions).get(name, otherwise)


def _discounted(flow: Flow, factor: float) -> Flow:
    return Flow(*(amount * factor for amount in flow))
