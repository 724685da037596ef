"""One known year, written in every format and read back: the same light at the same moments."""

import json
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from pvlib import spa

from sim.scenario import Site
from sim.weather.series import TYPICAL_YEAR, WeatherYear

FloatArray = NDArray[np.float64]
Load = Callable[..., WeatherYear]
TruthOn = Callable[[Site, float], Any]
TMY_YEARS = (2005, 2012, 2011, 2008, 2014, 2009, 2010, 2007, 2013, 2006, 2015, 2016)


def times(start: str = "2023-01-01", hours: int = 8760) -> pd.DatetimeIndex:
    return pd.date_range(start, periods=hours, freq="h")


def table(head: str, columns: Iterable[Iterable[object]]) -> str:
    return "\n".join([head, *(",".join(map(str, row)) for row in zip(*columns, strict=True))]) + "\n"


def mixed(moment: pd.Timestamp) -> pd.Timestamp:
    """Put a moment into the year from which a typical year takes its month."""
    return moment.replace(year=TMY_YEARS[moment.month - 1])


def assert_same_year(year: WeatherYear, truth: Any, tolerance: float = 1e-6) -> None:
    assert year.step_s == 3600
    assert year.year in {2023, TYPICAL_YEAR}  # the truth's own, or the one that stands for typical years
    np.testing.assert_allclose(year.ghi_w_m2, truth.ghi_w_m2, atol=tolerance)
    np.testing.assert_allclose(year.temp_c, truth.temp_c, atol=max(tolerance, 1e-6))
    np.testing.assert_allclose(year.wind_m_s, truth.wind_m_s, atol=max(tolerance, 1e-6))


def test_plain_csv_on_the_sites_clock(load_text: Load, kisiju: Site, truth_on: TruthOn) -> None:
    truth = truth_on(kisiju, 3)
    text = table("time,ghi_w_m2,temp_c,wind_m_s", [times(), truth.ghi_w_m2, truth.temp_c, truth.wind_m_s])
    year = load_text(text, kisiju)
    assert year.utc_offset_s == 10_800
    assert_same_year(year, truth)
    assert any("Africa/Dar_es_Salaam" in note for note in year.notes)
    assert any("1 h steps, labelled at their start" in note for note in year.notes)


def test_stamps_with_an_offset_move_to_the_sites_clock(load_text: Load, kisiju: Site, truth_on: TruthOn) -> None:
    utc, local = truth_on(kisiju, 0), truth_on(kisiju, 3)
    stamps = [f"{moment:%Y-%m-%dT%H:%M}Z" for moment in times()]
    year = load_text(table("time,ghi,temp,wind", [stamps, utc.ghi_w_m2, utc.temp_c, utc.wind_m_s]), kisiju)
    np.testing.assert_allclose(year.ghi_w_m2[3:], local.ghi_w_m2[3:], atol=1e-6)
    assert any("moved from UTC to UTC+3" in note for note in year.notes)


def test_a_column_in_utc_and_a_named_zone_are_the_same(load_text: Load, kisiju: Site, truth_on: TruthOn) -> None:
    utc = truth_on(kisiju, 0)
    by_name = load_text(table("time_utc,ghi", [times(), utc.ghi_w_m2]), kisiju)
    by_zone = load_text(table("time,ghi", [times(), utc.ghi_w_m2]), kisiju, file_timezone="UTC")
    np.testing.assert_array_equal(by_name.ghi_w_m2, by_zone.ghi_w_m2)


def test_summer_time_is_undone(load_text: Load, berlin: Site, truth_on: TruthOn) -> None:
    truth = truth_on(berlin, 1)
    local = times().tz_localize("Etc/GMT-1").tz_convert("Europe/Berlin").tz_localize(None)
    year = load_text(table("time,ghi,temp,wind", [local, truth.ghi_w_m2, truth.temp_c, truth.wind_m_s]), berlin)
    assert year.utc_offset_s == 3600
    assert_same_year(year, truth)


@pytest.mark.parametrize(("head", "moved"), [("time", "30min"), ("time_end", "60min")])
def test_labels_in_the_middle_and_at_the_end(
    load_text: Load, kisiju: Site, truth_on: TruthOn, head: str, moved: str
) -> None:
    truth = truth_on(kisiju, 3)
    labels = times() + pd.Timedelta(moved)
    year = load_text(table(f"{head},ghi,temp,wind", [labels, truth.ghi_w_m2, truth.temp_c, truth.wind_m_s]), kisiju)
    assert_same_year(year, truth)


