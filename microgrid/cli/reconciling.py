"""Commands that hold the books against the paper: statements in, periods compared, months closed."""

from __future__ import annotations

import calendar
from datetime import date
from pathlib import Path

from microgrid import reconciliation, statements
from microgrid.api.bodies import plain
from microgrid.billing.differences import DifferenceItem
from microgrid.billing.local_time import is_period
from microgrid.cli.operating import actor
from microgrid.cli.output import talk, write_json
from microgrid.cli.paper_in import desks
from microgrid.cli.serving import open_core, settings
from microgrid.errors import InvalidInput, Problem
from microgrid.files import content_of
from microgrid.providers.statement import LARGEST_FILE
from microgrid.statements import PaymentDesk, find_desk

SHOWN = 100  # differences; the API gives them page by page


def import_statement(folder: Path, file: Path, account: str) -> int:
    """Hand in a statement; exit code 1 when some of its rows were refused."""
    desk = _desk(folder, account)
    core = open_core(folder)
    raw = statements.paper(desk, "statement", _read(file), core.clock.now())
    taken = statements.take_statement(core, desk, raw, actor())
    for row in taken.refused:
        talk(f"line {row.line} was refused: {row.reason}")
    booked = f"{taken.payments_booked} payments, {taken.reversals_booked} reversals, {taken.charges_booked} charges"
    talk(f"{taken.rows} rows, {taken.new_rows} new; booked: {booked}")
    write_json("microgrid.statement/1", plain(taken))
    return 1 if taken.refused else 0


def take_receipt(folder: Path, text: str, account: str, sender: str) -> None:
    """Hand in a wallet's message that came to a phone of ours."""
    desk = _desk(folder, account)
    core = open_core(folder)
    raw = statements.paper(desk, "sms", text.encode(), core.clock.now())
    payment = statements.take_receipt(core, desk, raw, sender, actor())
    talk(f"{payment.id} is {payment.status}")
    write_json("microgrid.payment/1", {"payment": plain(payment)})


def reconcile(
    folder: Path, account: str, month: str, zone: str, balances: tuple[int, int] | None, *, close: bool
) -> int:
    """Compare a month and, if asked to, close it; exit code 1 when something is open."""
    desk, core, first = _desk(folder, account), open_core(folder), _month(month)
    last = first.replace(day=calendar.monthrange(first.year, first.month)[1])
    found = reconciliation.run(core, reconciliation.days(core, desk, first, last, zone), actor(), limit=SHOWN)
    for item in found.items:
        if item.state == "open":
            talk(f"{item.id}: {item.what_to_do} ({item.owner})")
    differing = found.ours_only + found.theirs_only + found.differs
    balances_said = f"cash {found.cash_minor}, statement {found.statement_minor}"
    talk(f"{found.matched} movements agree, {differing} differ; {balances_said}")
    closed = reconciliation.close_month(core, desk, first, actor(), zone, balances) if close else None
    write_json("microgrid.reconciliation/1", {**plain(found), "closed": plain(closed)})
    return 1 if any(item.state == "open" for item in found.items) else 0


def correct(folder: Path, item: str, note: str) -> None:
    """Bring the books to what the statement says of a movement."""
    desk = _desk(folder, ":".join(item.split(":")[:2]))
    _tell(reconciliation.correct(open_core(folder), desk, item, note, actor()))


def explain(folder: Path, item: str, note: str) -> None:
    """Close a difference on which no money differs."""
    _tell(reconciliation.explain(open_core(folder), item, note, actor()))


def _tell(item: DifferenceItem) -> None:
    talk(f"{item.id} is {item.state}")
    write_json("microgrid.difference/1", plain(item))


def _desk(folder: Path, account: str) -> PaymentDesk:
    return find_desk(desks(settings(folder)), account)


def _read(file: Path) -> bytes:
    try:
        if file.stat().st_size > LARGEST_FILE:
            what = f"'{file.as_posix()}' is larger than {LARGEST_FILE} bytes"
            raise InvalidInput(Problem("MG-P061", what, fix="hand in a statement of one month"))
        return content_of(file)
    except OSError as error:
        what = f"'{file.as_posix()}' cannot be read: {(error.strerror or str(error)).lower()}"
        raise InvalidInput(Problem("MG-P061", what, fix="name the CSV file of the statement")) from None


def _month(text: str) -> date:
    try:
        found = date.fromisoformat(f"{text}-01")
    except ValueError:
        found = None
    if found is None or not is_period(found, found, 1):
        raise InvalidInput(Problem("MG-P069", f"'{text}' is no month", fix="write it as 2026-10"))
    return found
