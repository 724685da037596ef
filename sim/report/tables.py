"""The tables of a report: what happened in each year, what was paid, what was tried."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.report import amounts
from sim.sizing.economics import CashYear, Flow, in_site_currency
from sim.sizing.evaluate import Evaluation, Study
from sim.sizing.search import Candidates

ROWS_SHOWN = 30  # of the designs on the line between cost and reliability


@dataclass(frozen=True, slots=True)
class Table:
    """A table ready to print; the first cell of a row names it."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    total: tuple[str, ...] = ()


def energy_table(evaluation: Evaluation) -> Table:
    """Return where the energy of each year came from and where it went [kWh]."""
    years = evaluation.years
    columns = {
        "Asked for": [year.load_kwh for year in years],
        "Served": [year.served_kwh for year in years],
        "Not served": [year.unserved_kwh for year in years],
        "Sun could give": [year.pv_kwh for year in years],
        "Other sources": [year.source_kwh for year in years],
        "Generator": [year.genset_kwh for year in years],
        "Spilled": [year.spilled_kwh for year in years],
        "Into battery": [year.battery_charge_kwh for year in years],
        "Out of battery": [year.battery_discharge_kwh for year in years],
        "Battery losses": [year.battery_loss_kwh for year in years],
        "Conversion losses": [year.inverter_loss_kwh + year.charger_loss_kwh for year in years],
        "Held in battery": [year.battery_gain_kwh for year in years],
    }
    caption = (
        "Energy flow in each year of the project, kWh. Sun, other sources and generator together equal served, "
        "spilled, both losses, and what the battery holds more than a year before."
    )
    return by_year(caption, columns, first_year=1, always=3, totals=True)


def operation_table(evaluation: Evaluation) -> Table:
    """Return how hard the equipment worked in each year."""
    years, use = evaluation.years, evaluation.use
    columns = {
        "Not served, % of energy": [100.0 * _part(year.unserved_kwh, year.load_kwh) for year in years],
        "Hours with some load unserved": [year.unserved_hours for year in years],
        "Longest outage, h": [year.longest_outage_hours for year in years],
        "Highest load, kW": [year.peak_load_kw for year in years],
        "Battery left at start, % of new": (100.0 * use.capacity_left[:, 0]).tolist(),
        "Battery full cycles": use.battery_cycles[:, 0].tolist(),
        "Generator hours": [year.genset_hours for year in years],
        "Generator starts": [float(year.genset_starts) for year in years],
        "Fuel, litres": use.fuel_litres[:, 0].tolist(),
    }
    return by_year("Operation in each year of the project.", columns, first_year=1, always=3)


def cash_table(evaluation: Evaluation, currency: str) -> Table:
    """Return what is paid in each year and what customers pay."""
    cash = evaluation.cash
    columns = {name: [_kind(year, kind) for year in cash] for name, kind in CASH_KINDS.items()}
    columns |= {
        "All costs": [year.total for year in cash],
        "Costs, discounted": [year.discounted for year in cash],
        "Customers pay": [year.revenue for year in cash],
        "Customers pay less costs": [year.revenue - year.total for year in cash],
    }
    caption = f"Cash flow in real {currency}, today's prices. Year 0 is before the first day; costs are positive."
    return by_year(caption, columns, first_year=0, totals=True)


TITLES = {
    "pv": "Panels",
    "genset": "Generator",
    "line": "Lines",
    "fixed": "Fixed first costs",
    "site": "Staff and site",
    "mobile money": "Mobile-money fees",
}
CASH_KINDS = {
    "Investment": "capital",
    "Replacement": "replacement",
    "Upkeep and staff": "om",
    "Fuel": "fuel",
    "Value left": "salvage",
}


