"""Debts that are given up, on an open transaction: the customer owes less, and the loss is an expense of the site."""

from __future__ import annotations

from datetime import datetime

from microgrid.billing import ledger
from microgrid.billing.ledger import Entry, Journal
from microgrid.billing.service import change_balance
from microgrid.billing.standing import stand
from microgrid.errors import InvalidInput, Problem
from microgrid.ports import UnitOfWork


def check(uow: UnitOfWork, account_id: str, amount_minor: int) -> None:
    """Refuse to give up more than an account owes."""
    stand(uow, account_id)
    debt_minor = -uow.credits.get(account_id).available_minor
    if not 0 < amount_minor <= debt_minor:
        owed = f"owes {debt_minor}" if debt_minor > 0 else "owes nothing"
        what = f"account '{account_id}' {owed}, so {amount_minor} minor units cannot be written off"
        raise InvalidInput(Problem("MG-P051", what, fix="write off at most what the account owes now"))


def write_off(
    uow: UnitOfWork, account_id: str, amount_minor: int, journal_id: str, now: datetime, note: str
) -> tuple[str, ...]:
    """Give up a part of what an account owes, or all of it; returns the accounts whose credit changed."""
    uow.credits.lock((account_id,))
    check(uow, account_id, amount_minor)
    site = stand(uow, account_id).site
    entries = (Entry(ledger.bad_debt(site.id), amount_minor), Entry(ledger.customer(account_id), -amount_minor))
    uow.ledger.post(Journal(journal_id, "write_off", site.currency, now, now, entries, note=note))
    return change_balance(uow, account_id, amount_minor, now)
