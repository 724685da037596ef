"""The service on each kind of store, ready to be talked to."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from microgrid.customers.keys import SCOPES
from microgrid.store.memory import MemoryStore
from microgrid.store.opening import upgrade
from microgrid.store.sql import open_store
from tests.api.service import Program, Service, make_service
from tests.flows.village import AnyStore


@pytest.fixture
def sqlite_store(tmp_path: Path) -> Iterator[AnyStore]:
    """Return a store in a file."""
    upgrade(str(tmp_path / "books.db"))
    opened = open_store(str(tmp_path / "books.db"))
    yield opened
    opened.close()


@pytest.fixture(params=["memory", "sqlite"])
def service(request: pytest.FixtureRequest) -> Service:
    """Return the service on each kind of store."""
    return make_service(MemoryStore() if request.param == "memory" else request.getfixturevalue("sqlite_store"))


@pytest.fixture
def anybody(service: Service) -> Program:
    """Return a program that may do everything."""
    return service.program(*SCOPES)


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """Return a folder with the `microgrid` command of this checkout."""
    command = tmp_path / "bin" / "microgrid"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m microgrid "$@"\n', encoding="utf-8")
    command.chmod(0o755)
    return command.parent
