"""What is kept of a meter that speaks to us: keys, register epochs, what it told, and what was wrong with that."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

AskKind = Literal["report", "time", "resend", "diagnostics"]
EventKind = Literal[
    "tamper", "token_typed", "overload", "brown_out", "limit_reached", "low_credit", "relay_disagrees"
]  # what a meter tells at once


@dataclass(frozen=True, slots=True)
class MeterKeysRow:
    """The keys of one meter, both slots sealed together for it alone, and the names it has at the broker.

    `site_id` stands in its topics and never changes: what was proven for one topic proves nothing for another.
    """

    id: str  # the meter
    site_id: str
    sealed: bytes = field(repr=False)
    sign_with: int
    tag_bytes: int  # of its proofs: 8 or 32
    mqtt_user: str
    issued_at: datetime
    changed_at: datetime
    revoked_at: datetime | None = None
    awaits_fresh: bool = False  # a fresh key is in the other slot, and the meter has not shown yet that it holds it


@dataclass(frozen=True, slots=True)
class MeterEpoch:
    """A register epoch of a meter: the random number it goes by on the wire, and ours, in order of first arrival."""

    id: str  # meter:number
    meter_id: str
    number: int
    wire_epoch: int
    first_heard_at: datetime


@dataclass(frozen=True, slots=True)
class Gap:
    """Rows of a meter that have not come, and when they are asked for again."""

    first_seq: int
    last_seq: int
    next_ask_at: datetime
    asked: int = 0


@dataclass(frozen=True, slots=True)
class Contact:
    """How a meter was heard last: who it said it is when it came, and which of its rows are missing.

    `wire_epoch` is that of its newest register epoch, `seen_to` the highest sequence number that came. `births` are
    the last times it came, by which two devices under one name are noticed.
    """

    id: str  # the meter
    heard_at: datetime
    here: bool = True
    boot: int = 0
    birth: int = 0
    firmware: int = 0
    capabilities: int = 0
    tokens: int = 0
    clock_set: bool = False
    clock_off_s: int = 0  # how far its clock was from ours at its last report
    timed_at: datetime | None = None  # when it was told the time
    wire_epoch: int | None = None
    seen_to: int = 0
    missing: tuple[Gap, ...] = ()
    births: tuple[datetime, ...] = ()
    gateway: str = ""  # that carries its messages, if one does


@dataclass(frozen=True, slots=True)
class Sending:
    """Which revision the broker has taken for a meter, and when; whether the meter has it is another matter."""

    id: str  # the meter
    revision: int
    sent_at: datetime
    times: int = 1


@dataclass(frozen=True, slots=True)
class MeterEvent:
    """Something that happened at a meter, as it told it."""

    id: str  # meter:epoch:seq
    meter_id: str
    epoch: int
    seq: int
    kind: EventKind
    value: int
    at: datetime
    received_at: datetime


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that could not be taken, and why. Each topic keeps its newest few, so that nobody fills the books."""

    id: str
    topic: str
    reason: str
    body: bytes
    received_at: datetime
    repeats: int = 0


@dataclass(frozen=True, slots=True)
class BridgeLease:
    """Which worker looks after a part of the meters, and until when unless it says so again."""

    id: str  # number of the part
    holder: str
    until: datetime
