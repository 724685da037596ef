"""The command line as a person or a program meets it: text, JSON and exit codes."""

import json
from pathlib import Path

import pytest

from microgrid import __version__
from microgrid.__main__ import main
from microgrid.cli.new_site import templates
from microgrid.config import read
from sim.scenario import Scenario

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_help_groups_the_commands(capsys: Captured) -> None:
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    assert "Files" in text
    assert "About" in text
    assert main([]) == 0
    assert capsys.readouterr().out == text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["chekc"], "MG-U001: no such command 'chekc'. Did you mean 'check'?\n   fix: microgrid --help\n"),
        (["check", "--fxi"], "MG-U001: no such option: --fxi"),
        (["new"], "MG-U001: missing argument 'name'\n   fix: microgrid new --help\n"),
        (["check", "--dry-run"], "MG-U001: --dry-run shows what --fix would do\n   fix: add --fix\n"),
        (["explain", "MG-Z999"], "MG-U002: there is no code 'MG-Z999'"),
        (["new", "a", "-t", "lamp"], "MG-U003: there is no template 'lamp'\n   fix: did you mean 'lamps'?\n"),
        (["schema", "senario"], "MG-U006: there is no schema 'senario'\n   fix: did you mean 'scenario'?\n"),
        (["check", "nowhere.yaml"], "MG-C010: there is no file 'nowhere.yaml'"),
        (["check", "."], "MG-C011: there is no scenario in the folder '.'"),
        (["weather", "-97.4", "39.3"], "MG-U001: invalid value for 'latitude'"),
    ],
)
def test_wrong_call_is_answered_with_2(here: Path, capsys: Captured, arguments: list[str], message: str) -> None:
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith(message)
    assert captured.out == ""
    assert list(here.iterdir()) == []


def test_problems_are_an_object_for_programs(here: Path, capsys: Captured) -> None:
    assert main(["new", "../out", "--json"]) == 2
    answer = json.loads(capsys.readouterr().out)
    assert answer["schema"] == "microgrid.problems/1"
    assert answer["exit_code"] == 2
    assert [problem["code"] for problem in answer["problems"]] == ["MG-U004"]
    assert list(here.iterdir()) == []


@pytest.mark.parametrize("template", templates())
def test_new_makes_a_scenario_that_can_be_read(here: Path, capsys: Captured, template: str) -> None:
    assert main(["new", "my-village", "--template", template]) == 0
    captured = capsys.readouterr()
    assert captured.out == "my-village/scenario.yaml\n"
    assert captured.err.endswith("microgrid check my-village\n")
    assert read(here / "my-village" / "scenario.yaml", Scenario).site.name == "my-village"
    assert [path.name for path in here.iterdir()] == ["my-village"]


def test_new_never_writes_over(here: Path, capsys: Captured) -> None:
    (here / "kisiju").mkdir()
    assert main(["new", "kisiju"]) == 2
    assert capsys.readouterr().err.startswith("MG-U005: 'kisiju' is there already; nothing was changed")
    assert list((here / "kisiju").iterdir()) == []


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "-x y", "con", "a" * 65, "düka", "a\nb"])
def test_names_that_are_no_folder_are_refused(here: Path, capsys: Captured, name: str) -> None:
    assert main(["new", "--", name]) == 2
    assert capsys.readouterr().err.startswith("MG-U004")
    assert list(here.iterdir()) == []


@pytest.mark.parametrize("code", ["MG-C003", "mg-c003", "C003", "c3", " C-3"])
def test_explain_takes_a_code_as_people_type_it(capsys: Captured, code: str) -> None:
    assert main(["explain", code]) == 0
    assert capsys.readouterr().out.startswith("MG-C003  A number is outside its bounds\n   why: ")


