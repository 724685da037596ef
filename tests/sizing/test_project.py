"""A project's years: what grows, what fades, what is replaced, and homes that are not all alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from sim.inputs import DAYS_IN_MONTHS, Inputs
from sim.scenario import Scenario
from sim.sizing.evaluate import Evaluation, Study, evaluate, one_design
from sim.sizing.project import ProjectUse, drivers_of, project_use
from sim.sizing.search import lane_year

ScenarioOf = Callable[..., Scenario]
InputsOf = Callable[..., Inputs]
StudyOf = Callable[[Scenario, Inputs], Study]

PLANNED = {"battery_life_years": 10.0}  # the planner knows the battery's life, so its capacity stays
NO_ENGINE = one_design(25.0, 80.0, 12.0, 0.0)


def by_year(years: int, each_year: Callable[[int], float]) -> npt.NDArray[np.float64]:
    """Return a factor for each month of each year, the same within a year."""
    return np.array([[each_year(year)] * 12 for year in range(years)])


@pytest.fixture(scope="session")
def run(scenario: ScenarioOf, inputs: InputsOf, study: StudyOf) -> Callable[..., Evaluation]:
    """Return the function that evaluates 25 kW and 80 kWh over some years of a world."""

    def evaluated(years: int, world: dict[str, Any] | None = None, year: int = 1, **changes: Any) -> Evaluation:
        made = scenario(goal={"years": years}, **changes)
        return evaluate(study(made, inputs(**(world or {}))), NO_ENGINE, year)

    return evaluated


def test_a_village_that_stands_still_repeats_its_year(run: Callable[..., Evaluation]) -> None:
    panels = {"parameters": {"panel": {"degradation_per_year": 0.0}, "battery": {"self_discharge_per_month": 0.0}}}
    use = run(4, costs=PLANNED, system=panels).use
    assert (use.load_kwh == use.load_kwh[0]).all()
    assert use.pv_kwh[:, 0] == pytest.approx([use.pv_kwh[0, 0]] * 4, rel=1e-12)
    # the first night begins with a full battery, the later years with what the year before has left
    assert use.unserved_kwh[1:, 0] == pytest.approx([use.unserved_kwh[1, 0]] * 3, rel=1e-3)


def test_growing_demand_is_wanted_in_full_and_served_less_and_less(run: Callable[..., Evaluation]) -> None:
    use = run(4, {"load_factor": by_year(4, lambda year: 1.1**year)}, costs=PLANNED).use
    assert use.load_kwh / use.load_kwh[0] == pytest.approx([1.0, 1.1, 1.21, 1.331], rel=1e-12)
    unserved = use.unserved_kwh[:, 0] / use.load_kwh
    assert (np.diff(unserved) > 0.0).all()
    assert use.served_kwh[:, 0] == pytest.approx(use.load_kwh - use.unserved_kwh[:, 0], rel=1e-12)


def test_months_grow_each_by_their_own_factor(scenario: ScenarioOf, inputs: InputsOf, study: StudyOf) -> None:
    factors = np.linspace(0.5, 1.6, 12)[np.newaxis]
    world = study(scenario(goal={"years": 1}), inputs(load_factor=factors, loads_w=np.full((1, 3, 8760), 100.0)))
    loads_w = drivers_of(world.inputs, world.parts, 0, 0).loads_w
    ends = np.cumsum(DAYS_IN_MONTHS) * 24
    for month, end in enumerate(ends):
        assert set(loads_w[:, end - DAYS_IN_MONTHS[month] * 24 : end].ravel()) == {100.0 * factors[0, month]}


def test_panels_fade_by_their_rate(run: Callable[..., Evaluation]) -> None:
    use = run(3, costs=PLANNED, system={"parameters": {"panel": {"degradation_per_year": 0.1}}}).use
    assert use.pv_kwh[:, 0] / use.pv_kwh[0, 0] == pytest.approx([1.0, 0.9, 0.81], rel=1e-12)
    assert (np.diff(use.unserved_kwh[:, 0]) > 0.0).all()


def test_panels_bought_anew_are_new(run: Callable[..., Evaluation]) -> None:
    fading = {"parameters": {"panel": {"degradation_per_year": 0.1}}}
    use = run(4, costs={**PLANNED, "pv_life_years": 2.0}, system=fading).use
    assert use.pv_kwh[:, 0] / use.pv_kwh[0, 0] == pytest.approx([1.0, 0.9, 1.0, 0.9], rel=1e-12)


def test_a_worn_battery_serves_less_until_it_is_replaced(run: Callable[..., Evaluation]) -> None:
    system = {"battery": "lead_acid_agm", "parameters": {"panel": {"degradation_per_year": 0.0}}}
    use = run(8, system=system).use
    left = use.capacity_left[:, 0]
    assert left[0] == 1.0
    replaced = np.flatnonzero(np.diff(left) > 0.0) + 1
    assert replaced.size > 0
    assert left[replaced].tolist() == [1.0] * replaced.size
    assert (left > 0.8).all()
    fading = np.diff(left) < 0.0
    assert (np.diff(use.unserved_kwh[:, 0])[1:][fading[1:]] > 0.0).all()
    life = float(use.battery_life_years[0])
    assert replaced[0] - 1 < life < replaced[0] + 1  # of the mean year, where each is counted by its own swings


def test_a_life_the_planner_gave_leaves_the_battery_as_it_is(run: Callable[..., Evaluation]) -> None:
    use = run(8, costs=PLANNED).use
    assert (use.capacity_left == 1.0).all()
    assert np.isinf(use.battery_life_years).all()


def test_draws_of_weather_are_used_in_turn(run: Callable[..., Evaluation], inputs: InputsOf) -> None:
    sunny = inputs().pv_w_per_w[0]
    world = {"pv_w_per_w": np.array([sunny, 0.5 * sunny]), "temp_c": np.full((2, 8760), 25.0)}
    use = run(4, world, costs=PLANNED, system={"parameters": {"panel": {"degradation_per_year": 0.0}}}).use
    assert use.pv_kwh[:, 0] / use.pv_kwh[0, 0] == pytest.approx([1.0, 0.5, 1.0, 0.5], rel=1e-12)
    dull, sunny_again, dull_again = use.unserved_kwh[1:, 0]
    assert dull > 2.0 * sunny_again
    assert dull_again == pytest.approx(dull, rel=1e-2)


def test_cold_hours_lower_what_a_battery_gives(run: Callable[..., Evaluation]) -> None:
    warm, cold = (run(1, {"temp_c": np.full((1, 8760), temp_c)}, costs=PLANNED).use for temp_c in (25.0, 0.0))
    assert cold.unserved_kwh[0, 0] > warm.unserved_kwh[0, 0]


def test_years_add_up_to_the_project(run: Callable[..., Evaluation]) -> None:
    result = run(3, {"load_factor": by_year(3, lambda year: 1.05**year)})
    assert [totals.load_kwh for totals in result.years] == pytest.approx(result.use.load_kwh.tolist(), rel=1e-12)
    unserved = sum(totals.unserved_kwh for totals in result.years)
    assert result.unserved_fraction == pytest.approx(unserved / float(result.use.load_kwh.sum()), rel=1e-12)
    assert all(abs(totals.imbalance_kwh) <= 1e-9 * totals.load_kwh for totals in result.years)


def test_each_year_begins_with_what_the_last_one_left(run: Callable[..., Evaluation]) -> None:
    result = run(3, costs=PLANNED, year=3)
    gains_kwh = [totals.battery_gain_kwh for totals in result.years]
    assert result.year == 3
    assert float(result.trajectory.energy_wh[-1]) / 1000.0 == pytest.approx(80.0 + sum(gains_kwh), rel=1e-9)


HOME = {"topology": "home_system", "pv_kw": 0.2, "battery_kwh": 0.8, "inverter_kw": 0.0, "genset_kw": 0.0}
HOME_DESIGN = one_design(0.2, 0.8, 0.0, 0.0)


def homes(inputs: InputsOf, weights: list[float], samples: list[int], **changes: Any) -> Inputs:
    """Return a world of homes: three sample homes whose loads are 0.4, 0.9 and 1.8 % of the village's."""
    village_w = inputs().loads_w[0]
    loads_w = np.array([(0.004, 0.009, 0.018)[sample] * village_w for sample in samples])
    return inputs(loads_w=loads_w, weights=np.array(weights), **changes)


