"""From sizes to plants, from steps to totals, and the minute and second that hourly means hide."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from microgrid.errors import InvalidInput
from sim.components import Components, components_of
from sim.inputs import Inputs
from sim.physics.battery import OneTank, Tanks
from sim.physics.genset import Genset
from sim.physics.inverter import DIRECT
from sim.physics.operation import Drivers, Plant, State, operate
from sim.scenario import Scenario
from sim.sizing.economics import Designs
from sim.sizing.evaluate import one_design
from sim.sizing.exact import exact_year, longest_run, totals_of
from sim.sizing.peaks import Peaks, carries, peaks_of, smallest_inverter_kw
from sim.sizing.plant import first_state, plant_of

ScenarioOf = Callable[..., Scenario]
InputsOf = Callable[..., Inputs]


def parts_of(scenario: ScenarioOf, **system: Any) -> Components:
    return components_of(scenario(system=system).system)


def plant(parts: Components, design: Designs, left: float = 1.0, pv_left: float = 1.0, dt_h: float = 1.0) -> Plant:
    return plant_of(parts, design, np.array([left]), pv_left, dt_h)


DESIGN = one_design(10.0, 40.0, 8.0, 6.0)


def test_kilowatts_become_watts_once(scenario: ScenarioOf) -> None:
    changes = {
        "battery": {"soc_min": 0.2, "soc_max": 0.9, "charge_c_rate": 0.5, "discharge_c_rate": 1.0},
        "inverter": {"no_load_fraction": 0.01, "curvature": 0.04, "charger_fraction": 0.5},
        "genset": {"minimum_load_fraction": 0.3},
    }
    made = plant(parts_of(scenario, parameters=changes), DESIGN)
    assert (made.dc_pv_w, made.ac_pv_w) == (10e3, 0.0)
    assert (made.tank.floor_wh, made.tank.ceiling_wh) == pytest.approx((8e3, 36e3))
    assert (made.tank.charge_limit_w, made.tank.discharge_limit_w) == (20e3, 40e3)
    assert (made.inverter.rated_w, made.inverter.no_load_w, made.inverter.charger_w) == (8e3, 80.0, 4e3)
    assert made.inverter.curvature_per_w == pytest.approx(0.04 / 8e3)
    assert made.genset == pytest.approx(Genset(6e3, 1.8e3))
    assert (made.kibam, made.setpoint_wh, made.shedding) == (None, None, None)


def test_wear_takes_capacity_and_leaves_the_rates(scenario: ScenarioOf) -> None:
    new, old = plant(parts_of(scenario), DESIGN), plant(parts_of(scenario), DESIGN, left=0.85, pv_left=0.9)
    assert old.tank.ceiling_wh == pytest.approx(0.85 * new.tank.ceiling_wh)
    assert old.tank.charge_limit_w == new.tank.charge_limit_w
    assert old.dc_pv_w == pytest.approx(9e3)


def test_strategies_and_thresholds_follow_the_capacity_that_is_left(scenario: ScenarioOf) -> None:
    parts = parts_of(
        scenario,
        dispatch="cycle_charging",
        setpoint_soc=0.7,
        shedding={"standard_below_soc": 0.2, "deferrable_below_soc": 0.4, "deferrable_limit_kw": 0.5},
    )
    made = plant(parts, one_design(10.0, 40.0, 8.0, 0.0), left=0.5)
    assert made.setpoint_wh == pytest.approx(14e3)
    assert made.shedding == pytest.approx((4e3, 8e3, 0.0, 500.0))
    with_engine = plant(parts, DESIGN, left=0.5)
    assert with_engine.shedding is not None
    assert with_engine.shedding[:2] == (0.0, 0.0)  # the engine starts instead


def test_ac_coupled_panels_stand_on_the_other_bus(scenario: ScenarioOf) -> None:
    made = plant(parts_of(scenario, coupling="ac"), DESIGN)
    assert (made.dc_pv_w, made.ac_pv_w) == (0.0, 10e3)


@pytest.mark.parametrize("system", [{"inverter": "none"}, {"topology": "home_system"}, {"topology": "lamp"}])
def test_without_an_inverter_loads_stand_on_the_dc_bus(scenario: ScenarioOf, system: dict[str, Any]) -> None:
    made = plant(parts_of(scenario, inverter_kw=0.0, **system), DESIGN)
    assert made.inverter == DIRECT
    assert made.ac_pv_w == 0.0


def test_an_inverter_of_nothing_is_not_a_division_by_nothing(scenario: ScenarioOf) -> None:
    made = plant(parts_of(scenario), one_design(0.0, 0.0, 0.0, 0.0))
    assert (made.inverter.rated_w, made.inverter.curvature_per_w) == (0.0, 0.0)
    world = Drivers(np.full((3, 24), 100.0), *(np.ones(24) for _ in range(4)))._replace(ac_source_w=np.zeros(24))
    _, _, runs = exact_year(world, made, first_state(made, 1.0, np.zeros(1)), 1.0)
    totals = runs[0][1]
    assert (totals.served_kwh, totals.unserved_kwh) == pytest.approx((0.0, 7.2))


def test_uneven_phases_carry_less_together(scenario: ScenarioOf) -> None:
    even, uneven, single = (
        plant(parts_of(scenario, phases=phases, imbalance_fraction=share), DESIGN)
        for phases, share in ((3, 0.0), (3, 0.25), (1, 0.25))
    )
    assert even.inverter.rated_w == 8e3
    assert uneven.inverter.rated_w == pytest.approx(6.4e3)
    assert single.inverter.rated_w == 8e3


@pytest.mark.parametrize("dt_h", [1.0, 0.5, 0.25])
def test_a_months_rest_costs_a_months_self_discharge_at_any_step(scenario: ScenarioOf, dt_h: float) -> None:
    parts = parts_of(scenario, parameters={"battery": {"self_discharge_per_month": 0.05}})
    keep = plant(parts, DESIGN, dt_h=dt_h).tank.keep
    assert keep ** (730.5 / dt_h) == pytest.approx(0.95)


def test_the_first_day_begins_inside_the_window(scenario: ScenarioOf) -> None:
    made = plant(parts_of(scenario, parameters={"battery": {"soc_min": 0.2, "soc_max": 0.9}}), DESIGN)
    for start, held_wh in ((1.0, 36e3), (0.5, 20e3), (0.0, 8e3)):
        state = first_state(made, start, np.array([40e3]))
        assert state.tanks == pytest.approx((held_wh, held_wh))
        assert state.running == 0.0
    two_tanks = plant(parts_of(scenario, battery="lead_acid_agm"), DESIGN)
    assert two_tanks.kibam is not None
    total_wh, available_wh = first_state(two_tanks, 0.75, np.array([40e3])).tanks
    assert (total_wh, available_wh) == pytest.approx((30e3, 30e3 * two_tanks.kibam.fraction))


def test_a_part_that_is_not_in_the_catalogue_is_refused(scenario: ScenarioOf) -> None:
    with pytest.raises(InvalidInput, match="leadacid"):
        components_of(scenario().system.model_copy(update={"battery": "leadacid"}))


DAY = Drivers(np.zeros((3, 6)), np.zeros(6), np.zeros(6), np.ones(6), np.ones(6))


@pytest.mark.parametrize("dt_h", [1.0, 0.5, 0.25])
def test_totals_of_six_steps_by_hand(dt_h: float) -> None:
    """Two dark steps, a sunny one, three dark ones; 1 kW wanted, 1.2 kWh in store at 1 h: the rest scales with it."""
    drivers = DAY._replace(
        loads_w=np.stack([np.full(6, 200.0), np.full(6, 300.0), np.full(6, 500.0)]),
        pv_w_per_w=np.array([0.0, 0.0, 1.0, 0.0, 0.0, 0.0]),
    )
    tank = OneTank(0.0, 2e3 * dt_h, 1.0, 1.0, 9e9, 9e9, 1.0)
    plant = Plant(2.5e3, 0.0, tank, DIRECT, Genset(0.0, 0.0), None, None, None)
    start = State(Tanks(1.2e3 * dt_h, 1.2e3 * dt_h), 0.0)
    steps, _ = operate(drivers, plant, start, dt_h)
    totals = totals_of(drivers, plant, start, steps, dt_h)
    assert totals.load_kwh == pytest.approx(6.0 * dt_h)
    assert totals.served_kwh == pytest.approx((1.0 + 0.2 + 1.0 + 1.0 + 0.5) * dt_h)
    assert totals.unserved_kwh == pytest.approx((0.8 + 0.5 + 1.0) * dt_h)
    assert totals.served_critical_kwh == pytest.approx(5.0 * 0.2 * dt_h)
    assert totals.served_standard_kwh == pytest.approx((0.3 + 0.3 + 0.3 + 0.3) * dt_h)
    assert totals.served_deferrable_kwh == pytest.approx(3.0 * 0.5 * dt_h)
    assert totals.battery_charge_kwh == pytest.approx(1.5 * dt_h)
    assert totals.battery_discharge_kwh == pytest.approx(2.7 * dt_h)
    assert totals.battery_gain_kwh == pytest.approx(-1.2 * dt_h)
    assert totals.spilled_kwh == 0.0
    assert totals.unserved_hours == pytest.approx(3.0 * dt_h)
    assert totals.longest_outage_hours == pytest.approx(2.0 * dt_h)
    assert totals.peak_load_kw == 1.0
    assert totals.imbalance_kwh == pytest.approx(0.0, abs=1e-12)


def test_less_than_a_ten_thousandth_missing_is_no_outage() -> None:
    missing = {1.00005: 0.0, 1.0003: 6.0}
    for wanted, hours in missing.items():
        drivers = DAY._replace(loads_w=np.full((3, 6), 1e3 / 3.0 * wanted), pv_w_per_w=np.ones(6))
        plant = Plant(1e3, 0.0, OneTank(0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0), DIRECT, Genset(0.0, 0.0), None, None, None)
        start = State(Tanks(0.0, 0.0), 0.0)
        assert totals_of(drivers, plant, start, operate(drivers, plant, start, 1.0)[0], 1.0).unserved_hours == hours


@pytest.mark.parametrize(
    ("marks", "longest"), [("", 0), ("0", 0), ("1", 1), ("0110111", 3), ("1110", 3), ("10101", 1), ("000111", 3)]
)
def test_longest_run(marks: str, longest: int) -> None:
    assert longest_run(np.array([mark == "1" for mark in marks], dtype=bool)) == longest


def evening_peak(inputs: InputsOf, **changes: Any) -> Inputs:
    """Return a world of 1 kW all day and 3 kW in the busiest hour, 5 kW for a minute, a motor that starts with 7 kW."""
    loads_w = np.zeros((1, 3, 8760))
    loads_w[0, 1] = 1e3
    loads_w[0, 1, 19::24] = 3e3
    return inputs(loads_w=loads_w, peak_minute_w=5e3, largest_start_w=7e3, **changes)


def test_the_minute_and_the_motor_start_are_those_of_the_last_year(scenario: ScenarioOf, inputs: InputsOf) -> None:
    parts = parts_of(scenario)
    assert peaks_of(evening_peak(inputs), parts) == Peaks(5.0, 10.0)
    growing = np.linspace(1.0, 2.0, 24).reshape(2, 12)
    assert peaks_of(evening_peak(inputs, load_factor=growing), parts) == Peaks(10.0, 13.0)


def test_uneven_phases_raise_the_peaks(scenario: ScenarioOf, inputs: InputsOf) -> None:
    parts = parts_of(scenario, phases=3, imbalance_fraction=0.1)
    assert peaks_of(evening_peak(inputs), parts) == pytest.approx(Peaks(5.5, 11.0))


@pytest.mark.parametrize("system", [{"check_peaks": False}, {"inverter": "none", "inverter_kw": 0.0}])
def test_who_does_not_look_for_peaks_refuses_nothing(
    scenario: ScenarioOf, inputs: InputsOf, system: dict[str, Any]
) -> None:
    parts = parts_of(scenario, **system)
    assert peaks_of(evening_peak(inputs), parts) is None
    assert carries(DESIGN, parts, None).tolist() == [True]


def test_overload_and_surge_and_engine_carry_the_peaks_together(scenario: ScenarioOf) -> None:
    rugged = {"inverter": {"overload_factor": 1.25, "surge_factor": 2.0}, "genset": {"surge_factor": 1.5}}
    parts, peaks = parts_of(scenario, parameters=rugged), Peaks(5.0, 10.0)
    sizes = [(3.9, 0.0), (4.0, 0.0), (5.0, 0.0), (2.0, 2.5), (2.5, 4.0), (0.0, 7.0)]
    inverter_kw, genset_kw = (np.array(column) for column in zip(*sizes, strict=True))
    designs = Designs(0.0 * inverter_kw, 0.0 * inverter_kw, inverter_kw, genset_kw)
    assert carries(designs, parts, peaks).tolist() == [False, False, True, False, True, True]
    smallest_kw = smallest_inverter_kw(parts, peaks)
    assert smallest_kw == 5.0
    assert carries(one_design(0.0, 0.0, smallest_kw, 0.0), parts, peaks).tolist() == [True]
    assert carries(one_design(0.0, 0.0, 0.99 * smallest_kw, 0.0), parts, peaks).tolist() == [False]
