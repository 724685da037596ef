"""A meter of a fleet: the broker it is on, and where it is in the life of its connection."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from enum import IntEnum
from math import inf
from typing import TYPE_CHECKING

from device.emulated import Emulated
from device.radio import FIRST_WAIT_S

if TYPE_CHECKING:
    import paho.mqtt.client as mqtt

CONNECTING_AT_ONCE = 80  # a broker's queue of callers holds a hundred


@dataclass(frozen=True, slots=True)
class Broker:
    """Where the broker is and how it is reached."""

    host: str
    port: int
    keepalive_s: int = 60
    tls: ssl.SSLContext | None = None
    connecting_at_once: int = CONNECTING_AT_ONCE
    first_wait_s: float = FIRST_WAIT_S  # before the second try; ever longer after that


class Place(IntEnum):
    """Where a meter is on its way to the broker."""

    QUEUED = 0  # for its turn to connect
    CONNECTING = 1
    HERE = 2
    SILENT = 3  # its connection is dead and it does not know
    WAITING = 4  # to try again
    OFF = 5  # its radio is dead
    GONE = 6


class Station:
    """One meter of a fleet and its connection."""

    __slots__ = ("birth", "client", "device", "due_s", "is_stuck", "latest_s", "link_s", "place", "tries", "used_s")

    client: mqtt.Client

    def __init__(self, device: Emulated) -> None:
        self.device = device
        self.place = Place.QUEUED
        self.is_stuck = False  # more is to be written than the connection takes
        self.birth = self.tries = 0
        self.link_s = self.due_s = inf  # when the connection, and when anything, is to be looked after
        self.used_s = self.latest_s = 0.0  # last traffic; last arrival, where messages stay in order

    def __lt__(self, _other: object) -> bool:
        """Say that no meter comes before another one that is due at the same moment."""
        return False

    @property
    def meter(self) -> str:
        """Return the id of the meter."""
        return self.device.meter.nameplate.meter

    @property
    def is_here(self) -> bool:
        """Return whether the broker knows that it is here."""
        return self.place is Place.HERE


@dataclass(slots=True)
class Counts:
    """What has happened to a fleet since it began."""

    comings: int = 0
    goings: int = 0
    failed: int = 0  # tries to connect
    refused: int = 0  # tries that the broker refused: a wrong password, say
    heard: int = 0  # messages of the service
    said: int = 0
    lost_on_the_way: int = 0  # either way, by the radio
    dropped: int = 0  # said while too many waited for a connection
