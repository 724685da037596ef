"""What a meter and the service say to each other: device protocol 1, as frozen records of whole numbers.

Times are seconds since 1970 UTC, registers cumulative Wh of a named epoch. Credit is absolute ("until the register
shows X", "until time T"), so that a message that is lost, repeated or late does no harm.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

SCHEMA = 1


class Relay(IntEnum):
    """The switch as it was read back."""

    OPEN = 0
    CLOSED = 1
    UNKNOWN = 2


class Result(IntEnum):
    """What a meter answers to a desired state."""

    OK = 0
    STALE = 1
    BAD_MAC = 2
    EXPIRED = 3
    CLOCK_UNKNOWN = 4
    RELAY_DISAGREES = 5
    NOT_CAPABLE = 6


class EventKind(IntEnum):
    """What a meter tells at once; the value says how much (see `Event`)."""

    TAMPER = 1  # value: what was opened or bridged
    TOKEN_TYPED = 2  # value: the count of the token
    OVERLOAD = 3  # value: mean power over 30 s [W]
    BROWN_OUT = 4  # value: how often since the last time
    LIMIT_REACHED = 5  # value: the register [Wh]
    LOW_CREDIT = 6  # value: energy left [Wh]
    RELAY_DISAGREES = 7  # value: power measured while the relay is open [W]


class RequestKind(IntEnum):
    """What the service asks of a meter."""

    REPORT = 0
    TIME = 1
    RESEND = 2
    DIAGNOSTICS = 3


class ClockQuality(IntEnum):
    """Whether a meter's clock was set since it last lost power."""

    UNKNOWN = 0
    SET = 1


class Capability(IntEnum):
    """Bits of what a device can do."""

    SWITCH = 1
    RING = 2
    GATEWAY = 4
    BANDS = 8
    CLOCK = 16
    KEYPAD = 32
    THREE_PHASE = 64


@dataclass(frozen=True, slots=True)
class FailTerms:
    """What happens alone after prepaid energy or time ends; quiet hours are seconds of the UTC day."""

    grace_s: int = 0
    lifeline_w: int = 0
    lifeline_s: int = 0
    critical: bool = False
    quiet_from_s: int = 0
    quiet_to_s: int = 0
    quiet_max_wh: int = 0


@dataclass(frozen=True, slots=True)
class Desired:
    """The one numbered state a meter is to be in."""

    revision: int
    on: bool
    cutoff_wh: int | None
    until_s: int | None
    power_limit_w: int | None
    service_time_s: int
    fail: FailTerms
    not_after_s: int
    epoch: int
    tokens_included: int = 0
    daily_wh: int | None = None
    day_start_s: int = 0


@dataclass(frozen=True, slots=True)
class Reported:
    """The state a meter is in, by its own measurement."""

    revision: int
    relay: Relay
    register_wh: int
    result: Result
    time_s: int
    boot: int
    power_w: int
    tokens: int
    epoch: int
    seconds_left: int | None


@dataclass(frozen=True, slots=True)
class Readings:
    """Rows of a meter, one per interval: the first in full, the others as differences to the row before.

    There is one row more than `register_deltas_wh` has entries. The lists of pairs hold (row, value) and say where a
    row differs: seconds since the row before, relay state from that row on, mean power where it is not the register's.
    """

    epoch: int
    first_seq: int
    first_time_s: int
    base_register_wh: int
    interval_s: int
    first_voltage_dv: int | None
    register_deltas_wh: tuple[int, ...]
    voltage_deltas_dv: tuple[int, ...] | None = None
    current_ma: tuple[int, ...] | None = None
    time_exceptions: tuple[tuple[int, int], ...] | None = None
    relay_changes: tuple[tuple[int, int], ...] | None = None
    power_w: tuple[tuple[int, int], ...] | None = None
    flags: int = 0
    revision: int = 0
    bands_wh: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened at a meter."""

    epoch: int
    seq: int
    kind: EventKind
    value: int
    time_s: int


@dataclass(frozen=True, slots=True)
class Link:
    """A meter came, or (as its will) went; `birth` is the random number of this coming."""

    boot: int
    here: bool
    firmware: int
    capabilities: int
    birth: int
    last_seq: int
    tokens: int
    clock: ClockQuality


@dataclass(frozen=True, slots=True)
class Request:
    """A question of the service; a time counts only when it repeats boot and birth of the meter's last coming."""

    kind: RequestKind
    number: int
    boot: int
    birth: int
    service_time_s: int
    seqs: tuple[int, int] | None = None


Uplink = Reported | Readings | Event | Link
Downlink = Desired | Request
Message = Uplink | Downlink

KIND_OF: dict[type, str] = {
    Desired: "desired",
    Request: "request",
    Reported: "reported",
    Readings: "readings",
    Event: "event",
    Link: "link",
}
