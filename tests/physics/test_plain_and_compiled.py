"""One source, two ways to run it: a plain Python loop and the compiled year are equal to the last bit."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from sim.physics.dispatch import Loads, Sources, served_by_class
from sim.physics.operation import Drivers, Plant, State, Trajectory, operate, step


def plain_year(drivers: Drivers, plant: Plant, state: State, dt_h: float) -> tuple[Trajectory, State]:
    """Run `step` in plain Python, as an event simulation does."""
    rows = []
    for index in range(drivers.pv_w_per_w.size):
        loads = Loads(*(float(power_w) for power_w in drivers.loads_w[:, index]))
        pv = float(drivers.pv_w_per_w[index])
        sources = Sources(float(drivers.ac_source_w[index]) + pv * plant.ac_pv_w, pv * plant.dc_pv_w)
        factors = float(drivers.capacity_factor[index]), float(drivers.rate_factor[index])
        outcome = step(state, loads, sources, plant, *factors, dt_h)
        state, flow = outcome.state, outcome.flow
        rows.append(
            (
                *served_by_class(outcome.offer, outcome.served_w),
                outcome.unserved_w,
                flow.battery_w,
                state.tanks.total_wh,
                flow.inverter_w,
                flow.dc_used_w,
                flow.genset_w,
                flow.charger_ac_w,
                flow.charger_dc_w,
                flow.spilled_w,
            )
        )
    series = np.array(rows).T
    return Trajectory(series[:3], *series[3:]), state


def assert_equal_to_the_bit(drivers: Drivers, plant: Plant, start: State, dt_h: float) -> None:
    plain, plain_end = plain_year(drivers, plant, start, dt_h)
    fast, fast_end = operate(drivers, plant, start, dt_h)
    for name, one, other in zip(Trajectory._fields, plain, fast, strict=True):
        assert np.array_equal(one, other), name
    assert (plain_end.tanks, plain_end.running) == (fast_end.tanks, fast_end.running)


@pytest.mark.parametrize("parts", [1, 2, 4])
def test_ten_days_of_every_plant(
    plant_name: str,
    parts: int,
    plant_at: Callable[[str, float], Plant],
    start_of: Callable[[Plant], State],
    hourly_days: Callable[[int], Drivers],
    cut: Callable[[Drivers, int], Drivers],
) -> None:
    plant = plant_at(plant_name, 1.0 / parts)
    assert_equal_to_the_bit(cut(hourly_days(10), parts), plant, start_of(plant), 1.0 / parts)


@pytest.mark.parametrize("name", ["genset", "kibam-ac-genset-cycle-shed"])
def test_a_whole_year(
    name: str,
    plant_at: Callable[[str, float], Plant],
    start_of: Callable[[Plant], State],
    hourly_days: Callable[[int], Drivers],
) -> None:
    plant = plant_at(name, 1.0)
    assert_equal_to_the_bit(hourly_days(365), plant, start_of(plant), 1.0)


def test_the_same_year_twice_is_the_same_year(
    plant_at: Callable[[str, float], Plant],
    start_of: Callable[[Plant], State],
    hourly_days: Callable[[int], Drivers],
) -> None:
    plant = plant_at("kibam-genset-cycle", 1.0)
    first, again = (operate(hourly_days(60), plant, start_of(plant), 1.0)[0] for _ in range(2))
    assert all(np.array_equal(one, other) for one, other in zip(first, again, strict=True))


def test_two_halves_of_a_year_make_the_year(
    plant_at: Callable[[str, float], Plant],
    start_of: Callable[[Plant], State],
    hourly_days: Callable[[int], Drivers],
) -> None:
    plant, drivers = plant_at("kibam-genset-cycle", 1.0), hourly_days(40)
    whole, end = operate(drivers, plant, start_of(plant), 1.0)
    first, noon = operate(Drivers(*(series[..., :500] for series in drivers)), plant, start_of(plant), 1.0)
    second, late = operate(Drivers(*(series[..., 500:] for series in drivers)), plant, noon, 1.0)
    assert np.array_equal(np.append(first.battery_w, second.battery_w), whole.battery_w)
    assert end == late
