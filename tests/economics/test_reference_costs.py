"""Costs that other tools publish, expressed through our own interface."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest

from sim.scenario import Costs, Rates
from sim.sizing.economics import Designs, Flow, Lives, Project, YearlyUse, project_cost

Component = Literal["pv", "battery", "inverter", "genset"]
FREE = Costs.model_validate({"pv_per_kw": 0.0, "battery_per_kwh": 0.0})


def sized(**sizes: float) -> Designs:
    names = ("pv_kw", "battery_kwh", "inverter_kw", "genset_kw")
    return Designs(**{name: np.array([sizes.get(name, 0.0)]) for name in names})


def used(years: int, **each_year: float) -> YearlyUse:
    names = (
        "served_kwh",
        "pv_kwh",
        "genset_kwh",
        "genset_hours",
        "genset_starts",
        "fuel_litres",
        "battery_cycles",
    )
    return YearlyUse(**{name: np.full((years, 1), each_year.get(name, 0.0)) for name in names})


def project(
    costs: Costs, rate: float, years: int, lives: Lives, designs: Designs, use: YearlyUse | None = None
) -> Project:
    return Project(
        costs=costs,
        rates=Rates.model_validate({"discount": rate, "real_or_nominal": "real"}),
        years=years,
        lives=lives,
        designs=designs,
        use=use or used(years),
        connections_by_year=np.zeros(years),
    )


def parts(case: Project, component: str) -> dict[str, float]:
    flow = project_cost(case).breakdown[component]
    return {name: float(np.asarray(amount)[0]) for name, amount in zip(Flow._fields, flow, strict=True)}


def lives(**known: float) -> Lives:
    return Lives(**{"pv_years": 25.0, "battery_years": 25.0, "inverter_years": 25.0} | known)


def test_homer_help_diesel_generator() -> None:
    """HOMER Grid 1.1 help, net present cost: 725,240 with discount factors rounded to three digits."""
    costs = FREE.model_copy(
        update={
            "genset_per_kw": 96_000.0,
            "genset_om_per_kw_year": 2_471.0,
            "fuel_per_litre": 1.0,
            "replacement_fraction": {"genset": 0.5},
        }
    )
    use = used(25, genset_hours=1_000.0, fuel_litres=34_969.0)
    case = project(costs, 0.06, 25, lives(genset_hours=3_520.0), sized(genset_kw=1.0), use)
    found = parts(case, "genset")
    assert float(project_cost(case).npc[0]) == pytest.approx(725_240.0, abs=10.0)
    assert float(project_cost(case).npc[0]) == pytest.approx(725_245.389, abs=1e-3)
    assert found["replacement"] == pytest.approx(160_676.657, abs=1e-3)
    assert found["salvage"] == pytest.approx(-10_040.123, abs=1e-3)


def test_homer_help_wind_turbine() -> None:
    """HOMER Pro 3.10 help, annualised cost, as a source of one size that is replaced at another price."""
    costs = FREE.model_copy(
        update={
            "pv_per_kw": 165_000.0,
            "pv_om_per_kw_year": 5_000.0,
            "replacement_fraction": {"pv": 95.0 / 165.0},
        }
    )
    case = project(costs, 0.06, 25, lives(pv_years=20.0), sized(pv_kw=1.0))
    result, found = project_cost(case), parts(case, "pv")
    assert float(result.npc[0]) == pytest.approx(241_937.077, abs=1e-3)
    assert float(result.annualised[0]) == pytest.approx(18_925.944, abs=1e-3)
    assert found["replacement"] == pytest.approx(29_621.449, abs=1e-3)
    assert found["salvage"] == pytest.approx(-16_601.152, abs=1e-3)


def test_homer_knowledge_base_salvage() -> None:
    costs = FREE.model_copy(update={"pv_per_kw": 10_000.0})
    case = project(costs, 0.0, 20, lives(pv_years=25.0), sized(pv_kw=1.0))
    assert parts(case, "pv")["salvage"] == pytest.approx(-2_000.0)


@pytest.mark.parametrize(
    ("rate", "cycles_per_year", "expected"),
    [
        (0.0, 0.0, {"capital": 700.0, "replacement": 630.0, "om": 1750.0, "salvage": -420.0}),
        (0.0, 300.0, {"capital": 700.0, "replacement": 1260.0, "om": 1750.0, "salvage": -280.0}),
        (0.05, 0.0, {"capital": 700.0, "replacement": 237.44, "om": 986.58, "salvage": -124.03}),
    ],
)
def test_microgrids_battery(rate: float, cycles_per_year: float, expected: dict[str, float]) -> None:
    """Microgrids.jl component test: life is the earlier of 20 years and 3,000 cycles."""
    costs = FREE.model_copy(
        update={
            "battery_per_kwh": 100.0,
            "battery_om_per_kwh_year": 10.0,
            "replacement_fraction": {"battery": 0.9},
            "salvage_fraction": {"battery": 0.8},
        }
    )
    use = used(25, battery_cycles=cycles_per_year)
    wearing = lives(battery_years=20.0, battery_cycles=3_000.0)
    found = parts(project(costs, rate, 25, wearing, sized(battery_kwh=7.0), use), "battery")
    assert found == pytest.approx(expected | {"fuel": 0.0}, abs=0.005)


@pytest.mark.parametrize(
    ("rate", "total", "expected"),
    [
        (0.0, 24_000.0, {"capital": 10_000.0, "replacement": 12_000.0, "om": 6_000.0, "salvage": -4_000.0}),
        (0.05, 16_671.65, {"capital": 10_000.0, "replacement": 4_522.67, "om": 3_074.49, "salvage": -925.51}),
    ],
)
def test_microgrids_pv(rate: float, total: float, expected: dict[str, float]) -> None:
    costs = FREE.model_copy(
        update={
            "pv_per_kw": 1_000.0,
            "pv_om_per_kw_year": 20.0,
            "replacement_fraction": {"pv": 1.2},
            "salvage_fraction": {"pv": 0.8},
        }
    )
    case = project(costs, rate, 30, lives(pv_years=20.0), sized(pv_kw=10.0))
    assert parts(case, "pv") == pytest.approx(expected | {"fuel": 0.0}, abs=0.005)
    assert float(project_cost(case).npc[0]) == pytest.approx(total, abs=0.005)


def test_microgrids_generator() -> None:
    """Microgrids.jl component test: upkeep per kW and running hour, life of 15,000 h."""
    costs = FREE.model_copy(
        update={
            "genset_per_kw": 400.0,
            "genset_om_per_kw_hour": 0.02,
            "fuel_per_litre": 1.5,
            "replacement_fraction": {"genset": 1.2},
            "salvage_fraction": {"genset": 0.8},
        }
    )
    use = used(30, genset_hours=1.0, fuel_litres=1_000.0)
    case = project(costs, 0.0, 30, lives(genset_hours=15_000.0), sized(genset_kw=10.0), use)
    expected = {"capital": 4_000.0, "replacement": 0.0, "om": 6.0, "fuel": 45_000.0}
    assert parts(case, "genset") == pytest.approx(expected | {"salvage": -3_200.0 * 14_970.0 / 15_000.0})
    assert float(project_cost(case).npc[0]) == pytest.approx(45_812.4, abs=0.05)


@pytest.mark.parametrize("component", ["pv", "battery", "inverter", "genset"])
def test_what_lasts_exactly_as_long_is_bought_once(component: Component) -> None:
    prices = {"pv_per_kw": 7.0, "battery_per_kwh": 7.0, "inverter_per_kw": 7.0, "genset_per_kw": 7.0}
    costs = FREE.model_copy(update=prices)
    size = "battery_kwh" if component == "battery" else f"{component}_kw"
    lasting = Lives(20.0, 20.0, 20.0, genset_hours=20_000.0)
    case = project(costs, 0.08, 20, lasting, sized(**{size: 1.0}), used(20, genset_hours=1_000.0))
    assert float(project_cost(case).npc[0]) == pytest.approx(7.0)
