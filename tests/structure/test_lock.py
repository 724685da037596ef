"""The pinned lists: every package by hash, no address anywhere, nothing of pyproject.toml forgotten."""

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

EXTRAS = {
    "requirements-base.txt": (),
    "requirements.txt": ("plan",),
    "requirements-dev.txt": ("plan", "dev"),
    "requirements-all.txt": ("plan", "postgres", "cluster", "modbus", "network", "oidc", "dev"),
}
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
PIN = re.compile(r"(?P<name>[A-Za-z0-9._-]+)(\[[^\]]+\])?==(?P<version>[^ ;]+)( ; (?P<marker>.+))?")
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


@dataclass(frozen=True)
class Pin:
    """One line of a pinned list."""

    name: str
    version: str
    marker: str
    hashes: tuple[str, ...]

    def holds_for(self, python: str) -> bool:
        """Say whether this line is meant for that Python on this kind of machine."""
        at = {"python_version": python, "python_full_version": f"{python}.0"}
        return not self.marker or Marker(self.marker).evaluate(at)


def logical_lines(text: str) -> list[str]:
    """Return the entries of a list, each on one line."""
    joined = text.replace("\\\n", " ")
    return [" ".join(line.split()) for line in joined.splitlines() if line.strip() and not line.startswith("#")]


def mistakes(text: str) -> list[str]:
    """Return every entry that is not one exact version with at least one hash, and every address."""
    found = [f"address: {match}" for match in re.findall(r"\S*(?:://|git\+|file:)\S*", text)]
    for line in logical_lines(text):
        entry, *hashes = line.split(" --hash=")
        if PIN.fullmatch(entry) is None:
            found.append(f"not pinned: {entry}")
        if not hashes or not all(HASH.fullmatch(f"--hash={one}") for one in hashes):
            found.append(f"hash: {entry}")
    return found


def pins(text: str) -> list[Pin]:
    """Return the entries of a list that has no mistakes."""
    entries = [line.split(" --hash=") for line in logical_lines(text)]
    matched = [(PIN.fullmatch(entry), tuple(hashes)) for entry, *hashes in entries]
    return [
        Pin(canonicalize_name(match["name"]), match["version"], match["marker"] or "", hashes)
        for match, hashes in matched
        if match is not None
    ]


def unmet(needs: Iterable[str], listed: Iterable[Pin], python: str) -> list[str]:
    """Return the requirements that a list does not pin, pins twice or pins outside the asked range."""
    chosen: dict[str, list[str]] = {}
    for pin in listed:
        if pin.holds_for(python):
            chosen.setdefault(pin.name, []).append(pin.version)
    found = []
    for need in map(Requirement, needs):
        versions = chosen.get(canonicalize_name(need.name), [])
        if len(versions) != 1 or not need.specifier.contains(versions[0], prereleases=True):
            found.append(f"{need} on Python {python}: {versions}")
    return found


def needs_of(project: Path, extras: tuple[str, ...]) -> list[str]:
    """Return what pyproject.toml asks for with these extras."""
    asked = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [
        *asked["dependencies"],
        *(need for extra in extras for need in asked["optional-dependencies"][extra]),
    ]


@pytest.mark.parametrize("name", EXTRAS)
def test_every_package_is_pinned_by_hash_and_without_an_address(project: Path, name: str) -> None:
    assert mistakes((project / "configs" / name).read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("name", EXTRAS)
def test_everything_pyproject_asks_for_is_pinned(project: Path, name: str, python: str) -> None:
    listed = pins((project / "configs" / name).read_text(encoding="utf-8"))
    assert unmet(needs_of(project, EXTRAS[name]), listed, python) == []


def test_every_extra_is_in_the_full_list(project: Path) -> None:
    asked = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert sorted(asked["optional-dependencies"]) == sorted(EXTRAS["requirements-all.txt"])


@pytest.mark.parametrize(
    ("smaller", "larger"),
    [
        ("requirements-base.txt", "requirements.txt"),
        ("requirements.txt", "requirements-dev.txt"),
        ("requirements-dev.txt", "requirements-all.txt"),
    ],
)
def test_a_larger_list_contains_the_smaller(project: Path, smaller: str, larger: str) -> None:
    few, many = (set(pins((project / "configs" / name).read_text(encoding="utf-8"))) for name in (smaller, larger))
    assert {(pin.name, pin.version) for pin in few} <= {(pin.name, pin.version) for pin in many}


GOOD = "a==1.0 \\\n    --hash=sha256:" + "0" * 64 + "\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a==1.0\n", "hash: a==1.0"),
        ("a>=1.0 --hash=sha256:" + "0" * 64, "not pinned: a>=1.0"),
        ("a==1.0 --hash=sha256:" + "0" * 63, "hash: a==1.0"),
        ("a==1.0 --hash=md5:" + "0" * 64, "hash: a==1.0"),
        (GOOD + "--index-ur" + "l https://example.test/\n", "address: https://example.test/"),
    ],
)
def test_a_bad_entry_is_found(text: str, said: str) -> None:
    assert said in mistakes(text)


def test_a_forgotten_or_wrong_pin_is_found() -> None:
    assert mistakes(GOOD) == []
    assert unmet(["a>=1.0"], pins(GOOD), "3.11") == []
    assert unmet(["b"], pins(GOOD), "3.11") == ["b on Python 3.11: []"]
    assert unmet(["a>=2"], pins(GOOD), "3.11") == ["a>=2 on Python 3.11: ['1.0']"]
    only_new = GOOD.replace("1.0 ", "1.0 ; python_full_version >= '3.12' ")
    assert unmet(["a"], pins(only_new), "3.11") == ["a on Python 3.11: []"]
    assert unmet(["a"], pins(only_new), "3.14") == []


@pytest.mark.long
@pytest.mark.parametrize("python", ["3.11", "3.14"])
@pytest.mark.parametrize("name", ["requirements-base.txt", "requirements.txt"])
def test_the_list_installs_without_a_compiler(project: Path, tmp_path: Path, name: str, python: str) -> None:
    """Ask pip, over the network, for ready-made packages only; nothing is installed.

    pip judges markers by the Python it runs on, so the entries of the other Python are chosen here.
    """
    outer = Path(sys.base_prefix) / "bin" / f"python{sys.version_info[0]}.{sys.version_info[1]}"
    if subprocess.run([outer, "-m", "pip", "--version"], capture_output=True, check=False).returncode != 0:
        pytest.skip("no pip beside this Python; to run it (as root):  apt-get install -y python3-pip")
    listed = pins((project / "configs" / name).read_text(encoding="utf-8"))
    chosen = [pin for pin in listed if pin.holds_for(python)]
    lines = [" ".join([f"{pin.name}=={pin.version}", *(f"--hash={one}" for one in pin.hashes)]) for pin in chosen]
    (tmp_path / "chosen.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    asking = [str(outer), "-m", "pip", "install", "--dry-run", "--quiet", "--require-hashes", "--no-deps"]
    # The metadata of another Python is judged by the one that runs pip; the file names still decide here.
    asking += ["--only-binary", ":all:", "--ignore-requires-python", "--python-version", python]
    asking += ["--target", str(tmp_path / "nowhere"), "-r", str(tmp_path / "chosen.txt")]
    done = subprocess.run(asking, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
