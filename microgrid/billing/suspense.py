"""Payments whose account is not known, on an open transaction: whom they may be meant for, when to give them back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from microgrid.billing.payments import Payment, RefundDue
from microgrid.billing.service import WAITING_FOR_MATCH
from microgrid.customers.matching import find_account
from microgrid.kept import OutboxItem
from microgrid.ports import UnitOfWork


@dataclass(frozen=True, slots=True)
class Unmatched:
    """A payment whose account is not known, and the accounts it may be meant for, the likeliest first."""

    payment: Payment
    suggestions: Sequence[str]


@dataclass(frozen=True, slots=True)
class ToGiveBack:
    """A payment whose owner was not found in time, since when it is on the list, and whom it may be meant for."""

    payment: Payment
    listed_at: datetime
    suggestions: Sequence[str]


def unmatched(uow: UnitOfWork, after: str, limit: int) -> Sequence[Unmatched]:
    """Return the next payments in suspense by id."""
    return [Unmatched(row, suggested(uow, row)) for row in uow.payments.page(after, limit, status="suspense")]


def to_give_back(uow: UnitOfWork, after: str, limit: int) -> Sequence[ToGiveBack]:
    """Return the next payments on the refund list by id."""
    listed = uow.refunds.page(after, limit, state="listed")
    payments = uow.payments.get_all(row.id for row in listed)
    return [ToGiveBack(payments[row.id], row.listed_at, suggested(uow, payments[row.id])) for row in listed]


def suggested(uow: UnitOfWork, payment: Payment) -> Sequence[str]:
    """Return the accounts a payment may be meant for: by its reference, its payer, or who paid by that hash before."""
    match = find_account(uow, payment.reference, "", payment.payer, payment.payer_kind)
    return (match.account_id, *match.suggestions) if match.account_id else match.suggestions


def list_due(uow: UnitOfWork, now: datetime, after: timedelta, limit: int) -> bool:
    """Put payments onto the refund list that nobody matched in time; say whether there may be more."""
    due = uow.outbox.due(WAITING_FOR_MATCH, now, limit)
    payments = uow.payments.get_all(item.to for item in due)
    waiting = {item.id for item in due if item.to in payments and payments[item.to].status == "suspense"}
    listed = [item.to for item in due if item.id in waiting and now - item.created_at >= after]
    uow.refunds.put_all([RefundDue(key, "listed", now) for key in listed])
    uow.outbox.put_all([_later(item, now, after, is_waiting=item.id in waiting) for item in due])
    return len(due) == limit


def _later(item: OutboxItem, now: datetime, after: timedelta, *, is_waiting: bool) -> OutboxItem:
    if is_waiting and now - item.created_at < after:
        return replace(item, due_at=item.created_at + after)
    return replace(item, done_at=now)
