"""The inverter's two directions are one curve; the PVWatts inverter meets its published points."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.physics.inverter import DIRECT, Inverter, ac_from_dc_w, dc_from_ac_w, pvwatts_ac_w

inverters = st.builds(
    lambda rated_w, idle, slope, bend: Inverter(rated_w, idle * rated_w, slope, bend / rated_w, rated_w, 0.94),
    st.floats(50.0, 500e3),
    st.floats(0.0, 0.05),
    st.floats(1.0, 1.5),
    st.one_of(st.just(0.0), st.floats(0.0, 0.2)),
)


@given(inverters, st.floats(0.0, 1.0))
def test_what_goes_in_for_an_output_gives_that_output(inverter: Inverter, share: float) -> None:
    ac_w = share * inverter.rated_w
    assert ac_from_dc_w(dc_from_ac_w(ac_w, inverter), inverter) == pytest.approx(ac_w, rel=1e-9, abs=1e-9)


@given(inverters, st.floats(0.0, 1.5))
def test_what_comes_out_of_an_input_needs_that_input(inverter: Inverter, share: float) -> None:
    dc_w = inverter.no_load_w + share * inverter.rated_w
    assert dc_from_ac_w(ac_from_dc_w(dc_w, inverter), inverter) == pytest.approx(dc_w, rel=1e-9, abs=1e-9)


@given(inverters, st.floats(0.0, 2.0))
def test_nothing_comes_out_that_did_not_go_in(inverter: Inverter, share: float) -> None:
    dc_w = share * inverter.rated_w
    assert 0.0 <= ac_from_dc_w(dc_w, inverter) <= dc_w


@given(inverters, st.floats(0.0, 1.0))
def test_below_its_own_draw_an_inverter_gives_nothing(inverter: Inverter, share: float) -> None:
    assert ac_from_dc_w(share * inverter.no_load_w, inverter) == 0.0


@given(st.floats(0.0, 1e7))
def test_loads_on_the_dc_bus_lose_nothing(power_w: float) -> None:
    assert dc_from_ac_w(power_w, DIRECT) == power_w
    assert ac_from_dc_w(power_w, DIRECT) == power_w


@pytest.mark.parametrize(
    ("dc_w", "ac_w"), [(90.0, 85.58556604752516), (50.0, 47.60843624), (100.0, 95.0), (140.0, 95.0), (0.0, 0.0)]
)
def test_pvwatts_inverter_at_its_published_points(dc_w: float, ac_w: float) -> None:
    """The first three are the tests of pvlib's implementation; then its limit, and the night."""
    assert pvwatts_ac_w(dc_w, 100.0, 0.95) == pytest.approx(ac_w, rel=1e-9)


def test_a_pv_inverter_does_not_take_power_at_dawn() -> None:
    assert pvwatts_ac_w(0.3, 100.0, 0.95) == 0.0
