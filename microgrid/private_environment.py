"""The private environment `.venv`: made, filled from pinned and hashed packages, and stamped.

Uses only the standard library, because it runs before anything is installed. The packages come through the
pip of the Python that was started (or through uv where that is on the path); `.venv` needs no pip of its own.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from microgrid.errors import Environment, Problem

SUPPORTED = ("3.11", "3.12", "3.13", "3.14")  # the lists are pinned for these
OLDEST_PIP = (22, 3)  # the first with `pip --python`
STAMP = "microgrid-stamp.json"
_PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)(?:\[[^\]]*\])?==", re.MULTILINE)
# A larger list contains the smaller ones at the same versions (tests/structure holds the files to that).
CONTAINS = {
    "requirements-base.txt": ("requirements-base.txt",),
    "requirements.txt": ("requirements-base.txt", "requirements.txt"),
    "requirements-dev.txt": ("requirements-base.txt", "requirements.txt", "requirements-dev.txt"),
}
NEEDED_MB = {"requirements-base.txt": 300, "requirements.txt": 900, "requirements-dev.txt": 1400}


@dataclass(frozen=True, slots=True)
class PrivateEnvironment:
    """Where one checkout keeps its packages and its `microgrid` command."""

    project: Path

    @property
    def folder(self) -> Path:
        """Return the folder that holds everything installed."""
        return self.project / ".venv"

    @property
    def python(self) -> Path:
        """Return the Python that sees the packages."""
        return self.folder / "bin" / "python"

    @property
    def command(self) -> Path:
        """Return the `microgrid` command."""
        return self.folder / "bin" / "microgrid"

    @property
    def stamp(self) -> Path:
        """Return the file that says what was installed last, written when everything else was."""
        return self.folder / STAMP

    def requirements(self, name: str) -> Path:
        """Return the pinned list of that name."""
        return self.project / "configs" / name


def is_ready(environment: PrivateEnvironment, requirements: str) -> bool:
    """Say whether the packages of this list are installed already; uses no network.

    Any supported Python may have made it: an environment that works is never thrown away because the command was
    started with another Python.
    """
    try:
        found = json.loads(environment.stamp.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    if found.get("requirements", {}).get(requirements) != _fingerprint(environment.requirements(requirements)):
        return False
    return bool(found.get("python") == version_of(environment.python))


def make(environment: PrivateEnvironment) -> str:
    """Make the environment, or keep one that works, and return which of the two in a word."""
    if version_of(environment.python) in SUPPORTED:
        return "kept"
    existed = environment.folder.exists()
    making = [str(outer_python(environment)), "-m", "venv", "--clear", "--without-pip"]
    done = _run([*making, str(environment.folder)])
    if done.returncode != 0:
        raise Environment(explain(done.stdout))
    return "made again" if existed else "made"


def install(environment: PrivateEnvironment, requirements: str) -> str:
    """Install exactly the pinned packages, checked by hash, and return the name of the installer used."""
    listed = str(environment.requirements(requirements))
    common = ["install", "--quiet", "--require-hashes", "--only-binary", ":all:"]
    uv = shutil.which("uv")
    if uv is not None:
        # uv reads its own settings, so it can fail on a machine set up for pip alone: pip then has its turn.
        done = _run([uv, "pip", *common, "--python", str(environment.python), "-r", listed])
        if done.returncode == 0:
            return "uv"
    pip = [str(outer_python(environment)), "-m", "pip"]
    _require_pip(pip)
    quiet = ["--disable-pip-version-check", "--no-input", "--python", str(environment.python)]
    # Python compiles each module when it is first imported; compiling all of them here triples the wait.
    done = _run([*pip, *quiet, *common, "--no-compile", "--no-warn-script-location", "-r", listed])
    if done.returncode != 0:
        raise Environment(explain(done.stdout))
    return "pip"


def link_project(environment: PrivateEnvironment) -> None:
    """Put the project on the path of `.venv` and write the `microgrid` command; both follow a moved folder.

    A path file instead of an installation, because installing the project would fetch a build tool that no
    hash covers.
    """
    packages = environment.folder / "lib" / f"python{version_of(environment.python)}" / "site-packages"
    _write(packages / "microgrid-project.pth", f"{environment.project}\n", executable=False)
    _write(environment.command, launcher_text(environment.python), executable=True)


def launcher_text(python: Path) -> str:
    """Return the `microgrid` command as a shell script.

    The shell starts Python because a first line `#!` breaks on long paths and on spaces; `-P` keeps a folder
    called `sim` in the directory of the caller from taking the place of ours.
    """
    program = "import sys; sys.argv[0] = 'microgrid'; from microgrid.__main__ import main; sys.exit(main())"
    return f'#!/bin/sh\nexec {shlex.quote(str(python))} -P -c "{program}" "$@"\n'


def write_stamp(environment: PrivateEnvironment, requirements: str) -> None:
    """Record that this list, and every list it contains, is installed."""
    names = CONTAINS[requirements]
    prints = {name: _fingerprint(environment.requirements(name)) for name in names}
    text = json.dumps({"python": version_of(environment.python), "requirements": prints}, indent=1, sort_keys=True)
    _write(environment.stamp, text + "\n", executable=False)


def require_room(environment: PrivateEnvironment, requirements: str) -> None:
    """Refuse to begin where the project cannot be written or the disk has too little room."""
    if not os.access(environment.project, os.W_OK):
        raise Environment(_not_writable(str(environment.project)))
    free_mb = shutil.disk_usage(environment.project).free // 1_000_000
    if not environment.folder.exists() and free_mb < NEEDED_MB[requirements]:
        what = f"the disk has {free_mb} MB free, and this needs {NEEDED_MB[requirements]} MB"
        raise Environment(Problem("MG-E053", what, "nothing was written", "make room, then start again"))


def pinned_count(requirements: Path) -> int:
    """Return how many packages a list pins (those for other systems or Pythons included)."""
    return len(set(_PIN.findall(requirements.read_text(encoding="utf-8"))))


def outer_python(environment: PrivateEnvironment) -> Path:
    """Return a Python outside `.venv` that has pip: the one that was started, or the one it was made from."""
    within = Path(sys.prefix).resolve() == environment.folder.resolve()
    if not within and importlib.util.find_spec("pip") is not None:
        return Path(sys.executable)
    return Path(sys.base_prefix) / "bin" / f"python{sys.version_info[0]}.{sys.version_info[1]}"


def version_of(python: Path) -> str:
    """Return the version of a Python as `3.11`, or nothing where it does not run."""
    try:
        done = _run([str(python), "-c", "import sys; print('%d.%d' % sys.version_info[:2])"])
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def explain(output: str) -> Problem:
    """Turn what the installer printed into one problem that says what to do next."""
    for pattern, code, what, fix in _FAILURES:
        found = re.findall(f".*(?:{pattern}).*", output)
        if found:
            return Problem(code, what, _shortened(found[-1]), fix)
    last = _shortened(" / ".join(output.strip().splitlines()[-3:])) or "it printed nothing"
    fix = "remove the folder .venv and start again; if it stays, report these lines"
    return Problem("MG-E057", "the private environment .venv could not be filled", last, fix)


_RETRY = "start the same command again, it goes on from here"
_OWN_FOLDER = "copy the project to a folder that is yours, then start again there"
# What the installer prints, the code, what that means, what to do. In this order: a full disk also breaks
# downloads, and a dead network also makes every version look missing.
_FAILURES = (
    ("No space left on device", "MG-E053", "the disk is full", f"make room, then {_RETRY}"),
    ("Read-only file system|Permission denied", "MG-E054", "a folder cannot be written", _OWN_FOLDER),
    (
        "DO NOT MATCH THE HASHES|[Hh]ash mismatch",
        "MG-E055",
        "a downloaded package is not the one that was checked in",
        "do not go on with it; try another network or package mirror",
    ),
    (
        "Max retries exceeded|NewConnectionError|name resolution|Connection refused|[Tt]imed out"
        "|ConnectTimeout|Network is unreachable|ProxyError|SSLError|connection broken",
        "MG-E052",
        "the packages could not be downloaded",
        f"check the network or the proxy, then {_RETRY}",
    ),
    (
        "No matching distribution found",
        "MG-E056",
        "a package is not offered for this Python and machine",
        "use Python 3.11 to 3.14 on 64-bit Linux or macOS, or a package mirror that carries it",
    ),
)


def _require_pip(pip: list[str]) -> None:
    done = _run([*pip, "--version"])
    found = re.match(r"pip (\d+)\.(\d+)", done.stdout)
    fix = "install it (Debian, as root:  apt-get install -y python3-pip), or put uv on the path"
    if done.returncode != 0 or found is None:
        raise Environment(Problem("MG-E051", f"{pip[0]} has no pip", "packages come through pip", fix))
    if (int(found[1]), int(found[2])) < OLDEST_PIP:
        what = f"pip {found[1]}.{found[2]} is too old; 22.3 or newer is needed"
        fix = f"{shlex.quote(pip[0])} -m pip install --upgrade pip"
        raise Environment(Problem("MG-E051", what, "older ones cannot fill another environment", fix))


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    # A person's pip settings may send packages elsewhere; here they belong into .venv and nowhere else.
    elsewhere = {"PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_USER", "PIP_PYTHON", "PYTHONPATH", "PYTHONHOME"}
    kept = {name: value for name, value in os.environ.items() if name not in elsewhere}
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
        env={**kept, "PIP_USER": "0", "PIP_REQUIRE_VIRTUALENV": "0"},
    )


def _write(path: Path, text: str, *, executable: bool) -> None:
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return
    beside = path.with_name(f"{path.name}.new")
    beside.write_text(text, encoding="utf-8")
    beside.chmod(0o755 if executable else 0o644)
    beside.replace(path)  # in one step, so that an interruption leaves the old file or the new one


def _fingerprint(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _not_writable(folder: str) -> Problem:
    why = "packages are kept in .venv inside it"
    return Problem("MG-E054", f"the folder {folder} cannot be written", why, _OWN_FOLDER)


def _shortened(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= 200 else flat[:197] + "..."
