"""The books for other programs: every journal of a span of days as beancount text, or as lines of CSV.

Both are given part by part, so that books of any size fit through. What was posted before the span is its opening;
the balances at its end are stated, and a reader that adds up comes to the same.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from zoneinfo import ZoneInfo

from microgrid.billing.ledger import CHART, Journal
from microgrid.billing.local_time import DAY, local_day
from microgrid.billing.statement_text import amount_text, cell

ROOTS: Mapping[str, str] = {
    "asset": "Assets",
    "liability": "Liabilities",
    "income": "Income",
    "expense": "Expenses",
    "equity": "Equity",
}
PLAIN = re.compile(r"[A-Z0-9][A-Z0-9-]*")  # legal in beancount as it is
LOWER = re.compile(r"[a-z][a-z0-9]*[a-z][a-z0-9-]*")  # legal with its first letter in capitals, which nothing else is
MARKED = re.compile(r"-x[0-9a-f]{10}$")
COLUMNS = (
    "journal_id",
    "line",
    "kind",
    "posted_at",
    "value_at",
    "account",
    "currency",
    "amount_minor",
    "reverses",
    "note",
)
Key = tuple[str, str]  # account and currency


@dataclass(frozen=True, slots=True)
class Span:
    """Which days are exported, on which clock, and how many decimals each currency has."""

    zone: ZoneInfo
    exponents: Mapping[str, int]
    first: date | None = None
    last: date | None = None

    def place(self, journal: Journal) -> int:
        """Return -1 for a journal posted before the span, 0 within it, 1 after it."""
        day = local_day(journal.posted_at, self.zone)
        if self.first is not None and day < self.first:
            return -1
        return 1 if self.last is not None and day > self.last else 0


@dataclass(slots=True)
class _Sums:
    """What has gone by: balances before the span and at its end, and its first and last day."""

    opening: defaultdict[Key, int] = field(default_factory=lambda: defaultdict(int))
    closing: defaultdict[Key, int] = field(default_factory=lambda: defaultdict(int))
    days: tuple[date, date] | None = None


def beancount(journals: Iterable[Journal], span: Span) -> Iterator[str]:
    """Yield the books as beancount text: transactions, what they begin with, and what they must come to."""
    yield 'option "title" "Books of microgrid"\n\n'
    sums = _Sums()
    for journal in _counted(journals, span, sums):
        yield _transaction(journal, span)
    if sums.days is None:
        return
    first, last = sums.days
    before = (span.first or first) - DAY
    for name in sorted({account_name(account) for account, _ in sums.closing}):
        yield f"{before} open {name}\n"
    yield from _openings(sums, span, before)
    for (account, currency), amount_minor in sorted(sums.closing.items()):
        amount = _amount(amount_minor, currency, span)
        yield f"{(span.last or last) + DAY} balance {account_name(account)}  {amount}\n"


def lines_of_csv(journals: Iterable[Journal], span: Span) -> Iterator[str]:
    """Yield the books as CSV, a line per entry; balances before the span come last, as lines of no journal."""
    yield _row(COLUMNS)
    sums = _Sums()
    for journal in _counted(journals, span, sums):
        times = journal.posted_at.astimezone(span.zone).isoformat(), journal.value_at.astimezone(span.zone).isoformat()
        for number, entry in enumerate(journal.entries):
            amount = (cell(entry.account), journal.currency, str(entry.amount_minor))
            about = (journal.reverses or "", cell(journal.note))
            yield _row((cell(journal.id), str(number), journal.kind, *times, *amount, *about))
    for (account, currency), amount_minor in sorted(sums.opening.items()):
        if amount_minor:
            yield _row(("", "", "opening balance", "", "", cell(account), currency, str(amount_minor), "", ""))


def account_name(account: str) -> str:
    """Return an account of ours as beancount can read it; two different accounts never get one name."""
    kind, *rest = account.split(":")
    parts = [_component(part) for part in (kind.replace("_", "-"), *rest)]
    return ":".join((ROOTS[CHART[kind]], *parts))


def _component(part: str) -> str:
    if not MARKED.search(part):
        if PLAIN.fullmatch(part):
            return part
        if LOWER.fullmatch(part):
            return part.capitalize()
    readable = re.sub(r"[^A-Za-z0-9]+", "-", part).strip("-")[:30]
    start = readable[:1].upper() + readable[1:] or "X"
    return f"{start}-x{hashlib.sha256(part.encode()).hexdigest()[:10]}"


def _counted(journals: Iterable[Journal], span: Span, sums: _Sums) -> Iterator[Journal]:
    """Yield the journals within the span, adding up what goes by."""
    for journal in journals:
        place = span.place(journal)
        if place > 0:
            continue
        for entry in journal.entries:
            key = entry.account, journal.currency
            sums.closing[key] += entry.amount_minor
            if place < 0:
                sums.opening[key] += entry.amount_minor
        day = local_day(journal.posted_at, span.zone)
        sums.days = (day, day) if sums.days is None else (min(sums.days[0], day), max(sums.days[1], day))
        if place == 0:
            yield journal


def _transaction(journal: Journal, span: Span) -> str:
    day, value_day = (local_day(at, span.zone) for at in (journal.posted_at, journal.value_at))
    lines = [f'{day} * "{_string(journal.note or journal.kind)}"', f'  journal: "{_string(journal.id)}"']
    lines += [f'  kind: "{_string(journal.kind)}"', f"  value-date: {value_day}"]
    if journal.reverses is not None:
        lines.append(f'  reverses: "{_string(journal.reverses)}"')
    for entry in journal.entries:
        lines.append(f"  {account_name(entry.account)}  {_amount(entry.amount_minor, journal.currency, span)}")
    return "\n".join(lines) + "\n\n"


def _openings(sums: _Sums, span: Span, day: date) -> Iterator[str]:
    known = [(key, amount_minor) for key, amount_minor in sorted(sums.opening.items()) if amount_minor]
    if not known:
        return
    yield f'\n{day} * "Balances before {day + DAY}"\n'
    for (account, currency), amount_minor in known:
        yield f"  {account_name(account)}  {_amount(amount_minor, currency, span)}\n"
    yield "\n"


def _amount(amount_minor: int, currency: str, span: Span) -> str:
    """Return an amount; in minor units, and called so, where nobody said how many decimals a currency has."""
    exponent = span.exponents.get(currency)
    return (
        f"{amount_minor} {currency}.MINOR" if exponent is None else f"{amount_text(amount_minor, exponent)} {currency}"
    )


def _string(text: str) -> str:
    plain = "".join(letter if letter.isprintable() else " " for letter in text)
    return plain.replace("\\", "\\\\").replace('"', '\\"')


def _row(cells: Iterable[str]) -> str:
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerow(cells)
    return file.getvalue()
