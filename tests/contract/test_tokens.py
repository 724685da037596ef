"""Devices and tokens come back as they were, and a wrong one is named by the proof of the books, on every store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from microgrid.errors import AlreadyThere
from microgrid.ports import UnitOfWork
from microgrid.store.memory import MemoryStore
from microgrid.store.sql import SqlStore
from microgrid.store.verify import verify
from microgrid.switching.supply import Twin
from microgrid.switching.token_records import GivenToken, KeptDevice, token_id

AnyStore = MemoryStore | SqlStore
AT = datetime(2026, 11, 23, 6, 30, 15, 123457, tzinfo=UTC)
DEVICE = KeptDevice("M-1", bytes(range(48)), 4, True, False, 6, 2, (4, 6), AT)


def token(count: int, source: str = "p1", serial: str = "M-1", kind: str = "add") -> GivenToken:
    at = AT + timedelta(days=count)
    made = GivenToken(token_id(serial, count), serial, count, "add", 7, "time", "082162833", source, at, "service")
    return replace(made, kind=kind, assumed_typed_at=at)  # type: ignore[arg-type]  # one of its words


def filled(store: AnyStore) -> None:
    with store.begin() as uow:
        uow.token_devices.add(DEVICE)
        for each in (token(2, "p1"), token(4, "p2"), token(5, "p3", kind="set")):
            uow.tokens.add(each)


def test_devices_and_tokens_come_back_as_they_were(store: AnyStore) -> None:
    filled(store)
    with store.begin() as uow:
        assert (uow.token_devices.hold("M-1"), uow.token_devices.get("M-2")) == (DEVICE, None)
        with pytest.raises(AlreadyThere):
            uow.tokens.add(token(4, "p9"))
        uow.tokens.add(replace(token(10, "p1", "M-11"), assumed_typed_at=None))
        uow.token_devices.put(replace(DEVICE, id="M-11", count=10))
        uow.twins.put(Twin("M-1", token_count=5, token_only=True))
    with store.read() as uow:
        assert uow.tokens.where(source="p1", serial="M-1") == [token(2)]
        assert uow.tokens.where(serial="M-11") == [replace(token(10, "p1", "M-11"), assumed_typed_at=None)]
        assert [each.count for each in uow.tokens.page(serial="M-1", limit=2)] == [2, 4]
        assert [each.count for each in uow.tokens.page(token_id("M-1", 4), serial="M-1")] == [5]
        assert uow.twins.get("M-1") == Twin("M-1", token_count=5, token_only=True)
    assert verify(store).broken == ()


def put(*changed: GivenToken | KeptDevice) -> Callable[[UnitOfWork], None]:
    def change(uow: UnitOfWork) -> None:
        for each in changed:
            if isinstance(each, GivenToken):
                uow.tokens.put(each)
            else:
                uow.token_devices.put(each)

    return change


BROKEN: list[tuple[Callable[[UnitOfWork], None], dict[str, str]]] = [
    (
        put(replace(token(4, "p2"), issued_at=AT)),
        {"MG-L150": "token 4 of meter 'M-1' was given out before token 2, or twice"},
    ),
    (
        put(replace(token(4, "p2"), id="other")),
        {
            "MG-L150": "token 4 of meter 'M-1' was given out before token 4, or twice",
        },
    ),
    (put(token(6, "p1")), {"MG-L151": "'p1' gave meter 'M-1' tokens at 2 times"}),
    (
        put(replace(DEVICE, count=4)),
        {"MG-L152": "meter 'M-1' shows 4 as its newest count, but token 5 was given out"},
    ),
    (
        put(token(2, "p8", "M-9")),
        {"MG-L152": "meter 'M-9' shows 0 as its newest count, but token 2 was given out"},
    ),
    (put(token(4, "p2", kind="disable")), {"MG-L153": "token 4 of meter 'M-1' is to disable"}),
    (put(replace(token(5, "p3"), kind="add")), {"MG-L153": "token 5 of meter 'M-1' is to add"}),
]


@pytest.mark.parametrize(("change", "said"), BROKEN)
def test_a_wrong_token_is_named(store: AnyStore, change: Callable[[UnitOfWork], None], said: dict[str, str]) -> None:
    filled(store)
    assert verify(store).broken == ()
    with store.begin() as uow:
        change(uow)
    assert {each.code: each.what for each in verify(store).broken} == said
