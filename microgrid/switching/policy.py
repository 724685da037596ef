"""What a connection should be told: one decision from everything that counts, and the sentence why.

The order is: an operator's order, then safety and tamper, then the energy state of the site, then credit. What the
account has paid for is told as limits that the meter keeps alone; nothing here is sent or stored.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Literal
from zoneinfo import ZoneInfo

from microgrid.billing.contracts import LeaseTerms, supplied_until
from microgrid.billing.credit import NEW_MONTH, MonthState
from microgrid.billing.local_time import MINUTES_OF_DAY, day_start, local_day, local_minute
from microgrid.billing.plans import LeaseRules, PlanVersion, PostpaidRules, TimeRules
from microgrid.customers.records import Connection, Site
from microgrid.kept import Credit
from microgrid.switching.cutoff import budget_micro, covered_wh
from microgrid.switching.reasons import amount_text, kwh_text, moment_text
from microgrid.switching.sites import CAREFREE, SitePolicy
from microgrid.switching.supply import Desired, FailPolicy, Supply

SMALLEST_MOVE_WH = 50  # of a cutoff that is worth a new revision
OFF = "Supply is off because"
DAY_S = 24 * 3600
NEW_CUTOFF_PART = 20  # one part in so many of what remains: 5 %


@dataclass(frozen=True, slots=True)
class OperatorOrder:
    """What a person ordered for a connection, with the reason the customer is told."""

    kind: Literal["on", "off", "limit"]
    reason: str
    power_limit_w: int | None = None


@dataclass(frozen=True, slots=True)
class Lease:
    """A lease-to-own contract as far as it is paid."""

    terms: LeaseTerms
    started_on: date
    paid_minor: int
    waived_minor: int = 0
    deposit_owed_minor: int = 0
    lasts_until: datetime | None = None  # days paid after a time without supply

    def ends_at(self, zone: ZoneInfo) -> datetime | None:
        """Return when supply ends, or None: paid off.

        Who is in time is supplied for the days paid since the start, and grace; who was late, for those paid since.
        """
        in_time = supplied_until(self.terms, self.started_on, self.paid_minor, zone, waived_minor=self.waived_minor)
        return None if in_time is None else max(in_time, self.lasts_until or in_time)


@dataclass(frozen=True, slots=True)
class AccountView:
    """Everything one decision is made from; stored with the revision it leads to.

    `register_wh` is the latest known register of the epoch in force, or the one the meter was fitted with.
    `upcoming` are plan versions that begin soon. Several connections of one account share its credit (`sharing`);
    they are decided together. `bill_until` is for postpaid plans, `lease` for leases.
    """

    connection: Connection
    site: Site
    credit: Credit
    plan: PlanVersion | None
    register_wh: int
    policy: SitePolicy = CAREFREE
    month: MonthState = NEW_MONTH
    upcoming: tuple[PlanVersion, ...] = ()
    sharing: int = 1
    bill_until: datetime | None = None
    lease: Lease | None = None
    supplied: bool = False  # what is desired at present
    order: OperatorOrder | None = None
    danger: str = ""  # a safety reason to switch off, in words
    tampered: bool = False
    shed_level: int = 0  # 0 to 3: the site has energy for all, or saves it by priority
    outage_ended_at: datetime | None = None
    interval_wh: int = 0  # what is used from one reading to the next, as far as is known


def decide_supply(view: AccountView, now: datetime, paid: Supply | None = None) -> Supply:
    """Return what a connection should get now, and why; `paid` is what `paid_supply` says of it, if that is known."""
    if view.order is not None and view.order.kind != "limit":
        return Supply(on=view.order.kind == "on", reason=view.order.reason)
    if view.danger:
        return Supply(on=False, reason=f"Supply is off for your safety: {view.danger}.")
    if view.tampered:
        return _kept_critical(view, Supply(on=False, reason=f"{OFF} the meter was opened or bypassed."))
    supply = _by_site_energy(view, _by_credit(view, paid or paid_supply(view), now))
    if view.order is not None:
        return _limited(supply, view.order.power_limit_w, view.order.reason)
    return supply


def fail_policy(connection: Connection, site: Site, policy: SitePolicy, now: datetime) -> FailPolicy:
    """Return what a meter does alone when its credit ends: the site's rule, with today's quiet hours in UTC seconds."""
    rule = site.fail_policy
    if connection.critical:
        rule = replace(rule, critical=True, lifeline_w=rule.lifeline_w or policy.critical_limit_w)
    if policy.quiet_from_minute == policy.quiet_to_minute:
        return rule
    zone = ZoneInfo(site.timezone)
    midnight = day_start(local_day(now, zone), zone)
    midnight_s = midnight.hour * 3600 + midnight.minute * 60 + midnight.second
    end_s = policy.quiet_to_minute * 60 + jitter_s(connection.id, policy.spread_s)
    return replace(
        rule,
        quiet_from_s=(midnight_s + policy.quiet_from_minute * 60) % DAY_S,
        quiet_to_s=(midnight_s + end_s) % DAY_S,
        quiet_max_wh=rule.quiet_max_wh or policy.quiet_max_wh,
    )


def cutoff_wh(view: AccountView) -> int | None:
    """Return the highest register the credit surely covers, by whatever path it is reached; None: no end."""
    plan = view.plan
    if plan is None or plan.energy is None:
        return None
    limit_minor = plan.rules.credit_limit_minor if isinstance(plan.rules, PostpaidRules) else 0
    covered = covered_wh(budget_micro(view.credit, limit_minor), (plan, *view.upcoming), view.month, view.sharing)
    return None if covered is None else max(0, view.register_wh + covered)


def paid_supply(view: AccountView) -> Supply:
    """Return the supply with the limits of the plan and of what is paid, also when that has ended."""
    if view.lease is not None:
        return _leased(view, view.lease)
    if view.plan is None:
        return Supply(on=False, reason=f"{OFF} no plan is chosen for this account yet.")
    if isinstance(view.plan.rules, LeaseRules):
        return Supply(on=False, reason=f"{OFF} no contract is signed for it yet.")
    if isinstance(view.plan.rules, TimeRules):
        return _timed(view, view.plan.rules)
    return _metered(view)


def is_covered(view: AccountView, now: datetime) -> bool:
    """Return whether what the account has paid for, or may use, has not ended."""
    return _has_not_ended(paid_supply(view), view, now)


def paid_until(paid: Iterable[Supply]) -> datetime | None:
    """Return when the first of an account's connections comes to the end of its paid time, or None: none does."""
    return min((supply.until for supply in paid if supply.until is not None), default=None)


