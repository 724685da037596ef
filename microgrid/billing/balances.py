"""Balances of accounts that many write to, kept once a day, so that asking for one costs the same after years.

A day is kept only when it has been over for a day: by then every transaction that began in it has ended. When the
clock of the machine is set back, what was kept beyond it is forgotten, for lines may be posted there again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

from microgrid.kept import KeptBalance, OutboxItem
from microgrid.ports import Core, UnitOfWork, transact

BATCH = 100  # accounts in one transaction
SETTLED_AFTER = timedelta(days=1)
KEEPING = "keep balances"  # the kind and the id of the outbox item that says when and where to go on


def keep_balances(core: Core) -> None:
    """Keep the balances of the days that are over, once a day."""
    now = core.clock.now()
    while transact(core.store, lambda uow: keep_some(uow, now, BATCH)):
        pass


def keep_some(uow: UnitOfWork, now: datetime, limit: int) -> bool:
    """Keep the balances of the next accounts when it is time; say whether there are more."""
    place = uow.outbox.hold(KEEPING) or OutboxItem(KEEPING, KEEPING, "", "", now, now)
    if place.due_at > now + 2 * SETTLED_AFTER:  # this machine's clock was set back
        uow.balances.forget_after(now)
    elif place.due_at > now:
        return False
    until = datetime.combine(now.astimezone(UTC) - SETTLED_AFTER, time(), UTC)
    accounts = uow.balances.accounts(place.body, limit)
    uow.balances.put_all([row for account in accounts for row in _grown(uow, account, until)])
    if len(accounts) == limit:
        uow.outbox.put(replace(place, body=accounts[-1]))
        return True
    uow.outbox.put(replace(place, body="", due_at=until + timedelta(days=1) + SETTLED_AFTER))
    return False


def _grown(uow: UnitOfWork, account: str, until: datetime) -> Sequence[KeptBalance]:
    """Return the balances of an account that have changed since they were kept."""
    since = uow.balances.kept_until(account)
    if since is not None and since >= until:
        return ()
    found = []
    for currency, moved_minor in uow.balances.moved(account, since, until).items():
        kept = uow.balances.latest(account, currency)
        before_minor = 0 if kept is None else kept.balance_minor
        found.append(KeptBalance(account, until, currency, before_minor + moved_minor))
    return found
