"""The arrays that physics runs on: what sun, air and customers do to any design of one scenario."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
DAYS_IN_MONTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


@dataclass(frozen=True, slots=True, eq=False)
class Inputs:
    """What the world does to any design of one scenario; a year is 365 days in the site's standard time."""

    dt_h: float
    utc_offset_s: int
    year: int  # the calendar year the weather is laid on
    pv_w_per_w: FloatArray  # (draws, n): power of new panels on their bus per installed watt
    ghi_w_m2: FloatArray  # (draws, n)
    temp_c: FloatArray  # (draws, n)
    source_w: FloatArray  # (n,): other sources on the AC bus
    loads_w: FloatArray  # (systems, 3, n): critical, standard, deferrable; everybody connected, first year
    weights: FloatArray  # (systems,): how many systems each stands for; [1] for a microgrid
    load_factor: FloatArray  # (years, 12): multiplies the loads of a month
    connected_fraction: FloatArray  # (years, 12): of `connections`
    connections: int
    peak_minute_w: float
    peak_three_phase_w: float  # of the busiest step, what hangs on all three phases alike
    largest_start_w: float
    notes: tuple[str, ...]
    fills: tuple[str, ...]

    @property
    def steps_per_day(self) -> int:
        """Return how many steps a day has."""
        return round(24.0 / self.dt_h)

    @property
    def systems(self) -> float:
        """Return how many systems of the same design are built: 1 microgrid, or one for each home."""
        return float(self.weights.sum())

    def monthly(self, by_month: FloatArray) -> FloatArray:
        """Return twelve values spread over the steps of a year."""
        return np.repeat(by_month, np.array(DAYS_IN_MONTHS) * self.steps_per_day)
