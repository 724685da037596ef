"""The key figures of a site over some local days, with everything behind them; none where nothing is known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

from microgrid.billing import kpis, reliability, site_kpis
from microgrid.billing.figures import Exact, Figure, rounded
from microgrid.billing.local_time import is_period
from microgrid.customers.service import need
from microgrid.errors import InvalidInput, Problem
from microgrid.kpi_inputs import ACTIVE_DAYS, SUPPLY, Period, SiteRecords
from microgrid.ports import Core
from microgrid.views import Page

PLACES = 6
LONGEST_DAYS = 366 * 3

NO_CONTRACT = "no contract had started by then"
NO_ENERGY_METER = "no meter counts what the feeders are given"
NO_OUTAGES = "nobody wrote down an outage at this site yet, so that there may have been some"
NOT_OVER = "none of the period is over"


@dataclass(frozen=True, slots=True)
class Indicator:
    """A key figure by its name in addresses: how it is counted, and why there is none when it cannot be."""

    name: str
    count: Callable[[SiteRecords], Figure]
    otherwise: str
    missing: Callable[[SiteRecords], str] = lambda _: ""  # what it needs and is not there


@dataclass(frozen=True, slots=True)
class KpiView:
    """One key figure as it is shown: exact and rounded; where there is no `value`, `reason` says why."""

    name: str
    figure: str
    unit: str
    basis: str
    value: str | None
    numerator: str
    denominator: str
    reason: str
    counted: int  # contracts, accounts, connections or days behind it
    lines: int  # journals behind it


@dataclass(frozen=True, slots=True)
class EvidenceView:
    """What one contract, account or connection adds to a figure, and its journals."""

    of: str
    numerator: str
    denominator: str
    lines: tuple[str, ...]


def all_figures(core: Core, site_id: str, first: date, last: date) -> Sequence[KpiView]:
    """Return every key figure of a site over local days, both included."""
    with core.store.read() as uow:
        site = need(uow.sites, site_id, "site")
        found = SiteRecords(uow, site, _period(first, last, site.timezone), core.clock.now())
        return [_shown(indicator, found) for indicator in INDICATORS]


def evidence(core: Core, name: str, site_id: str, first: date, last: date, after: int = 0, limit: int = 100) -> Page:
    """Return the next parts of what a key figure was counted from; `after` says how many were shown before."""
    indicator = next((each for each in INDICATORS if each.name == name), None)
    if indicator is None:
        what = f"there is no key figure '{name[:40]}'"
        raise InvalidInput(Problem("MG-A064", what, fix=f"choose from {', '.join(each.name for each in INDICATORS)}"))
    with core.store.read() as uow:
        site = need(uow.sites, site_id, "site")
        records = SiteRecords(uow, site, _period(first, last, site.timezone), core.clock.now())
        parts = () if indicator.missing(records) else indicator.count(records).evidence
    shown = [EvidenceView(one.of, str(one.numerator), str(one.denominator), one.lines) for one in parts[after:]]
    return Page(shown[:limit], str(after + limit) if len(shown) > limit else None)


def _period(first: date, last: date, timezone: str) -> Period:
    if not is_period(first, last, LONGEST_DAYS):
        what = f"a period cannot go from {first.isoformat()} to {last.isoformat()}"
        fix = f"give the first and the last local day, at most {LONGEST_DAYS} days"
        raise InvalidInput(Problem("MG-A065", what, fix=fix))
    return Period(first, last, ZoneInfo(timezone))


def _shown(indicator: Indicator, records: SiteRecords) -> KpiView:
    reason = indicator.missing(records)
    if reason:
        return KpiView(indicator.name, indicator.name, "", "", None, "0", "0", reason, 0, 0)
    found = indicator.count(records)
    value = found.value
    return KpiView(
        indicator.name,
        found.name,
        found.unit,
        found.basis,
        None if value is None else f"{rounded(value, PLACES):f}",
        _exact(found.numerator),
        _exact(found.denominator),
        "" if value is not None else indicator.otherwise,
        len(found.evidence),
        len(found.lines),
    )


def _exact(value: Exact) -> str:
    """Return a number exactly, a fraction as 7/3."""
    return str(Fraction(value))


def _at_risk(days: int) -> Callable[[SiteRecords], Figure]:
    return lambda found: kpis.portfolio_at_risk(found.balances(found.period.last), days)


def _at_risk_lagged(days: int) -> Callable[[SiteRecords], Figure]:
    def count(found: SiteRecords) -> Figure:
        before = found.balances(found.period.last - timedelta(days=days))
        return kpis.lagged_portfolio_at_risk(found.balances(found.period.last), before, days)

    return count


def _income_per_connection(found: SiteRecords) -> Figure:
    active, months = found.active_connections, found.period.months
    return site_kpis.income_per_connection(found.income, active, months, SUPPLY)


def _energy_per_connection(found: SiteRecords) -> Figure:
    return site_kpis.energy_per_connection(found.energy_sold, found.active_connections, found.period.months)


def _no_outages(found: SiteRecords) -> str:
    if not found.clock_period.length_s:
        return NOT_OVER
    return "" if found.knows_outages else NO_OUTAGES


NOBODY_ACTIVE = f"no account paid in the last {ACTIVE_DAYS} days"
NO_CONNECTION = "no connection had a meter then"
NOTHING_OWED = "nothing was owed on any contract"

INDICATORS = (
    Indicator("rr-pvp", lambda at: kpis.paid_against_plan(at.contracts, at.period.last), NO_CONTRACT),
    Indicator("rr-pvfin", lambda at: kpis.paid_against_financed(at.contracts, at.period.last), NO_CONTRACT),
    Indicator(
        "rr-pvp-90d",
        lambda at: kpis.paid_against_plan_at_day(at.contracts, at.period.last),
        "no contract had reached its day 90",
    ),
    Indicator(
        "rr-pvp-2x",
        lambda at: kpis.paid_by_twice_term(at.contracts, at.period.last),
        "no contract had reached twice its term",
    ),
    Indicator(
        "or-2x",
        lambda at: kpis.owned_by_twice_term(at.contracts, at.period.last),
        "no contract had reached twice its term",
    ),
    Indicator(
        "collection-rate",
        lambda at: kpis.collection_rate(at.contracts, at.period.first, at.period.last),
        "no instalment fell due in the period",
    ),
    Indicator("par30", _at_risk(30), NOTHING_OWED),
    Indicator("par90", _at_risk(90), NOTHING_OWED),
    Indicator("lagged-par30", _at_risk_lagged(30), "nothing was owed 30 days before"),
    Indicator("lagged-par90", _at_risk_lagged(90), "nothing was owed 90 days before"),
    Indicator("days-past-due", lambda at: kpis.mean_days_past_due(at.balances(at.period.last)), NOTHING_OWED),
    Indicator(
        "active-ratio",
        lambda at: site_kpis.active_ratio(at.paying, at.period.last, ACTIVE_DAYS),
        "no account was open",
    ),
    Indicator("enabled-ratio", lambda at: site_kpis.enabled_ratio(at.enabled_days), "no meter was ever told anything"),
    Indicator(
        "arpu", _income_per_connection, NOBODY_ACTIVE, lambda at: "" if at.income else "no sale of supply was posted"
    ),
    Indicator(
        "acpu", _energy_per_connection, NOBODY_ACTIVE, lambda at: "" if at.energy_sold else "no meter told its register"
    ),
    Indicator("losses", lambda at: site_kpis.losses((), at.energy_sold), NO_ENERGY_METER, lambda _: NO_ENERGY_METER),
    Indicator("saidi", lambda at: reliability.saidi(at.supplied, at.clock_period), NO_CONNECTION, _no_outages),
    Indicator("saifi", lambda at: reliability.saifi(at.supplied, at.clock_period), NO_CONNECTION, _no_outages),
    Indicator(
        "availability", lambda at: reliability.availability(at.supplied, at.clock_period), NO_CONNECTION, _no_outages
    ),
    Indicator(
        "felt-outage", lambda at: reliability.felt_outage(at.supplied, at.clock_period), NO_CONNECTION, _no_outages
    ),
)
