"""What a transaction in a database gives: every table, on one connection, with statements that all share."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine

from microgrid.store.records import TABLES
from microgrid.store.sql_books import CreditTexts, LedgerTexts, SqlCredits, SqlLedger
from microgrid.store.sql_meters import ReadingTexts, SqlReadings, SqlTwins, TwinTexts
from microgrid.store.sql_session import Savepoint, Session
from microgrid.store.sql_tables import SqlOutbox, SqlTable, TableTexts
from microgrid.store.sql_text import Texts
from microgrid.store.unit import Unit


class AllTexts:
    """The statements of one database, shared by all its connections."""

    def __init__(self, engine: Engine) -> None:
        self.texts = Texts(engine.dialect)
        self.kept = {kept.name: TableTexts(kept, self.texts) for kept in TABLES}
        self.ledger = LedgerTexts(self.texts)
        self.credits = CreditTexts(self.texts)
        self.readings = ReadingTexts(self.texts)
        self.twins = TwinTexts(self.texts)


class SqlUnit(Unit):
    """The unit of work of one connection; usable only between `begin` and its end."""

    def __init__(self, session: Session, texts: AllTexts) -> None:
        self.session = session
        for name, each in texts.kept.items():
            made: type[SqlTable[Any]] = SqlOutbox if name == "outbox" else SqlTable
            setattr(self, name, made(session, each))
        self.ledger = SqlLedger(session, texts.ledger)
        self.credits = SqlCredits(session, texts.credits)
        self.readings = SqlReadings(session, texts.readings)
        self.twins = SqlTwins(session, texts.twins)

    def savepoint(self) -> Savepoint:
        """Open a part of the transaction: what it wrote is undone, and only that, when it raises."""
        return self.session.savepoint()
