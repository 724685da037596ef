"""Supply on an open transaction: whoever changes credit settles here what each meter of the account should do."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

from microgrid.billing.charging import post_accrued
from microgrid.billing.contracts import terms_of
from microgrid.billing.credit import MonthState, month_state
from microgrid.billing.local_time import DAY, local_day, month_start
from microgrid.billing.paid_time import bill_until, buy_time, return_time, with_time, with_time_on
from microgrid.billing.plans import LeaseRules, PlanVersion, PostpaidRules, TimeRules
from microgrid.billing.standing import Standing, stand_all
from microgrid.customers.records import Connection, Fit
from microgrid.customers.service import fitted
from microgrid.errors import InvalidInput, Problem
from microgrid.ports import AuditRow, Credit, OutboxItem, UnitOfWork
from microgrid.switching import policy
from microgrid.switching.policy import AccountView, Lease, OperatorOrder, SitePolicy, decide_supply
from microgrid.switching.supply import Desired, Reported, Twin

ACCEPTED_FOR = timedelta(days=60)  # a document older than this is refused by a meter: it may be an old copy
REISSUED_AFTER = ACCEPTED_FOR / 2
SOON = timedelta(days=2)  # a price that begins within it is reckoned with
RESENDING = tuple(timedelta(seconds=seconds) for seconds in (5, 30, 120, 600, 3600))
UNPAID_DAYS = 400  # how far back a bill can be open
SITE_POLICY = SitePolicy()
KINDS = ("on", "off", "none")


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be sent to a meter after the commit."""

    meter_id: str
    desired: Desired


@dataclass(frozen=True, slots=True)
class Supplied:
    """A connection with the meter that is fitted there."""

    connection: Connection
    fit: Fit


def settle(uow: UnitOfWork, account_ids: Iterable[str], now: datetime) -> Sequence[Order]:
    """Buy time, warn, and decide supply for accounts whose credit may have changed; return what is to be sent."""
    wanted = sorted(set(account_ids))
    if not wanted:
        return ()
    rows, standings = uow.credits.lock(wanted), stand_all(uow, wanted)
    supplied = _supplied(uow, wanted)
    twins = uow.twins.get_all([one.fit.meter_id for each in supplied.values() for one in each])
    ordered = _operator_orders(uow, [one.connection.id for each in supplied.values() for one in each])
    orders: list[Order] = []
    changed: list[Twin] = []
    for key in wanted:
        credit = _bought(uow, standings[key], rows[key], now)
        views = _views(uow, standings[key], credit, supplied.get(key, ()), twins, ordered, now)
        after = _warned(uow, standings[key], _ended(credit, [view for _, view in views], now), now)
        if after != rows[key]:
            uow.credits.put(after)
        for one, view in views:
            twin = _desire(uow, one, replace(view, credit=after), twins[one.fit.meter_id], now)
            if twin is not None and twin.desired is not None:
                changed.append(twin)
                orders.append(Order(twin.meter_id, twin.desired))
    uow.twins.put_all(changed)
    return orders


def explain(uow: UnitOfWork, meter_id: str, now: datetime) -> str:
    """Return why a meter's supply is as it is, in one sentence with the numbers of this moment; stores nothing."""
    twin = uow.twins.get(meter_id)
    for account_id in _accounts_of(uow, (meter_id,)):
        standing = stand_all(uow, (account_id,))[account_id]
        supplied = _supplied(uow, (account_id,))[account_id]
        twins = uow.twins.get_all(one.fit.meter_id for one in supplied)
        ordered = _operator_orders(uow, [one.connection.id for one in supplied])
        for one, view in _views(uow, standing, uow.credits.get(account_id), supplied, twins, ordered, now):
            if one.fit.meter_id == meter_id:
                return decide_supply(view, now).reason
    return twin.desired.supply.reason if twin.desired is not None else "This meter is fitted nowhere."


def take_report(uow: UnitOfWork, meter_id: str, reported: Reported, now: datetime) -> tuple[Twin, Sequence[Order]]:
    """Store what a meter says, decide again, and return what is to be sent.

    A stale meter is told again; one that holds a higher revision than ours (we were restored from a backup) gets the
    next one after its own.
    """
    orders = {order.meter_id: order for order in settle(uow, _accounts_of(uow, (meter_id,)), now)}
    twin = uow.twins.get(meter_id).report(reported)
    desired = twin.desired
    if desired is not None and reported.revision > desired.revision:
        desired = replace(desired, revision=reported.revision + 1, not_after=now + ACCEPTED_FOR)
        orders[meter_id] = Order(meter_id, desired)
        twin = _due(replace(twin, desired=desired), now)
    elif desired is not None and reported.result == "stale" and not twin.in_sync:
        orders[meter_id] = Order(meter_id, desired)
    if twin.in_sync and desired is not None:
        twin = replace(twin, attempts=0, next_send_at=_next_look(desired))
    uow.twins.put(twin)
    return twin, tuple(orders.values())


