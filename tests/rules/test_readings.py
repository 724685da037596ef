"""Whether the moment of a row can be true: before any meter of ours, or further ahead than clocks drift."""

from datetime import UTC, datetime, timedelta

import pytest

from microgrid.monitoring.readings import Reading, clock_problem

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def row(at: datetime) -> Reading:
    return Reading("M-1", 1, 7, at, 1_000)


@pytest.mark.parametrize("at", [NOW, NOW + timedelta(days=1), datetime(2000, 1, 1, tzinfo=UTC)])
def test_a_possible_moment_is_taken(at: datetime) -> None:
    assert clock_problem(row(at), NOW) is None


@pytest.mark.parametrize("at", [NOW + timedelta(days=1, seconds=1), datetime(1970, 1, 1, tzinfo=UTC)])
def test_an_impossible_moment_is_named_with_the_row(at: datetime) -> None:
    problem = clock_problem(row(at), NOW)
    assert problem is not None
    assert problem.code == "MG-M002"
    assert "reading 'M-1:1:7'" in problem.what
    assert at.isoformat() in problem.what
