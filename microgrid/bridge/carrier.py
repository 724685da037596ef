"""What the bridge needs of whatever carries its messages: a broker on the network, or a hub in this program."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


def nothing() -> None:
    """Do nothing: stands where nobody waits for a word."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """A message as it came; `done` tells the broker that it need not send it again, once it is in the books."""

    topic: str
    body: bytes
    retained: bool = False
    done: Callable[[], None] = nothing


class Carrier(Protocol):
    """The way to publish."""

    def publish(self, topic: str, body: bytes, *, retain: bool, taken: Callable[[], None] = nothing) -> bool:
        """Publish once at least; False when there is no way or no room now, and nothing was kept of it.

        `taken` is called when the broker has it, which says nothing about the meter.
        """
