"""Balances kept by the day, in memory; sums are kept up to date there anyway."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from datetime import datetime

from microgrid.kept import KeptBalance
from microgrid.store.changes import Changes
from microgrid.store.memory_books import MemoryLedger
from microgrid.store.records import BALANCE_ROWS, LINE_ROWS, PERSONAL


class MemoryBalances:
    """Kept balances of accounts that many write to."""

    def __init__(self, changes: Changes, ledger: MemoryLedger) -> None:
        self._changes = changes
        self._ledger = ledger
        self._rows: dict[tuple[str, str], dict[datetime, KeptBalance]] = {}

    def accounts(self, after: str, limit: int) -> Sequence[str]:
        """Return the next accounts of the books by name, without those of single customers."""
        self._changes.check_open()
        LINE_ROWS.asked(after)
        names = sorted(name for name in self._ledger.accounts() if name.partition(":")[0] not in PERSONAL)
        first = bisect_right(names, after)
        return names[first : first + limit]

    def kept_until(self, account: str) -> datetime | None:
        """Return up to which moment an account's balances are kept."""
        self._changes.check_open()
        BALANCE_ROWS.asked(account)
        return max((max(kept) for key, kept in self._rows.items() if key[0] == account and kept), default=None)

    def latest(self, account: str, currency: str) -> KeptBalance | None:
        """Return the newest kept balance of an account."""
        self._changes.check_open()
        kept = self._rows.get((BALANCE_ROWS.asked(account), BALANCE_ROWS.asked(currency)), {})
        return kept[max(kept)] if kept else None

    def moved(self, account: str, since: datetime | None, until: datetime) -> dict[str, int]:
        """Return by currency the sum of what was posted from one moment on and before another."""
        self._changes.check_open()
        places = self._ledger.places_of(LINE_ROWS.asked(account))
        first = 0 if since is None else bisect_left(places, (since, ""))
        totals: dict[str, int] = {}
        for _, journal_id in places[first : bisect_left(places, (until, ""))]:
            journal = self._ledger.find(journal_id)
            assert journal is not None
            mine = sum(entry.amount_minor for entry in journal.entries if entry.account == account)
            totals[journal.currency] = totals.get(journal.currency, 0) + mine
        return totals

    def put_all(self, rows: Sequence[KeptBalance]) -> None:
        """Keep balances."""
        for row in rows:
            BALANCE_ROWS.check(row)
            key = (row.account, row.currency)
            old = self._rows.get(key, {}).get(row.until)
            self._changes.note(self._restore, key, row.until, old)
            self._restore(key, row.until, row)

    def forget_after(self, moment: datetime) -> None:
        """Forget the balances that are kept up to later moments than this; they can be summed again."""
        for key, kept in self._rows.items():
            for until in [each for each in kept if each > moment]:
                self._changes.note(self._restore, key, until, kept[until])
                self._restore(key, until, None)

    def all(self) -> Iterable[KeptBalance]:
        """Return every kept balance, in no order."""
        return (row for kept in self._rows.values() for row in kept.values())

    def _restore(self, key: tuple[str, str], until: datetime, row: KeptBalance | None) -> None:
        kept = self._rows.setdefault(key, {})
        if row is None:
            kept.pop(until, None)
        else:
            kept[until] = row
