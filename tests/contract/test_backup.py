"""A copy made while others pay is one moment of true books, and comes back as it was."""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from benchmarks import private_postgres
from microgrid.errors import Environment, InvalidInput
from microgrid.store.backup import back_up, restore
from microgrid.store.opening import driven, parse, upgrade
from microgrid.store.sql import open_store
from tests.flows.village import ENERGY, Village, make_village

needs_tools = pytest.mark.skipif(private_postgres.binaries() is None, reason=f"NOT RUN: {private_postgres.HOW}")


@pytest.fixture
def home(address: str) -> Iterator[Village]:
    """Return a village with one home and one payment, in each kind of database."""
    store = open_store(address)
    village = make_village(store)
    village.settle_in(ENERGY)
    village.pay("RKT1", 50_000)
    yield village
    store.close()


def change(address: str, statement: str) -> None:
    """Change rows by hand, past every trigger."""
    url = parse(address)
    with driven(url).connect() as connection:
        if url.get_backend_name() == "postgresql":
            connection.execute(text("SET session_replication_role = replica"))
        connection.execute(text(statement))


def credit_minor(address: str) -> int:
    store = open_store(address)
    try:
        with store.read() as uow:
            return uow.credits.get("K-104").available_minor
    finally:
        store.close()


def test_a_copy_comes_back_as_it_was_and_what_was_there_is_kept(home: Village, address: str, tmp_path: Path) -> None:
    copy = tmp_path / "copies" / "monday"
    back_up(address, copy)
    assert stat.S_IMODE(os.stat(copy).st_mode) == 0o600
    home.pay("RKT2", 10_000)
    assert home.credit_minor() == 60_000
    home.store.close()  # type: ignore[union-attr]  # a store in a database
    with pytest.raises(InvalidInput, match="MG-L162"):
        restore(address, copy, force=False)
    assert credit_minor(address) == 60_000
    kept = restore(address, copy, force=True)
    assert credit_minor(address) == 50_000
    assert kept is not None
    again = restore(address, kept, force=True)
    assert credit_minor(address) == 60_000
    assert again is not None
    assert again != kept
    reopened = make_village(open_store(address))
    reopened.are_books_true()
    reopened.pay("RKT3", 500)
    assert reopened.credit_minor() == 60_500
    reopened.store.close()  # type: ignore[union-attr]


def test_books_without_rows_are_restored_without_force(home: Village, address: str, tmp_path: Path) -> None:
    copy = tmp_path / "monday"
    back_up(address, copy)
    home.store.close()  # type: ignore[union-attr]
    if "://" in address:
        with create_engine(parse(address), poolclass=NullPool, isolation_level="AUTOCOMMIT").connect() as connection:
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))
        upgrade(address)
        assert restore(address, copy, force=False) is None
        assert credit_minor(address) == 50_000
        return
    other = str(tmp_path / "new" / "books.db")
    assert restore(other, copy, force=False) is None
    assert credit_minor(other) == 50_000
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["books.db"]


def test_books_that_are_not_true_are_copied_and_told_but_never_restored(
    home: Village, address: str, tmp_path: Path
) -> None:
    home.store.close()  # type: ignore[union-attr]
    change(address, "UPDATE credits SET balance_minor = 9")
    copy = tmp_path / "wrong"
    found = back_up(address, copy)
    if found is not None:
        assert [problem.code for problem in found.broken] == ["MG-L110"]
    change(address, "UPDATE credits SET balance_minor = 50000")
    with pytest.raises(InvalidInput, match="MG-L163") as refused:
        restore(address, copy, force=True)
    assert [problem.code for problem in refused.value.problems] == ["MG-L163", "MG-L110"]
    assert credit_minor(address) == 50_000


def test_a_copy_is_not_written_over(home: Village, address: str, tmp_path: Path) -> None:
    assert home.credit_minor() == 50_000
    copy = tmp_path / "monday"
    copy.write_text("the last good one", encoding="utf-8")
    with pytest.raises(InvalidInput, match="MG-L160"):
        back_up(address, copy)
    assert copy.read_text(encoding="utf-8") == "the last good one"


@pytest.mark.parametrize("content", [b"", b"no copy", b"SQLite format 3\0 and then nothing", None])
def test_what_is_no_copy_is_refused(home: Village, address: str, tmp_path: Path, content: bytes | None) -> None:
    assert home.credit_minor() == 50_000
    file = tmp_path / "strange"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises((InvalidInput, Environment), match=r"MG-L161|MG-E073"):
        restore(address, file, force=True)
    assert home.credit_minor() == 50_000


def test_a_database_of_others_is_no_copy(sqlite_address: str, tmp_path: Path) -> None:
    file = tmp_path / "theirs"
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE things (id)")
    with pytest.raises(InvalidInput, match=r"MG-L161.*other tables than ours"):
        restore(sqlite_address, file, force=True)


def test_a_damaged_file_can_be_replaced(sqlite_address: str, tmp_path: Path) -> None:
    store = open_store(sqlite_address)
    village = make_village(store)
    village.settle_in(ENERGY)
    village.pay("RKT1", 50_000)
    copy = tmp_path / "monday"
    back_up(sqlite_address, copy)
    store.close()
    Path(sqlite_address).write_bytes(b"no database at all, " * 500)
    with pytest.raises(InvalidInput, match="MG-L162"):
        restore(sqlite_address, copy, force=False)
    kept = restore(sqlite_address, copy, force=True)
    assert credit_minor(sqlite_address) == 50_000
    assert kept is not None
    assert kept.read_bytes().startswith(b"no database")


def test_a_copy_made_while_others_pay_is_one_moment(home: Village, address: str, tmp_path: Path) -> None:
    ended = threading.Event()

    def pay() -> None:
        number = 0
        while not ended.is_set():
            number += 1
            home.pay(f"M{number}", 100)

    payer = threading.Thread(target=pay)
    payer.start()
    try:
        back_up(address, tmp_path / "copy")
    finally:
        ended.set()
        payer.join()
    later = home.credit_minor()
    home.store.close()  # type: ignore[union-attr]
    restore(address, tmp_path / "copy", force=True)
    restored = make_village(open_store(address))
    restored.are_books_true()
    assert 50_000 <= restored.credit_minor() <= later
    restored.store.close()  # type: ignore[union-attr]


@needs_tools
def test_without_the_programs_of_postgresql_it_is_told(
    postgres_address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Environment, match=r"MG-E073.*pg_dump is not on this machine"):
        back_up(postgres_address, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()
