"""Three clocks per connection, and the outages they show.

*Enabled* is the account's doing, *supplied* the grid's, and a customer has light only while both run. A customer
cut for not paying is no outage, so the outage figures read the grid's clock alone. All sums are whole seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction

from microgrid.billing.figures import Evidence, Figure, figure

SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, order=True)
class Interval:
    """A stretch of time from `start` up to, and without, `end`; UTC."""

    start: datetime
    end: datetime

    @property
    def length_s(self) -> int:
        """Return its length in whole seconds."""
        return (self.end - self.start) // SECOND


@dataclass(frozen=True, slots=True)
class Supplied:
    """One connection: when it was there to be served, enabled by its account, and supplied by the grid."""

    connection_id: str
    connected: Interval
    enabled: tuple[Interval, ...]
    supplied: tuple[Interval, ...]


@dataclass(frozen=True, slots=True)
class Clocks:
    """How long each clock of a connection ran in a period [s]; `felt_outage_s` is enabled but not supplied."""

    connected_s: int
    enabled_s: int
    supplied_s: int
    both_s: int

    @property
    def outage_s(self) -> int:
        """Return how long the grid did not supply, whether or not the customer had paid."""
        return self.connected_s - self.supplied_s

    @property
    def felt_outage_s(self) -> int:
        """Return how long the customer had paid and yet got nothing."""
        return self.enabled_s - self.both_s


def merged(intervals: Iterable[Interval], within: Interval) -> tuple[Interval, ...]:
    """Return the intervals cut to a period, in order, with those that touch or overlap made one."""
    cut = (Interval(max(one.start, within.start), min(one.end, within.end)) for one in intervals)
    joined: list[Interval] = []
    for one in sorted(piece for piece in cut if piece.start < piece.end):
        if joined and one.start <= joined[-1].end:
            joined[-1] = Interval(joined[-1].start, max(joined[-1].end, one.end))
        else:
            joined.append(one)
    return tuple(joined)


def overlap(left: Sequence[Interval], right: Sequence[Interval]) -> tuple[Interval, ...]:
    """Return when both of two merged lists run."""
    both, i, j = [], 0, 0
    while i < len(left) and j < len(right):
        start, end = max(left[i].start, right[j].start), min(left[i].end, right[j].end)
        if start < end:
            both.append(Interval(start, end))
        i, j = (i + 1, j) if left[i].end <= right[j].end else (i, j + 1)
    return tuple(both)


def gaps(running: Sequence[Interval], within: Interval) -> tuple[Interval, ...]:
    """Return when a merged list does not run in a period."""
    ends = [within.start, *(one.end for one in running)]
    starts = [*(one.start for one in running), within.end]
    return tuple(Interval(end, start) for end, start in zip(ends, starts, strict=True) if end < start)


def clocks(connection: Supplied, period: Interval) -> Clocks:
    """Return the three clocks of a connection over the part of a period in which it was connected."""
    within = _served(connection, period)
    enabled, supplied = merged(connection.enabled, within), merged(connection.supplied, within)
    sums = (_total_s(one) for one in (enabled, supplied, overlap(enabled, supplied)))
    return Clocks(max(within.length_s, 0), *sums)


def saidi(connections: Iterable[Supplied], period: Interval) -> Figure:
    """Return SAIDI: seconds of outage that the average customer met in a period."""
    evidence = (Evidence(one.connection_id, clocks(one, period).outage_s, _weight(one, period)) for one in connections)
    return figure("SAIDI", "s/customer", _BASIS, evidence)


def saifi(connections: Iterable[Supplied], period: Interval) -> Figure:
    """Return SAIFI: outages that began for the average customer in a period; one under way before is not new."""
    evidence = (Evidence(one.connection_id, _interruptions(one, period), _weight(one, period)) for one in connections)
    return figure("SAIFI", "1/customer", _BASIS, evidence)


def availability(connections: Iterable[Supplied], period: Interval) -> Figure:
    """Return the part of the time that the grid supplied, customer by customer: 1 - SAIDI over the period."""
    times = ((one.connection_id, clocks(one, period)) for one in connections)
    evidence = (Evidence(name, times_of.supplied_s, times_of.connected_s) for name, times_of in times)
    return figure("availability", "fraction", _BASIS, evidence)


def felt_outage(connections: Iterable[Supplied], period: Interval) -> Figure:
    """Return how long the average customer had paid and yet got nothing: enabled, but not supplied by the grid."""
    times = ((one, clocks(one, period)) for one in connections)
    evidence = (Evidence(one.connection_id, times_of.felt_outage_s, _weight(one, period)) for one, times_of in times)
    return figure("felt outage", "s/customer", "all connections; enabled by the account, not supplied", evidence)


def system_availability(connections: Sequence[Supplied], period: Interval) -> Figure:
    """Return the part of the period in which the grid supplied at least one customer: the plant's own view."""
    anyone = merged((piece for one in connections for piece in merged(one.supplied, _served(one, period))), period)
    served = merged((_served(one, period) for one in connections), period)
    evidence = (Evidence("system", _total_s(anyone), _total_s(served)),)
    return figure("system availability", "fraction", "time in which at least one connection was supplied", evidence)


_BASIS = "all connections, by the grid's clock; cuts for non-payment are no outage"


def _served(connection: Supplied, period: Interval) -> Interval:
    """Return the part of a period in which there was a connection; empty when there was none."""
    start = max(connection.connected.start, period.start)
    return Interval(start, max(start, min(connection.connected.end, period.end)))


def _weight(connection: Supplied, period: Interval) -> Fraction:
    """Return how much of a customer a connection was: 1 for the whole period."""
    return Fraction(_served(connection, period).length_s, period.length_s)


def _interruptions(connection: Supplied, period: Interval) -> int:
    """Return how many outages began in a period, the connection being supplied just before."""
    within = _served(connection, period)
    out = gaps(merged(connection.supplied, connection.connected), connection.connected)
    return sum(within.start <= one.start < within.end and one.start > connection.connected.start for one in out)


def _total_s(intervals: Iterable[Interval]) -> int:
    return sum((one.end - one.start for one in intervals), start=timedelta(0)) // SECOND
