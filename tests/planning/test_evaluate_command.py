"""`microgrid evaluate`: one design, its energy to the kilowatt-hour, its money to the cent, its exit code."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from microgrid.__main__ import main

Captured = pytest.CaptureFixture[str]
Village = Callable[..., Path]


def answer_of(capsys: Captured, arguments: list[str]) -> tuple[int, dict[str, Any]]:
    code = main([*arguments, "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_a_design_that_is_enough(village: Village, capsys: Captured) -> None:
    code, answer = answer_of(capsys, ["evaluate", str(village())])
    assert code == 0
    assert answer["schema"] == "microgrid.evaluate/1"
    # 12 kW x 0.5 x 12 h = 72 kWh a day against 2 kW x 24 h = 48 kWh; 2 kW x 12 h of it at night
    assert answer["load_kwh"] == pytest.approx(48 * 365, rel=1e-9)
    assert answer["served_kwh"] == pytest.approx(48 * 365, rel=1e-9)
    assert answer["pv_kwh"] == pytest.approx(72 * 365, rel=1e-9)
    # full at 18:00 of the last evening but for the six hours of the year's last night
    assert answer["battery_discharge_kwh"] == pytest.approx(24 * 365, rel=1e-9)
    assert answer["battery_gain_kwh"] == pytest.approx(-12, rel=1e-9)
    assert answer["spilled_kwh"] == pytest.approx(24 * 365 + 12, rel=1e-9)
    assert abs(answer["imbalance_kwh"]) < 1e-6
    assert answer["capex"] == 12 * 500 + 60 * 200 + 5 * 100
    # nothing is replaced in two years; panels last 25, the battery 10, the inverter what the catalogue says
    assert answer["unserved_hours"] == 0
    assert answer["longest_outage_hours"] == 0
    assert [year["served_kwh"] for year in answer["years"]] == pytest.approx([48 * 365] * 2)
    assert sum(year["discounted"] for year in answer["cash_flow"]) == pytest.approx(answer["npc"], abs=0.01)
    parts = answer["breakdown"].values()
    assert sum(sum(flow.values()) for flow in parts) == pytest.approx(answer["npc"], abs=0.05)


def test_a_design_that_is_not_enough_is_a_finding(village: Village, capsys: Captured) -> None:
    code, answer = answer_of(capsys, ["evaluate", str(village()), "--battery-kwh", "12"])
    assert code == 0
    assert answer["meets_goal"] is False
    # the battery lasts from 18:00 to midnight, and the 12 kWh until 06:00 are missing, but on the first day, which
    # begins with a full battery; the second year begins with an empty one
    assert answer["unserved_kwh"] == pytest.approx(12 * 364, rel=1e-9)
    assert answer["unserved_hours"] == 6 * 364
    assert answer["longest_outage_hours"] == 6
    assert answer["unserved_fraction"] == pytest.approx(12 * (364 + 365) / (2 * 48 * 365), rel=1e-9)


def test_people_read_that_a_design_misses_the_goal(village: Village, capsys: Captured) -> None:
    folder = village()
    assert main(["evaluate", str(folder), "--battery-kwh", "12"]) == 0
    assert "misses the goal: at most 0.00% may stay unserved" in capsys.readouterr().out
    assert main(["evaluate", str(folder)]) == 0
    assert "misses the goal" not in capsys.readouterr().out


def test_further_sources_are_named_and_counted(village: Village, capsys: Captured) -> None:
    folder = village(inverter_kw="5\n  sources: [{name: hydro, file: hydro.csv, kw: 2}]")
    (folder / "hydro.csv").write_text("\n".join(["kw_per_kw", *["0.5"] * 8760]) + "\n")
    assert main(["evaluate", str(folder)]) == 0
    told = capsys.readouterr().out
    assert "inverter 5 kW · hydro 2 kW\n" in told
    assert f"other sources   {8760:>12,} kWh" in told


def test_a_script_can_ask_for_the_goal(village: Village, capsys: Captured) -> None:
    assert main(["evaluate", str(village()), "--require-goal"]) == 0
    assert main(["evaluate", str(village()), "--battery-kwh", "12", "--require-goal"]) == 1
    assert "misses the goal" in capsys.readouterr().out


def test_an_engine_fills_the_nights(village: Village, capsys: Captured) -> None:
    code, answer = answer_of(capsys, ["evaluate", str(village()), "--battery-kwh", "0", "--genset-kw", "4"])
    assert code == 0
    assert answer["genset_kwh"] == pytest.approx(24 * 365)
    assert answer["genset_hours"] == 12 * 365
    assert answer["genset_starts"] == 366  # one is running at midnight of 1 January
    litres = 12 * 365 * 4 * 0.08145 + 24 * 365 * 0.246 + 366 * 0.05  # the catalogue's diesel
    assert answer["fuel_litres"] == pytest.approx(litres, abs=0.001)
    assert answer["renewable_fraction"] == pytest.approx(0.5)


def test_a_range_needs_a_size(village: Village, capsys: Captured) -> None:
    folder = village(pv_kw="[5, 80]", battery_kwh="[10, 40, 90]")
    assert main(["evaluate", str(folder)]) == 2
    text = capsys.readouterr().err
    assert "MG-U012: --pv-kw is missing: the scenario gives a range, [5.0, 80.0]" in text
    assert "MG-U012: --battery-kwh is missing" in text  # both at once
    assert main(["evaluate", str(folder), "--pv-kw", "-3", "--battery-kwh", "40"]) == 2
    assert "MG-U011: --pv-kw must not be negative, got -3" in capsys.readouterr().err


def test_a_year_outside_the_project_is_refused(village: Village, capsys: Captured) -> None:
    assert main(["evaluate", str(village()), "--year", "3"]) == 2
    assert capsys.readouterr().err.startswith("MG-U010: --year must be 1 to 2, got 3\n")


def test_the_series_holds_every_step_of_the_year(village: Village, capsys: Captured, tmp_path: Path) -> None:
    series = tmp_path / "out.csv"
    code, answer = answer_of(capsys, ["evaluate", str(village()), "--battery-kwh", "12", "--series", str(series)])
    assert code == 0
    assert answer["meets_goal"] is False
    rows = list(csv.DictReader(series.read_text().splitlines()))
    assert len(rows) == 8760
    assert sum(float(row["unserved_w"]) for row in rows) / 1000 == pytest.approx(answer["unserved_kwh"], abs=0.1)


def test_a_peak_too_high_for_the_inverter_is_a_finding(village: Village, capsys: Captured) -> None:
    code, answer = answer_of(capsys, ["evaluate", str(village()), "--inverter-kw", "1", "--genset-kw", "0"])
    assert code == 0
    assert answer["meets_goal"] is False
    assert answer["carries_peaks"] is False


def test_parameters_of_the_catalogue_are_checked(village: Village, capsys: Captured) -> None:
    folder = village(battery="lfp\n  start_soc: 0.5", panel="{degradation_per_yaer: 0}")
    assert main(["evaluate", str(folder)]) == 2
    text = capsys.readouterr().err
    assert "MG-C046: unknown key 'degradation_per_yaer'" in text
    assert "did you mean 'degradation_per_year'?" in text


def test_the_battery_starts_where_the_planner_says(village: Village, capsys: Captured) -> None:
    (folder := village()).joinpath("scenario.yaml").write_text(
        (folder / "scenario.yaml").read_text().replace("  battery: lfp", "  battery: lfp\n  start_soc: 0.0")
    )
    code, answer = answer_of(capsys, ["evaluate", str(folder)])
    assert code == 0
    assert answer["meets_goal"] is False
    assert answer["unserved_kwh"] == pytest.approx(12)  # the first night, until 06:00


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "MG-D001: cannot read the profile wind.csv"),
        ("kw_per_kw\n" + "0.1\n" * 8759 + "much\n", "wind.csv:8761: MG-D002: 'much' is not a power"),
        ("0.1\n" * 8759, "MG-D003: 8759 rows, but a year at this step has 8760"),
    ],
)
def test_a_wrong_profile_of_a_source_is_said(
    village: Village, capsys: Captured, content: str | None, message: str
) -> None:
    folder = village(genset_kw="0\n  sources: [{name: wind, file: wind.csv, kw: 3}]")
    if content is not None:
        (folder / "wind.csv").write_text(content)
    assert main(["evaluate", str(folder)]) == 2
    assert message in capsys.readouterr().err


def test_a_source_serves_before_the_battery(village: Village, capsys: Captured) -> None:
    folder = village(genset_kw="0\n  sources: [{name: wind, file: wind.csv, kw: 2, cost_per_kw: 1000}]")
    (folder / "wind.csv").write_text("1.0\n" * 8760)
    code, answer = answer_of(capsys, ["evaluate", str(folder), "--pv-kw", "0", "--battery-kwh", "0"])
    assert code == 0
    assert answer["source_kwh"] == pytest.approx(48 * 365)
    assert answer["renewable_fraction"] == 1.0
    assert answer["capex"] == 5 * 100 + 2 * 1000


@pytest.mark.parametrize("size", ["nan", "inf", "1e300", "-1"])
def test_sizes_that_cannot_be_built_are_refused(village: Village, capsys: Captured, size: str) -> None:
    assert main(["evaluate", str(village()), "--pv-kw", size, "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["problems"][0]["code"] == "MG-U011"


@pytest.mark.parametrize("option", ["--series", "--report"])
@pytest.mark.parametrize("name", ["scenario.yaml", "load.csv", "sun.csv", "."])
def test_what_is_read_is_never_written_over(village: Village, capsys: Captured, option: str, name: str) -> None:
    folder = village()
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert main(["evaluate", str(folder), option, str(folder / name)]) == 2
    assert "MG-U013" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
