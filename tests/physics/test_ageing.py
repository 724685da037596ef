"""Battery ageing against BLAST-Lite, closed forms, and what any ageing must obey."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.physics.ageing import (
    CyclesToFailure,
    Model,
    Stress,
    Wear,
    age,
    capacity_left,
    lead_acid_damage,
    lead_acid_year,
    life_years,
    power_law,
    stress_of,
)

# Capacity left after 1, 5 and 10 years of one 20-90 % swing a day at 25 C, from BLAST-Lite 1.1.1: classes
# Lfp_Gr_250AhPrismatic and NMC_Gr_50Ah_B1, hourly, same energy every day.
BLAST = {
    "lfp": (0.9786720626204986, 0.9359483737524814, 0.8950924141556577),
    "nmc": (0.9516438618622942, 0.8663307204396086, 0.790911218051703),
}
BLAST_CYCLES_PER_YEAR = 255.47988297951696
AGM = CyclesToFailure(life_years=7.0, cycles_a=273.0, cycles_b=1.354, end_of_life_fraction=0.8)
MODELS: tuple[Model, ...] = ("lfp", "nmc", AGM)


def sinusoid_year(step_h: float = 1.0) -> Stress:
    hours = np.arange(round(8760 / step_h)) * step_h
    return stress_of(0.55 + 0.35 * np.sin(2.0 * np.pi * (hours - 12.0) / 24.0), step_h, 25.0)


def left_after_years(model: Model, year: Stress, years: int, steps_per_year: int = 1) -> float:
    part = year._replace(days=year.days / steps_per_year, equivalent_cycles=year.equivalent_cycles / steps_per_year)
    wear = Wear()
    for _ in range(years * steps_per_year):
        wear = age(model, wear, part)
    return float(capacity_left(model, wear))


@pytest.mark.parametrize(("model", "tolerance"), [("lfp", 0.001), ("nmc", 0.002)])
@pytest.mark.parametrize("steps_per_year", [1, 365])
def test_agrees_with_blast_lite(model: Model, tolerance: float, steps_per_year: int) -> None:
    assert isinstance(model, str)
    for years, expected in zip((1, 5, 10), BLAST[model], strict=True):
        left = left_after_years(model, sinusoid_year(), years, steps_per_year)
        assert left == pytest.approx(expected, rel=tolerance)


@pytest.mark.parametrize("step_h", [1.0, 0.5, 0.25])
def test_stress_of_a_swing_does_not_depend_on_the_step(step_h: float) -> None:
    stress = sinusoid_year(step_h)
    assert stress.days == 365.0
    assert stress.equivalent_cycles == pytest.approx(BLAST_CYCLES_PER_YEAR, rel=1e-4)
    assert stress.mean_soc == pytest.approx(0.55)
    assert stress.daily_depth == pytest.approx(0.7)
    assert stress.c_rate == pytest.approx(1.4 / 24.0, rel=1e-4)


def test_stress_of_many_batteries_is_that_of_each() -> None:
    soc = np.random.Generator(np.random.Philox(key=3)).uniform(0.1, 1.0, (24 * 30, 4))
    together = stress_of(soc, 1.0, np.full(24 * 30, 31.0))
    for index in range(4):
        alone = stress_of(soc[:, index], 1.0, 31.0)
        for part, whole in zip(alone, together, strict=True):
            assert np.broadcast_to(whole, (4,))[index] == pytest.approx(part, rel=1e-12)


def test_a_flat_stretch_shorter_than_a_day_has_no_cycles() -> None:
    stress = stress_of(np.full(5, 0.6), 1.0, 20.0)
    assert (stress.equivalent_cycles, stress.daily_depth, stress.c_rate) == (0.0, 0.0, 0.0)


@given(
    st.floats(1e-6, 1e-2),
    st.floats(0.3, 1.0),
    st.lists(st.floats(0.01, 400.0), min_size=1, max_size=8),
)
@settings(max_examples=200, deadline=None)
def test_power_law_does_not_depend_on_how_time_is_cut(rate: float, exponent: float, steps: list[float]) -> None:
    lost: float | np.ndarray = 0.0
    for step in steps:
        lost = power_law(lost, rate, exponent, step)
    assert float(lost) == pytest.approx(rate * math.fsum(steps) ** exponent, rel=1e-9)


def test_power_law_solves_its_differential_equation() -> None:
    rate, exponent, lost = 2e-3, 0.526, 0.03
    slope = rate * exponent * (rate / lost) ** ((1.0 - exponent) / exponent)
    step = 1e-4
    assert (float(power_law(lost, rate, exponent, step)) - lost) / step == pytest.approx(slope, rel=1e-4)


@pytest.mark.parametrize("model", MODELS)
@given(st.floats(0.1, 0.9), st.floats(0.0, 1.0), st.floats(0.0, 800.0), st.floats(0.0, 1.0), st.floats(0.0, 50.0))
@settings(max_examples=60, deadline=None)
def test_capacity_never_grows_and_stays_a_fraction(
    model: Model, soc: float, depth: float, cycles: float, c_rate: float, temp_c: float
) -> None:
    stress = Stress(365.0, cycles, soc, depth, c_rate, temp_c)
    wear, left = Wear(), 1.0
    for _ in range(10):
        wear = age(model, wear, stress)
        now = float(capacity_left(model, wear))
        assert 0.0 <= now <= left
        left = now


@pytest.mark.parametrize("model", MODELS)
def test_arrays_give_what_scalars_give(model: Model) -> None:
    temps_c = np.array([15.0, 25.0, 35.0])
    year = sinusoid_year()
    together = np.asarray(life_years(model, year._replace(temp_c=temps_c), 0.8))
    alone = [float(life_years(model, year._replace(temp_c=temp_c), 0.8)) for temp_c in temps_c]
    assert together == pytest.approx(alone, rel=1e-12)


@pytest.mark.parametrize("model", MODELS)
def test_more_use_never_lengthens_a_life(model: Model) -> None:
    year = sinusoid_year()
    used = year._replace(equivalent_cycles=np.array([0.0, 100.0, 250.0, 700.0]))
    lives = np.asarray(life_years(model, used, 0.8))
    assert (np.diff(lives) <= 0.0).all()


def test_life_ends_where_capacity_passes_the_end_of_life() -> None:
    life = float(life_years("nmc", sinusoid_year(), 0.8))
    whole = math.floor(life)
    above, below = (left_after_years("nmc", sinusoid_year(), years) for years in (whole, whole + 1))
    assert above > 0.8 >= below
    assert life == pytest.approx(whole + (above - 0.8) / (above - below))


def test_a_battery_that_outlives_the_horizon_gets_the_horizon() -> None:
    assert float(life_years("lfp", sinusoid_year(), 0.8, years_max=10)) == 10.0


def test_miner_adds_what_each_cycle_takes() -> None:
    # 2 x depth^2 / 100: 50 cycles of depth 1 and 100 of depth 0.5 are 0.5 + 0.25 of a life.
    assert lead_acid_damage(np.array([1.0, 0.5]), np.array([50.0, 100.0]), 100.0, 2.0) == pytest.approx(0.75)


def test_lead_acid_fails_by_cycles_or_by_years_whichever_is_first() -> None:
    daily = Stress(365.0, 365.0 * 0.5, 0.75, 0.5, 0.04, 25.0)
    cycles = 273.0 * 0.5**-1.354
    assert float(life_years(AGM, daily, 0.8)) == pytest.approx(cycles / 365.0)
    idle = daily._replace(equivalent_cycles=0.0, daily_depth=0.0)
    assert float(life_years(AGM, idle, 0.8)) == pytest.approx(7.0)
    assert float(life_years(AGM, idle._replace(temp_c=35.0), 0.8)) == pytest.approx(3.5)


def test_lead_acid_by_rainflow_is_that_by_daily_depth_for_equal_days() -> None:
    day = np.concatenate([np.linspace(1.0, 0.5, 13), np.linspace(0.5, 1.0, 13)[1:-1]])
    soc = np.append(np.tile(day, 365), 1.0)
    counted = lead_acid_year(AGM, Wear(), soc, 365.0, 25.0)
    daily = age(AGM, Wear(), Stress(365.0, 365.0 * 0.5, 0.75, 0.5, 0.04, 25.0))
    assert counted.cycle == pytest.approx(daily.cycle, rel=1e-9)
    assert counted.calendar == daily.calendar
