"""A bench whose power can go between any two things a meter asks for, and who remembers what truly flowed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from device import meter as logic
from device.keypad import Keypad
from device.measuring import next_change_s
from device.messages import Event
from device.state import Effect, Flash, Nameplate
from tests.meter.bench import EPOCH, PLATE, Bench


class PowerGoneError(Exception):
    """The power went in the midst of what the meter asked for."""


@dataclass
class Fragile(Bench):
    """A meter on a bench; `true_ws` is what flowed, whatever the meter counts."""

    left: int | None = None  # effects until the power goes
    done: int = 0
    true_ws: int = 0
    stuck_ws: int = 0
    closed_s: int = 0
    stuck_s: int = 0
    step_ws: int = 0  # what flowed in the last step
    lost_ws: int = 0  # what flowed in steps that a power cut ended

    def do(self, effects: tuple[Effect, ...]) -> None:
        for effect in effects:
            if self.left is not None:
                if self.left == 0:
                    raise PowerGoneError
                self.left -= 1
            self.done += 1
            super().do((effect,))

    def run(self, load_w: int, seconds: int) -> None:
        while seconds > 0:
            power_w = load_w if self.closed else 0
            step_s = min(seconds, next_change_s(self.meter, power_w))
            self.step_ws = power_w * step_s
            self.true_ws += self.step_ws
            is_stuck = self.closed and not self.moves[-1]  # it was told to open
            self.stuck_ws += self.step_ws if is_stuck else 0
            self.closed_s += step_s if self.closed else 0
            self.stuck_s += step_s if is_stuck else 0
            self.meter, effects = logic.on_step(self.meter, power_w, step_s)
            seconds -= step_s
            self.do(effects)

    def interrupted(self, what: Callable[[Fragile], object], after: int) -> bool:
        """Do something, lose power after so many effects of it, and get it back; returns whether the power went."""
        self.left = after
        try:
            what(self)
        except PowerGoneError:
            self.left = None
            self.lost_ws += self.step_ws
            self.cut_power()
            return True
        self.left = None
        return False

    def numbers(self) -> list[int]:
        """Return every sequence number that was used: of events told, and of rows kept."""
        return [each.seq for each in self.said if isinstance(each, Event)] + [row.seq for row in self.ring]


def fragile(plate: Nameplate = PLATE, keypad: Keypad | None = None, *, latching: bool = False) -> Fragile:
    """Return a meter that has just got power for the first time."""
    flash = Flash(EPOCH, keypad=keypad)
    meter, effects = logic.boot(plate, flash)
    bench = Fragile(meter, flash, latching=latching)
    bench.do(effects)
    return bench
