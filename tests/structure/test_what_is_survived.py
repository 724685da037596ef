"""Every test that the page about failures names exists."""

from __future__ import annotations

import ast
import re
from pathlib import Path

NAMED = re.compile(r"`([a-z_]+/test_[a-z_]+\.py)::(test_[a-z0-9_]+)`")
ROW = re.compile(r"^\| (?!what happens)(?!-)[^|]+\|[^|]+\|([^|]+)\|$", re.MULTILINE)


def missing(page: str, tests: Path) -> list[str]:
    """Return the tests that a page names and that are not there."""
    named = NAMED.findall(page)
    return [f"{file}::{test}" for file, test in named if test not in _tests_of(tests / file)]


def _tests_of(file: Path) -> set[str]:
    if not file.exists():
        return set()
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_every_test_that_is_named_exists(project: Path) -> None:
    page = (project / "docs" / "reference" / "what-is-survived.md").read_text(encoding="utf-8")
    assert missing(page, project / "tests") == []
    rows = ROW.findall(page)
    assert len(rows) >= 20
    assert all(NAMED.search(row) for row in rows)


def test_a_test_that_is_not_there_is_found(tmp_path: Path) -> None:
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows" / "test_a.py").write_text("def test_one() -> None: ...\n", encoding="utf-8")
    page = "| x | y | `flows/test_a.py::test_one`, `flows/test_a.py::test_two`, `flows/test_b.py::test_one` |"
    assert missing(page, tmp_path) == ["flows/test_a.py::test_two", "flows/test_b.py::test_one"]