def home_use(study: StudyOf, made: Scenario, world: Inputs) -> ProjectUse:
    return evaluate(study(made, world), HOME_DESIGN).use


def test_sample_homes_count_by_how_many_they_stand_for(scenario: ScenarioOf, inputs: InputsOf, study: StudyOf) -> None:
    made = scenario(system=HOME, costs=PLANNED)
    together = home_use(study, made, homes(inputs, [20.0, 30.0, 50.0], [0, 1, 2]))
    alone = [home_use(study, made, homes(inputs, [weight], [index])) for index, weight in enumerate((20.0, 30.0, 50.0))]
    for name in ("load_kwh", "unserved_kwh", "served_kwh", "genset_kwh", "fuel_litres"):
        assert getattr(together, name) == pytest.approx(sum(getattr(use, name) for use in alone), rel=1e-12), name
    mean = sum(part * use.battery_cycles for part, use in zip((0.2, 0.3, 0.5), alone, strict=True))
    assert together.battery_cycles == pytest.approx(mean, rel=1e-12)
    assert together.pv_kwh == pytest.approx(alone[0].pv_kwh * 5.0, rel=1e-12)


def test_half_the_homes_are_half_the_energy_and_homes_of_full_size(
    scenario: ScenarioOf, inputs: InputsOf, study: StudyOf
) -> None:
    made = scenario(system=HOME, costs=PLANNED, goal={"years": 2})
    ramp = by_year(2, lambda year: (0.5, 1.0)[year])
    steady = home_use(study, made, homes(inputs, [40.0, 60.0], [0, 2]))
    ramped = home_use(study, made, homes(inputs, [40.0, 60.0], [0, 2], load_factor=ramp, connected_fraction=ramp))
    assert ramped.load_kwh / steady.load_kwh == pytest.approx([0.5, 1.0], rel=1e-12)
    assert ramped.battery_cycles == pytest.approx(steady.battery_cycles, rel=1e-12)
    assert ramped.unserved_kwh[0] == pytest.approx(0.5 * steady.unserved_kwh[0], rel=1e-12)
    assert ramped.pv_kwh[0] == pytest.approx(0.5 * steady.pv_kwh[0], rel=1e-12)


