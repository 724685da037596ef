"""Who serves whom in one step: shedding, renewable energy, battery, engine, and what is missing."""

from typing import NamedTuple

from sim.physics.battery import Limits
from sim.physics.genset import Genset
from sim.physics.inverter import Inverter, ac_from_dc_w, dc_from_ac_w
from sim.physics.kernel import kernel


class Loads(NamedTuple):
    """Power per priority class [W], in the order in which they are served."""

    critical_w: float
    standard_w: float
    deferrable_w: float


class Shedding(NamedTuple):
    """The energy in the battery below which a class gets no more than its limit [Wh, W]; a limit of 0 lets it go."""

    standard_below_wh: float
    deferrable_below_wh: float
    standard_limit_w: float = 0.0
    deferrable_limit_w: float = 0.0


class Sources(NamedTuple):
    """Power on offer before battery and engine [W]: on the AC bus and on the DC bus."""

    ac_w: float
    dc_w: float


class Flow(NamedTuple):
    """Where the power went in one step [W]; battery positive when discharging.

    ac source + dc source + battery + genset = served + conversion losses + spilled, where the conversion losses are
    (dc_used_w - inverter_w) of the inverter and (charger_ac_w - charger_dc_w) of the charger.
    """

    battery_w: float
    inverter_w: float
    dc_used_w: float
    genset_w: float
    charger_ac_w: float
    charger_dc_w: float
    spilled_w: float
    unserved_w: float


@kernel
def total_w(loads: Loads) -> float:
    """Return the sum of all classes."""
    return loads.critical_w + loads.standard_w + loads.deferrable_w


@kernel
def offered(loads: Loads, energy_wh: float, shedding: Shedding) -> Loads:
    """Return the loads that stay connected while the battery holds `energy_wh`; critical customers always do."""
    standard_w = loads.standard_w if loads.standard_w < shedding.standard_limit_w else shedding.standard_limit_w
    deferrable_w = (
        loads.deferrable_w if loads.deferrable_w < shedding.deferrable_limit_w else shedding.deferrable_limit_w
    )
    return Loads(
        loads.critical_w,
        loads.standard_w if energy_wh >= shedding.standard_below_wh else standard_w,
        loads.deferrable_w if energy_wh >= shedding.deferrable_below_wh else deferrable_w,
    )


@kernel
def served_by_class(loads: Loads, served_w: float) -> Loads:
    """Return what each class gets of `served_w`, the first class first; within a class all share alike."""
    critical_w = served_w if served_w < loads.critical_w else loads.critical_w
    rest_w = served_w - critical_w
    standard_w = rest_w if rest_w < loads.standard_w else loads.standard_w
    rest_w = rest_w - standard_w
    return Loads(critical_w, standard_w, rest_w if rest_w < loads.deferrable_w else loads.deferrable_w)


@kernel
def full_output_w(load_w: float, sources: Sources, limits: Limits, inverter: Inverter, genset: Genset) -> float:
    """Return what a running engine delivers under cycle charging: all it can, as far as load and battery take it."""
    dc_surplus_w = sources.dc_w - inverter.no_load_w
    room_w = limits.charge_w - (dc_surplus_w if dc_surplus_w > 0.0 else 0.0)
    room_w = (room_w if room_w > 0.0 else 0.0) / inverter.charger_efficiency
    room_w = room_w if room_w < inverter.charger_w else inverter.charger_w
    net_w = load_w - sources.ac_w
    wanted_w = (net_w if net_w > 0.0 else 0.0) + room_w
    wanted_w = wanted_w if wanted_w > genset.minimum_w else genset.minimum_w
    return wanted_w if wanted_w < genset.rated_w else genset.rated_w


@kernel
def dispatch(
    load_w: float,
    sources: Sources,
    limits: Limits,
    inverter: Inverter,
    genset: Genset,
    running_w: float,
    hold: bool,
) -> Flow:
    """Serve `load_w` from sources, then battery, then engine; what is left over charges, the rest spills.

    The engine starts when inverter and battery cannot carry the load, or while `hold` is true (cycle charging up to its
    set-point); it then delivers at least `running_w`. All scalars [W], >= 0; loads and engine are on the AC bus (with
    `inverter.DIRECT` both buses are one). Only `limits` depends on the battery, and the state of the next step depends
    only on comparisons and sums of it: the square root of the inverter's curve stays off that path.
    Source: load-following and cycle-charging as described in the HOMER help, "Dispatch strategy".
    """
    net_w = load_w - sources.ac_w
    deficit_w = net_w if net_w > 0.0 else 0.0
    surplus_w = deficit_w - net_w
    dc_available_w = sources.dc_w + limits.discharge_w
    alone_w = deficit_w if deficit_w < inverter.rated_w else inverter.rated_w
    short = (dc_from_ac_w(alone_w, inverter) > dc_available_w) | (deficit_w > inverter.rated_w)
    starts = (short & (deficit_w > 0.0)) | hold  # an idle inverter that runs dry starts nothing
    engine_w = running_w if starts else 0.0
    left_w = deficit_w - engine_w
    needed_w = left_w if left_w > 0.0 else 0.0
    excess_w = surplus_w + (needed_w - left_w)  # an engine above the load never meets an inverter that delivers
    carried_w = needed_w if needed_w < inverter.rated_w else inverter.rated_w
    dc_wanted_w = dc_from_ac_w(carried_w, inverter)
    dc_used_w = dc_wanted_w if dc_wanted_w < dc_available_w else dc_available_w
    inverter_w = ac_from_dc_w(dc_available_w, inverter) if dc_wanted_w > dc_available_w else carried_w
    rest_w = deficit_w - inverter_w
    genset_w = rest_w if rest_w > engine_w else engine_w
    genset_w = genset_w if genset_w < genset.rated_w else genset.rated_w
    missing_w = rest_w - genset_w
    unserved_w = missing_w if missing_w > 0.0 else 0.0
    charger_ac_w = excess_w if excess_w < inverter.charger_w else inverter.charger_w
    charger_dc_w = charger_ac_w * inverter.charger_efficiency
    battery_w = dc_used_w - sources.dc_w - charger_dc_w
    battery_w = battery_w if battery_w > -limits.charge_w else -limits.charge_w
    spilled_dc_w = sources.dc_w + charger_dc_w + battery_w - dc_used_w
    spilled_w = spilled_dc_w + (excess_w - charger_ac_w)
    return Flow(battery_w, inverter_w, dc_used_w, genset_w, charger_ac_w, charger_dc_w, spilled_w, unserved_w)
