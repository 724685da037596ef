"""The first command: what it accepts, how it refuses, and that an old Python can still read it."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from microgrid import bootstrap, first_run


def test_an_old_python_is_told_so(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "OLDEST_PYTHON", (9, 9))
    assert bootstrap.main() == 3
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("MG-E050: Python 3.")
    assert "   fix: start it with a newer one, such as  python9.9 -m microgrid.bootstrap demo" in said.err


def test_an_old_python_can_read_the_first_file() -> None:
    source = Path(str(bootstrap.__file__)).read_text(encoding="utf-8")
    ast.parse(source, feature_version=(3, 6))
    first = [node for node in ast.parse(source).body if isinstance(node, ast.Import | ast.ImportFrom)]
    assert [ast.unparse(node) for node in first] == ["import argparse", "import sys"]


@pytest.mark.parametrize("words", [["demo"], ["test"], ["test", "--long"], ["demo", "--no-system"]])
def test_the_commands_of_the_readme_are_understood(words: list[str]) -> None:
    assert bootstrap.parser().parse_args(words).command == words[0]


@pytest.mark.parametrize("words", [[], ["serve"], ["demo", "--long"]])
def test_other_words_are_a_usage_error(words: list[str]) -> None:
    command = [sys.executable, "-m", "microgrid.bootstrap", *words]
    done = subprocess.run(command, cwd=first_run.PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "usage: python3 -m microgrid.bootstrap" in done.stderr


def test_the_tests_come_last_and_long_ones_only_when_asked() -> None:
    shorter, longer = first_run.all_checks(long=False), first_run.all_checks(long=True)
    assert [check.name for check in shorter] == ["lint", "layout", "types", "import rules", "tests"]
    assert shorter[-1].command[-2:] == ("-m", "not long")
    assert "not long" not in longer[-1].command
    assert shorter[:-1] == longer[:-1]
