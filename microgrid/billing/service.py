"""Money on an open transaction: one posting per receipt, whoever reports it, and every correction a new journal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain, count
from typing import Literal

from microgrid.announcing import announce_payment
from microgrid.billing import leasing, ledger
from microgrid.billing.charging import post_accrued
from microgrid.billing.credit import to_post
from microgrid.billing.ledger import Entry, Journal
from microgrid.billing.payments import Payment, Status
from microgrid.billing.standing import Standing, stand
from microgrid.customers.matching import Match, find_account
from microgrid.customers.service import contradiction
from microgrid.errors import AlreadyThere, Contradiction, InvalidInput, Problem
from microgrid.kept import OutboxItem
from microgrid.ports import UnitOfWork

CUSTOMER = ledger.customer("")
WAITING_FOR_MATCH = "match payment"  # the kind of outbox item that asks whether a payment is still in suspense
WAITING: tuple[Status, ...] = ("pending", "refused")  # for the word of the provider; nothing of it is booked


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of one sighting of a payment: the payment as it stands, and the accounts whose credit changed."""

    payment: Payment
    is_new: bool
    suggestions: tuple[str, ...] = ()
    touched: tuple[str, ...] = ()
    confirmed: bool = False  # it waited for its provider's word until now


def receive(
    uow: UnitOfWork, seen: Payment, now: datetime, reference_phone: str = "", *, is_proven: bool = True
) -> Receipt:
    """Book a payment once, by its receipt; a further sighting of it changes nothing but what was not known before.

    A reference that means no account goes to suspense. One that is pending waits, until a proven sighting confirms it
    as that one says. Raises Contradiction when the receipt is known with another amount or currency.
    """
    match = _match(uow, seen, reference_phone)
    booked = _booked(seen, match.account_id)
    try:
        uow.payments.add(booked)
    except AlreadyThere:
        known = uow.payments.hold(seen.id)
        assert known is not None
        if is_proven and known.status in WAITING and seen.status != "pending":
            return _confirm(uow, known, seen, now, reference_phone)
        return _seen_again(uow, known, seen, now, reference_phone)
    return _post(uow, booked, now, match)


def take_back(uow: UnitOfWork, seen: Payment, now: datetime, note: str, reference_phone: str = "") -> Receipt:
    """Book a payment's way back to the payer: a fact, so a customer who has used the money is in debt.

    A payment that is taken back before it was seen has come and gone: both are booked.
    """
    received = receive(uow, seen, now, reference_phone)
    taken = reverse(uow, received.payment, now, note, seen.paid_at)
    return replace(taken, touched=tuple(sorted({*received.touched, *taken.touched})))


def reverse(uow: UnitOfWork, payment: Payment, now: datetime, note: str, value_at: datetime | None = None) -> Receipt:
    """Post the mirror images of a payment and of its moves, the last first; reversed already is a success.

    `value_at` is when the money went back, where the provider says so.
    """
    if payment.status == "reversed":
        return Receipt(payment, is_new=False)
    if payment.journal_id is None:
        what = f"payment '{payment.id}' is {payment.status}, so nothing was booked that could be reversed"
        raise InvalidInput(Problem("MG-P003", what, fix="wait until the provider has confirmed it"))
    after = replace(payment, status="reversed")
    uow.payments.put(after)
    backs = [ledger.mirror(one, f"reversal:{one.id}", now, note) for one in reversed(journals_of(uow, payment))]
    uow.ledger.post_all([replace(back, value_at=value_at or now) for back in backs])
    off_refund_list(uow, payment, "returned", now)
    announce_payment(uow, "payment.reversed", after.id, after, now)
    return Receipt(after, is_new=True, touched=change_balances(uow, backs, now))


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
        Entry(owner_of(payment), payment.amount_minor),
        Entry(ledger.customer(account_id), -payment.amount_minor),
    )
    journal_id = numbered(uow, f"move:{payment.id}")
    uow.ledger.post(replace(_journal(journal_id, "move", payment, now, payment.paid_at, entries), note=note))
    moved = replace(payment, account_id=account_id, status="posted")
    uow.payments.put(moved)
    off_refund_list(uow, payment, "matched", now)
    announce_payment(uow, "payment.moved", journal_id, moved, now)
    # The rows of both accounts are locked in one order, or two moves between them would wait for each other.
    both = sorted({account_id, *([payment.account_id] if payment.account_id else [])})
    uow.credits.lock(both)
    if payment.account_id:
        number = int(journal_id.rpartition(":")[2])  # it came to this account by the move before, or as a payment
        arrival = f"move:{payment.id}:{number - 1}" if number > 1 else payment.journal_id or ""
        change_balance(uow, payment.account_id, -payment.amount_minor, now, (arrival,))
    change_balance(uow, account_id, payment.amount_minor, now, (journal_id,))
    return Receipt(moved, is_new=True, touched=tuple(both))


def numbered(uow: UnitOfWork, base: str) -> str:
    """Return the next free journal id of a series; whoever calls holds the record the series is about."""
    number = 1
    while uow.ledger.find(f"{base}:{number}") is not None:
        number += 1
    return f"{base}:{number}"


def last_refund(uow: UnitOfWork, payment_id: str) -> Journal:
    """Return the newest journal that says a payment is owed back to its payer."""
    found = None
    for number in count(1):
        journal = uow.ledger.find(f"refund:{payment_id}:{number}")
        if journal is None:
            break
        found = journal
    assert found is not None
    return found