def test_explain_lists_all_codes_as_data(capsys: Captured) -> None:
    assert main(["explain", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["schema"] == "microgrid.explain/1"
    assert {"code", "title", "why", "fix"} == set(answer["codes"][0])
    assert main(["explain"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(answer["codes"])


def test_schema_describes_what_people_write(capsys: Captured) -> None:
    assert main(["schema"]) == 0
    plain = json.loads(capsys.readouterr().out)
    assert plain["$schema"].startswith("https://json-schema.org/")
    assert "^[A-Za-z]{3}_per_[A-Za-z]{3}$" in plain["$defs"]["ExchangeRate"]["patternProperties"]
    assert main(["schema", "scenario", "--json"]) == 0
    wrapped = json.loads(capsys.readouterr().out)
    assert wrapped == {"schema": "microgrid.schema/1", "name": "scenario", "json_schema": plain}


def test_version_is_the_package_version(capsys: Captured) -> None:
    assert main(["version"]) == 0
    assert capsys.readouterr().out == f"microgrid {__version__}\n"
    assert main(["version", "--full", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["version"] == __version__


def spoilt(folder: Path) -> Path:
    main(["new", "village"])
    path = folder / "village" / "scenario.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("  latitude:", "  latitud:").replace("years: 20", "years: 200"), encoding="utf-8")
    return path


def test_check_says_every_mistake_on_standard_error(here: Path, capsys: Captured) -> None:
    spoilt(here)
    capsys.readouterr()
    assert main(["check", "village"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "village/scenario.yaml:8:3: MG-C001: unknown key 'latitud' in site" in captured.err
    assert "MG-C003: goal.years must be between 1 and 50, got 200" in captured.err
    assert captured.err.endswith("village/scenario.yaml: 2 mistakes\n")


def test_check_answers_programs_with_places(here: Path, capsys: Captured) -> None:
    spoilt(here)
    capsys.readouterr()
    assert main(["check", "village", "--json"]) == 2
    answer = json.loads(capsys.readouterr().out)
    assert answer["schema"] == "microgrid.check/1"
    (file,) = answer["files"]
    assert file["ok"] is False
    assert file["understood"] is None
    assert file["mistakes"][0]["line"] == 8
    assert file["mistakes"][0]["column"] == 3


def test_check_of_a_folder_checks_every_file(here: Path, capsys: Captured) -> None:
    for name in ("a.yaml", "b.yaml"):
        (here / name).write_text("seed: x\n", encoding="utf-8")
    assert main(["check", "--json"]) == 2
    assert [file["file"] for file in json.loads(capsys.readouterr().out)["files"]] == ["a.yaml", "b.yaml"]


def test_dry_run_shows_the_repair_and_writes_nothing(here: Path, capsys: Captured) -> None:
    path = spoilt(here)
    before = path.read_bytes()
    capsys.readouterr()
    assert main(["check", "village", "--fix", "--dry-run"]) == 2
    assert "+  latitude: -7.42" in capsys.readouterr().err
    assert path.read_bytes() == before


def test_fix_repairs_what_is_safe_and_says_the_rest(here: Path, capsys: Captured) -> None:
    path = spoilt(here)
    capsys.readouterr()
    assert main(["check", "village", "--fix"]) == 2
    text = capsys.readouterr().err
    assert "MG-C001" not in text
    assert text.endswith("village/scenario.yaml: 1 mistake\n")
    assert "  latitude: -7.42 # degrees, north positive\n" in path.read_text(encoding="utf-8")


def test_check_says_what_was_understood(here: Path, capsys: Captured) -> None:
    path = spoilt(here)
    text = path.read_text(encoding="utf-8").replace("latitud:", "latitude:").replace("years: 200", "years: 20")
    path.write_text(text, encoding="utf-8")
    capsys.readouterr()
    assert main(["check", "village"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "OK  village/scenario.yaml"
    assert lines[1] == "  time      8,760 steps of 60 min, Africa/Dar_es_Salaam"
    day = next(line for line in lines if line.startswith("  mean day"))
    assert len(day.split("|")[1]) == 24


def test_odd_but_allowed_value_is_a_finding(here: Path, capsys: Captured) -> None:
    path = spoilt(here)
    text = path.read_text(encoding="utf-8").replace("latitud:", "latitude:").replace("years: 200", "years: 20")
    path.write_text(text.replace("pv_kw: [5, 80]", "pv_kw: 40000"), encoding="utf-8")
    capsys.readouterr()
    assert main(["check", "village", "--json"]) == 1
    (file,) = json.loads(capsys.readouterr().out)["files"]
    assert file["ok"] is True
    assert [oddity["code"] for oddity in file["oddities"]] == ["MG-C070"]
    assert file["understood"]["connections"] == 87
