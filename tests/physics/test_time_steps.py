"""The same hours cut into shorter steps: when the totals are the same, and how far apart they may be otherwise.

With input that is constant over each hour, totals at 30 and 15 min equal hourly ones to rounding for a one-tank battery
under load-following when an hour is a straight line inside: an inverter without idle draw and curvature (or
loads on the DC bus), no self-discharge, and an engine without minimum load that is large enough for the load (or none).
A battery that runs empty or full within an hour then changes nothing: the hour's mean is what its parts add up to.
Each other property makes an hour bend or puts a decision at its start, and totals differ by what that decides.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from sim.physics.battery import OneTank
from sim.physics.genset import Genset
from sim.physics.inverter import DIRECT, Inverter
from sim.physics.operation import Drivers, Plant, State, operate
from sim.sizing.exact import totals_of

ENERGIES = (
    "served_kwh",
    "unserved_kwh",
    "spilled_kwh",
    "genset_kwh",
    "battery_charge_kwh",
    "battery_discharge_kwh",
    "battery_loss_kwh",
    "inverter_loss_kwh",
    "charger_loss_kwh",
)
STRAIGHT = Inverter(5e3, 0.0, 1.03, 0.0, 3e3, 0.93)
LARGE_ENGINE = Genset(20e3, 0.0)

HourlyDays = Callable[[int], Drivers]
Cut = Callable[[Drivers, int], Drivers]


def energies(drivers: Drivers, plant: Plant, start: State, dt_h: float) -> npt.NDArray[np.float64]:
    steps, _ = operate(drivers, plant, start, dt_h)
    year = totals_of(drivers, plant, start, steps, dt_h)
    return np.array([getattr(year, name) for name in ENERGIES])


def straight_plants() -> list[Plant]:
    """Return plants that run empty, full, and into their rates, each on both buses and with and without an engine."""
    tank = OneTank(2e3, 22e3, 0.97, 0.95, 4e3, 5e3, 1.0)
    none = OneTank(0.0, 0.0, 0.97, 0.95, 0.0, 0.0, 1.0)
    return [
        Plant(dc_w, ac_w, battery, inverter, engine, None, None, None)
        for dc_w, ac_w in ((8e3, 0.0), (0.0, 8e3), (25e3, 3e3))
        for battery in (tank, none)
        for inverter in (DIRECT, STRAIGHT)
        for engine in (Genset(0.0, 0.0), LARGE_ENGINE)
    ]


@pytest.mark.parametrize("parts", [2, 4])
def test_straight_hours_may_be_cut_at_will(
    parts: int, hourly_days: HourlyDays, cut: Cut, start_of: Callable[[Plant], State]
) -> None:
    hourly = hourly_days(120)
    for plant in straight_plants():
        whole = energies(hourly, plant, start_of(plant), 1.0)
        shorter = energies(cut(hourly, parts), plant, start_of(plant), 1.0 / parts)
        assert shorter == pytest.approx(whole, rel=1e-9, abs=1e-9 * whole[0])


BENT = {  # share of the load by which any energy may differ between hours and their quarters
    "plain": 0.01,
    "genset": 0.01,
    "shed": 0.01,
    "ac": 0.01,
    "direct": 0.01,
    "direct-genset": 0.01,
    "empty": 0.01,
    "empty-genset": 0.01,
    "kibam": 0.01,
    "kibam-genset": 0.01,
    # an engine that charges runs for whole steps: what is charged and spilled moves, who is served does not
    "genset-cycle": 0.025,
    "kibam-genset-cycle": 0.025,
}


@pytest.mark.parametrize("parts", [2, 4])
@pytest.mark.parametrize("name", BENT)
def test_bent_hours_differ_little(
    name: str,
    parts: int,
    hourly_days: HourlyDays,
    cut: Cut,
    plant_at: Callable[[str, float], Plant],
    start_of: Callable[[Plant], State],
) -> None:
    hourly = hourly_days(365)
    whole = energies(hourly, plant_at(name, 1.0), start_of(plant_at(name, 1.0)), 1.0)
    plant = plant_at(name, 1.0 / parts)
    shorter = energies(cut(hourly, parts), plant, start_of(plant), 1.0 / parts)
    load_kwh = whole[0] + whole[1]
    assert shorter[:2] == pytest.approx(whole[:2], abs=0.01 * load_kwh)
    assert shorter == pytest.approx(whole, abs=BENT[name] * load_kwh)


def test_power_is_not_energy(hourly_days: HourlyDays, cut: Cut, start_of: Callable[[Plant], State]) -> None:
    """Forgetting the step in one sum would double it at 30 min."""
    plant = straight_plants()[0]
    hourly = hourly_days(30)
    load_kwh = float(hourly.loads_w.sum()) / 1000.0
    for parts in (1, 2, 4):
        drivers = cut(hourly, parts)
        steps, _ = operate(drivers, plant, start_of(plant), 1.0 / parts)
        year = totals_of(drivers, plant, start_of(plant), steps, 1.0 / parts)
        assert year.load_kwh == pytest.approx(load_kwh, rel=1e-12)
        assert year.pv_kwh == pytest.approx(8.0 * float(hourly.pv_w_per_w.sum()), rel=1e-12)
        assert year.source_kwh == pytest.approx(float(hourly.ac_source_w.sum()) / 1000.0, rel=1e-12)
        assert year.imbalance_kwh == pytest.approx(0.0, abs=1e-9 * load_kwh)
