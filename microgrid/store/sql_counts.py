"""Counts of what a database keeps; both databases read the same text but for how a document is opened."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from microgrid.counts import Tally
from microgrid.store.rows import moment
from microgrid.store.sql_session import Session

PAYMENTS = "SELECT provider, status, COUNT(*), MIN(received_at_us) FROM payments GROUP BY 1, 2 ORDER BY 1, 2"
WAITING = "SELECT kind, COUNT(*), MIN(due_at_us) FROM outbox WHERE done_at_us IS NULL GROUP BY kind ORDER BY kind"
UNSEALED = "SELECT COUNT(*) FROM audit WHERE number IS NULL"
REVISION = {
    False: "json_extract({0}, '$.revision')",
    True: "(({0})::json ->> 'revision')::bigint",
}
IN_SYNC = "desired IS NULL OR COALESCE({reported} = {desired}, {no})"


class SqlCounts:
    """The `Counts` port on a database."""

    def __init__(self, session: Session, *, is_postgres: bool) -> None:
        self._session = session
        found = {name: REVISION[is_postgres].format(name) for name in ("desired", "reported")}
        in_sync = IN_SYNC.format(**found, no="FALSE")
        self._twins = f"SELECT COUNT(*), COALESCE(SUM(CASE WHEN {in_sync} THEN 1 ELSE 0 END), 0) FROM twins"  # noqa: S608 - a fixed text

    def payments(self) -> Sequence[Tally]:
        """Return payments by provider and status, and when the oldest of each came in."""
        return [_tally(row) for row in self._session.rows(PAYMENTS)]

    def waiting(self) -> Sequence[Tally]:
        """Return what is still to be sent by kind, and when the oldest of each became due."""
        return [_tally(row) for row in self._session.rows(WAITING)]

    def unsealed(self) -> int:
        """Return how many audit rows are not in the chain yet."""
        return int(self._session.row(UNSEALED)[0])

    def twins(self) -> tuple[int, int]:
        """Return how many meters hold what they should, by their own word, and how many do not."""
        count, in_sync = self._session.row(self._twins)
        return int(in_sync), int(count) - int(in_sync)


def _tally(row: Sequence[Any]) -> Tally:
    *sort, count, oldest_us = row
    return Tally(tuple(sort), int(count), moment(oldest_us))
