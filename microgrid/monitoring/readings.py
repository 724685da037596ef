"""What a meter measured: a cumulative register at a moment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from microgrid.errors import Problem

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)  # where clocks begin that have lost their time
CLOCK_AHEAD_MAX = timedelta(days=1)
POWER_MAX_W = 100_000  # of a meter that does not say what it is rated for: more than any home or mill
BY_HAND = "MG-M024"  # the reason is a person's
MICROSECOND = timedelta(microseconds=1)
HOUR_US = timedelta(hours=1) // MICROSECOND
CLOCK_SLACK = timedelta(minutes=1)  # how far two moments of one meter may be nearer to each other than they seem


@dataclass(frozen=True, slots=True)
class Reading:
    """One row of a meter: its cumulative register in an epoch; id `meter:epoch:seq`."""

    meter_id: str
    epoch: int
    seq: int
    at: datetime
    register_wh: int
    power_w: int | None = None
    voltage_dv: int | None = None

    @property
    def id(self) -> str:
        """Return what names this row everywhere."""
        return f"{self.meter_id}:{self.epoch}:{self.seq}"


@dataclass(frozen=True, slots=True)
class Aside:
    """A row of a meter that nobody is charged by, and why; its number is free for the row that was meant."""

    id: str
    meter_id: str
    reading: Reading
    code: str
    reason: str
    at: datetime
    actor: str
    taken_at: datetime | None = None  # since when it counts after all, because what spoke against it was set aside

    @property
    def by_hand(self) -> bool:
        """Say whether a person set it aside, whom a meter that sends it again does not overrule."""
        return self.code == BY_HAND


def aside_id(reading: Reading) -> str:
    """Return what tells a row from another one that came under the same number."""
    return f"{reading.id}@{reading.at.isoformat()}={reading.register_wh}"


def clock_problem(reading: Reading, now: datetime) -> Problem | None:
    """Return why the moment of a row cannot be: before any meter of ours, or further ahead than clocks drift."""
    if EARLIEST <= reading.at <= now + CLOCK_AHEAD_MAX:
        return None
    what = f"reading '{reading.id}' says it was taken at {reading.at.isoformat()}, and it is {now.isoformat()}"
    return Problem("MG-M002", what, why="it is kept aside, and nothing is charged by it", fix="set the meter's clock")


class Shown(Protocol):
    """What a register showed at a moment: a row, or what people read when they fitted a meter or took it off."""

    @property
    def at(self) -> datetime:
        """Return when."""

    @property
    def register_wh(self) -> int:
        """Return what."""


def impossible(
    before: Shown | None, rows: Sequence[Reading], after: Shown | None, power_max_w: int
) -> Iterator[tuple[Reading, Problem]]:
    """Yield the rows that cannot be, and why, of some in order between two that count; all of one meter and epoch.

    A register does not fall, nor rise faster than the meter can measure. Each row is held against the last one that
    can be, so that one slip of a meter takes only its own row out.
    """
    counts = before
    for row in rows:
        why = step_fault(counts, row, power_max_w) or step_fault(row, after, power_max_w)
        if why is None:
            counts = row
        else:
            code, said = why
            what = f"reading '{row.id}' cannot be: {said}"
            fix = "look at the meter; if another row is the wrong one, set that one aside"
            yield row, Problem(code, what, why="it is kept aside, and nothing is charged by it", fix=fix)


def step_fault(before: Shown | None, after: Shown | None, power_max_w: int) -> tuple[str, str] | None:
    """Return why one register cannot follow another, as a code and what is said, or nothing."""
    if before is None or after is None:
        return None
    rise_wh, time = after.register_wh - before.register_wh, after.at - before.at
    if rise_wh < 0:
        return "MG-M020", f"the register would fall from {before.register_wh} to {after.register_wh} Wh"
    if rise_wh * HOUR_US <= (time + CLOCK_SLACK) // MICROSECOND * power_max_w:
        return None
    return "MG-M021", f"the register would rise by {rise_wh} Wh in {time}, faster than {power_max_w} W can"
