"""System packages: what a test needs from outside Python, and how apt adds it without side effects.

Nothing is added unless root started the bootstrap, apt is there, and the program is missing.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

POLICY = Path("/usr/sbin/policy-rc.d")
# Debian asks this program before it starts a service; 101 means "not allowed".
REFUSE_STARTS = "#!/bin/sh\n# microgrid bootstrap: no service is started while packages are added\nexit 101\n"


@dataclass(frozen=True, slots=True)
class SystemPackage:
    """What is added from the operating system in one go, and the tests that need it."""

    name: str  # as apt takes it; several packages with spaces between
    programs: tuple[str, ...]  # any of these on the path will do
    needed_for: str
    wanted_by: str  # the folder of the tests that use it
    download_mb: int

    @property
    def how(self) -> str:
        """Return the command that adds it."""
        return f"apt-get install -y --no-install-recommends {self.name}"


SYSTEM_PACKAGES = (
    SystemPackage(
        name="chromium",
        programs=("chromium", "chromium-browser", "google-chrome"),
        needed_for="tests that open the report in a browser",
        wanted_by="tests/web",
        download_mb=120,
    ),
    SystemPackage(
        name="postgresql",
        programs=("pg_ctlcluster", "initdb"),  # the server's own programs lie outside the path on Debian
        needed_for="tests of the store on PostgreSQL",
        wanted_by="tests/contract",
        download_mb=50,
    ),
    SystemPackage(
        name="gcc libc6-dev",
        programs=("gcc",),
        needed_for="tests of the meter in C",
        wanted_by="tests/meter",
        download_mb=45,
    ),
    SystemPackage(
        name="mosquitto",
        programs=("mosquitto", "/usr/sbin/mosquitto"),
        needed_for="tests of meters on a broker",
        wanted_by="tests/bridge",
        download_mb=1,
    ),
)


def missing(project: Path) -> tuple[SystemPackage, ...]:
    """Return the packages that tests of this project want and this machine does not have."""
    wanted = [package for package in SYSTEM_PACKAGES if (project / package.wanted_by).is_dir()]
    return tuple(package for package in wanted if not any(map(shutil.which, package.programs)))


def may_install() -> bool:
    """Say whether this process can add system packages: root, on a system with apt."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install(packages: tuple[SystemPackage, ...], policy: Path = POLICY) -> bool:
    """Add the packages and say whether that worked; no service is started, and nothing else is changed."""
    names = " ".join(package.name for package in packages).split()
    adding = ["apt-get", "install", "-y", "--no-install-recommends", *names]
    with services_kept_still(policy):
        # Fresh machines have empty package lists; elsewhere the first attempt saves reading them again.
        return _quietly(adding) or (_quietly(["apt-get", "update"]) and _quietly(adding))


@contextmanager
def services_kept_still(policy: Path = POLICY) -> Iterator[None]:
    """Refuse service starts for a while, and leave the machine's own policy file exactly as it was.

    A policy file that is there is moved aside, never rewritten. If a run is killed before it could move it
    back, the next run does so first.
    """
    aside = policy.with_name(f"{policy.name}.before-microgrid")
    _restore(policy, aside)
    if policy.exists():
        policy.replace(aside)
    try:
        policy.write_text(REFUSE_STARTS, encoding="utf-8")
        policy.chmod(0o755)
        yield
    finally:
        _restore(policy, aside)


def _restore(policy: Path, aside: Path) -> None:
    if aside.exists():
        aside.replace(policy)
    elif policy.exists() and policy.read_text(encoding="utf-8", errors="replace") == REFUSE_STARTS:
        policy.unlink()


def _quietly(command: list[str]) -> bool:
    unattended = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    silent = subprocess.DEVNULL
    done = subprocess.run(command, stdin=silent, stdout=silent, stderr=silent, env=unattended, check=False)
    return done.returncode == 0
