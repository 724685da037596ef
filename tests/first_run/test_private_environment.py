"""The private environment: made by a real Python, filled by a real pip from a folder, never half done."""

import hashlib
import subprocess
import zipfile
from pathlib import Path

import pytest

from microgrid import private_environment
from microgrid.errors import Environment
from microgrid.private_environment import PrivateEnvironment

LISTS = ("requirements-base.txt", "requirements.txt", "requirements-dev.txt")
MAIN = "import sys\ndef main():\n    import sim\n    print(sim.WHOSE, sys.argv)\n    return 7\n"


@pytest.fixture
def environment(tmp_path: Path) -> PrivateEnvironment:
    """Return the environment of a tiny project whose folder name is as awkward as a person's can be."""
    project = tmp_path / "Ada's new village"
    for package, source in {"microgrid/__main__.py": MAIN, "sim/__init__.py": "WHOSE = 'ours'\n"}.items():
        (project / package).parent.mkdir(parents=True)
        (project / package).write_text(source, encoding="utf-8")
    (project / "configs").mkdir()
    for name in LISTS:
        (project / "configs" / name).write_text("", encoding="utf-8")
    return PrivateEnvironment(project)


def tiny_wheel(folder: Path) -> str:
    """Write a package `lampkit` 1.0 as a wheel and return its hash."""
    folder.mkdir()
    path = folder / "lampkit-1.0-py3-none-any.whl"
    information = "lampkit-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("lampkit.py", "LIGHT = 1\n")
        wheel.writestr(f"{information}/METADATA", "Metadata-Version: 2.1\nName: lampkit\nVersion: 1.0\n")
        wheel.writestr(f"{information}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{information}/RECORD", "lampkit.py,,\n")
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def only_this_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder that is all pip may read, and hide uv, so that no test needs a network."""
    asked = [str(private_environment.outer_python(PrivateEnvironment(tmp_path))), "-m", "pip", "--version"]
    if subprocess.run(asked, capture_output=True, check=False).returncode != 0:
        pytest.skip("no pip beside this Python; to run this (as root):  apt-get install -y python3-pip")
    wheels = tmp_path / "wheels"
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", wheels.as_uri())
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    return wheels


def code_of(error: pytest.ExceptionInfo[Environment]) -> str:
    """Return the code of the only problem."""
    (problem,) = error.value.problems
    return problem.code


def test_the_command_runs_our_code_from_anywhere(environment: PrivateEnvironment, tmp_path: Path) -> None:
    assert private_environment.make(environment) == "made"
    private_environment.link_project(environment)
    (tmp_path / "sim").mkdir()
    (tmp_path / "sim" / "__init__.py").write_text("WHOSE = 'a stranger'\n", encoding="utf-8")
    command = [str(environment.command), "size", "a b.yaml"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("ours ['microgrid', 'size', 'a b.yaml']\n", 7)


def test_a_working_environment_is_kept_and_a_broken_one_made_again(environment: PrivateEnvironment) -> None:
    private_environment.make(environment)
    assert private_environment.make(environment) == "kept"
    environment.python.unlink()
    environment.python.symlink_to("/no/such/python")
    assert private_environment.make(environment) == "made again"
    assert private_environment.make(environment) == "kept"


def test_a_larger_list_also_answers_for_the_smaller(environment: PrivateEnvironment) -> None:
    private_environment.make(environment)
    assert not private_environment.is_ready(environment, "requirements.txt")
    private_environment.write_stamp(environment, "requirements.txt")
    ready = [private_environment.is_ready(environment, name) for name in LISTS]
    assert ready == [True, True, False]


@pytest.mark.parametrize("stamp", ["", "[", "{}", '{"python": "3.11", "requirements": {}}'])
def test_a_stamp_that_says_something_else_is_not_believed(environment: PrivateEnvironment, stamp: str) -> None:
    private_environment.make(environment)
    environment.stamp.write_text(stamp, encoding="utf-8")
    assert not private_environment.is_ready(environment, "requirements.txt")


def test_a_changed_list_is_installed_again(environment: PrivateEnvironment) -> None:
    private_environment.make(environment)
    private_environment.write_stamp(environment, "requirements.txt")
    environment.requirements("requirements.txt").write_text("# other\n", encoding="utf-8")
    assert not private_environment.is_ready(environment, "requirements.txt")


def test_packages_come_by_hash_into_the_private_environment(
    environment: PrivateEnvironment, only_this_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = tiny_wheel(only_this_folder)
    environment.requirements("requirements.txt").write_text(
        f"lampkit==1.0 \\\n    --hash=sha256:{digest}\n", encoding="utf-8"
    )
    monkeypatch.setenv("PIP_USER", "1")  # a person's own setting that would send packages elsewhere
    private_environment.make(environment)
    assert private_environment.install(environment, "requirements.txt") == "pip"
    assert private_environment.pinned_count(environment.requirements("requirements.txt")) == 1
    asked = [str(environment.python), "-c", "import lampkit; print(lampkit.__file__)"]
    done = subprocess.run(asked, capture_output=True, text=True, check=True)
    assert Path(done.stdout.strip()).is_relative_to(environment.folder)


@pytest.mark.parametrize(
    ("listed", "code"),
    [
        (f"lampkit==1.0 --hash=sha256:{'0' * 64}\n", "MG-E055"),
        (f"streetlamp==9.9 --hash=sha256:{'0' * 64}\n", "MG-E056"),
        ("lampkit==1.0\n", "MG-E057"),
    ],
)
def test_a_package_that_is_not_the_checked_one_is_refused(
    environment: PrivateEnvironment, only_this_folder: Path, listed: str, code: str
) -> None:
    tiny_wheel(only_this_folder)
    environment.requirements("requirements.txt").write_text(listed, encoding="utf-8")
    private_environment.make(environment)
    with pytest.raises(Environment) as error:
        private_environment.install(environment, "requirements.txt")
    assert code_of(error) == code
    assert not private_environment.is_ready(environment, "requirements.txt")


@pytest.mark.parametrize(
    ("printed", "code"),
    [
        (
            "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device",
            "MG-E053",
        ),
        ("error: [Errno 30] Read-only file system: '.venv'", "MG-E054"),
        ("WARNING: Retrying: NewConnectionError\nERROR: No matching distribution found for numpy", "MG-E052"),
        ("ERROR: No matching distribution found for numba==0.68.1", "MG-E056"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.", "MG-E055"),
        ("Traceback: something new", "MG-E057"),
        ("", "MG-E057"),
    ],
)
def test_what_an_installer_says_becomes_one_problem(printed: str, code: str) -> None:
    problem = private_environment.explain(printed)
    assert problem.code == code
    assert problem.fix
    assert len(problem.why) <= 200


def test_too_little_room_is_said_before_anything_is_written(
    environment: PrivateEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(private_environment.NEEDED_MB, "requirements.txt", 10**12)
    with pytest.raises(Environment) as error:
        private_environment.require_room(environment, "requirements.txt")
    assert code_of(error) == "MG-E053"
    assert not environment.folder.exists()


def test_a_folder_that_cannot_be_written_is_named(environment: PrivateEnvironment) -> None:
    missing = PrivateEnvironment(environment.project / "not here")
    with pytest.raises(Environment, match="not here cannot be written") as error:
        private_environment.require_room(missing, "requirements.txt")
    assert code_of(error) == "MG-E054"


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ("pip 21.1.2 from somewhere (python 3.11)", "pip 21.1 is too old; 22.3 or newer is needed"),
        ("No module named pip", "has no pip"),
    ],
)
def test_a_missing_or_old_pip_is_said_with_its_remedy(tmp_path: Path, answer: str, message: str) -> None:
    pip = tmp_path / "pip"
    pip.write_text(f"#!/bin/sh\necho '{answer}'\n")
    pip.chmod(0o755)
    with pytest.raises(Environment) as error:
        private_environment._require_pip([str(pip)])
    (problem,) = error.value.problems
    assert problem.code == "MG-E051"
    assert message in problem.what
    assert "pip" in problem.fix
