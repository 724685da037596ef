"""The two-tank battery against its closed form, its differential equation, and its own limits."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.physics.battery import (
    Kibam,
    OneTank,
    Tanks,
    kibam_available_wh,
    kibam_limits,
    kibam_of,
    kibam_step,
    one_tank_limits,
    one_tank_step,
)
from sim.physics.operation import rest

LOSSLESS = OneTank(0.0, 1e12, 1.0, 1.0, 1e12, 1e12, 1.0)
# Itsy cell: c 0.166, k' 0.122 /min; capacity [A min], current [A], minutes until the available charge is gone. Closed
# form; agrees with the lifetimes tabulated by Jongerden & Haverkort. Ampere-minutes stand in for watt-hours.
LIFETIMES = [(5.5, 0.25, 4.526), (5.5, 0.5, 2.017), (11.0, 0.25, 12.16), (11.0, 0.5, 4.526)]
STEPS_H = [1.0, 0.5, 0.25]

shares = st.floats(0.0, 1.0)
steps_h = st.sampled_from(STEPS_H)
fractions = st.floats(0.05, 0.95)
rates_per_h = st.floats(0.05, 5.0)


@pytest.mark.parametrize(("capacity", "current", "minutes"), LIFETIMES)
def test_a_full_cell_lasts_as_long_as_published(capacity: float, current: float, minutes: float) -> None:
    def limit(duration: float) -> float:
        kibam = kibam_of(capacity, 0.0, 0.166, 0.122, duration)
        return kibam_limits(Tanks(capacity, 0.166 * capacity), kibam, LOSSLESS, 1.0, 1.0, duration).discharge_w

    assert limit(minutes - 0.006) > current > limit(minutes + 0.006)


@pytest.mark.parametrize(("capacity", "current", "minutes"), LIFETIMES)
def test_a_long_discharge_may_be_cut_into_any_steps(capacity: float, current: float, minutes: float) -> None:
    step = 0.001
    kibam, tanks, passed = kibam_of(capacity, 0.0, 0.166, 0.122, step), Tanks(capacity, 0.166 * capacity), 0
    while tanks.available_wh > 0.0:
        tanks = kibam_step(tanks, current, kibam, LOSSLESS, step)
        passed += 1
    assert passed * step == pytest.approx(minutes, abs=0.006)


def test_one_step_is_the_published_one() -> None:
    # closed form, cross-checked against integration of the two-tank equations: c 0.403, k 0.827 /h, 1 h
    kibam, full = kibam_of(10e3, 0.0, 0.403, 0.827, 1.0), Tanks(8e3, 3e3)
    limits = kibam_limits(full, kibam._replace(charge_decay=1.0), LOSSLESS, 1.0, 1.0, 1.0)
    assert limits.discharge_w == pytest.approx(3863.292297117415, rel=1e-12)
    assert limits.charge_w == pytest.approx(1117.165508074503, rel=1e-12)
    empty = kibam_step(full, limits.discharge_w, kibam, LOSSLESS, 1.0)
    assert empty == pytest.approx((4136.707702882585, 0.0), rel=1e-12, abs=1e-9)
    charged = kibam_step(full, -limits.charge_w, kibam, LOSSLESS, 1.0)
    assert charged == pytest.approx((9117.165508074503, 4030.0), rel=1e-12)
    assert kibam_step(full, 1300.0, kibam, LOSSLESS, 1.0) == pytest.approx((6700.0, 2074.1201635348703), rel=1e-12)


def test_no_battery_fills_faster_than_its_empty_room_decays() -> None:
    kibam, tanks = kibam_of(10e3, 0.0, 0.403, 0.827, 1.0), Tanks(9e3, 1e3)
    limit_w = kibam_limits(tanks, kibam, LOSSLESS, 1.0, 1.0, 1.0).charge_w
    assert limit_w == pytest.approx((1.0 - math.exp(-1.0)) * 1e3, rel=1e-12)


@given(fractions, rates_per_h, shares, shares, st.floats(-0.4, 0.4), steps_h)
def test_the_step_solves_the_differential_equation(
    fraction: float, rate: float, total: float, available: float, power: float, dt_h: float
) -> None:
    capacity = 1000.0
    tanks = Tanks(total * capacity, available * fraction * capacity)
    end = kibam_step(tanks, power * capacity, kibam_of(capacity, 0.0, fraction, rate, dt_h), LOSSLESS, dt_h)
    expected = integrated(tanks, power * capacity, fraction, rate, dt_h)
    assert end == pytest.approx(expected, rel=1e-8, abs=1e-6)


def integrated(tanks: Tanks, power_w: float, fraction: float, rate_per_h: float, dt_h: float) -> Tanks:
    """Integrate dQ1/dt = -P + k (c Q - Q1), dQ/dt = -P by the classic Runge-Kutta rule."""

    def slope(available_wh: float, time_h: float) -> float:
        return -power_w + rate_per_h * (fraction * (tanks.total_wh - power_w * time_h) - available_wh)

    count, available_wh = 200, tanks.available_wh
    h = dt_h / count
    for index in range(count):
        at_h = index * h
        k1 = slope(available_wh, at_h)
        k2 = slope(available_wh + h / 2.0 * k1, at_h + h / 2.0)
        k3 = slope(available_wh + h / 2.0 * k2, at_h + h / 2.0)
        k4 = slope(available_wh + h * k3, at_h + h)
        available_wh += h / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4)
    return Tanks(tanks.total_wh - power_w * dt_h, available_wh)


@given(fractions, rates_per_h, shares, shares, st.floats(0.5, 1.0), st.floats(0.5, 1.0), steps_h)
def test_at_its_limits_a_battery_ends_empty_or_full_and_never_beyond(
    fraction: float, rate: float, total: float, available: float, charging: float, discharging: float, dt_h: float
) -> None:
    kibam = kibam_of(5e3, 0.2, fraction, rate, dt_h)
    bank = LOSSLESS._replace(charge_efficiency=charging, discharge_efficiency=discharging)
    total_wh = 5e3 * (0.2 + 0.8 * total)
    upper_wh = min(fraction * 5e3, total_wh)
    lower_wh = max(0.0, total_wh - (1.0 - fraction) * 5e3)
    tanks = Tanks(total_wh, lower_wh + available * (upper_wh - lower_wh))
    limits = kibam_limits(tanks, kibam, bank, 1.0, 1.0, dt_h)
    for battery_w in (limits.discharge_w, -limits.charge_w):
        end = kibam_step(tanks, battery_w, kibam, bank, dt_h)
        assert kibam.floor_wh - 1e-8 <= end.total_wh <= kibam.capacity_wh + 1e-8
        assert -1e-8 <= end.available_wh <= fraction * kibam.capacity_wh + 1e-8
        assert end.total_wh - end.available_wh <= (1.0 - fraction) * kibam.capacity_wh + 1e-8


@given(fractions, rates_per_h, shares, st.floats(-900.0, 900.0), steps_h)
def test_both_tanks_together_change_by_what_was_drawn(
    fraction: float, rate: float, total: float, power_w: float, dt_h: float
) -> None:
    tanks = Tanks(total * 4e3, total * 4e3 * fraction)
    end = kibam_step(tanks, power_w, kibam_of(4e3, 0.0, fraction, rate, dt_h), LOSSLESS, dt_h)
    assert end.total_wh - tanks.total_wh == pytest.approx(-power_w * dt_h, abs=1e-9)


def test_at_rest_the_available_tank_drifts_to_its_share() -> None:
    kibam, tanks = kibam_of(1e3, 0.0, 0.3, 0.7, 0.5), Tanks(600.0, 20.0)
    for count in range(1, 30):
        tanks = kibam_step(tanks, 0.0, kibam, LOSSLESS, 0.5)
        assert tanks.available_wh == pytest.approx(180.0 - 160.0 * math.exp(-0.7 * 0.5 * count), rel=1e-12)
        assert tanks.total_wh == 600.0


@given(shares, st.floats(-1.0, 1.0), steps_h)
def test_with_fast_exchange_or_one_share_it_is_a_single_tank(total: float, share: float, dt_h: float) -> None:
    one = OneTank(0.0, 2e3, 0.95, 0.94, 600.0, 900.0, 1.0)
    single = one_tank_limits(total * 2e3, one, 1.0, 1.0, dt_h)
    battery_w = share * (single.discharge_w if share > 0.0 else single.charge_w)
    expected_wh = one_tank_step(total * 2e3, battery_w, one, dt_h)
    for fraction, rate in ((0.4, 1e9), (1.0, 0.8)):
        kibam: Kibam = kibam_of(2e3, 0.0, fraction, rate, dt_h)._replace(charge_decay=1.0)
        tanks = Tanks(total * 2e3, total * 2e3 * fraction)
        double = kibam_limits(tanks, kibam, one, 1.0, 1.0, dt_h)
        assert double == pytest.approx(single, rel=1e-6, abs=1e-5)
        end = kibam_step(tanks, battery_w, kibam, one, dt_h)
        assert end.total_wh == pytest.approx(expected_wh, rel=1e-12, abs=1e-9)
        assert kibam_available_wh(end, kibam) == pytest.approx(fraction * expected_wh, rel=1e-6, abs=1e-5)


def test_self_discharge_takes_the_same_share_of_both_tanks() -> None:
    assert rest(Tanks(1000.0, 300.0), LOSSLESS._replace(keep=0.99)) == Tanks(990.0, 297.0)


def test_cold_raises_the_floor_and_a_ceiling_below_full_holds() -> None:
    kibam = kibam_of(10e3, 0.2, 0.4, 2.0, 1.0)._replace(charge_decay=1.0)
    bank = LOSSLESS._replace(floor_wh=2e3, ceiling_wh=9e3)
    tanks = Tanks(5.5e3, 2.2e3)
    assert kibam_limits(tanks, kibam, bank, 0.5, 1.0, 1.0).discharge_w == 0.0  # half of 2 to 9 kWh: down to 5.5
    warm = kibam_limits(Tanks(2.5e3, 1e3), kibam, bank, 1.0, 1.0, 1.0)
    assert warm.discharge_w == 500.0
    assert kibam_limits(Tanks(8.9e3, 3.56e3), kibam, bank, 1.0, 1.0, 1.0).charge_w == pytest.approx(100.0)


@given(shares, st.floats(0.3, 1.0), steps_h)
def test_cold_raises_the_floor_and_a_ceiling_holds(total: float, capacity_factor: float, dt_h: float) -> None:
    bank = OneTank(300.0, 900.0, 0.9, 0.9, 1e9, 1e9, 1.0)
    kibam = kibam_of(1e3, 0.3, 0.5, 1e6, dt_h)._replace(charge_decay=1.0)  # so fast that only the window is left
    tanks = Tanks(300.0 + 600.0 * total, 150.0 + 300.0 * total)
    double = kibam_limits(tanks, kibam, bank, capacity_factor, 1.0, dt_h)
    single = one_tank_limits(tanks.total_wh, bank, capacity_factor, 1.0, dt_h)
    assert double == pytest.approx(single, rel=1e-9, abs=1e-6)
