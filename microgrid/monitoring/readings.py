"""What a meter measured: a cumulative register at a moment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


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
