"""Supply on an open transaction: whoever changes credit settles here what each meter of the account should do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from microgrid.announcing import announce, low_credit_event, supply_event
from microgrid.billing import leasing
from microgrid.billing.paid_time import buy_time, return_time
from microgrid.billing.plans import TimeRules
from microgrid.billing.prepaid import charge_time
from microgrid.billing.standing import Standing, standing_of
from microgrid.customers.records import Connection
from microgrid.customers.service import fitted
from microgrid.errors import InvalidInput, Problem
from microgrid.kept import AuditRow, Credit, OutboxItem
from microgrid.ports import UnitOfWork
from microgrid.switching import policy
from microgrid.switching.inputs import (
    Supplied,
    gather,
    inputs_text,
    order_action,
    order_subject,
    supplied_at,
    views,
)
from microgrid.switching.lines import with_line
from microgrid.switching.low_credit import warning, with_warning
from microgrid.switching.policy import AccountView, decide_supply, paid_supply
from microgrid.switching.sites import SitePolicy
from microgrid.switching.supply import REFUSED_FOR_CLOCK, Decision, Desired, Enabling, Reported, Supply, Twin

ACCEPTED_FOR = timedelta(days=60)  # a document older than this is refused by a meter: it may be an old copy
REISSUED_AFTER = ACCEPTED_FOR / 2
AT_ONCE = 5  # so often a meter that says it holds an older order is told again before anything else is tried
RESENDING = tuple(timedelta(seconds=seconds) for seconds in (5, 30, 120, 600, 3600))
KINDS = ("on", "off", "none", "limit")
UNSEEN = "This meter takes keypad tokens only; whether one was typed cannot be seen from here."


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be sent to a meter after the commit."""

    meter_id: str
    desired: Desired


def settle(uow: UnitOfWork, account_ids: Iterable[str], now: datetime) -> Sequence[Order]:
    """Buy time, warn, and decide supply for accounts whose credit may have changed; return what is to be sent."""
    wanted = sorted(set(account_ids))
    if not wanted:
        return ()
    rows, homes = uow.credits.lock(wanted), uow.homes.get_all(wanted)
    known = gather(uow, [one for home in homes.values() for one in supplied_at(home)])
    orders: list[Order] = []
    changed: list[tuple[Connection, Twin]] = []
    for key, home in homes.items():
        standing, supplied = standing_of(home), supplied_at(home)
        keypads = [known.twins[one.fit.meter_id] for one in supplied]
        by_token = any(twin.token_only for twin in keypads)  # buys when its tokens are given, and is not cut from here
        credit, takes_tokens = rows[key], any(twin.takes_tokens for twin in keypads)
        credit = credit if credit.takes_tokens == takes_tokens else replace(credit, takes_tokens=takes_tokens)
        credit = _devices_paid(uow, standing, credit, now)
        credit = credit if by_token else _bought(uow, standing, credit, now)
        seen = views(uow, standing, credit, supplied, known, now)
        paid = [paid_supply(view) for _, view in seen]
        ended = policy.with_end(credit, seen[0][1], now, paid[0]) if seen else credit
        after = credit if by_token or not seen else _warned(uow, standing, ended, seen[0][1].policy, paid, now)
        lined = with_line(after, standing.plan_at(now), standing.terms, policy.paid_until(paid), now) if seen else after
        if lined != rows[key]:
            uow.credits.put(lined)
        for (one, view), covered in zip(seen, paid, strict=True):
            decided = view if after is credit else replace(view, credit=after)
            twin = _desire(uow, one, decided, covered, known.twins[one.fit.meter_id], now)
            if twin is not None and twin.desired is not None:
                changed.append((one.connection, twin))
                orders.append(Order(twin.meter_id, twin.desired))
    uow.twins.put_all([twin for _, twin in changed])
    if changed:
        announce(uow, now, lambda: [supply_event("supply.changed", place, twin) for place, twin in changed])
    return orders


def explain(uow: UnitOfWork, meter_id: str, now: datetime) -> str:
    """Return why a meter's supply is as it is, in one sentence with the numbers of this moment; stores nothing."""
    twin = uow.twins.get(meter_id)
    if twin.token_only:
        return UNSEEN
    for account_id in accounts_of(uow, (meter_id,)):
        home = uow.homes.get_all((account_id,))[account_id]
        supplied, credit = supplied_at(home), uow.credits.get(account_id)
        for one, view in views(uow, standing_of(home), credit, supplied, gather(uow, supplied), now):
            if one.fit.meter_id == meter_id:
                return decide_supply(view, now).reason
    return twin.desired.supply.reason if twin.desired is not None else "This meter is fitted nowhere."


