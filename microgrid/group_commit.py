"""Payments that arrive at the same time share one commit: nobody waits on purpose, and nobody is answered before it.

Who arrives first books at once. Who arrives while a commit is under way waits for its end, which takes a few
milliseconds; then the first of those waiting books for all of them. There is no thread of its own and no queue that
outlives a request, so that nothing is lost when the service stops.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from microgrid import flows
from microgrid.billing.service import Receipt
from microgrid.billing.sightings import Seen
from microgrid.errors import MicrogridError
from microgrid.kept import RawEvent
from microgrid.ports import Core

MOST_TOGETHER = 64  # payments in one commit
MOST_WAITING = 256  # more than that book for themselves, slowly but surely

log = logging.getLogger("microgrid.group_commit")

Outcome = Receipt | MicrogridError


@dataclass(slots=True)
class _Waiting:
    """One payment and the thread that waits for it; `outcome` is set, or it has to book when it is woken."""

    seen: Seen
    raw: RawEvent | None
    woken: threading.Event = field(default_factory=threading.Event)
    outcome: Outcome | None = None
    leads: bool = False


class GroupCommit:
    """Books payments of many threads, those that wait at the same time in one transaction."""

    def __init__(self, core: Core, most_waiting: int = MOST_WAITING) -> None:
        self._core, self._most_waiting = core, most_waiting
        self._guard = threading.Lock()
        self._waiting: list[_Waiting] = []
        self._somebody_leads = False

    def book(self, seen: Seen, raw: RawEvent | None) -> Outcome:
        """Book one sighting and return what became of it, after the commit; raises what the store raises."""
        mine = _Waiting(seen, raw)
        if self._joins(mine):
            mine.woken.wait()
        if mine.leads:
            self._lead()
        return mine.outcome if mine.outcome is not None else self._alone(mine)

    def waiting(self) -> int:
        """Return how many wait for the commit under way to end."""
        with self._guard:
            return len(self._waiting)

    def _joins(self, mine: _Waiting) -> bool:
        """Stand in line, if there is room; say whether there is something to wait for."""
        with self._guard:
            if len(self._waiting) >= self._most_waiting:
                return False
            self._waiting.append(mine)
            mine.leads, self._somebody_leads = not self._somebody_leads, True
            return not mine.leads

    def _lead(self) -> None:
        """Book for everybody who waits now, and hand the lead to the first of those who came meanwhile."""
        with self._guard:
            batch, self._waiting = self._waiting[:MOST_TOGETHER], self._waiting[MOST_TOGETHER:]
        try:
            self._book_all(batch)
        finally:
            with self._guard:
                following = self._waiting[0] if self._waiting else None
                self._somebody_leads = following is not None
                if following is not None:
                    following.leads = True
            for each in (*batch, *([following] if following is not None else [])):
                each.woken.set()

    def _book_all(self, batch: Sequence[_Waiting]) -> None:
        """Book a batch together; when that fails as a whole, everybody books alone, so that one harms no other."""
        try:
            outcomes = flows.on_payments(self._core, [(each.seen, each.raw) for each in batch])
        except Exception:
            log.warning("%d payments could not be booked together; each is booked alone", len(batch), exc_info=True)
            return
        for each, outcome in zip(batch, outcomes, strict=True):
            each.outcome = outcome

    def _alone(self, one: _Waiting) -> Outcome:
        return flows.on_payments(self._core, [(one.seen, one.raw)])[0]
