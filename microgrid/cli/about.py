"""`microgrid version`: what is running here."""

from __future__ import annotations

import platform
from importlib import metadata

from microgrid import __version__
from microgrid.cli.output import write, write_json

_PACKAGES = ("numpy", "numba", "pvlib", "scipy", "pandas", "pydantic", "ruamel.yaml", "typer", "rich")


def version(*, full: bool, as_json: bool) -> None:
    """Print the version; in full with packages and machine, ready to paste into a report."""
    facts = {"version": __version__, **(_surroundings() if full else {})}
    if as_json:
        write_json("microgrid.version/1", facts)
    elif full:
        write("\n".join(f"{name:<12} {value}" for name, value in facts.items()))
    else:
        write(f"microgrid {__version__}")


def _surroundings() -> dict[str, str]:
    found = {
        "python": platform.python_version(),
        "system": platform.platform(),
        "machine": platform.machine(),
    }
    return found | {name: _installed(name) for name in _PACKAGES}


def _installed(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"
