"""How a site does: who pays and is enabled, income and energy per connection, losses, use of the array."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from microgrid.billing.figures import Evidence, Figure, figure


@dataclass(frozen=True, slots=True)
class Paying:
    """When an open account was started and last paid; `last_paid_on` is None when it never did."""

    account_id: str
    started_on: date
    last_paid_on: date | None
    last_line_id: str = ""


@dataclass(frozen=True, slots=True)
class EnabledDays:
    """On how many of its days since the start an account was enabled, and for how many days it now has not been."""

    account_id: str
    enabled: int
    since_start: int
    not_enabled_for: int = 0


@dataclass(frozen=True, slots=True)
class Income:
    """One journal line of income, tax out: what kind of sale, and the connection it came from."""

    line_id: str
    connection_id: str
    kind: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Energy:
    """Energy counted by one meter, feeder or array over a period."""

    of: str
    energy_wh: int


@dataclass(frozen=True, slots=True)
class DaysWithoutPayment:
    """How long ago each open account paid, shortest first, and the accounts that never did.

    A mean would hide the few who stopped, so ask for quantiles.
    """

    days: tuple[tuple[int, str], ...]
    never_paid: tuple[str, ...]

    def quantile(self, part: Fraction) -> int | None:
        """Return the days that this part of the payers do not exceed (nearest rank), or None without payers."""
        if not self.days:
            return None
        rank = -(-part.numerator * len(self.days) // part.denominator)
        return self.days[max(rank, 1) - 1][0]


def active_ratio(accounts: Iterable[Paying], day: date, within_days: int = 30) -> Figure:
    """Return the part of the open accounts that paid in the last 30 days, the day itself included."""
    evidence = (_active(one, day, within_days) for one in accounts if one.started_on <= day)
    return figure("active ratio", "fraction", f"open accounts; paid within {within_days} days", evidence)


def enabled_ratio(accounts: Iterable[EnabledDays]) -> Figure:
    """Return the days accounts were enabled over their days since the start."""
    evidence = (Evidence(one.account_id, one.enabled, one.since_start) for one in accounts)
    return figure("enabled ratio", "fraction", "days of all accounts added up", evidence)


def default_rate(accounts: Iterable[EnabledDays], days: int) -> Figure:
    """Return the part of the accounts that have not been enabled for so many days (state them: 90 or 180)."""
    evidence = (Evidence(one.account_id, int(one.not_enabled_for >= days), 1) for one in accounts)
    return figure("default rate", "fraction", f"all accounts; not enabled for {days} days", evidence)


def days_without_payment(accounts: Iterable[Paying], day: date) -> DaysWithoutPayment:
    """Return for every open account how many days ago it last paid."""
    open_accounts = [one for one in accounts if one.started_on <= day]
    paid = [((day - one.last_paid_on).days, one.account_id) for one in open_accounts if one.last_paid_on is not None]
    never = sorted(one.account_id for one in open_accounts if one.last_paid_on is None)
    return DaysWithoutPayment(tuple(sorted(paid)), tuple(never))


def income_per_connection(
    income: Sequence[Income],
    connections: Collection[str],
    months: Fraction,
    kinds: Collection[str],
    who: str = "active",
) -> Figure:
    """Return ARPU: income of these kinds, tax out, per connection and month, in minor units.

    `who` says in the figure which connections were counted, since peers divide by all or by active ones. Income of
    connections that are not counted is still income of the site.
    """
    evidence = [
        Evidence(line.connection_id, line.amount_minor, 0, (line.line_id,)) for line in income if line.kind in kinds
    ]
    evidence += [Evidence(connection, 0, months) for connection in sorted(connections)]
    basis = f"income of {', '.join(sorted(kinds))}, tax out, over {who} connections"
    return figure("ARPU", "minor/connection/month", basis, evidence)


def energy_per_connection(
    sold: Iterable[Energy], connections: Collection[str], months: Fraction, who: str = "active"
) -> Figure:
    """Return ACPU: energy sold per connection and month, in Wh."""
    evidence = [Evidence(one.of, one.energy_wh, 0) for one in sold]
    evidence += [Evidence(connection, 0, months) for connection in sorted(connections)]
    return figure("ACPU", "Wh/connection/month", f"energy sold over {who} connections", evidence)


def losses(delivered: Iterable[Energy], sold: Iterable[Energy]) -> Figure:
    """Return the part of the energy delivered to the feeders that no meter sold; negative means wrong meters."""
    evidence = [Evidence(one.of, one.energy_wh, one.energy_wh) for one in delivered]
    evidence += [Evidence(one.of, -one.energy_wh, 0) for one in sold]
    return figure("losses", "fraction", "energy delivered to feeders less energy sold", evidence)


def capacity_use(delivered: Iterable[Energy], possible: Iterable[Energy]) -> Figure:
    """Return the energy delivered over what the array could have given."""
    evidence = [Evidence(one.of, one.energy_wh, 0) for one in delivered]
    evidence += [Evidence(one.of, 0, one.energy_wh) for one in possible]
    return figure("capacity use", "fraction", "energy delivered over energy the array could have given", evidence)


def _active(account: Paying, day: date, within_days: int) -> Evidence:
    last = account.last_paid_on
    active = last is not None and 0 <= (day - last).days < within_days
    return Evidence(account.account_id, int(active), 1, (account.last_line_id,) if account.last_line_id else ())
