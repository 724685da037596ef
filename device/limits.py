"""What a meter may let through now, and when that ends: rules it follows alone, with no network.

After prepaid energy or time ends: in quiet hours supply goes on up to an allowance, then grace, then a small lifeline,
then off. A critical connection is never off, only on its lifeline.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum

from device.messages import Desired, FailTerms

DAY_S = 86_400
WS_PER_WH = 3600
LOW_WH = 100  # left: the service is told once


class Stage(IntEnum):
    """Why supply is as it is."""

    OFF = 0  # told so, or nothing more is left
    FULL = 1
    QUIET = 2
    GRACE = 3
    LIFELINE = 4
    DAILY = 5  # off until the local day ends


SUPPLYING = frozenset({Stage.FULL, Stage.QUIET, Stage.GRACE, Stage.LIFELINE})


@dataclass(frozen=True, slots=True)
class Used:
    """What counts against limits; it outlives a power cut. All whole numbers.

    `total_ws` is all energy of this register epoch in watt seconds. `after_s` is how long supply has gone on since
    prepaid energy or time ended, quiet hours left out.
    """

    total_ws: int = 0
    day: int = 0  # local days since 1970
    day_began_ws: int = 0
    after_s: int = 0
    quiet_began_ws: int | None = None
    powered_s: int = 0  # how long the meter has had power; it never steps back

    @property
    def register_wh(self) -> int:
        """Return the cumulative register."""
        return self.total_ws // WS_PER_WH


NOTHING_USED = Used()


@dataclass(frozen=True, slots=True)
class Limits:
    """What ends supply: the newest desired state, and what tokens have added to it.

    `epoch` is that of the register `cutoff_wh` is meant for. `is_adrift`: prepaid time was typed in while nobody had
    told the time, so it moves along when the clock is set.
    """

    desired: Desired
    cutoff_wh: int | None
    until_s: int | None
    epoch: int
    is_adrift: bool = False

    def is_reached(self, used: Used, now_s: int, epoch: int) -> bool:
        """Return whether prepaid energy or time has ended; a register of another epoch says it has."""
        if self.cutoff_wh is not None and (epoch != self.epoch or used.register_wh >= self.cutoff_wh):
            return True
        return self.until_s is not None and now_s >= self.until_s

    def moved(self, by_s: int) -> Limits:
        """Return the limits after the clock was put forward or back; paid time that is adrift keeps its length."""
        return replace(self, until_s=self.until_s + by_s) if self.is_adrift and self.until_s is not None else self


def as_told(desired: Desired) -> Limits:
    """Return the limits a desired state gives by itself."""
    return Limits(desired, desired.cutoff_wh, desired.until_s, desired.epoch)


def stage(limits: Limits, used: Used, now_s: int, epoch: int) -> Stage:
    """Return why supply is as it is now."""
    desired, fail = limits.desired, limits.desired.fail
    if not desired.on:
        return Stage.OFF
    if not limits.is_reached(used, now_s, epoch):
        return _within_day(desired, used)
    if _may_use_quiet(fail, used, now_s):
        return Stage.QUIET
    if used.after_s < fail.grace_s:
        return Stage.GRACE
    has_lifeline = fail.lifeline_w > 0 and used.after_s < fail.grace_s + fail.lifeline_s
    return Stage.LIFELINE if fail.critical or has_lifeline else Stage.OFF


def power_limit_w(limits: Limits, now: Stage) -> int | None:
    """Return the power that may be drawn in a stage, or nothing when it is not limited."""
    limit_w, lifeline_w = limits.desired.power_limit_w, limits.desired.fail.lifeline_w
    if now != Stage.LIFELINE or not lifeline_w:
        return limit_w
    return lifeline_w if limit_w is None else min(limit_w, lifeline_w)


def local_day(desired: Desired, now_s: int) -> int:
    """Return the number of the local day, which begins at the second of the UTC day that the service said."""
    return (now_s - desired.day_start_s) // DAY_S


def seconds_left(limits: Limits, now_s: int) -> int | None:
    """Return how much prepaid time is left, or nothing when it is not sold by time."""
    return None if limits.until_s is None else max(0, limits.until_s - now_s)


def is_quiet(fail: FailTerms, now_s: int) -> bool:
    """Return whether quiet hours are on; they may run past midnight."""
    begin, end, second = fail.quiet_from_s, fail.quiet_to_s, now_s % DAY_S
    return begin <= second < end if begin <= end else second >= begin or second < end


def seconds_to_change(limits: Limits, used: Used, now_s: int, epoch: int, power_w: int) -> int | None:
    """Return after how many whole seconds at this power another stage may begin, at least 1, or nothing.

    Who steps a meter no further than this uses nothing beyond a limit but what a second holds.
    """
    now = stage(limits, used, now_s, epoch)
    if not limits.desired.on:
        return None
    times = [_to_next_day(limits.desired, now_s)] if limits.desired.daily_wh is not None else []
    if limits.is_reached(used, now_s, epoch):
        times += _times_after(limits.desired.fail, used, now, now_s, power_w)
    else:
        times += _times_before(limits, used, now_s, power_w)
    return max(1, min(times)) if times else None


def _within_day(desired: Desired, used: Used) -> Stage:
    if desired.daily_wh is None or used.total_ws - used.day_began_ws < desired.daily_wh * WS_PER_WH:
        return Stage.FULL
    return Stage.LIFELINE if desired.fail.critical else Stage.DAILY


def _may_use_quiet(fail: FailTerms, used: Used, now_s: int) -> bool:
    if fail.quiet_max_wh == 0 or not is_quiet(fail, now_s):
        return False
    began_ws = used.total_ws if used.quiet_began_ws is None else used.quiet_began_ws
    return used.total_ws - began_ws < fail.quiet_max_wh * WS_PER_WH


def _times_before(limits: Limits, used: Used, now_s: int, power_w: int) -> list[int]:
    times = []
    if limits.until_s is not None:
        times.append(limits.until_s - now_s)
    if limits.cutoff_wh is not None and power_w:
        left_ws = limits.cutoff_wh * WS_PER_WH - used.total_ws
        times += [_to_use(to_ws, power_w) for to_ws in (left_ws, left_ws - LOW_WH * WS_PER_WH) if to_ws > 0]
    daily_wh = limits.desired.daily_wh
    if daily_wh is not None and power_w:
        left_ws = used.day_began_ws + daily_wh * WS_PER_WH - used.total_ws
        times += [_to_use(left_ws, power_w)] if left_ws > 0 else []
    return times


def _times_after(fail: FailTerms, used: Used, now: Stage, now_s: int, power_w: int) -> list[int]:
    times = []
    if fail.quiet_max_wh:
        edge_s = fail.quiet_to_s if is_quiet(fail, now_s) else fail.quiet_from_s
        times.append((edge_s - now_s) % DAY_S or DAY_S)
    if now == Stage.QUIET and power_w:
        began_ws = used.total_ws if used.quiet_began_ws is None else used.quiet_began_ws
        times.append(_to_use(began_ws + fail.quiet_max_wh * WS_PER_WH - used.total_ws, power_w))
    if now == Stage.GRACE:
        times.append(fail.grace_s - used.after_s)
    if now == Stage.LIFELINE and not fail.critical:
        times.append(fail.grace_s + fail.lifeline_s - used.after_s)
    return times


def _to_next_day(desired: Desired, now_s: int) -> int:
    return DAY_S - (now_s - desired.day_start_s) % DAY_S


def _to_use(left_ws: int, power_w: int) -> int:
    return -(-left_ws // power_w)
