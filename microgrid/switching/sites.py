"""How a site is run: how careful it is about cutting, whether it saves energy now, and when its grid was off."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from microgrid.billing.local_time import MINUTES_OF_DAY
from microgrid.errors import Problem
from microgrid.switching.supply import FailPolicy

Seal = Literal["tampered", "sealed"]  # what is known of a meter

YEAR_S = 366 * 24 * 3600
LARGEST_POWER_W = 100_000
MOST_SHED = 3


@dataclass(frozen=True, slots=True)
class SitePolicy:
    """How careful a site is about cutting: quiet hours on the local clock, the time after an outage, and spread.

    Grace and lifeline that are not set here are those the site was added with.
    """

    quiet_from_minute: int = 0
    quiet_to_minute: int = 0  # the same as the beginning: no quiet hours
    quiet_max_wh: int = 500  # what may be used in them without credit
    no_cut_after_outage_s: int = 0
    spread_s: int = 0  # cuts that fall on one moment are spread over so long
    critical_limit_w: int = 100  # what a critical connection keeps
    shed_limit_w: int = 50  # what standard connections keep while the site saves energy
    warn_again_s: int = 24 * 3600  # at most one low-credit warning in this time
    warn_before_s: int = 24 * 3600  # before paid time ends
    grace_s: int | None = None
    lifeline_w: int | None = None
    lifeline_s: int | None = None
    notice_days: int = 30  # between asking for a new price and its beginning


CAREFREE = SitePolicy()  # no quiet hours, no grace of its own, nothing spread
# What a site has until it says otherwise: 500 homes whose week ends at once are not cut within one second.
DEFAULT_POLICY = SitePolicy(spread_s=900)


@dataclass(frozen=True, slots=True)
class SiteState:
    """How a site is run at present; `id` is that of the site."""

    id: str
    policy: SitePolicy = DEFAULT_POLICY
    shed_level: int = 0  # 0 to 3: the site has energy for all, or saves it by priority
    outage_ended_at: datetime | None = None  # of the newest outage of the whole site


@dataclass(frozen=True, slots=True)
class GridOutage:
    """A time in which the grid of a site, or of one of its feeders, did not supply; it ends when `to_at` is known."""

    id: str
    site_id: str
    from_at: datetime
    to_at: datetime | None = None
    feeder_id: str = ""  # none: the whole site
    cause: str = ""


def with_fail_policy(given: FailPolicy, policy: SitePolicy) -> FailPolicy:
    """Return what a meter does alone at a site, with the grace and lifeline that the site's policy sets."""
    named = {name: getattr(policy, name) for name in ("grace_s", "lifeline_w", "lifeline_s")}
    told = {name: value for name, value in named.items() if value is not None}
    return replace(given, **told) if told else given


def policy_faults(policy: SitePolicy) -> tuple[Problem, ...]:
    """Return everything in a policy that cannot be meant, all of it together."""
    bounds = {
        "quiet_from_minute": MINUTES_OF_DAY,
        "quiet_to_minute": MINUTES_OF_DAY,
        "quiet_max_wh": LARGEST_POWER_W * 24,
        "no_cut_after_outage_s": YEAR_S,
        "spread_s": 6 * 3600,
        "critical_limit_w": LARGEST_POWER_W,
        "shed_limit_w": LARGEST_POWER_W,
        "warn_again_s": YEAR_S,
        "warn_before_s": YEAR_S,
        "grace_s": YEAR_S,
        "lifeline_w": LARGEST_POWER_W,
        "lifeline_s": YEAR_S,
        "notice_days": 366,
    }
    return tuple(_outside(policy, bounds))


def overlaps(one: GridOutage, other: GridOutage) -> bool:
    """Return whether two outages of one site share a moment and a feeder; one that goes on has no end yet."""
    if one.site_id != other.site_id or (one.feeder_id and other.feeder_id and one.feeder_id != other.feeder_id):
        return False
    starts_before = other.to_at is None or one.from_at < other.to_at
    return starts_before and (one.to_at is None or other.from_at < one.to_at)


def _outside(policy: SitePolicy, bounds: dict[str, int]) -> Iterable[Problem]:
    for name, most in bounds.items():
        value = getattr(policy, name)
        if value is not None and not 0 <= value <= most:
            what = f"`{name}` of a site's policy is {value}, but must be from 0 to {most}; nothing was changed"
            yield Problem("MG-M040", what, fix="minutes count from local midnight, the rest is in s, W, Wh or days")
