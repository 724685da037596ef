"""Numbers as people read them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.report import amounts
from sim.report.amounts import MINUS, NO_BREAK


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (1234567.0, "1,234,567"),
        (0.46768, "0.468"),
        (58.3203, "58.3"),
        (20.0, "20"),
        (-4.25, f"{MINUS}4.25"),
        (0.000123456, "0.000123"),
        (math.inf, "none"),
        (math.nan, "none"),
    ],
)
def test_numbers_have_three_digits_and_thousands_apart(value: float, text: str) -> None:
    assert amounts.number(value) == text


@given(st.floats(min_value=-1e12, max_value=1e12).filter(lambda value: value == 0.0 or abs(value) > 1e-9))
def test_a_number_reads_back_as_what_it_was(value: float) -> None:
    read = float(amounts.number(value).replace(",", "").replace(MINUS, "-"))
    assert read == pytest.approx(value, rel=0.0051)


@pytest.mark.parametrize(
    ("value", "places", "text"),
    [(-0.0004, 2, "0.00"), (-1.5, 1, f"{MINUS}1.5"), (12345.678, 1, "12,345.7"), (math.inf, 2, "none")],
)
def test_fixed_decimals_never_show_a_negative_zero(value: float, places: int, text: str) -> None:
    assert amounts.fixed(value, places) == text


def test_units_follow_the_size_of_the_thing() -> None:
    shown = [
        amounts.power(58.32),
        amounts.power(0.05),
        amounts.power(0.0),
        amounts.energy(0.006),
        amounts.energy(1e-12),
    ]
    assert [text.replace(NO_BREAK, " ") for text in shown] == ["58.3 kW", "50 W", "0 kW", "6 Wh", "0 kWh"]


def test_money_is_whole_from_a_hundred_on() -> None:
    shown = [amounts.money(96400.4, "USD"), amounts.money(0.4677, "USD"), amounts.money(math.inf, "USD")]
    assert [text.replace(NO_BREAK, " ") for text in shown] == ["96,400 USD", "0.468 USD", "none"]


def test_a_column_has_as_many_decimals_as_its_largest_number_needs() -> None:
    assert amounts.column([1500.4, 2.0]) == ["1,500", "2"]
    assert amounts.column([15.04, 2.0]) == ["15.0", "2.0"]
    assert amounts.column([1.5, math.inf]) == ["1.500", "none"]


def test_words_are_listed_as_a_sentence_lists_them() -> None:
    assert [amounts.listed(list(words)) for words in ("", "a", "ab", "abc")] == ["", "a", "a and b", "a, b and c"]
