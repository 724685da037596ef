"""The way to meters of a running service: made from `broker` in `organisation.yaml` and the files it names."""

from __future__ import annotations

from pathlib import Path

from microgrid.bridge.link import BrokerAccess, Tls
from microgrid.bridge.running import Bridge
from microgrid.broker_settings import BrokerSettings
from microgrid.errors import Environment, Problem
from microgrid.ports import NO_KEYS, Core


def bridge_of(core: Core, settings: BrokerSettings, folder: Path) -> Bridge:
    """Return the bridge of a service; it begins to work when it is started.

    Raises Environment with everything that is missing: files that are named, and the key that seals the meters' keys.
    """
    named = (settings.password_file, settings.authority_file, settings.certificate_file, settings.key_file)
    problems = [_missing(folder / name) for name in named if name and not (folder / name).is_file()]
    if core.keys is NO_KEYS:
        what = "there is no key to open the keys of meters with"
        problems.append(Problem("MG-A015", what, fix="make one: microgrid db new-key"))
    if problems:
        raise Environment(*problems)
    return Bridge(core, access_of(settings, folder), settings.worker)


def access_of(settings: BrokerSettings, folder: Path) -> BrokerAccess:
    """Return where the broker is, and who we are to it."""
    password = (folder / settings.password_file).read_text("utf-8").strip() if settings.password_file else ""
    tls = None
    if settings.authority_file:
        certificate, key = (folder / name if name else None for name in (settings.certificate_file, settings.key_file))
        tls = Tls(folder / settings.authority_file, certificate, key)
    known = settings.host, settings.port, settings.client_id, settings.username, password, tls
    return BrokerAccess(*known, version=5 if settings.version == "5" else 4)


def _missing(path: Path) -> Problem:
    what = f"there is no file {path.as_posix()}, which `broker` in organisation.yaml names"
    return Problem("MG-M063", what, fix="write it, or name another file; microgrid broker init makes them")
