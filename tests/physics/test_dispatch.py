"""Who serves whom, in worlds of one step with exact endings."""

from __future__ import annotations

import math

import pytest

from sim.physics.battery import Limits, OneTank, Tanks, one_tank_limits, one_tank_step
from sim.physics.dispatch import (
    Flow,
    Loads,
    Shedding,
    Sources,
    dispatch,
    full_output_w,
    offered,
    served_by_class,
)
from sim.physics.genset import Genset, fuel_litres
from sim.physics.inverter import DIRECT, Inverter
from sim.physics.operation import Plant, State, step

NONE = Genset(0.0, 0.0)
SIMPLE = Inverter(1000.0, 20.0, 1.25, 0.0, 500.0, 0.8)  # 20 W idle, 80 % beyond it, both ways


def flow_of(
    load_w: float, sources: Sources, limits: Limits, inverter: Inverter = SIMPLE, genset: Genset = NONE
) -> Flow:
    return dispatch(load_w, sources, limits, inverter, genset, genset.minimum_w, hold=False)


def test_the_sun_serves_first_and_the_rest_charges() -> None:
    flow = flow_of(400.0, Sources(0.0, 900.0), Limits(1000.0, 1000.0))
    assert flow == Flow(-380.0, 400.0, 520.0, 0.0, 0.0, 0.0, 0.0, 0.0)


def test_the_battery_gives_what_the_sun_lacks() -> None:
    flow = flow_of(400.0, Sources(0.0, 100.0), Limits(1000.0, 1000.0))
    assert flow == Flow(420.0, 400.0, 520.0, 0.0, 0.0, 0.0, 0.0, 0.0)


def test_what_cannot_be_stored_is_spilled() -> None:
    flow = flow_of(400.0, Sources(0.0, 900.0), Limits(1000.0, 50.0))
    assert flow == Flow(-50.0, 400.0, 520.0, 0.0, 0.0, 0.0, 330.0, 0.0)


def test_an_inverter_serves_no_more_than_its_rating() -> None:
    flow = flow_of(1600.0, Sources(0.0, 0.0), Limits(9e9, 0.0))
    assert (flow.inverter_w, flow.dc_used_w, flow.unserved_w) == (1000.0, 1270.0, 600.0)


