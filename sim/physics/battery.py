"""Energy that waits: one-tank storage, and two tanks (KiBaM) for lead-acid. Power is positive when discharging."""

import math
from typing import NamedTuple

from sim.physics.kernel import kernel


class OneTank(NamedTuple):
    """A battery as one tank between a floor and a ceiling, with losses on the way in and out."""

    floor_wh: float
    ceiling_wh: float
    charge_efficiency: float
    discharge_efficiency: float
    charge_limit_w: float  # at the terminals
    discharge_limit_w: float
    keep: float  # share of the energy left after one step of self-discharge


class Kibam(NamedTuple):
    """The two-tank battery of Manwell & McGowan for one fixed step; make it with `kibam_of`."""

    capacity_wh: float
    floor_wh: float
    fraction: float  # c: share of the capacity in the available tank
    fade: float  # e = exp(-k dt)
    draw_available: float  # (1 - e + c (k dt - 1 + e)) / k [h]: how a constant power lowers the available tank
    charge_decay: float  # 1 - exp(-alpha dt): largest share of the empty room filled in one step


class Limits(NamedTuple):
    """What a battery can give and take over the coming step, at its terminals."""

    discharge_w: float
    charge_w: float


class Tanks(NamedTuple):
    """What a battery holds: everything, and the part that can be drawn at once (all of it in a one-tank battery)."""

    total_wh: float
    available_wh: float


@kernel
def one_tank_limits(energy_wh: float, bank: OneTank, capacity_factor: float, rate_factor: float, dt_h: float) -> Limits:
    """Return what the battery can give and take for `dt_h` hours without leaving its window or its rates.

    `energy_wh` after self-discharge; `capacity_factor` (cold) raises the floor and `rate_factor` lowers the rates,
    both 0..1. Source: energy balance; window and C-rates as in HOMER's storage component.
    """
    floor_wh = bank.ceiling_wh - (bank.ceiling_wh - bank.floor_wh) * capacity_factor
    discharge_w = (energy_wh - floor_wh) * bank.discharge_efficiency / dt_h
    discharge_w = discharge_w if discharge_w > 0.0 else 0.0
    discharge_limit_w = bank.discharge_limit_w * rate_factor
    charge_w = (bank.ceiling_wh - energy_wh) / (bank.charge_efficiency * dt_h)
    charge_w = charge_w if charge_w > 0.0 else 0.0
    charge_limit_w = bank.charge_limit_w * rate_factor
    return Limits(
        discharge_w if discharge_w < discharge_limit_w else discharge_limit_w,
        charge_w if charge_w < charge_limit_w else charge_limit_w,
    )


@kernel
def one_tank_step(energy_wh: float, battery_w: float, bank: OneTank, dt_h: float) -> float:
    """Return the energy held after `dt_h` hours at `battery_w` (positive: discharging)."""
    discharge_w = battery_w if battery_w > 0.0 else 0.0
    charge_w = discharge_w - battery_w
    return energy_wh + (charge_w * bank.charge_efficiency - discharge_w / bank.discharge_efficiency) * dt_h


def kibam_of(capacity_wh: float, soc_min: float, fraction: float, rate_per_h: float, dt_h: float) -> Kibam:
    """Return the coefficients of the two-tank battery for steps of `dt_h` hours.

    `fraction` c and `rate_per_h` k as in HOMER; the maximum charge rate alpha is 1 /h.
    Source: Manwell & McGowan, Solar Energy 50(5), 1993; HOMER help, "Kinetic battery model".
    """
    fade = math.exp(-rate_per_h * dt_h)
    ramp_h = (rate_per_h * dt_h - 1.0 + fade) / rate_per_h
    draw_h = (1.0 - fade) / rate_per_h + fraction * ramp_h
    return Kibam(capacity_wh, capacity_wh * soc_min, fraction, fade, draw_h, 1.0 - math.exp(-dt_h))


@kernel
def kibam_available_wh(tanks: Tanks, kibam: Kibam) -> float:
    """Return the available tank after one step at rest: it drifts to its share of the whole."""
    return tanks.available_wh * kibam.fade + tanks.total_wh * kibam.fraction * (1.0 - kibam.fade)


@kernel
def kibam_limits(
    tanks: Tanks, kibam: Kibam, bank: OneTank, capacity_factor: float, rate_factor: float, dt_h: float
) -> Limits:
    """Return what a two-tank battery can give and take for one step, at its terminals.

    The available tank ends at 0 at the discharge limit and full at the charge limit; the window, the maximum charge
    rate and the C-rates of `bank` hold as well, and cold raises the floor and lowers the rates as in
    `one_tank_limits`. Source: Manwell & McGowan 1993; HOMER help.
    """
    resting_wh = kibam_available_wh(tanks, kibam)
    discharge_w = resting_wh / kibam.draw_available
    floor_wh = kibam.floor_wh + (bank.ceiling_wh - kibam.floor_wh) * (1.0 - capacity_factor)
    above_floor_w = (tanks.total_wh - floor_wh) / dt_h
    discharge_w = discharge_w if discharge_w < above_floor_w else above_floor_w
    discharge_w = discharge_w * bank.discharge_efficiency
    discharge_limit_w = bank.discharge_limit_w * rate_factor
    discharge_w = discharge_w if discharge_w < discharge_limit_w else discharge_limit_w
    charge_w = (kibam.fraction * kibam.capacity_wh - resting_wh) / kibam.draw_available
    by_rate_w = kibam.charge_decay * (kibam.capacity_wh - tanks.total_wh) / dt_h
    charge_w = charge_w if charge_w < by_rate_w else by_rate_w
    below_ceiling_w = (bank.ceiling_wh - tanks.total_wh) / dt_h
    charge_w = (charge_w if charge_w < below_ceiling_w else below_ceiling_w) / bank.charge_efficiency
    charge_limit_w = bank.charge_limit_w * rate_factor
    charge_w = charge_w if charge_w < charge_limit_w else charge_limit_w
    return Limits(discharge_w if discharge_w > 0.0 else 0.0, charge_w if charge_w > 0.0 else 0.0)


@kernel
def kibam_step(tanks: Tanks, battery_w: float, kibam: Kibam, bank: OneTank, dt_h: float) -> Tanks:
    """Return both tanks after one step at `battery_w` (positive: discharging); losses happen outside the tanks."""
    discharge_w = battery_w if battery_w > 0.0 else 0.0
    charge_w = discharge_w - battery_w
    drawn_w = discharge_w / bank.discharge_efficiency - charge_w * bank.charge_efficiency
    available_wh = kibam_available_wh(tanks, kibam) - drawn_w * kibam.draw_available
    return Tanks(tanks.total_wh - drawn_w * dt_h, available_wh)
