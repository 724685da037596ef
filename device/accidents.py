"""Faults that befall a fleet: each begins and ends at its moment in the meters' world."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from device.chance import U32, whole
from device.emulated import Emulated
from device.faults import Fault, Mishap
from device.fleet import Fleet
from device.station import Station

REBOOTING = frozenset({Fault.MEMORY, Fault.BROWN_OUT})


def plan(fleet: Fleet, mishaps: Iterable[Mishap]) -> int:
    """Let faults happen to the meters of a fleet, and return to how many; a meter that is not here has none."""
    named = {station.meter: station for station in fleet.stations}
    planned = [(named[mishap.meter], mishap) for mishap in mishaps if mishap.meter in named]
    for station, mishap in planned:
        moment_s = fleet.moment_s(fleet.start_s + mishap.at_s)
        fleet.timers.at(moment_s, partial(befall, fleet, station, mishap))
    return len(planned)


def befall(fleet: Fleet, station: Station, mishap: Mishap) -> None:
    """Let a fault of a meter begin now; one that does not last for good is over after its time."""
    over = _begun(fleet, station, mishap)
    if mishap.for_s is not None:
        fleet.after(mishap.for_s, over)


def _begun(fleet: Fleet, station: Station, mishap: Mishap) -> partial[None]:
    """Begin a fault, and return what ends it."""
    if mishap.fault is Fault.RADIO:
        fleet.switch_off(station)
        return partial(fleet.switch_on, station)
    if mishap.fault is Fault.CLONE:
        return partial(fleet.remove, _cloned(fleet, station))
    if mishap.fault is Fault.HALF_OPEN:
        fleet.silence(station)
    else:
        _suffer(fleet, station, mishap)
    return partial(_suffer, fleet, station, mishap, ends=True)


def _suffer(fleet: Fleet, station: Station, mishap: Mishap, *, ends: bool = False) -> None:
    said = station.device.advance(fleet.second)
    said += station.device.suffer(mishap, whole(fleet.chance, U32), ends=ends)
    if mishap.fault in REBOOTING:
        fleet.reboot(station)
    fleet.say(station, said)
    fleet.look_at(station)


def _cloned(fleet: Fleet, station: Station) -> Station:
    """Let another device come that says it is this one, with its keys and what it holds."""
    device = station.device
    twin = Emulated(device.meter.nameplate, device.flash, device.load, device.at_s, 1)
    return fleet.add_twin(station, twin)
