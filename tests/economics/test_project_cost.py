"""Money over the life of a project: exact small sums, and what must hold for any project."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.catalogue import load
from sim.scenario import Costs, Rates, Source
from sim.sizing.economics import (
    Designs,
    Lives,
    Project,
    YearlyUse,
    capital_recovery_factor,
    cash_flow,
    in_costs_currency,
    in_site_currency,
    lcoe_includes,
    lives_of,
    project_cost,
    real_rate,
)
from sim.sizing.replacement import wear_by_year

USES = (
    "served_kwh",
    "pv_kwh",
    "genset_kwh",
    "genset_hours",
    "genset_starts",
    "fuel_litres",
    "battery_cycles",
)
FOREVER = Lives(math.inf, math.inf, math.inf)


def costs(**prices: Any) -> Costs:
    return Costs.model_validate({"pv_per_kw": 0.0, "battery_per_kwh": 0.0} | prices)


def real(rate: float, fuel_escalation: float = 0.0) -> Rates:
    return Rates.model_validate({"discount": rate, "real_or_nominal": "real", "fuel_escalation": fuel_escalation})


def village(
    prices: Costs,
    rate: float = 0.0,
    years: int = 4,
    count: int = 1,
    each_year: dict[str, float] | None = None,
) -> Project:
    size = np.ones(count)
    use = YearlyUse(**{name: np.full((years, count), (each_year or {}).get(name, 0.0)) for name in USES})
    designs = Designs(10.0 * size, 20.0 * size, 5.0 * size, 2.0 * size)
    return Project(prices, real(rate), years, FOREVER, designs, use, np.zeros(years))


def random_project(seed: int, count: int = 5) -> Project:
    """Return a project in which everything varies, by year and by candidate."""
    chance = np.random.Generator(np.random.Philox(key=seed))
    years = int(chance.integers(1, 26))
    names = [name for name in Costs.model_fields if "per_" in name or name == "genset_start"]
    prices: dict[str, Any] = {name: float(chance.uniform(0.0, 300.0)) for name in names}
    prices |= {"genset_om_per_kw_hour": 0.02, "line_km": 2.0}
    prices["fixed"] = {"development": 5000.0, "contingency_fraction": 0.07}
    prices["duty_and_vat"] = {"battery": 0.25, "connection": 0.1, "line": 0.18, "fixed": 0.05}
    prices["yearly"] = {"staff": 900.0, "insurance_fraction": 0.01, "mobile_money_fraction": 0.02}
    prices["replacement_fraction"] = {"battery": 0.7, "pv": 1.2}
    prices["salvage_fraction"] = {"genset": 0.3}
    source = Source.model_validate(
        {"name": "hydro", "file": "h.csv", "kw": 3.0, "cost_per_kw": 900.0, "life_years": 7.5}
    )
    return Project(
        costs(**prices),
        real(float(chance.uniform(-0.02, 0.2)), 0.03),
        years,
        Lives(25.0, chance.uniform(3.0, 20.0, count), 8.3, 3_000.0, 40_000.0),
        Designs(*(chance.uniform(0.0, 50.0, count) for _ in range(4))),
        YearlyUse(**{name: chance.uniform(0.0, 8_000.0, (years, count)) for name in USES}),
        np.cumsum(chance.integers(0, 20, years)).astype(np.float64),
        paid_fraction=0.9,
        sources=(source,),
        price_per_kwh=0.45,
    )


@given(st.integers(0, 10_000))
@settings(max_examples=60, deadline=None)
def test_discounted_cash_flow_adds_up_to_net_present_cost(seed: int) -> None:
    project = random_project(seed)
    result = project_cost(project)
    for candidate in range(5):
        years = cash_flow(project, candidate)
        assert [year.year for year in years] == list(range(project.years + 1))
        npc = float(result.npc[candidate])
        assert math.fsum(year.discounted for year in years) == pytest.approx(npc, rel=1e-9)
        assert years[0].total == pytest.approx(float(result.capex[candidate]), rel=1e-12)
        for year in years:
            kinds = (year.capital, year.replacement, year.om, year.fuel, year.salvage)
            assert year.total == pytest.approx(math.fsum(kinds), rel=1e-9, abs=1e-9)


@given(st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_the_parts_add_up_and_do_not_depend_on_the_company_they_are_in(seed: int) -> None:
    project = random_project(seed)
    result = project_cost(project)
    parts = sum(np.asarray(flow.total()) for flow in result.breakdown.values())
    assert parts == pytest.approx(result.npc, rel=1e-12)
    designs = Designs(
        *(getattr(project.designs, name)[2:] for name in ("pv_kw", "battery_kwh", "inverter_kw", "genset_kw"))
    )
    use = YearlyUse(**{name: getattr(project.use, name)[:, 2:] for name in USES})
    lives = replace(project.lives, battery_years=np.asarray(project.lives.battery_years)[2:])
    few = project_cost(replace(project, designs=designs, use=use, lives=lives))
    assert few.npc.tolist() == result.npc[2:].tolist()


@given(st.integers(0, 10_000), st.sampled_from(["pv_per_kw", "battery_per_kwh", "fuel_per_litre", "line_per_km"]))
@settings(max_examples=30, deadline=None)
def test_dearer_is_never_cheaper(seed: int, price: str) -> None:
    project = replace(random_project(seed), rates=real(0.08))
    prices = project.costs.model_dump()
    dearer = replace(project, costs=Costs.model_validate(prices | {price: prices[price] * 2.0 + 1.0}))
    assert (project_cost(dearer).npc >= project_cost(project).npc - 1e-9).all()


def test_first_cost_is_the_hand_sum() -> None:
    prices = costs(
        pv_per_kw=500.0,
        battery_per_kwh=200.0,
        inverter_per_kw=100.0,
        genset_per_kw=300.0,
        line_per_km=7_000.0,
        line_km=2.0,
        per_connection=100.0,
        fixed={
            "development": 1_000.0,
            "powerhouse": 500.0,
            "logistics": 250.0,
            "other": 250.0,
            "contingency_fraction": 0.1,
        },
        duty_and_vat={
            "pv": 0.0,
            "battery": 0.25,
            "inverter": 0.1,
            "genset": 0.2,
            "line": 0.5,
            "connection": 0.5,
            "fixed": 0.5,
        },
    )
    project = replace(village(prices), connections_by_year=np.array([40.0, 70.0, 60.0, 92.0]))
    # pv 5,000 + battery 5,000 + inverter 550 + genset 720 + line 21,000 + fixed 3,000 + 40 connections 6,000
    assert float(project_cost(project).capex[0]) == pytest.approx(1.1 * 41_270.0)
    capital = [year.capital for year in cash_flow(project, 0)]
    assert capital == pytest.approx([1.1 * 41_270.0, 1.1 * 30 * 150.0, 0.0, 1.1 * 22 * 150.0, 0.0])


def test_running_costs_are_the_hand_sum() -> None:
    prices = costs(
        pv_per_kw=500.0,
        line_per_km=1_000.0,
        line_km=3.0,
        pv_om_per_kw_year=7.0,
        pv_om_per_kwh=0.01,
        battery_om_per_kwh_year=2.0,
        inverter_om_per_kw_year=3.0,
        genset_om_per_kw_year=4.0,
        genset_om_per_kw_hour=0.02,
        genset_om_per_kwh=0.03,
        genset_start=0.5,
        yearly={
            "staff": 100.0,
            "security": 90.0,
            "land": 80.0,
            "licence": 70.0,
            "other": 60.0,
            "sms_and_data": 50.0,
            "insurance_fraction": 0.01,
            "mobile_money_fraction": 0.02,
        },
    )
    use = {
        "served_kwh": 1_000.0,
        "pv_kwh": 2_000.0,
        "genset_kwh": 300.0,
        "genset_hours": 200.0,
        "genset_starts": 50.0,
    }
    project = replace(village(prices, each_year=use), paid_fraction=0.8, price_per_kwh=0.5)
    equipment = 70.0 + 20.0 + 40.0 + 15.0 + 8.0 + 8.0 + 9.0 + 25.0
    insurance, fee = 0.01 * (5_000.0 + 3_000.0), 0.02 * 0.8 * 0.5 * 1_000.0
    year = cash_flow(project, 0)[1]
    assert year.om == pytest.approx(equipment + 450.0 + insurance + fee)
    assert (year.revenue, year.served_kwh) == pytest.approx((400.0, 1_000.0))


def test_fuel_starts_at_todays_price_and_rises() -> None:
    project = village(costs(fuel_per_litre=2.0), each_year={"fuel_litres": 100.0})
    project = replace(project, rates=real(0.0, fuel_escalation=0.1))
    assert [year.fuel for year in cash_flow(project, 0)] == pytest.approx([0.0, 200.0, 220.0, 242.0, 266.2])


def test_a_generator_that_runs_more_each_year_is_replaced_when_its_hours_are_up() -> None:
    hours = np.array([[1_000.0], [2_000.0], [3_000.0], [4_000.0]])  # 4,000 h after 2 1/3 years, 8,000 h after 3 1/2
    years = list(wear_by_year(math.inf, 4_000.0, hours, 0.1))
    assert [np.asarray(year.replaced).tolist() for year in years] == [[0.0], [0.0], [1.0], [1.0]]
    assert np.asarray(years[2].worth)[0] == pytest.approx(1.1 ** -(2.0 + 1.0 / 3.0))
    assert np.asarray(years[3].worth)[0] == pytest.approx(1.1**-3.5)
    assert years[3].remaining[0] == pytest.approx(0.5)


def test_a_battery_ends_by_whichever_comes_first_also_when_that_changes() -> None:
    cycles = np.repeat([100.0, 300.0], 10)[:, np.newaxis]
    years = list(wear_by_year(20.0, 3_000.0, cycles, 0.1))
    at = 10.0 + 2_000.0 / 300.0
    assert [number for number, year in enumerate(years) if np.asarray(year.replaced)[0]] == [math.floor(at)]
    assert math.fsum(float(np.asarray(year.worth)[0]) for year in years) == pytest.approx(1.1**-at)


def test_many_replacements_within_one_year() -> None:
    (year,) = wear_by_year(math.inf, 3_000.0, np.array([[8_760.0]]), 0.0)
    assert np.asarray(year.replaced)[0] == math.ceil(8_760.0 / 3_000.0) - 1
    assert year.remaining[0] == pytest.approx(1.0 - 2_760.0 / 3_000.0)


def test_an_absurdly_short_life_is_counted_and_not_waited_for() -> None:
    wear = list(wear_by_year(math.inf, 1e-3, np.full((20, 1), 8_000.0), 0.0))
    assert math.fsum(float(np.asarray(year.replaced)[0]) for year in wear) == pytest.approx(160e6, rel=1e-6)


@pytest.mark.parametrize("life", [0.0, -1.0, math.nan])
def test_a_life_that_is_not_above_zero_is_refused(life: float) -> None:
    with pytest.raises(ValueError, match="above zero"):
        next(wear_by_year(life, math.inf, np.zeros((2, 1)), 0.1))


@given(st.integers(1, 30), st.floats(0.05, 40.0), st.floats(-0.02, 0.3))
@settings(max_examples=200, deadline=None)
def test_calendar_life_follows_the_closed_form(years: int, life: float, rate: float) -> None:
    wear = list(wear_by_year(life, math.inf, np.zeros((years, 1)), rate))
    times = [life * number for number in range(1, math.ceil(years / life) + 1) if life * number < years - 1e-6]
    worth = math.fsum(float(np.asarray(year.worth)[0]) for year in wear)
    assert worth == pytest.approx(math.fsum((1.0 + rate) ** -time for time in times), rel=1e-9, abs=1e-12)
    since = years - (times[-1] if times else 0.0)
    assert wear[-1].remaining[0] == pytest.approx(1.0 - since / life, abs=1e-6)


def test_cost_per_kwh_of_equal_years_is_annualised_cost_over_energy() -> None:
    project = village(costs(pv_per_kw=500.0, pv_om_per_kw_year=9.0), 0.09, 20, each_year={"served_kwh": 8_000.0})
    project = replace(project, paid_fraction=0.75)
    result = project_cost(project)
    annual = (5_000.0 - 0.0) * capital_recovery_factor(0.09, 20) + 90.0
    salvage = 5_000.0 * 1.09**-20 * capital_recovery_factor(0.09, 20)  # it lasts for ever, so it sells as new
    assert float(result.annualised[0]) == pytest.approx(annual - salvage)
    assert float(result.lcoe_served[0]) == pytest.approx((annual - salvage) / 8_000.0)
    assert float(result.lcoe_paid[0]) == pytest.approx((annual - salvage) / 6_000.0)


def test_cost_per_kwh_of_unequal_years_divides_by_discounted_energy() -> None:
    project = village(costs(pv_om_per_kw_year=10.0), 0.1, 2)
    use = replace(project.use, served_kwh=np.array([[100.0], [300.0]]))
    expected = (100.0 / 1.1 + 100.0 / 1.21) / (100.0 / 1.1 + 300.0 / 1.21)
    assert float(project_cost(replace(project, use=use)).lcoe_served[0]) == pytest.approx(expected)


def test_nothing_served_or_nothing_paid_costs_infinitely_much_per_kwh() -> None:
    idle = project_cost(village(costs(pv_per_kw=500.0)))
    assert (float(idle.lcoe_served[0]), float(idle.lcoe_paid[0])) == (math.inf, math.inf)
    unpaid = project_cost(replace(village(costs(pv_per_kw=500.0), each_year={"served_kwh": 10.0}), paid_fraction=0.0))
    assert math.isfinite(float(unpaid.lcoe_served[0]))
    assert float(unpaid.lcoe_paid[0]) == math.inf


def test_a_nominal_rate_is_freed_of_inflation() -> None:
    nominal = Rates.model_validate({"discount": 0.12, "real_or_nominal": "nominal", "inflation": 0.05})
    assert real_rate(nominal) == pytest.approx(0.07 / 1.05)
    assert real_rate(real(0.12)) == 0.12


@pytest.mark.parametrize(("rate", "years"), [(0.0, 20), (0.09, 20), (-0.03, 7), (1e-9, 25)])
def test_capital_recovery_repays_the_sum(rate: float, years: int) -> None:
    paid = capital_recovery_factor(rate, years)
    assert math.fsum(paid * (1.0 + rate) ** -year for year in range(1, years + 1)) == pytest.approx(1.0)


def test_further_sources_are_bought_kept_up_and_replaced() -> None:
    wind = Source.model_validate(
        {
            "name": "wind",
            "file": "w.csv",
            "kw": 2.0,
            "cost_per_kw": 1_000.0,
            "om_per_kw_year": 50.0,
            "life_years": 3.0,
        }
    )
    flow = project_cost(replace(village(costs(), years=4, count=2), sources=(wind,))).breakdown["source wind"]
    assert [np.asarray(part).tolist() for part in flow] == [
        [2_000.0, 2_000.0],
        [2_000.0, 2_000.0],
        [400.0, 400.0],
        [0.0, 0.0],
        pytest.approx([-4_000.0 / 3.0] * 2),
    ]


def test_money_is_shown_in_both_currencies() -> None:
    dollars = costs(currency="USD", exchange_rate={"tzs_per_usd": 2_550.0, "on": "2026-11-01"})
    assert in_site_currency(dollars, 0.4) == pytest.approx(1_020.0)
    assert in_costs_currency(dollars, in_site_currency(dollars, 0.4)) == pytest.approx(0.4)
    assert in_site_currency(costs(), 0.4) == 0.4


def test_the_planner_overrides_the_catalogue() -> None:
    items = (
        load("panels", "mono_perc"),
        load("batteries", "lfp"),
        load("inverters", "ideal"),
        load("gensets", "diesel"),
    )
    delivered = lives_of(costs(), *items)
    assert (delivered.pv_years, delivered.battery_cycles, delivered.genset_hours) == (25.0, 5_000.0, 15_000.0)
    own = lives_of(costs(battery_life_years=9.0, genset_life_hours=8_000.0), *items)
    assert (own.battery_years, own.battery_cycles, own.genset_hours) == (9.0, 5_000.0, 8_000.0)


def test_the_sentence_under_the_cost_per_kwh_says_which_rate() -> None:
    nominal = Rates.model_validate({"discount": 0.12, "real_or_nominal": "nominal", "inflation": 0.05})
    said = lcoe_includes(costs(yearly={"mobile_money_fraction": 0.02}), nominal, 20)
    assert "mobile-money fees of 2.0% of revenue" in said
    assert "a nominal discount rate of 12.00% less inflation of 5.00%, which is 6.67% real" in said
    assert "leaves out revenue" in said
    assert "a real discount rate of 9.00%" in lcoe_includes(costs(), real(0.09), 20)


@pytest.mark.parametrize(("replacement", "resale"), [(0.5, 0.5), (1.0, 1.0), (1.4, 1.0)])
def test_without_a_word_a_unit_sells_at_what_a_new_one_costs_but_never_at_a_gain(
    replacement: float, resale: float
) -> None:
    prices = costs(pv_per_kw=100.0, replacement_fraction={"pv": replacement})
    salvage = project_cost(village(prices)).breakdown["pv"].salvage
    assert np.asarray(salvage)[0] == pytest.approx(-1_000.0 * resale)
