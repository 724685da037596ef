"""The books and the hot rows of accounts, in a database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from functools import cached_property
from typing import Any

from sqlalchemy import Text, bindparam, select, text, tuple_

from microgrid.billing.ledger import Entry, Journal
from microgrid.errors import AlreadyThere
from microgrid.kept import ChargeDay, Credit
from microgrid.store.records import (
    CREDIT_ROWS,
    DAY_ROWS,
    HEAD_ROWS,
    LINE_ROWS,
    head_of,
    joined,
    lines_of,
    refuse_unbalanced,
)
from microgrid.store.sql_balances import SqlBalances
from microgrid.store.sql_session import Session
from microgrid.store.sql_text import Among, Gather, Texts
from microgrid.store.tables import CHARGE_DAYS, CREDITS, ENTRIES, JOURNALS, OWES_POSTING

LONG_AGO_US = -(2**63)  # before every posting


class LedgerTexts:
    """The statements about the books."""

    def __init__(self, texts: Texts) -> None:
        self.texts = texts
        self._lines: dict[int, str] = {}

    @cached_property
    def head(self) -> str:
        """Return what claims the id of a journal."""
        return self.texts.insert(JOURNALS)

    @cached_property
    def heads(self) -> str | None:
        """Return what claims the ids of many journals."""
        return self.texts.insert_many(JOURNALS)

    def lines(self, count: int) -> str:
        """Return what inserts the lines of a journal, all in one statement."""
        if count not in self._lines:
            self._lines[count] = self.texts.insert_rows(ENTRIES, count)
        return self._lines[count]

    @cached_property
    def line(self) -> str:
        """Return what inserts one line."""
        return self.texts.insert(ENTRIES)

    @cached_property
    def many_lines(self) -> str | None:
        """Return what inserts lines given as lists."""
        return self.texts.insert_many(ENTRIES)

    @cached_property
    def find(self) -> Among:
        """Return what finds journals by their ids."""
        ordered = select(JOURNALS).order_by(JOURNALS.c.id)
        return self.texts.among(lambda is_asked: ordered.where(is_asked(JOURNALS.c.id)))

    @cached_property
    def entries(self) -> Among:
        """Return what finds the lines of journals, in order."""
        c = ENTRIES.c
        ordered = select(c.journal_id, c.account, c.amount_minor).order_by(c.journal_id, c.line)
        return self.texts.among(lambda is_asked: ordered.where(is_asked(c.journal_id)))

    @cached_property
    def touching(self) -> str:
        """Return what finds the next journals of an account, oldest first."""
        c = ENTRIES.c
        later = tuple_(c.posted_at_us, c.journal_id) > tuple_(bindparam("at"), bindparam("after"))
        found = select(c.posted_at_us, c.journal_id).where(c.account == bindparam("account"), later).distinct()
        ordered = found.order_by(c.posted_at_us, c.journal_id).limit(bindparam("limit"))
        return self.texts.text(ordered, "account", "at", "after", "limit")

    @cached_property
    def posted_at(self) -> str:
        """Return what finds when a journal was posted."""
        return self.texts.text(select(JOURNALS.c.posted_at_us).where(JOURNALS.c.id == bindparam("id")), "id")

    @cached_property
    def page(self) -> str:
        """Return what finds the next ids of all journals."""
        ids = select(JOURNALS.c.id).where(JOURNALS.c.id > bindparam("after")).order_by(JOURNALS.c.id)
        return self.texts.text(ids.limit(bindparam("limit")), "after", "limit")


class SqlLedger:
    """The insert-only books."""

    def __init__(self, session: Session, texts: LedgerTexts, balances: SqlBalances) -> None:
        self._session = session
        self._texts = texts
        self._balances = balances

    def post(self, journal: Journal) -> None:
        """Insert a balanced journal; AlreadyThere when its id is taken, ValueError when it does not balance."""
        refuse_unbalanced(journal)
        head = HEAD_ROWS.values(head_of(journal))
        lines = [value for line in lines_of(journal) for value in LINE_ROWS.values(line)]
        if not self._session.write(self._texts.head, head):
            raise AlreadyThere("journal", journal.id)
        self._session.write(self._texts.lines(len(journal.entries)), lines)

    def post_all(self, journals: Sequence[Journal]) -> None:
        """Insert many balanced journals, all or none of them."""
        for journal in journals:
            refuse_unbalanced(journal)
        heads = {journal.id: HEAD_ROWS.values(head_of(journal)) for journal in journals}
        lines = [LINE_ROWS.values(line) for journal in journals for line in lines_of(journal)]
        with self._session.savepoint():
            claimed = self._session.claim_all(self._texts.head, self._texts.heads, list(heads.values()), key_width=1)
            self._refuse_taken(journals, {key for (key,) in claimed})
            self._session.write_all(self._texts.line, self._texts.many_lines, lines)

    def find(self, journal_id: str) -> Journal | None:
        """Return a journal, or nothing."""
        return next(iter(self._journals([HEAD_ROWS.asked(journal_id)])), None)

    def find_all(self, journal_ids: Iterable[str]) -> dict[str, Journal]:
        """Return many journals, by id."""
        asked = [HEAD_ROWS.asked(journal_id) for journal_id in journal_ids]
        return {journal.id: journal for journal in self._journals(asked)}

    def balance_minor(self, account: str, currency: str) -> int:
        """Return the sum of an account's entries: debit positive."""
        return self._balances.sum_minor(account, currency)

    def journals_of(self, account: str, after: str = "", limit: int = 100) -> Sequence[Journal]:
        """Return the journals that touch an account, oldest first; `after` is the id of a journal."""
        place = (self._posted_at_us(after), after) if after else (LONG_AGO_US, "")
        found = self._session.rows(self._texts.touching, LINE_ROWS.asked(account), *place, limit)
        ids = [journal_id for _, journal_id in found]
        by_id = {journal.id: journal for journal in self._journals(ids)}
        return [by_id[journal_id] for journal_id in ids]

    def page(self, after: str = "", limit: int = 100) -> Sequence[Journal]:
        """Return the next journals of the whole books by id after one."""
        ids = self._session.rows(self._texts.page, HEAD_ROWS.asked(after), limit)
        return self._journals([journal_id for (journal_id,) in ids])

    def _journals(self, ids: Sequence[str]) -> list[Journal]:
        heads = HEAD_ROWS.records(self._session.among(self._texts.find, ids))
        entries: dict[str, list[Entry]] = {}
        for journal_id, account, amount_minor in self._session.among(self._texts.entries, ids) if heads else ():
            entries.setdefault(journal_id, []).append(Entry(account, amount_minor))
        return [joined(head, tuple(entries.get(head.id, ()))) for head in heads]

    def _posted_at_us(self, journal_id: str) -> int:
        found = self._session.row(self._texts.posted_at, HEAD_ROWS.asked(journal_id))
        if found is None:
            raise ValueError(f"there is no journal '{journal_id}' to go on after")
        return int(found[0])

    @staticmethod
    def _refuse_taken(journals: Sequence[Journal], claimed: set[Any]) -> None:
        for journal in journals:
            if journal.id not in claimed:
                raise AlreadyThere("journal", journal.id)
            claimed.remove(journal.id)  # a second one of the same id finds it taken


