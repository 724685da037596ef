"""What a meter measured: a cumulative register at a moment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from microgrid.errors import Problem

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)  # where clocks begin that have lost their time
CLOCK_AHEAD_MAX = timedelta(days=1)


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


def clock_problem(reading: Reading, now: datetime) -> Problem | None:
    """Return why the moment of a row cannot be: before any meter of ours, or further ahead than clocks drift."""
    if EARLIEST <= reading.at <= now + CLOCK_AHEAD_MAX:
        return None
    what = f"reading '{reading.id}' says it was taken at {reading.at.isoformat()}, and it is {now.isoformat()}"
    return Problem("MG-M002", what, why="it is kept aside, and nothing is charged by it", fix="set the meter's clock")
