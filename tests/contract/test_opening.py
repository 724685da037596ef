"""An address becomes a store, or a sentence; migrations make what the code expects, once, on both databases."""

import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from benchmarks import private_postgres
from microgrid.customers.records import Meter
from microgrid.errors import Environment, InvalidInput
from microgrid.store import opening
from microgrid.store.opening import changing, migrations, parse, upgrade
from microgrid.store.sql import SqlStore, open_store
from microgrid.store.tables import METADATA, REVISION


def indexes_of(store: SqlStore) -> set[tuple[str, str]]:
    """Return what the database itself says about its indexes and their conditions."""
    listed = {
        True: "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
        False: "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL",
    }[store.is_postgres]
    with store.engine.connect() as connection:
        return {(str(name), " ".join(str(sql).split())) for name, sql in connection.exec_driver_sql(listed)}


def test_migrations_make_the_tables_the_code_works_with(sql_store: SqlStore) -> None:
    with changing(sql_store.url) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []


def test_migrated_indexes_are_those_of_the_code(tmp_path: Path, migrated_sqlite: bytes) -> None:
    (tmp_path / "migrated.db").write_bytes(migrated_sqlite)
    with changing(parse(str(tmp_path / "declared.db"))) as connection:
        METADATA.create_all(connection)
        connection.exec_driver_sql("CREATE TABLE alembic_version (version_num TEXT)")
        connection.exec_driver_sql(f"INSERT INTO alembic_version VALUES ('{REVISION}')")
    migrated, declared = open_store(str(tmp_path / "migrated.db")), open_store(str(tmp_path / "declared.db"))
    assert indexes_of(migrated) == indexes_of(declared)
    tables = "SELECT name, sql FROM sqlite_master WHERE sql LIKE '%WITHOUT ROWID%'"
    with migrated.engine.connect() as one, declared.engine.connect() as other:
        assert {row[0] for row in one.exec_driver_sql(tables)} == {row[0] for row in other.exec_driver_sql(tables)}


def test_the_newest_migration_is_the_one_the_code_names() -> None:
    script = ScriptDirectory.from_config(migrations())
    assert script.get_current_head() == REVISION


def test_upgrading_again_changes_nothing(address: str) -> None:
    store = open_store(address)
    with store.begin() as uow:
        uow.meters.add(Meter("m1"))
    upgrade(address)
    with store.read() as uow:
        assert uow.meters.page() == [Meter("m1")]
    store.close()


def test_a_new_folder_is_made_for_a_new_file(tmp_path: Path) -> None:
    path = tmp_path / "my village" / "50% ready.db"
    upgrade(str(path))
    store = open_store(f"sqlite:///{path}")
    with store.begin() as uow:
        uow.meters.add(Meter("m1"))
        assert {file.stat().st_mode & 0o077 for file in path.parent.iterdir()} == {0}  # nobody else reads the books
    store.close()


def test_a_failed_upgrade_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_arguments: object) -> None:
        raise KeyboardInterrupt

    path = tmp_path / "site.db"
    with monkeypatch.context() as patched:
        patched.setattr("alembic.operations.base.Operations.execute", broken)
        with pytest.raises(KeyboardInterrupt):
            upgrade(str(path))
    with sqlite3.connect(path) as raw:
        assert raw.execute("SELECT COUNT(*) FROM sqlite_master").fetchone() == (0,)
    raw.close()
    upgrade(str(path))
    open_store(str(path)).close()


def test_a_sqlite_file_is_durable_and_lets_others_read(sqlite_address: str) -> None:
    store = open_store(sqlite_address)
    with store.engine.connect() as connection:
        asked = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")]
    assert asked == ["wal", 2]  # 2 is FULL
    store.close()


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("data/site.db", "sqlite:///data/site.db"),
        ("sqlite:////var/site.db", "sqlite:////var/site.db"),
        ("postgresql://u:p@h:5/n", "postgresql+psycopg://u:***@h:5/n"),
        ("postgres://h/n", "postgresql+psycopg://h/n"),
        ("postgresql+psycopg2://h/n", "postgresql+psycopg://h/n"),
    ],
)
def test_addresses(address: str, shown: str) -> None:
    assert parse(address).render_as_string() == shown


