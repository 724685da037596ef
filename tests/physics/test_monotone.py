"""More panels or more battery never leave more people in the dark (load-following, no engine).

Without self-discharge: a larger battery that loses a share of what it holds also loses more of its reserve below
the floor, and can then end a dark week a watt-hour shorter.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from sim.physics.battery import OneTank, Tanks, kibam_of
from sim.physics.genset import Genset
from sim.physics.inverter import DIRECT, Inverter
from sim.physics.operation import Drivers, Plant, State, operate

PV_W = np.linspace(0.0, 40e3, 9)
BATTERY_WH = np.linspace(0.0, 120e3, 9)
INVERTERS = {"direct": DIRECT, "inverter": Inverter(8e3, 60.0, 1.02, 0.04 / 8e3, 4e3, 0.94)}


def unserved_wh(drivers: Drivers, pv_w: float, battery_wh: float, inverter: Inverter, tanks: int) -> float:
    tank = OneTank(0.1 * battery_wh, battery_wh, 0.97, 0.97, 0.5 * battery_wh, battery_wh, 1.0)
    kibam = None if tanks == 1 else kibam_of(battery_wh, 0.1, 0.35, 0.9, 1.0)
    plant = Plant(pv_w, 0.0, tank, inverter, Genset(0.0, 0.0), kibam, None, None)
    full = State(Tanks(battery_wh, battery_wh * (1.0 if kibam is None else kibam.fraction)), 0.0)
    return float(operate(drivers, plant, full, 1.0)[0].unserved_w.sum())


@pytest.mark.parametrize("tanks", [1, 2])
@pytest.mark.parametrize("inverter", INVERTERS)
def test_unserved_energy_falls_with_either_size(
    tanks: int, inverter: str, hourly_days: Callable[[int], Drivers]
) -> None:
    drivers = hourly_days(90)._replace(capacity_factor=np.ones(90 * 24))
    grid = np.array(
        [[unserved_wh(drivers, pv_w, wh, INVERTERS[inverter], tanks) for wh in BATTERY_WH] for pv_w in PV_W]
    )
    small_wh = 1e-9 * float(drivers.loads_w.sum())
    assert (np.diff(grid, axis=0) <= small_wh).all()
    assert (np.diff(grid, axis=1) <= small_wh).all()
    assert grid[-1, -1] < 0.2 * grid[0, 0]
