"""Balances kept by the day, in a database: a sum reads the newest of them and the lines after it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cached_property

from sqlalchemy import bindparam, delete, func, select

from microgrid.kept import KeptBalance
from microgrid.store.records import BALANCE_ROWS, LINE_ROWS, PERSONAL
from microgrid.store.rows import microseconds
from microgrid.store.rows import moment as moment_of
from microgrid.store.sql_session import Session
from microgrid.store.sql_text import Texts
from microgrid.store.tables import BALANCE_DAYS, ENTRIES

LONG_AGO_US = -(2**63)  # before every posting


class BalanceTexts:
    """The statements about kept balances."""

    def __init__(self, texts: Texts) -> None:
        self.texts = texts

    @cached_property
    def next_account(self) -> str:
        """Return what finds the next account of the books, by one step in the index."""
        c = ENTRIES.c
        return self.texts.text(select(func.min(c.account)).where(c.account > bindparam("after")), "after")

    @cached_property
    def kept_until(self) -> str:
        """Return what finds up to when an account is kept."""
        c = BALANCE_DAYS.c
        return self.texts.text(select(func.max(c.until_us)).where(c.account == bindparam("account")), "account")

    @cached_property
    def latest(self) -> str:
        """Return what finds the newest kept balance."""
        c = BALANCE_DAYS.c
        mine = (c.account == bindparam("account"), c.currency == bindparam("currency"))
        newest = select(BALANCE_DAYS).where(*mine).order_by(c.until_us.desc())
        return self.texts.text(newest.limit(bindparam("limit")), "account", "currency", "limit")

    @cached_property
    def after(self) -> str:
        """Return what sums the lines of an account from a moment on."""
        c = ENTRIES.c
        later = (c.account == bindparam("account"), c.posted_at_us >= bindparam("since"))
        total = select(func.sum(c.amount_minor)).where(*later, c.currency == bindparam("currency"))
        return self.texts.text(total, "account", "since", "currency")

    @cached_property
    def moved(self) -> str:
        """Return what sums the lines of an account between two moments, by currency."""
        c = ENTRIES.c
        between = (c.posted_at_us >= bindparam("since"), c.posted_at_us < bindparam("until"))
        lines = select(c.currency, func.sum(c.amount_minor)).where(c.account == bindparam("account"), *between)
        return self.texts.text(lines.group_by(c.currency).order_by(c.currency), "account", "since", "until")

    @cached_property
    def forget(self) -> str:
        """Return what forgets balances kept beyond a moment."""
        later = BALANCE_DAYS.c.until_us > bindparam("moment")
        return self.texts.text(delete(BALANCE_DAYS).where(later), "moment")

    @cached_property
    def put(self) -> str:
        """Return what keeps a balance."""
        return self.texts.upsert(BALANCE_DAYS)

    @cached_property
    def put_many(self) -> str | None:
        """Return what keeps many balances."""
        return self.texts.upsert_many(BALANCE_DAYS)


class SqlBalances:
    """Kept balances of accounts that many write to."""

    def __init__(self, session: Session, texts: BalanceTexts) -> None:
        self._session = session
        self._texts = texts

    def accounts(self, after: str, limit: int) -> Sequence[str]:
        """Return the next accounts of the books by name, without those of single customers."""
        found: list[str] = []
        while len(found) < limit:
            (name,) = self._session.row(self._texts.next_account, LINE_ROWS.asked(after))
            if name is None:
                break
            chart_name = name.partition(":")[0]
            if chart_name in PERSONAL:
                after = f"{chart_name};"  # the character after the colon: past all of them in one step
                continue
            after = name
            found.append(name)
        return found

    def kept_until(self, account: str) -> datetime | None:
        """Return up to which moment an account's balances are kept."""
        (until_us,) = self._session.row(self._texts.kept_until, BALANCE_ROWS.asked(account))
        return None if until_us is None else moment_of(until_us)

    def latest(self, account: str, currency: str) -> KeptBalance | None:
        """Return the newest kept balance of an account."""
        asked = BALANCE_ROWS.asked(account), BALANCE_ROWS.asked(currency)
        found = self._session.row(self._texts.latest, *asked, 1)
        return None if found is None else BALANCE_ROWS.record(found)

    def moved(self, account: str, since: datetime | None, until: datetime) -> dict[str, int]:
        """Return by currency the sum of what was posted from one moment on and before another."""
        first_us = LONG_AGO_US if since is None else microseconds(since)
        asked = (LINE_ROWS.asked(account), first_us, microseconds(until))
        return {currency: int(total) for currency, total in self._session.rows(self._texts.moved, *asked)}

    def put_all(self, rows: Sequence[KeptBalance]) -> None:
        """Keep balances."""
        values = [BALANCE_ROWS.values(row) for row in rows]
        self._session.write_all(self._texts.put, self._texts.put_many, values)

    def forget_after(self, moment: datetime) -> None:
        """Forget the balances that are kept up to later moments than this; they can be summed again."""
        self._session.write(self._texts.forget, [microseconds(moment)])

    def sum_minor(self, account: str, currency: str) -> int:
        """Return the sum of an account's entries: what was kept, and what came after."""
        kept = self.latest(account, currency)
        since_us = LONG_AGO_US if kept is None else microseconds(kept.until)
        asked = (LINE_ROWS.asked(account), since_us, LINE_ROWS.asked(currency))
        total = self._session.row(self._texts.after, *asked)[0]  # no lines have no sum
        return (kept.balance_minor if kept is not None else 0) + int(total or 0)
