"""A figure is exact, empty when there is nothing to divide by, and names what is behind it."""

from decimal import Decimal
from fractions import Fraction

import pytest

from microgrid.billing.figures import Evidence, figure, rounded, together


def test_portfolio_adds_numerators_and_denominators_and_is_no_mean_of_ratios() -> None:
    small = figure("RR", "fraction", "all", [Evidence("a", 48, 60, ("l1", "l2"))])
    large = figure("RR", "fraction", "all", [Evidence("b", 100, 100, ("l3", "l1"))])
    both = together([small, large])
    assert (both.numerator, both.denominator, both.value) == (148, 160, Fraction(37, 40))
    assert both.behind == ("a", "b")
    assert both.lines == ("l1", "l2", "l3")


def test_nothing_to_divide_by_is_not_zero() -> None:
    empty = figure("RR", "fraction", "all", [])
    assert empty.value is None
    assert empty.shown(1) is None
    assert figure("RR", "fraction", "all", [Evidence("a", 5, 0)]).value is None
    assert figure("RR", "fraction", "all", [Evidence("a", 0, 5)]).value == 0


def test_figures_counted_differently_are_not_joined() -> None:
    active, everyone = (figure("ARPU", "minor", basis, []) for basis in ("active", "all"))
    with pytest.raises(ValueError, match="one name, unit and basis"):
        together([active, everyone])
    with pytest.raises(ValueError, match="not of 0"):
        together([])


@pytest.mark.parametrize(
    ("value", "places", "text"),
    [
        (Fraction(148, 360) * 100, 1, "41.1"),
        (Fraction(1, 8), 2, "0.13"),
        (Fraction(-1, 8), 2, "-0.13"),
        (Fraction(-1, 1000), 2, "0.00"),
        (Fraction(5, 2), 0, "3"),
        (Fraction(10**40 + 1, 2), 0, str(10**40 // 2 + 1)),
        (Fraction(10**30 * 3 + 1, 3), 2, f"{10**30}.33"),
    ],
)
def test_shown_rounds_halves_away_from_zero_at_any_size(value: Fraction, places: int, text: str) -> None:
    assert rounded(value, places) == Decimal(text)
    assert f"{rounded(value, places):f}" == text
