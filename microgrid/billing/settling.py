"""How a difference is settled, on an open transaction: by the journal that brings the books to the statement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import NoReturn

from microgrid.billing import service as billing
from microgrid.billing.corrections import restate
from microgrid.billing.differences import DifferenceItem
from microgrid.billing.month_close import statement_journal
from microgrid.billing.payments import payment_id
from microgrid.billing.reconcile import Window
from microgrid.errors import InvalidInput, Problem
from microgrid.ports import UnitOfWork


def explained(item: DifferenceItem, actor: str, reason: str, now: datetime) -> DifferenceItem:
    """Return an item that a person has closed with a reason; InvalidInput where money differs."""
    if item.difference_minor:
        what = f"'{item.id}' differs by {item.difference_minor}, and a note moves no money"
        raise InvalidInput(Problem("MG-P063", what, fix=item.what_to_do))
    if item.state == "corrected" or (item.state, item.note) == ("explained", reason):
        return item
    return replace(item, state="explained", closed_at=now, closed_by=actor, note=reason)


def correct(uow: UnitOfWork, window: Window, item: DifferenceItem, reason: str, now: datetime) -> Sequence[str]:
    """Book what the statement says of a movement in place of what is booked; return the accounts it touches."""
    if not item.difference_minor:
        _refuse(item, "explain it with a reason; no money differs")
    if item.about in ("charge", "transfer"):
        number = billing.numbered(uow, f"statement:{item.id}")
        uow.ledger.post(statement_journal(window, item, number, now, reason))
        return ()
    key = payment_id(window.provider, window.shortcode, item.receipt)
    payment = uow.payments.hold(key)
    if payment is None or payment.journal_id is None:
        _refuse(item, "hand in the statement that has it: what it tells is booked from there")
    if item.about == "reversal":
        return _correct_reversal(uow, item, key, reason, now)
    if (item.statement_minor or 0) > 0:
        return restate(uow, key, item.statement_minor or 0, now, reason).touched
    return billing.reverse(uow, payment, now, reason).touched


def _correct_reversal(uow: UnitOfWork, item: DifferenceItem, key: str, reason: str, now: datetime) -> Sequence[str]:
    payment = uow.payments.hold(key)
    assert payment is not None
    if item.statement_minor == -payment.amount_minor:
        return billing.reverse(uow, payment, now, reason, item.at).touched
    if item.statement_minor:
        _refuse(item, "part of it went back: move the payment to suspense, and settle the rest with the customer")
    return restate(uow, key, payment.amount_minor, now, reason).touched


def _refuse(item: DifferenceItem, fix: str) -> NoReturn:
    raise InvalidInput(Problem("MG-P063", f"'{item.id}' cannot be corrected so", fix=fix))
