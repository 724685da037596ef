"""A PostgreSQL server of one's own: on a free port, in a folder that is thrown away, stopped by its own number.

For tests and figures. `MICROGRID_TEST_PG` names a server to use instead: the URL of a user who may make databases.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from sqlalchemy import MetaData, create_engine
from sqlalchemy.engine import URL, make_url
from sqlalchemy.pool import NullPool

USER = "postgres"
QUICK = ("fsync=off", "full_page_writes=off", "synchronous_commit=off", "deadlock_timeout=100ms")
HOW = "apt-get install -y --no-install-recommends postgresql, or set MICROGRID_TEST_PG to the URL of a server"


def binaries() -> Path | None:
    """Return the folder of the newest server on this machine, or nothing."""
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if found:
        return max(found, key=lambda folder: [int(part) for part in folder.parent.name.split(".") if part.isdigit()])
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


@contextmanager
def server(*, durable: bool = False) -> Iterator[str | None]:
    """Run a server and give its URL, or nothing where there is none; `durable` waits for the disk at each commit."""
    given = os.environ.get("MICROGRID_TEST_PG")
    programs = binaries()
    if given or programs is None or shutil.which("setpriv") is None:
        yield given
        return
    folder = Path(tempfile.mkdtemp(prefix="microgrid-postgres-"))
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, USER, USER)
        _as_owner(programs / "initdb", "-D", folder / "data", "-A", "trust", "-U", USER, "--no-sync", "-E", "UTF8")
        port = _free_port()
        with _running(programs, folder, port, QUICK if not durable else ()):
            yield f"postgresql://{USER}@127.0.0.1:{port}/postgres"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def database(server_url: str) -> Iterator[str]:
    """Make a database of one's own on a server, give its URL, and remove it, whoever is connected to it."""
    name = f"microgrid_{os.getpid()}_{uuid4().hex[:8]}"
    url = make_url(server_url)
    _run(url, f'CREATE DATABASE "{name}"')
    try:
        yield url.set(database=name).render_as_string(hide_password=False)
    finally:
        _run(url, f'DROP DATABASE "{name}" WITH (FORCE)')


def empty(address: str, tables: MetaData) -> None:
    """Delete every row of a database; its triggers, which refuse that, are asleep meanwhile."""
    deletions = (f'DELETE FROM "{name}"' for name in tables.tables)  # noqa: S608 - names of our own tables
    _run(make_url(address), "SET session_replication_role = replica", *deletions)


def disconnect_all(address: str) -> None:
    """Cut every other connection to a database, as a restart of the server does."""
    others = "datname = current_database() AND pid <> pg_backend_pid()"
    _run(make_url(address), f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}")  # noqa: S608


def _run(url: URL, *statements: str) -> None:
    made = url.set(drivername="postgresql+psycopg")
    with create_engine(made, isolation_level="AUTOCOMMIT", poolclass=NullPool).connect() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


@contextmanager
def _running(programs: Path, folder: Path, port: int, settings: tuple[str, ...]) -> Iterator[None]:
    """Run the server as our child: it stops at once (SIGQUIT) when we say so, and when we are killed."""
    options = ["-D", folder / "data", "-p", port, "-k", folder]
    for setting in ("listen_addresses=127.0.0.1", "max_connections=120", *settings):
        options += ["-c", setting]
    words = _owner("--pdeathsig", "QUIT", programs / "postgres", *options)
    with (folder / "log").open("wb") as log:
        running = subprocess.Popen(words, cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        _wait_until_ready(programs, running, port, folder / "log")
        yield
    finally:
        running.send_signal(signal.SIGQUIT)
        running.wait()


def _wait_until_ready(programs: Path, running: subprocess.Popen[bytes], port: int, log: Path) -> None:
    asking = [str(programs / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]
    for _ in range(600):
        if running.poll() is not None:
            break
        if subprocess.run(asking, cwd="/", check=False).returncode == 0:
            return
        time.sleep(0.05)
    raise RuntimeError(f"the PostgreSQL server did not start: {log.read_text(errors='replace')}")


def _as_owner(*command: object) -> None:
    """Run a program of the server, which refuses to work for root."""
    words = _owner(*command)
    done = subprocess.run(words, cwd="/", stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(words)} failed: {done.stdout}{done.stderr}")


def _owner(*command: object) -> list[str]:
    """Return a command as it is run by the owner of the data; words before the program may be options of `setpriv`."""
    becoming = ["--reuid", USER, "--regid", USER, "--init-groups"] if os.geteuid() == 0 else []
    return ["setpriv", *becoming, *(str(word) for word in command)]


def _free_port() -> int:
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        port: int = asked.getsockname()[1]
        return port