def breakdown_table(evaluation: Evaluation, currency: str) -> Table:
    """Return the present value of each component by kind of cost."""
    flows = {**evaluation.cost.breakdown}
    flows = {name: flow for name, flow in flows.items() if any(_scalar(part) != 0.0 for part in flow)}
    sums = Flow(*(sum(_scalar(flow[kind]) for flow in flows.values()) for kind in range(len(Flow._fields))))
    lines = [[*map(_scalar, flow), _scalar(flow.total())] for flow in [*flows.values(), sums]]
    texts = list(zip(*(amounts.column(values) for values in zip(*lines, strict=True)), strict=True))
    names = [title_of(name) for name in flows]
    return Table(
        f"Whole-life cost by component: present values in {currency}. What is left at the end counts as negative.",
        ("Component", *CASH_KINDS, "Present value"),
        tuple((name, *row) for name, row in zip(names, texts[:-1], strict=True)),
        ("All", *texts[-1]),
    )


def cost_table(study: Study, evaluation: Evaluation) -> Table:
    """Return the cost of a kilowatt-hour, served and paid for, in the currencies of costs and customers."""
    costs, site = study.scenario.costs, study.scenario.site.currency
    currencies = dict.fromkeys([costs.currency or site, site])
    rows = []
    for name, values in (("served", evaluation.cost.lcoe_served), ("paid for", evaluation.cost.lcoe_paid)):
        cost = float(values[0])
        both = (cost, in_site_currency(costs, cost))
        cells = [amounts.number(value, 4) for value in both[: len(currencies)]]
        rows.append((f"Per kWh {name}", *cells))
    columns = ("Cost of energy", *(f"{currency} per kWh" for currency in currencies))
    return Table("What a kilowatt-hour costs.", columns, tuple(rows))


def candidates_table(caption: str, found: Candidates, currency: str) -> Table:
    """Return designs with what they cost and serve, at most thirty of them, evenly picked from first to last."""
    picked = np.unique(np.linspace(0, found.npc.size - 1, min(ROWS_SHOWN, found.npc.size)).round().astype(np.intp))
    shown = found.picked(picked)
    designs = shown.designs
    columns = {
        "PV, kW": designs.pv_kw,
        "Battery, kWh": designs.battery_kwh,
        "Inverter, kW": designs.inverter_kw,
        "Generator, kW": designs.genset_kw,
        "Not served, %": shown.unserved_fraction * 100.0,
        "Renewable, %": shown.renewable_fraction * 100.0,
        f"First cost, {currency}": shown.capex,
        f"Whole-life cost, {currency}": shown.npc,
        f"{currency} per kWh": shown.lcoe,
    }
    texts = [
        [amounts.number(value, 4 if value < 1e4 else 6) for value in values.tolist()] for values in columns.values()
    ]
    rows = [(str(place + 1), *cells) for place, cells in zip(picked.tolist(), zip(*texts, strict=True), strict=True)]
    some = f" {len(rows)} of {found.npc.size} are shown." if len(rows) < found.npc.size else ""
    return Table(caption + some, ("Number", *columns), tuple(rows))


def by_year(
    caption: str, columns: dict[str, list[float]], first_year: int, *, always: int = 0, totals: bool = False
) -> Table:
    """Return a table with a row per year; after `always` columns, those in which nothing happens are left out."""
    happens = [index < always or any(abs(value) > 1e-9 for value in row) for index, row in enumerate(columns.values())]
    kept = {name: row for (name, row), wanted in zip(columns.items(), happens, strict=True) if wanted}
    texts = [amounts.column([*values, sum(values)]) for values in kept.values()]
    count = len(next(iter(columns.values())))
    rows = [(str(first_year + index), *(text[index] for text in texts)) for index in range(count)]
    total = ("All", *(text[-1] for text in texts)) if totals else ()
    return Table(caption, ("Year", *kept), tuple(rows), total)


def title_of(component: str) -> str:
    """Return a component's name as a heading, such as `Panels` or `Insurance`."""
    return TITLES.get(component, component[:1].upper() + component[1:])


def _kind(year: CashYear, kind: str) -> float:
    return float(getattr(year, kind))


def _part(part: float, whole: float) -> float:
    return part / whole if whole > 0.0 else 0.0


def _scalar(amount: object) -> float:
    return float(np.asarray(amount, dtype=np.float64).reshape(-1)[0])
