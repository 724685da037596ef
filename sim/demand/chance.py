"""Random numbers that can be made anywhere: Philox 4x32-10, counted instead of carried on.

Source: Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC11, 2011. The stream
of one (key, appliance, member, day) needs nothing of any other, so customers can be added, left out or
computed on their own.
"""

from __future__ import annotations

import math
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from sim.physics.kernel import Function

numba: Any
try:
    import numba
except ModuleNotFoundError:  # the bare install: plain Python, slow but the same
    numba = None

Draws = NDArray[np.uint64]

_MULTIPLY_0, _MULTIPLY_1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_WEYL_0, _WEYL_1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
_LOW_32, _SHIFT_32 = np.uint64(0xFFFFFFFF), np.uint64(32)
_BLOCK = 4  # numbers made at once
_USED, _OUTPUT = 10, 6  # places in the state: 0-3 counter, 4-5 key, 6-9 numbers, 10 how many of them are used
STATE_SIZE = 11


def inner(function: Function) -> Function:
    """Mark a function that is compiled only as part of the engine; called from Python it is plain Python."""
    return function if numba is None else cast(Function, numba.extending.register_jitable(function))


@inner
def start(state: Draws, key_0: int, key_1: int, appliance: int, member: int, day: int) -> None:
    """Turn `state`, (11,) u64, to the first number of one stream; all names are below 2**32."""
    state[0] = 0
    state[1] = appliance
    state[2] = member
    state[3] = day
    state[4] = key_0
    state[5] = key_1
    state[_USED] = _BLOCK


@inner
def next_block(state: Draws) -> None:
    """Make the next four 32-bit numbers of a stream and count one on."""
    c0, c1, c2, c3, k0, k1 = state[0], state[1], state[2], state[3], state[4], state[5]
    for _ in range(10):
        p0, p1 = _MULTIPLY_0 * c0, _MULTIPLY_1 * c2
        c0, c1, c2, c3 = (p1 >> _SHIFT_32) ^ c1 ^ k0, p1 & _LOW_32, (p0 >> _SHIFT_32) ^ c3 ^ k1, p0 & _LOW_32
        k0, k1 = (k0 + _WEYL_0) & _LOW_32, (k1 + _WEYL_1) & _LOW_32
    state[_OUTPUT], state[_OUTPUT + 1], state[_OUTPUT + 2], state[_OUTPUT + 3] = c0, c1, c2, c3
    state[0] += np.uint64(1)
    state[_USED] = 0


@inner
def uniform(state: Draws) -> float:
    """Return a number between 0 and 1, never 0 or 1 itself, 32 bits fine."""
    if state[_USED] >= np.uint64(_BLOCK):
        next_block(state)
    used = int(state[_USED])
    state[_USED] = used + 1
    return (float(state[_OUTPUT + used]) + 0.5) * 2.0**-32


@inner
def between(state: Draws, low: int, high: int) -> int:
    """Return a whole number from low to high, both included and all alike."""
    return low + int(uniform(state) * (high - low + 1))


@inner
def varied(state: Draws, jitter: float) -> float:
    """Return a factor between 1 - jitter and 1 + jitter; no jitter takes no number."""
    if jitter == 0.0:
        return 1.0
    return 1.0 - jitter + 2.0 * jitter * uniform(state)


@inner
def normal(state: Draws) -> float:
    """Return a standard normal number (Box and Muller 1958)."""
    radius = math.sqrt(-2.0 * math.log(uniform(state)))
    return radius * math.cos(2.0 * math.pi * uniform(state))
