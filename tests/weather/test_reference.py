"""Published numbers: sun position, split of global light, cell temperature, and a reference year on a plane."""

import numpy as np
import pandas as pd
import pytest
from pvlib import irradiance, location

from sim.scenario import Array, Site
from sim.weather.irradiance import array_conditions, beam_and_diffuse_w_m2, cell_temp_c, plane_w_m2
from sim.weather.series import Steps, WeatherYear
from sim.weather.sun import mean_extraterrestrial_w_m2, quiet_pvlib, sun_position

GOLDEN = Site.model_validate(
    {"name": "Golden", "latitude": 39.742476, "longitude": -105.1786, "altitude_m": 1830.14,
     "timezone": "America/Denver", "currency": "USD"}
)  # fmt: skip
NAIROBI = Site.model_validate(
    {"name": "Nairobi", "latitude": -1.29, "longitude": 36.82, "altitude_m": 1700,
     "timezone": "Africa/Nairobi", "currency": "KES"}
)  # fmt: skip


def unix(text: str) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    return np.array([pd.Timestamp(text).timestamp()], dtype=np.int64)


def test_sun_position_of_the_published_example() -> None:
    # NREL/TP-560-34302, 2003-10-17 12:30:30 at UTC-7
    sun = sun_position(unix("2003-10-17T12:30:30-07:00"), GOLDEN)
    assert sun.zenith_deg[0] == pytest.approx(50.127954, abs=0.02)
    assert sun.apparent_zenith_deg[0] == pytest.approx(50.111622, abs=0.02)
    assert sun.azimuth_deg[0] == pytest.approx(194.340241, abs=0.02)


@pytest.mark.parametrize(
    "moment",
    ["2015-01-02T07:21:55", "2015-01-02T16:47:43", "2015-08-02T05:00:27", "2015-08-01T19:13:58"],
)
def test_sunrise_and_sunset(moment: str) -> None:
    # the published table goes by UTC days: the sunset it gives for 2 August is the local evening of the 1st
    sun = sun_position(unix(f"{moment}-07:00"), GOLDEN)
    assert sun.zenith_deg[0] == pytest.approx(90.8333, abs=0.02)  # the sun's edge, and refraction


def test_mean_light_above_the_atmosphere_over_a_day() -> None:
    # daily sums from H0 = 24/pi Gsc E0 (cos phi cos d sin ws + ws sin phi sin d), with Spencer's d and E0
    sums = mean_extraterrestrial_w_m2(Steps(3600, 10_800, 2023), NAIROBI).reshape(365, 24).sum(axis=1) / 1000.0
    day = 2.0 * np.pi * np.arange(365) / 365.0
    decl = (
        0.006918 - 0.399912 * np.cos(day) + 0.070257 * np.sin(day) - 0.006758 * np.cos(2 * day)
        + 0.000907 * np.sin(2 * day) - 0.002697 * np.cos(3 * day) + 0.00148 * np.sin(3 * day)
    )  # fmt: skip
    near = (
        1.00011 + 0.034221 * np.cos(day) + 0.00128 * np.sin(day) + 0.000719 * np.cos(2 * day)
        + 0.000077 * np.sin(2 * day)
    )  # fmt: skip
    phi = np.radians(NAIROBI.latitude)
    sunset = np.arccos(-np.tan(phi) * np.tan(decl))
    terms = np.cos(phi) * np.cos(decl) * np.sin(sunset) + sunset * np.sin(phi) * np.sin(decl)
    np.testing.assert_allclose(sums, 24.0 / np.pi * 1.3661 * near * terms, rtol=4e-3)


def test_split_of_global_light() -> None:
    # Erbs: 500 W/m2 at zenith 60 on 21 June gives 822.170469 and 88.914766; here the sun stands where it stands
    steps = Steps(3600, 10_800, 2023)
    ghi = 0.6 * mean_extraterrestrial_w_m2(steps, NAIROBI)
    dni, dhi = beam_and_diffuse_w_m2(ghi, steps, NAIROBI)
    cos = np.cos(np.radians(sun_position(steps.start_utc_s + 1800, NAIROBI).zenith_deg))
    high = cos > 0.065
    np.testing.assert_allclose((dni * cos + dhi)[high], ghi[high], rtol=1e-9)
    assert irradiance.erbs(500, 60, 173)["dni"] == pytest.approx(822.170469)
    noon = high & (cos > 0.9)
    assert (dhi / np.maximum(ghi, 1.0))[noon].mean() == pytest.approx(0.4395, abs=0.01)  # Erbs at 0.6


