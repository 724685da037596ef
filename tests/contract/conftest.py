"""Every store there is, each empty and ready, for one suite that asks the same of all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import private_postgres
from microgrid.store.memory import MemoryStore
from microgrid.store.opening import upgrade
from microgrid.store.sql import SqlStore, open_store
from microgrid.store.tables import METADATA

AnyStore = MemoryStore | SqlStore


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str | None]:
    """Run one server for all tests, or none."""
    with private_postgres.server() as url:
        yield url


@pytest.fixture(scope="session")
def migrated_postgres(postgres_server: str | None) -> Iterator[str]:
    """Return the address of a database with our tables."""
    if postgres_server is None:
        pytest.skip(f"NOT RUN ON POSTGRESQL: no server here; to run: {private_postgres.HOW}")
    with private_postgres.database(postgres_server) as address:
        upgrade(address)
        yield address


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return the bytes of a SQLite file with our tables, to be copied."""
    path = tmp_path_factory.mktemp("migrated") / "site.db"
    upgrade(str(path))
    return path.read_bytes()


@pytest.fixture
def sqlite_address(migrated_sqlite: bytes, tmp_path: Path) -> str:
    """Return a SQLite file of one's own."""
    path = tmp_path / "site.db"
    path.write_bytes(migrated_sqlite)
    return str(path)


@pytest.fixture
def postgres_address(migrated_postgres: str) -> Iterator[str]:
    """Return a PostgreSQL database with empty tables; copying one for each test would take a second."""
    yield migrated_postgres
    private_postgres.empty(migrated_postgres, METADATA)


@pytest.fixture(params=["sqlite", "postgres"])
def address(request: pytest.FixtureRequest) -> str:
    """Return the address of each kind of database."""
    found: str = request.getfixturevalue(f"{request.param}_address")
    return found


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def store(request: pytest.FixtureRequest) -> Iterator[AnyStore]:
    """Return each kind of store."""
    if request.param == "memory":
        yield MemoryStore()
        return
    opened = open_store(request.getfixturevalue(f"{request.param}_address"))
    yield opened
    opened.close()


@pytest.fixture
def sql_store(address: str) -> Iterator[SqlStore]:
    """Return each kind of store in a database."""
    opened = open_store(address)
    yield opened
    opened.close()
