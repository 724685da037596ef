"""Ten thousand designs through the same year: candidates in f32 lanes, time outside, the shared step inlined.

Nothing is stored per step. What a year adds up to is collected per day in f32 and per year in f64, which keeps the
totals within 1e-5 of the f64 path behind `evaluate`.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, cast

import numpy as np

from sim.physics.dispatch import Shedding
from sim.physics.kernel import processors
from sim.physics.operation import Drivers, FloatArray, Plant, State
from sim.sizing.lane_loop import LaneDrivers, Parts, Shared, Tally, run_blocks
from sim.sizing.lanes import LANES, LaneArray

PIECES = 8  # of work for each thread


class Year(NamedTuple):
    """What a year of each candidate came to; f64 arrays of n candidates."""

    unserved_wh: FloatArray
    genset_wh: FloatArray
    genset_hours: FloatArray
    genset_starts: FloatArray
    discharge_wh: FloatArray  # at the battery's terminals
    mean_energy_wh: FloatArray
    charge_wh: FloatArray  # at the battery's terminals
    history_wh: FloatArray | None = None  # (steps, n) energy held, where every step was kept


def lane_drivers(drivers: Drivers) -> LaneDrivers:
    """Return the drivers of a year in f32."""
    return LaneDrivers(*(np.ascontiguousarray(series, dtype=np.float32) for series in drivers))


def lane_state(state: State, count: int) -> LaneArray:
    """Return the state of `count` designs as (3, blocks * LANES) f32."""
    return _padded([state.tanks.total_wh, state.running, state.tanks.available_wh], count)


def sweep_year(drivers: LaneDrivers, plant: Plant, state: LaneArray, count: int, dt_h: float) -> Year:
    """Run `count` designs through one year and return what it came to; `state` is left as the year's end.

    `plant` holds an array (count,) wherever designs differ. The result does not depend on the number of threads:
    each candidate is a lane of its own.
    """
    rows = _rows_of(plant, count)
    totals = np.zeros((len(Tally._fields), rows.shape[1]))
    before_wh = state[0, :count].astype(np.float64)
    parts = Parts(
        1 if np.any(plant.ac_pv_w) else None,
        None if plant.kibam is None else 1,
        None if plant.setpoint_wh is None else 1,
        None if plant.shedding is None else 1,
    )
    shared, steps_per_day = _shared_of(plant, dt_h), round(24.0 / dt_h)
    blocks, workers = rows.shape[1] // LANES, processors()
    pieces = min(blocks, PIECES * workers)  # more than one each: a core that is slow for a while holds up nobody
    edges = [blocks * piece // pieces for piece in range(pieces + 1)] if pieces else []

    def run(piece: int) -> None:
        run_blocks(drivers, rows, shared, parts, state, totals, edges[piece], edges[piece + 1], steps_per_day)

    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(run, range(pieces)))
    gained_wh = state[0, :count].astype(np.float64) - before_wh
    return _year_of(totals[:, :count], plant, gained_wh, dt_h, drivers.pv_w_per_w.size)


def _year_of(totals: FloatArray, plant: Plant, gained_wh: FloatArray, dt_h: float, steps: int) -> Year:
    """Return the year's sums; what was charged follows from what the battery gave, lost at rest and gained."""
    unserved, genset, running, starts, discharge, energy = totals
    discharge_wh, tank = discharge * dt_h, plant.tank
    at_rest_wh = (1.0 - tank.keep) * (energy - gained_wh)  # of the energy before each step, not after it
    charge_wh = (gained_wh + at_rest_wh + discharge_wh / tank.discharge_efficiency) / tank.charge_efficiency
    return Year(
        unserved * dt_h,
        genset * dt_h,
        running * dt_h,
        starts,
        discharge_wh,
        energy / steps,
        np.maximum(charge_wh, 0.0),
    )


def _rows_of(plant: Plant, count: int) -> LaneArray:
    """Return what differs between designs, in the order of the row names above."""
    shedding = plant.shedding or Shedding(0.0, 0.0)
    setpoint_wh = 0.0 if plant.setpoint_wh is None else plant.setpoint_wh
    kibam_wh = (0.0, 0.0) if plant.kibam is None else (plant.kibam.capacity_wh, plant.kibam.floor_wh)
    tank, inverter = plant.tank, plant.inverter
    values = [plant.dc_pv_w, plant.ac_pv_w, tank.floor_wh, tank.ceiling_wh]
    values += [tank.charge_limit_w, tank.discharge_limit_w]
    values += [inverter.rated_w, inverter.no_load_w, inverter.curvature_per_w, inverter.charger_w]
    values += [plant.genset.rated_w, plant.genset.minimum_w, setpoint_wh, *shedding[:2], *kibam_wh]
    return _padded(values, count)


def _padded(values: list[float], count: int) -> LaneArray:
    """Return one f32 row per value, each a number or (count,), padded with zeros to whole blocks."""
    rows = np.zeros((len(values), -(-count // LANES) * LANES), dtype=np.float32)
    for row, value in zip(rows, values, strict=True):
        row[:count] = value
    return rows


def _shared_of(plant: Plant, dt_h: float) -> Shared:
    tank, kibam = plant.tank, plant.kibam
    values = [tank.charge_efficiency, tank.discharge_efficiency, tank.keep]
    values += [plant.inverter.slope, plant.inverter.charger_efficiency]
    values += [0.0] * 4 if kibam is None else list(kibam[2:])
    values += [0.0] * 2 if plant.shedding is None else list(plant.shedding[2:])
    return Shared(*(cast(float, np.float32(value)) for value in (*values, dt_h)))
