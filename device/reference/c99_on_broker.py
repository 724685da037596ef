"""The meter in C99 on a broker, driven by lines on standard input; what is here carries bytes and decides nothing.

python3 -m device.reference.c99_on_broker HOST PORT METERS METER
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from device.conformance_stand import Said, Standing, stand_of
from device.identity import Identity
from device.reference.c99_meter import CMeter, built

NO_COMPILER = "there is no C compiler here: apt-get install -y --no-install-recommends gcc libc6-dev\n"


class COnStand:
    """The meter in C; its load hangs behind its relay."""

    def __init__(self, meter: CMeter) -> None:
        self._meter = meter

    @property
    def is_closed(self) -> bool:
        """Return whether current can flow."""
        return self._meter.closed

    def come(self, birth: int) -> Said:
        """Let the link come up."""
        self._meter.connect(birth)
        return self._said()

    def will(self, birth: int) -> bytes:
        """Return what the broker is to publish when this coming ends."""
        return self._meter.will(birth)

    def hear(self, kind: str, body: bytes) -> Said:
        """Let a message of the service come."""
        self._meter.hear(kind, body)
        return self._said()

    def run(self, power_w: int, seconds: int) -> Said:
        """Let time pass, a second at once."""
        for _ in range(seconds):
            self._meter.step(power_w if self._meter.closed else 0, 1)
        return self._said()

    def cut(self) -> None:
        """Take the power away and give it back."""
        self._meter.cut_power()
        self._said()

    def forget(self, epoch: int) -> None:
        """Do the same with an empty memory."""
        self._meter.lose_memory(epoch)
        self._said()

    def weld(self, *, is_stuck: bool) -> None:
        """Let the relay stick closed, or let it go."""
        self._meter.welded = is_stuck
        self._meter.closed |= is_stuck

    def type(self, digits: str) -> Said | None:  # noqa: ARG002 - there is no keypad
        """Do nothing."""
        return None

    def _said(self) -> Said:
        said = list(self._meter.said)
        self._meter.said.clear()
        return said


def main() -> int:
    """Run the meter until its input ends."""
    with tempfile.TemporaryDirectory() as folder:
        library = built(Path(folder))
        if library is None:
            sys.stderr.write(NO_COMPILER)
            return 3

        def made(identity: Identity, epoch: int) -> Standing:
            plate = identity.plate
            return COnStand(CMeter(library, plate.keys.slots, epoch, plate.site, plate.meter))

        stand_of(sys.argv[1:], made).serve(sys.stdin, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
