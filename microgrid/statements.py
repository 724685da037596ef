"""Papers about a payment account: its statement, row by row, and receipts that the wallet sent to a phone of ours.

Every row is one more look at money: a payment that no message told of is booked by the flow that books all payments,
what is known already changes nothing, and what cannot be booked is said with its line and reason.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from microgrid import flows
from microgrid.billing import statement_rows
from microgrid.billing.payments import Payment
from microgrid.billing.reconcile import Window
from microgrid.billing.reconciling import closed_months
from microgrid.billing.service import Receipt
from microgrid.billing.sightings import Heard, Unclear
from microgrid.billing.statement_rows import ReadRow, ReadStatement, RefusedRow, StatementEntry, chain
from microgrid.customers.service import note
from microgrid.errors import InvalidInput, Problem
from microgrid.kept import RawEvent
from microgrid.ports import Core, UnitOfWork, transact

BATCH = 200  # rows booked in one transaction: payments that arrive meanwhile do not wait long


@dataclass(frozen=True, slots=True)
class PaymentDesk:
    """One payment account of ours, and how the papers about it are read."""

    provider: str
    shortcode: str
    currency: str
    exponent: int
    read_statement: Callable[[RawEvent], ReadStatement | Unclear]
    read_receipt: Callable[[RawEvent, str], Heard]

    @property
    def account(self) -> str:
        """Return how the account is named, such as `mpesa:600638`."""
        return statement_rows.payment_account(self.provider, self.shortcode)

    def window(self, start: datetime, end: datetime) -> Window:
        """Return a period of the account."""
        return Window(self.provider, self.shortcode, self.currency, start, end)


@dataclass(frozen=True, slots=True)
class TakenStatement:
    """What became of a statement file, with the totals a person can check against the paper."""

    file_id: str
    account: str
    rows: int
    new_rows: int
    payments_booked: int
    reversals_booked: int
    charges_booked: int
    not_completed: int
    refused: tuple[RefusedRow, ...]
    in_minor: int
    out_minor: int
    opening_minor: int | None  # None where the statement says no balances
    closing_minor: int | None
    gaps: int | None  # pieces of the statement between which rows are missing


def find_desk(desks: Iterable[PaymentDesk], account: str) -> PaymentDesk:
    """Return the desk of a payment account; InvalidInput when the settings have none."""
    known = {desk.account: desk for desk in desks}
    if account not in known:
        what = f"there is no payment account '{account[:60]}'"
        fix = f"choose from {', '.join(sorted(known))}" if known else "add it to payments in organisation.yaml"
        raise InvalidInput(Problem("MG-A001", what, fix=fix))
    return known[account]


def paper(desk: PaymentDesk, kind: str, body: bytes, now: datetime, address: str = "") -> RawEvent:
    """Return a paper as it is kept: the same content is the same paper, whoever hands it in."""
    key = hashlib.sha256(body).hexdigest()[:32]
    return RawEvent(f"{desk.account}:{kind}:{key}", desk.account, now, address, "{}", body, "")


def take_statement(core: Core, desk: PaymentDesk, raw: RawEvent, actor: str) -> TakenStatement:
    """Keep a statement file and book what it tells; the same file again changes nothing.

    Raises InvalidInput when the file is no statement of this account; it is kept with the reason.
    """
    read = desk.read_statement(raw)
    if isinstance(read, Unclear):
        flows.keep_refused(core, raw, read.reason)
        what = f"this file is no statement of {desk.account}: {read.reason}"
        fix = "download the statement of the account as CSV, and hand it in as it is"
        raise InvalidInput(Problem("MG-P061", what, "it was kept; nothing was booked", fix))
    transact(core.store, lambda uow: _keep(uow, raw, actor))
    parts = [read.rows[start : start + BATCH] for start in range(0, len(read.rows), BATCH)]
    done = [_take_rows(core, desk, part, raw.id) for part in parts]
    taken = _taken(desk, raw, read, done)
    transact(core.store, lambda uow: uow.raw_events.put(replace(raw, outcome=_outcome(taken))))
    return taken


def take_receipt(core: Core, desk: PaymentDesk, raw: RawEvent, sender: str, actor: str) -> Payment:
    """Book the payment that a wallet's message to a phone of ours tells of, unless it is known.

    Raises InvalidInput when nothing can be booked from it; it is kept with the reason.
    """
    transact(core.store, lambda uow: _keep(uow, raw, actor))
    verdict = flows.on_message(core, raw, lambda: desk.read_receipt(raw, sender))
    if verdict.payment is None:
        what = f"nothing was booked from this message: {verdict.outcome.removeprefix('nothing booked: ')}"
        fix = "forward the wallet's message word for word, with the sender's name as the phone shows it"
        raise InvalidInput(Problem("MG-P062", what, "it was kept with the reason", fix))
    return verdict.payment


@dataclass(frozen=True, slots=True)
class _Part:
    """What became of some rows."""

    entries: tuple[StatementEntry, ...]
    new_rows: int
    charges: int
    payments: int
    reversals: int
    refused: tuple[RefusedRow, ...]


def _keep(uow: UnitOfWork, raw: RawEvent, actor: str) -> None:
    if uow.raw_events.get(raw.id) is None:
        uow.raw_events.put(raw)
    note(uow, f"hand in:{raw.id}", raw.received_at, actor, "hand in", f"message:{raw.id}")


def _take_rows(core: Core, desk: PaymentDesk, rows: Sequence[ReadRow], file_id: str) -> _Part:
    entries, new_rows, charges = transact(core.store, lambda uow: _store(uow, core, desk, rows, file_id))
    told = [(row, row.seen) for row in rows if row.seen is not None]
    receipts = flows.on_payments(core, [(seen, None) for _, seen in told])
    booked = [one[1].what for one, receipt in zip(told, receipts, strict=True) if _is_new(receipt)]
    refused = tuple(
        RefusedRow(row.line, "; ".join(problem.what for problem in receipt.problems))
        for (row, _), receipt in zip(told, receipts, strict=True)
        if not isinstance(receipt, Receipt)
    )
    return _Part(entries, new_rows, charges, booked.count("paid"), booked.count("reversed"), refused)


def _is_new(receipt: object) -> bool:
    return isinstance(receipt, Receipt) and (receipt.is_new or receipt.confirmed)


def _store(
    uow: UnitOfWork, core: Core, desk: PaymentDesk, rows: Sequence[ReadRow], file_id: str
) -> tuple[tuple[StatementEntry, ...], int, int]:
    """Store rows that are new, and book the charges among all of them; return how many of each."""
    now = core.clock.now()
    closes = closed_months(uow, desk.account)
    if closes:
        uow.month_closes.hold(closes[-1].id)  # the next month is not closed between two rows
    window = desk.window(now, now)
    made = [
        statement_rows.entry(window, row, max(row.at, closes[-1].end) if closes else row.at, file_id, now)
        for row in rows
    ]
    known = uow.statement_rows.where_in("movement", {entry.movement for entry in made})
    entries = _settled(made, known)
    stored = {entry.id for entry in known}
    new = [entry for entry in entries if entry.id not in stored]
    uow.statement_rows.put_all(new)
    journals = [statement_rows.charge_journal(entry, now) for entry in entries if entry.about == "charge"]
    booked = uow.ledger.find_all(journal.id for journal in journals)
    unbooked = {journal.id: journal for journal in journals if journal.id not in booked}
    uow.ledger.post_all(list(unbooked.values()))
    return tuple(entries), len(new), len(unbooked)


def _settled(made: Iterable[StatementEntry], known: Iterable[StatementEntry]) -> list[StatementEntry]:
    """Return what rows are: those stored already as they were stored, also where one file says no balance."""
    stored = {entry.id: entry for entry in known}
    loose = {_content(entry): entry for entry in stored.values()}
    found: dict[str, StatementEntry] = {}
    for entry in made:
        alike = loose.get(_content(entry))
        if entry.id not in stored and alike is not None and None in (alike.balance_minor, entry.balance_minor):
            found[alike.id] = alike
        else:
            found[entry.id] = stored.get(entry.id, entry)
    return list(found.values())


def _content(entry: StatementEntry) -> tuple[object, ...]:
    return entry.about, entry.receipt, entry.linked_receipt, entry.amount_minor, entry.at


def _taken(desk: PaymentDesk, raw: RawEvent, read: ReadStatement, done: Sequence[_Part]) -> TakenStatement:
    entries = {entry.id: entry for part in done for entry in part.entries}.values()
    amounts = [row.amount_minor for row in read.rows]
    found = chain(replace(entry, counts_at=entry.at) for entry in entries)
    refused = sorted([*read.refused, *(row for part in done for row in part.refused)], key=lambda row: row.line)
    return TakenStatement(
        raw.id,
        desk.account,
        len(read.rows),
        sum(part.new_rows for part in done),
        sum(part.payments for part in done),
        sum(part.reversals for part in done),
        sum(part.charges for part in done),
        read.not_completed,
        tuple(refused),
        sum(amount for amount in amounts if amount > 0),
        -sum(amount for amount in amounts if amount < 0),
        found.opening_minor if found else None,
        found.closing_minor if found else None,
        found.gaps if found else None,
    )


def _outcome(taken: TakenStatement) -> str:
    booked = f"{taken.payments_booked} payments, {taken.reversals_booked} reversals, {taken.charges_booked} charges"
    return f"statement of {taken.rows} rows, {taken.new_rows} new: {booked}; {len(taken.refused)} refused"