def test_semicolons_and_decimal_commas(load_text: Load, kisiju: Site, truth_on: TruthOn) -> None:
    truth = truth_on(kisiju, 3)
    rows = [f"{moment};{f'{ghi:.6f}'.replace('.', ',')}" for moment, ghi in zip(times(), truth.ghi_w_m2, strict=True)]
    year = load_text("\ufeffTime ;GHI (W/m²) \n" + "\n".join(rows), kisiju)
    np.testing.assert_allclose(year.ghi_w_m2, truth.ghi_w_m2, atol=1e-6)
    assert any("semicolon separated and decimal comma" in note for note in year.notes)


@pytest.mark.parametrize(("name", "factor"), [("ghi_kw_m2", 1e-3), ("ghi_wh_m2", 0.5), ("GHI [kWh/m2]", 0.5e-3)])
def test_units_in_the_name(load_text: Load, kisiju: Site, truth_on: TruthOn, name: str, factor: float) -> None:
    truth = truth_on(kisiju, 3)
    halves = pd.date_range("2023-01-01", periods=17_520, freq="30min")
    year = load_text(table(f"time,{name}", [halves, np.repeat(truth.ghi_w_m2 * factor, 2)]), kisiju)
    np.testing.assert_allclose(year.ghi_w_m2, truth.ghi_w_m2, rtol=1e-9, atol=1e-9)


def test_rows_without_times_count_from_new_year(load_text: Load, kisiju: Site, truth_on: TruthOn) -> None:
    truth = truth_on(kisiju, 3)
    year = load_text(table("ghi", [truth.ghi_w_m2]), kisiju)
    np.testing.assert_allclose(year.ghi_w_m2, truth.ghi_w_m2, atol=1e-6)


def test_a_leap_year_loses_its_29_february(load_text: Load, kisiju: Site, truth_on: TruthOn) -> None:
    truth = truth_on(kisiju, 3)
    leap = times("2024-01-01", 8784)
    on_leap_day = (leap.month == 2) & (leap.day == 29)
    ghi = np.insert(truth.ghi_w_m2, 59 * 24, np.full(24, 7.0))
    assert (ghi[on_leap_day] == 7.0).all()
    year = load_text(table("time,ghi", [leap, ghi]), kisiju)
    np.testing.assert_allclose(year.ghi_w_m2, truth.ghi_w_m2, atol=1e-6)
    assert any("29 February dropped (24 rows)" in note for note in year.notes)


def test_twelve_months_across_new_year(load_text: Load, kisiju: Site, truth_on: TruthOn) -> None:
    truth = truth_on(kisiju, 3)
    year = load_text(table("time,ghi", [times("2022-07-01"), np.roll(truth.ghi_w_m2, -181 * 24)]), kisiju)
    np.testing.assert_allclose(year.ghi_w_m2, truth.ghi_w_m2, atol=1e-6)


def test_tmy3_label_ends_the_hour(load_text: Load, kisiju: Site, truth_on: TruthOn) -> None:
    truth = truth_on(kisiju, 3)
    names = "ETR (W/m^2),GHI (W/m^2),DNI (W/m^2),DHI (W/m^2),Dry-bulb (C),Wspd (m/s)"
    head = f'999999,"KISIJU",TZ,3.0,-7.420,39.330,5\nDate (MM/DD/YYYY),Time (HH:MM),{names}'
    starts = [mixed(moment) for moment in times()]
    labels = [f"{moment:%m/%d/%Y},{moment.hour + 1:02d}:00" for moment in starts]
    zero = np.zeros(8760)
    year = load_text(
        table(head, [labels, zero, truth.ghi_w_m2, zero, truth.ghi_w_m2, truth.temp_c, truth.wind_m_s]), kisiju
    )
    assert_same_year(year, truth)
    assert not any("km from the site" in note for note in year.notes)


def test_epw_hour_one_starts_at_midnight(load_text: Load, kisiju: Site, truth_on: TruthOn) -> None:
    truth = truth_on(kisiju, 3)
    head = "LOCATION,Kisiju,-,TZA,made up,999999,-7.42,39.33,3.0,5.0\n" + "\n".join(f"LINE {n}" for n in range(2, 9))
    rows = []
    for at, start in enumerate(mixed(moment) for moment in times()):
        before = f"{start.year},{start.month},{start.day},{start.hour + 1},60,?,{truth.temp_c[at]},20,50,101000,0,0,400"
        light = f"{truth.ghi_w_m2[at]},0,{truth.ghi_w_m2[at]}"
        rows.append(f"{before},{light},0,0,0,0,90,{truth.wind_m_s[at]},5,5,9999,99999,9,0,20,0.1,0,88,0.2,0,0")
    year = load_text(head + "\n" + "\n".join(rows) + "\n", kisiju, "weather.epw")
    assert_same_year(year, truth)


