"""The command that tests meters, on a real broker: the emulated meter and both reference clients."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.private_broker import HOW, Broker, broker
from microgrid.__main__ import main

Captured = pytest.CaptureFixture[str]
METER = {
    "meter": "M-104",
    "site": "kisiju",
    "keys": [bytes(range(32)).hex(), bytes(range(32, 64)).hex()],
    "username": "M-104",
    "password": "for the broker",
    "keypad": {"starting_code": 123_456_789, "key": bytes(range(16)).hex()},
}
TESTER = "the tester"
ACL = (
    "user M-104",
    "topic read mg/1/kisiju/M-104/desired",
    "topic read mg/1/kisiju/M-104/request",
    *(f"topic write mg/1/kisiju/M-104/{kind}" for kind in ("reported", "readings", "event", "link")),
    "user tester",
    "topic readwrite mg/1/kisiju/#",
)


@pytest.fixture(scope="module")
def place() -> Iterator[Broker]:
    """Return a broker that lets a meter and a tester do their own, and nobody else anything."""
    with broker({"M-104": METER["password"], "tester": TESTER}, ACL) as running:  # type: ignore[dict-item]  # a text
        if running is None:
            pytest.skip(f"NOT RUN: no broker here; to run: {HOW}")
        yield running


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with the meter's keys and the tester's password."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "meters.jsonl").write_text(json.dumps(METER) + "\n", encoding="utf-8")
    (tmp_path / "tester").write_text(f"{TESTER}\n", encoding="utf-8")
    return tmp_path


def conform(place: Broker, *words: str) -> int:
    access = ["--broker", place.address, "--user", "tester", "--password-file", "tester"]
    return main(["device", "conform", "M-104", "--keys", "meters.jsonl", *access, *words])


def told(capsys: Captured) -> tuple[dict[str, Any], str]:
    out, err = capsys.readouterr()
    return json.loads(out), err


@pytest.mark.parametrize(
    ("bench", "profile", "verdicts"),
    [
        ("emulated", "M", {"passed": 51, "failed": 0, "cannot": 0, "not tried": 0}),
        ("c99", "S", {"passed": 40, "failed": 0, "cannot": 8, "not tried": 0}),
        ("python", "S", {"passed": 33, "failed": 0, "cannot": 14, "not tried": 1}),
        ("emulated", "T", {"passed": 6, "failed": 0, "cannot": 0, "not tried": 0}),
    ],
)
@pytest.mark.usefixtures("folder")
def test_the_meters_that_are_here_conform(
    place: Broker, capsys: Captured, bench: str, profile: str, verdicts: dict[str, int]
) -> None:
    if bench == "c99" and shutil.which("gcc") is None:
        pytest.skip("NOT RUN: no C compiler here; to run: apt-get install -y --no-install-recommends gcc libc6-dev")
    words = ["--profile", profile, "--bench", bench, "--wait", "15"]  # a busy machine starts a program slowly
    assert conform(place, *words, "--report", "certificate.html") == 0
    certificate, talk = told(capsys)
    assert [check for check in certificate["checks"] if check["verdict"] == "failed"] == []
    assert certificate["counts"] == verdicts
    assert (certificate["schema"], certificate["conforms"]) == ("microgrid.conformance/1", True)
    assert len(re.findall(r"^C\d\d passed ", talk, re.MULTILINE)) == verdicts["passed"]
    page = Path("certificate.html").read_text(encoding="utf-8")
    assert certificate["sentence"] in page


@pytest.mark.usefixtures("folder")
def test_a_meter_with_another_key_is_not_the_one(place: Broker, capsys: Captured) -> None:
    other = {**METER, "keys": [bytes(32).hex(), None]}
    Path("others.jsonl").write_text(json.dumps(other) + "\n", encoding="utf-8")
    keys = Path("others.jsonl").resolve()
    meter = f"{sys.executable} -m device.conformance_stand {place.address.replace(':', ' ')} {keys} M-104 S"
    root = Path(__file__).parents[2]
    words = ["--wait", "1", "--bench", f"env PYTHONPATH={root} {meter}"]
    assert conform(place, *words) == 1
    certificate, _ = told(capsys)
    first, *others = certificate["checks"]
    assert (first["number"], first["verdict"]) == ("C01", "failed")
    assert first["why"] == "nobody answered as M-104 of kisiju within 1 s, proven with the key given"
    assert {check["verdict"] for check in others} == {"not tried"}


@pytest.mark.usefixtures("folder")
def test_what_cannot_be_tested_is_said_with_the_remedy(place: Broker, capsys: Captured) -> None:
    wrong = {
        "MG-M090": [["--keys", "nowhere.jsonl"], ["--keys", "tester"]],
        "MG-M091": [["--broker", "here:there"], ["--only", "C99"], ["--only", "C50"], ["--profile", "G"]],
        "MG-M092": [
            ["--broker", "127.0.0.1:9"],
            ["--user", "a stranger"],
            ["--bench", "/nowhere/bench"],
            ["--bench", "false"],
        ],
    }
    for code, cases in wrong.items():
        for words in cases:
            assert conform(place, "--wait", "2", *words) == (3 if code == "MG-M092" else 2)
            assert code in capsys.readouterr().err


@pytest.mark.usefixtures("folder")
def test_when_nobody_is_at_the_terminal_the_test_ends(
    place: Broker, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    stand = subprocess.Popen(
        [sys.executable, "-m", "device.conformance_stand", *place.address.split(":"), "meters.jsonl", "M-104", "S"],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with stand:
        assert stand.stdout is not None
        stand.stdout.readline()
        assert conform(place, "--bench", "ask", "--only", "C30") == 3
        stand.kill()
    assert "MG-M092: nobody answers at this terminal" in capsys.readouterr().err


@pytest.mark.usefixtures("folder")
def test_some_checks_alone(place: Broker, capsys: Captured) -> None:
    assert conform(place, "--profile", "M", "--bench", "emulated", "--only", "C17", "--only", "C31") == 0
    certificate, _ = told(capsys)
    assert [check["number"] for check in certificate["checks"]] == ["C17", "C31"]
