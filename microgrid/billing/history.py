"""The books by time, as services ask for them; a part of `UnitOfWork`."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from microgrid.billing.ledger import Journal


class History(Protocol):
    """The books by time: when a journal was posted, and its value date, when what it books happened."""

    def posted(self, account: str, first: datetime, last: datetime, after: str = "", limit: int = 100) -> list[Journal]:
        """Return journals that touch an account, posted from one moment up to another, oldest first.

        `after` is the id of one of them.
        """

    def valued(self, account: str, first: datetime, last: datetime, posted_after: datetime) -> list[Journal]:
        """Return journals that touch an account, valued from one moment up to another, posted after one, by id."""

    def posted_before_minor(self, account: str, currency: str, moment: datetime) -> int:
        """Return the sum of what was posted to an account before a moment: debit positive."""

    def valued_before_minor(self, account: str, currency: str, moment: datetime) -> int:
        """Return the sum of what is valued before a moment, whenever it was posted: debit positive."""