def samples(site: Site, minute: int) -> FloatArray:
    """Return the light at one moment of each UTC hour of 2023."""
    unix_s = times().tz_localize("UTC").as_unit("s").asi8.astype(np.float64) + 60.0 * minute
    zenith = spa.solar_position(unix_s, site.latitude, site.longitude, 0.0, 1013.25, 12.0, 67.0, 0.5667, 1)[1]
    return np.asarray(900.0 * np.maximum(np.cos(np.radians(zenith)), 0.0))


def pvgis_head(slope: float = 0.0) -> str:
    return (
        "Latitude (decimal degrees):\t-7.420\nLongitude (decimal degrees):\t39.330\nElevation (m):\t5\n"
        f"Radiation database:\tPVGIS-SARAH2\n\n\nSlope: {slope:g} deg. \nAzimuth: 0 deg. \n\n"
    )


@pytest.mark.parametrize("minute", [10, 30, 50])
def test_pvgis_hourly_samples_become_hourly_means(
    load_text: Load, kisiju: Site, truth_on: TruthOn, minute: int
) -> None:
    truth, ghi, zero = truth_on(kisiju, 3), samples(kisiju, minute), np.zeros(8760)
    stamps = [f"{moment:%Y%m%d:%H}{minute:02d}" for moment in times()]
    body = table(
        "time,Gb(i),Gd(i),Gr(i),H_sun,T2m,WS10m,Int", [stamps, zero, ghi, zero, zero, zero + 25, zero + 2, zero]
    )
    year = load_text(pvgis_head() + body + "\n\nPVGIS (c) European Union\n", kisiju)
    inside = slice(24, -24)
    np.testing.assert_allclose(year.ghi_w_m2[inside], truth.ghi_w_m2[inside], atol=4.0)
    assert year.ghi_w_m2.sum() == pytest.approx(truth.ghi_w_m2.sum(), rel=2e-3)
    assert any(f"sampled {minute} min past the hour" in note for note in year.notes)


def test_pvgis_plane_is_kept(load_text: Load, kisiju: Site) -> None:
    ghi, zero = samples(kisiju, 30), np.zeros(8760)
    stamps = [f"{moment:%Y%m%d:%H}30" for moment in times()]
    body = table("time,G(i),H_sun,T2m,WS10m,Int", [stamps, ghi, zero, zero + 25, zero + 2, zero])
    year = load_text(pvgis_head(15) + body, kisiju)
    assert year.poa_w_m2 is not None
    assert not year.ghi_w_m2.any()
    assert year.poa_w_m2.sum() == pytest.approx(ghi.sum(), rel=1e-2)
    assert any("tilted 15 degrees towards 180" in note for note in year.notes)


def test_pvgis_plane_that_follows_the_sun_is_not_taken_for_level(load_text: Load, kisiju: Site) -> None:
    ghi, zero = samples(kisiju, 30), np.zeros(8760)
    stamps = [f"{moment:%Y%m%d:%H}30" for moment in times()]
    body = table("time,G(i),H_sun,T2m,WS10m,Int", [stamps, ghi, zero, zero + 25, zero + 2, zero])
    head = pvgis_head().replace("Slope: 0 deg. \nAzimuth: 0 deg. \n", "Slope: - deg. \nAzimuth: - deg. \n")
    year = load_text(head + body, kisiju)
    assert year.poa_w_m2 is not None
    assert any("follows the sun" in note for note in year.notes)


def test_pvgis_hourly_json_of_a_level_plane(load_text: Load, kisiju: Site, truth_on: TruthOn) -> None:
    rows = [
        {"time": f"{moment:%Y%m%d:%H}30", "Gb(i)": 0.0, "Gd(i)": light, "Gr(i)": 0.0, "H_sun": 0.0, "T2m": 25.0,
         "WS10m": 2.0, "Int": 0.0}
        for moment, light in zip(times(), samples(kisiju, 30), strict=True)
    ]  # fmt: skip
    fixed = {"slope": {"value": 0, "optimal": False}, "azimuth": {"value": 0, "optimal": False}}
    location = {"latitude": -7.42, "longitude": 39.33, "elevation": 5.0}
    whole = {
        "inputs": {"location": location, "mounting_system": {"fixed": fixed}},
        "outputs": {"hourly": rows},
        "meta": {"inputs": {}, "outputs": {}},
    }
    year = load_text(json.dumps(whole), kisiju, "hourly.json")
    np.testing.assert_allclose(year.ghi_w_m2[24:-24], truth_on(kisiju, 3).ghi_w_m2[24:-24], atol=4.0)