def test_cell_temperature() -> None:
    got = cell_temp_c(np.array([900.0]), np.array([20.0]), np.array([5.0]))
    assert got[0] == pytest.approx(35.203, abs=1e-3)


@pytest.fixture(scope="module")
def reference_year() -> WeatherYear:
    """Return 0.75 of the clear sky with turbidity 3.5 at mid-hours of 2023 UTC."""
    times = pd.date_range("2023-01-01 00:30", periods=8760, freq="h", tz="UTC")
    place = location.Location(-1.29, 36.82, altitude=1700)
    with quiet_pvlib():
        clear = 0.75 * place.get_clearsky(times, model="ineichen", linke_turbidity=3.5)
    hour = times.hour.to_numpy() + 0.5
    temp = 22.0 + 5.0 * np.sin((hour - 9.0) / 24.0 * 2.0 * np.pi)
    ghi, dni, dhi = (clear[name].to_numpy() for name in ("ghi", "dni", "dhi"))
    return WeatherYear(3600, 0, 2023, ghi, dni, dhi, temp, np.full(8760, 2.0))


def test_reference_year_on_a_plane(reference_year: WeatherYear) -> None:
    array = Array.model_validate({"tilt_deg": 10, "azimuth_deg": 0})
    poa, _ = array_conditions(reference_year, NAIROBI, array)
    assert reference_year.ghi_w_m2.sum() / 1000 == pytest.approx(2166.5875, abs=1e-3)
    assert poa.sum() / 1000 == pytest.approx(2157.7793, rel=0.01)  # that number is by Perez, ours by Hay & Davies


def test_reference_year_as_direct_current(reference_year: WeatherYear) -> None:
    # PVWatts without losses at -0.4 %/K; the reference takes the glass's reflection and a SAPM cell temperature
    poa, cell = array_conditions(reference_year, NAIROBI, Array.model_validate({"tilt_deg": 10, "azimuth_deg": 0}))
    dc_kwh = (10.0 * poa / 1000.0 * (1.0 - 0.004 * (cell - 25.0))).sum() * (1.0 - 0.14075660688)
    assert dc_kwh == pytest.approx(17_114.35, rel=0.05)


def test_level_plane_gets_the_global_light(reference_year: WeatherYear) -> None:
    level = Array.model_validate({"tilt_deg": 0, "azimuth_deg": 0})
    poa = plane_w_m2(reference_year, NAIROBI, level)
    assert poa.sum() == pytest.approx(reference_year.ghi_w_m2.sum(), rel=5e-3)


def test_east_gets_the_morning_and_west_the_afternoon(reference_year: WeatherYear) -> None:
    east, west = (
        plane_w_m2(reference_year, NAIROBI, Array.model_validate({"tilt_deg": 30, "azimuth_deg": azimuth}))
        .reshape(365, 24)
        .sum(axis=0)
        for azimuth in (90, 270)
    )
    noon_utc = 9  # 36.8 degrees east
    assert east[:noon_utc].sum() > 1.3 * west[:noon_utc].sum()
    assert west[noon_utc + 1 :].sum() > 1.3 * east[noon_utc + 1 :].sum()


def test_shading_and_horizon_only_take_away(reference_year: WeatherYear) -> None:
    free, _ = array_conditions(reference_year, NAIROBI, Array())
    shaded, _ = array_conditions(reference_year, NAIROBI, Array.model_validate({"shading_fraction": 0.25}))
    valley, _ = array_conditions(reference_year, NAIROBI, Array.model_validate({"horizon_deg": 20}))
    np.testing.assert_allclose(shaded, 0.75 * free)
    assert (valley <= free + 0.5).all()  # a hidden ring around the sun counts as even sky
    assert 0.80 < valley.sum() / free.sum() < 0.97


def test_a_production_profile_passes_the_array_equation_unchanged(reference_year: WeatherYear) -> None:
    profile = reference_year.ghi_w_m2 / 1100.0
    zero = np.zeros(8760)
    year = WeatherYear(3600, 0, 2023, zero, zero, zero, zero + 40.0, zero, pv_kw_per_kw=profile)
    poa, cell = array_conditions(year, NAIROBI, Array.model_validate({"shading_fraction": 0.5}))
    np.testing.assert_allclose(poa / 1000.0 * (1.0 - 0.004 * (cell - 25.0)), profile)