def take_reports(
    uow: UnitOfWork, told: Sequence[tuple[str, Reported]], now: datetime
) -> tuple[Mapping[str, Twin], Sequence[Order]]:
    """Store what meters say they do, decide again where supply is not simply on, and return what is to be sent.

    A stale meter is told again; one that holds a higher revision than ours (we were restored from a backup) gets the
    next one after its own. One whose relay disagrees is told again later, and not taken as confirmed.
    """
    meter_ids = list(dict.fromkeys(meter_id for meter_id, _ in told))
    doubtful = [meter_id for meter_id, reported in told if reported.relay_on is not True or reported.result != "ok"]
    orders = {order.meter_id: order for order in settle(uow, accounts_of(uow, doubtful), now)}
    before = uow.twins.get_all(meter_ids)
    after = dict(before)
    for meter_id, reported in told:
        twin, order = _reported(uow, after[meter_id], reported, now)
        after[meter_id] = twin
        if order is not None:
            orders[meter_id] = order
    uow.twins.put_all([twin for meter_id, twin in after.items() if twin is not before[meter_id]])
    changed = [key for key, twin in after.items() if twin.desired and twin.confirmed and not before[key].confirmed]
    if changed:
        announce(uow, now, lambda: [supply_event("supply.confirmed", *each) for each in _placed(uow, changed, after)])
    return after, tuple(orders.values())


def send_now(uow: UnitOfWork, meter_ids: Iterable[str], now: datetime) -> Sequence[Order]:
    """Return what is to be sent to meters that have just come, where they do not hold it, and count anew from now."""
    twins = [twin for twin in uow.twins.get_all(meter_ids).values() if twin.desired is not None and not twin.in_sync]
    uow.twins.put_all([_due(twin, now) for twin in twins])
    return [Order(twin.meter_id, twin.desired) for twin in twins if twin.desired is not None]


def look_again(
    uow: UnitOfWork, now: datetime, limit: int, is_ours: Callable[[str], bool] = lambda _: True
) -> Sequence[Order]:
    """Decide again for the meters that are due, and return what is to be sent to them, again or anew."""
    due = [twin.meter_id for twin in uow.twins.due(now, limit) if is_ours(twin.meter_id)]
    orders = {order.meter_id: order for order in settle(uow, accounts_of(uow, due), now)}
    for meter_id, twin in uow.twins.get_all(due).items():
        desired = twin.desired
        if desired is None or meter_id in orders:
            continue
        if desired.not_after - now <= ACCEPTED_FOR - REISSUED_AFTER:
            desired = _anew(uow, meter_id, desired, desired.revision + 1, now)
            uow.twins.put(_due(replace(twin, desired=desired), now))
            orders[meter_id] = Order(meter_id, desired)
        elif twin.in_sync:
            uow.twins.put(replace(twin, attempts=0, next_send_at=max(_next_look(desired, now), now + RESENDING[0])))
        else:
            uow.twins.put(_later(twin, now))
            orders[meter_id] = Order(meter_id, desired)
    return tuple(orders.values())


def order(
    uow: UnitOfWork, connection_id: str, kind: str, now: datetime, actor: str, note: str, limit_w: int | None = None
) -> None:
    """Write down what a person orders for a connection; the newest order counts. `limit_w` is for `limit` alone."""
    if kind not in KINDS:
        raise InvalidInput(Problem("MG-M011", f"'{kind}' is no order", fix=f"choose from {', '.join(KINDS)}"))
    if (kind == "limit") != (limit_w is not None) or (limit_w is not None and limit_w < 1):
        what = f"the order '{kind}' came with {'no power limit' if limit_w is None else f'a limit of {limit_w} W'}"
        raise InvalidInput(Problem("MG-M011", what, fix="only a limit has one, of at least 1 W"))
    subject = order_subject(connection_id)
    number = len(uow.audit.where(subject=subject)) + 1
    uow.audit.add(AuditRow(f"{subject}:{number:06}", now, actor, order_action(kind, limit_w), subject, note))


def accounts_of(uow: UnitOfWork, meter_ids: Sequence[str]) -> Sequence[str]:
    """Return the accounts that pay for what meters supply."""
    return [one.account_id for one in _places(uow, *meter_ids)]


def _reported(uow: UnitOfWork, before: Twin, reported: Reported, now: datetime) -> tuple[Twin, Order | None]:
    """Return a twin after its meter spoke, and what it is told at once."""
    twin = before.report(reported)
    desired = twin.desired
    if desired is None:
        return twin, None
    if reported.revision > desired.revision:
        desired = _anew(uow, twin.meter_id, desired, reported.revision + 1, now)
        return _due(replace(twin, desired=desired), now), Order(twin.meter_id, desired)
    order = Order(twin.meter_id, desired) if reported.result == "stale" else None  # what the broker keeps is old
    if twin.in_sync:
        return replace(twin, attempts=0, next_send_at=_next_look(desired, now)), order
    if order is None and reported.result in ("ok", *REFUSED_FOR_CLOCK) and twin.hurried < AT_ONCE:
        return replace(twin, hurried=twin.hurried + 1), Order(twin.meter_id, desired)
    return twin, order


def _placed(uow: UnitOfWork, meter_ids: Iterable[str], twins: Mapping[str, Twin]) -> list[tuple[Connection, Twin]]:
    """Return the connections at which meters are fitted, each with the picture of its meter."""
    fits = fitted(uow.fits.where_in("meter_id", meter_ids))
    connections = uow.connections.get_all({fit.connection_id for fit in fits})
    found = ((connections.get(fit.connection_id), twins[fit.meter_id]) for fit in fits)
    return [(connection, twin) for connection, twin in found if connection is not None]


