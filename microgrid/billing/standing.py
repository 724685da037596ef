"""An account with all that says what it is charged, read on an open transaction."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from microgrid.billing.plans import PlanVersion
from microgrid.billing.register import Term, term_at, terms_in_force
from microgrid.customers.records import Account, Site
from microgrid.customers.service import need
from microgrid.ports import UnitOfWork


@dataclass(frozen=True, slots=True)
class Standing:
    """An account with its site and what it is charged by, oldest first."""

    account: Account
    site: Site
    terms: tuple[Term, ...]

    @property
    def zone(self) -> ZoneInfo:
        """Return the clock of its site."""
        return ZoneInfo(self.site.timezone)

    def plan_at(self, moment: datetime) -> PlanVersion | None:
        """Return the plan version in force at a moment, or none: energy without a plan costs nothing."""
        term = term_at(self.terms, moment)
        return None if term is None else term.plan


def stand(uow: UnitOfWork, account_id: str) -> Standing:
    """Return an account with its site and plans; InvalidInput when there is no such account."""
    need(uow.accounts, account_id, "account")
    return stand_all(uow, (account_id,))[account_id]


def stand_all(uow: UnitOfWork, account_ids: Iterable[str]) -> dict[str, Standing]:
    """Return many accounts with their sites and plans at once, by account."""
    accounts = uow.accounts.get_all(account_ids)
    sites = uow.sites.get_all({account.site_id for account in accounts.values()})
    enrolments = uow.enrolments.where_in("account_id", accounts)
    versions = uow.plans.where_in("plan_id", {one.plan_id for one in enrolments})
    by_account = {key: [one for one in enrolments if one.account_id == key] for key in accounts}
    return {
        key: Standing(account, sites[account.site_id], terms_in_force(by_account[key], versions))
        for key, account in accounts.items()
    }
