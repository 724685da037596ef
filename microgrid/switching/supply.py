"""The one numbered state a meter should be in, and the one it says it is in."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

REFUSED_FOR_CLOCK = ("clock_unknown", "expired")  # results of a meter that needs the time first
Result = Literal["ok", "stale", "bad_mac", "expired", "clock_unknown", "relay_disagrees", "not_capable"]


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
class Decision:
    """What one revision of a meter's supply was decided from: everything, as JSON, so that it can be decided again."""

    id: str  # meter:revision
    meter_id: str
    revision: int
    decided_at: datetime
    inputs: str


@dataclass(frozen=True, slots=True)
class Enabling:
    """From a moment on a connection is enabled by its account, or is not: a row for each change, for its clock."""

    id: str  # connection:meter:revision
    connection_id: str
    at: datetime
    enabled: bool


@dataclass(frozen=True, slots=True)
class Reported:
    """What a meter said about itself. `relay_on` is read back, None when unknown."""

    revision: int
    relay_on: bool | None
    register_wh: int
    epoch: int
    at: datetime
    received_at: datetime
    result: Result = "ok"
    boot: int = 0  # how often it has started
    power_w: int | None = None


@dataclass(frozen=True, slots=True)
class Twin:
    """Our picture of one meter: what we desire and what it last reported.

    `token_count` is that of the newest keypad token given out for it; 0: it takes none. One that is `token_only` has
    no other way in, so nothing is desired of it.
    """

    meter_id: str
    desired: Desired | None = None
    reported: Reported | None = None
    next_send_at: datetime | None = None
    attempts: int = 0
    token_count: int = 0
    token_only: bool = False
    hurried: int = 0  # how often this order was sent again because of what its meter said, not because of the time

    @property
    def takes_tokens(self) -> bool:
        """Return whether it has a keypad for tokens."""
        return self.token_only or self.token_count > 0

    @property
    def in_sync(self) -> bool:
        """Return whether the meter holds what we desire, by its own word."""
        if self.desired is None:
            return True
        return self.reported is not None and self.reported.revision == self.desired.revision

    @property
    def confirmed(self) -> bool:
        """Return whether the meter holds what we desire and its relay, as it was read back, does not disagree."""
        return self.in_sync and (self.reported is None or self.reported.result != "relay_disagrees")

    def report(self, reported: Reported) -> Twin:
        """Return the twin after a message of its meter; an older one than the last changes nothing."""
        known = self.reported
        if known is not None and reported.revision <= known.revision and _order(reported) < _order(known):
            return self
        return replace(self, reported=reported)


def _order(reported: Reported) -> tuple[int, int, datetime]:
    """Return where a report stands among those of its meter, whose clock may be set back within a run."""
    return reported.epoch, reported.boot, reported.at
