"""`microgrid pay record`: a payment somebody took by hand, checked as no provider's message has to be."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from microgrid import flows
from microgrid.billing.payments import Payment, payment_id
from microgrid.billing.sightings import Seen
from microgrid.cli.operating import actor, tell
from microgrid.cli.serving import open_core
from microgrid.currency import CODES
from microgrid.errors import InvalidInput, Problem

HAND = ("cash", "office")  # provider and till of payments recorded by hand
RECEIPT_LONGEST, REFERENCE_LONGEST = 40, 200
AMOUNT_MAX = 10**15  # minor units: beyond the price of anything
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
AHEAD_MAX = timedelta(days=1)  # a date without its zone may be off by so much


def record_payment(folder: Path, receipt: str, amount_minor: int, currency: str, reference: str, paid_at: str) -> None:
    """Record a payment by hand; the same receipt again changes nothing."""
    core = open_core(folder)
    now = core.clock.now()
    moment = _moment(paid_at) if paid_at else now
    found = [*_of_texts(receipt, reference), *_of_money(amount_minor, currency), *_of_time(moment, paid_at, now)]
    if found or moment is None:
        raise InvalidInput(*found)
    payment = Payment(
        payment_id(*HAND, receipt), *HAND, receipt, amount_minor, currency, moment, now, reference, status="posted"
    )
    tell(flows.on_payment(core, Seen(payment, channel="cash", note=f"recorded by {actor()}")))


def _of_texts(receipt: str, reference: str) -> Iterator[Problem]:
    if not (receipt.strip() and receipt.isprintable() and len(receipt) <= RECEIPT_LONGEST):
        what = f"{receipt[:RECEIPT_LONGEST]!r} is no number of a receipt"
        yield _refusal(what, f"give what is printed on it, at most {RECEIPT_LONGEST} characters, such as 0017")
    if not (reference.isprintable() and len(reference) <= REFERENCE_LONGEST):
        what = f"{reference[:REFERENCE_LONGEST]!r} is no reference"
        yield _refusal(what, "give the account, the meter or what the payer wrote, on one line")


def _of_money(amount_minor: int, currency: str) -> Iterator[Problem]:
    if not 0 < amount_minor <= AMOUNT_MAX:
        yield _refusal(f"{amount_minor} is no amount", f"give minor units from 1 to {AMOUNT_MAX}")
    if currency not in CODES:
        yield _refusal(f"'{currency[:10]}' is no currency", "use a code of ISO 4217, such as KES")


def _of_time(moment: datetime | None, text: str, now: datetime) -> Iterator[Problem]:
    if moment is None:
        what = f"'{text[:60]}' is no moment with its offset from UTC"
        yield _refusal(what, "write it as 2026-11-23T10:00+03:00")
    elif not EARLIEST <= moment <= now + AHEAD_MAX:
        what = f"nobody has paid at {moment.isoformat()}, and it is {now.isoformat(timespec='seconds')}"
        yield _refusal(what, "give the moment when the money was taken")


def _refusal(what: str, fix: str) -> Problem:
    return Problem("MG-P005", what, why="nothing was recorded", fix=fix)


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return None if found.utcoffset() is None else found
