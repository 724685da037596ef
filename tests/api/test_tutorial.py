"""The tutorial is true: each of its commands is run, and what it says comes out, comes out."""

from __future__ import annotations

import os
import re
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import private_postgres

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "tutorial-billing.md"
SERVE = "microgrid serve . --port 8080"
WAIT = 'for i in $(seq 200); do curl -s "http://127.0.0.1:8080/health" >/dev/null && break; sleep 0.1; done'


def steps() -> list[tuple[str, list[str]]]:
    """Return the commands of each block with the lines that must come out of it."""
    blocks = re.findall(r"^```(bash|text)\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    found: list[tuple[str, list[str]]] = []
    for kind, text in blocks:
        if kind == "bash":
            found.append((text, []))
        else:
            found[-1][1].extend(text.splitlines())
    return found


def script(blocks: list[str], port: int, database: str) -> str:
    """Return one shell script of all blocks; the service runs beside it and ends with it."""
    lines = ["set -e", "trap 'kill $(jobs -p) 2>/dev/null' EXIT"]
    for number, block in enumerate(blocks):
        lines.append(f"echo '=== {number}'")
        lines.append(f"{SERVE} >&2 &\n{WAIT}" if block.strip() == SERVE else block)
    text = "\n".join(lines).replace("8080", str(port))
    return text.replace("database: books.db", f"database: {database}")


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest) -> Iterator[str]:
    """Return what the tutorial writes as `database`."""
    if request.param == "sqlite":
        yield "books.db"
        return
    with private_postgres.server() as server:
        if server is None:
            pytest.skip(f"NOT RUN ON POSTGRESQL: no server here; to run: {private_postgres.HOW}")
        with private_postgres.database(server) as address:
            yield address


def test_the_tutorial_does_what_it_says(program: Path, database: str, tmp_path: Path) -> None:
    told = steps()
    assert SERVE in [block.strip() for block, _ in told]
    environment = {**os.environ, "PATH": f"{program}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    text = script([block for block, _ in told], free_port(), database)
    done = subprocess.run(
        ["bash", "-c", text],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    outputs = re.split(r"^=== \d+\n", done.stdout, flags=re.MULTILINE)[1:]
    assert len(outputs) == len(told)
    for output, (_, expected) in zip(outputs, told, strict=True):
        for line in expected:
            assert line in output
    assert outputs[4].count('"receipt"') == 1
