"""From an address to a store: SQLite files, PostgreSQL, and bringing either to the present tables."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import NullPool

from microgrid.errors import Environment, InvalidInput, Problem
from microgrid.store.tables import REVISION

BUSY_S = 30  # how long one program waits while another writes to the same SQLite file
UPGRADE_LOCK = 5_063_711_954_209  # any number of ours: one upgrade at a time on a PostgreSQL server
CHECKPOINT = "wal_autocheckpoint=4000"  # pages, 16 MB: fewer than one payment in a hundred waits for the log's clearing
CONNECTIONS = 20  # of one program, at most


def parse(address: str) -> URL:
    """Return the address of a database; a bare path is a SQLite file."""
    if address and "://" not in address:
        return URL.create("sqlite", database=address)
    try:
        url = make_url(address)
    except ArgumentError:
        raise _no_address(address) from None
    kind = url.get_backend_name()
    if kind in ("postgresql", "postgres"):
        return url.set(drivername="postgresql+psycopg")
    if kind == "sqlite" and url.database and url.database != ":memory:":
        return url.set(drivername="sqlite")
    raise _no_address(address)


def driven(url: URL) -> Engine:
    """Return the engine a store opens its connections with; the store begins and ends transactions itself."""
    if url.get_backend_name() == "sqlite":
        made = create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool, **_sqlite_options())
        event.listen(made, "connect", _prepare_sqlite)
        return made
    _require_psycopg()
    made = create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool, paramstyle="format")
    event.listen(made, "connect", _prepare_postgres)
    return made


@contextmanager
def changing(url: URL) -> Iterator[Connection]:
    """Open a connection for changing tables: one upgrade at a time, all of it or nothing."""
    is_sqlite = url.get_backend_name() == "sqlite"
    if not is_sqlite:
        _require_psycopg()
    engine = create_engine(url, poolclass=NullPool, **(_sqlite_options() if is_sqlite else {}))
    if is_sqlite:
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    with reached(url), engine.begin() as connection:
        if not is_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": UPGRADE_LOCK})
        yield connection


@contextmanager
def reached(url: URL) -> Iterator[None]:
    """Say in a person's words that a database could not be opened."""
    try:
        yield
    except DBAPIError as error:
        if error.connection_invalidated or not error.statement:
            raise unreachable(url, error.orig or error) from error
        raise


def unreachable(url: URL, error: BaseException) -> Environment:
    """Return the error for a database that does not answer; the address is shown without its password."""
    reason = " ".join(str(error).split())
    what = f"the database {url.render_as_string(hide_password=True)} cannot be reached: {reason}"
    fix = "check the address, that the server runs, and that this user may read and write there"
    return Environment(Problem("MG-E060", what, why="nothing was written", fix=fix))


def current_revision(connection: Connection) -> str:
    """Return the revision of the tables of a database, empty when it has none."""
    if not inspect(connection).has_table("alembic_version"):
        return ""
    return connection.scalar(text("SELECT version_num FROM alembic_version")) or ""


def migrations(connection: Connection | None = None) -> Any:
    """Return alembic's settings: where the migrations are, and the connection they run on."""
    from alembic.config import Config

    settings = Config()
    folder = Path(__file__).with_name("migrations")
    settings.set_main_option("script_location", str(folder).replace("%", "%%"))
    settings.set_main_option("path_separator", "os")
    settings.attributes["connection"] = connection
    return settings


def upgrade(address: str) -> None:
    """Bring a database to the present tables, making a SQLite file that is not there."""
    from alembic import command

    url = parse(address)
    if url.get_backend_name() == "sqlite" and url.database:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
        Path(url.database).touch(
            mode=0o600
        )  # phones and payments: for its owner; the log beside it takes the same mode
    with changing(url) as connection:
        command.upgrade(migrations(connection), "head")


def require_present(url: URL, connection: Connection) -> None:
    """Refuse a database whose tables are not of this version."""
    found = current_revision(connection)
    if found != REVISION:
        shown = url.render_as_string(hide_password=True)
        what = f"the tables of {shown} are at revision '{found or 'none'}', this version works with '{REVISION}'"
        fix = "microgrid db upgrade  brings an older database up; a newer one needs the newer version"
        raise Environment(Problem("MG-E061", what, why="nothing was read or written", fix=fix))


def _sqlite_options() -> dict[str, Any]:
    return {"connect_args": {"timeout": BUSY_S, "cached_statements": 512, "check_same_thread": False}}


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # we begin and end transactions ourselves
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "temp_store=MEMORY", CHECKPOINT):
        connection.execute(f"PRAGMA {pragma}")


def _prepare_postgres(connection: Any, _record: object) -> None:
    from psycopg.types.numeric import Int8Dumper

    # One size of integer: else each mix of small and large numbers would be prepared as a statement of its own.
    connection.adapters.register_dumper(int, Int8Dumper)
    connection.prepare_threshold = 2
    connection.prepared_max = 500


def _require_psycopg() -> None:
    try:
        import psycopg  # noqa: F401 - only whether it is there
    except ImportError as error:
        what = "PostgreSQL needs the package psycopg, which is not installed"
        fix = "python3 -m pip install 'payg-microgrid[postgres]', or use a SQLite file"
        raise Environment(Problem("MG-E062", what, fix=fix)) from error


def _no_address(address: str) -> InvalidInput:
    what = f"'{make_safe(address)}' is not the address of a database"
    fix = "write the path of a SQLite file, such as data/site.db, or postgresql://user:password@host/name"
    return InvalidInput(Problem("MG-L004", what, fix=fix))


def make_safe(address: str) -> str:
    """Return an address without what may be a password."""
    scheme, _, rest = address.partition("://")
    return f"{scheme}://***@{rest.rpartition('@')[2]}" if "@" in rest else address
