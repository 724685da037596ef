"""The provider's statement as we keep it: every movement of money on it once, however many files it came in."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from microgrid.billing.ledger import Entry, Journal, cash
from microgrid.billing.reconcile import PROVIDER_CHARGE, About, StatementRow, Window
from microgrid.billing.sightings import Seen


@dataclass(frozen=True, slots=True)
class StatementEntry:
    """One movement on the statement of a payment account; money in is positive, out negative.

    It counts on the day it happened, or, where that month was closed already, on the day it became known.
    """

    id: str  # made from the content, so that a row of overlapping files is one row
    day: str  # payment account and UTC day it counts on, such as `mpesa:600638 2026-10-31`
    movement: str  # payment account and the receipt it is about, such as `mpesa:600638:RKT1`
    about: About
    receipt: str
    linked_receipt: str
    amount_minor: int
    currency: str
    at: datetime
    counts_at: datetime
    balance_minor: int | None  # after it
    details: str
    file_id: str
    line: int
    taken_at: datetime


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row of a statement from which nothing was booked, and why."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class ReadRow:
    """One row of a file as it was read, and the payment or reversal it tells of, if it does."""

    about: About
    receipt: str
    linked_receipt: str
    amount_minor: int
    at: datetime
    balance_minor: int | None
    details: str
    line: int
    seen: Seen | None = None


@dataclass(frozen=True, slots=True)
class ReadStatement:
    """A statement file as it was read: what happened, what could not be read, and how many rows moved nothing."""

    rows: tuple[ReadRow, ...]
    refused: tuple[RefusedRow, ...] = ()
    not_completed: int = 0


@dataclass(frozen=True, slots=True)
class Chain:
    """How the balances of a statement hang together: before, after, and how many pieces rows are missing between."""

    opening_minor: int
    closing_minor: int
    gaps: int


def payment_account(provider: str, shortcode: str) -> str:
    """Return how a payment account of ours is named."""
    return f"{provider}:{shortcode}"


def day_key(account: str, at: datetime) -> str:
    """Return what the rows of one payment account and UTC day are found by."""
    return f"{account} {at.astimezone(UTC).date().isoformat()}"


def day_keys(account: str, start: datetime, end: datetime) -> list[str]:
    """Return the keys of all UTC days from one moment up to another."""
    first = start.astimezone(UTC).date()
    days = (end.astimezone(UTC) - timedelta(microseconds=1)).date() - first
    return [f"{account} {(first + timedelta(days=number)).isoformat()}" for number in range(days.days + 1)]


def entry(window: Window, row: ReadRow, counts_at: datetime, file_id: str, taken_at: datetime) -> StatementEntry:
    """Return what is kept of a row; equal movements are told apart by the balance after them."""
    account = window.account
    content = (row.about, row.receipt, row.linked_receipt, row.amount_minor, row.at.isoformat(), row.balance_minor)
    identity = hashlib.sha256(repr(content).encode()).hexdigest()[:24]
    movement = f"{account}:{row.linked_receipt or row.receipt}"
    return StatementEntry(
        f"{account}:{identity}",
        day_key(account, counts_at),
        movement,
        row.about,
        row.receipt,
        row.linked_receipt,
        row.amount_minor,
        window.currency,
        row.at,
        counts_at,
        row.balance_minor,
        row.details,
        file_id,
        row.line,
        taken_at,
    )


def compared(row: StatementEntry) -> StatementRow:
    """Return a stored row as reconciliation compares it."""
    return StatementRow(
        row.about, row.receipt, row.amount_minor, row.counts_at, row.linked_receipt, row.balance_minor, row.id
    )


def charge_journal(row: StatementEntry, now: datetime) -> Journal:
    """Return the journal of what the provider took for its service; money that came back has the other sign."""
    provider, shortcode, _ = row.movement.split(":", 2)
    entries = (
        Entry(cash(provider, shortcode), row.amount_minor),
        Entry(f"provider_charges:{provider}:{shortcode}", -row.amount_minor),
    )
    note = f"receipt {row.receipt}"
    return Journal(f"statement:{row.id}", PROVIDER_CHARGE, row.currency, now, row.at, entries, note=note)


def chain(rows: Iterable[StatementEntry]) -> Chain | None:
    """Return what a statement says was there before and after some rows; None where not all rows say a balance.

    Rows lead from balance to balance, in whatever order they come: in each piece without gaps all balances but the
    first are led to, and all but the last lead on.
    """
    known = list(rows)
    if not known or any(row.balance_minor is None for row in known):
        return None
    first_at, last_at = min(row.counts_at for row in known), max(row.counts_at for row in known)
    opening_minor = _open(row for row in known if row.counts_at == first_at)[0]
    closing_minor = _open(row for row in known if row.counts_at == last_at)[1]
    steps = _steps(known)
    steps[opening_minor] -= 1
    steps[closing_minor] += 1
    return Chain(opening_minor, closing_minor, sum(left for left in steps.values() if left > 0))


def _steps(rows: Iterable[StatementEntry]) -> Counter[int]:
    """Return by balance how many rows more lead from it than to it."""
    steps = Counter[int]()
    for row in rows:
        steps[_before(row)] += 1
        steps[row.balance_minor or 0] -= 1
    return steps


def _open(rows: Iterable[StatementEntry]) -> tuple[int, int]:
    """Return where rows of one moment begin and end; such that take each other back, where any of them begins."""
    known = sorted(rows, key=lambda row: row.id)
    steps = sorted(_steps(known).items())
    begins = next((balance for balance, left in steps if left > 0), _before(known[0]))
    return begins, next((balance for balance, left in steps if left < 0), _before(known[0]))


def _before(row: StatementEntry) -> int:
    return (row.balance_minor or 0) - row.amount_minor