def with_end(credit: Credit, view: AccountView, now: datetime, paid: Supply | None = None) -> Credit:
    """Return a credit that knows since when it has been used up, or that it is not."""
    if _has_not_ended(paid or paid_supply(view), view, now):
        return credit if credit.cut_since is None else replace(credit, cut_since=None)
    return replace(credit, cut_since=now) if credit.cut_since is None else credit


def needs_new_revision(
    old: Desired | None,
    new: Supply,
    register_wh: int,
    *,
    epoch: int | None = None,
    fail: FailPolicy | None = None,
    interval_wh: int = 0,
) -> bool:
    """Return whether a decision is worth telling the meter; a meter's limits need not follow every reading.

    Yes when on or off, a limit, the end of time, the epoch or the fail policy differs; when the cutoff moves by more
    than 50 Wh and 5 % of what remains; or by anything while the meter is within one interval's use of it.
    """
    if old is None or _told(old.supply) != _told(new):
        return True
    if (epoch is not None and epoch != old.epoch) or (fail is not None and fail != old.fail_policy):
        return True
    old_wh, new_wh = old.supply.cutoff_wh, new.cutoff_wh
    if old_wh is None or new_wh is None or old_wh == new_wh:
        return old_wh != new_wh
    remaining_wh = max(0, old_wh - register_wh)
    moved_wh = abs(new_wh - old_wh)
    is_far = moved_wh > SMALLEST_MOVE_WH and moved_wh * NEW_CUTOFF_PART > remaining_wh
    return is_far or remaining_wh <= interval_wh


def jitter_s(connection_id: str, spread_s: int) -> int:
    """Return by how many seconds a connection's cut is put off, always the same one, from 0 to below the spread."""
    if spread_s <= 0:
        return 0
    return int.from_bytes(sha256(connection_id.encode()).digest()[:8]) % spread_s


def _by_credit(view: AccountView, paid: Supply, now: datetime) -> Supply:
    """Return what credit allows; when it has ended, what outages, quiet hours, grace and lifeline leave."""
    if not paid.on or _has_not_ended(paid, view, now):
        return _kept_critical(view, paid)
    why = _why_ended(view, paid)
    spared_until = _spared_until(view, now)
    if view.supplied and spared_until is not None:
        told = f"Supply stays on until {moment_text(spared_until, view.site)} after the outage, although {why}."
        return replace(paid, cutoff_wh=None, until=spared_until, reason=told)
    if view.supplied and (_is_quiet(view, now) or _is_in_grace(view, now)):
        return replace(paid, reason=f"Supply goes on for a while as the site allows, although {why}.")
    return _kept_critical(view, Supply(on=False, reason=f"{OFF} {why}."))


def _has_not_ended(paid: Supply, view: AccountView, now: datetime) -> bool:
    has_energy = paid.cutoff_wh is None or paid.cutoff_wh > view.register_wh
    return paid.on and has_energy and (paid.until is None or paid.until > now)


def _leased(view: AccountView, lease: Lease) -> Supply:
    if lease.deposit_owed_minor > 0:
        money = amount_text(lease.deposit_owed_minor, view.site)
        return Supply(on=False, reason=f"{OFF} the deposit is not paid yet: {money} to pay.")
    until = lease.ends_at(ZoneInfo(view.site.timezone))
    if until is None:
        return Supply(on=True, reason="The device is yours: it is paid off and stays on for ever.")
    return Supply(on=True, until=_spread(view, until), reason=f"Paid until {moment_text(until, view.site)}.")


