"""The counted random numbers are Philox 4x32-10, and look like chance."""

import numpy as np
import pytest

from sim.demand.chance import STATE_SIZE, Draws, between, next_block, normal, start, uniform, varied


def stream_of(appliance: int = 0, member: int = 0, day: int = 0) -> Draws:
    state = np.zeros(STATE_SIZE, np.uint64)
    start(state, 17, 4, appliance, member, day)
    return state


@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [
        ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)
def test_the_authors_known_answers(counter: tuple[int, ...], key: tuple[int, ...], expected: tuple[int, ...]) -> None:
    state = np.zeros(STATE_SIZE, np.uint64)
    state[:4], state[4:6] = counter, key
    next_block(state)
    assert tuple(int(word) for word in state[6:10]) == expected


def test_uniform_numbers_fill_the_unit_interval_evenly() -> None:
    state = stream_of()
    numbers = np.array([uniform(state) for _ in range(20_000)])
    counts = np.histogram(numbers, bins=20, range=(0.0, 1.0))[0]
    assert 0.0 < numbers.min() < numbers.max() < 1.0
    assert ((counts - 1000.0) ** 2 / 1000.0).sum() < 43.8  # chi-square, 19 degrees of freedom, 0.1 %


def test_neighbouring_streams_share_nothing() -> None:
    first = np.array([uniform(stream_of(member=member)) for member in range(4000)])
    for other in ({"appliance": 1}, {"day": 1}):
        second = np.array([uniform(stream_of(member=member, **other)) for member in range(4000)])
        assert abs(np.corrcoef(first, second)[0, 1]) < 0.06
    assert abs(np.corrcoef(first[:-1], first[1:])[0, 1]) < 0.06


def test_normal_numbers_have_mean_nought_and_deviation_one() -> None:
    state = stream_of(day=3)
    numbers = np.array([normal(state) for _ in range(20_000)])
    assert abs(numbers.mean()) < 0.03
    assert abs(numbers.std() - 1.0) < 0.03


def test_whole_numbers_reach_both_ends() -> None:
    state = stream_of(day=4)
    assert {between(state, -2, 2) for _ in range(200)} == {-2, -1, 0, 1, 2}


def test_no_jitter_uses_no_number() -> None:
    state = stream_of()
    assert varied(state, 0.0) == 1.0
    assert uniform(state) == uniform(stream_of())
