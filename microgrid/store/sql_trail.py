"""Who did what, in a database; its triggers refuse to change a sealed row."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from sqlalchemy import bindparam, select

from microgrid.kept import AuditRow
from microgrid.store.sql_session import Session
from microgrid.store.sql_tables import SqlTable, TableTexts
from microgrid.store.sql_text import Texts
from microgrid.store.tables import KEPT

AUDIT = KEPT["audit"]


class TrailTexts:
    """The statements about the chain of audit rows."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts

    @cached_property
    def unsealed(self) -> str:
        """Return what finds the oldest rows that are not in the chain, by the index of those alone."""
        waiting = select(AUDIT).where(AUDIT.c.number.is_(None)).order_by(AUDIT.c.at_us, AUDIT.c.id)
        return self._texts.text(waiting.limit(bindparam("limit")), "limit")

    @cached_property
    def sealed(self) -> str:
        """Return what finds the next rows of the chain."""
        later = select(AUDIT).where(AUDIT.c.number.is_not(None), AUDIT.c.number > bindparam("after"))
        return self._texts.text(later.order_by(AUDIT.c.number).limit(bindparam("limit")), "after", "limit")


class SqlTrail(SqlTable[AuditRow]):
    """Who did what to which thing."""

    def __init__(self, session: Session, texts: TableTexts, trail: TrailTexts) -> None:
        super().__init__(session, texts)
        self._trail = trail

    def unsealed(self, limit: int) -> Sequence[AuditRow]:
        """Return rows that are not in the chain yet, oldest first."""
        return self._mapping.records(self._session.rows(self._trail.unsealed, limit))

    def sealed(self, after: int = 0, limit: int = 100) -> Sequence[AuditRow]:
        """Return the next rows of the chain after the one of a number."""
        return self._mapping.records(self._session.rows(self._trail.sealed, after, limit))
