"""A village whose meters are emulated, on every store."""

from __future__ import annotations

import pytest

from microgrid.store.memory import MemoryStore
from tests.bridge.field import Field, make_field
from tests.flows.conftest import migrated_postgres, postgres_server, store
from tests.flows.village import AnyStore

__all__ = ["migrated_postgres", "postgres_server", "store"]


@pytest.fixture
def field(store: AnyStore) -> Field:
    """Return a village on each kind of store."""
    return make_field(store)


@pytest.fixture
def place() -> Field:
    """Return a village in memory, for tests in which the store plays no part."""
    return make_field(MemoryStore())
