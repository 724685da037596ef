"""A village with one customer, ready to pay, on every store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import private_postgres
from microgrid.store.memory import MemoryStore
from microgrid.store.opening import upgrade
from microgrid.store.sql import open_store
from microgrid.store.tables import METADATA
from tests.flows.village import ENERGY, AnyStore, Village, make_village


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str | None]:
    with private_postgres.server() as url:
        yield url


@pytest.fixture(scope="session")
def migrated_postgres(postgres_server: str | None) -> Iterator[str]:
    if postgres_server is None:
        pytest.skip(f"NOT RUN ON POSTGRESQL: no server here; to run: {private_postgres.HOW}")
    with private_postgres.database(postgres_server) as address:
        upgrade(address)
        yield address


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[AnyStore]:
    """Return each kind of store, empty."""
    if request.param == "memory":
        yield MemoryStore()
        return
    if request.param == "sqlite":
        address = str(tmp_path / "books.db")
        upgrade(address)
    else:
        address = request.getfixturevalue("migrated_postgres")
    opened = open_store(address)
    yield opened
    opened.close()
    if request.param == "postgres":
        private_postgres.empty(address, METADATA)


@pytest.fixture
def village(store: AnyStore) -> Village:
    """Return a village on each kind of store."""
    return make_village(store)


@pytest.fixture
def home(village: Village) -> Village:
    """Return a village with one home that pays by the kWh."""
    village.settle_in(ENERGY)
    return village


@pytest.fixture
def home_in_memory() -> Village:
    """Return a village with one home, for tests in which the store plays no part."""
    village = make_village(MemoryStore())
    village.settle_in(ENERGY)
    return village
