"""Files that cannot be read at all, many mistakes at once, and what comes out of a right file."""

import datetime
from collections.abc import Callable
from pathlib import Path

import pytest

from microgrid.config import locate, read
from microgrid.errors import InvalidInput, Problem, as_text
from sim.scenario import Scenario

Spoil = Callable[..., tuple[Problem, ...]]

UNREADABLE = [
    (b"", "MG-C009", 0, "the file is empty"),
    (b"# nothing but a remark\n", "MG-C009", 0, "the file is empty"),
    (b"site:\n\tname: Kisiju\n", "MG-C007", 2, "a tab stands where YAML needs spaces"),
    (b"seed: 7\nsite: {name: K\n", "MG-C007", 3, "this is not YAML: expected ',' or '}', but got '<stream end>'"),
    (b"seed: 7\nseed: 8\n", "MG-C008", 2, "'seed' is written twice"),
    (b"{a: 1}: 2\n", "MG-C007", 1, "a key must be a word, not a list or a section"),
    (b"a: &x [*x]\n", "MG-C007", 1, "this alias contains itself"),
    (b"seed: !!python/name:os.system x\n", "MG-C007", 1, None),
    (b"seed: *nobody\n", "MG-C007", 1, "this is not YAML: found undefined alias 'nobody'"),
    (b"seed: 7\n---\nseed: 8\n", "MG-C007", 2, "this is not YAML: but found another document"),
    (b"name: Kis\xefju\n", "MG-C012", 0, "this is not UTF-8 text (byte 9 is 0xef)"),
    (b"- 1\n- 2\n", "MG-C004", 1, "the file must be a section of keys, got a list of 2"),
]


@pytest.mark.parametrize(("content", "code", "line", "what"), UNREADABLE)
def test_unreadable_file_is_refused(tmp_path: Path, content: bytes, code: str, line: int, what: str | None) -> None:
    path = tmp_path / "site.yaml"
    path.write_bytes(content)
    with pytest.raises(InvalidInput) as refused:
        read(path, Scenario)
    problem = refused.value.problems[0]
    assert (problem.code, problem.line) == (code, line)
    assert what is None or problem.what == what


def test_missing_file_names_its_neighbours(tmp_path: Path) -> None:
    (tmp_path / "kisiju.yaml").touch()
    with pytest.raises(InvalidInput) as refused:
        read(tmp_path / "kisuju.yaml", Scenario)
    assert refused.value.problems[0].code == "MG-C010"
    assert refused.value.problems[0].fix == "in that folder there is: kisiju.yaml"


def test_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="MG-C011"):
        read(tmp_path, Scenario)


def test_folder_stands_for_the_scenario_in_it(tmp_path: Path) -> None:
    (tmp_path / "b.yaml").touch()
    assert locate(tmp_path) == tmp_path / "b.yaml"
    (tmp_path / "a.yaml").touch()
    with pytest.raises(
        InvalidInput, match=r"MG-C011: the folder .* holds several files\n   why: they are a.yaml, b.yaml"
    ):
        locate(tmp_path)
    (tmp_path / "scenario.yaml").touch()
    assert locate(tmp_path) == tmp_path / "scenario.yaml"
    assert locate(tmp_path / "a.yaml") == tmp_path / "a.yaml"


def test_folder_without_scenario_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="MG-C011: there is no scenario in the folder"):
        locate(tmp_path)


def test_right_file_becomes_frozen_data(tmp_path: Path, good: str) -> None:
    path = tmp_path / "site.yaml"
    path.write_text("﻿" + good, encoding="utf-8")
    scenario = read(path, Scenario)
    assert scenario.system.pv_kw == (5.0, 80.0)
    assert scenario.system.inverter_kw == 15.0
    assert scenario.costs.exchange_rate is not None
    assert scenario.costs.exchange_rate.per_unit == 2550
    assert scenario.costs.exchange_rate.on == datetime.date(2026, 11, 1)
    assert read(path, Scenario) == scenario


def test_windows_line_ends_change_nothing(tmp_path: Path, good: str) -> None:
    paths = (tmp_path / "unix.yaml", tmp_path / "windows.yaml")
    paths[0].write_bytes(good.encode())
    paths[1].write_bytes(good.replace("\n", "\r\n").encode())
    assert read(paths[0], Scenario) == read(paths[1], Scenario)


def test_all_mistakes_are_found_at_once_in_the_order_of_the_file(spoil: Spoil) -> None:
    problems = spoil(
        ("name: Kisiju", "nmae: Kisiju"),
        ("latitude: -7.42", "latitude: 142"),
        ("tier: 2", "tier: 6"),
        ("battery: lfp", "battery: lead"),
        ("pv_per_kw: 520", "pv_per_kw: x"),
        ("years: 20", "yeers: 200"),
    )
    assert [(problem.line, problem.code) for problem in problems] == [
        (2, "MG-C001"),
        (3, "MG-C003"),
        (12, "MG-C003"),
        (18, "MG-C041"),
        (22, "MG-C004"),
        (26, "MG-C001"),
        (26, "MG-C003"),  # a misspelt key does not hide that its value is wrong as well
    ]


def test_long_list_of_mistakes_is_cut_and_counted(spoil: Spoil) -> None:
    keys = "".join(f"  zz{number}: 1\n" for number in range(23))
    text = as_text(spoil(("  growth_per_year: 0.04\n", keys)))
    assert text.count("MG-C001") == 20
    assert text.endswith("\n\nand 3 more")


def test_long_line_is_shown_around_its_place(spoil: Spoil) -> None:
    name = "K" * 150
    shown = str(
        spoil(("site:\n  name: Kisiju", f"site:\n  {{name: {name}, latitud: 1"), ("  latitude: -7.42\n", ""))[0]
    )
    assert max(len(line) for line in shown.splitlines()[1:3]) <= 7 + 106
