"""Files that a careless planner may give: each is refused with what is wrong and where, or filled and said."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from microgrid.errors import InvalidInput, Problem
from sim.scenario import Site, Weather
from sim.weather.load import load_weather
from sim.weather.series import WeatherYear

Load = Callable[..., WeatherYear]
TruthOn = Callable[[Site, float], Any]


@pytest.fixture
def rows(kisiju: Site, truth_on: TruthOn) -> list[str]:
    truth = truth_on(kisiju, 3)
    times = pd.date_range("2023-01-01", periods=8760, freq="h")
    return [
        "time,ghi_w_m2,temp_c",
        *(f"{t:%Y-%m-%d %H:%M},{g:.3f},{c:.3f}" for t, g, c in zip(times, truth.ghi_w_m2, truth.temp_c, strict=True)),
    ]


def refused(load_text: Load, text: str | list[str], site: Site, **said: str) -> tuple[Problem, ...]:
    with pytest.raises(InvalidInput) as raised:
        load_text(text if isinstance(text, str) else "\n".join(text), site, **said)
    assert all(problem.fix for problem in raised.value.problems)
    return raised.value.problems


def test_two_short_gaps_are_filled_on_the_true_curve(
    load_text: Load, kisiju: Site, rows: list[str], truth_on: TruthOn
) -> None:
    noon, night = 24 * 50 + 12, 24 * 90 + 1
    kept = [row for at, row in enumerate(rows) if at - 1 not in {noon, noon + 1, night}]
    year = load_text("\n".join(kept), kisiju)
    np.testing.assert_allclose(year.ghi_w_m2, truth_on(kisiju, 3).ghi_w_m2, atol=1.0)
    assert any("2 gaps (3 h) filled by interpolation: 02-20 12:00 (line 1213)" in note for note in year.notes)
    assert year.fills == ()


def test_empty_cells_and_markers_are_gaps(load_text: Load, kisiju: Site, rows: list[str]) -> None:
    rows[13], rows[40], rows[62] = "2023-01-01 12:00,,30", "2023-01-02 15:00,-999,30", "2023-01-03 13:00,700,nan"
    year = load_text("\n".join(rows), kisiju)
    assert np.isfinite(year.ghi_w_m2).all()
    assert np.isfinite(year.temp_c).all()
    assert any("3 gaps" in note for note in year.notes)


def test_a_five_hour_gap_is_refused_with_its_line(load_text: Load, kisiju: Site, rows: list[str]) -> None:
    del rows[1000:1005]
    (problem,) = refused(load_text, rows, kisiju)
    assert problem.code == "MG-D112"
    assert problem.line == 1000
    assert "missing for 5 h from 02-11 15:00" in problem.what
    assert "fill: long" in problem.fix


def test_a_five_hour_gap_is_filled_on_request_and_marked(
    load_text: Load, kisiju: Site, rows: list[str], truth_on: TruthOn
) -> None:
    del rows[1000:1005]
    year = load_text("\n".join(rows), kisiju, fill="long")
    np.testing.assert_allclose(year.ghi_w_m2, truth_on(kisiju, 3).ghi_w_m2, atol=1.0)
    assert year.fills == ("global light, temperature from 02-11 15:00 for 5 h filled from neighbouring days",)


def test_every_bad_cell_is_named_at_once(load_text: Load, kisiju: Site, rows: list[str]) -> None:
    rows[12] = "2023-01-01 11:00,sunny,30"
    rows[30] = "2023-01-02 05:00,0,warm"
    found = refused(load_text, rows, kisiju)
    assert [(problem.code, problem.line) for problem in found] == [("MG-D107", 13), ("MG-D107", 31)]
    assert "column 2 (ghi_w_m2) has the text 'sunny'" in found[0].what


@pytest.mark.parametrize(
    ("cells", "words"),
    [("-80,25", "-80 W/m2"), ("2200,25", "2200 W/m2"), ("700,451", "451 degC"), ("700,-90", "-90 degC")],
)
def test_values_no_weather_has(load_text: Load, kisiju: Site, rows: list[str], cells: str, words: str) -> None:
    rows[12] = f"2023-01-01 11:00,{cells}"
    (problem,) = refused(load_text, rows, kisiju)
    assert (problem.code, problem.line) == ("MG-D108", 13)
    assert words in problem.what


def test_a_dark_sensor_below_zero_is_zero(load_text: Load, kisiju: Site, rows: list[str]) -> None:
    rows[2] = "2023-01-01 01:00,-3.2,25"
    assert load_text("\n".join(rows), kisiju).ghi_w_m2.min() == 0.0


def test_kilowatts_in_a_watt_column(load_text: Load, kisiju: Site, truth_on: TruthOn) -> None:
    text = "ghi\n" + "\n".join(f"{g / 1000:.5f}" for g in truth_on(kisiju, 3).ghi_w_m2)
    (problem,) = refused(load_text, text, kisiju)
    assert problem.code == "MG-D109"
    assert "ghi_kw_m2" in problem.fix


@pytest.mark.parametrize("text", ["", "\n\n", "\ufeff"])
def test_empty_files(load_text: Load, kisiju: Site, text: str) -> None:
    assert [problem.code for problem in refused(load_text, text, kisiju)] == ["MG-D103"]


def test_only_a_header(load_text: Load, kisiju: Site) -> None:
    (problem,) = refused(load_text, "time,ghi\n", kisiju)
    assert problem.code == "MG-D103"


def test_unknown_columns_get_a_suggestion(load_text: Load, kisiju: Site, rows: list[str]) -> None:
    rows[0] = "time,ghii_w_m2,temp_c"
    (problem,) = refused(load_text, rows, kisiju)
    assert problem.code == "MG-D106"
    assert "did you mean 'ghi_w_m2' for 'ghii_w_m2'" in problem.fix


def test_a_missing_file_says_where_it_was_looked_for(kisiju: Site, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as raised:
        load_weather(Weather.model_validate({"file": "gone.csv"}), kisiju, tmp_path, 60, 1)
    assert raised.value.problems[0].code == "MG-D102"


def test_a_spreadsheet_is_not_text(load_text: Load, kisiju: Site) -> None:
    assert refused(load_text, "PK\x03\x04\0\0", kisiju)[0].code == "MG-D104"


def test_another_format_than_asked_for(load_text: Load, kisiju: Site, rows: list[str]) -> None:
    (problem,) = refused(load_text, rows, kisiju, format="tmy3")
    assert problem.code == "MG-D104"
    assert "format: csv" in problem.fix


@pytest.mark.parametrize("count", [8759, 8761, 24])
def test_rows_that_are_no_year(load_text: Load, kisiju: Site, truth_on: TruthOn, count: int) -> None:
    ghi = np.resize(truth_on(kisiju, 3).ghi_w_m2, count)
    (problem,) = refused(load_text, "ghi\n" + "\n".join(map(str, ghi)), kisiju)
    assert problem.code == "MG-D110"
    assert f"{count} rows" in problem.what


def test_half_a_year(load_text: Load, kisiju: Site, rows: list[str]) -> None:
    (problem,) = refused(load_text, rows[:4000], kisiju)
    assert problem.code == "MG-D110"
    assert "166.6 days" in problem.what


def test_a_repeated_hour(load_text: Load, kisiju: Site, rows: list[str]) -> None:
    rows.insert(101, rows[100])
    (problem,) = refused(load_text, rows, kisiju)
    assert (problem.code, problem.line) == ("MG-D111", 102)
    assert "01-05 03:00" in problem.what


def test_an_unreadable_time(load_text: Load, kisiju: Site, rows: list[str]) -> None:
    rows[5] = "tomorrow,0,25"
    (problem,) = refused(load_text, rows, kisiju)
    assert problem.line == 6


def test_a_row_with_too_few_cells(load_text: Load, kisiju: Site, rows: list[str]) -> None:
    rows[7] = "2023-01-01 06:00,12"
    (problem,) = refused(load_text, rows, kisiju)
    assert (problem.code, problem.line) == ("MG-D105", 8)


@pytest.mark.parametrize("hours", [-3, 2, 8, 12])
def test_light_on_another_clock_is_refused(load_text: Load, kisiju: Site, truth_on: TruthOn, hours: int) -> None:
    text = "ghi\n" + "\n".join(f"{g:.3f}" for g in np.roll(truth_on(kisiju, 3).ghi_w_m2, hours))
    (problem,) = refused(load_text, text, kisiju)
    assert problem.code == "MG-D113"
    assert f"{abs(hours)}.0 h" in problem.what


def test_light_an_hour_late_is_named(load_text: Load, kisiju: Site, truth_on: TruthOn) -> None:
    late = np.roll(truth_on(kisiju, 3).ghi_w_m2, 1)
    year = load_text("ghi\n" + "\n".join(f"{g:.3f}" for g in late), kisiju)
    assert any("1.0 h after the sun's" in note for note in year.notes)


def test_no_light_all_year(load_text: Load, kisiju: Site) -> None:
    assert refused(load_text, "ghi\n" + "0\n" * 8760, kisiju)[0].code == "MG-D108"


def test_direct_light_alone_is_not_enough(load_text: Load, kisiju: Site) -> None:
    assert refused(load_text, "dni\n" + "300\n" * 8760, kisiju)[0].code == "MG-D106"


@pytest.mark.parametrize("cut", [20_000, 300_000])
def test_a_download_that_was_cut_off(load_text: Load, kisiju: Site, cut: int) -> None:
    head = "Latitude (decimal degrees): -7.4\nLongitude (decimal degrees): 39.3\nElevation (m): 5\nmonth,year\n"
    months = "".join(f"{month},2010\n" for month in range(1, 13))
    stamps = pd.date_range("2010-01-01", periods=8760, freq="h")
    body = "".join(f"{t:%Y%m%d:%H%M},25,50,0,0,0,400,2,90,101000\n" for t in stamps)
    text = head + months + "time(UTC),T2m,RH,G(h),Gb(n),Gd(h),IR(h),WS10m,WD10m,SP\n" + body
    (problem,) = refused(load_text, text[:cut], kisiju)
    assert problem.code == "MG-D105"


def test_rows_an_odd_number_of_minutes_apart(load_text: Load, kisiju: Site) -> None:
    times = pd.date_range("2023-01-01", periods=12_514, freq="42min")
    (problem,) = refused(load_text, "time,ghi\n" + "\n".join(f"{t},100" for t in times), kisiju)
    assert problem.code == "MG-D115"
    assert "42 minutes apart" in problem.what


def test_broken_json(load_text: Load, kisiju: Site) -> None:
    (problem,) = refused(load_text, '{"outputs": {"tmy_hourly": [', kisiju)
    assert problem.code == "MG-D105"


def test_text_in_a_number_column_of_a_station_file(load_text: Load, kisiju: Site) -> None:
    head = '1,"K",TZ,3.0,-7.4,39.3,5\nDate (MM/DD/YYYY),Time (HH:MM),GHI (W/m^2),DNI (W/m^2),DHI (W/m^2)\n'
    rows = [f"01/01/1990,{hour:02d}:00,0,0,0" for hour in range(1, 25)]
    rows[9] = "01/01/1990,10:00,4oo,0,0"
    (problem,) = refused(load_text, head + "\n".join(rows), kisiju)
    assert (problem.code, problem.line) == ("MG-D107", 12)
    assert "'4oo'" in problem.what
