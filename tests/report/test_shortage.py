"""When and why power was missing."""

import numpy as np
import pytest

from sim.report.shortage import FloatArray, Shortage, shortage_of

NOTHING = np.zeros(8760)
FIRST_OF_MAY = 120 * 24


def missing_at(*hours: int) -> FloatArray:
    """Return a year in which a kilowatt is missing in some hours."""
    unserved_w = NOTHING.copy()
    unserved_w[list(hours)] = 1000.0
    return unserved_w


def found_in(unserved_w: FloatArray, inverter_w: float = 0.0, battery_w: float = 0.0) -> Shortage | None:
    """Return the shortage of a system with a 5 kW inverter and a battery that may give 3 kW."""
    each = np.ones(8760)
    return shortage_of(unserved_w, inverter_w * each, battery_w * each, 5000.0, 3000.0 * each, 1.0)


@pytest.mark.parametrize(
    ("inverter_w", "battery_w", "parts"),
    [
        (5000.0, 3000.0, (1.0, 0.0, 0.0)),  # both at their limit: a larger battery would not help
        (4000.0, 3000.0, (0.0, 1.0, 0.0)),
        (4000.0, 1000.0, (0.0, 0.0, 1.0)),
    ],
)
def test_the_cause_is_what_gives_all_it_can(
    inverter_w: float, battery_w: float, parts: tuple[float, float, float]
) -> None:
    found = found_in(missing_at(20, 21), inverter_w, battery_w)
    assert found is not None
    assert (found.inverter_full, found.battery_full, found.battery_low) == parts
    assert found.unserved_kwh == 2.0


def test_month_and_hours_are_those_in_which_most_is_missing() -> None:
    found = found_in(missing_at(FIRST_OF_MAY + 22, FIRST_OF_MAY + 23, FIRST_OF_MAY + 25, 12))
    assert found is not None
    assert (found.worst_month, found.worst_month_part) == ("May", 0.75)
    assert (found.worst_hour, found.worst_hours_part) == (22, 0.75)  # 22, 23, 0 and 1 o'clock


def test_nothing_missing_is_no_shortage() -> None:
    assert found_in(NOTHING) is None
    assert found_in(1e-6 * missing_at(3)) is None


def test_a_system_without_battery_is_short_of_energy() -> None:
    zero = np.zeros(8760)
    found = shortage_of(missing_at(20), zero, zero, np.inf, zero, 1.0)
    assert found is not None
    assert found.battery_low == 1.0
