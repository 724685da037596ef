"""The books by time, in a database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cached_property
from typing import Any

from sqlalchemy import bindparam, func, select, tuple_

from microgrid.billing.ledger import Journal
from microgrid.store.records import HEAD_ROWS, LINE_ROWS
from microgrid.store.rows import microseconds
from microgrid.store.sql_books import SqlLedger
from microgrid.store.sql_session import Session
from microgrid.store.sql_text import Texts
from microgrid.store.tables import ENTRIES, JOURNALS


class HistoryTexts:
    """The statements about the books by time."""

    def __init__(self, texts: Texts) -> None:
        self.texts = texts

    @cached_property
    def posted(self) -> str:
        """Return what finds the next journals of an account that were posted in a span, oldest first."""
        c = ENTRIES.c
        found = select(c.posted_at_us, c.journal_id).where(
            c.account == bindparam("account"),
            c.posted_at_us >= bindparam("first"),
            c.posted_at_us < bindparam("last"),
            tuple_(c.posted_at_us, c.journal_id) > tuple_(bindparam("at"), bindparam("after")),
        )
        ordered = found.distinct().order_by(c.posted_at_us, c.journal_id).limit(bindparam("limit"))
        return self.texts.text(ordered, "account", "first", "last", "at", "after", "limit")

    @cached_property
    def posted_at(self) -> str:
        """Return what finds when a journal was posted."""
        return self.texts.text(select(JOURNALS.c.posted_at_us).where(JOURNALS.c.id == bindparam("id")), "id")

    @cached_property
    def valued(self) -> str:
        """Return what finds the journals of an account that are valued in a span and were posted after a moment."""
        ids = (
            select(JOURNALS.c.id)
            .select_from(_joined())
            .where(
                ENTRIES.c.account == bindparam("account"),
                ENTRIES.c.posted_at_us > bindparam("posted_after"),
                JOURNALS.c.value_at_us >= bindparam("first"),
                JOURNALS.c.value_at_us < bindparam("last"),
            )
        )
        return self.texts.text(ids.distinct().order_by(JOURNALS.c.id), "account", "posted_after", "first", "last")

    @cached_property
    def posted_before(self) -> str:
        """Return what sums the entries of an account that were posted before a moment."""
        mine = (ENTRIES.c.account == bindparam("account"), ENTRIES.c.currency == bindparam("currency"))
        total = select(func.sum(ENTRIES.c.amount_minor)).where(*mine, ENTRIES.c.posted_at_us < bindparam("moment"))
        return self.texts.text(total, "account", "currency", "moment")

    @cached_property
    def valued_before(self) -> str:
        """Return what sums the entries of an account that are valued before a moment."""
        mine = (ENTRIES.c.account == bindparam("account"), ENTRIES.c.currency == bindparam("currency"))
        total = select(func.sum(ENTRIES.c.amount_minor)).select_from(_joined())
        valued = total.where(*mine, JOURNALS.c.value_at_us < bindparam("moment"))
        return self.texts.text(valued, "account", "currency", "moment")


class SqlHistory:
    """The books by time."""

    def __init__(self, session: Session, texts: HistoryTexts, ledger: SqlLedger) -> None:
        self._session = session
        self._texts = texts
        self._ledger = ledger

    def posted(self, account: str, first: datetime, last: datetime, after: str = "", limit: int = 100) -> list[Journal]:
        """Return journals that touch an account, posted in a span, oldest first; `after` is the id of one of them."""
        place = (self._posted_at_us(after), after) if after else (microseconds(first) - 1, "")
        span = microseconds(first), microseconds(last)
        rows = self._session.rows(self._texts.posted, LINE_ROWS.asked(account), *span, *place, limit)
        return self._in_order([journal_id for _, journal_id in rows])

    def valued(self, account: str, first: datetime, last: datetime, posted_after: datetime) -> list[Journal]:
        """Return journals that touch an account, valued in a span and posted after a moment, by id."""
        span = microseconds(posted_after), microseconds(first), microseconds(last)
        rows = self._session.rows(self._texts.valued, LINE_ROWS.asked(account), *span)
        return self._in_order([journal_id for (journal_id,) in rows])

    def posted_before_minor(self, account: str, currency: str, moment: datetime) -> int:
        """Return the sum of what was posted to an account before a moment."""
        return self._sum(self._texts.posted_before, account, currency, moment)

    def valued_before_minor(self, account: str, currency: str, moment: datetime) -> int:
        """Return the sum of what is valued before a moment."""
        return self._sum(self._texts.valued_before, account, currency, moment)

    def _sum(self, text: str, account: str, currency: str, moment: datetime) -> int:
        asked = LINE_ROWS.asked(account), LINE_ROWS.asked(currency), microseconds(moment)
        return int(self._session.row(text, *asked)[0] or 0)  # no lines have no sum

    def _in_order(self, ids: Sequence[str]) -> list[Journal]:
        by_id = self._ledger.find_all(ids)
        return [by_id[journal_id] for journal_id in ids]

    def _posted_at_us(self, journal_id: str) -> int:
        found = self._session.row(self._texts.posted_at, HEAD_ROWS.asked(journal_id))
        if found is None:
            raise ValueError(f"there is no journal '{journal_id}' to go on after")
        return int(found[0])


def _joined() -> Any:
    return ENTRIES.join(JOURNALS, JOURNALS.c.id == ENTRIES.c.journal_id)