def _places(uow: UnitOfWork, *meter_ids: str) -> Sequence[Connection]:
    """Return the connections at which meters are fitted."""
    fits = fitted(uow.fits.where_in("meter_id", meter_ids))
    return list(uow.connections.get_all({fit.connection_id for fit in fits}).values())


def _devices_paid(uow: UnitOfWork, standing: Standing, credit: Credit, now: datetime) -> Credit:
    """Return the credit after it paid what is due of the account's devices, where it pays for nothing else."""
    if not leasing.pays_devices_only(standing, now) or not uow.contracts.where(account_id=credit.account_id):
        return credit
    return replace(leasing.collect(uow, standing, now), takes_tokens=credit.takes_tokens)


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
    return charge_time(uow, standing, credit, bought, now)


def _desire(uow: UnitOfWork, one: Supplied, view: AccountView, paid: Supply, twin: Twin, now: datetime) -> Twin | None:
    """Return the twin with a new revision, its inputs written down, or nothing when the old one is right."""
    if twin.token_only:
        return None
    supply = decide_supply(view, now, paid)
    fail = policy.fail_policy(one.connection, view.site, view.policy, now)
    epoch = one.fit.epoch
    told = policy.needs_new_revision(
        twin.desired, supply, view.register_wh, epoch=epoch, fail=fail, interval_wh=view.interval_wh
    )
    if not told:
        return None
    held = 0 if twin.reported is None else twin.reported.revision
    revision = max(0 if twin.desired is None else twin.desired.revision, held) + 1
    desired = Desired(revision, supply, fail, epoch, twin.token_count, now + ACCEPTED_FOR)
    uow.decisions.put(Decision(f"{twin.meter_id}:{revision}", twin.meter_id, revision, now, inputs_text(view)))
    if twin.desired is None or twin.desired.supply.on != supply.on:
        place = one.connection.id
        uow.enablings.put(Enabling(f"{place}:{twin.meter_id}:{revision}", place, now, supply.on))
    return _due(replace(twin, desired=desired), now)


def _anew(uow: UnitOfWork, meter_id: str, desired: Desired, revision: int, now: datetime) -> Desired:
    """Return the same order under a new revision, to which the inputs it was decided from belong as well."""
    decided = uow.decisions.get(f"{meter_id}:{desired.revision}")
    if decided is not None:
        uow.decisions.put(replace(decided, id=f"{meter_id}:{revision}", revision=revision))
    return replace(desired, revision=revision, not_after=now + ACCEPTED_FOR)


def _warned(
    uow: UnitOfWork, standing: Standing, credit: Credit, rule: SitePolicy, paid: Sequence[Supply], now: datetime
) -> Credit:
    """Put a low-credit warning into the outbox when one is due, and return a credit that remembers it."""
    plan, ends_at = standing.plan_at(now), policy.paid_until(paid)
    if plan is None:
        return credit
    found = warning(credit, plan, standing.site, rule, now, ends_at)
    if found is None:
        return with_warning(credit, plan, rule, now, ends_at)
    customer = uow.customers.get(standing.account.customer_id)
    if customer is not None and customer.phone is not None:
        key = f"low:{credit.account_id}:{now:%Y%m%dT%H%M%S.%f}"
        uow.outbox.put(OutboxItem(key, "sms", customer.phone, found.text, now, now))
    announce(uow, now, lambda: [low_credit_event(credit, standing.site.id, now)])
    return replace(credit, low_warned=True, warned_at=now)


def _due(twin: Twin, now: datetime) -> Twin:
    """Return a twin that has just been given something to send."""
    return replace(twin, attempts=0, hurried=0, next_send_at=now + RESENDING[0])


def _later(twin: Twin, now: datetime) -> Twin:
    """Return a twin that is sent again and waits longer for the next time, each meter a little differently."""
    pause = RESENDING[min(twin.attempts + 1, len(RESENDING) - 1)]
    spread = timedelta(seconds=policy.jitter_s(twin.meter_id, int(pause.total_seconds()) // 4))
    again_at = now + pause + spread
    until = None if twin.desired is None else twin.desired.supply.until
    if until is not None and now < until < again_at:  # its supply ends: that is decided then
        again_at = until
    return replace(twin, attempts=twin.attempts + 1, next_send_at=again_at)


def _next_look(desired: Desired, now: datetime) -> datetime:
    """Return when a meter in step is to be thought of again: before its order is too old, and before its time ends.

    Halfway to that end, but not more often than each hour: so its customer is warned in time.
    """
    too_old = desired.not_after - (ACCEPTED_FOR - REISSUED_AFTER)
    until = desired.supply.until
    if until is None or until <= now:
        return too_old
    halfway = now + (until - now) / 2
    return min(too_old, max(halfway, min(until, now + RESENDING[-1])))
