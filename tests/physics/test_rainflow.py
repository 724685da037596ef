"""Rainflow counting against the standard's own example and against what any count must conserve."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.physics.rainflow import rainflow, turning_points

HISTORIES = st.lists(st.integers(-20, 20), max_size=60).map(lambda values: np.array(values, dtype=np.float64))


def test_astm_e1049_example() -> None:
    cycles = rainflow(np.array([-2.0, 1, -3, 5, -1, 3, -4, 4, -2]))
    counted: Counter[float] = Counter()
    for size, count in zip(cycles.ranges.tolist(), cycles.counts.tolist(), strict=True):
        counted[size] += count
    assert counted == {3.0: 0.5, 4.0: 1.5, 6.0: 0.5, 8.0: 1.0, 9.0: 0.5}


@pytest.mark.parametrize("history", [[], [0.5], [0.5, 0.5, 0.5]])
def test_a_battery_that_rests_has_no_cycles(history: list[float]) -> None:
    assert rainflow(np.array(history)).ranges.size == 0


def test_one_way_is_half_a_cycle() -> None:
    cycles = rainflow(np.array([0.2, 0.5, 0.9]))
    assert cycles.ranges.tolist() == pytest.approx([0.7])
    assert cycles.counts.tolist() == [0.5]


def test_flat_stretches_do_not_turn() -> None:
    assert turning_points(np.array([0.0, 1, 1, 1, 2, 2, 0, 0])).tolist() == [0.0, 2.0, 0.0]


@given(HISTORIES)
@settings(max_examples=200, deadline=None)
def test_every_way_up_and_down_is_counted_once(history: np.ndarray) -> None:
    cycles = rainflow(history)
    travelled = np.abs(np.diff(history)).sum() if history.size > 1 else 0.0
    assert float((cycles.ranges * cycles.counts).sum() * 2.0) == travelled


@given(HISTORIES)
@settings(max_examples=200, deadline=None)
def test_the_whole_range_is_always_found(history: np.ndarray) -> None:
    cycles = rainflow(history)
    if cycles.ranges.size:
        assert cycles.ranges.max() == history.max() - history.min()
