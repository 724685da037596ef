"""The f64 path: one design, every step kept, every kilowatt-hour accounted for. The sweep is held against it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sim.physics.battery import Tanks
from sim.physics.operation import Drivers, FloatArray, Plant, State, Trajectory, operate
from sim.sizing.plant import each
from sim.sizing.sweep import Year

SHORT = 1e-4  # a step counts as an outage when more than this part of its load is missing


@dataclass(frozen=True, slots=True)
class YearTotals:
    """What one system did in one year. Energy closes: see `imbalance_kwh`."""

    load_kwh: float
    served_kwh: float
    unserved_kwh: float
    served_critical_kwh: float
    served_standard_kwh: float
    served_deferrable_kwh: float
    pv_kwh: float
    source_kwh: float
    spilled_kwh: float
    genset_kwh: float
    genset_hours: float
    genset_starts: int
    battery_charge_kwh: float
    battery_discharge_kwh: float
    battery_loss_kwh: float
    battery_gain_kwh: float  # energy held at the end less at the start
    inverter_loss_kwh: float
    charger_loss_kwh: float
    unserved_hours: float
    longest_outage_hours: float
    peak_load_kw: float

    @property
    def imbalance_kwh(self) -> float:
        """Return what came in less what went out, stayed or was lost: 0 but for rounding."""
        came = self.pv_kwh + self.source_kwh + self.genset_kwh
        lost = self.battery_loss_kwh + self.inverter_loss_kwh + self.charger_loss_kwh
        return came - self.served_kwh - self.spilled_kwh - lost - self.battery_gain_kwh


def exact_year(
    drivers: Drivers, plant: Plant, state: State, dt_h: float
) -> tuple[Year, State, list[tuple[Trajectory, YearTotals]]]:
    """Run each design of `plant` (arrays of n) through a year in f64; return sums, states and every step."""
    count = np.size(state.running)
    runs, ends = [], []
    for index in range(count):
        one, start = _picked(plant, index), _picked(state, index)
        trajectory, end = operate(drivers, one, start, dt_h)
        runs.append((trajectory, totals_of(drivers, one, start, trajectory, dt_h)))
        ends.append(end)
    return _year_of(runs), _stacked(ends), runs


def totals_of(drivers: Drivers, plant: Plant, start: State, steps: Trajectory, dt_h: float) -> YearTotals:
    """Return the year's sums of one trajectory [kWh]."""

    def kwh(power_w: FloatArray) -> float:
        return float(power_w.sum()) * dt_h / 1000.0

    load_w = drivers.loads_w.sum(axis=0)
    short = steps.unserved_w > SHORT * load_w
    running = steps.genset_w > 0.0
    charge, discharge = kwh(np.maximum(-steps.battery_w, 0.0)), kwh(np.maximum(steps.battery_w, 0.0))
    gain = float(steps.energy_wh[-1] - start.tanks.total_wh) / 1000.0
    return YearTotals(
        load_kwh=kwh(load_w),
        served_kwh=kwh(steps.served_w),
        unserved_kwh=kwh(steps.unserved_w),
        served_critical_kwh=kwh(steps.served_w[0]),
        served_standard_kwh=kwh(steps.served_w[1]),
        served_deferrable_kwh=kwh(steps.served_w[2]),
        pv_kwh=kwh(drivers.pv_w_per_w) * (plant.dc_pv_w + plant.ac_pv_w),
        source_kwh=kwh(drivers.ac_source_w),
        spilled_kwh=kwh(steps.spilled_w),
        genset_kwh=kwh(steps.genset_w),
        genset_hours=float(running.sum()) * dt_h,
        genset_starts=int(np.count_nonzero(running & ~np.append(start.running > 0.0, running[:-1]))),
        battery_charge_kwh=charge,
        battery_discharge_kwh=discharge,
        battery_loss_kwh=charge - discharge - gain,
        battery_gain_kwh=gain,
        inverter_loss_kwh=kwh(steps.dc_used_w - steps.inverter_w),
        charger_loss_kwh=kwh(steps.charger_ac_w - steps.charger_dc_w),
        unserved_hours=float(short.sum()) * dt_h,
        longest_outage_hours=longest_run(short) * dt_h,
        peak_load_kw=float(load_w.max()) / 1000.0,
    )


def longest_run(marks: np.typing.NDArray[np.bool_]) -> int:
    """Return the length of the longest run of true values."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], marks, [False]])))
    return int((edges[1::2] - edges[::2]).max()) if edges.size else 0


def _year_of(runs: list[tuple[Trajectory, YearTotals]]) -> Year:
    rows = [
        (
            totals.unserved_kwh * 1000.0,
            totals.genset_kwh * 1000.0,
            totals.genset_hours,
            float(totals.genset_starts),
            totals.battery_discharge_kwh * 1000.0,
            float(steps.energy_wh.mean()),
            totals.battery_charge_kwh * 1000.0,
        )
        for steps, totals in runs
    ]
    return Year(*np.array(rows).T)._replace(history_wh=np.array([steps.energy_wh for steps, _ in runs]).T)


def _picked(value: Any, index: int) -> Any:
    """Return one design of a tuple of arrays, in plain numbers."""
    if isinstance(value, tuple):
        return type(value)(*(_picked(part, index) for part in value))
    return value if value is None else float(value if np.ndim(value) == 0 else value[index])


def _stacked(states: list[State]) -> State:
    total, available = np.array([state.tanks for state in states]).T
    return State(Tanks(total, available), each(np.array([state.running for state in states])))
