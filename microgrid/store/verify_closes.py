"""The law of closed months, as a question to a database and to a store in memory, with the same answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from microgrid.billing.ledger import Journal
from microgrid.billing.month_close import ClosedMonth

Offender = tuple[object, ...]

# The newest month of each account stands for all before it: what got into one of them is in its sum too.
CLOSE_QUESTIONS = {
    "MG-L140": """
        WITH newest AS (
            SELECT c.id, c.account, c.currency, c.end_us, c.books_until_us, c.closing_minor FROM month_closes AS c
            WHERE c.end_us = (SELECT MAX(o.end_us) FROM month_closes AS o WHERE o.account = c.account)
        ), sums AS (
            SELECT n.id, SUM(e.amount_minor) AS told FROM newest AS n
            JOIN entries AS e ON e.account = 'cash:' || n.account
            JOIN journals AS j ON j.id = e.journal_id
            WHERE e.currency = n.currency AND e.posted_at_us <= n.books_until_us AND j.value_at_us < n.end_us
            GROUP BY n.id
        )
        SELECT n.id, n.closing_minor, COALESCE(s.told, 0) FROM newest AS n LEFT JOIN sums AS s ON s.id = n.id
        WHERE n.closing_minor <> COALESCE(s.told, 0) ORDER BY n.id""",
}


def changed_after_closing(closes: Iterable[ClosedMonth], journals: Iterable[Journal]) -> Iterator[Offender]:
    """Yield the newest closed month of each account whose closing balance is not what its journals sum to."""
    newest: dict[str, ClosedMonth] = {}
    for close in sorted(closes, key=lambda each: each.end):
        newest[close.account] = close
    known = list(journals) if newest else []
    for close in sorted(newest.values(), key=lambda each: each.id):
        told_minor = sum(_counted(journal, close) for journal in known)
        if told_minor != close.closing_minor:
            yield close.id, close.closing_minor, told_minor


def _counted(journal: Journal, close: ClosedMonth) -> int:
    """Return what a journal moved on the cash account until the month was closed."""
    in_time = journal.posted_at <= close.books_until and journal.value_at < close.end
    if journal.currency != close.currency or not in_time:
        return 0
    return sum(entry.amount_minor for entry in journal.entries if entry.account == f"cash:{close.account}")
