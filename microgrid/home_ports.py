"""What a store gives of accounts as a whole: who is charged what and supplied where, read at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from microgrid.billing.plans import PlanVersion
from microgrid.customers.records import Account, Connection, Enrolment, Fit, Site


@dataclass(frozen=True, slots=True)
class Home:
    """An account with its site, what it is charged by, and where it is supplied."""

    account: Account
    site: Site
    enrolments: tuple[Enrolment, ...]
    plans: tuple[PlanVersion, ...]  # all versions of the plans it was ever enrolled in
    connections: tuple[Connection, ...]
    fits: tuple[Fit, ...]  # of meters at its connections, those that have not ended


@dataclass(frozen=True, slots=True)
class Place:
    """Where a meter is or was fitted, which account pays there, and what the meter can measure at most."""

    fit: Fit
    account_id: str
    rated_w: int | None


class Homes(Protocol):
    """Accounts, each with all that says who is charged what and supplied where, read at once."""

    def get_all(self, account_ids: Iterable[str]) -> dict[str, Home]:
        """Return many accounts with everything about them, by account; ids without an account are left out.

        What is read of an account that this transaction has locked stays true until it ends.
        """

    def named(self, names: Iterable[str]) -> dict[str, str]:
        """Return the accounts that names mean, their own or that of their meter, each with its site's currency."""

    def places(self, meter_ids: Iterable[str]) -> Sequence[Place]:
        """Return where meters are and were fitted, by the id of the fit."""
