"""How a battery loses capacity with time and use, until it has to be replaced.

All functions work on scalars and on arrays of candidates alike, shape () or (n,), and are pure: wear goes in,
wear comes out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sim.physics.rainflow import rainflow

Array = NDArray[np.float64]
Amount: TypeAlias = float | Array

DAYS_PER_YEAR = 365.0
KELVIN_AT_0_C = 273.15
LEAD_ACID_REFERENCE_C = 25.0  # at which a catalogue's life_years of lead-acid holds
# Where a sinusoid spends equal times (Chebyshev nodes): four points stand for a day's swing.
SWING = np.cos(np.pi * (2.0 * np.arange(1, 5) - 1.0) / 8.0)


class Stress(NamedTuple):
    """What a battery went through: time, use and warmth, relative to its rated (new) capacity."""

    days: Amount
    equivalent_cycles: Amount  # full cycles of rated capacity in these days
    mean_soc: Amount
    daily_depth: Amount  # highest less lowest state of charge of a day, on average
    c_rate: Amount  # mean of |power| over rated energy, rests included [1/h]
    temp_c: Amount


class Wear(NamedTuple):
    """What a battery has lost so far, as fractions of rated capacity, kept apart by cause."""

    calendar: Amount = 0.0
    cycle: Amount = 0.0


class CyclesToFailure(NamedTuple):
    """A battery described by its maker: a float life, and cycles to failure A D^-B at depth D."""

    life_years: float
    cycles_a: float
    cycles_b: float
    end_of_life_fraction: float = 0.8


Model: TypeAlias = Literal["lfp", "nmc"] | CyclesToFailure


def age(model: Model, wear: Wear, stress: Stress) -> Wear:
    """Return the wear after some more days of the given stress.

    The stress is relative to rated capacity: as a battery shrinks, the same energy swings it deeper, which is
    allowed for with the capacity left at the start of the step. Steps of a year and of a day differ by less
    than 0.002 of rated capacity in ten years. Raises nothing; inputs are trusted.
    """
    if isinstance(model, CyclesToFailure):
        return _maker_wear(model, wear, stress)
    left = np.maximum(capacity_left(model, wear), 0.05)
    deeper = stress._replace(daily_depth=np.minimum(stress.daily_depth / left, 1.0))
    return lfp_fade(wear, deeper) if model == "lfp" else nmc_fade(wear, deeper)


def capacity_left(model: Model, wear: Wear) -> Amount:
    """Return the fraction of rated capacity that is left, 1 for new, never below 0.

    Lithium loses to time and to use, and the losses add; a maker's curve fails by whichever comes first.
    """
    if isinstance(model, CyclesToFailure):
        return np.maximum(0.0, 1.0 - np.maximum(wear.calendar, wear.cycle))
    return np.maximum(0.0, 1.0 - wear.calendar - wear.cycle)


def life_years(model: Model, year: Stress, end_of_life_fraction: float, years_max: int = 50) -> Amount:
    """Return the age in years at which a battery that lives the same year again and again is worn out.

    `year` is the stress of one year, scalars or (n,). The moment within the last year is interpolated; a
    battery that outlives `years_max` gets `years_max`.
    """
    shape = np.broadcast_shapes(*(np.shape(part) for part in year))
    life = np.full(shape, float(years_max))
    wear = Wear(np.zeros(shape), np.zeros(shape))
    before = np.ones(shape)
    for index in range(years_max):
        wear = age(model, wear, year)
        after = np.asarray(capacity_left(model, wear))
        ends = (before > end_of_life_fraction) & (after <= end_of_life_fraction)
        lost = np.where(ends, before - after, 1.0)
        life = np.where(ends, index + (before - end_of_life_fraction) / lost, life)
        before = after
    in_years: Amount = life * np.asarray(year.days) / DAYS_PER_YEAR
    return in_years


def lfp_fade(wear: Wear, stress: Stress) -> Wear:
    """Return the wear of a large prismatic lithium iron phosphate cell after the given stress.

    Capacity lost is k_cal t^0.526 + k_cyc EFC^0.828 with t in days. Temperatures from 10 to 45 C and depths
    from 0.8 to 1 were tested; outside, it extrapolates. Source: test data of doi 10.1016/j.est.2023.109042
    and the coefficients of its fit in BLAST-Lite 1.1 (NREL); the term that is 0 below 150 C is left out.
    """
    temp_k = np.asarray(stress.temp_c) + KELVIN_AT_0_C
    by_time = _mean_over_swing(
        stress, lambda anode_v: 8.37e4 * np.exp(-5210.0 / temp_k) * np.exp(-3560.0 * anode_v / temp_k)
    )
    by_use = (4.38e-8 + 1.55e-8 * stress.daily_depth + 1.68e-7 * stress.c_rate) * np.exp(2190.0 / temp_k)
    return Wear(
        power_law(wear.calendar, by_time, 0.526, stress.days),
        power_law(wear.cycle, by_use, 0.828, stress.equivalent_cycles),
    )


def nmc_fade(wear: Wear, stress: Stress) -> Wear:
    """Return the wear of a 50 Ah lithium nickel manganese cobalt pouch cell after the given stress.

    Capacity lost is k_cal (t / 10,000 days)^0.708 + k_cyc (EFC / 100,000)^0.467. Tested at 10 to 45 C and
    depths from 0.8 to 1. Source: cell B1 of doi 10.1016/j.est.2023.109042, coefficients of its fit in
    BLAST-Lite 1.1 (NREL).
    """
    relative_temp = (np.asarray(stress.temp_c) + KELVIN_AT_0_C) / (KELVIN_AT_0_C + 35.0)
    by_time = _mean_over_swing(
        stress, lambda anode_v: 36.2 * np.exp(-4.4 / relative_temp**3 * np.cbrt(anode_v / 0.123))
    )
    by_use = 0.844 * (np.square(stress.daily_depth) * relative_temp**3 * np.sqrt(stress.c_rate)) ** 0.458
    return Wear(
        power_law(wear.calendar, by_time, 0.708, np.asarray(stress.days) / 1e4),
        power_law(wear.cycle, by_use, 0.467, np.asarray(stress.equivalent_cycles) / 1e5),
    )


def power_law(lost: Amount, rate: Amount, exponent: float, step: Amount) -> Amount:
    """Return a loss that follows rate x^exponent, carried on by `step` in x from where it stands.

    The loss is turned into the x at which today's rate would have reached it, so the rate may change from
    step to step and, while it does not, the result does not depend on how the time was cut. This is the exact
    integral of dy = k p (k / y)^((1-p)/p) dx.
    """
    rate_ = np.maximum(rate, 1e-300)
    return rate_ * ((np.asarray(lost) / rate_) ** (1.0 / exponent) + step) ** exponent


def lead_acid_damage(depths: Array, counts: Array, cycles_a: float, cycles_b: float) -> float:
    """Return the share of a lead-acid battery's life that some cycles have used up, 1 being worn out.

    `depths` and `counts` have shape (cycles,), as `sim.physics.rainflow` gives them from the state of charge.
    Sum of counts over A depth^-B (Palmgren-Miner: damage adds up whatever the order).
    """
    return float(np.sum(counts * np.power(depths, cycles_b)) / cycles_a)


def lead_acid_year(model: CyclesToFailure, wear: Wear, soc: Array, days: float, temp_c: float) -> Wear:
    """Return the wear after a history of state of charge, its cycles counted one by one by rainflow.

    `soc` has shape (steps,) and covers `days`. More exact than `age`, which knows only the mean daily depth.
    """
    cycles = rainflow(soc)
    damage = lead_acid_damage(cycles.ranges, cycles.counts, model.cycles_a, model.cycles_b)
    return _add_damage(model, wear, damage, days, temp_c)


def stress_of(soc: Array, step_h: float, temp_c: Amount) -> Stress:
    """Return what a history of state of charge did to the battery.

    `soc` has shape (steps,) or (steps, n), from 0 to 1 of rated capacity, one value for each step of `step_h`
    hours; `temp_c` is one temperature or one for each step. The mean depth is over whole days.
    """
    moved = np.abs(np.diff(soc, axis=0))
    hours = soc.shape[0] * step_h
    total = moved.sum(axis=0)
    steps_per_day = min(soc.shape[0], round(24.0 / step_h))
    whole_days = soc[: soc.shape[0] // steps_per_day * steps_per_day]
    daily = whole_days.reshape(-1, steps_per_day, *soc.shape[1:])
    depth = (daily.max(axis=1) - daily.min(axis=1)).mean(axis=0)
    seen_hours = max(soc.shape[0] - 1, 1) * step_h  # n values bound n - 1 moves; the rest is assumed alike
    cycles = total / 2.0 * hours / seen_hours
    mean_temp_c = np.asarray(temp_c, dtype=np.float64).mean()
    return Stress(hours / 24.0, cycles, soc.mean(axis=0), depth, total / seen_hours, mean_temp_c)


def anode_potential_v(soc: Amount) -> Amount:
    """Return the potential of a graphite anode against lithium at a state of charge from 0 to 1 [V].

    Source: Safari and Delacourt, J. Electrochem. Soc. 158 (2011) A562, with the stoichiometry of
    doi 10.1149/2.1181714jes (Schimpe et al., 2018).
    """
    filled = 8.5e-3 + np.asarray(soc) * (0.78 - 8.5e-3)
    return (
        0.6379
        + 0.5416 * np.exp(-305.5309 * filled)
        + 0.0440 * np.tanh(-(filled - 0.1958) / 0.1088)
        - 0.1978 * np.tanh((filled - 1.0571) / 0.0854)
        - 0.6875 * np.tanh((filled + 0.0117) / 0.0529)
        - 0.0175 * np.tanh((filled - 0.5692) / 0.0875)
    )


def _mean_over_swing(stress: Stress, rate: Callable[[Amount], Amount]) -> Amount:
    """Return a storage rate averaged over a daily sinusoid about the mean state of charge."""
    half = np.asarray(stress.daily_depth) / 2.0
    socs = [np.clip(stress.mean_soc + half * node, 0.0, 1.0) for node in SWING]
    total: Amount = sum(np.asarray(rate(anode_potential_v(soc))) for soc in socs)
    return total / len(socs)


def _maker_wear(model: CyclesToFailure, wear: Wear, stress: Stress) -> Wear:
    # Cycles of this depth are full cycles over depth, and each takes 1 / (A depth^-B) of the life.
    depth_effect = np.asarray(stress.daily_depth) ** (model.cycles_b - 1.0)
    damage = np.asarray(stress.equivalent_cycles) * depth_effect / model.cycles_a
    return _add_damage(model, wear, damage, stress.days, stress.temp_c)


def _add_damage(model: CyclesToFailure, wear: Wear, damage: Amount, days: Amount, temp_c: Amount) -> Wear:
    # Corrosion doubles with every 10 degrees (IEEE 450's rule of thumb: life halves).
    faster = 2.0 ** ((np.asarray(temp_c) - LEAD_ACID_REFERENCE_C) / 10.0)
    by_time = np.asarray(days) / DAYS_PER_YEAR / model.life_years * faster
    loss = 1.0 - model.end_of_life_fraction
    return Wear(wear.calendar + loss * by_time, wear.cycle + loss * damage)
