"""The books and the hot rows of accounts, in memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime

from microgrid.billing.ledger import Journal
from microgrid.errors import AlreadyThere
from microgrid.kept import ChargeDay, Credit
from microgrid.store.changes import Changes
from microgrid.store.memory_tables import SortedKeys
from microgrid.store.records import (
    CREDIT_ROWS,
    DAY_ROWS,
    HEAD_ROWS,
    LINE_ROWS,
    head_of,
    lines_of,
    owes_posting,
    refuse_unbalanced,
)


class MemoryLedger:
    """The insert-only books."""

    def __init__(self, changes: Changes) -> None:
        self._changes = changes
        self._journals: dict[str, Journal] = {}
        self._ids: SortedKeys[str] = SortedKeys()
        self._by_account: dict[str, SortedKeys[tuple[datetime, str]]] = {}
        self._balances: dict[tuple[str, str], int] = {}

    def post(self, journal: Journal) -> None:
        """Insert a balanced journal; AlreadyThere when its id is taken, ValueError when it does not balance."""
        refuse_unbalanced(journal)
        HEAD_ROWS.check(head_of(journal))
        for line in lines_of(journal):
            LINE_ROWS.check(line)
        if journal.id in self._journals:
            raise AlreadyThere("journal", journal.id)
        self._changes.note(self._remove, journal)
        self._insert(journal)

    def post_all(self, journals: Sequence[Journal]) -> None:
        """Insert many balanced journals, all or none of them."""
        mark = self._changes.mark()
        try:
            for journal in journals:
                self.post(journal)
        except BaseException:
            self._changes.undo_to(mark)
            raise

    def find(self, journal_id: str) -> Journal | None:
        """Return a journal, or nothing."""
        self._changes.check_open()
        return self._journals.get(HEAD_ROWS.asked(journal_id))

    def find_all(self, journal_ids: Iterable[str]) -> dict[str, Journal]:
        """Return many journals, by id."""
        self._changes.check_open()
        asked = sorted({HEAD_ROWS.asked(journal_id) for journal_id in journal_ids})
        return {each: self._journals[each] for each in asked if each in self._journals}

    def balance_minor(self, account: str, currency: str) -> int:
        """Return the sum of an account's entries: debit positive."""
        self._changes.check_open()
        return self._balances.get((LINE_ROWS.asked(account), LINE_ROWS.asked(currency)), 0)

    def journals_of(self, account: str, after: str = "", limit: int = 100) -> Sequence[Journal]:
        """Return the journals that touch an account, oldest first; `after` is the id of a journal."""
        self._changes.check_open()
        touched = self._by_account.get(LINE_ROWS.asked(account))
        if after and HEAD_ROWS.asked(after) not in self._journals:
            raise ValueError(f"there is no journal '{after}' to go on after")
        if touched is None:
            return []
        keys = touched.after((self._journals[after].posted_at, after), limit) if after else touched.all()[:limit]
        return [self._journals[journal_id] for _, journal_id in keys]

    def page(self, after: str = "", limit: int = 100) -> Sequence[Journal]:
        """Return the next journals of the whole books by id after one."""
        self._changes.check_open()
        return [self._journals[journal_id] for journal_id in self._ids.after(HEAD_ROWS.asked(after), limit)]

    def all(self) -> Iterable[Journal]:
        """Return every journal, in no order."""
        return self._journals.values()

    def accounts(self) -> Iterable[str]:
        """Return the names of all accounts that journals touch, in no order."""
        return self._by_account

    def places_of(self, account: str) -> Sequence[tuple[datetime, str]]:
        """Return when and by which journals an account was touched, oldest first."""
        found = self._by_account.get(account)
        return found.all() if found is not None else []

    def _insert(self, journal: Journal) -> None:
        self._journals[journal.id] = journal
        self._ids.add(journal.id)
        for account in dict.fromkeys(entry.account for entry in journal.entries):
            self._by_account.setdefault(account, SortedKeys()).add((journal.posted_at, journal.id))
        self._move(journal, 1)

    def _remove(self, journal: Journal) -> None:
        del self._journals[journal.id]
        self._ids.remove(journal.id)
        for account in dict.fromkeys(entry.account for entry in journal.entries):
            self._by_account[account].remove((journal.posted_at, journal.id))
        self._move(journal, -1)

    def _move(self, journal: Journal, sign: int) -> None:
        for entry in journal.entries:
            key = (entry.account, journal.currency)
            self._balances[key] = self._balances.get(key, 0) + sign * entry.amount_minor


