"""The one numbered state a meter should be in, and the one it says it is in."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal


@dataclass(frozen=True, slots=True)
class FailPolicy:
    """What a meter does alone after prepaid energy or time ends; the prepaid default is: switch off."""

    grace_s: int = 0
    lifeline_w: int = 0
    lifeline_s: int = 0
    critical: bool = False
    quiet_from_s: int = 0  # seconds of the UTC day
    quiet_to_s: int = 0
    quiet_max_wh: int = 0


@dataclass(frozen=True, slots=True)
class Supply:
    """What a connection gets. `cutoff_wh` is a cumulative register of `Desired.epoch`; `until` is UTC."""

    on: bool
    power_limit_w: int | None = None
    daily_wh: int | None = None
    cutoff_wh: int | None = None
    until: datetime | None = None
    reason: str = ""  # one sentence a customer understands


@dataclass(frozen=True, slots=True)
class Desired:
    """A numbered order to one meter; `revision` strictly rises."""

    revision: int
    supply: Supply
    fail_policy: FailPolicy
    epoch: int
    tokens_included: int
    not_after: datetime


@dataclass(frozen=True, slots=True)
class Reported:
    """What a meter said about itself. `relay_on` is read back, None when unknown."""

    revision: int
    relay_on: bool | None
    register_wh: int
    epoch: int
    at: datetime
    received_at: datetime
    result: Literal["ok", "stale", "bad_mac", "expired", "clock_unknown", "relay_disagrees", "not_capable"] = "ok"


@dataclass(frozen=True, slots=True)
class Twin:
    """Our picture of one meter: what we desire and what it last reported."""

    meter_id: str
    desired: Desired | None = None
    reported: Reported | None = None
    next_send_at: datetime | None = None
    attempts: int = 0

    @property
    def in_sync(self) -> bool:
        """Return whether the meter holds what we desire, by its own word."""
        if self.desired is None:
            return True
        return self.reported is not None and self.reported.revision == self.desired.revision

    def report(self, reported: Reported) -> Twin:
        """Return the twin after a message of its meter; an older one than the last changes nothing."""
        known = self.reported
        if known is not None and reported.at < known.at and reported.revision <= known.revision:
            return self
        return replace(self, reported=reported)
