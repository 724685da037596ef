"""The compiled loop of the sweep: blocks outside, then days, then steps, and innermost the lanes of candidates.

Everything a lane needs is inlined, so the innermost loop is straight arithmetic on f32 vectors.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sim.physics.battery import Kibam, OneTank, Tanks
from sim.physics.dispatch import Loads, Shedding, Sources
from sim.physics.genset import Genset
from sim.physics.inverter import Inverter
from sim.physics.kernel import compiled_lanes, inlined, kernel, lanes_of
from sim.physics.operation import FloatArray, Outcome, Plant, State, step
from sim.sizing.lanes import LANES, LaneArray, lane_rows


class Tally(NamedTuple):
    """What one step adds to the year of one candidate."""

    unserved_w: float
    genset_w: float
    genset_steps: float
    genset_starts: float
    discharge_w: float
    energy_wh: float


# rows of the (ROWS, n) f32 matrix: what differs between candidates
(
    DC_PV,
    AC_PV,
    FLOOR,
    CEILING,
    CHARGE_LIMIT,
    DISCHARGE_LIMIT,
    INVERTER,
    NO_LOAD,
    CURVATURE,
    CHARGER,
    GENSET,
    GENSET_MINIMUM,
    SETPOINT,
    STANDARD_BELOW,
    DEFERRABLE_BELOW,
    KIBAM_CAPACITY,
    KIBAM_FLOOR,
) = range(17)
ROWS = 17


class Shared(NamedTuple):
    """What all candidates of a sweep share, f32."""

    charge_efficiency: float
    discharge_efficiency: float
    keep: float
    slope: float
    charger_efficiency: float
    fraction: float
    fade: float
    draw_available: float
    charge_decay: float
    standard_limit_w: float
    deferrable_limit_w: float
    dt_h: float


class LaneDrivers(NamedTuple):
    """`Drivers` in f32."""

    loads_w: LaneArray
    pv_w_per_w: LaneArray
    ac_source_w: LaneArray
    capacity_factor: LaneArray
    rate_factor: LaneArray


@kernel
def tally(before: State, outcome: Outcome) -> Tally:
    """Return what one step adds to the year's sums."""
    running = outcome.state.running
    discharge_w = outcome.flow.battery_w
    return Tally(
        outcome.unserved_w,
        outcome.flow.genset_w,
        running,
        running * (1.0 - before.running),
        discharge_w if discharge_w > 0.0 else 0.0,
        outcome.state.tanks.total_wh,
    )


@kernel
def bus_sources(pv_w_per_w: float, ac_source_w: float, dc_pv_w: float, ac_pv_w: float | None) -> Sources:
    """Return what stands on each bus; `None` leaves AC-coupled panels out."""
    if ac_pv_w is None:
        return Sources(ac_source_w, pv_w_per_w * dc_pv_w)
    return Sources(ac_source_w + pv_w_per_w * ac_pv_w, pv_w_per_w * dc_pv_w)


class Parts(NamedTuple):
    """Which optional parts this sweep has: 1, or `None`, which compiles a part away."""

    ac_coupled: int | None
    kibam: int | None
    cycle_charging: int | None
    shedding: int | None


@kernel
def lane_ac_pv(part: int | None, value_w: float) -> float | None:
    """Return AC-coupled panels, or nothing."""
    if part is None:
        return None
    return value_w


@kernel
def lane_setpoint(part: int | None, value_wh: float) -> float | None:
    """Return the set-point of cycle charging, or nothing."""
    if part is None:
        return None
    return value_wh


@kernel
def lane_shedding(part: int | None, standard_wh: float, deferrable_wh: float, shared: Shared) -> Shedding | None:
    """Return the thresholds and limits of shedding, or nothing."""
    if part is None:
        return None
    return Shedding(standard_wh, deferrable_wh, shared.standard_limit_w, shared.deferrable_limit_w)


@kernel
def lane_kibam(part: int | None, capacity_wh: float, floor_wh: float, shared: Shared) -> Kibam | None:
    """Return the two-tank battery, or nothing."""
    if part is None:
        return None
    draw_h, decay = shared.draw_available, shared.charge_decay
    return Kibam(capacity_wh, floor_wh, shared.fraction, shared.fade, draw_h, decay)


_step, _tally, _bus_sources = lanes_of(step), lanes_of(tally), lanes_of(bus_sources)
_ac_pv, _setpoint, _shedding, _kibam = (
    lanes_of(lane_ac_pv),
    lanes_of(lane_setpoint),
    lanes_of(lane_shedding),
    lanes_of(lane_kibam),
)


