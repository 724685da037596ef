"""What a meter is: what never changes, what outlives a power cut, what it forgets, and what it asks to be done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from device.keypad import Keypad
from device.limits import NOTHING_USED, Limits, Stage, Used
from device.messages import Capability, ClockQuality, Relay
from device.overload import NO_OVERLOAD, Overload
from device.rows import Row
from device.signing import MeterKeys


@dataclass(frozen=True, slots=True)
class Nameplate:
    """What never changes of a meter, and its keys.

    `token_unit_s` is the time that one unit of a keypad token means; 0: a unit is 100 Wh.
    """

    site: str
    meter: str
    keys: MeterKeys
    capabilities: int = Capability.SWITCH | Capability.RING | Capability.CLOCK
    interval_s: int = 900
    token_unit_s: int = 0


@dataclass(frozen=True, slots=True)
class Flash:
    """What outlives a power cut. Sequence numbers below `seq_reserved` may be used already."""

    epoch: int
    boot: int = 0
    seq_reserved: int = 1
    clock_s: int = 0
    used: Used = NOTHING_USED
    limits: Limits | None = None
    keypad: Keypad | None = None

    @property
    def revision(self) -> int:
        """Return the revision held, 0 for none."""
        return 0 if self.limits is None else self.limits.desired.revision


class Meter(NamedTuple):
    """A meter with power: what it has saved, and what it forgets at a power cut.

    A tuple, because one is made at every step and for every message, and this is made four times as fast.
    """

    nameplate: Nameplate
    flash: Flash
    used: Used
    now_s: int
    next_seq: int
    clock: ClockQuality = ClockQuality.UNKNOWN
    birth: int = 0
    is_timed: bool = False  # the time was told since this coming; from then on it only goes forward
    relay: Relay = Relay.UNKNOWN  # as it was read back
    wanted: bool = False
    asked: bool | None = None  # of the relay, since there is power; it is not asked twice for the same
    stage: Stage = Stage.OFF
    power_w: int = 0
    overload: Overload = NO_OVERLOAD
    rows: bytes = b""  # those that wait for their batch to fill, packed

    @property
    def left_wh(self) -> int | None:
        """Return the prepaid energy left, below zero when more was used, or nothing when it has no end."""
        limits = self.flash.limits
        return None if limits is None or limits.cutoff_wh is None else limits.cutoff_wh - self.used.register_wh


@dataclass(frozen=True, slots=True)
class Save:
    """Write this to the memory that outlives a power cut, before anything that follows."""

    flash: Flash


@dataclass(frozen=True, slots=True)
class Move:
    """Move the relay, then read it back and call `on_relay`."""

    closed: bool


@dataclass(frozen=True, slots=True)
class Send:
    """Publish a message of a kind, in its envelope."""

    kind: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Keep:
    """Put a row into the ring."""

    row: Row


@dataclass(frozen=True, slots=True)
class Resend:
    """Send the rows of the ring from one sequence number to another again (see `again`)."""

    first_seq: int
    last_seq: int


Effect = Save | Move | Send | Keep | Resend
Step = tuple[Meter, tuple[Effect, ...]]
