"""The meter in C99 as tests call it: with one key, as the meter of the bench."""

from __future__ import annotations

import ctypes

from device.reference.c99_meter import SOURCES, STRICT, built
from device.reference.c99_meter import CMeter as MeterInC

__all__ = ["SOURCES", "STRICT", "CMeter", "built"]


class CMeter(MeterInC):
    """A meter in C behind a relay."""

    def __init__(self, library: ctypes.CDLL, key: bytes, epoch: int) -> None:
        super().__init__(library, (key, None), epoch)
