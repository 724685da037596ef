"""Meters that a vector can be played to: ours, the one in C99, and the small one in Python."""

from __future__ import annotations

import ctypes
from typing import Any, Protocol

from device.keypad import Keypad
from device.openpaygo import Secret
from device.reference.python_meter import NEW
from device.reference.python_meter import Meter as SmallMeter
from device.signing import MeterKeys
from device.state import Flash, Nameplate
from device.vector_steps import Connect, CutPower, Draw, Happening, Hear, Type
from device.vectors import Stand
from tests.meter.c_meter import CMeter

State = dict[str, Any]


class Player(Protocol):
    """What a vector needs of a meter."""

    def let(self, happening: Happening) -> None: ...

    def said(self) -> list[tuple[str, bytes]]: ...

    def is_closed(self) -> bool: ...


def keys_of(state: State) -> MeterKeys:
    """Return the keys of the meter in a state of the file."""
    first, second = (key and bytes.fromhex(key) for key in state["keys"])
    return MeterKeys((first, second), state["sign_with"], state["proof_bytes"])


def happening(step: dict[str, Any]) -> Happening:
    """Return what happens in a step of the file."""
    if step["do"] == "connect":
        return Connect(step["birth"])
    if step["do"] == "hear":
        return Hear(step["kind"], bytes.fromhex(step["message"]))
    if step["do"] == "draw":
        return Draw(step["power_w"], step["seconds"])
    return Type(step["digits"]) if step["do"] == "type" else CutPower()


class Ours:
    """The meter this project tests everything else against."""

    def __init__(self, state: State) -> None:
        from device import meter as logic

        secret = state["token_secret"]
        keypad = secret and Keypad(Secret(secret["starting_code"], bytes.fromhex(secret["key"])))
        plate = Nameplate(state["site"], state["meter"], keys_of(state), state["capabilities"])
        flash = Flash(state["epoch"], keypad=keypad or None)
        meter, effects = logic.boot(plate, flash)
        self.stand = Stand(meter, flash)
        self.stand.do(effects)
        self.let = self.stand.let

    def said(self) -> list[tuple[str, bytes]]:
        return [(each.kind, each.body) for each in self.stand.said]

    def is_closed(self) -> bool:
        return self.stand.is_closed


class InC:
    """The meter in C99."""

    def __init__(self, state: State, library: ctypes.CDLL) -> None:
        self.meter = CMeter(library, bytes.fromhex(state["keys"][0]), state["epoch"])

    def let(self, happens: Happening) -> None:
        if isinstance(happens, Draw):
            for _ in range(happens.seconds):
                self.meter.step(happens.power_w if self.meter.closed else 0, 1)
        elif isinstance(happens, Connect):
            self.meter.connect(happens.birth)
        elif isinstance(happens, Hear):
            self.meter.hear(happens.kind, happens.message)
        else:
            self.meter.cut_power()

    def said(self) -> list[tuple[str, bytes]]:
        return self.meter.said

    def is_closed(self) -> bool:
        return self.meter.closed


class Small:
    """The small meter in Python."""

    def __init__(self, state: State) -> None:
        keys = [key and bytes.fromhex(key) for key in state["keys"]]
        saved = {**NEW, "epoch": state["epoch"]}
        self.site, self.name = state["site"], state["meter"]
        self.meter = SmallMeter(self.site, self.name, keys, saved, lambda _: None)
        self.meter.boot()

    def let(self, happens: Happening) -> None:
        if isinstance(happens, Draw):
            for _ in range(happens.seconds):
                self.meter.second(happens.power_w)
        elif isinstance(happens, Connect):
            self.meter.connected(happens.birth)
        elif isinstance(happens, Hear):
            self.meter.hear(happens.kind, happens.message)
        else:
            was = self.meter
            self.meter = SmallMeter(self.site, self.name, was.keys, was.saved, was.keep)
            self.meter.sent = was.sent
            self.meter.boot()

    def said(self) -> list[tuple[str, bytes]]:
        return list(self.meter.sent)

    def is_closed(self) -> bool:
        return self.meter.relay
