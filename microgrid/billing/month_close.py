"""Closing a month of one shortcode: what still differs, what can be booked at once, and whether it may be closed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Literal, Protocol
from zoneinfo import ZoneInfo

from microgrid.billing.contracts import months_later
from microgrid.billing.ledger import Entry, Journal, cash
from microgrid.billing.reconcile import PROVIDER_CHARGE, About, Difference, StatementRow, Window, distinct, open_items
from microgrid.errors import Problem

Step = Literal["record_payment", "reverse_payment", "post"]


class Movement(Protocol):
    """One movement of money on which books and statement differ."""

    @property
    def about(self) -> About:
        """Return what kind of movement it is."""

    @property
    def receipt(self) -> str:
        """Return the receipt it is about."""

    @property
    def at(self) -> datetime:
        """Return when it happened."""

    @property
    def difference_minor(self) -> int:
        """Return what our books hold more than the statement."""


@dataclass(frozen=True, slots=True)
class Balances:
    """What our books and the provider's statement say was on the account before and after a period."""

    ledger_opening_minor: int
    ledger_closing_minor: int
    statement_opening_minor: int
    statement_closing_minor: int


@dataclass(frozen=True, slots=True)
class ClosedMonth:
    """A month of one payment account on which books and statement agree, for ever.

    What is valued in it and was posted after `books_until` counts from the first month that was open then. What the
    books hold more than the statement at its end is on its way: the statement has it in the next month.
    """

    id: str  # payment account and month, such as `mpesa:600638 2026-10`
    account: str
    currency: str
    timezone: str
    start: datetime
    end: datetime
    opening_minor: int
    closing_minor: int  # of the books, by value date
    statement_minor: int
    matched: int
    books_until: datetime
    closed_at: datetime
    closed_by: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """One step that settles an item, for a person to accept.

    Payments and reversals go through the ordinary flows, which divide them as the customer's plan says; charges and
    transfers come as the `journal` to post. The id is made from the item, so that accepting twice books once.
    """

    item_id: str
    step: Step
    receipt: str
    amount_minor: int
    journal: Journal | None = None


@dataclass(frozen=True, slots=True)
class MonthClose:
    """What is known of a month before it is closed."""

    window: Window
    matched: int
    open_items: tuple[Difference, ...]
    proposals: tuple[Proposal, ...]
    problems: tuple[Problem, ...]

    @property
    def may_close(self) -> bool:
        """Return whether nothing stands against closing the month."""
        return not self.problems


def counts_at(value_at: datetime, posted_at: datetime, closes: Sequence[ClosedMonth]) -> datetime:
    """Return from when a journal counts: its value date, or the first month that was open when it was posted.

    `closes` are the closed months of its payment account, oldest first.
    """
    for place, close in enumerate(closes):
        if value_at < close.end and posted_at <= close.books_until:
            return max(value_at, close.start) if place else value_at
    return max(value_at, closes[-1].end) if closes else value_at


def month_window(provider: str, shortcode: str, currency: str, month: date, zone: ZoneInfo) -> Window:
    """Return the calendar month of a zone in which a day lies, as UTC times."""
    first = month.replace(day=1)
    start, end = (datetime.combine(day, time.min, zone).astimezone(UTC) for day in (first, months_later(first, 1)))
    return Window(provider, shortcode, currency, start, end)


def propose_close(
    window: Window,
    differences: Sequence[Difference],
    statement: Iterable[StatementRow],
    balances: Balances,
    now: datetime,
    *,
    explained: Collection[str] = (),
) -> MonthClose:
    """Return what stands against closing a month, and the steps that would remove most of it.

    `explained` names items that a person has settled with a note; money that differs needs a posting, not a note.
    """
    left = open_items(differences)
    blocking = [one for one in left if one.difference_minor or one.item_id not in explained]
    problems = (*_unfinished(window, now), *_open(blocking), *_statement_gap(window, statement, balances))
    return MonthClose(
        window,
        len(differences) - len(left),
        left,
        tuple(step for one in left for step in _proposal(window, one, now)),
        (*problems, *_apart(window, balances)),
    )


