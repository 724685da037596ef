"""Money on an open transaction: one posting per receipt, whoever reports it, and every correction a new journal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain, count

from microgrid.billing import ledger
from microgrid.billing.charging import post_accrued
from microgrid.billing.credit import to_post
from microgrid.billing.ledger import Entry, Journal
from microgrid.billing.payments import Payment, Status
from microgrid.billing.standing import Standing, stand
from microgrid.customers.service import Match, contradiction, find_account, need
from microgrid.errors import AlreadyThere, Contradiction, InvalidInput, Problem
from microgrid.ports import UnitOfWork

CUSTOMER = ledger.customer("")


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of one sighting of a payment: the payment as it stands, and the accounts whose credit changed."""

    payment: Payment
    is_new: bool
    suggestions: tuple[str, ...] = ()
    touched: tuple[str, ...] = ()


def receive(uow: UnitOfWork, seen: Payment, now: datetime, reference_phone: str = "") -> Receipt:
    """Book a payment once, by its receipt; a further sighting of it changes nothing but what was not known before.

    A reference that means no account goes to suspense. Raises Contradiction when the receipt is known with another
    amount or currency.
    """
    known = uow.payments.hold(seen.id)
    if known is None:
        match = _match(uow, seen, reference_phone)
        booked = _booked(seen, match.account_id)
        try:
            uow.payments.add(booked)
        except AlreadyThere:  # another thread was quicker by a moment
            known = uow.payments.hold(seen.id)
        else:
            return _post(uow, booked, now, match)
    assert known is not None
    return _seen_again(uow, known, seen, now, reference_phone)


def take_back(uow: UnitOfWork, seen: Payment, now: datetime, note: str, reference_phone: str = "") -> Receipt:
    """Book a payment's way back to the payer: a fact, so a customer who has used the money is in debt.

    A payment that is taken back before it was seen has come and gone: both are booked.
    """
    received = receive(uow, seen, now, reference_phone)
    taken = reverse(uow, received.payment, now, note)
    return replace(taken, touched=tuple(sorted({*received.touched, *taken.touched})))


def reverse(uow: UnitOfWork, payment: Payment, now: datetime, note: str) -> Receipt:
    """Post the mirror images of a payment and of its moves, the last first; reversed already is a success."""
    if payment.status == "reversed":
        return Receipt(payment, is_new=False)
    if payment.journal_id is None:
        what = f"payment '{payment.id}' is {payment.status}, so nothing was booked that could be reversed"
        raise InvalidInput(Problem("MG-P003", what, fix="wait until the provider has confirmed it"))
    after = replace(payment, status="reversed")
    uow.payments.put(after)
    changes: dict[str, int] = {}
    for journal in reversed(_journals(uow, payment)):
        back = ledger.mirror(journal, f"reversal:{journal.id}", now, note)
        uow.ledger.post(back)
        for entry in back.entries:
            if entry.account.startswith(CUSTOMER):
                key = entry.account.removeprefix(CUSTOMER)
                changes[key] = changes.get(key, 0) - entry.amount_minor
    uow.credits.lock(changes)
    touched = [_change(uow, key, amount_minor, now) for key, amount_minor in sorted(changes.items()) if amount_minor]
    return Receipt(after, is_new=True, touched=tuple(key for keys in touched for key in keys))


def move(uow: UnitOfWork, payment_id: str, account_id: str, now: datetime, note: str) -> Receipt:
    """Move a payment from suspense, or from another account, to the account it was meant for."""
    payment = uow.payments.hold(payment_id)
    if payment is None:
        raise InvalidInput(_unknown_payment(payment_id))
    standing = stand(uow, account_id)
    if payment.status == "posted" and payment.account_id == account_id:
        return Receipt(payment, is_new=False)
    _refuse_move(payment, standing)
    entries = (
        Entry(_owner(payment), payment.amount_minor),
        Entry(ledger.customer(account_id), -payment.amount_minor),
    )
    journal_id = numbered(uow, f"move:{payment.id}")
    uow.ledger.post(replace(_journal(journal_id, "move", payment, now, payment.paid_at, entries), note=note))
    moved = replace(payment, account_id=account_id, status="posted")
    uow.payments.put(moved)
    # The rows of both accounts are locked in one order, or two moves between them would wait for each other.
    both = sorted({account_id, *([payment.account_id] if payment.account_id else [])})
    uow.credits.lock(both)
    if payment.account_id:
        _change(uow, payment.account_id, -payment.amount_minor, now)
    _change(uow, account_id, payment.amount_minor, now)
    return Receipt(moved, is_new=True, touched=tuple(both))


def numbered(uow: UnitOfWork, base: str) -> str:
    """Return the next free journal id of a series; whoever calls holds the record the series is about."""
    number = 1
    while uow.ledger.find(f"{base}:{number}") is not None:
        number += 1
    return f"{base}:{number}"


