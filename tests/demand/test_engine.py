"""Customers' minutes: what may never happen, what must add up, and whose numbers are whose."""

import inspect
from dataclasses import replace
from math import erf

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.demand import engine
from sim.demand.appliance_day import pieces_on
from sim.demand.appliances import Appliance, DutyCycle, User
from sim.demand.chance import STATE_SIZE, start
from sim.demand.engine import customer_day_w, customers_year, homes_year_w
from sim.demand.tables import tables

LAMP = Appliance("lamp", 3, 7.0, ((1080, 1380),), 120.0, minimum_cycle_min=10, window_jitter=0.1, use_jitter=0.2)
RADIO = Appliance("radio", 1, 12.0, ((360, 480), (1020, 1260)), 90.0, minimum_cycle_min=5, use_jitter=0.1)
FRIDGE = Appliance("fridge", 1, 90.0, ((0, 1440),), 1440.0, flat=True, duty_cycles=(DutyCycle(90.0, 15, 0.0, 30),))
HOME = User("home", 5, (LAMP, RADIO, FRIDGE))
MILL = User("mill", 1, (Appliance("motor", 1, 5500.0, ((480, 1020),), 240.0),), "deferrable", three_phase=True)


@st.composite
def appliances(draw: st.DrawFn) -> Appliance:
    edges = sorted(draw(st.lists(st.integers(0, 1440), min_size=2, max_size=6, unique=True)))
    windows = tuple(zip(edges[0::2], edges[1::2], strict=False))
    open_min = sum(end - start for start, end in windows)
    cycles = st.builds(
        DutyCycle,
        first_power_w=st.floats(0.0, 500.0),
        first_min=st.integers(1, 60),
        second_power_w=st.floats(0.0, 500.0),
        second_min=st.integers(0, 60),
        jitter=st.floats(0.0, 1.0),
    )
    return Appliance(
        name="any",
        number=draw(st.integers(1, 9)),
        power_w=draw(st.floats(0.0, 500.0)),
        windows=windows,
        daily_use_min=draw(st.floats(0.0, open_min)),
        minimum_cycle_min=draw(st.integers(1, open_min)),
        window_jitter=draw(st.floats(0.0, 1.0)),
        use_jitter=draw(st.floats(0.0, 1.0)),
        power_jitter=draw(st.floats(0.0, 1.0)),
        occasional_use=draw(st.floats(0.0, 1.0)),
        fixed=draw(st.booleans()),
        flat=draw(st.booleans()),
        duty_cycles=tuple(draw(st.lists(cycles, max_size=3))),
        continuous_duty_cycle=draw(st.booleans()),
    )


@settings(max_examples=150, deadline=None)
@given(appliances(), st.integers(0, 2**63 - 1), st.integers(0, 364))
def test_nothing_runs_outside_its_moved_windows_or_above_its_power(appliance: Appliance, seed: int, day: int) -> None:
    power_w = customer_day_w(User("any", 1, (appliance,)), seed, 0, day)
    allowed = np.zeros(1440, dtype=bool)
    for opens, ends in appliance.windows:
        jitter_min = int(appliance.window_jitter * (ends - opens))
        allowed[max(0, opens - jitter_min) : ends + jitter_min] = True
    rated_w = [appliance.power_w] if not appliance.duty_cycles else []
    rated_w += [power for cycle in appliance.duty_cycles for power in (cycle.first_power_w, cycle.second_power_w)]
    assert (power_w >= 0.0).all()
    assert not power_w[~allowed].any()
    assert power_w.max() <= appliance.number * max(rated_w) * (1.0 + appliance.power_jitter) * (1.0 + 1e-12)


@settings(max_examples=40, deadline=None)
@given(appliances(), st.integers(0, 2**63 - 1))
def test_one_piece_is_on_as_long_as_it_may_be(appliance: Appliance, seed: int) -> None:
    plain = replace(appliance, flat=False, duty_cycles=(), power_w=10.0, power_jitter=0.0, number=1)
    on_min = np.count_nonzero(customer_day_w(User("any", 1, (plain,)), seed, 0, 0))
    longest = round(plain.daily_use_min * (1.0 + plain.use_jitter)) + 1
    assert on_min <= max(longest, plain.minimum_cycle_min)


