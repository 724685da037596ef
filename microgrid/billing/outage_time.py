"""Paid time that an outage of the grid took away, given back on an open transaction."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from microgrid.billing.paid_time import Outage, after_outages
from microgrid.billing.plans import TimeRules
from microgrid.billing.standing import standing_of
from microgrid.home_ports import Home
from microgrid.kept import Credit
from microgrid.ports import UnitOfWork
from microgrid.switching.sites import GridOutage


def give_time_back(uow: UnitOfWork, outage: GridOutage, account_ids: Iterable[str]) -> None:
    """Let the paid time of accounts that an outage left in the dark end later, where their plan says so."""
    keys = sorted(account_ids)
    rows, homes = uow.credits.lock(keys), uow.homes.get_all(keys)
    longer = [_lengthened(rows[key], home, outage) for key, home in homes.items() if _was_hit(home, outage)]
    uow.credits.put_all([credit for credit in longer if credit is not None])


def _was_hit(home: Home, outage: GridOutage) -> bool:
    """Return whether an account is supplied from what was off; all of it, if that is the whole site."""
    feeders = {connection.feeder_id for connection in home.connections}
    return not outage.feeder_id or outage.feeder_id in feeders


def _lengthened(credit: Credit, home: Home, outage: GridOutage) -> Credit | None:
    """Return a credit whose paid time ends later, or nothing where it stays.

    A meter that lives on tokens counts its days alone, and a home system has no grid that could be off.
    """
    plan = standing_of(home).plan_at(outage.from_at)
    if plan is None or not isinstance(plan.rules, TimeRules) or credit.paid_until is None or credit.takes_tokens:
        return None
    assert outage.to_at is not None
    until = after_outages(credit.paid_until, plan.rules, (Outage(outage.from_at, outage.to_at),))
    return replace(credit, paid_until=until) if until != credit.paid_until else None
