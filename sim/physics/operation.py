"""One step, and one year, of a system: the same step for SimPy, the f64 path behind `evaluate`, and the sweep."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sim.physics.battery import (
    Kibam,
    Limits,
    OneTank,
    Tanks,
    kibam_limits,
    kibam_step,
    one_tank_limits,
    one_tank_step,
)
from sim.physics.dispatch import (
    Flow,
    Loads,
    Shedding,
    Sources,
    dispatch,
    full_output_w,
    offered,
    served_by_class,
    total_w,
)
from sim.physics.genset import Genset
from sim.physics.inverter import Inverter
from sim.physics.kernel import compiled, kernel

FloatArray = npt.NDArray[np.float64]


class Plant(NamedTuple):
    """One design, ready to run at one step length. `None` leaves a part out, and the compiler leaves it out too."""

    dc_pv_w: float  # installed PV on the DC bus
    ac_pv_w: float  # installed PV on the AC bus, behind its own inverter
    tank: OneTank
    inverter: Inverter
    genset: Genset
    kibam: Kibam | None  # two-tank battery instead of one
    setpoint_wh: float | None  # cycle charging up to here; None is load-following
    shedding: Shedding | None


class State(NamedTuple):
    """What one step leaves to the next."""

    tanks: Tanks
    running: float  # 1 while the engine runs


class Outcome(NamedTuple):
    """One step's result."""

    state: State
    flow: Flow
    offer: Loads  # what stayed connected
    served_w: float
    unserved_w: float  # of what was wanted, shed loads included


class Drivers(NamedTuple):
    """What the world does to a system in each step; arrays of n steps, f64, means over the step."""

    loads_w: FloatArray  # (3, n): critical, standard, deferrable
    pv_w_per_w: FloatArray  # PV power per installed watt on its bus
    ac_source_w: FloatArray  # other sources on the AC bus
    capacity_factor: FloatArray  # share of the battery's window usable at its temperature
    rate_factor: FloatArray  # share of the battery's rates allowed at its temperature


class Trajectory(NamedTuple):
    """Everything a design did in each step; arrays of n steps, f64 [W], energy at the end of the step [Wh]."""

    served_w: FloatArray  # (3, n)
    unserved_w: FloatArray
    battery_w: FloatArray
    energy_wh: FloatArray
    inverter_w: FloatArray
    dc_used_w: FloatArray
    genset_w: FloatArray
    charger_ac_w: FloatArray
    charger_dc_w: FloatArray
    spilled_w: FloatArray


@kernel
def rest(tanks: Tanks, tank: OneTank) -> Tanks:
    """Return what is left after one step of self-discharge."""
    return Tanks(tanks.total_wh * tank.keep, tanks.available_wh * tank.keep)


@kernel
def battery_limits(
    tanks: Tanks, tank: OneTank, kibam: Kibam | None, capacity_factor: float, rate_factor: float, dt_h: float
) -> Limits:
    """Return what the battery can give and take, by the model it has."""
    if kibam is None:
        return one_tank_limits(tanks.total_wh, tank, capacity_factor, rate_factor, dt_h)
    return kibam_limits(tanks, kibam, tank, capacity_factor, rate_factor, dt_h)


@kernel
def battery_after(tanks: Tanks, battery_w: float, tank: OneTank, kibam: Kibam | None, dt_h: float) -> Tanks:
    """Return the battery after one step at `battery_w`, by the model it has."""
    if kibam is None:
        total_wh = one_tank_step(tanks.total_wh, battery_w, tank, dt_h)
        return Tanks(total_wh, total_wh)
    return kibam_step(tanks, battery_w, kibam, tank, dt_h)


@kernel
def connected(loads: Loads, energy_wh: float, shedding: Shedding | None) -> Loads:
    """Return the loads that stay connected: all, unless the system sheds by priority."""
    if shedding is None:
        return loads
    return offered(loads, energy_wh, shedding)


@kernel
def shed_w(loads: Loads, load_w: float, shedding: Shedding | None) -> float:
    """Return the power let go by priority shedding."""
    if shedding is None:
        return 0.0
    return total_w(loads) - load_w


