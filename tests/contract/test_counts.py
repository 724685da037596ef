"""What is counted, who is told and who was enabled come back alike from every store."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from microgrid.billing.payments import Payment
from microgrid.counts import Tally
from microgrid.customers.subscribers import Subscriber
from microgrid.kept import AuditRow, OutboxItem
from microgrid.ports import Store
from microgrid.switching.supply import Desired, Enabling, FailPolicy, Reported, Supply, Twin

AT = datetime(2026, 11, 23, 6, 30, tzinfo=UTC)
LATER = AT + timedelta(hours=1)


def payment(number: int, provider: str, status: str, at: datetime) -> Payment:
    made = Payment(f"{provider}:1:{number}", provider, "1", str(number), 500, "TZS", at, at)
    return replace(made, status=status)  # type: ignore[arg-type]  # the test names a status


def test_payments_are_counted_by_provider_and_status(store: Store) -> None:
    with store.begin() as uow:
        uow.payments.put_all(
            [
                payment(1, "mpesa", "posted", LATER),
                payment(2, "mpesa", "posted", AT),
                payment(3, "mpesa", "suspense", LATER),
                payment(4, "cash", "posted", LATER),
            ]
        )
    with store.read() as uow:
        assert list(uow.counts.payments()) == [
            Tally(("cash", "posted"), 1, LATER),
            Tally(("mpesa", "posted"), 2, AT),
            Tally(("mpesa", "suspense"), 1, LATER),
        ]


def test_what_waits_is_counted_by_kind_without_what_is_done(store: Store) -> None:
    with store.begin() as uow:
        uow.outbox.add(OutboxItem("1", "sms", "a", "", AT, LATER))
        uow.outbox.add(OutboxItem("2", "sms", "b", "", AT, AT))
        uow.outbox.add(OutboxItem("3", "sms", "c", "", AT, AT - timedelta(days=1), done_at=AT))
        uow.outbox.add(OutboxItem("4", "webhook", "d", "", AT, LATER))
        uow.audit.add(AuditRow("u", AT, "clerk", "moved", "x", ""))
    with store.read() as uow:
        assert list(uow.counts.waiting()) == [Tally(("sms",), 2, AT), Tally(("webhook",), 1, LATER)]
        assert uow.counts.unsealed() == 1


def test_meters_are_counted_by_what_they_say(store: Store) -> None:
    desired = Desired(7, Supply(True), FailPolicy(), 1, 0, LATER)
    reported = Reported(7, True, 5, 1, AT, AT)
    with store.begin() as uow:
        assert uow.counts.twins() == (0, 0)
        uow.twins.put_all(
            [
                Twin("told-and-says-so", desired, reported),
                Twin("says-another", desired, replace(reported, revision=6)),
                Twin("silent", desired),
                Twin("never-told", None, reported),
                Twin("empty"),
            ]
        )
    with store.read() as uow:
        assert uow.counts.twins() == (3, 2)
        twins = uow.twins.get_all(["told-and-says-so", "says-another", "silent", "never-told", "empty"])
        assert sum(twin.in_sync for twin in twins.values()) == 3


def test_an_empty_store_counts_nothing(store: Store) -> None:
    with store.read() as uow:
        assert (list(uow.counts.payments()), list(uow.counts.waiting())) == ([], [])
        assert (uow.counts.unsealed(), uow.counts.twins()) == (0, (0, 0))


def test_subscribers_and_changes_of_supply_come_back_as_they_were(store: Store) -> None:
    made = Subscriber("crm", "https://example.org/a?b=c", bytes(range(60)), ("a", "b"), "", AT, "api:x")
    ended = replace(made, id="old", ended_at=LATER, ended_by="api:y", site_id="kisiju")
    with store.begin() as uow:
        uow.subscribers.add(made)
        uow.subscribers.add(ended)
        uow.enablings.add(Enabling("c:m:1", "c", AT, True))
        uow.enablings.add(Enabling("c:m:2", "c", LATER, False))
    with store.read() as uow:
        assert uow.subscribers.where(ended_by="") == [made]
        assert uow.subscribers.get("old") == ended
        assert [(row.at, row.enabled) for row in uow.enablings.where(connection_id="c")] == [(AT, True), (LATER, False)]


def test_a_store_that_can_work_says_nothing(store: Store) -> None:
    store.check()
    with store.read() as uow:
        assert uow.outbox.page() == []
