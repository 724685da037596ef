"""`check --fix`: only wrong characters change, nothing is half written."""

import errno
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from microgrid.config import read
from microgrid.config_mistakes import Edit
from microgrid.config_repair import applied, repaired
from microgrid.errors import Environment
from microgrid.files import write_whole
from sim.scenario import Scenario

KEYS = [
    *("latitude", "longitude", "timezone", "monthly_temp_c", "households", "growth_per_year", "battery_kwh"),
    *("exchange_rate", "pv_per_kw", "battery_per_kwh", "discount", "real_or_nominal", "unserved_fraction_max"),
]


def test_repair_changes_only_what_is_wrong(tmp_path: Path, good: str) -> None:
    path = tmp_path / "site.yaml"
    spoilt = good.replace("latitude: -7.42", "lattitude:   -7.42  # by  GPS").replace("0.02,", "2,")
    path.write_text(spoilt, encoding="utf-8")
    repair = repaired(path, Scenario)
    assert repair.after == good.replace("latitude: -7.42", "latitude:   -7.42  # by  GPS")
    assert repair.changed
    assert path.read_text(encoding="utf-8") == spoilt  # asking writes nothing
    assert [line for line in repair.diff.splitlines() if line[0] in "+-"][2:] == [
        "-  lattitude:   -7.42  # by  GPS",
        "+  latitude:   -7.42  # by  GPS",
        "-goal: {unserved_fraction_max: 2, years: 20}",
        "+goal: {unserved_fraction_max: 0.02, years: 20}",
    ]


def test_right_file_needs_no_repair(tmp_path: Path, good: str) -> None:
    path = tmp_path / "site.yaml"
    path.write_text(good, encoding="utf-8")
    assert not repaired(path, Scenario).changed


def test_repair_leaves_alone_what_a_person_must_decide(tmp_path: Path, good: str) -> None:
    path = tmp_path / "site.yaml"
    for old, new in [
        ("latitude: -7.42", "latitude: -97.42"),
        ("Africa/Dar_es_Salaam", "Africa/Dodoma"),
        ("inverter_kw: 15", "inverter_kw: -15"),
        ("pv_per_kw: 520", "pv_per_kw: 1,520"),
        ("battery_kwh: [10, 400]", "battery_wh: [10000, 400000]"),
    ]:
        path.write_text(good.replace(old, new), encoding="utf-8")
        assert not repaired(path, Scenario).changed, new


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(key=st.sampled_from(KEYS), place=st.integers(1, 30), letter=st.sampled_from("qxz"))
def test_any_misspelt_key_is_repaired(tmp_path: Path, good: str, key: str, place: int, letter: str) -> None:
    at = 1 + place % (len(key) - 1)
    path = tmp_path / "site.yaml"
    path.write_text(good.replace(f"{key}:", f"{key[:at]}{letter}{key[at:]}:"), encoding="utf-8")
    assert repaired(path, Scenario).after == good


@given(st.text("abc\n", max_size=30), st.lists(st.tuples(st.integers(0, 30), st.integers(0, 5)), max_size=5))
def test_edits_of_nothing_change_nothing(text: str, spans: list[tuple[int, int]]) -> None:
    edits = [
        Edit(start, min(start + size, len(text)), text[start : start + size])
        for start, size in spans
        if start <= len(text)
    ]
    assert applied(text, edits) == text


def test_repaired_file_can_be_read(tmp_path: Path, good: str) -> None:
    path = tmp_path / "site.yaml"
    spoilt = good.replace("site:", "sites:").replace("currency: TZS", "curency: TZS").replace("0.09", "9%")
    path.write_text(spoilt, encoding="utf-8")
    write_whole(path, repaired(path, Scenario).after)
    assert read(path, Scenario).rates.discount == 0.09


@pytest.mark.parametrize(
    ("number", "code"),
    [(errno.ENOSPC, "MG-E002"), (errno.EDQUOT, "MG-E002"), (errno.EACCES, "MG-E003"), (errno.EROFS, "MG-E003")],
)
def test_full_or_forbidden_disk_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, code: str
) -> None:
    path = tmp_path / "site.yaml"
    path.write_text("old", encoding="utf-8")

    def refuse(_file: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(Environment, match=code):
        write_whole(path, "new")
    assert [file.name for file in tmp_path.iterdir()] == ["site.yaml"]
    assert path.read_text(encoding="utf-8") == "old"


def test_written_file_keeps_its_permissions(tmp_path: Path) -> None:
    path = tmp_path / "site.yaml"
    write_whole(path, "one")
    path.chmod(0o600)
    write_whole(path, b"two")
    assert path.read_bytes() == b"two"
    assert path.stat().st_mode & 0o777 == 0o600


def test_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(Environment, match=r"MG-E003: .* there is no folder"):
        write_whole(tmp_path / "nowhere" / "site.yaml", "text")
