"""What supply is decided from, gathered on an open transaction: everything of one account and its connections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from microgrid.billing.bills import UNPAID_DAYS
from microgrid.billing.credit import NEW_MONTH, MonthState, month_state
from microgrid.billing.lease_contracts import LeaseContract, ahead
from microgrid.billing.leasing import pays_devices_only
from microgrid.billing.local_time import DAY, local_day, month_start, next_month
from microgrid.billing.paid_time import bill_until
from microgrid.billing.plans import PlanVersion, PostpaidRules
from microgrid.billing.standing import Standing
from microgrid.customers.records import Connection, Fit, Site
from microgrid.documents import as_text, as_text_with
from microgrid.home_ports import Home
from microgrid.kept import AuditRow, Credit
from microgrid.monitoring.readings import Reading
from microgrid.ports import UnitOfWork
from microgrid.switching.policy import AccountView, Lease, OperatorOrder, decide_supply
from microgrid.switching.sites import SiteState, with_fail_policy
from microgrid.switching.supply import Twin

SOON = timedelta(days=2)  # a price that begins within it is reckoned with
READINGS_PER_HOUR = 4
FOREVER = datetime(9999, 1, 1, tzinfo=UTC)
NOWHERE = Connection("", "", "")  # stands where no connection is chosen yet

SELDOM_CHANGED = ("connection", "site", "plan", "policy")
written_once = lru_cache(maxsize=4096)(as_text)


@dataclass(frozen=True, slots=True)
class Supplied:
    """A connection with the meter that is fitted there."""

    connection: Connection
    fit: Fit


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of connections, their meters and sites: pictures, last readings, orders, seals and policies."""

    twins: Mapping[str, Twin]
    latest: Mapping[str, Reading]
    ordered: Mapping[str, OperatorOrder]
    tampered: frozenset[str]  # meters
    states: Mapping[str, SiteState]

    def state(self, site: Site) -> SiteState:
        """Return how a site is run; one that says nothing is run like all others."""
        return self.states.get(site.id) or SiteState(site.id)


def supplied_at(home: Home) -> Sequence[Supplied]:
    """Return the connections of an account that have a meter."""
    connections = {one.id: one for one in home.connections}
    return [Supplied(connections[fit.connection_id], fit) for fit in home.fits]


def gather(uow: UnitOfWork, supplied: Sequence[Supplied]) -> Known:
    """Return what is known of many connections, read at once."""
    meter_ids = [one.fit.meter_id for one in supplied]
    newest = _newest_rows(uow, [*map(order_subject, _connections(supplied)), *map(tamper_subject, meter_ids)])
    return Known(
        uow.twins.get_all(meter_ids),
        uow.readings.latest_all(meter_ids),
        {key: order for key in _connections(supplied) if (order := _order(newest.get(order_subject(key)))) is not None},
        frozenset(key for key in meter_ids if _is_tampered(newest.get(tamper_subject(key)))),
        uow.site_states.get_all({one.connection.site_id for one in supplied}),
    )


def views(
    uow: UnitOfWork,
    standing: Standing,
    credit: Credit,
    supplied: Sequence[Supplied],
    known: Known,
    now: datetime,
) -> list[tuple[Supplied, AccountView]]:
    """Return everything each connection of an account is decided from."""
    state = known.state(standing.site)
    plan = standing.plan_at(now)
    shared = AccountView(
        connection=NOWHERE,
        site=_site(standing.site, state),
        credit=credit,
        plan=plan,
        register_wh=0,
        policy=state.policy,
        upcoming=tuple(term.plan for term in standing.terms if now < term.from_at <= now + SOON),
        sharing=len(supplied),
        bill_until=_bill_until(uow, standing, credit, plan, now),
        shed_level=state.shed_level,
        outage_ended_at=state.outage_ended_at,
    )
    leases = _leases(uow, standing, credit, supplied, now)
    return [
        (one, _view(uow, standing, shared, one, lease, known, now)) for one, lease in zip(supplied, leases, strict=True)
    ]


def inputs_text(view: AccountView) -> str:
    """Return what a decision was made from, as it is kept; what seldom changes is written once."""
    return as_text_with(view, {name: written_once(getattr(view, name)) for name in SELDOM_CHANGED})


def _site(site: Site, state: SiteState) -> Site:
    rule = with_fail_policy(site.fail_policy, state.policy)
    return site if rule is site.fail_policy else replace(site, fail_policy=rule)


