"""The books by time, in memory."""

from __future__ import annotations

from datetime import datetime

from microgrid.billing.ledger import Journal
from microgrid.store.memory_books import MemoryLedger
from microgrid.store.records import LINE_ROWS
from microgrid.store.rows import microseconds

ALL = 2**62


class MemoryHistory:
    """The books by time."""

    def __init__(self, ledger: MemoryLedger) -> None:
        self._ledger = ledger

    def posted(self, account: str, first: datetime, last: datetime, after: str = "", limit: int = 100) -> list[Journal]:
        """Return journals that touch an account, posted in a span, oldest first; `after` is the id of one of them."""
        later = self._ledger.journals_of(account, after, ALL)
        return [journal for journal in later if first <= journal.posted_at < last][:limit]

    def valued(self, account: str, first: datetime, last: datetime, posted_after: datetime) -> list[Journal]:
        """Return journals that touch an account, valued in a span and posted after a moment, by id."""
        found = (
            journal
            for journal in self._ledger.journals_of(account, "", ALL)
            if first <= journal.value_at < last and journal.posted_at > posted_after
        )
        return sorted(found, key=lambda journal: journal.id)

    def posted_before_minor(self, account: str, currency: str, moment: datetime) -> int:
        """Return the sum of what was posted to an account before a moment."""
        return sum(_amount(each, account, currency) for each in self._of(account, moment) if each.posted_at < moment)

    def valued_before_minor(self, account: str, currency: str, moment: datetime) -> int:
        """Return the sum of what is valued before a moment."""
        return sum(_amount(each, account, currency) for each in self._of(account, moment) if each.value_at < moment)

    def _of(self, account: str, moment: datetime) -> list[Journal]:
        microseconds(moment)  # a moment without a zone is refused, as a database does
        return list(self._ledger.journals_of(account, "", ALL))


def _amount(journal: Journal, account: str, currency: str) -> int:
    LINE_ROWS.asked(currency)
    if journal.currency != currency:
        return 0
    return sum(entry.amount_minor for entry in journal.entries if entry.account == account)