class CreditTexts:
    """The statements about the hot rows of accounts."""

    def __init__(self, texts: Texts) -> None:
        self.texts = texts

    @cached_property
    def lock(self) -> Among:
        """Return what finds rows in ascending id and, on PostgreSQL, locks them."""
        held = select(CREDITS).order_by(CREDITS.c.account_id).with_for_update()
        return self.texts.among(lambda is_asked: held.where(is_asked(CREDITS.c.account_id)))

    @cached_property
    def get(self) -> str:
        """Return what finds a row without a lock."""
        return self.texts.text(select(CREDITS).where(CREDITS.c.account_id == bindparam("id")), "id")

    @cached_property
    def insert(self) -> str:
        """Return what makes the row of a new account, if nobody else just did."""
        return self.texts.insert(CREDITS)

    @cached_property
    def put(self) -> str:
        """Return what stores a row."""
        return self.texts.upsert(CREDITS)

    @cached_property
    def put_many(self) -> str | None:
        """Return what stores many rows."""
        return self.texts.upsert_many(CREDITS)

    @cached_property
    def days(self) -> Gather:
        """Return what finds charge days."""
        c = CHARGE_DAYS.c
        types = {"asked_account": Text(), "asked_day": Text()}
        return self.texts.gather(
            lambda asked: select(CHARGE_DAYS).where(
                c.account_id == asked["asked_account"], c.day == asked["asked_day"]
            ),
            types,
        )

    @cached_property
    def days_of(self) -> str:
        """Return what finds the charge days of an account in a span."""
        c = CHARGE_DAYS.c
        mine = select(CHARGE_DAYS).where(c.account_id == bindparam("account"))
        span = mine.where(c.day >= bindparam("first"), c.day <= bindparam("last")).order_by(c.day)
        return self.texts.text(span, "account", "first", "last")

    @cached_property
    def put_day(self) -> str:
        """Return what stores a charge day."""
        return self.texts.upsert(CHARGE_DAYS)

    @cached_property
    def put_days(self) -> str | None:
        """Return what stores many charge days."""
        return self.texts.upsert_many(CHARGE_DAYS)

    @cached_property
    def unposted(self) -> str:
        """Return what finds accounts with something to post, by the index of those alone."""
        owing = select(CREDITS.c.account_id).where(text(OWES_POSTING)).order_by(CREDITS.c.account_id)
        return self.texts.text(owing.limit(bindparam("limit")), "limit")


