"""Whatever stands in a file, the answer is a scenario or messages with codes of the catalogue, never a crash."""

from contextlib import suppress

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from microgrid.cli.explaining import catalogue
from microgrid.config import review
from microgrid.config_document import parse
from microgrid.config_repair import applied
from microgrid.errors import InvalidInput, Problem
from sim.scenario import Scenario

CODES = frozenset(catalogue())
PIECES = ["", "-", "x", ":", " ", "\n", "\t", "[", "}", "'", "#", "&a", "*a", "!", "%", ",", "0", "é", "null", "true"]
VALUES = ["-1", "1e9", "0", "99", "'5'", "5 %", "x", "[1, 2]", "{a: 1}", "", "~", "true", "2026-01-01", ".inf", "[]"]


def problems_of(text: str) -> tuple[Problem, ...]:
    try:
        return review(parse(text, "site.yaml"), Scenario).problems
    except InvalidInput as error:
        return error.problems


def assert_said(problems: tuple[Problem, ...]) -> None:
    for problem in problems:
        assert problem.code in CODES
        assert problem.what
        assert str(problem).startswith("site.yaml")


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=40))
def test_any_text_is_answered(text: str) -> None:
    problems = problems_of(text)
    assert problems
    assert_said(problems)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 10_000), removed=st.integers(0, 6), piece=st.sampled_from(PIECES))
def test_any_slip_of_the_keyboard_is_answered(good: str, place: int, removed: int, piece: str) -> None:
    at = place % len(good)
    assert_said(problems_of(good[:at] + piece + good[at + removed :]))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 10_000), value=st.sampled_from(VALUES))
def test_any_value_anywhere_is_answered(good: str, place: int, value: str) -> None:
    lines = good.splitlines()
    at = place % len(lines)
    key, colon, _ = lines[at].partition(":")
    lines[at] = f"{key}{colon} {value}" if colon else f"{key} {value}"
    assert_said(problems_of("\n".join(lines)))


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 10_000), value=st.sampled_from(VALUES))
def test_safe_repairs_never_break_a_file(good: str, place: int, value: str) -> None:
    lines = good.splitlines()
    at = place % len(lines)
    key, colon, _ = lines[at].partition(":")
    text = "\n".join([*lines[:at], f"{key}{colon} {value}", *lines[at + 1 :]])
    with suppress(InvalidInput):
        examination = review(parse(text, "site.yaml"), Scenario)
        mended = review(parse(applied(text, examination.edits), "site.yaml"), Scenario)
        assert len(mended.problems) <= len(examination.problems)