def test_steps_hold_the_energy_of_their_minutes() -> None:
    minutes = customers_year((HOME, MILL), 3, 1)
    for step_minutes in (5, 10, 15, 30, 60):
        steps = customers_year((HOME, MILL), 3, step_minutes)
        means_w = minutes.load_w.reshape(3, -1, step_minutes).mean(axis=2)
        np.testing.assert_allclose(steps.load_w, means_w, rtol=1e-9, atol=1e-9)
        assert steps.load_w.sum() * step_minutes == pytest.approx(minutes.load_w.sum(), rel=1e-9)
        peaks_w = minutes.load_w.sum(axis=0).reshape(-1, step_minutes).max(axis=1)
        np.testing.assert_allclose(steps.step_peak_w, peaks_w, rtol=1e-12)


def test_customers_add_up_to_the_community() -> None:
    everyone = [(0, member) for member in range(HOME.count)]
    alone_w = homes_year_w((HOME,), everyone, 3, 15)
    np.testing.assert_allclose(customers_year((HOME,), 3, 15).load_w[1], alone_w.sum(axis=0), rtol=1e-9, atol=1e-9)


def test_classes_and_phases_are_kept_apart() -> None:
    year = customers_year((HOME, MILL, replace(HOME, name="clinic", priority="critical")), 3, 60)
    homes, mill = customers_year((HOME,), 3, 60), customers_year((MILL,), 3, 60)
    assert np.array_equal(year.load_w[1], homes.load_w[1])
    assert np.array_equal(year.load_w[2], mill.load_w[2])
    assert np.array_equal(year.three_phase_w, mill.load_w[2])
    assert year.load_w[0].any()
    assert not homes.three_phase_w.any()


def test_a_new_customer_never_moves_anothers_numbers() -> None:
    before_w = homes_year_w((HOME,), [(0, 4)], 3, 1)
    with_mill_w = homes_year_w((MILL, replace(HOME, count=6)), [(1, 4)], 3, 1)
    assert before_w.tobytes() == with_mill_w.tobytes()


def test_a_new_appliance_moves_no_other_appliance_of_the_home() -> None:
    small, large = User("home", 1, (LAMP,)), User("home", 1, (LAMP, replace(RADIO, power_w=0.0)))
    quiet = replace(LAMP, number=1)  # of several pieces the number on depends on the home's own peak
    small, large = replace(small, appliances=(quiet,)), replace(large, appliances=(quiet, large.appliances[1]))
    assert customer_day_w(small, 3, 0, 9).tobytes() == customer_day_w(large, 3, 0, 9).tobytes()


def test_any_customers_day_can_be_made_alone() -> None:
    year_w = homes_year_w((MILL, HOME), [(1, 2)], 3, 1).reshape(365, 1440)
    for day in (0, 1, 59, 200, 364):
        assert customer_day_w(HOME, 3, 2, day).tobytes() == year_w[day].tobytes()


@pytest.mark.parametrize("threads", [1, 2, 3, 7])
def test_threads_change_nothing(threads: int) -> None:
    assert customers_year((HOME, MILL), 3, 60, threads).load_w.tobytes() == (
        customers_year((HOME, MILL), 3, 60).load_w.tobytes()
    )


def test_the_seed_and_nothing_else_makes_the_numbers() -> None:
    assert customer_day_w(HOME, 3, 0, 0).tobytes() == customer_day_w(HOME, 3, 0, 0).tobytes()
    different = {
        customer_day_w(HOME, seed, member, day).tobytes() for seed in (3, 4) for member, day in ((0, 0), (1, 0), (0, 1))
    }
    assert len(different) == 6
    assert customer_day_w(replace(HOME, name="house"), 3, 0, 0).tobytes() not in different


