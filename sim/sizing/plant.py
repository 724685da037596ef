"""From a size in kW to a system that can be run: one function for one design and for a hundred thousand."""

from __future__ import annotations

from typing import cast

import numpy as np

from sim.catalogue import Battery
from sim.components import Components
from sim.physics.battery import Kibam, OneTank, Tanks, kibam_of
from sim.physics.dispatch import Shedding
from sim.physics.genset import Genset
from sim.physics.inverter import DIRECT, Inverter
from sim.physics.operation import FloatArray, Plant, State
from sim.scenario import Costs
from sim.scenario import Shedding as ShedBelow
from sim.sizing.economics import Designs

HOURS_PER_MONTH = 730.5


def plant_of(parts: Components, designs: Designs, capacity_left: FloatArray, pv_left: float, dt_h: float) -> Plant:
    """Return the plants of `designs`: every field is an array (n,), or a number that all share.

    `capacity_left` is the part of each battery's rated energy that is left, `pv_left` that of the panels' power.
    Sizes in kW and kWh become W and Wh here and nowhere else.
    """
    pv_w = designs.pv_kw * 1000.0 * pv_left
    rated_wh, genset_w = designs.battery_kwh * 1000.0, designs.genset_kw * 1000.0
    capacity_wh = rated_wh * capacity_left
    setpoint_wh = parts.system.setpoint_soc * capacity_wh
    return Plant(
        each(np.zeros_like(pv_w) if parts.on_ac else pv_w),
        each(pv_w if parts.on_ac else np.zeros_like(pv_w)),
        tank_of(parts.battery, rated_wh, capacity_wh, dt_h),
        inverter_of(parts, designs.inverter_kw * 1000.0),
        Genset(each(genset_w), each(genset_w * parts.genset.minimum_load_fraction)),
        two_tanks_of(parts.battery, capacity_wh, dt_h),
        each(setpoint_wh) if parts.system.dispatch == "cycle_charging" else None,
        _shedding_of(parts.system.shedding, capacity_wh, genset_w),
    )


def panels_left(parts: Components, costs: Costs, year: int) -> float:
    """Return the part of the panels' power that is left in a year, 0 being the first; panels bought anew are new."""
    life_years = costs.pv_life_years or parts.panel.life_years
    return float((1.0 - parts.panel.degradation_per_year) ** (year % life_years))


def tank_of(battery: Battery, rated_wh: FloatArray, capacity_wh: FloatArray, dt_h: float) -> OneTank:
    """Return batteries of `rated_wh` when new and `capacity_wh` now; rates follow the rating."""
    keep = (1.0 - battery.self_discharge_per_month) ** (dt_h / HOURS_PER_MONTH)
    return OneTank(
        each(capacity_wh * battery.soc_min),
        each(capacity_wh * battery.soc_max),
        battery.charge_efficiency,
        battery.discharge_efficiency,
        each(rated_wh * battery.charge_c_rate),
        each(rated_wh * battery.discharge_c_rate),
        keep,
    )


def two_tanks_of(battery: Battery, capacity_wh: FloatArray, dt_h: float) -> Kibam | None:
    """Return the two-tank battery, or nothing for chemistries without one."""
    if battery.kibam_c is None or battery.kibam_k_per_h is None:
        return None
    per_wh = kibam_of(1.0, battery.soc_min, battery.kibam_c, battery.kibam_k_per_h, dt_h)
    return per_wh._replace(capacity_wh=each(capacity_wh), floor_wh=each(capacity_wh * battery.soc_min))


def inverter_of(parts: Components, rated_w: FloatArray) -> Inverter:
    """Return inverters of `rated_w`; three phases not loaded alike carry less, taken as if no load used all three."""
    item = parts.inverter
    if item is None:
        return DIRECT
    imbalance = parts.system.imbalance_fraction if parts.system.phases == 3 else 0.0
    curvature_per_w = np.divide(item.curvature, rated_w, out=np.zeros_like(rated_w), where=rated_w > 0.0)
    return Inverter(
        each(rated_w / (1.0 + imbalance)),
        each(rated_w * item.no_load_fraction),
        item.slope,
        each(curvature_per_w),
        each(rated_w * item.charger_fraction),
        item.charger_efficiency,
    )


def first_state(plant: Plant, start_soc: float, capacity_wh: FloatArray) -> State:
    """Return batteries on the first day, inside their window, and engines at rest."""
    total_wh = np.clip(start_soc * capacity_wh, plant.tank.floor_wh, plant.tank.ceiling_wh)
    share = 1.0 if plant.kibam is None else plant.kibam.fraction
    return State(Tanks(each(total_wh), each(total_wh * share)), each(total_wh * 0.0))


def each(values: FloatArray) -> float:
    """Return an array as the number a `Plant` declares: a fleet is a plant with an array where designs differ."""
    return cast(float, values)


def _shedding_of(chosen: ShedBelow, capacity_wh: FloatArray, genset_w: FloatArray) -> Shedding | None:
    """Return the thresholds in Wh, or nothing when nobody is let go early.

    Where there is an engine nobody is let go for a low battery: the engine starts, and only what it cannot carry is
    missing.
    """
    if chosen.standard_below_soc == 0.0 and chosen.deferrable_below_soc == 0.0:
        return None
    guarded_wh = np.where(genset_w > 0.0, 0.0, capacity_wh)
    return Shedding(
        each(chosen.standard_below_soc * guarded_wh),
        each(chosen.deferrable_below_soc * guarded_wh),
        chosen.standard_limit_kw * 1000.0,
        chosen.deferrable_limit_kw * 1000.0,
    )