def look_again(uow: UnitOfWork, now: datetime, limit: int) -> Sequence[Order]:
    """Decide again for the meters that are due, and return what is to be sent to them, again or anew."""
    due = [twin.meter_id for twin in uow.twins.due(now, limit)]
    orders = {order.meter_id: order for order in settle(uow, _accounts_of(uow, due), now)}
    for meter_id, twin in uow.twins.get_all(due).items():
        desired = twin.desired
        if desired is None or meter_id in orders:
            continue
        if desired.not_after - now <= ACCEPTED_FOR - REISSUED_AFTER:
            desired = replace(desired, revision=desired.revision + 1, not_after=now + ACCEPTED_FOR)
            uow.twins.put(_due(replace(twin, desired=desired), now))
            orders[meter_id] = Order(meter_id, desired)
        elif twin.in_sync:
            uow.twins.put(replace(twin, attempts=0, next_send_at=max(_next_look(desired), now + RESENDING[-1])))
        else:
            uow.twins.put(_later(twin, now))
            orders[meter_id] = Order(meter_id, desired)
    return tuple(orders.values())


def order(uow: UnitOfWork, connection_id: str, kind: str, now: datetime, actor: str, note: str) -> None:
    """Write down what a person orders for a connection; the newest order counts."""
    if kind not in KINDS:
        raise InvalidInput(Problem("MG-M011", f"'{kind}' is no order", fix=f"choose from {', '.join(KINDS)}"))
    subject = _order_subject(connection_id)
    number = len(uow.audit.where(subject=subject)) + 1
    uow.audit.add(AuditRow(f"{subject}:{number:06}", now, actor, kind, subject, note))


def _supplied(uow: UnitOfWork, account_ids: Iterable[str]) -> Mapping[str, Sequence[Supplied]]:
    connections = {one.id: one for one in uow.connections.where_in("account_id", account_ids)}
    found: dict[str, list[Supplied]] = {}
    for fit in fitted(uow.fits.where_in("connection_id", connections)):
        connection = connections[fit.connection_id]
        found.setdefault(connection.account_id, []).append(Supplied(connection, fit))
    return found


def _accounts_of(uow: UnitOfWork, meter_ids: Sequence[str]) -> Sequence[str]:
    fits = fitted(uow.fits.where_in("meter_id", meter_ids))
    return [one.account_id for one in uow.connections.get_all({fit.connection_id for fit in fits}).values()]


def _bought(uow: UnitOfWork, standing: Standing, credit: Credit, now: datetime) -> Credit:
    """Return the credit after it bought the time it can, or gave back time to cover a debt."""
    plan = standing.plan_at(now)
    if plan is None or not isinstance(plan.rules, TimeRules):
        return credit
    bought = buy_time(credit, plan.rules, plan.tax, now, standing.zone)
    if not bought.periods:
        bought = return_time(credit, plan.rules, plan.tax, now, standing.zone)
    if not bought.periods:
        return credit
    day = uow.credits.day(credit.account_id, local_day(now, standing.zone))
    uow.credits.put_day(with_time_on(day, bought))
    after = with_time(credit, bought)
    uow.credits.put(after)
    return post_accrued(uow, standing, after, now)


def _views(
    uow: UnitOfWork,
    standing: Standing,
    credit: Credit,
    supplied: Sequence[Supplied],
    twins: Mapping[str, Twin],
    ordered: Mapping[str, OperatorOrder],
    now: datetime,
) -> list[tuple[Supplied, AccountView]]:
    """Return everything each connection of an account is decided from."""
    plan = standing.plan_at(now)
    until = _bill_until(uow, standing, credit, plan, now)
    month = _month(uow, standing, plan, now)
    upcoming = tuple(term.plan for term in standing.terms if now < term.from_at <= now + SOON)
    found = []
    for one in supplied:
        desired = twins[one.fit.meter_id].desired
        view = AccountView(
            connection=one.connection,
            site=standing.site,
            credit=credit,
            plan=plan,
            register_wh=_register_wh(uow, one.fit),
            policy=SITE_POLICY,
            month=month,
            upcoming=upcoming,
            sharing=len(supplied),
            bill_until=until,
            lease=_lease(standing, credit, plan, now),
            supplied=desired is not None and desired.supply.on,
            order=ordered.get(one.connection.id),
        )
        found.append((one, view))
    return found