@kernel
def follow(
    load_w: float,
    sources: Sources,
    limits: Limits,
    inverter: Inverter,
    genset: Genset,
    setpoint_wh: float | None,
    state: State,
) -> Flow:
    """Dispatch by the system's strategy: load-following, or cycle charging up to `setpoint_wh`."""
    if setpoint_wh is None:
        return dispatch(load_w, sources, limits, inverter, genset, genset.minimum_w, hold=False)
    hold = (state.running > 0.0) & (state.tanks.total_wh < setpoint_wh)
    full_w = full_output_w(load_w, sources, limits, inverter, genset)
    return dispatch(load_w, sources, limits, inverter, genset, full_w, hold)


@kernel
def step(
    state: State,
    loads: Loads,
    sources: Sources,
    plant: Plant,
    capacity_factor: float,
    rate_factor: float,
    dt_h: float,
) -> Outcome:
    """Run one step of `dt_h` hours: limits of the battery, shedding, dispatch, and the battery after it.

    Powers are means over the step [W]. Energy closes: see `dispatch.Flow`; the battery's loss is what its terminals
    saw less what its tanks gained.
    """
    tanks = rest(state.tanks, plant.tank)
    limits = battery_limits(tanks, plant.tank, plant.kibam, capacity_factor, rate_factor, dt_h)
    offer = connected(loads, tanks.total_wh, plant.shedding)
    load_w = total_w(offer)
    flow = follow(load_w, sources, limits, plant.inverter, plant.genset, plant.setpoint_wh, state)
    after = battery_after(tanks, flow.battery_w, plant.tank, plant.kibam, dt_h)
    running = 1.0 if flow.genset_w > 0.0 else 0.0
    unserved_w = shed_w(loads, load_w, plant.shedding) + flow.unserved_w
    return Outcome(State(after, running), flow, offer, load_w - flow.unserved_w, unserved_w)


@compiled
def run(drivers: Drivers, plant: Plant, state: State, dt_h: float, out: Trajectory) -> State:
    """Run every step of `drivers`, writing into `out`; return the last state. Equal to the bit to plain Python."""
    for index in range(drivers.pv_w_per_w.size):
        loads = Loads(drivers.loads_w[0, index], drivers.loads_w[1, index], drivers.loads_w[2, index])
        pv = drivers.pv_w_per_w[index]
        sources = Sources(drivers.ac_source_w[index] + pv * plant.ac_pv_w, pv * plant.dc_pv_w)
        outcome = step(state, loads, sources, plant, drivers.capacity_factor[index], drivers.rate_factor[index], dt_h)
        served = served_by_class(outcome.offer, outcome.served_w)
        out.served_w[0, index] = served.critical_w
        out.served_w[1, index] = served.standard_w
        out.served_w[2, index] = served.deferrable_w
        out.unserved_w[index] = outcome.unserved_w
        out.battery_w[index] = outcome.flow.battery_w
        out.energy_wh[index] = outcome.state.tanks.total_wh
        out.inverter_w[index] = outcome.flow.inverter_w
        out.dc_used_w[index] = outcome.flow.dc_used_w
        out.genset_w[index] = outcome.flow.genset_w
        out.charger_ac_w[index] = outcome.flow.charger_ac_w
        out.charger_dc_w[index] = outcome.flow.charger_dc_w
        out.spilled_w[index] = outcome.flow.spilled_w
        state = outcome.state
    return state


def operate(drivers: Drivers, plant: Plant, start: State, dt_h: float) -> tuple[Trajectory, State]:
    """Return what `plant` does with `drivers` from the state `start`, and the state it ends in."""
    size = drivers.pv_w_per_w.size
    series = [np.zeros(size) for _ in Trajectory._fields[1:]]
    trajectory = Trajectory(np.zeros((3, size)), *series)
    end = run(drivers, plant, start, dt_h, trajectory)
    return trajectory, State(Tanks(*end.tanks), end.running)
