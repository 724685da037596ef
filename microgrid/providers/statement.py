"""The statement of an M-Pesa shortcode, as a person downloads it: CSV whose layout varies, read row by row.

Every row is kept as what it is - a payment, its charge, a reversal, a transfer to the bank - and rows that cannot be
read are named by line, so that a reconciliation never passes over money in silence.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from microgrid.billing.reconcile import About, StatementRow
from microgrid.providers.mpesa_results import party
from microgrid.providers.payment_facts import PaymentAccount, Phone, Sighting, Unreadable
from microgrid.providers.wire_text import clean, grouped_minor_units, local_time, name_of

LARGEST_FILE = 64 * 1024 * 1024  # bytes; a busy shortcode's month has about 10
LONGEST_PREAMBLE = 60  # lines before the names of the columns
RowKind = Literal["payment", "charge", "reversal", "withdrawal", "not_completed"]

# Our name of a column, and how layouts call it, letters and digits only.
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "receipt": ("receiptno", "receiptnumber", "receipt", "transactionid", "mpesareceiptnumber"),
    "completed": ("completiontime", "completiondate", "transactiondate", "date"),
    "details": ("details", "description", "transactiondetails"),
    "status": ("transactionstatus", "status"),
    "paid_in": ("paidin", "credit", "amountpaidin"),
    "withdrawn": ("withdrawn", "debit", "withdrawal"),
    "balance": ("balance", "runningbalance"),
    "reason": ("reasontype", "transactiontype", "type"),
    "party": ("otherpartyinfo", "otherparty", "counterparty"),
    "linked": ("linkedtransactionid", "linkedtransaction"),
    "reference": ("acno", "accountno", "accountnumber", "billrefnumber", "reference"),
}
NEEDED = ("receipt", "completed", "paid_in")
LAYOUTS = ("%d-%m-%Y %H:%M:%S", "%Y-%m-%d %H:%M:%S", "%d/%m/%Y %H:%M:%S", "%d-%m-%Y %H:%M", "%d/%m/%Y %H:%M")
ABOUT: Mapping[RowKind, About] = {
    "payment": "payment",
    "charge": "charge",
    "reversal": "reversal",
    "withdrawal": "transfer",
}
_CHARGE = re.compile(r"\b(charges?|fees?|tariff)\b", re.IGNORECASE)
_REVERSAL = re.compile(r"\brevers(al|ed)\b", re.IGNORECASE)
_SHORTCODE = re.compile(r"short\s*code\W*([0-9]{4,9})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One row: what came in or went out, when, and under which receipt; a charge has its payment's receipt."""

    kind: RowKind
    receipt: str
    completed_at: datetime
    paid_in_minor: int = 0
    withdrawn_minor: int = 0
    balance_minor: int | None = None
    details: str = ""
    payer: Phone | None = None
    name: str = ""
    reference: str = ""
    linked_receipt: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement: its rows in the order of the file, and the lines that could not be read."""

    rows: tuple[StatementLine, ...]
    unreadable: tuple[Unreadable, ...]


def read_statement(content: bytes, account: PaymentAccount) -> Statement | Unreadable:
    """Return the rows of a statement file of this account, or why the file is none."""
    if len(content) > LARGEST_FILE:
        return Unreadable(f"the file has {len(content)} bytes; a statement has at most {LARGEST_FILE}")
    lines = _decoded(content).splitlines()
    header = _header(lines)
    if isinstance(header, Unreadable):
        return header
    named = _SHORTCODE.search("\n".join(line[:200] for line in lines[: header.line]))
    if named and not account.is_named(named.group(1)):
        return Unreadable(f"the file is the statement of shortcode {named.group(1)}, not of {account.shortcode}")
    read = [_read_row(cells, line, header, account) for cells, line in _rows(lines, header)]
    rows = tuple(row for row in read if isinstance(row, StatementLine))
    return Statement(rows, tuple(row for row in read if isinstance(row, Unreadable)))


def sightings(statement: Statement, account: PaymentAccount) -> tuple[Sighting, ...]:
    """Return the payments of a statement, and the reversals of payments, as sightings; charges are not among them."""
    found = (sighting_of(row, account) for row in statement.rows)
    return tuple(sighting for sighting in found if sighting is not None)


def movements(statement: Statement) -> tuple[StatementRow, ...]:
    """Return the completed rows of a statement as reconciliation compares them: money in positive, out negative."""
    return tuple(
        StatementRow(
            ABOUT[row.kind],
            row.receipt,
            row.paid_in_minor - row.withdrawn_minor,
            row.completed_at,
            row.linked_receipt,
            row.balance_minor,
            f"line {row.line}",
        )
        for row in statement.rows
        if row.kind in ABOUT
    )


def sighting_of(row: StatementLine, account: PaymentAccount) -> Sighting | None:
    """Return the payment, or the reversal of one, that a row tells of; None for a row that tells of neither."""
    paid = row.kind == "payment"
    if not paid and not (row.kind == "reversal" and row.withdrawn_minor and row.linked_receipt):
        return None
    return Sighting(
        "mpesa",
        account.shortcode,
        "paid" if paid else "reversed",
        "statement",
        account.currency,
        receipt=row.receipt,
        amount_minor=row.paid_in_minor if paid else row.withdrawn_minor,
        paid_at=row.completed_at,
        payer=row.payer,
        reference=row.reference,
        channel="statement",
        names=(row.name,) if row.name else (),
        linked_receipt="" if paid else row.linked_receipt,
    )


@dataclass(frozen=True, slots=True)
class _Header:
    """Where the columns are: the index of the line with their names, and the place of each."""

    line: int
    delimiter: str
    width: int
    places: Mapping[str, int]


def _decoded(content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", "replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")  # saved by a spreadsheet program


def _header(lines: list[str]) -> _Header | Unreadable:
    for number, line in enumerate(lines[:LONGEST_PREAMBLE]):
        for delimiter in ",;\t":
            names = [re.sub(r"[^a-z0-9]", "", cell.lower()) for cell in line[:4000].split(delimiter)]
            places = {
                column: names.index(known)
                for column, words in COLUMNS.items()
                if (known := next((word for word in words if word in names), None)) is not None
            }
            if all(column in places for column in NEEDED):
                return _Header(number, delimiter, len(names), places)
    wanted = "Receipt No., Completion Time and Paid In"
    return Unreadable(f"the first {LONGEST_PREAMBLE} lines have no row of column names with {wanted}")


def _rows(lines: list[str], header: _Header) -> Iterator[tuple[list[str], int]]:
    """Yield the cells of each row that holds any, with the number of its line in the file."""
    # Fields with line breaks are not written by the provider: each line is a row, so one bad line spoils no other.
    for number, line in enumerate(lines[header.line + 1 :], start=header.line + 2):
        try:
            cells = next(csv.reader(io.StringIO(line), delimiter=header.delimiter), [])
        except csv.Error:
            cells = [line]
        if any(cell.strip() for cell in cells):
            yield cells, number


def _read_row(cells: list[str], line: int, header: _Header, account: PaymentAccount) -> StatementLine | Unreadable:
    field = {name: clean(cells[place]) if place < len(cells) else "" for name, place in header.places.items()}
    if len(cells) > header.width:  # most likely a comma inside a number: every cell after it is out of place
        return Unreadable(f"line {line} has {len(cells)} cells, {header.width} columns have a name", line)
    receipt = name_of(field["receipt"]).upper()
    completed_at = _time(field["completed"])
    paid_in = _amount(field["paid_in"], account.exponent)
    withdrawn = _amount(field.get("withdrawn", ""), account.exponent)
    if not receipt or completed_at is None:
        return Unreadable(f"line {line} has no receipt, or no time DD-MM-YYYY HH:MM:SS", line)
    if paid_in is None or withdrawn is None or (paid_in > 0) == (withdrawn > 0):
        return Unreadable(f"line {line}: exactly one of Paid In and Withdrawn must be an amount", line)
    payer, name = party(field.get("party", ""), account.region)
    return StatementLine(
        _kind(field, paid_in),
        receipt,
        completed_at,
        paid_in,
        withdrawn,
        _balance(field.get("balance", ""), account.exponent),
        field.get("details", ""),
        payer,
        name,
        field.get("reference", ""),
        name_of(field.get("linked", "")).upper(),
        line,
    )


def _kind(field: Mapping[str, str], paid_in: int) -> RowKind:
    if field.get("status", "").lower() not in {"", "completed"}:
        return "not_completed"
    if paid_in:  # customers type part of the details, so no word in them may turn a payment into something else
        return "reversal" if field.get("linked") else "payment"
    words = f"{field.get('reason', '')} {field.get('details', '')}"
    if _CHARGE.search(words):  # first: the charge of a reversal is a charge
        return "charge"
    return "reversal" if field.get("linked") or _REVERSAL.search(words) else "withdrawal"


def _time(text: str) -> datetime | None:
    return next((found for layout in LAYOUTS if (found := local_time(text, layout)) is not None), None)


def _balance(text: str, exponent: int) -> int | None:
    """Return a balance, None for an empty cell; one below zero is written with a minus."""
    amount_minor = _amount(text, exponent) if text else None
    return -amount_minor if amount_minor is not None and text.startswith("-") else amount_minor


def _amount(text: str, exponent: int) -> int | None:
    """Return an amount, 0 for an empty cell; layouts write withdrawals with or without a minus."""
    return grouped_minor_units(text.removeprefix("-"), exponent) if text else 0
