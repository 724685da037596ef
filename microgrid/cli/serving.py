"""`microgrid serve` and the opening of books: where the live parts are joined."""

from __future__ import annotations

import logging
import signal
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from microgrid.cli.logs import Form, set_up
from microgrid.cli.output import talk
from microgrid.clock import WallClock
from microgrid.config import read
from microgrid.errors import InvalidInput, Problem
from microgrid.organisation import Organisation
from microgrid.ports import NO_KEYS, Core
from microgrid.switching.supply import Desired
from microgrid.switching.told import Ask

if TYPE_CHECKING:
    from microgrid.api.hooks import Hook
    from microgrid.bridge.running import Bridge
    from microgrid.store.sql import SqlStore

CALLS_MAX = 1000  # at once; further ones are told to come again
log = logging.getLogger("microgrid.serve")
ASK_EVERY_S = 5  # providers about payments: a customer waits with the phone in the hand
LAST_TICK_S = 30  # how long a tick under way may take to end
SHOWN_OF_PATH = 3  # characters of a secret address: enough to know it again


class NoLink:
    """Stands where no way to meters is set up: what they should do is kept, and shown by the API."""

    def send(self, meter_id: str, desired: Desired) -> None:
        """Send nothing; the desired state stays due."""

    def request(self, meter_id: str, ask: Ask) -> None:
        """Ask nothing; meters that are heard again are asked again."""


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
    """Return the control plane on a folder's books, with the machine's clock; its orders are sent by the service."""
    from microgrid.api.posting import WebPoster
    from microgrid.cli.left_to_service import LeftToService
    from microgrid.sealing import read_key_file

    organisation, keys = settings(folder), read_key_file(folder) or NO_KEYS
    poster = WebPoster(organisation.webhook_networks)
    refund_after = timedelta(days=organisation.refund_after_days)
    books, clock = open_books(folder), WallClock()
    return Core(books, clock, LeftToService(books, clock), NoNotifier(), keys, poster=poster, refund_after=refund_after)


def open_asking_core(folder: Path) -> Core:
    """Return the control plane with the ways to all providers whose secrets are set up."""
    from microgrid.cli.money_keys import providers, secrets_of

    organisation, core = settings(folder), open_core(folder)
    secrets = secrets_of(organisation.payments, folder)
    return replace(core, providers=providers(organisation, secrets, core.clock))


def payment_hooks(
    organisation: Organisation, secrets: Mapping[str, Mapping[str, str]] | None = None
) -> tuple[Hook, ...]:
    """Return where the providers of an organisation call."""
    from microgrid.cli.money_in import hooks

    known = secrets or {}
    made = (hooks(each, known.get(each.line, {}), organisation.public_url) for each in organisation.payments)
    return tuple(hook for each in made for hook in each)


def serve(folder: Path, host: str, port: int, log_form: Form = "text") -> None:
    """Run the service until it is told to stop; what is under way is finished first."""
    from microgrid.cli.alone import listening_at, only_service

    organisation = settings(folder)
    with only_service(books_file(address(folder, organisation))), listening_at(host, port) as opened:
        _run(folder, organisation, opened, log_form)


def _run(folder: Path, organisation: Organisation, opened: socket.socket, log_form: Form) -> None:
    import uvicorn

    from microgrid.api.app import create_app
    from microgrid.cli.broker_desk import keep_in_step
    from microgrid.cli.money_keys import secrets_of
    from microgrid.cli.paper_in import desks
    from microgrid.flows import ask_often
    from microgrid.ticking import Ticker

    set_up(log_form)
    core = replace(open_asking_core(folder), link=NoLink())
    bridge = None
    if organisation.broker is not None:
        from microgrid.cli.bridging import bridge_of

        bridge = bridge_of(core, organisation.broker, folder)
        core = bridge.core
    ticker = Ticker(core, organisation.tick_s)
    asker = Ticker(core, ASK_EVERY_S, ask_often)
    hooks = payment_hooks(organisation, secrets_of(organisation.payments, folder))
    host, port = opened.getsockname()[:2]
    config = uvicorn.Config(create_app(core, hooks, ticker, desks(organisation)), **listening(organisation, host, port))
    for line in welcome(folder, organisation, hooks, host, port):
        talk(line) if log_form == "text" else log.info(line)
    # Without this, SIGTERM would end the program the moment the server has stopped, in the middle of a tick.
    signal.signal(signal.SIGTERM, _stop)
    keeper = Ticker(core, ASK_EVERY_S, partial(keep_in_step, folder))
    works: list[Bridge | Ticker] = [*([bridge] if bridge is not None else []), ticker, asker, keeper]
    for work in works:
        work.start()
    try:
        uvicorn.Server(config).run([opened])
    finally:
        ended = [work.stop(LAST_TICK_S) for work in reversed(works)]
        if not all(ended):
            log.warning("not all work ended in %d s; what it had not committed is due again", LAST_TICK_S)
        log.info("stopped; everything that was answered is in the books")


def welcome(folder: Path, organisation: Organisation, hooks: Sequence[Hook], host: str, port: int) -> Iterator[str]:
    """Yield what the operator should know when the service starts: where it is, who calls it, and what to type next."""
    from microgrid.store.opening import make_safe

    place = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    books = make_safe(address(folder, organisation))
    yield f"listening at {place}, books in {books}, a tick every {organisation.tick_s} s"
    for hook in hooks:
        yield f"{hook.source} calls  {place}/hooks/{hook.secret_path[:SHOWN_OF_PATH]}***/{hook.call}"
    if organisation.broker is not None:
        yield f"meters are reached by the broker at {organisation.broker.host}:{organisation.broker.port}"
    if not hooks:
        yield "no payment account is set up: add one under `payments` in organisation.yaml"
    yield f"next:  microgrid api-key new NAME --for read --folder {folder.as_posix()}   and   curl {place}/health/ready"
    yield "stop with Ctrl-C"


def books_file(found: str) -> Path | None:
    """Return the SQLite file of an address, or nothing when the books lie on a server."""
    from microgrid.store.opening import parse

    url = parse(found)
    return Path(url.database).resolve() if url.get_backend_name() == "sqlite" and url.database else None


def _stop(_signal: int, _frame: object) -> None:
    raise SystemExit(0)


def listening(organisation: Organisation, host: str, port: int) -> dict[str, Any]:
    """Return how the server listens; headers that say where a call came from count only from our own proxies."""
    return {
        "host": host,
        "port": port,
        "log_level": "warning",
        "server_header": False,
        "access_log": False,  # the addresses that providers call are secret
        "log_config": None,  # see `logs`
        "limit_concurrency": CALLS_MAX,
        "timeout_graceful_shutdown": 20,
        "proxy_headers": bool(organisation.trusted_proxies),
        "forwarded_allow_ips": list(organisation.trusted_proxies),
    }


def upgrade(folder: Path) -> str:
    """Make or bring up the tables of a folder's books, and return where they are."""
    from microgrid.store.opening import make_safe
    from microgrid.store.opening import upgrade as upgrade_tables

    found = address(folder, settings(folder))
    upgrade_tables(found)
    return make_safe(found)
