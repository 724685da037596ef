"""Our books, what the provider told us, and the provider's statement, laid side by side.

One shortcode and one period at a time. Every movement has one key: what it is about and the receipt it belongs to.
The result does not depend on the order of any row.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

About = Literal["payment", "reversal", "charge", "transfer"]
Kind = Literal["matched", "ours_only", "theirs_only", "differs"]
Owner = Literal["", "bookkeeper", "supervisor"]  # the role that settles an item; nobody where nothing is to be done
Key = tuple[About, str]

PROVIDER_CHARGE = "provider_charge"  # the kind of journal that books what a provider took for its service


@dataclass(frozen=True, slots=True)
class Window:
    """What is compared: one shortcode of a provider, its currency, and a period from `start` up to `end` (UTC)."""

    provider: str
    shortcode: str
    currency: str
    start: datetime
    end: datetime

    @property
    def account(self) -> str:
        """Return how the payment account is named, such as `mpesa:600638`."""
        return f"{self.provider}:{self.shortcode}"


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One journal's entry on the provider's cash account; money in is positive, `at` its value date.

    `receipt` is that of the payment, also for what was charged on it or taken back from it.
    """

    journal_id: str
    about: About
    receipt: str
    amount_minor: int
    at: datetime


@dataclass(frozen=True, slots=True)
class CallbackRow:
    """One message of the provider that a payment was made; the same payment may be told of many times."""

    event_id: str
    receipt: str
    amount_minor: int
    at: datetime


@dataclass(frozen=True, slots=True)
class StatementRow:
    """One completed row of the provider's statement; money in is positive, out negative.

    A reversal names the payment it takes back in `linked_receipt`. Rows equal in all but `row_id`, which says where
    the row was read, are one row of overlapping files and count once; `balance_minor`, the statement's balance after
    the row, tells equal movements apart.
    """

    about: About
    receipt: str
    amount_minor: int
    at: datetime
    linked_receipt: str = ""
    balance_minor: int | None = None
    row_id: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Difference:
    """One movement as three sources show it (None: not at all), what to do about it, and who does it.

    `difference_minor` is what our books hold more than the statement; over all differences it adds up to the
    distance between the two. `item_id` stays the same when the comparison is repeated. `behind`
    names the journals, messages and rows.
    """

    item_id: str
    kind: Kind
    about: About
    receipt: str
    at: datetime
    ledger_minor: int | None
    callbacks_minor: tuple[int, ...]
    statement_minor: int | None
    what_to_do: str
    owner: Owner
    behind: tuple[str, ...]

    @property
    def difference_minor(self) -> int:
        """Return what our books hold more than the statement."""
        return (self.ledger_minor or 0) - (self.statement_minor or 0)


@dataclass(frozen=True, slots=True)
class _Rows:
    """Everything known of one movement."""

    ledger: tuple[LedgerRow, ...]
    callbacks: tuple[CallbackRow, ...]
    statement: tuple[StatementRow, ...]

    @property
    def at(self) -> datetime:
        """Return when it happened: by the statement, else by our books, else as the provider told us."""
        times = (min(row.at for row in rows) for rows in (self.statement, self.ledger, self.callbacks) if rows)
        return next(times)


@dataclass(frozen=True, slots=True)
class _Amounts:
    """What each source says of one movement."""

    ledger_minor: int | None
    callbacks_minor: tuple[int, ...]
    statement_minor: int | None

    @property
    def are_only_told(self) -> bool:
        """Return whether there is a message and nothing else."""
        return bool(self.callbacks_minor) and self.ledger_minor is None and self.statement_minor is None


def reconcile(
    window: Window,
    ledger: Iterable[LedgerRow],
    callbacks: Iterable[CallbackRow],
    statement: Iterable[StatementRow],
) -> tuple[Difference, ...]:
    """Return every movement of the period, matched or not, oldest first.

    Hand in rows of a day more on both sides: a movement belongs to the period in which the statement has it (else
    our books, else the messages), so that midnight and slow messages make no differences.
    """
    movements = _by_key(ledger, callbacks, statement)
    found = (_compare(window, key, rows) for key, rows in movements.items() if window.start <= rows.at < window.end)
    return tuple(sorted(found, key=lambda one: (one.at, one.about, one.receipt)))


def open_items(differences: Iterable[Difference]) -> tuple[Difference, ...]:
    """Return what a person still has to look at."""
    return tuple(one for one in differences if one.kind != "matched")


def distinct(statement: Iterable[StatementRow]) -> tuple[StatementRow, ...]:
    """Return the rows of a statement in order, those of overlapping files once."""
    return tuple(dict.fromkeys(sorted(statement, key=_place)))


def key_of_row(row: StatementRow) -> Key:
    """Return what a row of the statement is about: a reversal, the payment it takes back."""
    return row.about, row.linked_receipt or row.receipt


def _place(row: StatementRow) -> tuple[datetime, str, str, str, int, int, str]:
    balance_minor = row.balance_minor or 0
    return (row.at, row.receipt, row.linked_receipt, row.about, row.amount_minor, balance_minor, row.row_id)


