"""Databases to measure on: a SQLite file and a PostgreSQL server that waits for the disk, and fresh copies of each."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from uuid import uuid4

from sqlalchemy import create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

from benchmarks import private_postgres, replaying
from microgrid.store.opening import upgrade


@contextmanager
def sqlite(folder: Path) -> Iterator[str]:
    """Make a SQLite file with our tables."""
    address = str(folder / f"{uuid4().hex[:8]}.db")
    upgrade(address)
    yield address
    for file in folder.glob(f"{Path(address).name}*"):
        file.unlink()


@contextmanager
def sqlite_copy(address: str) -> Iterator[str]:
    """Copy a SQLite file that nobody has open."""
    with sqlite3.connect(address) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    copied = f"{address}.{uuid4().hex[:8]}"
    shutil.copy(address, copied)
    yield copied
    for file in Path(copied).parent.glob(f"{Path(copied).name}*"):
        file.unlink()


@contextmanager
def postgres(server: str) -> Iterator[str]:
    """Make a PostgreSQL database with our tables."""
    with private_postgres.database(server) as address:
        upgrade(address)
        yield address


@contextmanager
def postgres_copy(address: str) -> Iterator[str]:
    """Copy a PostgreSQL database that nobody is connected to."""
    url = make_url(address)
    name = f"copy_{uuid4().hex[:8]}"
    admin = url.set(drivername="postgresql+psycopg", database="postgres")
    engine = create_engine(admin, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as connection:
        connection.exec_driver_sql(f'CREATE DATABASE "{name}" TEMPLATE "{url.database}"')
    try:
        yield url.set(database=name).render_as_string(hide_password=False)
    finally:
        with engine.connect() as connection:
            connection.exec_driver_sql(f'DROP DATABASE "{name}" WITH (FORCE)')


def copy(address: str) -> AbstractContextManager[str]:
    """Copy a database of either kind."""
    return postgres_copy(address) if "://" in address else sqlite_copy(address)


def settle_down(address: str) -> None:
    """Let PostgreSQL look at its tables after much was written, as it does by itself within a minute."""
    if "://" in address:
        with replaying.cursor(address) as driver:
            driver.execute("ANALYZE")
