"""How much energy a sum buys ahead: as much as it covers, and not a step more."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgrid.billing.credit import MICRO, MonthState
from microgrid.billing.plans import Block, EnergyRules, Tax
from microgrid.billing.prepaid import price_micro, steps_bought
from microgrid.kept import Credit

STEPPED = EnergyRules((Block(2000, 10_000_000), Block(5000, 40_000_000), Block(None, 25_000_000)), (), 500)
TAXED = Tax(160_000, included=False)
months = st.builds(MonthState, st.integers(0, 9_000), st.integers(0, 9_000))


@pytest.mark.parametrize(
    ("used_wh", "block_wh", "energy_wh", "minor"),
    [
        (0, 0, 500, 0),
        (0, 0, 600, 100 * 10),
        (400, 0, 2_600, 100 * 0 + 2_000 * 10 + 500 * 40),
        (9_000, 8_500, 1_000, 25_000),
    ],
)
def test_the_free_allowance_comes_first_then_the_blocks(
    used_wh: int, block_wh: int, energy_wh: int, minor: int
) -> None:
    assert price_micro(STEPPED, Tax(), MonthState(used_wh, block_wh), energy_wh) == minor * MICRO


@given(st.integers(0, 500_000), st.integers(0, 10**12), months, st.sampled_from([Tax(), TAXED]))
def test_one_step_more_would_cost_more_than_there_is(
    balance_minor: int, accrued_micro: int, month: MonthState, tax: Tax
) -> None:
    credit = Credit("a", balance_minor, accrued_micro)
    budget_micro = balance_minor * MICRO - accrued_micro
    steps = steps_bought(credit, STEPPED, tax, month, 100, 10_000)
    if budget_micro < 0:
        assert steps == 0
    else:
        assert price_micro(STEPPED, tax, month, steps * 100) <= budget_micro
        assert price_micro(STEPPED, tax, month, steps * 100 + 100) > budget_micro


def test_energy_that_costs_nothing_ends_somewhere() -> None:
    free = EnergyRules((Block(None, 0),))
    assert steps_bought(Credit("a", 0), free, Tax(), MonthState(), 100, 160) == 160
