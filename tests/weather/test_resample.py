"""Another step, another clock: what fell in an hour stays in that hour, and the sun alone decides when."""

from math import gcd

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from sim.scenario import Site
from sim.weather.gaps import find_gaps
from sim.weather.resample import split_light, split_smooth, to_site_clock
from sim.weather.series import Steps
from sim.weather.sun import mean_extraterrestrial_w_m2

SITE = Site.model_validate(
    {"name": "Kisiju", "latitude": -7.42, "longitude": 39.33, "timezone": "Africa/Dar_es_Salaam", "currency": "TZS"}
)
HOURS = Steps(3600, 10_800, 2023)


def year_of_light(seed: int) -> NDArray[np.float64]:
    chance = np.random.default_rng(seed)
    return np.asarray(mean_extraterrestrial_w_m2(HOURS, SITE) * chance.uniform(0.1, 0.8, HOURS.count))


@pytest.mark.parametrize("minutes", [30, 15, 10, 5, 1])
def test_hours_keep_their_sums_and_nights_stay_dark(minutes: int) -> None:
    light = year_of_light(1)
    dni = np.where(light > 0, light * 1.1, 0.0)
    columns = {"ghi_w_m2": light, "dni_w_m2": dni, "dhi_w_m2": light * 0.4, "temp_c": 25 + light / 100}
    fine, steps = to_site_clock(columns, HOURS, SITE, 10_800, 60 * minutes)
    assert (steps.step_s, steps.count) == (60 * minutes, 8760 * 60 // minutes)
    sun = mean_extraterrestrial_w_m2(steps, SITE)
    for name, values in columns.items():
        back = fine[name].reshape(8760, -1).mean(axis=1)
        np.testing.assert_allclose(back, values, rtol=1e-9, atol=1e-9)
        if name.endswith("w_m2"):
            assert (fine[name][sun <= 0.0] == 0.0).all()
            assert (fine[name] >= 0.0).all()


def test_there_and_back_is_the_same_year() -> None:
    light = year_of_light(2)
    fine, steps = to_site_clock({"ghi_w_m2": light}, HOURS, SITE, 10_800, 900)
    back, _ = to_site_clock(fine, steps, SITE, 10_800, 3600)
    np.testing.assert_allclose(back["ghi_w_m2"], light, rtol=1e-9, atol=1e-9)


def test_split_light_is_smooth_under_an_even_sky() -> None:
    quarter = Steps(900, 10_800, 2023)
    sun = mean_extraterrestrial_w_m2(quarter, SITE)
    split = split_light(0.5 * sun.reshape(-1, 4).mean(axis=1), sun, 4)
    np.testing.assert_allclose(split, 0.5 * sun, rtol=1e-9, atol=1e-9)


@settings(max_examples=50, deadline=None)
@given(
    coarse=st.lists(st.floats(0.0, 1400.0), min_size=2, max_size=12),
    split=st.sampled_from([2, 4, 6, 12, 60]),
    data=st.data(),
)
def test_any_light_under_any_sun_keeps_its_sum(coarse: list[float], split: int, data: st.DataObject) -> None:
    size = len(coarse) * split
    sun = np.array(data.draw(st.lists(st.sampled_from([0.0, 1.0, 300.0, 1200.0]), min_size=size, max_size=size)))
    for is_beam in (False, True):
        fine = split_light(np.array(coarse), sun, split, is_beam=is_beam)
        assert (fine >= 0.0).all()
        np.testing.assert_allclose(fine.reshape(-1, split).mean(axis=1), coarse, rtol=1e-9, atol=1e-9)


@settings(max_examples=50, deadline=None)
@given(coarse=st.lists(st.floats(-40.0, 50.0), min_size=2, max_size=30), split=st.sampled_from([2, 4, 60]))
def test_temperature_keeps_its_means(coarse: list[float], split: int) -> None:
    fine = split_smooth(np.array(coarse), split, is_signed=True)
    np.testing.assert_allclose(fine.reshape(-1, split).mean(axis=1), coarse, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("ahead_s", [-36_000, 3600, 12_600, 20_700])
@pytest.mark.parametrize("step_s", [3600, 1800, 900])
def test_another_clock_keeps_the_years_light(ahead_s: int, step_s: int) -> None:
    light = year_of_light(3)
    columns, steps = to_site_clock({"ghi_w_m2": light}, HOURS, SITE, HOURS.utc_offset_s + ahead_s, step_s)
    assert columns["ghi_w_m2"].sum() * step_s == pytest.approx(light.sum() * 3600, rel=1e-9)
    sun = mean_extraterrestrial_w_m2(steps, SITE)
    assert columns["ghi_w_m2"][sun <= 0.0].sum() <= 1e-3 * light.sum() * 3600 / gcd(step_s, 900)


@settings(max_examples=80, deadline=None)
@given(missing=st.lists(st.booleans(), min_size=3, max_size=40))
def test_gaps_are_found_whole_on_the_ring(missing: list[bool]) -> None:
    values = np.where(missing, np.nan, 1.0)
    gaps = find_gaps({"ghi_w_m2": values})
    covered = sorted(step % len(missing) for gap in gaps for step in range(gap.first, gap.first + gap.steps))
    assert covered == [step for step, is_missing in enumerate(missing) if is_missing]
    if not all(missing):
        assert all(not missing[gap.first - 1] for gap in gaps)
        assert all(not missing[(gap.first + gap.steps) % len(missing)] for gap in gaps)
