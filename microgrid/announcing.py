"""What subscribers are to be told, written down in the transaction in which it happens; it is sent after the commit.

Nothing is looked up, and nothing costs more than one question, where nobody subscribes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import datetime

from microgrid.billing.payments import Payment
from microgrid.customers.records import Connection
from microgrid.customers.subscribers import Content, Event, Subscriber, wants
from microgrid.kept import Credit, OutboxItem
from microgrid.ports import UnitOfWork
from microgrid.switching.supply import Twin

DELIVERY = "webhook"  # the kind of outbox item; `to` is the id of the subscriber


def announce(uow: UnitOfWork, now: datetime, happened: Callable[[], Iterable[Event]]) -> None:
    """Write down for every subscriber in force which of these events it is to be told of."""
    subscribers = uow.subscribers.where(ended_by="")
    if not subscribers:
        return
    events = list(happened())
    told = [_delivery(one, event, now) for one in subscribers for event in events if wants(one, event)]
    if told:
        uow.outbox.put_all(told)


def announce_payment(uow: UnitOfWork, kind: str, key: str, payment: Payment, now: datetime) -> None:
    """Announce that a payment was booked, moved or reversed, as it stands now; the payer's number is left out."""

    def happened() -> list[Event]:
        account = uow.accounts.get(payment.account_id) if payment.account_id else None
        content: Content = {
            "payment_id": payment.id,
            "account_id": payment.account_id,
            "status": payment.status,
            "amount_minor": payment.amount_minor,
            "currency": payment.currency,
            "paid_at": payment.paid_at.isoformat(),
        }
        return [Event(kind, key, "" if account is None else account.site_id, content)]

    announce(uow, now, happened)


def supply_event(kind: str, connection: Connection, twin: Twin) -> Event:
    """Return the event of a supply that was changed or confirmed: its revision says which is newer."""
    assert twin.desired is not None
    supply = twin.desired.supply
    content: Content = {
        "meter_id": twin.meter_id,
        "connection_id": connection.id,
        "account_id": connection.account_id,
        "revision": twin.desired.revision,
        "on": supply.on,
        "power_limit_w": supply.power_limit_w,
        "cutoff_wh": supply.cutoff_wh,
        "until": None if supply.until is None else supply.until.isoformat(),
        "reason": supply.reason,
    }
    return Event(kind, f"{twin.meter_id}:{twin.desired.revision}", connection.site_id, content)


def low_credit_event(credit: Credit, site_id: str, now: datetime) -> Event:
    """Return the event of a credit that has become low."""
    content: Content = {"account_id": credit.account_id, "available_minor": credit.available_minor}
    return Event("account.low_credit", f"{credit.account_id}:{now.isoformat()}", site_id, content)


def _delivery(subscriber: Subscriber, event: Event, now: datetime) -> OutboxItem:
    body = {"id": event.id, "type": event.kind, "timestamp": now.isoformat(), "data": dict(event.content)}
    return OutboxItem(delivery_id(subscriber.id, event.id), DELIVERY, subscriber.id, json.dumps(body), now, now)


def delivery_id(subscriber_id: str, event_id: str = "") -> str:
    """Return the id of the delivery of an event to a subscriber, or what all ids of its deliveries begin with."""
    return f"{DELIVERY}:{subscriber_id}:{event_id}"
