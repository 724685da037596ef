"""What hourly means hide: the evening minute when everybody cooks, and the moment the mill starts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sim.components import Components
from sim.inputs import Inputs
from sim.sizing.economics import Designs


@dataclass(frozen=True, slots=True)
class Peaks:
    """What the AC side must carry for a minute and for the seconds of a motor start [kW]."""

    minute_kw: float
    surge_kw: float


def peaks_of(inputs: Inputs, parts: Components) -> Peaks | None:
    """Return the peaks a design must carry, or nothing for loads on the DC bus or when the planner asked not to look.

    The 1-minute peak is the largest of the year, grown to the project's last year. A motor start comes on top of the
    busiest mean hour. Three phases loaded unevenly raise both by the imbalance, as far as loads hang on one phase.
    """
    if parts.inverter is None or not parts.system.check_peaks:
        return None
    growth = float(inputs.load_factor.max())
    uneven = 1.0 + (parts.system.imbalance_fraction * _on_one_phase(inputs) if parts.system.phases == 3 else 0.0)
    mean_day_w = inputs.loads_w[0].sum(axis=0).reshape(365, -1).mean(axis=0)
    start_kw = (inputs.largest_start_w + float(mean_day_w.max()) * growth) / 1000.0
    return Peaks(inputs.peak_minute_w * growth * uneven / 1000.0, start_kw * uneven)


def _on_one_phase(inputs: Inputs) -> float:
    """Return the part of the busiest load that hangs on a single phase."""
    three_w, peak_w = inputs.peak_three_phase_w, inputs.peak_minute_w
    return 1.0 - min(three_w / peak_w, 1.0) if peak_w > 0.0 else 1.0


def carries(designs: Designs, parts: Components, peaks: Peaks | None) -> npt.NDArray[np.bool_]:
    """Return which designs carry the peaks: inverter overload and surge from the catalogue, plus the engine."""
    if peaks is None or parts.inverter is None:
        return np.ones(designs.pv_kw.size, dtype=bool)
    for_a_minute_kw = designs.inverter_kw * parts.inverter.overload_factor + designs.genset_kw
    for_seconds_kw = designs.inverter_kw * parts.inverter.surge_factor + designs.genset_kw * parts.genset.surge_factor
    fits: npt.NDArray[np.bool_] = (for_a_minute_kw >= peaks.minute_kw) & (for_seconds_kw >= peaks.surge_kw)
    return fits


def smallest_inverter_kw(parts: Components, peaks: Peaks) -> float:
    """Return the inverter that carries the peaks without an engine."""
    assert parts.inverter is not None  # peaks exist only where there is an inverter
    return max(peaks.minute_kw / parts.inverter.overload_factor, peaks.surge_kw / parts.inverter.surge_factor)
