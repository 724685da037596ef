"""A key figure that can be asked where it comes from: exact, and with everything behind it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

Exact = int | Fraction


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one contract, account, connection, feeder or day adds to a figure, and its journal lines."""

    of: str
    numerator: Exact
    denominator: Exact
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Figure:
    """One key figure: a numerator over a denominator, how it was counted, and the evidence that adds up to it.

    `unit` is what `value` counts ("fraction" when it has none); `basis` says in words who and what is counted.
    """

    name: str
    unit: str
    basis: str
    numerator: Exact
    denominator: Exact
    evidence: tuple[Evidence, ...]

    @property
    def value(self) -> Fraction | None:
        """Return the exact figure, or None when there is nothing to divide by."""
        return Fraction(self.numerator) / Fraction(self.denominator) if self.denominator else None

    @property
    def behind(self) -> tuple[str, ...]:
        """Return the ids of the contracts, accounts or connections the figure was counted from."""
        return tuple(part.of for part in self.evidence)

    @property
    def lines(self) -> tuple[str, ...]:
        """Return the ids of the journal lines the figure was counted from, each once."""
        return tuple(dict.fromkeys(line for part in self.evidence for line in part.lines))

    def shown(self, places: int, times: int = 1) -> Decimal | None:
        """Return the figure as people read it, halves rounded away from zero; `times=100` gives per cent."""
        return None if self.value is None else rounded(self.value * times, places)


def figure(name: str, unit: str, basis: str, evidence: Iterable[Evidence]) -> Figure:
    """Return the figure that a portfolio's evidence adds up to: all numerators over all denominators."""
    parts = tuple(evidence)
    numerator = sum((part.numerator for part in parts), start=0)
    denominator = sum((part.denominator for part in parts), start=0)
    return Figure(name, unit, basis, numerator, denominator, parts)


def together(figures: Iterable[Figure]) -> Figure:
    """Return the same figure for several portfolios at once; never a mean of their ratios.

    Raises ValueError when none is given, or when they were not counted in the same way.
    """
    several = tuple(figures)
    kinds = {(one.name, one.unit, one.basis) for one in several}
    if len(kinds) != 1:
        raise ValueError(f"figures of one name, unit and basis can be joined, not of {len(kinds)}: {sorted(kinds)}")
    name, unit, basis = kinds.pop()
    return figure(name, unit, basis, (part for one in several for part in one.evidence))


def rounded(value: Fraction, places: int) -> Decimal:
    """Return a fraction with so many decimal places, halves rounded away from zero."""
    scaled = value * 10**places
    whole, rest = divmod(abs(scaled), 1)
    units = int(whole) + (1 if rest * 2 >= 1 else 0)
    return Decimal(f"{'-' if scaled < 0 and units else ''}{units}E-{places}")