@inlined
def plant_in(own: LaneArray, lane: int, shared: Shared, parts: Parts) -> Plant:
    """Return the plant in one lane of a block."""
    tank = OneTank(
        own[FLOOR, lane],
        own[CEILING, lane],
        shared.charge_efficiency,
        shared.discharge_efficiency,
        own[CHARGE_LIMIT, lane],
        own[DISCHARGE_LIMIT, lane],
        shared.keep,
    )
    inverter = Inverter(
        own[INVERTER, lane],
        own[NO_LOAD, lane],
        shared.slope,
        own[CURVATURE, lane],
        own[CHARGER, lane],
        shared.charger_efficiency,
    )
    return Plant(
        own[DC_PV, lane],
        own[AC_PV, lane],
        tank,
        inverter,
        Genset(own[GENSET, lane], own[GENSET_MINIMUM, lane]),
        _kibam(parts.kibam, own[KIBAM_CAPACITY, lane], own[KIBAM_FLOOR, lane], shared),
        _setpoint(parts.cycle_charging, own[SETPOINT, lane]),
        _shedding(parts.shedding, own[STANDARD_BELOW, lane], own[DEFERRABLE_BELOW, lane], shared),
    )


@inlined
def keep_available(now: LaneArray, lane: int, available_wh: float, kibam: int | None) -> None:
    """Keep the available tank of a two-tank battery; one tank is all available."""
    if kibam is not None:
        now[2, lane] = available_wh


@inlined
def run_lanes(
    drivers: LaneDrivers,
    index: int,
    own: LaneArray,
    now: LaneArray,
    day: LaneArray,
    shared: Shared,
    parts: Parts,
) -> None:
    """Run one step of every lane of a block, adding to the sums of the day."""
    loads = Loads(drivers.loads_w[0, index], drivers.loads_w[1, index], drivers.loads_w[2, index])
    pv, ac_source_w = drivers.pv_w_per_w[index], drivers.ac_source_w[index]
    capacity_factor, rate_factor = drivers.capacity_factor[index], drivers.rate_factor[index]
    for lane in range(LANES):
        plant = plant_in(own, lane, shared, parts)
        before = State(Tanks(now[0, lane], now[2, lane]), now[1, lane])
        sources = _bus_sources(pv, ac_source_w, plant.dc_pv_w, _ac_pv(parts.ac_coupled, plant.ac_pv_w))
        outcome = _step(before, loads, sources, plant, capacity_factor, rate_factor, shared.dt_h)
        add = _tally(before, outcome)
        day[0, lane] += add.unserved_w
        day[1, lane] += add.genset_w
        day[2, lane] += add.genset_steps
        day[3, lane] += add.genset_starts
        day[4, lane] += add.discharge_w
        day[5, lane] += add.energy_wh
        now[0, lane] = outcome.state.tanks.total_wh
        now[1, lane] = outcome.state.running
        keep_available(now, lane, outcome.state.tanks.available_wh, parts.kibam)


@inlined
def copy_lanes(source: LaneArray, source_at: int, target: LaneArray, target_at: int) -> None:
    """Copy a block of lanes between two matrices with the same rows."""
    for lane in range(LANES):
        for row in range(source.shape[0]):
            target[row, target_at + lane] = source[row, source_at + lane]


@compiled_lanes
def run_blocks(
    drivers: LaneDrivers,
    rows: LaneArray,
    shared: Shared,
    parts: Parts,
    state: LaneArray,
    totals: FloatArray,
    first: int,
    last: int,
    steps_per_day: int,
) -> None:
    """Run the blocks `first` to `last` through every day, adding to `totals` (6, n) and leaving the end in `state`."""
    own, now, day = lane_rows(17), lane_rows(3), lane_rows(6)
    for block in range(first, last):
        offset = block * LANES
        copy_lanes(rows, offset, own, 0)
        copy_lanes(state, offset, now, 0)
        for midnight in range(0, drivers.pv_w_per_w.size, steps_per_day):
            day[:] = np.float32(0.0)
            for index in range(midnight, midnight + steps_per_day):
                run_lanes(drivers, index, own, now, day, shared, parts)
            for lane in range(LANES):
                for row in range(6):
                    totals[row, offset + lane] += day[row, lane]
        copy_lanes(now, 0, state, offset)
