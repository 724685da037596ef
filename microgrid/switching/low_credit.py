"""When a customer is warned that supply will end soon: once until it is made good, and not too often."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from microgrid.billing.plans import LeaseRules, PlanVersion, TimeRules
from microgrid.customers.records import Site
from microgrid.kept import Credit
from microgrid.switching.reasons import amount_text, moment_text, sms_text
from microgrid.switching.sites import SitePolicy

RECOVERED = 2  # times the level or the time left at which a warning is due: from then on, one may come again
DAYS_OF_MONTH = 28  # at least
PARTS_OF_PERIOD = 4  # who pays by the day is not warned a day before, but in the last quarter


@dataclass(frozen=True, slots=True)
class LowCredit:
    """A warning to send: what is left, and the sentence."""

    account_id: str
    available_minor: int
    text: str


def warning(
    credit: Credit, plan: PlanVersion, site: Site, policy: SitePolicy, now: datetime, ends_at: datetime | None = None
) -> LowCredit | None:
    """Return the warning to send now, or None: credit is low, or paid time ends soon (`ends_at`)."""
    if credit.low_warned or not _is_low(credit, plan, policy, now, ends_at, 1):
        return None
    if credit.warned_at is not None and now - credit.warned_at < timedelta(seconds=policy.warn_again_s):
        return None
    available_minor = credit.available_minor
    text = _text(credit, plan, site, ends_at, now)
    return LowCredit(credit.account_id, available_minor, sms_text(text))


def with_warning(
    credit: Credit, plan: PlanVersion, policy: SitePolicy, now: datetime, ends_at: datetime | None = None
) -> Credit:
    """Return a credit that may be warned again once it has recovered: twice what a warning is due at is there."""
    if not credit.low_warned or _is_low(credit, plan, policy, now, ends_at, RECOVERED):
        return credit
    return replace(credit, low_warned=False)


def _is_low(
    credit: Credit, plan: PlanVersion, policy: SitePolicy, now: datetime, ends_at: datetime | None, times: int
) -> bool:
    if _sells_time(plan):
        return ends_at is not None and ends_at - now <= times * _warned_before(plan, policy)
    return credit.available_minor < times * plan.warn_below_minor


def _warned_before(plan: PlanVersion, policy: SitePolicy) -> timedelta:
    """Return how long before the end of paid time a customer is warned; a part of the period where it is short."""
    days = 0
    if isinstance(plan.rules, TimeRules | LeaseRules):
        days = plan.rules.days or DAYS_OF_MONTH
    return min(timedelta(seconds=policy.warn_before_s), timedelta(days=days) / PARTS_OF_PERIOD)


def _sells_time(plan: PlanVersion) -> bool:
    return isinstance(plan.rules, TimeRules | LeaseRules)


def _text(credit: Credit, plan: PlanVersion, site: Site, ends_at: datetime | None, now: datetime) -> str:
    if _sells_time(plan) and ends_at is not None:
        verb = "ends" if ends_at > now else "ended"
        return f"Your supply {verb} on {moment_text(ends_at, site)}. Pay to {credit.account_id}."
    available_minor = credit.available_minor
    state = "low" if available_minor > 0 else "used up"
    money = amount_text(abs(available_minor), site)
    owed = "to pay" if available_minor < 0 else "left"
    return f"Your credit is {state}: {money} {owed}. Pay to {credit.account_id}."
