"""One meter in a process of its own, on the clock of this machine; what it keeps is in a folder.

    python3 -m device.run --keys FILE --meter M-104 --broker HOST:PORT --folder FOLDER

Lines on standard input are what happens to it, and each is answered with `open` or `closed`, the state of its relay:

    WATTS         the home draws so much from now on
    cut           the power goes, and comes back
    forget        the same, with an empty memory
    weld, free    the relay sticks closed, and is let go
    type DIGITS   somebody presses digits on the keypad

It runs until its input ends, or a signal comes. This is the one place of `device` that reads a clock.
"""

from __future__ import annotations

import argparse
import os
import secrets
import signal
import ssl
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from device.accidents import befall
from device.chance import U32, Chance, whole
from device.emulated import Emulated
from device.faults import Fault, Mishap
from device.fleet import Fleet
from device.identity import Identity, identities_of
from device.keypad import Keypad
from device.loads import Steady
from device.rows import RING_ROWS
from device.saved import Folder
from device.state import Flash
from device.station import Broker, Station

DOING = {"cut": Fault.BROWN_OUT, "forget": Fault.MEMORY, "weld": Fault.WELDED}


@dataclass
class Bench:
    """A meter, and whoever says what happens to it."""

    fleet: Fleet
    station: Station
    write: Callable[[str], object]
    is_over: bool = False
    _rest: bytes = b""

    def read(self, content: bytes) -> None:
        """Take in what came on the input; nothing is its end."""
        *lines, self._rest = (self._rest + content).split(b"\n")
        for line in lines:
            self.take(line.decode(errors="replace"))
        self.is_over = self.is_over or not content

    def take(self, line: str) -> None:
        """Do what a line says, and answer."""
        word, _, rest = line.strip().partition(" ")
        if word.isdecimal():
            self._draw(int(word))
        elif word in DOING:
            befall(self.fleet, self.station, Mishap(0, self.station.meter, DOING[word], amount=1))
        elif word == "free":
            self.station.device.suffer(Mishap(0, self.station.meter, Fault.WELDED), 0, ends=True)
        elif word == "type":
            answer, said = self.station.device.type(rest)
            self.write(f"{answer}\n")
            self.fleet.say(self.station, said)
        self.fleet.look_at(self.station)
        self.write("closed\n" if self.station.device.closed else "open\n")

    def _draw(self, power_w: int) -> None:
        said = self.station.device.advance(self.fleet.second)
        self.station.device.draw(Steady(power_w))
        self.fleet.say(self.station, said)


def begun(identity: Identity, broker: Broker, folder: Folder, chance: Chance) -> Fleet:
    """Return a fleet of this one meter, as it was when it last ran."""
    keypad = None if identity.secret is None else Keypad(identity.secret)
    flash = folder.flash(identity.plate.meter, identity.secret) or Flash(whole(chance, U32), keypad=keypad)
    fleet = Fleet(broker, chance, time.monotonic, int(time.time()))
    device = Emulated(identity.plate, flash, Steady(0), fleet.start_s, folder.most_rows, folder)
    fleet.add(identity, device)
    return fleet


def main() -> None:
    """Run the meter until its input ends."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keys", type=Path, required=True, help="meters, one line of JSON each")
    parser.add_argument("--meter", required=True)
    parser.add_argument("--broker", required=True, help="HOST:PORT")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--ca-file", type=Path, help="authority of the broker's certificate; with it, TLS")
    parser.add_argument("--keep-alive", type=int, default=60)
    asked = parser.parse_args()
    try:
        identities = {each.plate.meter: each for each in identities_of(asked.keys.read_text("utf-8").splitlines())}
        identity = identities[asked.meter]
    except (OSError, ValueError, KeyError) as error:
        parser.error(f"no meter {asked.meter} in {asked.keys}: {error}")
    host, _, port = asked.broker.rpartition(":")
    tls = None if asked.ca_file is None else ssl.create_default_context(cafile=asked.ca_file)
    alone(identity, Broker(host, int(port), asked.keep_alive, tls), asked.folder)


def alone(identity: Identity, broker: Broker, folder: Path) -> None:
    """Run one meter on a broker until the input ends or a signal comes; it keeps what it saves in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    fleet = begun(identity, broker, Folder(folder, RING_ROWS, is_durable=True), secrets.SystemRandom())
    bench = Bench(fleet, fleet.stations[0], sys.stdout.write)

    def end(_number: int, _frame: object) -> None:
        bench.is_over = True

    def read() -> None:
        bench.read(os.read(sys.stdin.fileno(), 4096))
        sys.stdout.flush()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    with suppress(PermissionError):  # an input that never waits, such as none: the meter runs until a signal
        fleet.watch(sys.stdin, read)
    fleet.run(lambda: bench.is_over)
    fleet.stop()


if __name__ == "__main__":
    main()
