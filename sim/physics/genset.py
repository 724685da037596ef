"""The engine: fuel from energy and running hours."""

from typing import NamedTuple

from sim.physics.kernel import kernel


class Genset(NamedTuple):
    """A generating set: what it may deliver, and the least it may run at."""

    rated_w: float
    minimum_w: float


@kernel
def fuel_litres(
    energy_wh: float, hours: float, rated_w: float, intercept_l_per_kwh: float, slope_l_per_kwh: float
) -> float:
    """Return the fuel burnt [L] for `energy_wh` delivered in `hours` of running.

    A straight line through the no-load consumption: intercept [L/h per kW rated] x rating x hours + slope [L/kWh] x
    energy, so yearly totals give exactly the sum of the steps. Source: HOMER help, "Fuel curve".
    """
    return intercept_l_per_kwh * rated_w * hours / 1000.0 + slope_l_per_kwh * energy_wh / 1000.0
