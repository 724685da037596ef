"""What the structure tests look at: the project's own files, from git where there is git."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
NOT_OURS = {"__pycache__", "build", "demo", "dist", "node_modules", "runs", "venv"}


def walked(folder: Path) -> Iterator[Path]:
    """Yield the files below a folder, without hidden and generated folders (`.ci` is ours)."""
    for entry in sorted(folder.iterdir()):
        hidden = entry.name.startswith(".") and entry.name not in {".ci", ".gitignore"}
        if hidden or entry.name in NOT_OURS or entry.is_symlink():
            continue
        if entry.is_dir():
            yield from walked(entry)
        elif entry.suffix != ".pyc":
            yield entry


def listed_by_git(project: Path) -> list[Path]:
    """Return the files git tracks or would track; nothing where this is an unpacked archive."""
    git = shutil.which("git")
    if git is None or not (project / ".git").exists():
        return []
    command = [git, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    names = done.stdout.split("\0") if done.returncode == 0 else []
    return [project / name for name in names if name and (project / name).is_file()]


@pytest.fixture(scope="session")
def project() -> Path:
    """Return the folder that holds pyproject.toml."""
    return PROJECT


@pytest.fixture(scope="session")
def project_files() -> tuple[Path, ...]:
    """Return every file of the project, tracked or about to be."""
    return tuple(listed_by_git(PROJECT) or walked(PROJECT))


@pytest.fixture(scope="session")
def python_files(project_files: tuple[Path, ...]) -> tuple[Path, ...]:
    """Return every Python file of the project."""
    return tuple(path for path in project_files if path.suffix == ".py")


@pytest.fixture(scope="session")
def package_files(python_files: tuple[Path, ...]) -> tuple[Path, ...]:
    """Return the Python files of the three packages."""
    packages = {"microgrid", "sim", "device"}
    return tuple(path for path in python_files if path.relative_to(PROJECT).parts[0] in packages)
