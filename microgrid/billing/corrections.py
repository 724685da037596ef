"""Corrections of payments on an open transaction: back to suspense, and booked anew with the amount that is true."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from microgrid.announcing import announce_payment
from microgrid.billing import ledger
from microgrid.billing.ledger import Entry, Journal
from microgrid.billing.payments import Payment, Status
from microgrid.billing.service import (
    Receipt,
    change_balance,
    change_balances,
    journals_of,
    numbered,
    owner_of,
    wait_for_match,
)
from microgrid.customers.service import unknown
from microgrid.errors import InvalidInput, Problem
from microgrid.ports import UnitOfWork

CORRECTION = "correction"  # the kind of journal that takes back what should never have been booked


def move_back(uow: UnitOfWork, payment_id: str, now: datetime, note: str) -> Receipt:
    """Move a payment back to suspense, as if its account had never been found; there already is a success."""
    payment = _held(uow, payment_id)
    if payment.status == "suspense":
        return Receipt(payment, is_new=False)
    if payment.status != "posted" or payment.account_id is None:
        what = f"payment '{payment.id}' is {payment.status}, so there is no money to move back"
        raise InvalidInput(Problem("MG-P060", what, fix="move payments back that are posted"))
    after = replace(payment, account_id=None, status="suspense")
    entries = (Entry(owner_of(payment), payment.amount_minor), Entry(owner_of(after), -payment.amount_minor))
    journal_id = numbered(uow, f"move:{payment.id}")
    uow.ledger.post(Journal(journal_id, "move", payment.currency, now, payment.paid_at, entries, note=note))
    uow.payments.put(after)
    wait_for_match(uow, after, now)
    announce_payment(uow, "payment.moved", journal_id, after, now)
    return Receipt(after, is_new=True, touched=change_balance(uow, payment.account_id, -payment.amount_minor, now))


def restate(uow: UnitOfWork, payment_id: str, amount_minor: int, now: datetime, note: str) -> Receipt:
    """Book a payment anew with the amount its provider stands by; what was booked of it before is taken back.

    The money stays with whom it was; a payment that was taken back by mistake is there again. Booked so already is a
    success.
    """
    payment = _held(uow, payment_id)
    if payment.status not in ("posted", "suspense", "reversed"):
        what = f"payment '{payment.id}' is {payment.status}, so its amount cannot be corrected"
        raise InvalidInput(Problem("MG-P060", what, fix="wait until that is decided"))
    if payment.amount_minor == amount_minor and payment.status != "reversed":
        return Receipt(payment, is_new=False)
    backs = [_taken_back(one, now, note) for one in reversed(journals_of(uow, payment))]
    status: Status = "posted" if payment.account_id else "suspense"
    after = replace(
        payment, amount_minor=amount_minor, status=status, journal_id=numbered(uow, f"payment:{payment.id}")
    )
    journals = [*backs, _anew(after, now, note)]
    uow.ledger.post_all(journals)
    uow.payments.put(after)
    if status == "suspense":
        wait_for_match(uow, after, now)
    return Receipt(after, is_new=True, touched=change_balances(uow, journals, now))


def _held(uow: UnitOfWork, payment_id: str) -> Payment:
    payment = uow.payments.hold(payment_id)
    if payment is None:
        raise InvalidInput(unknown("payment", payment_id))
    return payment


def _taken_back(journal: Journal, now: datetime, note: str) -> Journal:
    """Return the mirror image of a journal that should never have been, of the same value date."""
    back = ledger.mirror(journal, f"reversal:{journal.id}", now, note)
    return replace(back, kind=CORRECTION, value_at=journal.value_at)


def _anew(payment: Payment, now: datetime, note: str) -> Journal:
    cash = ledger.cash(payment.provider, payment.shortcode)
    entries = (Entry(cash, payment.amount_minor), Entry(owner_of(payment), -payment.amount_minor))
    assert payment.journal_id is not None
    return Journal(payment.journal_id, "payment", payment.currency, now, payment.paid_at, entries, note=note)
