"""The other ends of `switching.py`, each in a process of its own: a fleet of meters, an echo, a flood of readings.

Each says one line of JSON when it is ready; the flood waits for a line before it begins.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import raw_mqtt  # noqa: E402 - the folder above is put on the path first
from benchmarks.villages import FIRST_REGISTER_WH, START, meter  # noqa: E402
from device.codec import encode  # noqa: E402
from device.messages import Readings  # noqa: E402
from device.signing import MeterKeys, sealed, topic  # noqa: E402

SITE = "kisiju"
WIRE_EPOCH = 7
BEGAN_S = int(START.timestamp()) + 3600
ROWS, STEP_WH = 12, 5
INTERVAL_S = 300  # all of it within the day that clocks may be ahead
UNDER_WAY = 500  # of the flood


def keys_of(number: int) -> MeterKeys:
    """Return the keys of a meter."""
    return MeterKeys((number.to_bytes(4, "big") * 8, None))


def fleet(port: int, meters: int) -> None:
    """Run so many emulated meters until killed."""
    from dataclasses import replace
    from time import monotonic

    import numpy as np

    from device.emulated import Emulated
    from device.fleet import Fleet
    from device.identity import Identity
    from device.loads import Steady
    from device.open_files import make_room
    from device.state import Flash, Nameplate
    from device.station import Broker

    make_room(meters)
    reached = Broker("127.0.0.1", port)
    village = Fleet(reached, np.random.default_rng(7), monotonic, BEGAN_S)
    flash = Flash(WIRE_EPOCH)
    flash = replace(flash, used=replace(flash.used, total_ws=FIRST_REGISTER_WH * 3600))
    for number in range(meters):
        plate = Nameplate(SITE, meter(number), keys_of(number))
        village.add(Identity(plate, plate.meter, ""), Emulated(plate, flash, Steady(20), BEGAN_S, 96))
    say({"ready": meters})
    while True:
        village.turn()


def echo(port: int, _meters: int) -> None:
    """Answer each message under `.../desired` with the same bytes under `.../reported`, until killed."""
    client = raw_mqtt.connected(f"127.0.0.1:{port}", "echo")
    client.subscribe("mg/1/+/+/desired")
    say({"ready": 1})
    while True:
        for about, body in client.heard(1.0):
            client.publish(about.replace("/desired", "/reported"), body)
        client.flush()


def flood(port: int, meters: int) -> None:
    """Publish ten batches of twelve rows of each meter as fast as the broker takes them, once told to."""
    messages = [(about, body) for turn in range(10) for about, body in batches(meters, turn)]
    client = raw_mqtt.connected(f"127.0.0.1:{port}", "flood")
    say({"ready": len(messages) * ROWS})
    for _ in sys.stdin:
        begun = client.acknowledged
        for number, (about, body) in enumerate(messages):
            client.publish(about, body)
            if number % 50 == 49:
                client.flush()
                while number + 1 - (client.acknowledged - begun) > UNDER_WAY:
                    client.heard(1.0)
        client.flush()
        while client.acknowledged - begun < len(messages):
            client.heard(1.0)
        say({"sent": len(messages) * ROWS})


def batches(meters: int, turn: int) -> list[tuple[str, bytes]]:
    """Return a batch of each meter, signed."""
    found = []
    for number in range(meters):
        about = topic(SITE, meter(number), "readings")
        first = 2 + turn * ROWS  # each was read once already
        base_wh = FIRST_REGISTER_WH + STEP_WH * first
        rows = Readings(
            WIRE_EPOCH,
            first,
            BEGAN_S + INTERVAL_S * first,
            base_wh,
            INTERVAL_S,
            2300,
            (STEP_WH,) * (ROWS - 1),
            revision=1,
        )
        found.append((about, sealed(encode(rows), keys_of(number), about)))
    return found


def say(what: object) -> None:
    """Print one line at once."""
    print(json.dumps(what), flush=True)


def main() -> None:
    """Run one part."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", choices=("fleet", "echo", "flood"))
    parser.add_argument("port", type=int)
    parser.add_argument("meters", type=int)
    chosen = parser.parse_args()
    {"fleet": fleet, "echo": echo, "flood": flood}[chosen.part](chosen.port, chosen.meters)


if __name__ == "__main__":
    main()
