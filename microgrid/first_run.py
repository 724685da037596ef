"""What the two first commands do: `demo` sizes the sample village, `test` runs every check it can here."""

from __future__ import annotations

import fcntl
import os
import platform
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from microgrid import __version__, private_environment, system_packages
from microgrid.clock import stopwatch
from microgrid.private_environment import PrivateEnvironment

PROJECT = Path(__file__).resolve().parent.parent
DEMO_SCENARIO = "configs/scenarios/kisiju.yaml"
DEMO_REPORT = "demo/kisiju.html"
LABEL_WIDTH = 56


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must hold before a change is accepted."""

    name: str
    command: tuple[str, ...]  # arguments of the private Python
    shows_output: bool = False


def demo(project: Path) -> int:
    """Prepare the environment, size the sample village and say where its report is."""
    since_start_s = stopwatch()
    environment = PrivateEnvironment(project)
    prepare(environment, "requirements.txt", steps=3)
    print(_label(3, 3, f"sample village: {DEMO_SCENARIO}"), "sizing", flush=True)
    (project / DEMO_REPORT).parent.mkdir(exist_ok=True)
    sizing = [str(environment.command), "size", DEMO_SCENARIO, "--report", DEMO_REPORT]
    settings = child_settings(environment)
    done = subprocess.run(sizing, cwd=project, stdin=subprocess.DEVNULL, env=settings, check=False)
    if done.returncode != 0:
        print(f"the sizing stopped with exit code {done.returncode}: {shlex.join(sizing)}", file=sys.stderr)
        return done.returncode
    print(f"\n  First answer after {since_start_s():.1f} s.")
    print(f"  Open {DEMO_REPORT} in a browser; it needs no network.")
    print("  Your own site:  .venv/bin/microgrid new my-village")
    return 0


def test(project: Path, *, long: bool, system: bool) -> int:
    """Run lint, types, import rules and all tests; return 0 only if every one of them passed."""
    since_start_s = stopwatch()
    environment = PrivateEnvironment(project)
    checks = all_checks(long=long)
    steps = len(checks) + 3
    prepare(environment, "requirements-dev.txt", steps=steps)
    print(_label(3, steps, "system packages"), end=" ", flush=True)
    print(add_system_packages(project, allowed=system), flush=True)
    held = {
        check.name: _holds(check, environment, _label(number, steps, check.name))
        for number, check in enumerate(checks, start=4)
    }
    failed = [name for name, passed in held.items() if not passed]
    print(f"\n{len(checks) - len(failed)} of {len(checks)} checks passed in {since_start_s():.0f} s")
    if failed:
        print(f"FAILED: {', '.join(failed)}")
    for line in not_run(project, long=long):
        print(line)
    return 1 if failed else 0


def prepare(environment: PrivateEnvironment, requirements: str, steps: int) -> None:
    """Bring `.venv` to what this list asks for; where it is there already, this reads two small files."""
    ready = private_environment.is_ready(environment, requirements)
    first = "first run, this takes about half a minute on an ordinary link"
    note = "ready" if ready else "packages have changed" if environment.stamp.exists() else first
    print(f"microgrid {__version__} · Python {platform.python_version()} · {note}", flush=True)
    if not ready:
        private_environment.require_room(environment, requirements)
    with _one_at_a_time(environment.project):
        ready = ready or private_environment.is_ready(environment, requirements)  # another run may have done it
        print(_label(1, steps, "private environment .venv"), end=" ", flush=True)
        print("kept" if ready else private_environment.make(environment), flush=True)
        count = private_environment.pinned_count(environment.requirements(requirements))
        print(_label(2, steps, f"{count} pinned packages, checked by hash"), end=" ", flush=True)
        print("there already" if ready else _installed(environment, requirements), flush=True)
        private_environment.link_project(environment)


def all_checks(*, long: bool) -> tuple[Check, ...]:
    """Return the checks in the order they run; the tests come last, so that one sees their summary."""
    workers = str(min(4, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 2))
    chosen = ("--hypothesis-profile", "long") if long else ("-m", "not long")
    tests = ("-m", "pytest", "-q", "-n", workers, "--dist", "loadfile", *chosen)
    contracts = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    return (
        Check("lint", ("-m", "ruff", "check", "--output-format", "concise", ".")),
        Check("layout", ("-m", "ruff", "format", "--check", "--output-format", "concise", ".")),
        Check("types", ("-m", "mypy")),
        Check("import rules", ("-c", contracts)),
        Check("tests", tests, shows_output=True),
    )


def add_system_packages(project: Path, *, allowed: bool) -> str:
    """Add what the tests need and this machine lacks, if that is allowed, and return what happened."""
    lacking = system_packages.missing(project)
    if not lacking:
        return "nothing missing"
    names = ", ".join(f"{package.name} ({package.download_mb} MB)" for package in lacking)
    if not (allowed and system_packages.may_install()):
        return f"without {names}"
    print(f"adding with apt: {names}; no service is started ...", end=" ", flush=True)
    return "added" if system_packages.install(lacking) else "could not be added"


def not_run(project: Path, *, long: bool) -> list[str]:
    """Return one loud line for each thing this machine did not run, with the command that enables it."""
    lines = [
        f"NOT RUN: {package.needed_for}: no {package.name} here; to run them (as root):  {package.how}"
        for package in system_packages.missing(project)
    ]
    shorter = "NOT RUN: the full counts; to run them:  python3 -m microgrid.bootstrap test --long"
    return lines if long else [*lines, shorter]


def child_settings(environment: PrivateEnvironment) -> dict[str, str]:
    """Return the variables of a child: our commands come first, and nothing bends how Python finds modules."""
    bending = {"PYTHONPATH", "PYTHONHOME", "PYTHONDONTWRITEBYTECODE"}  # the last makes every start a slow one
    kept = {name: value for name, value in os.environ.items() if name not in bending}
    return {**kept, "PATH": f"{environment.folder / 'bin'}{os.pathsep}{kept.get('PATH', os.defpath)}"}


def prepare_this_process() -> None:
    """Let an ordinary stop (SIGTERM) tidy up, and print on any terminal, even on one without `·`."""

    def leave(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, leave)
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")


def _installed(environment: PrivateEnvironment, requirements: str) -> str:
    seconds = stopwatch()
    environment.stamp.unlink(missing_ok=True)
    installer = private_environment.install(environment, requirements)
    private_environment.write_stamp(environment, requirements)
    return f"{seconds():.0f} s with {installer}"


def _holds(check: Check, environment: PrivateEnvironment, label: str) -> bool:
    seconds = stopwatch()
    print(label, end="\n" if check.shows_output else " ", flush=True)
    done = subprocess.run(
        [str(environment.python), *check.command],
        cwd=environment.project,
        env=child_settings(environment),
        stdin=subprocess.DEVNULL,
        stdout=None if check.shows_output else subprocess.PIPE,
        stderr=None if check.shows_output else subprocess.STDOUT,
        check=False,
    )
    passed = done.returncode == 0
    named = f"{check.name}: " if check.shows_output else ""
    print(f"{named}{'passed' if passed else 'FAILED'} in {seconds():.1f} s", flush=True)
    if not passed and done.stdout:
        print(done.stdout.decode(errors="replace"), flush=True)
    return passed


@contextmanager
def _one_at_a_time(project: Path) -> Iterator[None]:
    # Two first runs in one folder would fill .venv on top of each other; the second waits for the first.
    with (project / "pyproject.toml").open(encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _label(number: int, steps: int, text: str) -> str:
    return f"[{number}/{steps}] {text} ".ljust(LABEL_WIDTH, ".")
