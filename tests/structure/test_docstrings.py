"""Everything public says in a sentence what it is."""

import ast
from pathlib import Path

Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def undocumented(source: str, name: str) -> list[str]:
    """Return the public modules, classes, functions and methods of a source that have no docstring."""
    return list(_below(ast.parse(source), name))


def _below(node: Documented, name: str) -> list[str]:
    found = [] if ast.get_docstring(node) else [name]
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return found  # what is inside a function is its own business
    for child in node.body:
        if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and _is_public(child):
            found += _below(child, f"{name}.{child.name}")
    return found


def _is_public(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    # An overload is documented once, where the body is.
    marks = [ast.unparse(mark).split(".")[-1] for mark in node.decorator_list]
    return not node.name.startswith("_") and "overload" not in marks


def test_everything_public_has_a_docstring(project: Path, package_files: tuple[Path, ...]) -> None:
    found = [
        missing
        for path in package_files
        for missing in undocumented(
            path.read_text(encoding="utf-8"), ".".join(path.relative_to(project).with_suffix("").parts)
        )
    ]
    assert found == []


def test_a_missing_docstring_is_found() -> None:
    methods = '    """One."""\n\n    def relay(self): ...\n\n    def _inner(self): ...\n\n'
    source = f"class Meter:\n{methods}def supply(): ...\n"
    assert undocumented(source, "x") == ["x", "x.Meter.relay", "x.supply"]
    assert undocumented('"""A module."""\n\ndef _hidden():\n    def inner(): ...\n', "x") == []
