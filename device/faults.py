"""What goes wrong with meters in the field: planned in a file, or drawn from a seed.

A file is CSV: `at_s,meter,fault,for_s,amount`. `at_s` and `for_s` are seconds of the fleet's (accelerated) time; an
empty `for_s` is for good, an empty `amount` the usual one.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from device.chance import Chance, between, happens, whole

COLUMNS = ("at_s", "meter", "fault", "for_s", "amount")
DAY_S = 86_400


class Fault(StrEnum):
    """What can go wrong; the amount, where there is one, says how much."""

    WELDED = "welded"  # the relay stays closed
    BYPASS = "bypass"  # amount: percent of the load that flows around the meter and its relay
    REGISTER = "register"  # the register counts nothing
    DRIFT = "drift"  # amount: seconds a day by which the clock is fast
    CLOCK = "clock"  # the clock falls back to 1970, without notice
    MEMORY = "memory"  # the flash is empty after a reboot
    BROWN_OUT = "brown-out"  # amount: reboots in a row
    RADIO = "radio"  # no connection
    HALF_OPEN = "half-open"  # the connection is dead and neither end is told
    CLONE = "clone"  # another device says it is this one


LASTING = frozenset({Fault.WELDED, Fault.BYPASS, Fault.REGISTER, Fault.DRIFT, Fault.RADIO, Fault.CLONE})
USUAL = {Fault.BYPASS: 100, Fault.DRIFT: 60, Fault.BROWN_OUT: 5}
LARGEST = {Fault.BYPASS: 100, Fault.DRIFT: DAY_S // 2, Fault.BROWN_OUT: 1000}


class FaultError(ValueError):
    """A file of faults that is not as it should be; the text names every line and what it should say."""


@dataclass(frozen=True, slots=True, order=True)
class Mishap:
    """A fault of one meter, from a moment on; `for_s` is how long, or for good."""

    at_s: int
    meter: str
    fault: Fault
    for_s: int | None = None
    amount: int = 0


@dataclass(frozen=True, slots=True)
class Hardware:
    """What is broken about a meter's hardware now."""

    is_welded: bool = False
    bypass_percent: int = 0
    is_stuck: bool = False
    fast_s_per_day: int = 0

    def flowing_w(self, load_w: int, *, closed: bool) -> int:
        """Return what really flows to a home that would draw `load_w`."""
        return load_w if closed else load_w * self.bypass_percent // 100

    def measured_w(self, load_w: int, *, closed: bool) -> int:
        """Return what the meter measures of it."""
        through_w = load_w - load_w * self.bypass_percent // 100
        return through_w if closed and not self.is_stuck else 0


SOUND = Hardware()


def broken(hardware: Hardware, mishap: Mishap, *, ends: bool = False) -> Hardware:
    """Return the hardware after a fault has begun, or ended; faults of other parts change nothing."""
    amount = 0 if ends else mishap.amount
    if mishap.fault is Fault.WELDED:
        return replace(hardware, is_welded=not ends)
    if mishap.fault is Fault.BYPASS:
        return replace(hardware, bypass_percent=amount)
    if mishap.fault is Fault.REGISTER:
        return replace(hardware, is_stuck=not ends)
    return replace(hardware, fast_s_per_day=amount) if mishap.fault is Fault.DRIFT else hardware


def drawn(chance: Chance, meters: Sequence[str], days: int, per_meter_year: float) -> tuple[Mishap, ...]:
    """Return faults by chance: of any kind, at any moment, lasting from a minute to a day, in order of time."""
    found = []
    for meter in meters:
        for day in range(days):
            if not happens(chance, per_meter_year / 365):
                continue
            fault = tuple(Fault)[whole(chance, len(Fault))]
            for_s = int(between(chance, 60, DAY_S)) if fault in LASTING else None
            at_s = day * DAY_S + whole(chance, DAY_S)
            found.append(Mishap(at_s, meter, fault, for_s, USUAL.get(fault, 0)))
    return tuple(sorted(found, key=lambda mishap: mishap.at_s))


def mishaps_of(text: str) -> tuple[Mishap, ...]:
    """Return the faults in a CSV text, in order of time; FaultError names every line that is wrong."""
    rows = [(line, row) for line, row in enumerate(csv.reader(text.splitlines()), start=1) if row]
    if not rows or tuple(cell.strip() for cell in rows[0][1]) != COLUMNS:
        raise FaultError(f"the first line names the columns: {','.join(COLUMNS)}")
    found, wrong = [], []
    for line, row in rows[1:]:
        try:
            found.append(_mishap(row))
        except ValueError as error:
            wrong.append(f"line {line}: {error}")
    if wrong:
        raise FaultError("\n".join(wrong))
    return tuple(sorted(found, key=lambda mishap: mishap.at_s))


def _mishap(row: Sequence[str]) -> Mishap:
    if len(row) != len(COLUMNS):
        raise ValueError(f"{len(row)} columns, there are {len(COLUMNS)}: {','.join(COLUMNS)}")
    at_s, meter, named, for_s, amount = (cell.strip() for cell in row)
    if named not in tuple(Fault):
        raise ValueError(f"there is no fault {named!r}; write one of {', '.join(Fault)}")
    fault = Fault(named)
    if for_s and fault not in LASTING:
        raise ValueError(f"a {fault} fault happens at once; leave for_s empty")
    if amount and fault not in LARGEST:
        raise ValueError(f"a {fault} fault has no amount; leave it empty")
    told = _whole("amount", amount, LARGEST[fault]) if amount else USUAL.get(fault, 0)
    return Mishap(_whole("at_s", at_s), meter, fault, _whole("for_s", for_s) if for_s else None, told)


def _whole(name: str, text: str, largest: int = 2**32) -> int:
    if not text.isdecimal() or int(text) > largest:
        raise ValueError(f"{name} is {text!r}; write a whole number from 0 to {largest}")
    return int(text)
