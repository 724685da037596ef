"""The three packages are ours and light to import; nothing takes their place; files stay small."""

import ast
import re
import sys
from pathlib import Path

import pytest

PACKAGES = ("microgrid", "sim", "device")
OPENING = {
    "sim": "Planning and simulation of off-grid solar that is sold pay-as-you-go.",
    "device": "The meter: its messages, its behaviour, and fleets of emulated ones.",
}
EMPTY_WORDS = {"utils", "util", "helpers", "helper", "manager", "managers", "misc", "common"}
LINES_IN_A_FILE = 400
LINES_IN_A_FUNCTION = 50
RUNS_BEFORE_INSTALL = ("microgrid/bootstrap.py",)


def shadows(names: list[str]) -> list[str]:
    """Return the paths under tests/ that could be imported in place of one of our packages."""
    return [
        name
        for name in names
        if name.startswith("tests/")
        and (name.endswith("/__init__.py") or {part.removesuffix(".py") for part in name.split("/")} & set(PACKAGES))
    ]


def meaningless(names: list[str]) -> list[str]:
    """Return the paths whose file or folder name says nothing about what is inside."""
    return [name for name in names if {part.split(".")[0] for part in name.split("/")} & EMPTY_WORDS]


def too_long(source: str) -> list[str]:
    """Return what is over the house limits: the file, or functions by name with their number of lines."""
    lines = source.count("\n")
    found = [f"file: {lines} lines"] if lines > LINES_IN_A_FILE else []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > LINES_IN_A_FUNCTION:
                found.append(f"{node.name}: {length} lines")
    return found


def imported(source: str) -> list[str]:
    """Return the full names of all modules a source imports, wherever in the file."""
    found: list[str] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found += [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
    return found


def outside_library(start: str, project: Path) -> list[str]:
    """Return what a module and all modules of ours it reaches import beyond the standard library."""
    waiting, seen, found = [start], set[str](), []
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        for module in imported((project / name).read_text(encoding="utf-8")):
            own = next((p for p in _places(module) if (project / p).is_file()), None)
            if own is not None:
                waiting.append(own)
            elif module.split(".")[0] not in {*sys.stdlib_module_names, "microgrid"}:
                found.append(f"{name}: {module}")
    return found


def _places(module: str) -> tuple[str, str]:
    return f"{module.replace('.', '/')}.py", f"{module.replace('.', '/')}/__init__.py"


def test_the_three_packages_lie_side_by_side_and_are_ours(project: Path) -> None:
    for package in PACKAGES:
        assert (project / package / "__init__.py").is_file()
    for package, sentence in OPENING.items():
        source = (project / package / "__init__.py").read_text(encoding="utf-8")
        assert [ast.get_docstring(ast.parse(source)), len(ast.parse(source).body)] == [sentence, 1]


def test_what_is_imported_is_what_lies_here(project: Path) -> None:
    for package in PACKAGES:
        assert Path(str(__import__(package).__file__)).parent == project / package


def test_nothing_under_tests_can_take_the_place_of_a_package(project: Path, project_files: tuple[Path, ...]) -> None:
    assert shadows([path.relative_to(project).as_posix() for path in project_files]) == []


@pytest.mark.parametrize("name", ["tests/sim/test_x.py", "tests/rules/__init__.py", "tests/rules/device.py"])
def test_a_shadow_is_found(name: str) -> None:
    assert shadows(["tests/rules/test_credit.py", "sim/__init__.py", name]) == [name]


def test_microgrid_itself_imports_nothing(project: Path) -> None:
    source = (project / "microgrid" / "__init__.py").read_text(encoding="utf-8")
    assert imported(source) == []
    assert re.search(r'^__version__ = "\d+\.\d+\.\d+"$', source, re.MULTILINE)


@pytest.mark.parametrize("name", RUNS_BEFORE_INSTALL)
def test_the_first_run_needs_only_the_standard_library(project: Path, name: str) -> None:
    assert outside_library(name, project) == []


def test_an_import_beyond_the_library_is_found_at_second_hand(tmp_path: Path) -> None:
    (tmp_path / "first.py").write_text("def later():\n    from near import second\n", encoding="utf-8")
    (tmp_path / "near").mkdir()
    (tmp_path / "near" / "second.py").write_text("import json\nimport numpy.linalg\n", encoding="utf-8")
    (tmp_path / "near" / "__init__.py").write_text("", encoding="utf-8")
    assert outside_library("first.py", tmp_path) == ["near/second.py: numpy.linalg"]


def test_files_and_functions_stay_small(project: Path, python_files: tuple[Path, ...]) -> None:
    found = {
        path.relative_to(project).as_posix(): long
        for path in python_files
        if (long := too_long(path.read_text(encoding="utf-8")))
    }
    assert found == {}


def test_a_long_file_and_a_long_function_are_found() -> None:
    body = "def grown():\n" + "    x = 1\n" * 60
    assert too_long(body) == ["grown: 61 lines"]
    assert too_long("x = 1\n" * 401) == ["file: 401 lines"]


def test_names_say_what_is_inside(project: Path, project_files: tuple[Path, ...]) -> None:
    assert meaningless([path.relative_to(project).as_posix() for path in project_files]) == []
    assert meaningless(["sim/utils.py", "sim/helper/x.py", "sim/pv.py"]) == [
        "sim/utils.py",
        "sim/helper/x.py",
    ]


def test_the_automatic_checks_run_the_readme_command(project: Path) -> None:
    command = "python3 -m microgrid.bootstrap test"
    run = project / ".ci" / "run"
    assert run.read_text(encoding="utf-8").splitlines()[-1] == command
    assert run.stat().st_mode & 0o111
    assert f"\n{command}" in (project / "README.md").read_text(encoding="utf-8")
