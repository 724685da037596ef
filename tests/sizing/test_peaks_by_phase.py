"""Loads on all three phases are loaded alike by themselves; only the others are uneven."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sim.components import components_of
from sim.inputs import Inputs
from sim.scenario import Scenario
from sim.sizing.peaks import peaks_of


@pytest.mark.parametrize(
    ("phases", "three_phase_w", "times"), [(1, 0.0, 1.0), (3, 0.0, 1.2), (3, 4500.0, 1.1), (3, 9000.0, 1.0)]
)
def test_an_imbalance_is_of_loads_on_one_phase(
    scenario: Callable[..., Scenario], inputs: Callable[..., Inputs], phases: int, three_phase_w: float, times: float
) -> None:
    parts = components_of(scenario(system={"phases": phases, "imbalance_fraction": 0.2}).system)
    world = inputs(peak_minute_w=9000.0, peak_three_phase_w=three_phase_w, largest_start_w=5000.0)
    even = peaks_of(world, components_of(scenario().system))
    peaks = peaks_of(world, parts)
    assert peaks is not None
    assert even is not None
    assert peaks.minute_kw == pytest.approx(9.0 * times, rel=1e-12)
    assert peaks.surge_kw == pytest.approx(even.surge_kw * times, rel=1e-12)
