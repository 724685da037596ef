"""The audit log is sealed once, in one order on every store, and a sealed row is never changed."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Thread

import pytest

from microgrid import audit
from microgrid.audit import START, seal_of, seal_some
from microgrid.errors import InvalidInput
from microgrid.kept import AuditRow, ChainHead
from microgrid.ports import UnitOfWork
from microgrid.store.memory import MemoryStore
from microgrid.store.sql import SqlStore
from microgrid.store.verify import verify
from tests.flows.village import make_village

AT = datetime(2026, 11, 23, 6, 30, tzinfo=UTC)
AnyStore = MemoryStore | SqlStore


def row(name: str, minutes: int = 0) -> AuditRow:
    return AuditRow(name, AT + timedelta(minutes=minutes), "clerk", "move", "payment:1", 'line\n"two"')


def add(uow: UnitOfWork, *rows: AuditRow) -> None:
    for each in rows:
        uow.audit.add(each)


def test_rows_are_sealed_oldest_first_in_bounded_parts(store: AnyStore) -> None:
    with store.begin() as uow:
        assert not seal_some(uow, 2)
        assert audit.head_of(uow) == START
        add(uow, row("c", 5), row("b"), row("a"))
        assert [each.id for each in uow.audit.unsealed(9)] == ["a", "b", "c"]
        assert seal_some(uow, 2)
        assert [each.id for each in uow.audit.unsealed(9)] == ["c"]
        assert not seal_some(uow, 2)
        chain = uow.audit.sealed()
        assert [(each.id, each.number) for each in chain] == [("a", 1), ("b", 2), ("c", 3)]
        assert uow.audit.sealed(1, 1) == [chain[1]]
        assert uow.audit.unsealed(9) == []
        assert audit.find_break(uow) is None
    with store.read() as uow:
        assert audit.head_of(uow) == ChainHead("audit", 3, chain[2].seal)
        assert uow.audit.where(subject="payment:1") == chain
    first = seal_of(START.seal, 1, row("a"))
    assert [each.seal for each in chain[:2]] == [first, seal_of(first, 2, row("b"))]


def test_a_seal_is_the_hash_of_the_seal_before_it_and_of_what_the_row_says(store: AnyStore) -> None:
    with store.begin() as uow:
        add(uow, row("a"), row("É", 1))
        seal_some(uow, 9)
        first, second = uow.audit.sealed()
    said = r'[1,"a","2026-11-23T06:30:00+00:00","clerk","move","payment:1","line\n\"two\""]'
    assert first.seal == hashlib.sha256(f"{'0' * 64}\n{said}".encode()).hexdigest()
    said = r'[2,"\u00c9","2026-11-23T06:31:00+00:00","clerk","move","payment:1","line\n\"two\""]'
    assert second.seal == hashlib.sha256(f"{first.seal}\n{said}".encode()).hexdigest()


def test_a_sealed_row_stays_as_it_is(store: AnyStore) -> None:
    with store.begin() as uow:
        add(uow, row("a"))
        uow.audit.put(replace(row("a"), detail="as long as it is not sealed"))
        seal_some(uow, 9)
    with pytest.raises(Exception, match="the audit log is never changed"), store.begin() as uow:
        uow.audit.put(replace(row("a"), detail="another"))
    with store.begin() as uow:
        assert audit.find_break(uow) is None


@pytest.mark.parametrize("change", ["UPDATE audit SET seal = ''", "DELETE FROM audit", "UPDATE audit SET number = 2"])
def test_the_database_itself_refuses(sql_store: SqlStore, change: str) -> None:
    with sql_store.begin() as uow:
        add(uow, row("a"))
        seal_some(uow, 9)
        add(uow, row("b"))
    with sql_store.engine.connect() as connection:
        with pytest.raises(Exception, match="the audit log is never changed"):
            connection.exec_driver_sql(change)
        if sql_store.is_postgres:
            with pytest.raises(Exception, match="the audit log is never changed"):
                connection.exec_driver_sql("TRUNCATE audit")


def test_what_a_rolled_back_transaction_sealed_is_not_sealed(store: AnyStore) -> None:
    with store.begin() as uow:
        add(uow, row("a"))

    def fail() -> None:
        with store.begin() as uow:
            seal_some(uow, 9)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    with store.begin() as uow:
        assert (audit.head_of(uow), [each.id for each in uow.audit.unsealed(9)]) == (START, ["a"])
        seal_some(uow, 9)
        assert audit.find_break(uow) is None


def test_programs_that_seal_at_once_take_turns(store: AnyStore) -> None:
    with store.begin() as uow:
        add(uow, *(row(f"r{number:03}", number) for number in range(200)))

    def seal() -> None:
        more = True
        while more:
            with store.begin() as uow:
                more = seal_some(uow, 7)

    threads = [Thread(target=seal) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with store.read() as uow:
        assert audit.find_break(uow) is None
        assert [each.id for each in uow.audit.sealed(limit=300)] == [f"r{number:03}" for number in range(200)]


TAMPERINGS = [
    ("UPDATE audit SET detail = 'nothing' WHERE number = 3", "audit row 3 ('r3') is not what was sealed"),
    ("UPDATE audit SET actor = 'nobody' WHERE number = 5", "audit row 5 ('r5') is not what was sealed"),
    ("UPDATE audit SET at_us = at_us + 1 WHERE number = 1", "audit row 1 ('r1') is not what was sealed"),
    ("DELETE FROM audit WHERE number = 2", "audit row 2 is missing"),
    ("DELETE FROM audit WHERE number = 5", "audit row 5 is missing"),
    ("DELETE FROM audit", "audit row 1 is missing"),
    ("UPDATE audit SET number = NULL, seal = '' WHERE number >= 4", "audit row 4 is missing"),
    (
        "UPDATE audit SET number = 9 WHERE number = 2; UPDATE audit SET number = 2 WHERE number = 3; "
        "UPDATE audit SET number = 3 WHERE number = 9",
        "audit row 2 ('r3') is not what was sealed",
    ),
    (
        "UPDATE audit SET number = number + 10 WHERE number >= 3; UPDATE audit SET number = number - 9 "
        "WHERE number >= 13; INSERT INTO audit VALUES ('x', 0, 'clerk', 'move', 'payment:1', '', 3, 'ab')",
        "audit row 3 ('x') is not what was sealed",
    ),
    ("INSERT INTO audit VALUES ('x', 0, 'clerk', 'move', 'payment:1', '', 6, 'ab')", "audit row 6 ('x') is not"),
    ("UPDATE chain_heads SET seal = 'ab'", "audit row 5 is not the end that was kept"),
    ("DELETE FROM chain_heads; DELETE FROM audit WHERE number = 5", "audit row 4 is not the end that was kept"),
]


@pytest.mark.parametrize(("tampering", "said"), TAMPERINGS)
def test_tampering_past_our_programs_is_named(sql_store: SqlStore, tampering: str, said: str) -> None:
    with sql_store.begin() as uow:
        add(uow, *(row(f"r{number}", number) for number in range(1, 6)))
        seal_some(uow, 9)
    with sql_store.engine.connect() as connection:
        if sql_store.is_postgres:
            connection.exec_driver_sql("SET session_replication_role = replica")  # puts the triggers to sleep
        else:
            for (name,) in connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'").all():
                connection.exec_driver_sql(f"DROP TRIGGER {name}")
        for statement in tampering.split("; "):
            connection.exec_driver_sql(statement)
        if sql_store.is_postgres:
            connection.exec_driver_sql("SET session_replication_role = DEFAULT")
    found = {problem.code: problem.what for problem in verify(sql_store).broken}
    assert found["MG-L116"].startswith(said)


def test_a_seal_written_down_elsewhere_proves_that_the_log_was_not_written_anew(store: AnyStore) -> None:
    core = make_village(store).core
    with store.begin() as uow:
        add(uow, row("a"), row("b"))
    audit.seal_rows(core)
    kept = audit.head(core)
    with store.begin() as uow:
        add(uow, row("c"))
    audit.seal_rows(core)
    assert audit.check(core, kept.number, kept.seal.upper()) is None
    other = audit.check(core, 1, kept.seal)
    assert other is not None
    assert "not the one written down" in other.what
    for number in (0, 4):
        with pytest.raises(InvalidInput, match="MG-A040"):
            audit.check(core, number, kept.seal)


def test_the_log_is_read_in_pages(store: AnyStore) -> None:
    core = make_village(store).core
    with store.begin() as uow:
        add(uow, *(row(f"r{number}", number) for number in range(5)), replace(row("x", 9), subject="payment:2"))
        seal_some(uow, 4)
    by_number = audit.page(core, "", "2", 9)
    assert ([each.id for each in by_number.items], by_number.next) == (["r2", "r3"], None)
    first = audit.page(core, "", "", 2)
    assert ([each.id for each in first.items], first.next) == (["r0", "r1"], "2")
    of_one = audit.page(core, "payment:1", "", 3)
    assert ([each.id for each in of_one.items], of_one.next) == (["r0", "r1", "r2"], "r2")
    assert [each.id for each in audit.page(core, "payment:1", "r2", 3).items] == ["r3", "r4"]
    with pytest.raises(InvalidInput, match="MG-A040"):
        audit.page(core, "", "r2", 3)
