"""Books, messages and statement of one payment account, gathered on an open transaction and laid side by side."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from microgrid.billing.ledger import Journal, cash
from microgrid.billing.month_close import Balances, ClosedMonth, counts_at
from microgrid.billing.payments import payment_id
from microgrid.billing.reconcile import (
    About,
    CallbackRow,
    Difference,
    Key,
    LedgerRow,
    StatementRow,
    Window,
    key_of_row,
    reconcile,
)
from microgrid.billing.statement_rows import Chain, StatementEntry, chain, compared, day_keys, payment_account
from microgrid.ports import UnitOfWork

LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)
CORRECTIONS = 3  # of one charge or transfer that are looked for outside of the period
OF_THE_STATEMENT = "statement"  # a channel that is the third side itself, not a message


@dataclass(frozen=True, slots=True)
class Compared:
    """One period of one payment account, compared.

    The cash account is the statement, and what is on its way: booked before the end and on the statement after it,
    what differs in the period, and what was apart when the period began.
    """

    window: Window
    differences: tuple[Difference, ...]  # every movement, matched or not
    statement: tuple[StatementRow, ...]
    chain: Chain | None  # of the statement; None where it has no rows, or they say no balances
    opening_minor: int  # of the books, by value date
    cash_minor: int  # of the books at the end, by value date
    across_start_minor: int  # of it, on the statement in another period
    across_end_minor: int

    @property
    def balances(self) -> Balances | None:
        """Return the balances that are comparable: of the books, moved to where the statement has each movement."""
        if self.chain is None:
            return None
        opening_minor = self.opening_minor - self.across_start_minor
        closing_minor = self.cash_minor - self.across_end_minor
        return Balances(opening_minor, closing_minor, self.chain.opening_minor, self.chain.closing_minor)

    @property
    def differences_minor(self) -> int:
        """Return what the books hold more than the statement, over all movements of the period."""
        return sum(one.difference_minor for one in self.differences)

    @property
    def brought_forward_minor(self) -> int:
        """Return what books and statement were apart when the period began."""
        found = self.balances
        return 0 if found is None else found.ledger_opening_minor - found.statement_opening_minor

    @property
    def in_transit_minor(self) -> int:
        """Return what the books hold more than the statement, as far as movements explain it."""
        return self.brought_forward_minor + self.differences_minor + self.across_end_minor

    @property
    def law_holds(self) -> bool | None:
        """Say whether cash is the statement and what is on its way; None where the statement says no balances."""
        if self.chain is None:
            return None
        return self.chain.gaps == 0 and self.cash_minor == self.chain.closing_minor + self.in_transit_minor


def closed_months(uow: UnitOfWork, account: str) -> list[ClosedMonth]:
    """Return the closed months of a payment account, oldest first."""
    return sorted(uow.month_closes.where(account=account), key=lambda close: close.start)


def compare(uow: UnitOfWork, window: Window) -> Compared:
    """Return every movement of a period of one payment account as its three sources show it.

    A movement belongs to the period in which the statement has it; rows of it from other periods are looked up.
    """
    account = window.account
    closes = closed_months(uow, account)
    late = _late(uow, window, closes)
    entries = _statement_of(uow, window, account)
    journals = {journal.id: journal for journal in _journals_of(uow, window, closes, late)}
    entries |= _same_movements(uow, account, journals.values())
    journals |= _same_receipts(uow, account, entries.values())
    journals |= _opposite(uow, journals.values())
    ledger = _ledger_rows(uow, account, journals.values(), entries.values(), closes)
    statement = tuple(compared(entry) for entry in entries.values())
    differences = reconcile(window, ledger, _messages(uow, window, account, ledger), statement)
    before_minor = uow.history.valued_before_minor(_cash(window), window.currency, window.start)
    opening_minor = before_minor - sum(_on(journal, _cash(window)) for journal in late)
    inside = tuple(row for row in ledger if window.start <= row.at < window.end)
    start_minor, end_minor = _across(window, ledger, statement)
    own = [entry for entry in entries.values() if window.start <= entry.counts_at < window.end]
    return Compared(
        window,
        differences,
        tuple(compared(entry) for entry in own),
        chain(entry for entry in own if entry.counts_at == entry.at),
        opening_minor,
        opening_minor + sum(row.amount_minor for row in inside),
        start_minor,
        end_minor,
    )


def _cash(window: Window) -> str:
    return cash(window.provider, window.shortcode)


def _on(journal: Journal, account: str) -> int:
    return sum(entry.amount_minor for entry in journal.entries if entry.account == account)


def _late(uow: UnitOfWork, window: Window, closes: Sequence[ClosedMonth]) -> list[Journal]:
    """Return what is valued before the period and counts in it or after it: its own month was closed already."""
    before = [close for close in closes if close.end <= window.start]
    if not before:
        return []
    found = uow.history.valued(_cash(window), LONG_AGO, window.start, before[-1].books_until)
    return [one for one in found if counts_at(one.value_at, one.posted_at, closes) >= window.start]


def _journals_of(
    uow: UnitOfWork, window: Window, closes: Sequence[ClosedMonth], late: Iterable[Journal]
) -> list[Journal]:
    """Return the journals on the cash account that count in the period."""
    valued = uow.history.valued(_cash(window), window.start, window.end, LONG_AGO)
    known = [one for one in (*late, *valued) if one.currency == window.currency]
    return [one for one in known if window.start <= counts_at(one.value_at, one.posted_at, closes) < window.end]


def _statement_of(uow: UnitOfWork, window: Window, account: str) -> dict[str, StatementEntry]:
    found = uow.statement_rows.where_in("day", day_keys(account, window.start, window.end))
    return {row.id: row for row in found if window.start <= row.counts_at < window.end}


def _same_movements(uow: UnitOfWork, account: str, journals: Iterable[Journal]) -> dict[str, StatementEntry]:
    """Return the rows of the statement, of any period, about what journals are about."""
    receipts = {receipt for journal in journals if (receipt := _receipt_of_payment(journal, account))}
    found = uow.statement_rows.where_in("movement", [f"{account}:{receipt}" for receipt in receipts])
    rows = uow.statement_rows.get_all(key for journal in journals if (key := _row_id(journal, account)))
    return {row.id: row for row in (*found, *rows.values())}


def _same_receipts(uow: UnitOfWork, account: str, entries: Iterable[StatementEntry]) -> dict[str, Journal]:
    """Return the journals, of any period, about what rows of the statement are about."""
    keys: set[str] = set()
    for entry in entries:
        receipt = entry.movement.removeprefix(f"{account}:")
        keys.update((f"statement:{entry.id}", f"payment:{entry.movement}"))
        keys.update(f"statement:{account}:{entry.about}:{receipt}:{number}" for number in range(1, CORRECTIONS + 1))
    payments = uow.payments.get_all({entry.movement for entry in entries})
    return uow.ledger.find_all({*keys, *(one.journal_id for one in payments.values() if one.journal_id)})


def _opposite(uow: UnitOfWork, journals: Iterable[Journal]) -> dict[str, Journal]:
    """Return what journals take back, and what takes them back, of any period."""
    known = list(journals)
    taken_back = {journal.reverses for journal in known if journal.reverses}
    return uow.ledger.find_all({*taken_back, *(f"reversal:{journal.id}" for journal in known)})


def _ledger_rows(
    uow: UnitOfWork,
    account: str,
    journals: Iterable[Journal],
    entries: Iterable[StatementEntry],
    closes: Sequence[ClosedMonth],
) -> tuple[LedgerRow, ...]:
    """Return what journals moved on the cash account, each with what it is about."""
    known = list(journals)
    rows = uow.statement_rows.get_all(key for journal in known if (key := _row_id(journal, account)))
    returned = _returned(uow, account, known, entries)
    found = []
    for journal in known:
        about, receipt = _about(journal, account, rows, returned)
        amount_minor = _on(journal, f"cash:{account}")
        at = counts_at(journal.value_at, journal.posted_at, closes)
        found.append(LedgerRow(journal.id, about, receipt, amount_minor, at))
    return tuple(found)


def _returned(
    uow: UnitOfWork, account: str, journals: Iterable[Journal], entries: Iterable[StatementEntry]
) -> set[str]:
    """Return the receipts whose money went back to the payer; where it never came, taking it back is a correction."""
    back = {receipt for one in journals if one.kind == "reversal" and (receipt := _receipt_of_payment(one, account))}
    payments = uow.payments.get_all(f"{account}:{receipt}" for receipt in back)
    stay_back = {key for key, payment in payments.items() if payment.status == "reversed"}
    known = list(entries)
    listed = {entry.movement for entry in known if entry.about == "payment"} & stay_back
    said = {entry.movement for entry in known if entry.about == "reversal"}
    return {movement.removeprefix(f"{account}:") for movement in listed | said}


def _about(journal: Journal, account: str, rows: Mapping[str, StatementEntry], returned: set[str]) -> Key:
    """Return what a journal is about."""
    receipt = _receipt_of_payment(journal, account)
    if receipt:
        return ("reversal" if journal.kind == "reversal" and receipt in returned else "payment"), receipt
    row = rows.get(_row_id(journal, account))
    if row is not None:
        return row.about, row.movement.removeprefix(f"{account}:")
    about, _, receipt = _subject(journal).removeprefix(f"statement:{account}:").partition(":")
    known: dict[str, About] = {"charge": "charge", "transfer": "transfer"}
    return (known[about], receipt.rpartition(":")[0]) if about in known else ("transfer", _subject(journal))


def _subject(journal: Journal) -> str:
    """Return the id of the journal that is meant: of a correction, the one it takes back."""
    return journal.reverses or journal.id


def _receipt_of_payment(journal: Journal, account: str) -> str:
    """Return the receipt of the payment a journal books or takes back, or nothing when it is about something else."""
    prefix = f"payment:{account}:"
    subject = _subject(journal)
    return subject.removeprefix(prefix).partition(":")[0] if subject.startswith(prefix) else ""


def _row_id(journal: Journal, account: str) -> str:
    """Return the row of the statement a journal was made from, or nothing."""
    prefix = "statement:"
    row_id = _subject(journal).removeprefix(prefix)
    is_row = _subject(journal).startswith(f"{prefix}{account}:") and row_id.count(":") == account.count(":") + 1
    return row_id if is_row else ""


def _messages(uow: UnitOfWork, window: Window, account: str, ledger: Iterable[LedgerRow]) -> list[CallbackRow]:
    """Return what messages told of payments: of those in the books, and of those that wait for their provider."""
    booked = {payment_id(window.provider, window.shortcode, row.receipt) for row in ledger if row.about == "payment"}
    waiting = [
        payment
        for payment in uow.payments.where(status="pending")
        if payment_account(payment.provider, payment.shortcode) == account
        and window.start <= payment.paid_at < window.end
    ]
    payments = uow.payments.get_all(booked) | {payment.id: payment for payment in waiting}
    seen = uow.sightings.where_in("payment_id", payments)
    found = [
        CallbackRow(one.id, payment.receipt, payment.amount_minor, payment.paid_at)
        for one in seen
        if one.channel != OF_THE_STATEMENT and (payment := payments[one.payment_id])
    ]
    return [*found, *(CallbackRow(one.id, one.receipt, one.amount_minor, one.paid_at) for one in waiting)]


def _across(window: Window, ledger: Iterable[LedgerRow], statement: Iterable[StatementRow]) -> tuple[int, int]:
    """Return what books count on the other side of the period's start, and of its end, than the statement does."""
    known = list(ledger)
    ours = _first(((one.about, one.receipt), one.at) for one in known)
    placed = ours | _first((key_of_row(row), row.at) for row in statement)
    start_minor = end_minor = 0
    for one in known:
        at = placed[one.about, one.receipt]
        start_minor += one.amount_minor * ((one.at < window.start) - (at < window.start))
        end_minor += one.amount_minor * ((one.at < window.end) - (at < window.end))
    return start_minor, end_minor


def _first(moments: Iterable[tuple[Key, datetime]]) -> dict[Key, datetime]:
    found: dict[Key, datetime] = {}
    for key, at in moments:
        found[key] = min(at, found.get(key, at))
    return found
