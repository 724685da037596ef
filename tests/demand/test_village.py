"""RAMP's own example village, reproduced within its day-to-day spread.

Reference: rampdemand 0.5.2, input file 1, 5 runs of 30 days from 2020-01-01 with random seeds 100 to 104.
"""

import numpy as np
import pytest

from sim.demand.engine import FloatArray, customers_year
from sim.demand.tiers import example_village

DAILY_KWH, DAILY_KWH_SPREAD = 258.2197, 4.3298
PEAK_KW, PEAK_KW_SPREAD = 20.1881, 0.5611
HOURLY_W = np.array(
    [
        9005.3, 10416.8, 11038.2, 11485.9, 11520.2, 10324.7, 8264.8, 8000.5, 8441.6, 8677.2, 8662.3, 8638.4,
        9000.4, 9468.1, 8574.3, 8329.6, 8299.7, 8813.6, 11352.9, 15444.9, 18093.2, 18433.3, 16605.3, 11328.5,
    ]
)  # fmt: skip


@pytest.fixture(scope="module")
def days_w() -> FloatArray:
    total_w: FloatArray = customers_year(example_village(), 100, 1).load_w.sum(axis=0)
    return total_w.reshape(365, 1440)


def test_it_has_its_134_customers_and_977_kinds_of_appliance() -> None:
    village = example_village()
    assert sum(user.count for user in village) == 134
    assert sum(user.count * len(user.appliances) for user in village) == 977


def test_daily_energy_and_its_spread(days_w: FloatArray) -> None:
    daily_kwh = days_w.sum(axis=1) / 60_000.0
    assert abs(daily_kwh.mean() - DAILY_KWH) < DAILY_KWH_SPREAD / 2.0
    assert daily_kwh.std() == pytest.approx(DAILY_KWH_SPREAD, rel=0.25)


def test_daily_peak_and_its_spread(days_w: FloatArray) -> None:
    peak_kw = days_w.max(axis=1) / 1000.0
    assert abs(peak_kw.mean() - PEAK_KW) < PEAK_KW_SPREAD / 2.0
    assert peak_kw.std() == pytest.approx(PEAK_KW_SPREAD, rel=0.25)


def test_the_mean_day_has_the_same_shape(days_w: FloatArray) -> None:
    mean_w = days_w.mean(axis=0)
    np.testing.assert_allclose(mean_w.reshape(24, 60).mean(axis=1), HOURLY_W, rtol=0.04)
    assert mean_w.mean() / mean_w.max() == pytest.approx(0.574, abs=0.01)
    assert mean_w.max() == pytest.approx(18_748.0, rel=0.02)
    assert abs(int(mean_w.argmax()) - 1264) < 30
    assert mean_w.min() == pytest.approx(2904.0, rel=0.15)
