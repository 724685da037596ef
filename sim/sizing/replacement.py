"""When equipment wears out within a project, and what is left of it at the end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Amount: TypeAlias = float | Array

AT_THE_END_YEARS = 1e-9  # a unit that lasts exactly as long as the project is not bought again


class YearOfWear(NamedTuple):
    """What happened to one kind of equipment in one year, for each candidate."""

    replaced: Amount  # how many times a unit was bought again
    worth: Amount  # the same, each time discounted to the project's start from the moment it happened
    remaining: Array  # fraction of the unit's life that is left at the end of the year


def wear_by_year(life_years: Amount, life_use: Amount, use_by_year: Array, rate: float) -> Iterator[YearOfWear]:
    """Yield each year's replacements of equipment that lasts so many years or so much use, the shorter one.

    `life_years` and `life_use` are scalars or (n,), > 0, `math.inf` where there is no such limit;
    `use_by_year` has shape (years, n), or (years, 1) where all candidates are alike, in the unit of
    `life_use`; `rate` is the real discount rate per year. Use is even within a year, so the moment is
    interpolated. With constant use a life of L years is replaced ceil(years / L) - 1 times, at L, 2 L, ...
    as HOMER does. Raises ValueError for a life that is not above zero.
    """
    if not (np.all(np.asarray(life_years) > 0.0) and np.all(np.asarray(life_use) > 0.0)):
        raise ValueError("a life must be above zero")
    years = use_by_year.shape[0]
    shape = np.broadcast_shapes(np.shape(life_years), np.shape(life_use), use_by_year.shape[1:])
    age, used = np.zeros(shape), np.zeros(shape)
    for year, use in enumerate(use_by_year):
        first = _years_to_end(life_years - age, life_use - used, use)
        room = 1.0 if year < years - 1 else 1.0 - AT_THE_END_YEARS
        due = first <= room
        age, used = age + 1.0, used + use
        replaced, worth = np.zeros(shape), np.zeros(shape)
        if due.any():
            period = np.broadcast_to(_years_to_end(life_years, life_use, use), shape)[due]
            more = np.floor((room - first[due]) / period)  # of units that were bought and ended within this year
            replaced[due] = 1.0 + more
            worth[due] = _worth(year + first[due], more, period, rate)
            age[due] = 1.0 - first[due] - more * period
            used[due] = age[due] * np.broadcast_to(use, shape)[due]
        left = 1.0 - np.minimum(np.maximum(age / life_years, used / life_use), 1.0)
        yield YearOfWear(replaced, worth, left)


def _worth(first_at: Array, more: Array, period: Array, rate: float) -> Array:
    """Return the discounted number of replacements: one at `first_at` and `more`, a period apart."""
    if rate == 0.0:
        return 1.0 + more
    rate_log = -np.log1p(rate)
    worth: Array = np.exp(rate_log * first_at)
    if more.any():
        worth = worth * np.expm1((more + 1.0) * rate_log * period) / np.expm1(rate_log * period)
    return worth


def _years_to_end(years_left: Amount, use_left: Amount, use_per_year: Array) -> Array:
    """Return how long a unit lasts at this use, infinite where neither limit applies."""
    with np.errstate(divide="ignore", invalid="ignore"):
        by_use = np.asarray(use_left) / use_per_year
    by_use = np.where(use_per_year > 0.0, by_use, np.inf)
    return np.maximum(np.minimum(years_left, by_use), 0.0)
