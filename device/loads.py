"""What the home behind a meter draws: watts that change in steps and repeat."""

from __future__ import annotations

import csv
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

DAY_S = 86_400
LARGEST_W = 65_535
HOME_W = (9, 9, 9, 9, 12, 31, 42, 24, 14, 14, 14, 19, 24, 19, 14, 14, 19, 38, 84, 97, 91, 66, 31, 14)  # by local hour

# The second (since 1970) in, the power drawn from it on and the second until which that holds out.
Load = Callable[[int], tuple[int, int]]


class LoadError(ValueError):
    """A file of loads that is not as it should be; the text names the line and the remedy."""


@dataclass(frozen=True, slots=True)
class Steady:
    """A load that never changes."""

    power_w: int

    def __call__(self, second: int) -> tuple[int, int]:
        """Return the power, for another day."""
        return self.power_w, second + DAY_S


@dataclass(frozen=True, slots=True)
class Repeating:
    """A load in steps of the same length, from a UTC midnight on, again and again."""

    power_w: array[int]
    step_s: int
    begins_s: int = 0  # seconds after a UTC midnight

    def __call__(self, second: int) -> tuple[int, int]:
        """Return the power of the step this second lies in, and the end of that step."""
        step = (second - self.begins_s) // self.step_s
        return self.power_w[step % len(self.power_w)], (step + 1) * self.step_s + self.begins_s


def repeating(power_w: Sequence[int], step_s: int, begins_s: int = 0) -> Repeating:
    """Return a load in steps; ValueError where a power is not from 0 to 65,535 W."""
    if not power_w or any(not 0 <= each <= LARGEST_W for each in power_w):
        raise ValueError(f"a load needs steps from 0 to {LARGEST_W} W")
    return Repeating(array("H", power_w), step_s, begins_s)


def usual_home(scale: float, zone_s: int = 0) -> Repeating:
    """Return an ordinary home of about 0.7 kWh a day times a scale, by local hours `zone_s` ahead of UTC."""
    return repeating([round(each * scale) for each in HOME_W], 3600, -zone_s)


def loads_of(text: str) -> tuple[Repeating, ...]:
    """Return the loads in a CSV text: seconds of steps of one length, then one column of watts per home.

    The first row names the columns: `second`, then any names. After the last row the first follows again.
    """
    rows = [row for row in csv.reader(text.splitlines()) if row]
    if len(rows) < 2 or rows[0][0].strip() != "second" or len(rows[0]) < 2:
        raise LoadError("the first line names the columns: second, then one per home, such as: second,home_1,home_2")
    numbers = [_numbers(row, line, len(rows[0])) for line, row in enumerate(rows[1:], start=2)]
    step_s = _step_s([row[0] for row in numbers])
    return tuple(Repeating(array("H", column), step_s) for column in zip(*(row[1:] for row in numbers), strict=True))


def _numbers(row: Sequence[str], line: int, columns: int) -> list[int]:
    if len(row) != columns:
        raise LoadError(f"line {line} has {len(row)} columns, the first line has {columns}")
    numbers: list[int] = []
    for cell in row:
        if not cell.strip().isdecimal() or (numbers and int(cell) > LARGEST_W):
            raise LoadError(f"line {line} says {cell!r}; write whole numbers from 0 to {LARGEST_W}")
        numbers.append(int(cell))
    return numbers


def _step_s(seconds: Sequence[int]) -> int:
    if seconds[0] != 0:
        raise LoadError(f"line 2 begins at second {seconds[0]}; begin at 0, a UTC midnight")
    steps = {after - before for before, after in pairwise(seconds)}
    if len(steps) > 1 or min(steps, default=DAY_S) <= 0:
        raise LoadError("the seconds are not in steps of one length; write 0, 900, 1800 and so on")
    return min(steps, default=DAY_S)
