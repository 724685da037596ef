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
from microgrid.home_ports import Home
from microgrid.ports import UnitOfWork


@dataclass(frozen=True, slots=True)
class Standing:
    """An account with its site and what it is charged by, oldest first."""

    account: Account
    site: Site
    terms: tuple[Term, ...]
    customer_class: str = ""  # of its connections, where they are of one class

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
    return {key: standing_of(home) for key, home in uow.homes.get_all(account_ids).items()}


def standing_of(home: Home) -> Standing:
    """Return what an account is charged, from all that is known of it; its tax is that of its customers' class."""
    classes = {connection.customer_class for connection in home.connections}
    own_class = next(iter(classes)) if len(classes) == 1 else ""
    plans = [plan.for_class(own_class) for plan in home.plans]
    return Standing(home.account, home.site, terms_in_force(home.enrolments, plans), own_class)
