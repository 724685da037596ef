"""A hub that carries the same bytes as a broker, inside one program: for tests, simulation and a demo without one.

Nothing moves by itself: `deliver` hands on what waits, in order, so that the same steps give the same course of things.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from microgrid.bridge.carrier import Arrived, nothing

Hear = Callable[[Arrived], None]


class Hub:
    """Keeps what is retained, and hands messages to whoever listens to their topic."""

    def __init__(self) -> None:
        self._retained: dict[str, bytes] = {}
        self._listeners: list[tuple[tuple[str, ...], Hear]] = []
        self._waiting: deque[tuple[Hear, Arrived]] = deque()

    def publish(self, topic: str, body: bytes, *, retain: bool, taken: Callable[[], None] = nothing) -> bool:
        """Take a message; it is handed on by `deliver`."""
        if retain and body:
            self._retained[topic] = body
        elif retain:
            self._retained.pop(topic, None)
        for pattern, hear in self._listeners:
            if fits(pattern, topic):
                self._waiting.append((hear, Arrived(topic, body)))
        taken()
        return True

    def listen(self, pattern: str, hear: Hear) -> None:
        """Hand on every message whose topic fits, beginning with those that are retained."""
        levels = tuple(pattern.split("/"))
        self._listeners.append((levels, hear))
        for topic, body in self._retained.items():
            if fits(levels, topic):
                self._waiting.append((hear, Arrived(topic, body, retained=True)))

    def deafen(self, hear: Hear) -> None:
        """Hand nothing more to a listener, nor what waits for it."""
        self._listeners = [each for each in self._listeners if each[1] != hear]
        self._waiting = deque(each for each in self._waiting if each[0] != hear)

    def deliver(self) -> int:
        """Hand on everything that waits, and what follows from it; return how much that was."""
        delivered = 0
        while self._waiting:
            hear, arrived = self._waiting.popleft()
            hear(arrived)
            delivered += 1
        return delivered


def fits(pattern: tuple[str, ...], topic: str) -> bool:
    """Return whether a topic fits a pattern in which `+` stands for any one level."""
    levels = topic.split("/")
    return len(levels) == len(pattern) and all(own in ("+", level) for own, level in zip(pattern, levels, strict=True))
