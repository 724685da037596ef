"""From direct to alternating current and back: the off-grid inverter, its charger, and the PVWatts inverter curve."""

import math
from typing import NamedTuple

from sim.physics.kernel import kernel


class Inverter(NamedTuple):
    """An off-grid inverter, always on: DC in = no-load + slope x AC + curvature x AC squared, up to its rating."""

    rated_w: float
    no_load_w: float
    slope: float
    curvature_per_w: float
    charger_w: float  # what it may take from the AC side to charge the battery
    charger_efficiency: float


DIRECT = Inverter(1e12, 0.0, 1.0, 0.0, 1e12, 1.0)  # loads on the DC bus: no conversion, no limit


@kernel
def dc_from_ac_w(ac_w: float, inverter: Inverter) -> float:
    """Return the DC power an inverter draws to deliver `ac_w` [W, 0..rated]; the no-load draw is always there."""
    return inverter.no_load_w + ac_w * (inverter.slope + inverter.curvature_per_w * ac_w)


@kernel
def ac_from_dc_w(dc_w: float, inverter: Inverter) -> float:
    """Return the AC power delivered from `dc_w` [W, >= 0]: the inverse of `dc_from_ac_w`, and 0 below the no-load draw.

    The root is written as 2c / (b + sqrt(b^2 + 4ac)), which stays exact when the curvature is 0.
    """
    net_w = dc_w - inverter.no_load_w
    net_w = net_w if net_w > 0.0 else 0.0
    root = math.sqrt(inverter.slope * inverter.slope + 4.0 * inverter.curvature_per_w * net_w)
    return 2.0 * net_w / (inverter.slope + root)


@kernel
def pvwatts_ac_w(dc_w: float, rated_dc_w: float, nominal_efficiency: float) -> float:
    """Return the AC power of a grid-type PV inverter [W]; used for AC-coupled arrays.

    `rated_dc_w` is the DC power at which the AC rating `nominal_efficiency * rated_dc_w` is reached.
    Source: A. P. Dobos, PVWatts Version 5 Manual, NREL/TP-6A20-62641, 2014 (reference efficiency 0.9637).

    >>> round(pvwatts_ac_w(90.0, 100.0, 0.95), 6)
    85.585566
    """
    share = dc_w / rated_dc_w
    share = share if share > 1e-9 else 1e-9
    efficiency = nominal_efficiency / 0.9637 * (-0.0162 * share - 0.0059 / share + 0.9858)
    ac_w = efficiency * dc_w
    ac_w = ac_w if ac_w > 0.0 else 0.0
    limit_w = nominal_efficiency * rated_dc_w
    return ac_w if ac_w < limit_w else limit_w
