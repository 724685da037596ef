"""Money that is to go back to its payer, on an open transaction: owed first, and gone when its provider says so.

A refund is booked as something we owe the payer. That the money has gone back is a fact of its own, which takes the
whole payment out of the books, whoever asked for it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from microgrid.billing import ledger
from microgrid.billing.ledger import Entry, Journal
from microgrid.billing.payments import Payment, Status
from microgrid.billing.service import change_balance, last_refund, numbered, owner_of, wait_for_match
from microgrid.customers.service import unknown
from microgrid.errors import InvalidInput, Problem
from microgrid.kept import OutboxItem
from microgrid.ports import UnitOfWork

GIVE_BACK = "reverse"  # kind of outbox item: asks a provider to pay back


def check(uow: UnitOfWork, payment_id: str) -> Payment:
    """Return a payment that can be given back, held; InvalidInput when it cannot, or its money is used already."""
    payment = uow.payments.hold(payment_id)
    if payment is None:
        raise InvalidInput(unknown("payment", payment_id))
    if payment.status not in ("posted", "suspense"):
        what = f"payment '{payment_id}' is {payment.status}, so there is nothing to give back"
        raise InvalidInput(Problem("MG-P050", what, fix="refund payments that are posted or in suspense"))
    left_minor = _left_minor(uow, payment)
    if left_minor < payment.amount_minor:
        what = f"account '{payment.account_id}' has {left_minor} minor units left, less than {payment.amount_minor}"
        why = "what was used or paid for a device is not given back"
        raise InvalidInput(Problem("MG-P050", what, why, "if the money went back all the same: pay reverse"))
    return payment


def owe_back(uow: UnitOfWork, payment_id: str, now: datetime, note: str, *, by_provider: bool) -> tuple[str, ...]:
    """Take a payment from its account and owe it to its payer; ask the provider to pay it back, where it can.

    Returns the accounts whose credit changed.
    """
    payment = check(uow, payment_id)
    journal_id = numbered(uow, f"refund:{payment_id}")
    entries = (
        Entry(owner_of(payment), payment.amount_minor),
        Entry(ledger.refunds_payable(payment.provider, payment.shortcode), -payment.amount_minor),
    )
    uow.ledger.post(Journal(journal_id, "refund", payment.currency, now, payment.paid_at, entries, note=note))
    uow.payments.put(replace(payment, status="refunding"))
    if by_provider:
        uow.outbox.put(OutboxItem(journal_id, GIVE_BACK, payment_id, "", now, now))
    return change_balance(uow, payment.account_id, -payment.amount_minor, now)


def keep(uow: UnitOfWork, payment_id: str, now: datetime, note: str) -> tuple[str, ...]:
    """Give a payment that was to go back to its account again: the refund did not come about."""
    payment = uow.payments.hold(payment_id)
    if payment is None:
        raise InvalidInput(unknown("payment", payment_id))
    if payment.status != "refunding":
        what = f"payment '{payment_id}' is {payment.status}, not on its way back"
        raise InvalidInput(Problem("MG-P050", what, fix="look at the payment again"))
    journal = last_refund(uow, payment_id)
    uow.ledger.post(ledger.mirror(journal, f"reversal:{journal.id}", now, note))
    status: Status = "posted" if payment.account_id else "suspense"
    kept = replace(payment, status=status)
    uow.payments.put(kept)
    if status == "suspense":
        wait_for_match(uow, kept, now)
    asking = uow.outbox.hold(journal.id)
    if asking is not None and asking.done_at is None:
        uow.outbox.put(replace(asking, done_at=now, last_error="the refund was withdrawn"))
    return change_balance(uow, payment.account_id, payment.amount_minor, now)


def _left_minor(uow: UnitOfWork, payment: Payment) -> int:
    """Return what is there to be given back of a payment."""
    if payment.account_id is None:
        return payment.amount_minor
    credit = uow.credits.lock((payment.account_id,))[payment.account_id]
    return credit.available_minor
