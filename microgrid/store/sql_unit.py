"""What a transaction in a database gives: every table, on one connection, with statements that all share."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine

from microgrid.store.records import TABLES
from microgrid.store.sql_balances import BalanceTexts, SqlBalances
from microgrid.store.sql_books import CreditTexts, LedgerTexts, SqlCredits, SqlLedger
from microgrid.store.sql_counts import SqlCounts
from microgrid.store.sql_history import HistoryTexts, SqlHistory
from microgrid.store.sql_homes import PARTS_OF_HOMES, HomeTexts, SqlHomePart, SqlHomes
from microgrid.store.sql_meters import ReadingTexts, SqlReadings, SqlTwins, TwinTexts
from microgrid.store.sql_session import Savepoint, Session
from microgrid.store.sql_tables import SqlOutbox, SqlTable, TableTexts
from microgrid.store.sql_text import Texts
from microgrid.store.sql_trail import SqlTrail, TrailTexts
from microgrid.store.unit import Unit

SPECIAL: dict[str, type[SqlTable[Any]]] = {"outbox": SqlOutbox, **dict.fromkeys(PARTS_OF_HOMES, SqlHomePart)}


class AllTexts:
    """The statements of one database, shared by all its connections."""

    def __init__(self, engine: Engine) -> None:
        self.texts = Texts(engine.dialect)
        self.kept = {kept.name: TableTexts(kept, self.texts) for kept in TABLES}
        self.homes = HomeTexts(self.texts)
        self.ledger = LedgerTexts(self.texts)
        self.history = HistoryTexts(self.texts)
        self.balances = BalanceTexts(self.texts)
        self.trail = TrailTexts(self.texts)
        self.credits = CreditTexts(self.texts)
        self.readings = ReadingTexts(self.texts)
        self.twins = TwinTexts(self.texts)


class SqlUnit(Unit):
    """The unit of work of one connection; usable only between `begin` and its end."""

    def __init__(self, session: Session, texts: AllTexts) -> None:
        self.session = session
        for name, each in texts.kept.items():
            made: type[SqlTable[Any]] = SPECIAL.get(name, SqlTable)
            setattr(self, name, made(session, each))
        self.homes = SqlHomes(session, texts.homes)
        self.counts = SqlCounts(session, is_postgres=texts.texts.is_postgres)
        self.audit = SqlTrail(session, texts.kept["audit"], texts.trail)
        kept_balances = SqlBalances(session, texts.balances)
        self.ledger, self.balances = SqlLedger(session, texts.ledger, kept_balances), kept_balances
        self.history = SqlHistory(session, texts.history, self.ledger)
        self._credits = SqlCredits(session, texts.credits)
        self.credits = self._credits
        self.readings = SqlReadings(session, texts.readings)
        self.twins = SqlTwins(session, texts.twins)

    def close(self, *, keep: bool) -> None:
        """End the transaction, keeping what it wrote or nothing of it."""
        if keep:
            self._credits.write_late()
        self.session.close("COMMIT" if keep else "ROLLBACK")

    def savepoint(self) -> Savepoint:
        """Open a part of the transaction: what it wrote is undone, and only that, when it raises."""
        return self.session.savepoint()
