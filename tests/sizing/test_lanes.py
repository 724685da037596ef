"""The f32 lanes of the sweep against the f64 path behind `evaluate`, and against themselves in another order.

What a lane adds up is accurate to 1e-5. What it decides is not always the same: whether an engine starts, stops or a
class is let go is a comparison of two numbers that may be equal, and single precision then falls to the other side.
One such decision moves what happens in one step, and the two paths meet again when the battery is next full or empty.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from sim.physics.operation import Drivers
from sim.sizing.exact import exact_year
from sim.sizing.lanes import LANES
from sim.sizing.search import lane_year
from sim.sizing.sweep import Year, lane_drivers, lane_state, sweep_year

FloatArray = npt.NDArray[np.float64]
YearAt = Callable[[float], Drivers]
FleetOf = Callable[[str, int, float], Any]
COUNT = 96
ENERGIES = ("unserved_wh", "genset_wh", "discharge_wh", "charge_wh", "mean_energy_wh")


def errors(drivers: Drivers, fleet: Any, dt_h: float) -> tuple[FloatArray, FloatArray]:
    """Return signed differences: energies relative to the load or to the battery (5, n), and running hours [h] (n,)."""
    exact, _, _ = exact_year(drivers, fleet.plant, fleet.state, dt_h)
    lanes, _ = lane_year(drivers, fleet.plant, fleet.state, dt_h)
    load_wh = float(drivers.loads_w.sum()) * dt_h
    scales = (load_wh, load_wh, load_wh, load_wh, fleet.plant.tank.ceiling_wh)
    energies = [(getattr(lanes, n) - getattr(exact, n)) / s for n, s in zip(ENERGIES, scales, strict=True)]
    return np.array(energies), lanes.genset_hours - exact.genset_hours


@pytest.mark.parametrize("dt_h", [1.0, 0.5, 0.25])
@pytest.mark.parametrize("parts", ["", "kibam", "ac", "kibam-ac"])
def test_without_decisions_every_total_is_within_a_hundred_thousandth(
    parts: str, dt_h: float, year: YearAt, fleet: FleetOf
) -> None:
    energies, _ = errors(year(dt_h), fleet(parts, COUNT, dt_h), dt_h)
    assert np.abs(energies).max() <= 1e-5


@pytest.mark.parametrize("dt_h", [1.0, 0.5, 0.25])
@pytest.mark.parametrize("parts", ["engine", "engine-kibam", "engine-ac", "engine-kibam-ac"])
def test_load_following_is_within_a_hundred_thousandth_but_for_a_start_now_and_then(
    parts: str, dt_h: float, year: YearAt, fleet: FleetOf
) -> None:
    energies, hours = errors(year(dt_h), fleet(parts, COUNT, dt_h), dt_h)
    worst = np.abs(energies).max(axis=0)
    assert np.quantile(worst, 0.9) <= 1e-5
    assert worst.max() <= 5e-4
    assert np.abs(hours).max() <= 8.0


@pytest.mark.parametrize("dt_h", [1.0, 0.25])
@pytest.mark.parametrize("parts", ["shed", "shed-limit", "kibam-shed", "engine-cycle", "engine-kibam-ac-cycle-shed"])
def test_decisions_by_the_battery_move_little_and_to_neither_side(
    parts: str, dt_h: float, year: YearAt, fleet: FleetOf
) -> None:
    """One step of engine or load is up to 5e-4 of this year's load; a design may come to a dozen such moments."""
    energies, _ = errors(year(dt_h), fleet(parts, COUNT, dt_h), dt_h)
    assert np.abs(energies).max() <= 6e-3
    assert np.abs(energies.mean(axis=1)).max() <= 2e-4
    assert np.median(np.abs(energies).max(axis=0)) <= 1e-5


@pytest.mark.parametrize("parts", ["engine", "engine-kibam-ac-cycle-shed"])
def test_a_design_does_not_know_its_neighbours(parts: str, year: YearAt, fleet: FleetOf) -> None:
    drivers, whole = year(1.0), fleet(parts, 5 * LANES + 7, 1.0)
    together = year_of(drivers, whole, np.arange(5 * LANES + 7))
    shuffled = np.random.Generator(np.random.Philox(key=2)).permutation(5 * LANES + 7)
    assert_same(year_of(drivers, whole, shuffled), together, shuffled)
    for some in (np.array([0]), np.arange(LANES - 1), np.arange(LANES), np.arange(LANES + 1), np.arange(3, 290)):
        assert_same(year_of(drivers, whole, some), together, some)


def test_threads_change_nothing(year: YearAt, fleet: FleetOf, monkeypatch: pytest.MonkeyPatch) -> None:
    drivers, whole = year(1.0), fleet("engine-cycle", 6 * LANES, 1.0)
    index = np.arange(6 * LANES)
    results = []
    for cores in (1, 2, 3, 5):
        monkeypatch.setattr("sim.sizing.sweep.processors", lambda cores=cores: cores)
        results.append(year_of(drivers, whole, index))
    for result in results[1:]:
        assert_same(result, results[0], index)


def test_a_year_ends_where_the_next_begins(year: YearAt, fleet: FleetOf) -> None:
    """Two half years, the second from the first's end, are the year to the last bit."""
    drivers, whole = year(1.0), fleet("engine-kibam-cycle", LANES, 1.0)
    halves = [Drivers(*(series[..., part] for series in drivers)) for part in (slice(0, 4800), slice(4800, 8760))]
    lanes = lane_state(whole.state, LANES)
    first, second = (sweep_year(lane_drivers(half), whole.plant, lanes, LANES, 1.0) for half in halves)
    other = lane_state(whole.state, LANES)
    full = sweep_year(lane_drivers(drivers), whole.plant, other, LANES, 1.0)
    assert np.array_equal(lanes, other)
    assert first.genset_wh + second.genset_wh == pytest.approx(full.genset_wh, rel=1e-12)
    assert np.array_equal(first.genset_hours + second.genset_hours, full.genset_hours)
    assert np.array_equal(first.genset_starts + second.genset_starts, full.genset_starts)


def test_classes_may_be_read_as_one_when_nobody_is_shed(year: YearAt, fleet: FleetOf) -> None:
    drivers, whole = year(1.0), fleet("engine", LANES, 1.0)
    by_class = sweep_year(lane_drivers(drivers), whole.plant, lane_state(whole.state, LANES), LANES, 1.0)
    as_one, _ = lane_year(drivers, whole.plant, whole.state, 1.0)
    load_wh = float(drivers.loads_w.sum())
    assert by_class.unserved_wh == pytest.approx(as_one.unserved_wh, abs=1e-5 * load_wh)


def year_of(drivers: Drivers, fleet: Any, index: npt.NDArray[np.intp]) -> Year:
    return lane_year(drivers, picked(fleet.plant, index), picked(fleet.state, index), 1.0)[0]


def picked(value: Any, index: npt.NDArray[np.intp]) -> Any:
    """Return some designs of a fleet's plant or state."""
    if isinstance(value, tuple):
        return type(value)(*(picked(part, index) for part in value))
    return value if value is None or np.ndim(value) == 0 else value[index]


def assert_same(found: Year, whole: Year, index: npt.NDArray[np.intp]) -> None:
    assert found.history_wh is None  # the sweep keeps sums, never steps
    for name, one, other in zip(Year._fields, found[:-1], whole[:-1], strict=False):
        assert np.array_equal(one, other[index]), name