@pytest.mark.parametrize("address", ["mysql://root:secret@h/n", "sqlite://", "sqlite:///:memory:", "http://", ""])
def test_what_is_no_address_is_said_without_its_password(address: str) -> None:
    with pytest.raises(InvalidInput, match="is not the address of a database") as refused:
        parse(address)
    assert [problem.code for problem in refused.value.problems] == ["MG-L004"]
    assert "secret" not in str(refused.value)


def test_a_database_of_another_version_is_not_opened(tmp_path: Path, sqlite_address: str) -> None:
    with sqlite3.connect(sqlite_address) as raw:
        raw.execute("UPDATE alembic_version SET version_num = '9999'")
    raw.close()
    for address, found in ((sqlite_address, "9999"), (str(tmp_path / "empty.db"), "none")):
        with pytest.raises(Environment, match=f"revision '{found}', this version works with '{REVISION}'") as refused:
            open_store(address)
        assert refused.value.problems[0].code == "MG-E061"


@pytest.mark.parametrize("made", ["a folder", "a text"])
def test_a_file_that_is_no_database_is_said(tmp_path: Path, made: str) -> None:
    path = tmp_path / "site.db"
    if made == "a folder":
        path.mkdir()
    else:
        path.write_text("name,phone\n" * 500, encoding="utf-8")
    for use in (open_store, upgrade):
        with pytest.raises(Environment, match=r"site\.db cannot be reached") as refused:
            use(str(path))
        assert refused.value.problems[0].code == "MG-E060"


def test_a_server_that_does_not_answer_is_said_without_the_password() -> None:
    pytest.importorskip("psycopg")
    for use in (open_store, upgrade):
        with pytest.raises(Environment, match=r"postgresql\+psycopg://u:\*\*\*@127\.0\.0\.1:1/n cannot be") as refused:
            use("postgresql://u:secret@127.0.0.1:1/n")
        assert "secret" not in str(refused.value)


def test_without_its_driver_postgresql_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "psycopg", None)
    for use in (open_store, upgrade):
        with pytest.raises(Environment, match="payg-microgrid") as refused:
            use("postgresql://h/n")
        assert refused.value.problems[0].code == "MG-E062"


def test_another_program_that_keeps_writing_is_said(sqlite_address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "BUSY_S", 0)
    store = open_store(sqlite_address)
    other = sqlite3.connect(sqlite_address, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Environment, match="another program has been writing") as refused, store.begin():
        pass
    assert refused.value.problems[0].code == "MG-E063"
    other.execute("ROLLBACK")
    other.close()
    with store.begin() as uow:  # and nothing is held by the failed attempt
        uow.meters.add(Meter("m1"))
    store.close()


def test_a_connection_that_went_stale_is_replaced(postgres_address: str) -> None:
    store = open_store(postgres_address)
    with store.begin() as uow:
        uow.meters.add(Meter("m1"))
    private_postgres.disconnect_all(postgres_address)
    with store.begin() as uow:
        uow.meters.add(Meter("m2"))
    assert [meter.id for meter in meters_of(store)] == ["m1", "m2"]
    store.close()


def test_a_connection_lost_half_way_writes_nothing(postgres_address: str) -> None:
    store = open_store(postgres_address)

    def lose() -> None:
        with store.begin() as uow:
            uow.meters.add(Meter("m1"))
            private_postgres.disconnect_all(postgres_address)
            uow.meters.add(Meter("m2"))

    with pytest.raises(Environment, match="cannot be reached"):
        lose()
    assert meters_of(store) == []
    store.close()


def meters_of(store: SqlStore) -> list[Meter]:
    with store.read() as uow:
        return list(uow.meters.page())
