"""A line without a broker: the same bytes, handed to a meter on a stand at once."""

from __future__ import annotations

from collections import deque

from device.conformance_line import Arrived
from device.conformance_stand import Said, Standing

BIRTHS = range(4711, 10**6)


class Direct:
    """The connection and the bench of one meter on a stand, in one thread and without waiting."""

    is_direct = True

    def __init__(self, meter: Standing) -> None:
        self.meter, self._births = meter, iter(BIRTHS)
        self._arrived: deque[Arrived] = deque()
        self._retained: Arrived | None = None
        self._come()

    def publish(self, kind: str, body: bytes, *, retain: bool = False) -> None:  # noqa: ARG002  it is heard at once
        self._take(self.meter.hear(kind, body))

    def next(self, wait_s: float) -> Arrived | None:  # noqa: ARG002  nothing more comes by waiting
        return self._arrived.popleft() if self._arrived else None

    def look_again(self) -> None:
        if self._retained is not None:
            self._arrived.append(self._retained)

    def do(self, line: str) -> str:
        verb, _, rest = line.partition(" ")
        if verb.isdecimal():
            self._take(self.meter.run(int(verb), int(rest)))
        elif verb in ("cut", "forget"):
            self.meter.cut() if verb == "cut" else self.meter.forget(99)
            self._take([("link", self._will)])
            self._come()
        elif verb in ("weld", "free"):
            self.meter.weld(is_stuck=verb == "weld")
        else:
            said = self.meter.type(rest)
            if said is None:
                return "cannot"
            self._take(said)
        return "closed" if self.meter.is_closed else "open"

    def _come(self) -> None:
        birth = next(self._births)
        self._will = self.meter.will(birth)
        self._take(self.meter.come(birth))

    def _take(self, said: Said) -> None:
        for kind, body in said:
            self._arrived.append(Arrived(kind, body))
            if kind == "link":
                self._retained = Arrived(kind, body, is_retained=True)
