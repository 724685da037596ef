"""Too much power, judged over half a minute: the relay opens, closes again three times, then waits until asked."""

from __future__ import annotations

from dataclasses import dataclass, replace

MEAN_S = 30  # over which power is judged
INRUSH_S = 2  # shorter peaks start motors
RECLOSE_AFTER_S = (60, 300, 900)
CALM_S = 900  # after so long without a trip, trips are forgotten
UNTIL_ASKED = -1


@dataclass(frozen=True, slots=True)
class Overload:
    """What the meter knows of too much power: the mean of this half minute, and how often it has opened."""

    window_ws: int = 0
    window_s: int = 0
    above_s: int = 0
    trips: int = 0
    calm_s: int = 0
    closes_in_s: int | None = None  # None: not open for overload

    @property
    def is_open(self) -> bool:
        """Return whether the relay is open for overload."""
        return self.closes_in_s is not None


NO_OVERLOAD = Overload()


def loaded(overload: Overload, limit_w: int | None, power_w: int, dt_s: int) -> Overload:
    """Return what is known of overload after some seconds at a power.

    Peaks shorter than two seconds count only as the limit.
    """
    if overload.closes_in_s is not None:
        return replace(overload, closes_in_s=_waited(overload.closes_in_s, dt_s))
    if limit_w is None:
        return NO_OVERLOAD
    above_s = overload.above_s + dt_s if power_w > limit_w else 0
    counts_w = power_w if above_s == 0 or above_s >= INRUSH_S else limit_w
    window_s, window_ws = overload.window_s + dt_s, overload.window_ws + counts_w * dt_s
    if window_s < MEAN_S:
        return replace(overload, window_ws=window_ws, window_s=window_s, above_s=above_s)
    if window_ws > limit_w * window_s:
        return _tripped(overload)
    calm_s = overload.calm_s + window_s
    return Overload(above_s=above_s, trips=overload.trips if calm_s < CALM_S else 0, calm_s=calm_s)


def seconds_to_trip(overload: Overload, limit_w: int | None, power_w: int) -> int | None:
    """Return after how many seconds at this power something may change, or nothing."""
    if overload.closes_in_s is not None:
        return None if overload.closes_in_s == UNTIL_ASKED else overload.closes_in_s
    if limit_w is None or (power_w <= limit_w and not overload.window_ws):
        return None
    return MEAN_S - overload.window_s


def _waited(closes_in_s: int, dt_s: int) -> int:
    return closes_in_s if closes_in_s == UNTIL_ASKED else max(0, closes_in_s - dt_s)


def _tripped(overload: Overload) -> Overload:
    pause_s = RECLOSE_AFTER_S[overload.trips] if overload.trips < len(RECLOSE_AFTER_S) else UNTIL_ASKED
    return Overload(trips=overload.trips + 1, closes_in_s=pause_s)