def _proposal(window: Window, item: Difference, now: datetime) -> list[Proposal]:
    """Return how to book what only the statement has; all else needs a person's judgement first."""
    if item.kind != "theirs_only" or item.statement_minor is None:
        return []
    amount_minor = -item.difference_minor
    if item.about == "payment":
        return [Proposal(item.item_id, "record_payment", item.receipt, amount_minor)]
    if item.about == "reversal":
        return [Proposal(item.item_id, "reverse_payment", item.receipt, amount_minor)]
    journal = statement_journal(window, item, f"statement:{item.item_id}:1", now)
    return [Proposal(item.item_id, "post", item.receipt, amount_minor, journal)]


def statement_journal(window: Window, item: Movement, journal_id: str, now: datetime, reason: str = "") -> Journal:
    """Return the journal that brings a charge or a transfer to what the statement says: between two accounts of ours.

    What is booked of it already stays; only the difference moves.
    """
    account = "provider_charges" if item.about == "charge" else "transit"
    amount_minor = -item.difference_minor
    entries = (
        Entry(cash(window.provider, window.shortcode), amount_minor),
        Entry(f"{account}:{window.provider}:{window.shortcode}", -amount_minor),
    )
    note = "; ".join(part for part in (f"from the provider's statement, receipt '{item.receipt}'", reason) if part)
    kind = PROVIDER_CHARGE if item.about == "charge" else "transfer"
    return Journal(journal_id, kind, window.currency, now, item.at, entries, note=note)


def _unfinished(window: Window, now: datetime) -> list[Problem]:
    if now >= window.end:
        return []
    what = f"the month of shortcode '{window.shortcode}' ends at {window.end.isoformat()}; it was not closed"
    return [Problem("MG-P312", what, fix="Close it after that, when the statement is complete.")]


def _open(blocking: Sequence[Difference]) -> list[Problem]:
    return [
        Problem(
            "MG-P310",
            f"{one.about} '{one.receipt}' is {_said(one.ledger_minor)} in the books, {_said(one.statement_minor)} on "
            f"the statement and {_told(one.callbacks_minor)} in messages; the month was not closed",
            fix=one.what_to_do[0].upper() + one.what_to_do[1:] + ".",
        )
        for one in blocking
    ]


def _statement_gap(window: Window, statement: Iterable[StatementRow], balances: Balances) -> list[Problem]:
    """Return a problem if the statement does not add up by itself: a row is missing, or read wrongly."""
    rows_minor = sum(row.amount_minor for row in distinct(statement) if window.start <= row.at < window.end)
    total_minor = balances.statement_opening_minor + rows_minor
    if total_minor == balances.statement_closing_minor:
        return []
    what = (
        f"the statement of shortcode '{window.shortcode}' opens with {balances.statement_opening_minor}, its rows make "
        f"it {total_minor}, but it closes with {balances.statement_closing_minor}; the month was not closed"
    )
    return [Problem("MG-P311", what, fix="Download the statement of the whole month again, and upload it.")]


def _apart(window: Window, balances: Balances) -> list[Problem]:
    if balances.ledger_closing_minor == balances.statement_closing_minor:
        return []
    what = (
        f"the books close shortcode '{window.shortcode}' with {balances.ledger_closing_minor}, the statement with "
        f"{balances.statement_closing_minor}; the month was not closed"
    )
    return [Problem("MG-P313", what, fix="Settle the open items, of this month and of earlier ones.")]


def _said(amount_minor: int | None) -> str:
    return "not" if amount_minor is None else str(amount_minor)


def _told(amounts_minor: Sequence[int]) -> str:
    return " and ".join(str(amount_minor) for amount_minor in amounts_minor) or "not"
