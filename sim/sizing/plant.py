"""From a size in kW to a system that can be run: one function for one design and for a hundred thousand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np

from sim.catalogue import Battery, Panel, adjusted, load
from sim.catalogue import Genset as GensetItem
from sim.catalogue import Inverter as InverterItem
from sim.physics.battery import Kibam, OneTank, Tanks, kibam_of
from sim.physics.dispatch import Shedding
from sim.physics.genset import Genset
from sim.physics.inverter import DIRECT, Inverter
from sim.physics.operation import FloatArray, Plant, State
from sim.scenario import Shedding as ShedBelow
from sim.scenario import System
from sim.sizing.economics import Designs

HOURS_PER_MONTH = 730.5


@dataclass(frozen=True, slots=True)
class Components:
    """What a system is made of: its catalogue entries and the planner's choices."""

    system: System
    panel: Panel
    battery: Battery
    inverter: InverterItem | None  # None: loads on the DC bus
    genset: GensetItem


def components_of(system: System) -> Components:
    """Return the catalogue entries a system names, with the numbers its `parameters` change."""
    direct = system.topology != "microgrid" or system.inverter == "none"
    changes = system.parameters
    return Components(
        system,
        adjusted(load("panels", system.panel), changes.get("panel", {})),
        adjusted(load("batteries", system.battery), changes.get("battery", {})),
        None if direct else adjusted(load("inverters", system.inverter), changes.get("inverter", {})),
        adjusted(load("gensets", system.genset), changes.get("genset", {})),
    )


def plant_of(parts: Components, designs: Designs, capacity_left: FloatArray, pv_left: float, dt_h: float) -> Plant:
    """Return the plants of `designs`: every field is an array (n,), or a number that all share.

    `capacity_left` is the part of each battery's rated energy that is left, `pv_left` that of the panels' power.
    Sizes in kW and kWh become W and Wh here and nowhere else.
    """
    pv_w = designs.pv_kw * 1000.0 * pv_left
    rated_wh, genset_w = designs.battery_kwh * 1000.0, designs.genset_kw * 1000.0
    capacity_wh = rated_wh * capacity_left
    on_ac = parts.system.coupling == "ac" and parts.inverter is not None
    setpoint_wh = parts.system.setpoint_soc * capacity_wh
    return Plant(
        each(np.zeros_like(pv_w) if on_ac else pv_w),
        each(pv_w if on_ac else np.zeros_like(pv_w)),
        tank_of(parts.battery, rated_wh, capacity_wh, dt_h),
        inverter_of(parts, designs.inverter_kw * 1000.0),
        Genset(each(genset_w), each(genset_w * parts.genset.minimum_load_fraction)),
        two_tanks_of(parts.battery, capacity_wh, dt_h),
        each(setpoint_wh) if parts.system.dispatch == "cycle_charging" else None,
        _shedding_of(parts.system.shedding, capacity_wh),
    )


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
    """Return inverters of `rated_w`; three phases that are not loaded alike can carry less together."""
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


def _shedding_of(chosen: ShedBelow, capacity_wh: FloatArray) -> Shedding | None:
    """Return the thresholds in Wh, or nothing when nobody is let go early."""
    if chosen.standard_below_soc == 0.0 and chosen.deferrable_below_soc == 0.0:
        return None
    return Shedding(each(chosen.standard_below_soc * capacity_wh), each(chosen.deferrable_below_soc * capacity_wh))