class MemoryCredits:
    """The hot rows of accounts and their charge days."""

    def __init__(self, changes: Changes) -> None:
        self._changes = changes
        self._rows: dict[str, Credit] = {}
        self._days: dict[str, dict[date, ChargeDay]] = {}
        self._to_post: set[str] = set()

    def lock(self, account_ids: Iterable[str]) -> dict[str, Credit]:
        """Lock and return rows in ascending id; a new account has an empty one."""
        self._changes.check_writing()
        ids = sorted(set(account_ids))
        for account_id in ids:
            CREDIT_ROWS.asked(account_id)
        self._changes.locked.update(ids)
        return {account_id: self._rows.get(account_id) or Credit(account_id) for account_id in ids}

    def put(self, credit: Credit) -> None:
        """Store a locked row; ValueError when this transaction has not locked it."""
        self._changes.check_locked(credit.account_id)
        CREDIT_ROWS.check(credit)
        self._changes.note(self._restore, credit.account_id, self._rows.get(credit.account_id))
        self._restore(credit.account_id, credit)

    def put_all(self, rows: Sequence[Credit]) -> None:
        """Store many locked rows."""
        for credit in rows:
            self.put(credit)

    def get(self, account_id: str) -> Credit:
        """Return a row to look at, without a lock; a new account has an empty one."""
        self._changes.check_open()
        return self._rows.get(CREDIT_ROWS.asked(account_id)) or Credit(account_id)

    def day(self, account_id: str, day: date) -> ChargeDay:
        """Return a charge day, empty if there is none."""
        self._changes.check_open()
        return self._days.get(DAY_ROWS.asked(account_id), {}).get(day) or ChargeDay(account_id, day)

    def days(self, keys: Iterable[tuple[str, date]]) -> dict[tuple[str, date], ChargeDay]:
        """Return the charge days of many accounts and days, empty ones where there are none."""
        return {key: self.day(*key) for key in sorted(set(keys))}

    def days_of(self, account_id: str, first: date, last: date) -> Sequence[ChargeDay]:
        """Return the stored charge days of an account from one day to another, both included, in order."""
        self._changes.check_open()
        days = self._days.get(DAY_ROWS.asked(account_id), {})
        return [days[day] for day in sorted(days) if first <= day <= last]

    def put_day(self, charge: ChargeDay) -> None:
        """Store a charge day of a locked account."""
        self._changes.check_locked(charge.account_id)
        DAY_ROWS.check(charge)
        old = self._days.get(charge.account_id, {}).get(charge.day)
        self._changes.note(self._restore_day, charge.account_id, charge.day, old)
        self._restore_day(charge.account_id, charge.day, charge)

    def put_days(self, charges: Sequence[ChargeDay]) -> None:
        """Store many charge days of locked accounts."""
        for charge in charges:
            self.put_day(charge)

    def unposted(self, limit: int) -> Sequence[str]:
        """Return accounts whose accrual and charges differ by a whole minor unit, either sign, by id."""
        self._changes.check_open()
        return sorted(self._to_post)[:limit]

    def all(self) -> Iterable[Credit]:
        """Return every hot row, in no order."""
        return self._rows.values()

    def all_days(self) -> Iterable[ChargeDay]:
        """Return every charge day, in no order."""
        return (charge for days in self._days.values() for charge in days.values())

    def _restore(self, account_id: str, credit: Credit | None) -> None:
        if credit is None:
            self._rows.pop(account_id, None)
        else:
            self._rows[account_id] = credit
        if credit is not None and owes_posting(credit):
            self._to_post.add(account_id)
        else:
            self._to_post.discard(account_id)

    def _restore_day(self, account_id: str, day: date, charge: ChargeDay | None) -> None:
        days = self._days.setdefault(account_id, {})
        if charge is None:
            days.pop(day, None)
        else:
            days[day] = charge