def pvgis_typical_rows(site: Site, truth: Any, minute: int) -> list[dict[str, object]]:
    ghi = samples(site, minute)
    return [
        {"time(UTC)": f"{mixed(moment):%Y%m%d:%H%M}", "T2m": truth.temp_c[at], "RH": 50.0, "G(h)": ghi[at],
         "Gb(n)": 0.0, "Gd(h)": ghi[at], "IR(h)": 400.0, "WS10m": truth.wind_m_s[at], "WD10m": 90.0, "SP": 101000.0}
        for at, moment in enumerate(times())
    ]  # fmt: skip


def test_pvgis_typical_year_csv(load_text: Load, kisiju: Site, truth_on: TruthOn) -> None:
    rows = pvgis_typical_rows(kisiju, truth_on(kisiju, 0), 30)
    months = "\n".join(f"{month},{year}" for month, year in enumerate(TMY_YEARS, 1))
    place = "Latitude (decimal degrees): -7.420\nLongitude (decimal degrees): 39.330\nElevation (m): 5.0\n"
    body = table(",".join(rows[0]), zip(*(row.values() for row in rows), strict=True))
    text = f"{place}Irradiance Time Offset (h): 0.5\nmonth,year\n{months}\n{body}\nT2m: 2-m air temperature\n"
    year = load_text(text.replace("\n", "\r\n"), kisiju)
    np.testing.assert_allclose(year.ghi_w_m2[24:-24], truth_on(kisiju, 3).ghi_w_m2[24:-24], atol=4.0)


def test_pvgis_typical_year_json(load_text: Load, kisiju: Site, truth_on: TruthOn) -> None:
    rows = pvgis_typical_rows(kisiju, truth_on(kisiju, 0), 30)
    location = {"latitude": -7.42, "longitude": 39.33, "elevation": 5.0, "irradiance_time_offset": 0.5}
    chosen = [{"month": month, "year": year} for month, year in enumerate(TMY_YEARS, 1)]
    whole = {
        "inputs": {"location": location},
        "outputs": {"months_selected": chosen, "tmy_hourly": rows},
        "meta": {"inputs": {}, "outputs": {}},
    }
    year = load_text(json.dumps(whole), kisiju, "tmy.json")
    np.testing.assert_allclose(year.ghi_w_m2[24:-24], truth_on(kisiju, 3).ghi_w_m2[24:-24], atol=4.0)


@pytest.mark.parametrize(("clock", "offset_h"), [("UTC", 0), ("LST", 3)])
def test_nasa_power(load_text: Load, kisiju: Site, truth_on: TruthOn, clock: str, offset_h: int) -> None:
    truth = truth_on(kisiju, offset_h)
    head = (
        "-BEGIN HEADER-\nNASA/POWER Hourly Data\n"
        f"Dates (month/day/year): 01/01/2023 through 12/31/2023 in {clock}\n-END HEADER-\n"
        "YEAR,MO,DY,HR,ALLSKY_SFC_SW_DWN,T2M,WS10M"
    )
    parts = [[getattr(moment, part) for moment in times()] for part in ("year", "month", "day", "hour")]
    year = load_text(table(head, [*parts, truth.ghi_w_m2, truth.temp_c, truth.wind_m_s]), kisiju)
    np.testing.assert_allclose(year.ghi_w_m2[3:], truth_on(kisiju, 3).ghi_w_m2[3:], atol=1e-6)


def test_pvwatts_export(load_text: Load, kisiju: Site, truth_on: TruthOn) -> None:
    truth = truth_on(kisiju, 3)
    names = ["Month", "Day", "Hour", "Beam Irradiance (W/m2)", "Diffuse Irradiance (W/m2)",
             "Ambient Temperature (C)", "Wind Speed (m/s)", "Plane of Array Irradiance (W/m2)",
             "DC Array Output (W)"]  # fmt: skip
    head = '"PVWatts: Hourly PV Performance Data"\n"Lat (deg N):","-7.42"\n' + ",".join(f'"{n}"' for n in names)
    parts = [[getattr(moment, part) for moment in times()] for part in ("month", "day", "hour")]
    zero = np.zeros(8760)
    light = [zero, truth.ghi_w_m2, truth.temp_c, truth.wind_m_s, zero + 1e4, zero]
    text = table(head, [*parts, *light]) + '"Totals","","","","","","","0","0"\n'
    year = load_text(text, kisiju)
    assert_same_year(year, truth)
    assert year.poa_w_m2 is None