def test_an_empty_battery_leaves_the_idle_inverter_dark_and_calls_no_engine() -> None:
    flow = flow_of(0.0, Sources(0.0, 0.0), Limits(0.0, 0.0), genset=Genset(800.0, 200.0))
    assert flow == Flow(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


def test_the_engine_starts_when_the_battery_cannot_carry_the_load() -> None:
    # 270 W on the DC bus give (270 - 20) / 1.25 = 200 W; the engine gives the other 300
    flow = flow_of(500.0, Sources(0.0, 0.0), Limits(270.0, 500.0), genset=Genset(800.0, 200.0))
    assert (flow.genset_w, flow.inverter_w, flow.battery_w) == (300.0, 200.0, 270.0)


def test_an_engine_at_its_minimum_relieves_the_inverter_first() -> None:
    flow = flow_of(500.0, Sources(0.0, 0.0), Limits(620.0, 500.0), genset=Genset(800.0, 200.0))
    assert (flow.genset_w, flow.inverter_w, flow.battery_w) == (200.0, 300.0, 395.0)


def test_what_an_engine_must_give_beyond_the_load_charges_the_battery() -> None:
    flow = flow_of(100.0, Sources(0.0, 0.0), Limits(0.0, 500.0), genset=Genset(800.0, 200.0))
    assert (flow.genset_w, flow.charger_ac_w, flow.charger_dc_w) == (200.0, 100.0, 80.0)
    assert flow.battery_w == flow.dc_used_w - 80.0
    assert (flow.spilled_w, flow.unserved_w) == (0.0, 0.0)


def test_an_ac_source_serves_without_the_inverter_and_charges_through_it() -> None:
    flow = flow_of(300.0, Sources(1000.0, 0.0), Limits(1000.0, 1000.0))
    assert (flow.inverter_w, flow.charger_ac_w, flow.charger_dc_w) == (0.0, 500.0, 400.0)
    assert (flow.battery_w, flow.spilled_w) == (-380.0, 200.0)  # 20 W keep the inverter on; its charger takes 500


def test_loads_on_the_dc_bus_are_served_without_loss() -> None:
    flow = flow_of(300.0, Sources(0.0, 100.0), Limits(500.0, 0.0), DIRECT)
    assert flow == Flow(200.0, 300.0, 300.0, 0.0, 0.0, 0.0, 0.0, 0.0)


def test_a_running_engine_that_charges_gives_all_the_load_and_the_battery_can_take() -> None:
    engine = Genset(900.0, 200.0)
    # 300 W of load and, through the charger, 240 / 0.8 = 300 W for the battery
    assert full_output_w(300.0, Sources(0.0, 0.0), Limits(0.0, 240.0), SIMPLE, engine) == pytest.approx(600.0)
    assert full_output_w(300.0, Sources(0.0, 0.0), Limits(0.0, 9e9), SIMPLE, engine) == 800.0  # the charger's 500 W
    assert full_output_w(700.0, Sources(0.0, 0.0), Limits(0.0, 9e9), SIMPLE, engine) == 900.0  # the engine's rating
    assert full_output_w(0.0, Sources(0.0, 0.0), Limits(0.0, 0.0), SIMPLE, engine) == 200.0


def test_critical_customers_come_first() -> None:
    loads = Loads(100.0, 200.0, 300.0)
    assert served_by_class(loads, 600.0) == loads
    assert served_by_class(loads, 350.0) == Loads(100.0, 200.0, 50.0)
    assert served_by_class(loads, 250.0) == Loads(100.0, 150.0, 0.0)
    assert served_by_class(loads, 60.0) == Loads(60.0, 0.0, 0.0)
    assert served_by_class(loads, 0.0) == Loads(0.0, 0.0, 0.0)


def test_classes_are_let_go_one_after_the_other() -> None:
    loads, shedding = Loads(100.0, 200.0, 300.0), Shedding(2000.0, 5000.0)
    assert offered(loads, 5000.0, shedding) == loads
    assert offered(loads, 4999.0, shedding) == Loads(100.0, 200.0, 0.0)
    assert offered(loads, 1999.0, shedding) == Loads(100.0, 0.0, 0.0)
    limited = Shedding(2000.0, 5000.0, 250.0, 120.0)  # a class below its limit keeps all of its load
    assert offered(loads, 4999.0, limited) == Loads(100.0, 200.0, 120.0)
    assert offered(loads, 1999.0, limited) == Loads(100.0, 200.0, 120.0)


def test_shed_power_counts_as_unserved() -> None:
    tank = OneTank(0.0, 10e3, 1.0, 1.0, 1e4, 1e4, 1.0)
    plant = Plant(0.0, 0.0, tank, DIRECT, NONE, None, None, Shedding(2000.0, 5000.0))
    outcome = step(State(Tanks(3e3, 3e3), 0.0), Loads(100.0, 200.0, 300.0), Sources(0.0, 0.0), plant, 1.0, 1.0, 1.0)
    assert (outcome.served_w, outcome.unserved_w) == (300.0, 300.0)
    assert outcome.state.tanks.total_wh == 2700.0


@pytest.mark.parametrize("dt_h", [1.0, 0.5, 0.25])
def test_cycle_charging_starts_when_empty_and_stops_at_its_set_point(dt_h: float) -> None:
    tank = OneTank(1e3, 10e3, 1.0, 1.0, 1e4, 1e4, 1.0)
    plant = Plant(0.0, 0.0, tank, DIRECT, Genset(3e3, 0.0), None, 8e3, None)
    state, powers_w = State(Tanks(2e3, 2e3), 0.0), []
    for _ in range(round(10.0 / dt_h)):
        outcome = step(state, Loads(0.0, 1e3, 0.0), Sources(0.0, 0.0), plant, 1.0, 1.0, dt_h)
        state = outcome.state
        powers_w.append(outcome.flow.genset_w)
        assert outcome.unserved_w == 0.0
    steps = round(1.0 / dt_h)
    # 1 h from 2 to 1 kWh; then 3 kW for 3.5 h to the set-point at the end of a step; 7 h down again
    running = [power_w > 0.0 for power_w in powers_w]
    charging_steps = math.ceil(3.5 * steps)
    assert running == [False] * steps + [True] * charging_steps + [False] * (len(running) - steps - charging_steps)
    assert set(powers_w) == {0.0, 3e3}


@pytest.mark.parametrize("dt_h", [1.0, 0.5, 0.25])
def test_one_tank_gives_and_takes_what_its_window_and_rates_allow(dt_h: float) -> None:
    tank = OneTank(1000.0, 5000.0, 0.8, 0.5, 2000.0, 600.0, 1.0)
    limits = one_tank_limits(1200.0, tank, 1.0, 1.0, dt_h)
    assert limits == Limits(min(100.0 / dt_h, 600.0), 2000.0)
    assert one_tank_limits(4900.0, tank, 1.0, 1.0, dt_h).charge_w == pytest.approx(125.0 / dt_h)
    assert one_tank_limits(3000.0, tank, 1.0, 0.25, dt_h) == Limits(150.0, 500.0)
    # at half the usable energy the floor stands at 3000 Wh
    assert one_tank_limits(3000.0, tank, 0.5, 1.0, dt_h).discharge_w == 0.0
    assert one_tank_step(3000.0, 200.0, tank, dt_h) == 3000.0 - 400.0 * dt_h
    assert one_tank_step(3000.0, -200.0, tank, dt_h) == 3000.0 + 160.0 * dt_h


def test_fuel_follows_energy_and_running_hours() -> None:
    assert fuel_litres(10e3, 4.0, 5e3, 0.05, 0.24) == pytest.approx(0.05 * 5.0 * 4.0 + 0.24 * 10.0)
    assert fuel_litres(0.0, 0.0, 5e3, 0.05, 0.24) == 0.0
