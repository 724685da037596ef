"""Panels: the published points, and what no panel does."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.physics.pv import cell_temperature_c, pv_power_w, pwm_power_w

suns = st.floats(0.0, 1500.0)
temps_c = st.floats(-40.0, 95.0)


def test_direct_current_of_the_pvwatts_example() -> None:
    assert pv_power_w(900.0, 30.0, 100.0, -0.003) == pytest.approx(88.65, rel=1e-12)  # pvlib's own test of PVWatts


def test_cell_temperature_of_the_faiman_example() -> None:
    assert cell_temperature_c(900.0, 20.0, 5.0, 25.0, 6.84) == pytest.approx(35.203, abs=5e-4)  # pvlib's own test


def test_a_rated_panel_gives_its_rating_under_test_conditions() -> None:
    assert pv_power_w(1000.0, 25.0, 400.0, -0.0035) == 400.0


def test_no_light_no_power() -> None:
    assert pv_power_w(0.0, -10.0, 400.0, -0.004) == 0.0
    assert pwm_power_w(0.0, -10.0, 400.0, 0.0005, 0.7) == 0.0


@given(suns, temps_c, st.floats(-0.02, 0.0))
def test_power_is_never_negative_and_follows_the_size(sun_w_m2: float, temp_c: float, coeff: float) -> None:
    one = pv_power_w(sun_w_m2, temp_c, 1.0, coeff)
    assert one >= 0.0
    assert pv_power_w(sun_w_m2, temp_c, 250.0, coeff) == pytest.approx(250.0 * one, rel=1e-12)


def test_even_a_molten_panel_takes_no_power() -> None:
    assert pv_power_w(1000.0, 400.0, 100.0, -0.004) == 0.0


@pytest.mark.parametrize("place", [0, 1])
def test_an_unknown_hour_stays_unknown(place: int) -> None:
    weather = [900.0, 30.0]
    weather[place] = math.nan
    assert math.isnan(pv_power_w(weather[0], weather[1], 100.0, -0.003))
    assert math.isnan(pwm_power_w(weather[0], weather[1], 100.0, 0.0005, 0.7))


@given(suns, st.floats(0.0, 25.0))
def test_a_tracking_controller_beats_one_that_holds_the_panel_low(sun_w_m2: float, temp_c: float) -> None:
    """Up to 25 degC a panel's best voltage lies above that of the battery by the ratio the catalogue gives."""
    held_w = pwm_power_w(sun_w_m2, temp_c, 100.0, 0.0005, 0.71)
    assert held_w <= pv_power_w(sun_w_m2, temp_c, 100.0, -0.004) + 1e-12


def test_a_held_panel_gives_its_current_at_the_batterys_voltage() -> None:
    assert pwm_power_w(800.0, 45.0, 100.0, 0.0005, 12.8 / 18.0) == pytest.approx(0.8 * 100.0 * 12.8 / 18.0 * 1.01)