def test_a_village_that_fills_up_wants_less_from_the_same_plant(run: Callable[..., Evaluation]) -> None:
    ramp = by_year(2, lambda year: (0.4, 1.0)[year])
    use = run(2, {"load_factor": ramp, "connected_fraction": ramp}, costs=PLANNED).use
    assert use.load_kwh[0] == pytest.approx(0.4 * use.load_kwh[1], rel=1e-12)
    assert use.unserved_kwh[0, 0] < use.unserved_kwh[1, 0]


def test_nobody_connected_wants_nothing(scenario: ScenarioOf, inputs: InputsOf, study: StudyOf) -> None:
    empty = by_year(1, lambda _year: 0.0)
    made = scenario(system=HOME, costs=PLANNED, goal={"years": 1})
    use = home_use(study, made, homes(inputs, [40.0, 60.0], [0, 2], load_factor=empty, connected_fraction=empty))
    assert use.load_kwh.tolist() == [0.0]
    assert use.unserved_kwh.tolist() == [[0.0]]
    assert use.unserved_fraction.tolist() == [0.0]


@pytest.mark.parametrize("battery", ["lfp", "lead_acid_opzs"])
@pytest.mark.parametrize(("costs", "tolerance"), [(PLANNED, 1e-5), ({}, 1e-3)])
def test_a_project_in_lanes_is_the_project_in_full(
    battery: str, costs: dict[str, float], tolerance: float, scenario: ScenarioOf, inputs: InputsOf, study: StudyOf
) -> None:
    """Where the battery wears out they differ a little more: only evaluation sees each of its swings."""
    made = scenario(goal={"years": 5}, system={"battery": battery}, costs=costs)
    world = study(made, inputs(load_factor=by_year(5, lambda year: 1.03**year)))
    exact = evaluate(world, NO_ENGINE).use
    lanes = project_use(world.inputs, world.parts, world.scenario.costs, NO_ENGINE, 5, lane_year)
    assert lanes.load_kwh == pytest.approx(exact.load_kwh, rel=1e-12)
    assert lanes.pv_kwh == pytest.approx(exact.pv_kwh, rel=1e-12)
    assert lanes.unserved_kwh == pytest.approx(exact.unserved_kwh, abs=tolerance * float(exact.load_kwh.min()))
    assert lanes.battery_cycles == pytest.approx(exact.battery_cycles, rel=10.0 * tolerance)
    assert lanes.capacity_left == pytest.approx(exact.capacity_left, rel=10.0 * tolerance)


def test_fuel_is_of_energy_hours_and_starts(scenario: ScenarioOf, inputs: InputsOf, study: StudyOf) -> None:
    diesel = {
        "fuel_intercept_l_per_kwh_rated": 0.05,
        "fuel_slope_l_per_kwh": 0.25,
        "start_litres": 0.5,
        "minimum_load_fraction": 0.0,
    }
    world = study(scenario(system={"genset_kw": 8.0, "parameters": {"genset": diesel}}), inputs())
    use = evaluate(world, one_design(20.0, 30.0, 12.0, 8.0)).use
    expected = 0.05 * 8.0 * use.genset_hours + 0.25 * use.genset_kwh + 0.5 * use.genset_starts
    assert use.fuel_litres == pytest.approx(expected, rel=1e-12)
    assert (use.genset_starts > 0.0).all()