def _desire(uow: UnitOfWork, one: Supplied, view: AccountView, twin: Twin, now: datetime) -> Twin | None:
    """Return the twin with a new revision, its inputs written down, or nothing when the old one is right."""
    supply = decide_supply(view, now)
    fail = policy.fail_policy(one.connection, view.site, view.policy, now)
    epoch = one.fit.epoch
    if not policy.needs_new_revision(twin.desired, supply, view.register_wh, epoch=epoch, fail=fail):
        return None
    held = 0 if twin.reported is None else twin.reported.revision
    revision = max(0 if twin.desired is None else twin.desired.revision, held) + 1
    desired = Desired(revision, supply, fail, epoch, 0, now + ACCEPTED_FOR)
    key, detail = f"desired:{twin.meter_id}:{revision}", json.dumps(asdict(view), default=str, separators=(",", ":"))
    uow.audit.put(AuditRow(key, now, "service", "decide supply", f"meter:{twin.meter_id}", detail))
    return _due(replace(twin, desired=desired), now)


def _ended(credit: Credit, views: Sequence[AccountView], now: datetime) -> Credit:
    """Return a credit that knows since when it has been used up."""
    return policy.with_end(credit, views[0], now) if views else credit


def _warned(uow: UnitOfWork, standing: Standing, credit: Credit, now: datetime) -> Credit:
    """Put a low-credit warning into the outbox when one is due, and return a credit that remembers it."""
    plan = standing.plan_at(now)
    if plan is None or not plan.warn_below_minor:
        return credit
    if policy.warning(credit, plan, standing.site, SITE_POLICY, now, None) is None:
        return policy.with_warning(credit, plan, sent=False)
    customer = uow.customers.get(standing.account.customer_id)
    if customer is None or customer.phone is None:
        return credit
    mine = [item for item in uow.outbox.where(to=customer.phone) if item.id.startswith(f"low:{credit.account_id}:")]
    last = max((item.created_at for item in mine), default=None)
    found = policy.warning(credit, plan, standing.site, SITE_POLICY, now, last)
    if found is None:
        return credit
    key = f"low:{credit.account_id}:{len(mine) + 1}"
    uow.outbox.put(OutboxItem(key, "sms", customer.phone, found.text, now, now))
    return policy.with_warning(credit, plan, sent=True)


def _month(uow: UnitOfWork, standing: Standing, plan: PlanVersion | None, now: datetime) -> MonthState:
    energy = None if plan is None else plan.energy
    if energy is None or not energy.by_month:
        return MonthState()
    today = local_day(now, standing.zone)
    return month_state(today, uow.credits.days_of(standing.account.id, month_start(today), today), standing.terms)


def _bill_until(
    uow: UnitOfWork, standing: Standing, credit: Credit, plan: PlanVersion | None, now: datetime
) -> datetime | None:
    if plan is None or not isinstance(plan.rules, PostpaidRules):
        return None
    today = local_day(now, standing.zone)
    days = uow.credits.days_of(standing.account.id, today - DAY * UNPAID_DAYS, today)
    return bill_until(credit, days, plan.rules, today, standing.zone)


def _lease(standing: Standing, credit: Credit, plan: PlanVersion | None, now: datetime) -> Lease | None:
    if plan is None or not isinstance(plan.rules, LeaseRules):
        return None
    own = [term.from_at for term in standing.terms if term.plan.plan_id == plan.plan_id]
    paid_minor = max(0, credit.balance_minor + credit.charged_minor)
    return Lease(terms_of(plan.rules, plan.currency), local_day(min(own, default=now), standing.zone), paid_minor)


def _register_wh(uow: UnitOfWork, fit: Fit) -> int:
    latest = uow.readings.latest(fit.meter_id)
    return latest.register_wh if latest is not None and latest.epoch == fit.epoch else fit.first_register_wh


def _operator_orders(uow: UnitOfWork, connection_ids: Sequence[str]) -> dict[str, OperatorOrder]:
    """Return what people ordered for connections, by connection; the newest order of each counts."""
    subjects = {_order_subject(key): key for key in connection_ids}
    newest = {subjects[row.subject]: row for row in uow.audit.where_in("subject", subjects)}
    return {
        key: OperatorOrder("on" if row.action == "on" else "off", f"Supply is {row.action} by order: {row.detail}.")
        for key, row in newest.items()
        if row.action != "none"
    }


def _order_subject(connection_id: str) -> str:
    return f"order:{connection_id}"


def _due(twin: Twin, now: datetime) -> Twin:
    """Return a twin that has just been given something to send."""
    return replace(twin, attempts=0, next_send_at=now + RESENDING[0])


def _later(twin: Twin, now: datetime) -> Twin:
    """Return a twin that is sent again and waits longer for the next time, each meter a little differently."""
    pause = RESENDING[min(twin.attempts + 1, len(RESENDING) - 1)]
    spread = timedelta(seconds=policy.jitter_s(twin.meter_id, int(pause.total_seconds()) // 4))
    return replace(twin, attempts=twin.attempts + 1, next_send_at=now + pause + spread)


def _next_look(desired: Desired) -> datetime:
    """Return when a meter in step is to be thought of again: at the end of its time, or before its order is too old."""
    ends = [desired.not_after - (ACCEPTED_FOR - REISSUED_AFTER)]
    return min([*ends, *([desired.supply.until] if desired.supply.until is not None else [])])