def _journals(uow: UnitOfWork, payment: Payment) -> list[Journal]:
    """Return what was booked of a payment: its arrival, then its moves."""
    ids = chain([payment.journal_id or ""], (f"move:{payment.id}:{number}" for number in count(1)))
    found: list[Journal] = []
    for key in ids:
        journal = uow.ledger.find(key)
        if journal is None:
            break
        found.append(journal)
    return found


def _match(uow: UnitOfWork, seen: Payment, reference_phone: str) -> Match:
    match = find_account(uow, seen.reference, reference_phone, seen.payer, seen.payer_kind)
    if match.account_id is None:
        return match
    account = need(uow.accounts, match.account_id, "account")
    site = need(uow.sites, account.site_id, "site")
    if site.currency != seen.currency:  # no journal mixes currencies: a person decides
        return Match(None, (account.id,))
    return match


def _booked(seen: Payment, account_id: str | None) -> Payment:
    if seen.status == "pending":
        return seen
    status: Status = "posted" if account_id else "suspense"
    return replace(seen, account_id=account_id, status=status, journal_id=f"payment:{seen.id}")


def _post(uow: UnitOfWork, booked: Payment, now: datetime, match: Match) -> Receipt:
    if booked.journal_id is None:
        return Receipt(booked, is_new=True, suggestions=match.suggestions)
    entries = (Entry(_cash(booked), booked.amount_minor), Entry(_owner(booked), -booked.amount_minor))
    uow.ledger.post(_journal(booked.journal_id, "payment", booked, now, booked.paid_at, entries))
    touched = _change(uow, booked.account_id, booked.amount_minor, now)
    return Receipt(booked, is_new=True, suggestions=match.suggestions, touched=touched)


def _seen_again(uow: UnitOfWork, known: Payment, seen: Payment, now: datetime, reference_phone: str) -> Receipt:
    _refuse_other(known, seen)
    if known.status == "pending" and seen.status != "pending":  # the provider has confirmed it
        match = _match(uow, replace(seen, reference=seen.reference or known.reference), reference_phone)
        filled = replace(known, reference=known.reference or seen.reference, status=seen.status)
        booked = _booked(filled, match.account_id)
        uow.payments.put(booked)
        return _post(uow, booked, now, match)
    if known.status == "suspense" and not known.reference and seen.reference:
        filled = replace(known, reference=seen.reference)
        uow.payments.put(filled)
        match = _match(uow, filled, reference_phone)
        if match.account_id is not None:
            return move(uow, known.id, match.account_id, now, "another sighting of the payment named the account")
    return Receipt(known, is_new=False)


def _refuse_other(known: Payment, seen: Payment) -> None:
    if (known.amount_minor, known.currency) != (seen.amount_minor, seen.currency):
        raise Contradiction(contradiction("MG-P001", "payment", known.id, _facts(known), _facts(seen)))


@dataclass(frozen=True, slots=True)
class _Facts:
    amount_minor: int
    currency: str


def _facts(payment: Payment) -> _Facts:
    """Return what every sighting of a payment must agree on; payer, time and reference come in many forms."""
    return _Facts(payment.amount_minor, payment.currency)


def _refuse_move(payment: Payment, standing: Standing) -> None:
    if payment.status not in ("posted", "suspense"):
        what = f"payment '{payment.id}' is {payment.status}, so there is no money to move"
        raise InvalidInput(Problem("MG-P002", what, fix="move payments that are posted or in suspense"))
    if payment.currency != standing.site.currency:
        what = f"payment '{payment.id}' is in {payment.currency}, account '{standing.account.id}' in another currency"
        why = f"its site keeps its books in {standing.site.currency}"
        raise InvalidInput(Problem("MG-P002", what, why=why, fix="reverse the payment, or choose another account"))


def _unknown_payment(payment_id: str) -> Problem:
    return Problem("MG-A001", f"there is no payment '{payment_id[:100]}'", fix="look for it by its receipt")


def _change(uow: UnitOfWork, account_id: str | None, amount_minor: int, now: datetime) -> tuple[str, ...]:
    """Add to the balance of an account, locking its row; what it has used until now is posted before."""
    if account_id is None:
        return ()
    credit = uow.credits.lock((account_id,))[account_id]
    if to_post(credit):
        credit = post_accrued(uow, stand(uow, account_id), credit, now)
    uow.credits.put(replace(credit, balance_minor=credit.balance_minor + amount_minor))
    return (account_id,)


def _journal(
    key: str, kind: str, payment: Payment, now: datetime, value_at: datetime, entries: Sequence[Entry]
) -> Journal:
    return Journal(key, kind, payment.currency, now, value_at, tuple(entries))


def _cash(payment: Payment) -> str:
    return ledger.cash(payment.provider, payment.shortcode)


def _owner(payment: Payment) -> str:
    """Return whose money a payment is in the books: the customer's, or nobody's yet."""
    if payment.account_id:
        return ledger.customer(payment.account_id)
    return ledger.suspense(payment.provider, payment.shortcode)
