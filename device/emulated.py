"""One emulated meter: its logic, what it keeps through a power cut, its relay, and a home behind it.

Time is given from outside as whole seconds since 1970; the meter's own clock may say something else.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Protocol

from device import meter as logic
from device.faults import SOUND, Fault, Mishap, broken
from device.keypad import Answer, Keypad
from device.loads import Load
from device.measuring import next_change_s
from device.messages import ClockQuality, EventKind, Relay
from device.rows import RING_ROWS, Ring, Row
from device.state import Effect, Flash, Keep, Nameplate, Resend, Save, Send
from device.telling import again

DAY_S = 86_400


class Memory(Protocol):
    """Where what outlives a power cut also outlives this program, such as `saved.Folder`."""

    def rows(self, meter: str) -> Iterable[Row]:
        """Return the rows of a meter."""

    def save(self, meter: str, flash: Flash) -> None:
        """Keep what a meter saves."""

    def keep(self, meter: str, row: Row) -> None:
        """Keep a row."""

    def forget(self, meter: str) -> None:
        """Lose everything a meter kept."""


class NoMemory:
    """Nowhere: what is saved is kept for as long as this program runs."""

    def rows(self, meter: str) -> Iterable[Row]:  # noqa: ARG002 - of any meter
        """Return no rows."""
        return ()

    def save(self, meter: str, flash: Flash) -> None:
        """Do nothing."""

    def keep(self, meter: str, row: Row) -> None:
        """Do nothing."""

    def forget(self, meter: str) -> None:
        """Do nothing."""


NO_MEMORY = NoMemory()


class Emulated:
    """A meter somebody can talk to, run, and break.

    What it wants to say is returned by whatever made it speak, in order.
    """

    __slots__ = (
        "_beside_ws",
        "_drift_s_x_day",
        "_look_again_s",
        "_memory",
        "at_s",
        "closed",
        "flash",
        "hardware",
        "load",
        "load_w",
        "meter",
        "ring",
    )

    def __init__(
        self,
        plate: Nameplate,
        flash: Flash,
        load: Load,
        at_s: int,
        ring_rows: int = RING_ROWS,
        memory: Memory = NO_MEMORY,
    ) -> None:
        self._memory, self.load, self.at_s = memory, load, at_s
        self.hardware, self.closed, self._beside_ws, self._drift_s_x_day = SOUND, False, 0, 0
        self.load_w = self._look_again_s = 0
        self.ring, self.flash = Ring(ring_rows), flash
        for row in memory.rows(plate.meter):
            self.ring.keep(row)
        self.meter, effects = logic.boot(plate, flash)
        self._do(effects)

    # What happens to it ----------------------------------------------------------------------------------------------

    def connect(self, birth: int) -> list[Send]:
        """Let the link come up; `birth` is a fresh random number."""
        self.meter, effects = logic.on_connect(self.meter, birth)
        return self._do(effects)

    def will(self, birth: int) -> bytes:
        """Return what the broker is to publish when this coming ends."""
        return logic.will(self.meter, birth)

    def hear(self, kind: str, body: bytes) -> list[Send]:
        """Let a message of the service arrive."""
        self.meter, effects = logic.on_message(self.meter, kind, body)
        return self._do(effects)

    def type(self, digits: str) -> tuple[Answer, list[Send]]:
        """Press digits on the keypad, and return what it shows."""
        self.meter, effects, answer = logic.on_token(self.meter, digits)
        return answer, self._do(effects)

    def advance(self, to_s: int) -> list[Send]:
        """Let time pass up to a moment, in the longest steps that miss no limit."""
        said: list[Send] = []
        while self.at_s < to_s:
            end_s = min(to_s, self._look_again_s)
            step_s = end_s - self.at_s
            power_w = self.measured_w
            self._beside_ws += (self.hardware.flowing_w(self.load_w, closed=self.closed) - power_w) * step_s
            self.meter, effects = logic.on_step(self.meter, power_w, step_s)
            self.at_s = end_s
            if self.hardware.fast_s_per_day:
                self._drift(step_s)
            if effects or self.at_s == self._look_again_s:
                said += self._do(effects)
        return said

    def draw(self, load: Load) -> None:
        """Let the home draw another load from now on."""
        self.load = load
        self._look()

    def cut_power(self) -> list[Send]:
        """Take the power away and give it back; what was not saved is forgotten."""
        self.closed, counted_ws = self.hardware.is_welded, self.meter.used.total_ws
        self.meter, effects = logic.boot(self.meter.nameplate, self.flash)
        self._beside_ws += counted_ws - self.meter.used.total_ws
        return self._do(effects)

    def suffer(self, mishap: Mishap, epoch: int, *, ends: bool = False) -> list[Send]:
        """Let a fault of the meter itself begin or end; `epoch` numbers its registers should it lose its memory."""
        self.hardware = broken(self.hardware, mishap, ends=ends)
        if mishap.fault is Fault.MEMORY:
            return self.lose_memory(epoch)
        if mishap.fault is Fault.CLOCK:
            self.set_clock(0)
        if mishap.fault is Fault.BROWN_OUT:
            return self._brown_out(mishap.amount)
        if mishap.fault is Fault.WELDED and not ends:
            self.closed = True
        self._look()
        return []

    def lose_memory(self, epoch: int) -> list[Send]:
        """Let the meter come back with an empty memory, and registers of a new epoch."""
        keypad = self.flash.keypad
        self.flash = Flash(epoch, keypad=None if keypad is None else Keypad(keypad.secret))
        self.ring.forget()
        self._memory.forget(self.meter.nameplate.meter)
        return self.cut_power()

    def set_clock(self, now_s: int) -> None:
        """Let the meter's clock say something else, without its notice."""
        self.meter = self.meter._replace(now_s=now_s)
        self._look()

    def put_down(self) -> None:
        """Let the meter save what it has counted, as one does that is switched off in order."""
        self.flash = replace(self.meter.flash, used=self.meter.used, clock_s=self.meter.now_s)
        self._memory.save(self.meter.nameplate.meter, self.flash)

    # What it is -------------------------------------------------------------------------------------------------------

    @property
    def flowed_ws(self) -> int:
        """Return what the home really got: what the register shows, and what flowed beside it or was forgotten."""
        return self.meter.used.total_ws + self._beside_ws

    @property
    def look_again_s(self) -> int:
        """Return the moment up to which nothing happens by itself."""
        return self._look_again_s

    @property
    def measured_w(self) -> int:
        """Return the power the meter measures now."""
        return self.hardware.measured_w(self.load_w, closed=self.closed)

    @property
    def knows_the_time(self) -> bool:
        """Return whether its clock was set since it had power."""
        return self.meter.clock == ClockQuality.SET

    # How it does it ---------------------------------------------------------------------------------------------------

    def _do(self, effects: Iterable[Effect]) -> list[Send]:
        """Do what the meter asks for, in order, look what comes next, and return what it says."""
        said: list[Send] = []
        self._do_into(said, effects)
        self._look()
        return said

    def _do_into(self, said: list[Send], effects: Iterable[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Send):
                said.append(effect)
            elif isinstance(effect, Save):
                self.flash = effect.flash
                self._memory.save(self.meter.nameplate.meter, effect.flash)
            elif isinstance(effect, Keep):
                self.ring.keep(effect.row)
                self._memory.keep(self.meter.nameplate.meter, effect.row)
            elif isinstance(effect, Resend):
                said += again(self.meter, self.ring.between(effect.first_seq, effect.last_seq))
            else:
                self.closed = effect.closed or self.hardware.is_welded
                self.meter, more = logic.on_relay(self.meter, Relay(int(self.closed)), self.measured_w)
                self._do_into(said, more)

    def _look(self) -> None:
        """Find out what the home draws, and until when nothing changes."""
        self.load_w, until_s = self.load(self.at_s)
        self._look_again_s = min(until_s, self.at_s + next_change_s(self.meter, self.measured_w))

    def _brown_out(self, times: int) -> list[Send]:
        for _ in range(times):
            self.cut_power()
        self.meter, effects = logic.on_sensor(self.meter, EventKind.BROWN_OUT, times)
        return self._do(effects)

    def _drift(self, step_s: int) -> None:
        self._drift_s_x_day += step_s * self.hardware.fast_s_per_day
        ahead_s, self._drift_s_x_day = divmod(self._drift_s_x_day, DAY_S)
        if ahead_s:
            self.meter = self.meter._replace(now_s=self.meter.now_s + ahead_s)
            self._look()
