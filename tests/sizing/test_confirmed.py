"""The last word on the best design is the f64 path's, whatever the sweep thought."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from sim.inputs import Inputs
from sim.scenario import Scenario
from sim.sizing.evaluate import Study
from sim.sizing.search import (
    CONFIRMED,
    NAMES,
    axis_of,
    best_few,
    confirmed_best,
    meets_goal,
    rounded,
    sweep_grid,
)

BATTERIES = [50.0 + 3.0 * step for step in range(3 * CONFIRMED)]


@pytest.fixture(scope="session")
def world(
    scenario: Callable[..., Scenario], inputs: Callable[..., Inputs], study: Callable[[Scenario, Inputs], Study]
) -> Study:
    """Return a village with many batteries to choose from, each a little dearer than the last."""
    system = {"pv_kw": 30.0, "battery_kwh": BATTERIES, "inverter_kw": 12.0, "genset_kw": 0.0, "check_peaks": False}
    made = scenario(system=system, costs={"battery_life_years": 10.0}, goal={"years": 1, "unserved_fraction_max": 0.1})
    return study(made, inputs())


@pytest.mark.parametrize("off", [0.0, 5e-7, 2e-2])
def test_a_sweep_that_is_too_hopeful_hides_no_design_that_fits(world: Study, off: float) -> None:
    axes = {name: axis_of(getattr(world.scenario.system, name), 2) for name in NAMES}
    honest = sweep_grid(world, axes, lambda _done, _all, _best: None)
    (right,) = best_few(world, [honest])
    hopeful = replace(honest, unserved_fraction=honest.unserved_fraction - off)
    best = confirmed_best(world, hopeful)
    assert best is not None
    assert meets_goal(world, best)
    assert float(best.design.battery_kwh[0]) == right["battery_kwh"]


def test_nothing_fits_where_only_the_sweep_thinks_so(world: Study) -> None:
    axes = {name: axis_of(getattr(world.scenario.system, name), 2) for name in NAMES}
    found = sweep_grid(world, axes, lambda _done, _all, _best: None)
    impossible = replace(world, scenario=world.scenario.model_copy(update={"goal": replace_goal(world.scenario, 1e-9)}))
    assert confirmed_best(impossible, replace(found, unserved_fraction=np.zeros(found.npc.size))) is None


def replace_goal(scenario: Scenario, unserved_fraction_max: float) -> object:
    return scenario.goal.model_copy(update={"unserved_fraction_max": unserved_fraction_max})


@pytest.mark.parametrize(("low", "high"), [(10.04, 10.06), (1000.4, 1003.3), (0.0, 20.0), (5.0, 80.0)])
def test_sizes_in_round_numbers_stay_inside_their_range(low: float, high: float) -> None:
    sizes = rounded(np.linspace(low, high, 9))
    assert (sizes[0], sizes[-1]) == (low, high)
    assert (np.diff(sizes) > 0.0).all()