def test_compiled_and_plain_python_agree_to_the_last_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled_w = [customer_day_w(HOME, 3, member, 7) for member in range(5)]
    monkeypatch.setattr(engine, "_run_days", inspect.unwrap(engine._run_days))
    for member in range(5):
        assert customer_day_w(HOME, 3, member, 7).tobytes() == compiled_w[member].tobytes()


@pytest.mark.parametrize("number", [1, 4])
@pytest.mark.parametrize("jitter", [0.0, 0.2])
def test_mean_daily_use_is_as_configured(number: int, jitter: float) -> None:
    lamp = replace(LAMP, number=number, fixed=True, use_jitter=jitter)
    load_w = customers_year((User("home", 40, (lamp,)),), 5, 60).load_w
    on_min = load_w.sum() * 60.0 / (40 * 365 * number * lamp.power_w)
    assert on_min == pytest.approx(120.0, abs=0.5 + 4.0 * 24.0 / np.sqrt(3.0 * 40 * 365))


def test_occasional_use_is_a_share_of_the_days() -> None:
    seldom = replace(RADIO, occasional_use=0.3)
    days_wh = homes_year_w((User("home", 40, (seldom,)),), [(0, m) for m in range(40)], 5, 60).reshape(40, 365, 24)
    assert (days_wh.sum(axis=2) > 0.0).mean() == pytest.approx(0.3, abs=4.0 * np.sqrt(0.21 / 14_600))


def test_weekends_and_months_of_2025() -> None:
    lamp = replace(LAMP, number=1)
    users = (
        User("week", 1, (replace(lamp, weekdays="weekday"),)),
        User("end", 1, (replace(lamp, weekdays="weekend"),)),
        User("july", 1, (replace(lamp, months=(7,)),)),
    )
    week, end, july = (homes_year_w(users, [(0, 0), (1, 0), (2, 0)], 1, 60).reshape(3, 365, 24).sum(axis=2)) > 0.0
    assert np.flatnonzero(end)[:4].tolist() == [3, 4, 10, 11]  # 4 January 2025 was a Saturday
    assert np.array_equal(week, ~end)
    assert np.flatnonzero(july).tolist() == list(range(181, 212))


def test_daily_choices_exclude_one_another() -> None:
    dishes = tuple(replace(RADIO, name=f"dish {p}", preference=p, power_w=10.0**p) for p in (1, 2, 3))
    user = User("cook", 1, dishes, preferences=3)
    powers = [frozenset(np.unique(customer_day_w(user, 1, 0, day)).tolist()) for day in range(60)]
    assert set(powers) == {frozenset((0.0, 10.0**p)) for p in (1, 2, 3)}


def test_power_by_day_replaces_the_power() -> None:
    heater = replace(RADIO, power_by_day_w=tuple(float(day) for day in range(365)))
    for day in (0, 1, 364):
        assert customer_day_w(User("home", 1, (RADIO, heater)), 1, 0, day).max() in (float(day), day + 12.0)
    assert not customer_day_w(User("home", 1, (heater,)), 1, 0, 0).any()


def test_a_flat_appliance_fills_its_windows_exactly() -> None:
    lights = Appliance("lights", 4, 30.0, ((0, 360), (1080, 1440)), 720.0, flat=True)
    power_w = customer_day_w(User("street", 1, (lights,)), 1, 0, 0)
    assert power_w.tolist() == [120.0] * 360 + [0.0] * 720 + [120.0] * 360


def test_a_thermostat_runs_its_share_of_the_day_from_any_phase() -> None:
    user = User("home", 1, (FRIDGE,))
    days_w = [customer_day_w(user, 1, 0, day) for day in range(40)]
    assert all(np.unique(day_w).tolist() == [0.0, 90.0] for day_w in days_w)
    assert {np.count_nonzero(day_w) for day_w in days_w} == {480}
    assert len({day_w.tobytes() for day_w in days_w}) > 20