def _timed(view: AccountView, rules: TimeRules) -> Supply:
    until = view.credit.paid_until
    if until is None:
        return Supply(on=False, reason=f"{OFF} no day is paid yet.")
    reason = f"Paid until {moment_text(until, view.site)}."
    ends_at = _spread(view, until)
    return Supply(on=True, power_limit_w=rules.power_limit_w, daily_wh=rules.daily_wh, until=ends_at, reason=reason)


def _metered(view: AccountView) -> Supply:
    end_wh = cutoff_wh(view)
    money = _money(view.credit.available_minor, view.site)
    further_wh = 0 if end_wh is None else max(0, end_wh - view.register_wh)
    lasts = "energy is free" if end_wh is None else f"enough for at least {kwh_text(further_wh)}"
    until = "" if view.bill_until is None else f", until {moment_text(view.bill_until, view.site)}"
    ends_at = None if view.bill_until is None else _spread(view, view.bill_until)
    energy = None if view.plan is None else view.plan.energy
    power_limit_w, daily_wh = (None, None) if energy is None else (energy.power_limit_w, energy.daily_wh)
    told = f"{money}, {lasts}{until}."
    return Supply(on=True, power_limit_w=power_limit_w, daily_wh=daily_wh, cutoff_wh=end_wh, until=ends_at, reason=told)


def _spread(view: AccountView, until: datetime) -> datetime:
    """Return when supply ends at a connection: many that end at one moment end a little later, each its own way."""
    return until + timedelta(seconds=jitter_s(view.connection.id, view.policy.spread_s))


def _money(available_minor: int, site: Site) -> str:
    if available_minor < 0:
        return f"{amount_text(-available_minor, site)} to pay"
    return f"{amount_text(available_minor, site)} left"


def _why_ended(view: AccountView, paid: Supply) -> str:
    """Return why what was paid has ended, as a clause."""
    money = _money(view.credit.available_minor, view.site)
    used_up = paid.cutoff_wh is not None and paid.cutoff_wh <= view.register_wh
    if view.bill_until is not None:
        return f"{'the credit limit is reached' if used_up else 'a bill is not paid'}: {money}"
    if paid.until is not None:
        return f"the time paid for ended on {moment_text(paid.until, view.site)}"
    return f"the credit is used up: {money}"


def _is_in_grace(view: AccountView, now: datetime) -> bool:
    """Return whether the meter still gives the grace and lifeline of the site after credit ended."""
    rule = view.site.fail_policy
    ended_at = view.credit.cut_since or now
    return now < ended_at + timedelta(seconds=rule.grace_s + (rule.lifeline_s if rule.lifeline_w else 0))


def _is_quiet(view: AccountView, now: datetime) -> bool:
    """Return whether nobody is cut at this time of the day; quiet hours end a little later for each connection."""
    policy = view.policy
    length_s = (policy.quiet_to_minute - policy.quiet_from_minute) % MINUTES_OF_DAY * 60
    into_s = (local_minute(now, ZoneInfo(view.site.timezone)) - policy.quiet_from_minute) % MINUTES_OF_DAY * 60
    return length_s > 0 and into_s + now.second < length_s + jitter_s(view.connection.id, policy.spread_s)


def _spared_until(view: AccountView, now: datetime) -> datetime | None:
    """Return until when nobody is cut after an outage of the whole site, or None."""
    if view.outage_ended_at is None or view.policy.no_cut_after_outage_s <= 0:
        return None
    spread_s = jitter_s(view.connection.id, view.policy.spread_s)
    end = view.outage_ended_at + timedelta(seconds=view.policy.no_cut_after_outage_s + spread_s)
    return end if now < end else None


def _by_site_energy(view: AccountView, supply: Supply) -> Supply:
    """Return the supply while the site saves energy: deferrable loads first, critical ones limited last."""
    if view.shed_level <= 0 or not supply.on:
        return supply
    why = "The village saves energy now because the battery is low."
    if view.connection.critical or view.connection.priority == "critical":
        return _limited(supply, view.policy.critical_limit_w, why) if view.shed_level >= 3 else supply
    off_from = 1 if view.connection.priority == "deferrable" else 3
    if view.shed_level >= off_from:
        return Supply(on=False, reason=why)
    return _limited(supply, view.policy.shed_limit_w, why) if view.shed_level == 2 else supply


def _limited(supply: Supply, power_limit_w: int | None, reason: str) -> Supply:
    """Return a supply with no more power than this; one that is off stays off."""
    if power_limit_w is None or not supply.on:
        return supply
    limits = [limit for limit in (supply.power_limit_w, power_limit_w) if limit is not None]
    return replace(supply, power_limit_w=min(limits), reason=reason)


def _kept_critical(view: AccountView, cut: Supply) -> Supply:
    """Return the cut, or for a critical connection such as a clinic a power limit in its place."""
    if cut.on or not view.connection.critical:
        return cut
    limit_w = view.site.fail_policy.lifeline_w or view.policy.critical_limit_w
    reason = cut.reason.replace(OFF, f"Only {limit_w} W are supplied because")
    return Supply(on=True, power_limit_w=limit_w, reason=reason)


def _told(supply: Supply) -> tuple[bool, int | None, int | None, datetime | None]:
    return supply.on, supply.power_limit_w, supply.daily_wh, supply.until
