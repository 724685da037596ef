"""Data files beside a scenario: mistakes of weather and load are said together, and nothing is written."""

from pathlib import Path

import pytest

from microgrid.__main__ import main

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> Path:
    monkeypatch.chdir(tmp_path)
    assert main(["new", "site", "--template", "measured-year"]) == 0
    capsys.readouterr()
    return tmp_path / "site"


def load_rows(loads: list[str]) -> str:
    rows = [f"2025-01-{1 + hour // 24:02d} {hour % 24:02d}:00,{load}" for hour, load in enumerate(loads)]
    return "\n".join(["time,load_kw", *rows, ""])


def test_missing_files_are_both_named(site: Path, capsys: Captured) -> None:
    assert main(["check", "site"]) == 2
    text = capsys.readouterr().err
    assert "MG-D102: cannot read the weather file 'weather.csv'" in text
    assert "MG-D200: cannot read load.csv" in text
    assert text.endswith("site/scenario.yaml: 2 mistakes\n")
    assert [path.name for path in site.iterdir()] == ["scenario.yaml"]


def test_empty_weather_and_text_among_the_loads(site: Path, capsys: Captured) -> None:
    (site / "weather.csv").touch()
    (site / "load.csv").write_text(load_rows(["1.5"] * 30 + ["abc"] + ["1.5"] * 209), encoding="utf-8")
    assert main(["check", "site"]) == 2
    text = capsys.readouterr().err
    assert "weather.csv: MG-D103: the file is empty" in text
    assert "load.csv:32:18: MG-D204: 'abc' in column 'load_kw' is not a number" in text


def test_mistakes_of_the_scenario_come_before_those_of_its_data(site: Path, capsys: Captured) -> None:
    path = site / "scenario.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("seed: 7", "seed: -7"), encoding="utf-8")
    assert main(["check", "site"]) == 2
    assert capsys.readouterr().err.count("MG-") == 1


def test_sources_are_named_with_the_other_files(site: Path, capsys: Captured) -> None:
    path = site / "scenario.yaml"
    sources = "sources: [{name: wind, kw: 1, file: wind.csv}, {name: hydro, kw: 1, file: hydro.csv}]"
    path.write_text(path.read_text(encoding="utf-8").replace("system:\n", f"system:\n  {sources}\n"), encoding="utf-8")
    assert main(["check", "site"]) == 2
    text = capsys.readouterr().err
    assert [f"MG-{code}" in text for code in ("D102", "D200", "D001")] == [True, True, True]
    assert "wind.csv" in text
    assert "hydro.csv" in text