def test_a_cooking_cycle_runs_once_for_each_start() -> None:
    cooking = Appliance(
        "stove", 1, 0.0, ((600, 900),), 60.0, minimum_cycle_min=30,
        duty_cycles=(DutyCycle(1500.0, 10, 300.0, 20),), continuous_duty_cycle=False,
    )  # fmt: skip
    for day in range(20):
        power_w = customer_day_w(User("home", 1, (cooking,)), 1, 0, day)
        starts = np.flatnonzero((power_w[1:] == 1500.0) & (power_w[:-1] != 1500.0)) + 1
        assert np.count_nonzero(power_w) == 60
        assert all((power_w[start : start + 10] == 1500.0).all() for start in starts)


def test_an_appliance_without_a_matching_duty_window_rests() -> None:
    lost = Appliance("lost", 1, 50.0, ((600, 700),), 60.0, duty_cycles=(DutyCycle(50.0, 5, 0.0, 5, ((0, 100),)),))
    assert not customer_day_w(User("home", 1, (lost,)), 1, 0, 0).any()


def test_windows_that_vanish_today_leave_it_off() -> None:
    fleeting = replace(RADIO, windows=((600, 602),), daily_use_min=1.0, minimum_cycle_min=1, window_jitter=1.0)
    on_min = [np.count_nonzero(customer_day_w(User("home", 1, (fleeting,)), 1, 0, day)) for day in range(60)]
    assert min(on_min) == 0
    assert max(on_min) == 1


@pytest.mark.parametrize(
    ("users", "step_minutes", "message"),
    [
        ((HOME, HOME), 60, "same name"),
        ((HOME,), 7, "does not divide a day"),
        ((User("home", 1, (replace(LAMP, daily_use_min=301.0),)),), 60, "exceeds its windows"),
        ((User("home", 1, (replace(LAMP, windows=((1400, 1500),)),)),), 60, "not inside the day"),
    ],
)
def test_what_cannot_be_run_is_refused(users: tuple[User, ...], step_minutes: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        customers_year(users, 1, step_minutes)


@pytest.mark.parametrize("day", [-1, 365])
def test_a_day_outside_the_year_is_refused(day: int) -> None:
    with pytest.raises(ValueError, match="not in the year"):
        customer_day_w(HOME, 1, 0, day)


def test_a_window_that_is_short_today_is_used_all_the_same() -> None:
    kettle = Appliance("kettle", 1, 900.0, ((600, 630),), 30.0, minimum_cycle_min=30, window_jitter=0.3)
    on_min = [np.count_nonzero(customer_day_w(User("home", 1, (kettle,)), 1, 0, day)) for day in range(60)]
    assert min(on_min) < 20
    assert min(on_min) >= 10


def shares_of_pieces(number: int, *, at_peak: bool) -> list[float]:
    """Return how often 1, 2, ... of `number` lamps are on together, over many events."""
    lamps = Appliance("lamp", number, 1.0, ((600, 601),), 1.0)
    record = tables((User("home", 1, (lamps,)),), 1).appliances[0]
    state = np.zeros(STATE_SIZE, np.uint64)
    start(state, 1, 2, 0, 0, 0)
    drawn = [pieces_on(state, record, int(at_peak)) for _ in range(20_000)]
    return [float(np.mean(np.array(drawn) == pieces)) for pieces in range(1, number + 1)]


def test_off_the_peak_all_pieces_together_are_half_as_likely_as_any_other_number() -> None:
    np.testing.assert_allclose(shares_of_pieces(4, at_peak=False), np.array([2, 2, 2, 1]) / 7, atol=0.015)


def test_at_the_peak_pieces_gather_about_half_of_them() -> None:
    below = [0.5 * (1.0 + erf((pieces - 2.0) / 2.0**0.5)) for pieces in (1.0, 2.0, 3.0)]  # mean 2, deviation 1
    expected = np.diff([0.0, *below, 1.0])
    np.testing.assert_allclose(shares_of_pieces(4, at_peak=True), expected, atol=0.015)
