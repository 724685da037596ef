"""Homes with a system of their own: who is connected when, what is bought for them, and panels bought anew."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from sim.inputs import Inputs
from sim.scenario import Scenario
from sim.sizing.evaluate import Evaluation, Study, evaluate, one_design
from sim.sizing.plant import panels_left
from sim.sizing.project import home_weights

ScenarioOf = Callable[..., Scenario]
InputsOf = Callable[..., Inputs]
StudyOf = Callable[[Scenario, Inputs], Study]

HOME = {"topology": "home_system", "pv_kw": 0.2, "battery_kwh": 0.8, "inverter_kw": 0.0, "genset_kw": 0.0}
HALF_YEAR = np.array([[0.0] * 6 + [1.0] * 6])


@pytest.fixture(scope="session")
def homes(scenario: ScenarioOf, inputs: InputsOf, study: StudyOf) -> Callable[..., Study]:
    """Return the function that makes homes that are all alike, connected by month."""

    def of(count: float, connected: npt.NDArray[np.float64], **changes: Any) -> Study:
        made = scenario(system=HOME, goal={"years": connected.shape[0]}, **changes)
        world = inputs(
            loads_w=0.004 * inputs().loads_w,
            weights=np.array([count]),
            load_factor=connected,
            connected_fraction=connected,
            connections=round(count),
        )
        return study(made, world)

    return of


def designed(study: Study) -> Evaluation:
    return evaluate(study, one_design(0.2, 0.8, 0.0, 0.0))


def test_homes_connected_in_the_middle_of_the_year_want_half_of_its_energy(homes: Callable[..., Study]) -> None:
    all_year = designed(homes(20.0, np.ones((1, 12)))).use.load_kwh[0]
    assert designed(homes(20.0, HALF_YEAR)).use.load_kwh[0] == pytest.approx(0.5 * all_year, rel=1e-12)


def test_one_home_alone_counts_as_any_other(homes: Callable[..., Study]) -> None:
    many, alone = (designed(homes(count, HALF_YEAR)).use for count in (20.0, 1.0))
    assert alone.load_kwh == pytest.approx(many.load_kwh / 20.0, rel=1e-12)
    assert alone.unserved_kwh == pytest.approx(many.unserved_kwh / 20.0, rel=1e-12)


@pytest.mark.parametrize("most", [0.5, 1.0, 1.5])
def test_a_system_is_bought_for_every_home_that_is_ever_connected(homes: Callable[..., Study], most: float) -> None:
    connected = np.array([[0.25] * 12, [most] * 12])
    study = homes(20.0, connected)
    each = 0.2 * 500.0 + 0.8 * 240.0
    assert study.systems == pytest.approx(20.0 * most)
    assert designed(study).cost.capex[0] == pytest.approx(20.0 * most * each, rel=1e-12)
    assert home_weights(study.inputs, study.parts, 1).sum() <= study.systems


def test_a_microgrid_is_one_system_however_many_are_connected(
    scenario: ScenarioOf, inputs: InputsOf, study: StudyOf
) -> None:
    assert study(scenario(), inputs(connected_fraction=np.full((2, 12), 1.5))).systems == 1.0


def test_panels_bought_anew_give_their_full_power_again(scenario: ScenarioOf, inputs: InputsOf, study: StudyOf) -> None:
    made = scenario(
        system={"parameters": {"panel": {"degradation_per_year": 0.1}}},
        costs={"pv_life_years": 3.0, "battery_life_years": 20.0},
        goal={"years": 7},
    )
    world = study(made, inputs())
    assert [panels_left(world.parts, made.costs, year) for year in range(7)] == pytest.approx(
        [1.0, 0.9, 0.81, 1.0, 0.9, 0.81, 1.0], rel=1e-12
    )
    result = evaluate(world, one_design(25.0, 80.0, 12.0, 0.0))
    pv_kwh = result.use.pv_kwh[:, 0]
    assert pv_kwh == pytest.approx(pv_kwh[0] * np.array([1.0, 0.9, 0.81, 1.0, 0.9, 0.81, 1.0]), rel=1e-12)
    bought_again = [year.year for year in result.cash if year.replacement > 0.0]
    assert bought_again == [3, 6]
    assert [year.pv_kwh for year in result.years] == pytest.approx(pv_kwh.tolist(), rel=1e-12)


def test_homes_that_peak_at_different_hours_do_not_add_up_their_peaks(
    scenario: ScenarioOf, inputs: InputsOf, study: StudyOf
) -> None:
    loads_w = np.zeros((2, 3, 8760))
    loads_w[0, 1, 19::24], loads_w[1, 1, 20::24] = 50.0, 30.0
    world = study(scenario(system=HOME, goal={"years": 1}), inputs(loads_w=loads_w, weights=np.array([10.0, 20.0])))
    (year,) = designed(world).years
    assert year.peak_load_kw == pytest.approx(0.6)  # 20 homes with 30 W, not these and 10 with 50 W an hour earlier
    assert year.load_kwh == pytest.approx(365 * (10 * 0.05 + 20 * 0.03))
