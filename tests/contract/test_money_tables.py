"""What is kept about money that is to come, on every store: requests, sightings, alarms, each once and found again."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from microgrid.billing import enquiries
from microgrid.billing.pushes import Push
from microgrid.billing.sightings import Alarm, sighted
from microgrid.errors import AlreadyThere, InvalidInput
from microgrid.ports import Store, transact

AT = datetime(2026, 11, 23, 6, 30, tzinfo=UTC)
ID = "3f2b8f0e-1d53-4f7a-9c55-0b1a2c3d4e5f"
PUSH = Push(ID, "mpesa", "600638", "K-104", "+254712000104", 50_000, "KES", "K-104", AT, "amina")


def test_they_come_back_as_they_were(store: Store) -> None:
    seen = sighted("mpesa:1:Q1", "c2b", "mpesa:1:confirmation:00ff", AT)
    alarm = Alarm("unknown:payment:mpesa:1:Q1", "payment:mpesa:1:Q1", "nobody knows it", AT)
    with store.begin() as uow:
        uow.pushes.add(PUSH)
        uow.sightings.add(seen)
        uow.alarms.add(alarm)
        with pytest.raises(AlreadyThere):
            uow.sightings.add(replace(seen, seen_at=AT + timedelta(1)))
    with store.read() as uow:
        assert uow.pushes.get(ID) == PUSH
        assert uow.pushes.where(account_id="K-104") == [PUSH]
        assert uow.sightings.where(payment_id="mpesa:1:Q1") == [seen]
        assert uow.alarms.page(settled_by="") == [alarm]
        assert uow.alarms.where(subject=alarm.subject) == [alarm]


def test_a_push_is_claimed_once_and_asked_about_from_then_on(store: Store) -> None:
    for _ in range(2):
        assert transact(store, lambda uow: enquiries.ask_to_pay(uow, PUSH)) == PUSH
    with pytest.raises(InvalidInput, match="MG-P020"):
        transact(store, lambda uow: enquiries.ask_to_pay(uow, replace(PUSH, amount_minor=1)))
    claims = [transact(store, lambda uow: enquiries.claim(uow, ID, AT)) for _ in range(2)]
    assert claims == [replace(PUSH, state="sent"), None]
    with store.read() as uow:
        assert uow.outbox.due("push", AT, 9) == []
        assert uow.outbox.due("enquire", AT + timedelta(seconds=9), 9) == []
        assert [item.to for item in uow.outbox.due("enquire", AT + timedelta(seconds=10), 9)] == [f"push:{ID}"]
        assert uow.pushes.get(ID) == replace(PUSH, state="sent")


def test_an_alarm_is_raised_once_and_settled_once(store: Store) -> None:
    for what in ("first", "second"):
        with store.begin() as uow:
            enquiries.raise_alarm(uow, "a", "payment:x", what, AT)
    for who in ("amina", "juma"):
        settled = transact(store, lambda uow, who=who: enquiries.settle_alarm(uow, "a", AT, who, "looked"))  # type: ignore[misc]  # bound now
        assert (settled.what, settled.settled_by) == ("first", "amina")
    with store.read() as uow:
        assert uow.alarms.page(settled_by="") == []