def journals_of(uow: UnitOfWork, payment: Payment) -> list[Journal]:
    """Return what was booked of a payment and holds: its arrival, its moves, and that it is owed back."""
    ids = chain([payment.journal_id or ""], (f"move:{payment.id}:{number}" for number in count(1)))
    found: list[Journal] = []
    for key in ids:
        journal = uow.ledger.find(key)
        if journal is None:
            break
        if uow.ledger.find(f"reversal:{key}") is None:
            found.append(journal)
    return [*found, *([last_refund(uow, payment.id)] if payment.status == "refunding" else [])]


def wait_for_match(uow: UnitOfWork, payment: Payment, now: datetime) -> None:
    """Note that a payment is in suspense, so that it comes onto the refund list when nobody matches it in time."""
    uow.outbox.put(OutboxItem(f"match:{payment.id}", WAITING_FOR_MATCH, payment.id, "", now, now))


def off_refund_list(uow: UnitOfWork, payment: Payment, state: Literal["matched", "returned"], now: datetime) -> None:
    """Take a payment off the refund list, if it is there."""
    listed = uow.refunds.get(payment.id)
    if listed is not None and listed.state == "listed":
        uow.refunds.put(replace(listed, state=state, closed_at=now))


def change_balances(uow: UnitOfWork, journals: Sequence[Journal], now: datetime) -> tuple[str, ...]:
    """Add what journals give and take to the balances of customers, locking all their rows in one order first."""
    changes: dict[str, int] = {}
    for journal in journals:
        for entry in journal.entries:
            if entry.account.startswith(CUSTOMER):
                key = entry.account.removeprefix(CUSTOMER)
                changes[key] = changes.get(key, 0) - entry.amount_minor
    uow.credits.lock(changes)
    changed = [(key, amount_minor) for key, amount_minor in sorted(changes.items()) if amount_minor]
    arrivals = [journal.reverses for journal in journals if journal.reverses is not None]
    touched = [change_balance(uow, key, amount_minor, now, arrivals) for key, amount_minor in changed]
    return tuple(key for keys in touched for key in keys)


def _match(uow: UnitOfWork, seen: Payment, reference_phone: str) -> Match:
    match = find_account(uow, seen.reference, reference_phone, seen.payer, seen.payer_kind)
    if match.account_id is None:
        return match
    currency = match.currency or uow.homes.get_all((match.account_id,))[match.account_id].site.currency
    if currency != seen.currency:
        return Match(None, (match.account_id,))  # no journal mixes currencies: a person decides
    return match


def _booked(seen: Payment, account_id: str | None) -> Payment:
    if seen.status == "pending":
        return seen
    status: Status = "posted" if account_id else "suspense"
    return replace(seen, account_id=account_id, status=status, journal_id=f"payment:{seen.id}")


def _post(uow: UnitOfWork, booked: Payment, now: datetime, match: Match) -> Receipt:
    if booked.journal_id is None:
        return Receipt(booked, is_new=True, suggestions=match.suggestions)
    entries = (Entry(_cash(booked), booked.amount_minor), Entry(owner_of(booked), -booked.amount_minor))
    uow.ledger.post(_journal(booked.journal_id, "payment", booked, now, booked.paid_at, entries))
    announce_payment(uow, "payment.booked", booked.id, booked, now)
    if booked.status == "suspense":
        wait_for_match(uow, booked, now)
    touched = change_balance(uow, booked.account_id, booked.amount_minor, now, (booked.journal_id,))
    return Receipt(booked, is_new=True, suggestions=match.suggestions, touched=touched)


def _confirm(uow: UnitOfWork, known: Payment, seen: Payment, now: datetime, reference_phone: str) -> Receipt:
    """Book what waited for its provider's word as the provider says it: nothing of it was in the books before."""
    payer, kind = (seen.payer, seen.payer_kind) if seen.payer else (known.payer, known.payer_kind)
    reference = seen.reference or known.reference
    told = replace(seen, reference=reference, payer=payer, payer_kind=kind, received_at=known.received_at)
    match = _match(uow, told, reference_phone)
    booked = _booked(told, match.account_id)
    uow.payments.put(booked)
    return replace(_post(uow, booked, now, match), confirmed=True)


def _seen_again(uow: UnitOfWork, known: Payment, seen: Payment, now: datetime, reference_phone: str) -> Receipt:
    _refuse_other(known, seen)
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


def change_balance(
    uow: UnitOfWork, account_id: str | None, amount_minor: int, now: datetime, arrivals: Sequence[str] = ()
) -> tuple[str, ...]:
    """Add to the balance of an account, locking its row; what it has used until now is posted before.

    `arrivals` are the journals in which a customer's money came: it pays what is due of contracts, or takes it back.
    """
    if account_id is None:
        return ()
    credit = uow.credits.lock((account_id,))[account_id]
    if to_post(credit):
        credit = post_accrued(uow, stand(uow, account_id), credit, now)
    uow.credits.put(replace(credit, balance_minor=credit.balance_minor + amount_minor))
    if arrivals and amount_minor > 0 and credit.instalments_due_minor:
        leasing.take(uow, account_id, arrivals[-1], amount_minor, now)
    elif arrivals and amount_minor < 0:
        leasing.give_back(uow, account_id, -amount_minor, arrivals, now, "the money that paid it went back")
    return (account_id,)


def _journal(
    key: str, kind: str, payment: Payment, now: datetime, value_at: datetime, entries: Sequence[Entry]
) -> Journal:
    return Journal(key, kind, payment.currency, now, value_at, tuple(entries))


def _cash(payment: Payment) -> str:
    return ledger.cash(payment.provider, payment.shortcode)


def owner_of(payment: Payment) -> str:
    """Return whose money a payment is in the books: the customer's, or nobody's yet."""
    if payment.account_id:
        return ledger.customer(payment.account_id)
    return ledger.suspense(payment.provider, payment.shortcode)
