"""What meters tell us and what we ask them, in our own words; how it looks on the wire is the bridge's business."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

from microgrid.switching.meter_records import EventKind
from microgrid.switching.supply import Result

AskKind = Literal["report", "time", "resend", "diagnostics"]


@dataclass(frozen=True, slots=True)
class Coming:
    """A meter came, or is said by the broker to have gone; `birth` is the random number of this coming."""

    meter_id: str
    here: bool
    boot: int
    birth: int
    firmware: int
    capabilities: int
    last_seq: int
    tokens: int
    clock_set: bool
    retained: bool = False  # it came while we were not listening
    gateway: str = ""  # that carried the message, if one did


@dataclass(frozen=True, slots=True)
class Report:
    """The state a meter says it is in; `at` is by its own clock, `wire_epoch` its own name of its register."""

    meter_id: str
    wire_epoch: int
    revision: int
    relay_on: bool | None
    register_wh: int
    result: Result
    at: datetime
    boot: int
    power_w: int
    tokens: int


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happened at a meter."""

    meter_id: str
    wire_epoch: int
    seq: int
    kind: EventKind
    value: int
    at: datetime


class Row(NamedTuple):
    """What a meter measured at the end of an interval."""

    seq: int
    at: datetime
    register_wh: int
    power_w: int | None
    voltage_dv: int | None


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of one meter that follow one another in number, at least one."""

    meter_id: str
    wire_epoch: int
    rows: tuple[Row, ...]


Told = Coming | Report | Happening | Batch


@dataclass(frozen=True, slots=True)
class Ask:
    """A question to a meter; a time counts for it only when boot and birth are those of its last coming."""

    kind: AskKind
    boot: int = 0
    birth: int = 0
    seqs: tuple[int, int] | None = None
