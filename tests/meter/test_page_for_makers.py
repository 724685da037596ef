"""What the page for makers of meters shows can be compiled, and what it says of lines and outcomes is so."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from device.conformance import CHECKS, Verdict
from device.conformance_bench import PersonBench
from device.conformance_page import STYLE
from device.reference.c99_meter import SOURCES, STRICT

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "make-my-meter-speak-this.md"
REFERENCE = Path(__file__).parents[2] / "device" / "reference"


def test_the_firmware_on_the_page_compiles(tmp_path: Path) -> None:
    compiler = shutil.which("gcc")
    if compiler is None:
        pytest.skip("NOT RUN: no C compiler here; to run: apt-get install -y --no-install-recommends gcc libc6-dev")
    (block,) = re.findall(r"^```c\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    source = tmp_path / "firmware.c"
    source.write_text(block, encoding="utf-8")
    subprocess.run([compiler, *STRICT, f"-I{SOURCES}", "-c", source.name], check=True, cwd=tmp_path)


def test_every_check_and_outcome_the_page_names_is_there() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert set(re.findall(r"\bC\d\d\b", text)) <= {check.number for check in CHECKS}
    assert all(f"| {verdict.value} |" in text for verdict in Verdict)


def test_every_line_of_a_bench_is_understood_by_a_person() -> None:
    asked: list[str] = []

    def ask(wish: str) -> str:
        asked.append(wish)
        return "cannot"

    bench = PersonBench(ask)
    for line in ("600 60", "0 0", "cut", "forget", "weld", "free", "type 123456789"):
        bench.do(line)
    assert len(set(asked)) == 7
    assert not any(wish.startswith(("cut", "forget", "weld", "free")) for wish in asked)


def test_the_small_meter_has_under_200_lines_and_nothing_of_ours() -> None:
    source = (REFERENCE / "python_meter.py").read_text(encoding="utf-8")
    assert source.count("\n") < 200
    assert not re.search(r"^(from|import) (device|microgrid|sim)\b", source, re.MULTILINE)


def test_the_certificate_asks_nothing_of_a_network() -> None:
    assert "url(" not in STYLE
    assert "@import" not in STYLE
