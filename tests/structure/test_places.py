"""No tracked file names a package registry, this machine's folders, or a way round the hashes."""

import re
from pathlib import Path

import pytest

# Joined at run time, so that this file does not name what it forbids.
REGISTRIES = (
    "pypi" + ".org",
    "python" + "hosted.org",
    "registry" + ".npmjs",
    "crates" + ".io",
    "conda" + ".anaconda",
)
MACHINE = re.compile(
    r"(?<![\w./~])/(?:root|home|Users|work|mnt|media|opt)/[\w.-]+"
    r"|[A-Z]:\\\\?Users"
    r"|\.\./sha" + r"red\b"
)
INDEX_OPTION = re.compile(r"--(?:extra-)?index-ur" + r"l|--find-link" + r"s\b|/simpl" + r"e/")


def forbidden_places(text: str, checkout: str) -> list[str]:
    """Return what a tracked text must not name: registries, folders of a machine, this checkout."""
    found = [name for name in REGISTRIES if name in text]
    found += [match.group(0) for match in MACHINE.finditer(text)]
    found += [match.group(0) for match in INDEX_OPTION.finditer(text)]
    long_enough = checkout.count("/") > 1  # "/app" could be part of an innocent word
    return [*found, checkout] if long_enough and checkout in text else found


def readable(path: Path) -> str:
    """Return the text of a file, or nothing for a binary one."""
    content = path.read_bytes()
    return "" if b"\0" in content[:8192] else content.decode("utf-8", errors="replace")


def test_no_tracked_file_names_a_registry_or_a_machine(project: Path, project_files: tuple[Path, ...]) -> None:
    found = {
        str(path.relative_to(project)): places
        for path in project_files
        if (places := forbidden_places(readable(path), str(project)))
    }
    assert found == {}


@pytest.mark.parametrize(
    "text",
    [
        "pip install -i https://" + "pypi" + ".org/simple numpy",
        "see /ro" + "ot/notes.txt",
        'path = "/ho' + 'me/ada/village.yaml"',
        "copy C:\\Us" + "ers\\ada\\x",
        "the facts in ../sha" + "red/reference",
        "pip install --extra-index-ur" + "l internal numpy",
        "cd /srv/checkouts/plan && ls",
    ],
)
def test_a_machine_or_registry_is_found(text: str) -> None:
    assert forbidden_places(text, "/srv/checkouts/plan")


@pytest.mark.parametrize(
    "text",
    [
        "/usr/sbin/policy-rc.d",
        "https://re.jrc.ec.europa.eu/api",
        "a/home/b",
        "docs/work/x",
        "kWh/home/day",
        "the/root/of",
    ],
)
def test_an_ordinary_path_is_not_found(text: str) -> None:
    assert forbidden_places(text, "/srv/checkouts/plan") == []
