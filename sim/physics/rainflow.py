"""Counts the cycles in a history that goes up and down, as fatigue and battery wear need them."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Series = NDArray[np.float64]


class Cycles(NamedTuple):
    """Ranges of a history and how often each was passed through: 1.0 for there and back, 0.5 for one way."""

    ranges: Series
    counts: Series


def rainflow(history: Series) -> Cycles:
    """Return the cycles of a history, such as the state of charge over a year.

    `history` has shape (steps,), any unit; the ranges come back in that unit, in the order in which they
    close. A history with fewer than two turning points has no cycles. Raises nothing; NaN is not allowed in.
    Source: ASTM E1049-85 (2017), section 5.4.4, rainflow counting.
    """
    ranges: list[float] = []
    counts: list[float] = []
    open_points: list[float] = []
    for point in turning_points(history).tolist():
        open_points.append(point)
        _close_cycles(open_points, ranges, counts)
    for first, second in pairwise(open_points):
        ranges.append(abs(second - first))
        counts.append(0.5)
    return Cycles(np.array(ranges, dtype=np.float64), np.array(counts, dtype=np.float64))


def turning_points(history: Series) -> Series:
    """Return the first value, every value where the history turns, and the last, shape (points,).

    A flat stretch counts as one point, so that a battery resting at full is a single turn.
    """
    values = np.asarray(history, dtype=np.float64)
    moved = np.ones(values.size, dtype=np.bool_)
    moved[1:] = values[1:] != values[:-1]
    values = values[moved]
    if values.size < 3:
        return values if values.size > 1 else values[:0]
    rising = np.diff(values) > 0.0
    turns = np.ones(values.size, dtype=np.bool_)
    turns[1:-1] = rising[1:] != rising[:-1]
    return values[turns]


def _close_cycles(points: list[float], ranges: list[float], counts: list[float]) -> None:
    while len(points) >= 3:
        newest = abs(points[-1] - points[-2])
        before = abs(points[-2] - points[-3])
        if newest < before:
            return
        ranges.append(before)
        if len(points) == 3:  # the range holds the starting point, so nothing ever closes it: a half cycle
            counts.append(0.5)
            del points[0]
        else:
            counts.append(1.0)
            del points[-3:-1]
