"""Synthetic years: exact monthly means, under the clear sky, believable runs, one seed one year."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pvlib import location

from microgrid.errors import InvalidInput
from sim.scenario import Site, Weather
from sim.weather.irradiance import year_steps
from sim.weather.load import load_weather
from sim.weather.series import WeatherYear
from sim.weather.sun import mean_extraterrestrial_w_m2, quiet_pvlib
from sim.weather.synthetic import scale_under

GHI = (5.9, 6.0, 5.6, 4.9, 4.7, 4.7, 4.7, 5.0, 5.5, 5.7, 5.8, 5.9)
TEMP = (28.1, 28.3, 28.0, 26.9, 25.7, 24.5, 23.9, 24.1, 24.8, 25.9, 27.0, 27.8)
DAYS = np.array((31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31))


def site(latitude: float, longitude: float, timezone: str, altitude_m: float = 0.0) -> Site:
    place = {"latitude": latitude, "longitude": longitude, "timezone": timezone, "altitude_m": altitude_m}
    return Site.model_validate({"name": "somewhere", "currency": "USD", **place})


KISIJU = site(-7.42, 39.33, "Africa/Dar_es_Salaam")
MEANS = Weather.model_validate({"monthly_ghi_kwh_m2_day": GHI, "monthly_temp_c": TEMP})


def make(
    weather: Weather = MEANS, place: Site = KISIJU, minutes: int = 60, seed: int = 7, draw: int = 0
) -> WeatherYear:
    return load_weather(weather, place, Path(), minutes, seed, draw)


def monthly_kwh_m2_day(year: WeatherYear) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    sums = np.bincount(year_steps(year).month, weights=year.ghi_w_m2) * year.step_s / 3.6e6
    return np.asarray(sums / DAYS)


@pytest.mark.parametrize("minutes", [60, 30, 15])
@pytest.mark.parametrize("draw", [0, 5])
def test_monthly_means_are_those_asked_for(minutes: int, draw: int) -> None:
    year = make(minutes=minutes, draw=draw)
    np.testing.assert_allclose(monthly_kwh_m2_day(year), GHI, rtol=1e-6)
    temp = np.bincount(year_steps(year).month, weights=year.temp_c) / np.bincount(year_steps(year).month)
    np.testing.assert_allclose(temp, TEMP, atol=1e-6)


@pytest.mark.parametrize(
    ("place", "clearness"),
    [
        (KISIJU, 0.50),
        (site(13.5, 2.1, "Africa/Niamey"), 0.60),
        (site(52.5, 13.4, "Europe/Berlin"), 0.35),
        (site(-16.5, -68.1, "America/La_Paz", 3600.0), 0.62),
        (site(27.7, 85.3, "Asia/Kathmandu", 1300.0), 0.52),
    ],
)
def test_never_above_the_clear_sky(place: Site, clearness: float) -> None:
    said = {"monthly_clearness": (clearness,) * 12, "monthly_temp_c": TEMP}
    year = make(Weather.model_validate(said), place)
    steps = year_steps(year)
    mid = pd.to_datetime(steps.start_utc_s + 1800, unit="s", utc=True)
    with quiet_pvlib():
        clear = location.Location(place.latitude, place.longitude, altitude=place.altitude_m).get_clearsky(mid)["ghi"]
    above = mean_extraterrestrial_w_m2(steps, place)
    # at the horizon the two ways to the sun's height differ by a hundredth of a degree: 0.2 W/m2
    assert (year.ghi_w_m2 <= clear.to_numpy() * 1.0005 + 0.2).all()
    assert (year.ghi_w_m2[above <= 0.0] == 0.0).all()
    assert (np.minimum(np.minimum(year.dni_w_m2, year.dhi_w_m2), year.ghi_w_m2) >= 0.0).all()
    monthly = np.bincount(steps.month, weights=year.ghi_w_m2) / np.bincount(steps.month, weights=above)
    np.testing.assert_allclose(monthly, clearness, rtol=1e-6)


def test_one_seed_one_year_to_the_byte() -> None:
    assert make(draw=3).ghi_w_m2.tobytes() == make(draw=3).ghi_w_m2.tobytes()
    assert make(draw=3).ghi_w_m2.tobytes() != make(draw=4).ghi_w_m2.tobytes()
    assert make(seed=8).ghi_w_m2.tobytes() != make(seed=7).ghi_w_m2.tobytes()


def daily_clearness(draw: int) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    year = make(draw=draw)
    above = mean_extraterrestrial_w_m2(year_steps(year), KISIJU)
    daily = year.ghi_w_m2.reshape(365, 24).sum(axis=1) / above.reshape(365, 24).sum(axis=1)
    month = year_steps(year).month[::24]
    return np.asarray(daily - (np.bincount(month, weights=daily) / np.bincount(month))[month])


def test_days_come_in_runs_and_draws_are_independent() -> None:
    days = np.array([daily_clearness(draw) for draw in range(12)])
    lag = [np.corrcoef(row[:-1], row[1:])[0, 1] for row in days]
    # 0.29 between normal scores, less what fixing the mean of 30 days takes (about 0.06) and the clear-sky limit
    assert 0.14 < np.mean(lag) < 0.30
    between = np.corrcoef(days)[np.triu_indices(12, 1)]
    assert abs(between).max() < 0.2
    assert 0.05 < days.std() < 0.2


def test_hours_are_correlated_within_the_day() -> None:
    found = []
    for draw in range(6):
        year = make(draw=draw)
        share = year.ghi_w_m2 / np.maximum(mean_extraterrestrial_w_m2(year_steps(year), KISIJU), 1.0)
        noon = share.reshape(365, 24)[:, 9:16]
        off = noon - noon.mean(axis=0)
        off -= off.mean(axis=1, keepdims=True)
        assert off.std() > 0.02
        off = noon - noon.mean(axis=0)
        found.append(np.corrcoef(off[:, :-1].ravel(), off[:, 1:].ravel())[0, 1])
    assert 0.4 < np.mean(found) < 0.95


def test_afternoons_are_warm() -> None:
    by_hour = make().temp_c.reshape(365, 24).mean(axis=0)
    assert by_hour.argmax() in {14, 15}
    assert by_hour.max() - by_hour.min() == pytest.approx(10.0, rel=0.02)


def test_impossible_months_are_all_named_with_their_limit() -> None:
    said = {"monthly_ghi_kwh_m2_day": (*GHI[:2], 9.9, *GHI[3:11], 0.0), "monthly_temp_c": TEMP}
    with pytest.raises(InvalidInput) as raised:
        make(Weather.model_validate(said))
    march, december = raised.value.problems
    assert march.code == december.code == "MG-D120"
    assert "9.9 kWh/m2 a day in March is more than a cloudless sky gives here: 7." in march.what
    assert "in December" in december.what


def test_clearness_above_the_clear_sky_is_refused() -> None:
    said = {"monthly_clearness": (0.9,) * 12, "monthly_temp_c": TEMP}
    with pytest.raises(InvalidInput) as raised:
        make(Weather.model_validate(said))
    assert len(raised.value.problems) == 12


def test_a_polar_night_is_dark() -> None:
    ghi = (0.0, 0.4, 1.5, 3.0, 4.3, 4.8, 4.5, 3.2, 1.7, 0.6, 0.04, 0.0)
    said = {"monthly_ghi_kwh_m2_day": ghi, "monthly_temp_c": TEMP}
    year = make(Weather.model_validate(said), site(69.6, 18.9, "Europe/Oslo"))
    np.testing.assert_allclose(monthly_kwh_m2_day(year), ghi, rtol=1e-6, atol=1e-9)


def test_the_sunniest_possible_month_is_a_row_of_clear_days() -> None:
    said = {"monthly_clearness": (0.675,) * 12, "monthly_temp_c": TEMP}
    year = make(Weather.model_validate(said))
    assert np.isfinite(year.ghi_w_m2).all()


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(st.lists(st.floats(0.01, 1.0), min_size=4, max_size=4), min_size=1, max_size=3),
    share=st.floats(0.0, 0.999),
)
def test_scaling_meets_its_sum_under_the_ceiling(rows: list[list[float]], share: float) -> None:
    raw = np.array(rows)
    ceiling = np.ones_like(raw) * 2.0
    wanted = share * ceiling.sum(axis=1)
    scaled = scale_under(raw, ceiling, wanted)
    assert (scaled <= ceiling).all()
    np.testing.assert_allclose(scaled.sum(axis=1), wanted, rtol=1e-9, atol=1e-9)
