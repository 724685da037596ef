"""What is allowed but looks like a slip: said by `check` as a finding, never refused."""

from dataclasses import replace
from pathlib import Path

import pytest

from microgrid.config import examine, placed
from microgrid.errors import Problem
from sim.check import Understanding, oddities
from sim.scenario import Scenario

SEEN = Understanding(
    timezone="Africa/Dar_es_Salaam",
    step_minutes=60,
    steps=8760,
    connections=60,
    sun_kwh_m2_year=1900.0,
    mean_temp_c=26.0,
    pv_kwh_per_kw_year=1600.0,
    demand_kwh_year=21_900.0,
    peak_kw=8.0,
    peak_hour=19,
    peak_minute_kw=10.0,
    most_growth=1.0,
    systems=1,
    mean_day_kw=(2.5,) * 24,
    notes=(),
    fills=(),
)


def findings(folder: Path, text: str, seen: Understanding = SEEN) -> tuple[Problem, ...]:
    path = folder / "site.yaml"
    path.write_text(text, encoding="utf-8")
    examination = examine(path, Scenario)
    assert examination.model is not None, examination.problems
    return placed(examination.document, oddities(examination.model, seen))


def test_ordinary_village_is_not_odd(tmp_path: Path, good: str) -> None:
    assert findings(tmp_path, good) == ()


@pytest.mark.parametrize(
    ("old", "new", "code", "line", "what", "fix"),
    [
        (
            "pv_kw: [5, 80]",
            "pv_kw: 40000",
            "MG-C070",
            15,
            "system.pv_kw: 40000 is 5,000 times the peak (8)",
            "pv_kw: 40",
        ),
        (
            "battery_kwh: [10, 400]",
            "battery_kwh: [10000, 120000]",
            "MG-C070",
            16,
            "system.battery_kwh: 120000 is 2,000 times the energy of a day (60)",
            "battery_kwh: 120",
        ),
        (
            "latitude: -7.42\n  longitude: 39.33",
            "latitude: 39.33\n  longitude: -7.42",
            "MG-C071",
            4,
            "the clock of Africa/Dar_es_Salaam is 3.5 h from the sun at longitude -7.42",
            "latitude: -7.42, longitude: 39.33",
        ),
        (
            "  growth_per_year: 0.04",
            "  connections_by_month: [40, 75]",
            "MG-C072",
            13,
            "connections_by_month reaches 75, but 60 customers are described",
            "describe the other 15, or end the ramp-up there",
        ),
        (
            "  inverter_per_kw: 190\n",
            "",
            "MG-C073",
            19,
            "costs names no inverter_per_kw: the inverter would be free",
            "add  inverter_per_kw: ...  to costs",
        ),
    ],
)
def test_odd_value_is_a_finding(
    tmp_path: Path, good: str, old: str, new: str, code: str, line: int, what: str, fix: str
) -> None:
    (problem,) = findings(tmp_path, good.replace(old, new))
    assert (problem.code, problem.line, problem.what, problem.fix) == (code, line, what, fix)


def test_generator_without_prices_is_two_findings(tmp_path: Path, good: str) -> None:
    text = good.replace("battery: lfp", "battery: lfp\n  genset_kw: [0, 10]")
    assert [problem.code for problem in findings(tmp_path, text)] == ["MG-C073", "MG-C073"]
    text = text.replace("pv_per_kw: 520", "pv_per_kw: 520\n  genset_per_kw: 0\n  fuel_per_litre: 0")
    assert findings(tmp_path, text) == ()


@pytest.mark.parametrize(
    ("zone", "longitude"),
    [("Asia/Shanghai", 76.0), ("Europe/Madrid", -8.0), ("Pacific/Kiritimati", -157.4), ("Asia/Kolkata", 77.2)],
)
def test_honest_zones_are_not_odd(tmp_path: Path, good: str, zone: str, longitude: float) -> None:
    text = good.replace("Africa/Dar_es_Salaam", zone).replace("39.33", str(longitude))
    assert findings(tmp_path, text) == ()


def test_tiny_demand_does_not_divide_by_nothing(tmp_path: Path, good: str) -> None:
    seen = replace(SEEN, peak_kw=0.0, demand_kwh_year=0.0)
    assert {problem.code for problem in findings(tmp_path, good, seen)} == {"MG-C070"}


def test_a_survey_of_a_few_homes_may_stand_for_a_village(tmp_path: Path, good: str) -> None:
    (homes,) = (line for line in good.splitlines() if "tier: 2" in line)
    asked = good.replace(f"  households:\n{homes}", "  survey_file: survey.csv\n  connections_by_month: [85]")
    assert "survey_file" in asked
    sample = replace(SEEN, connections=2, peak_kw=SEEN.peak_kw / 40.0, demand_kwh_year=SEEN.demand_kwh_year / 40.0)
    assert {problem.code for problem in findings(tmp_path, asked, replace(sample, most_growth=1.0))} == {"MG-C070"}
    assert findings(tmp_path, asked, replace(sample, most_growth=42.5)) == ()