class SqlCredits:
    """The hot rows of accounts and their charge days."""

    def __init__(self, session: Session, texts: CreditTexts) -> None:
        self._session = session
        self._texts = texts

    def lock(self, account_ids: Iterable[str]) -> dict[str, Credit]:
        """Lock and return rows in ascending id; a new account has an empty one."""
        self._session.check_writing()
        locked = self._session.locked
        wanted = sorted({CREDIT_ROWS.asked(account_id) for account_id in account_ids})
        ids = [each for each in wanted if each not in locked]
        if ids:
            found = self._locked(ids)
            if len(found) < len(ids):
                # A row that is not there cannot be locked: it is made first, empty.
                new = [CREDIT_ROWS.values(Credit(each)) for each in ids if each not in found]
                for values in new:
                    self._session.write(self._texts.insert, values)
                found = self._locked(ids)
            locked.update(found)
        return {each: locked[each] for each in wanted}

    def put(self, credit: Credit) -> None:
        """Store a locked row; ValueError when this transaction has not locked it."""
        self._session.check_locked(credit.account_id)
        self._session.late[credit.account_id] = CREDIT_ROWS.values(credit)
        self._session.locked[credit.account_id] = credit

    def put_all(self, rows: Sequence[Credit]) -> None:
        """Store many locked rows."""
        for credit in rows:
            self.put(credit)

    def write_late(self) -> None:
        """Write the rows that were stored in this transaction, each once."""
        if self._session.late:
            rows = [values for _, values in sorted(self._session.late.items())]
            self._session.write_all(self._texts.put, self._texts.put_many, rows)
            self._session.late.clear()

    def get(self, account_id: str) -> Credit:
        """Return a row to look at, without a lock; a new account has an empty one."""
        if account_id in self._session.locked:
            return self._session.locked[account_id]
        found = self._session.row(self._texts.get, CREDIT_ROWS.asked(account_id))
        return Credit(account_id) if found is None else CREDIT_ROWS.record(found)

    def day(self, account_id: str, day: date) -> ChargeDay:
        """Return a charge day, empty if there is none."""
        return self.days([(account_id, day)])[account_id, day]

    def days(self, keys: Iterable[tuple[str, date]]) -> dict[tuple[str, date], ChargeDay]:
        """Return the charge days of many accounts and days, empty ones where there are none."""
        asked = sorted(set(keys))
        found = {key: ChargeDay(*key) for key in asked}
        parameters = [(DAY_ROWS.asked(account_id), day.isoformat()) for account_id, day in asked]
        for place, row in self._session.gather(self._texts.days, parameters):
            found[asked[place]] = DAY_ROWS.record(row)
        return found

    def days_of(self, account_id: str, first: date, last: date) -> Sequence[ChargeDay]:
        """Return the stored charge days of an account from one day to another, both included, in order."""
        span = first.isoformat(), last.isoformat()
        return DAY_ROWS.records(self._session.rows(self._texts.days_of, DAY_ROWS.asked(account_id), *span))

    def put_day(self, charge: ChargeDay) -> None:
        """Store a charge day of a locked account."""
        self._session.check_locked(charge.account_id)
        self._session.write(self._texts.put_day, DAY_ROWS.values(charge))

    def put_days(self, charges: Sequence[ChargeDay]) -> None:
        """Store many charge days of locked accounts."""
        latest = {(charge.account_id, charge.day): charge for charge in charges}
        for account_id, _ in latest:
            self._session.check_locked(account_id)
        values = [DAY_ROWS.values(charge) for charge in latest.values()]
        self._session.write_all(self._texts.put_day, self._texts.put_days, values)

    def unposted(self, limit: int) -> Sequence[str]:
        """Return accounts whose accrual and charges differ by a whole minor unit, either sign, by id."""
        self.write_late()
        return [account_id for (account_id,) in self._session.rows(self._texts.unposted, limit)]

    def _locked(self, ids: Sequence[str]) -> dict[str, Credit]:
        rows = self._session.among(self._texts.lock, ids)
        return {credit.account_id: credit for credit in CREDIT_ROWS.records(rows)}
