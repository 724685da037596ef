"""The way between a meter and its broker: what it loses, delays, repeats and mixes up, and how it falls silent.

MQTT over TCP promises order and delivery only while a connection lives and both programs are well; a meter on 2G sees
the rest. A connection may be forgotten on the way (half-open): nobody is told, and what is sent goes nowhere.
"""

from __future__ import annotations

from dataclasses import dataclass

from device.chance import Chance, between, happens

FIRST_WAIT_S = 5.0
LONGEST_WAIT_S = 600.0


@dataclass(frozen=True, slots=True)
class Radio:
    """How messages travel, in both directions alike.

    `forgets_after_s`: a connection on which nothing was said for so long is forgotten by a router on the way.
    """

    delay_ms: tuple[int, int] = (0, 0)
    loss: float = 0.0  # share of messages
    repeats: float = 0.0  # share of messages that come twice
    in_order: bool = True
    forgets_after_s: int | None = None

    @property
    def is_clear(self) -> bool:
        """Return whether messages simply arrive."""
        return self.delay_ms == (0, 0) and not self.loss and not self.repeats


CLEAR = Radio()
RADIOS = {
    "clear": CLEAR,
    "2g": Radio((300, 2000), loss=0.005, repeats=0.005, in_order=False, forgets_after_s=900),
    "bad": Radio((300, 2000), loss=0.05, repeats=0.05, in_order=False, forgets_after_s=120),
}


def delays_s(radio: Radio, chance: Chance) -> tuple[float, ...]:
    """Return after how long each copy of a message arrives: none when it is lost."""
    if happens(chance, radio.loss):
        return ()
    copies = 2 if happens(chance, radio.repeats) else 1
    low_ms, high_ms = radio.delay_ms
    return tuple(between(chance, low_ms, high_ms) / 1000 for _ in range(copies))


def wait_s(tries: int, chance: Chance, first_s: float = FIRST_WAIT_S) -> float:
    """Return how long to wait before connecting again: any time up to 5 s, then 5 to 10 s, 10 to 20 s, to 10 min.

    Were the later waits to begin at nothing too, a few in a hundred meters would try twice within the first two
    seconds after a broker died, in vain, and then wait four times as long as the others.
    """
    longest_s = min(LONGEST_WAIT_S, first_s * 2 ** min(tries, 10))
    return between(chance, longest_s / 2 if tries else 0.0, longest_s)