def _by_key(
    ledger: Iterable[LedgerRow], callbacks: Iterable[CallbackRow], statement: Iterable[StatementRow]
) -> dict[Key, _Rows]:
    ours: defaultdict[Key, list[LedgerRow]] = defaultdict(list)
    told: defaultdict[Key, list[CallbackRow]] = defaultdict(list)
    theirs: defaultdict[Key, list[StatementRow]] = defaultdict(list)
    for posting in dict.fromkeys(sorted(ledger, key=lambda one: one.journal_id)):
        ours[posting.about, posting.receipt].append(posting)
    for message in dict.fromkeys(sorted(callbacks, key=lambda one: one.event_id)):
        told["payment", message.receipt].append(message)
    for row in distinct(statement):
        theirs[key_of_row(row)].append(row)
    keys = {**ours, **told, **theirs}
    return {key: _Rows(tuple(ours[key]), tuple(told[key]), tuple(theirs[key])) for key in keys}


def _compare(window: Window, key: Key, rows: _Rows) -> Difference:
    about, receipt = key
    amounts = _Amounts(
        sum(row.amount_minor for row in rows.ledger) if rows.ledger else None,
        tuple(sorted({row.amount_minor for row in rows.callbacks})),
        sum(row.amount_minor for row in rows.statement) if rows.statement else None,
    )
    kind = _kind(amounts)
    what_to_do, owner = _remedy(kind, about, receipt, amounts)
    return Difference(
        f"{window.provider}:{window.shortcode}:{about}:{receipt}",
        kind,
        about,
        receipt,
        rows.at,
        amounts.ledger_minor,
        amounts.callbacks_minor,
        amounts.statement_minor,
        what_to_do,
        owner,
        _behind(rows),
    )


def _kind(amounts: _Amounts) -> Kind:
    """Return how three sources compare; entries that take each other back are as good as none."""
    ours, theirs = amounts.ledger_minor or 0, amounts.statement_minor or 0
    if ours == theirs == 0:
        return "ours_only" if amounts.are_only_told else "matched"
    if ours == theirs:
        return "matched" if all(told == theirs for told in amounts.callbacks_minor) else "differs"
    if theirs == 0:
        return "ours_only"
    return "theirs_only" if ours == 0 else "differs"


def _remedy(kind: Kind, about: About, receipt: str, amounts: _Amounts) -> tuple[str, Owner]:
    """Return what to do about a movement, in one sentence, and the role that does it."""
    if kind == "matched":
        return "nothing", ""
    if kind == "theirs_only":
        return _why_unbooked(about, amounts) + _TO_BOOK[about].format(receipt=receipt), "bookkeeper"
    if amounts.are_only_told:
        return _ONLY_TOLD.format(receipt=receipt), "supervisor"
    if kind == "ours_only":
        return _TO_TAKE_BACK[about].format(receipt=receipt), "supervisor"
    if amounts.ledger_minor == amounts.statement_minor:
        return _TOLD_OTHERWISE.format(receipt=receipt), "supervisor"
    return _TO_CORRECT[about].format(receipt=receipt), "supervisor"


def _why_unbooked(about: About, amounts: _Amounts) -> str:
    if about != "payment":
        return ""
    return "the message came but was not booked; " if amounts.callbacks_minor else "no message came; "


def _behind(rows: _Rows) -> tuple[str, ...]:
    """Return the ids of the journals, messages and statement rows of a movement."""
    names = [row.journal_id for row in rows.ledger] + [row.event_id for row in rows.callbacks]
    return (*names, *(row.row_id for row in rows.statement if row.row_id))


_ONLY_TOLD = "nothing was booked; ask the provider about receipt '{receipt}': the message may be forged or too early"
_TOLD_OTHERWISE = "books and statement agree on receipt '{receipt}'; look where the message came from, it may be forged"
_TO_BOOK = {
    "payment": "book receipt '{receipt}' from the statement",
    "reversal": "the provider took receipt '{receipt}' back; reverse the payment in the books",
    "charge": "book the provider's charge on receipt '{receipt}'",
    "transfer": "book the transfer '{receipt}' out of the account as money in transit",
}
_TO_CORRECT = {
    "payment": "check receipt '{receipt}' with the provider, then take the wrong posting back and book the right one",
    "reversal": "check what was taken back of receipt '{receipt}', then correct the reversal in the books",
    "charge": "take the charge booked on receipt '{receipt}' back and book that of the statement",
    "transfer": "check the transfer '{receipt}' with the bank, then take the wrong posting back and book the right one",
}
_TO_TAKE_BACK = {
    "payment": "ask the provider about receipt '{receipt}'; if it knows nothing of it, reverse the payment",
    "reversal": "ask the provider for the reversal of receipt '{receipt}', or take ours back",
    "charge": "take the charge booked on receipt '{receipt}' back, or wait for the statement that has it",
    "transfer": "ask the provider about the transfer '{receipt}', or take ours back",
}
