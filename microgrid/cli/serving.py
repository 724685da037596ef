"""`microgrid serve` and the opening of books: where the live parts are joined."""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from microgrid.clock import WallClock
from microgrid.config import read
from microgrid.errors import InvalidInput, Problem
from microgrid.organisation import Organisation
from microgrid.ports import NO_KEYS, Core
from microgrid.switching.supply import Desired

if TYPE_CHECKING:
    from microgrid.api.hooks import Hook
    from microgrid.store.sql import SqlStore

log = logging.getLogger("microgrid.serve")


class NoLink:
    """Stands where no way to meters is set up: what they should do is kept, and shown by the API."""

    def send(self, meter_id: str, desired: Desired) -> None:
        """Send nothing; the desired state stays due."""


class NoNotifier:
    """Stands where no SMS account is set up: texts stay in the outbox."""

    def send(self, to: str, text: str, key: str) -> None:  # noqa: ARG002 - as the port says
        """Refuse to send, so that the text is kept."""
        raise OSError("no SMS account is set up")


def settings(folder: Path) -> Organisation:
    """Return what `organisation.yaml` of a folder says."""
    path = folder / "organisation.yaml"
    if not path.is_file():
        fix = f"write {path.as_posix()} with at least  database: books.db"
        raise InvalidInput(Problem("MG-A014", f"there is no organisation.yaml in '{folder.as_posix()}'", fix=fix))
    return read(path, Organisation)


def address(folder: Path, organisation: Organisation) -> str:
    """Return the address of the books; a file without a folder of its own lies beside the settings."""
    database = organisation.database
    return database if "://" in database else str(folder / database)


def open_books(folder: Path) -> SqlStore:
    """Return the store of a folder's books."""
    from microgrid.store.sql import open_store

    return open_store(address(folder, settings(folder)))


def open_core(folder: Path) -> Core:
    """Return the control plane on a folder's books, with the machine's clock."""
    from microgrid.sealing import read_key_file

    return Core(open_books(folder), WallClock(), NoLink(), NoNotifier(), read_key_file(folder) or NO_KEYS)


def payment_hooks(organisation: Organisation) -> tuple[Hook, ...]:
    """Return where the providers of an organisation call."""
    from microgrid.cli.money_in import mpesa_hooks

    return tuple(hook for account in organisation.payments for hook in mpesa_hooks(account))


def serve(folder: Path, host: str, port: int) -> None:
    """Run the service until it is interrupted."""
    import uvicorn

    from microgrid.api.app import create_app

    organisation = settings(folder)
    core = open_core(folder)
    app = create_app(core, payment_hooks(organisation))
    stop = threading.Event()
    ticking = threading.Thread(target=_tick, args=(core, organisation.tick_s, stop), name="tick", daemon=True)
    ticking.start()
    try:
        uvicorn.run(app, **listening(organisation, host, port))
    finally:
        stop.set()
        ticking.join(timeout=10)


def listening(organisation: Organisation, host: str, port: int) -> dict[str, Any]:
    """Return how the server listens; headers that say where a call came from count only from our own proxies."""
    return {
        "host": host,
        "port": port,
        "log_level": "warning",
        "server_header": False,
        "access_log": False,  # the addresses that providers call are secret
        "proxy_headers": bool(organisation.trusted_proxies),
        "forwarded_allow_ips": list(organisation.trusted_proxies),
    }


def _tick(core: Core, every_s: int, stop: threading.Event) -> None:
    from microgrid.flows import on_tick

    while not stop.wait(every_s):
        try:
            on_tick(core)
        except Exception:  # the next tick tries again; the service must go on taking payments
            log.exception("a tick failed")


def upgrade(folder: Path) -> str:
    """Make or bring up the tables of a folder's books, and return where they are."""
    from microgrid.store.opening import make_safe
    from microgrid.store.opening import upgrade as upgrade_tables

    found = address(folder, settings(folder))
    upgrade_tables(found)
    return make_safe(found)