def _view(
    uow: UnitOfWork,
    standing: Standing,
    shared: AccountView,
    one: Supplied,
    lease: Lease | None,
    known: Known,
    now: datetime,
) -> AccountView:
    """Return what one connection is decided from, beside what it shares with others of its account."""
    meter_id = one.fit.meter_id
    desired, latest = known.twins[meter_id].desired, known.latest.get(meter_id)
    if latest is not None and latest.epoch != one.fit.epoch:
        latest = None
    reported = known.twins[meter_id].reported
    power_w = latest.power_w if latest is not None else None
    if power_w is None and reported is not None:
        power_w = reported.power_w
    return replace(
        shared,
        connection=one.connection,
        register_wh=one.fit.first_register_wh if latest is None else latest.register_wh,
        month=_month(uow, standing, shared.plan, now if latest is None else min(now, latest.at)),
        lease=lease,
        supplied=desired is not None and desired.supply.on,
        order=known.ordered.get(one.connection.id),
        tampered=meter_id in known.tampered,
        interval_wh=(power_w or 0) // READINGS_PER_HOUR,
    )


def _month(uow: UnitOfWork, standing: Standing, plan: PlanVersion | None, read_at: datetime) -> MonthState:
    """Return how far the account is in the month in which its register was read last: what follows may lie in it."""
    energy = None if plan is None else plan.energy
    if energy is None or not energy.by_month:
        return NEW_MONTH
    day = local_day(read_at, standing.zone)
    days = uow.credits.days_of(standing.account.id, month_start(day), next_month(day) - DAY)
    return month_state(day, days, standing.terms)


def _bill_until(
    uow: UnitOfWork, standing: Standing, credit: Credit, plan: PlanVersion | None, now: datetime
) -> datetime | None:
    if plan is None or not isinstance(plan.rules, PostpaidRules):
        return None
    today = local_day(now, standing.zone)
    days = uow.credits.days_of(standing.account.id, today - DAY * UNPAID_DAYS, today)
    return bill_until(credit, days, plan.rules, today, standing.zone)


def _leases(
    uow: UnitOfWork, standing: Standing, credit: Credit, supplied: Sequence[Supplied], now: datetime
) -> list[Lease | None]:
    """Return the contract that each connection follows: the one that names its meter, or else the one to end first."""
    signed = uow.contracts.where(account_id=standing.account.id) if pays_devices_only(standing, now) else ()
    parts = ahead(signed, credit.available_minor)
    found: list[Lease | None] = []
    for one in supplied:
        named = [contract for contract in signed if contract.device == one.fit.meter_id]
        mine = named or [contract for contract in signed if contract.device is None]
        leases = [_lease(contract, parts.get(contract.id, 0)) for contract in mine]
        found.append(min(leases, key=lambda lease: lease.ends_at(standing.zone) or FOREVER, default=None))
    return found


def explain_contract(uow: UnitOfWork, standing: Standing, contract: LeaseContract, now: datetime) -> str:
    """Return what supply a contract pays for, in one sentence."""
    if not pays_devices_only(standing, now):
        return f"It is paid from a share of each payment to {contract.account_id}; supply follows the account's plan."
    credit = uow.credits.get(contract.account_id)
    parts = ahead(uow.contracts.where(account_id=contract.account_id), credit.available_minor)
    lease = _lease(contract, parts.get(contract.id, 0))
    return decide_supply(AccountView(NOWHERE, standing.site, credit, None, 0, lease=lease), now).reason


def _lease(contract: LeaseContract, ahead_minor: int) -> Lease:
    paid_minor = contract.paid_minor + ahead_minor
    waived_minor, owed_minor = contract.waived_minor, contract.deposit_owed_minor
    return Lease(contract.terms, contract.started_on, paid_minor, waived_minor, owed_minor, contract.lasts_until)


def _connections(supplied: Sequence[Supplied]) -> list[str]:
    return [one.connection.id for one in supplied]


def _newest_rows(uow: UnitOfWork, subjects: Sequence[str]) -> dict[str, AuditRow]:
    """Return what people said last of each of several things."""
    return {row.subject: row for row in uow.audit.where_in("subject", subjects)}


def _order(row: AuditRow | None) -> OperatorOrder | None:
    """Return what a person ordered for a connection, or nothing when it was left to its credit again."""
    if row is None or row.action == "none":
        return None
    kind, _, limit_w = row.action.partition(" ")
    if kind == "limit":
        return OperatorOrder("limit", f"At most {limit_w} W are supplied by order: {row.detail}.", int(limit_w))
    return OperatorOrder("on" if kind == "on" else "off", f"Supply is {kind} by order: {row.detail}.")


def _is_tampered(row: AuditRow | None) -> bool:
    return row is not None and row.action == "tampered"


def order_action(kind: str, power_limit_w: int | None) -> str:
    """Return what the audit log calls an order: on, off, none, or limit with the power in watts."""
    return kind if power_limit_w is None else f"{kind} {power_limit_w}"


def order_subject(connection_id: str) -> str:
    """Return what the audit log calls the orders for a connection."""
    return f"order:{connection_id}"


def tamper_subject(meter_id: str) -> str:
    """Return what the audit log calls what is known of a meter's seal."""
    return f"tamper:{meter_id}"