def test_pv_profile_is_kept_as_it_is(load_text: Load, kisiju: Site, truth_on: TruthOn) -> None:
    profile = truth_on(kisiju, 3).ghi_w_m2 / 1200.0
    year = load_text(table("time,pv_kw_per_kw", [times(), profile]), kisiju)
    assert year.pv_kw_per_kw is not None
    np.testing.assert_allclose(year.pv_kw_per_kw, profile, atol=1e-9)
    assert not year.ghi_w_m2.any()


@pytest.mark.parametrize("minutes", [30, 10])
def test_finer_files_are_averaged(load_text: Load, kisiju: Site, truth_on: TruthOn, minutes: int) -> None:
    truth, many = truth_on(kisiju, 3), 60 // minutes
    fine = pd.date_range("2023-01-01", periods=8760 * many, freq=f"{minutes}min")
    year = load_text(table("time,ghi", [fine, np.repeat(truth.ghi_w_m2, many)]), kisiju)
    np.testing.assert_allclose(year.ghi_w_m2, truth.ghi_w_m2, rtol=1e-9, atol=1e-9)


def test_half_hour_zones_keep_the_light_where_the_sun_is(load_text: Load, truth_on: TruthOn) -> None:
    kolkata = Site.model_validate(
        {"name": "Kolkata", "latitude": 22.5, "longitude": 88.3, "timezone": "Asia/Kolkata", "currency": "INR"}
    )
    year = load_text(table("time_utc,ghi", [times(), truth_on(kolkata, 0).ghi_w_m2]), kolkata)
    assert year.utc_offset_s == 19_800
    np.testing.assert_allclose(year.ghi_w_m2[24:-24], truth_on(kolkata, 5.5).ghi_w_m2[24:-24], atol=12.0)
    assert year.ghi_w_m2.sum() == pytest.approx(truth_on(kolkata, 0).ghi_w_m2.sum(), rel=1e-9)


def test_several_years_give_one_per_draw(load_text: Load, kisiju: Site, truth_on: TruthOn) -> None:
    truth = truth_on(kisiju, 3)
    three = times("2021-01-01", 26_280)
    ghi = np.concatenate([truth.ghi_w_m2 * share for share in (1.1, 0.9, 1.0)])
    year = load_text(table("time,ghi", [three, ghi]), kisiju)
    assert year.year == 2023
    np.testing.assert_allclose(year.ghi_w_m2, truth.ghi_w_m2, atol=1e-6)
    assert any("3 whole years in the file, 2023 is used" in note for note in year.notes)


def test_a_typical_year_with_a_time_column(load_text: Load, kisiju: Site, truth_on: TruthOn) -> None:
    truth = truth_on(kisiju, 3)
    year = load_text(table("time,ghi", [[mixed(moment) for moment in times()], truth.ghi_w_m2]), kisiju)
    np.testing.assert_allclose(year.ghi_w_m2, truth.ghi_w_m2, atol=1e-6)
    assert any("months from different years" in note for note in year.notes)


def test_date_and_time_in_two_columns_in_any_order(load_text: Load, kisiju: Site, truth_on: TruthOn) -> None:
    truth = truth_on(kisiju, 3)
    dates, clocks = ([f"{moment:{form}}" for moment in times()] for form in ("%d/%m/%Y", "%H:%M"))
    rows = table("Date,Time,GHI", [dates, clocks, truth.ghi_w_m2]).splitlines()
    year = load_text("\n".join([rows[0], *reversed(rows[1:])]), kisiju)
    np.testing.assert_allclose(year.ghi_w_m2, truth.ghi_w_m2, atol=1e-6)


def test_quoted_cells(load_text: Load, kisiju: Site, truth_on: TruthOn) -> None:
    truth = truth_on(kisiju, 3)
    quoted = [f'"{moment}"' for moment in times()]
    year = load_text(table('"time","ghi"', [quoted, truth.ghi_w_m2]), kisiju)
    np.testing.assert_allclose(year.ghi_w_m2, truth.ghi_w_m2, atol=1e-6)
