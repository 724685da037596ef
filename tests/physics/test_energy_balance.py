"""Every step of any plant: energy closes, nobody is given more than they asked for, nothing leaves its limits."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest

from sim.physics.battery import Kibam, Limits, OneTank, Tanks, kibam_of
from sim.physics.dispatch import Loads, Shedding, Sources, served_by_class
from sim.physics.genset import Genset
from sim.physics.inverter import DIRECT, Inverter, dc_from_ac_w
from sim.physics.operation import Drivers, Outcome, Plant, State, battery_limits, operate, rest, step
from sim.sizing.exact import totals_of

NO_INVERTER = Inverter(0.0, 0.0, 1.015, 0.0, 0.0, 0.94)


class World(NamedTuple):
    """One step of one plant, before it is run."""

    state: State
    loads: Loads
    sources: Sources
    plant: Plant
    capacity_factor: float
    rate_factor: float
    dt_h: float


def inverter_for(chance: np.random.Generator) -> Inverter:
    rated_w = chance.choice([1000.0, 5000.0, chance.uniform(100.0, 40e3)])
    made = Inverter(
        rated_w,
        rated_w * chance.choice([0.0, 0.03]),
        chance.uniform(1.0, 1.2),
        chance.choice([0.0, 0.1]) / rated_w,
        rated_w * chance.choice([0.0, 0.5, 1.0]),
        chance.uniform(0.8, 1.0),
    )
    return (made, made, DIRECT, NO_INVERTER)[chance.integers(4)]


def battery_for(chance: np.random.Generator, dt_h: float) -> tuple[OneTank, Kibam | None, Tanks]:
    capacity_wh = chance.choice([0.0, 1000.0, 10.0 ** chance.uniform(1.0, 5.5)])
    floor, two_tanks = chance.uniform(0.0, 0.5), chance.random() < 0.5
    tank = OneTank(
        capacity_wh * floor,
        capacity_wh * chance.choice([1.0, chance.uniform(0.8, 1.0)]),
        charge_efficiency=chance.uniform(0.7, 1.0),
        discharge_efficiency=chance.uniform(0.7, 1.0),
        charge_limit_w=capacity_wh * chance.uniform(0.05, 2.0),
        discharge_limit_w=capacity_wh * chance.uniform(0.05, 2.0),
        keep=chance.choice([1.0, 0.9999, 0.99]),
    )
    share = chance.choice([0.0, 1.0, chance.random()])
    total_wh = tank.floor_wh + share * (tank.ceiling_wh - tank.floor_wh)
    if not two_tanks:
        return tank, None, Tanks(total_wh, total_wh)
    kibam = kibam_of(capacity_wh, floor, chance.uniform(0.1, 0.9), chance.uniform(0.05, 4.0), dt_h)
    low_wh = max(0.0, total_wh - (1.0 - kibam.fraction) * capacity_wh)
    high_wh = min(total_wh, kibam.fraction * capacity_wh)
    return tank, kibam, Tanks(total_wh, low_wh + chance.random() * (high_wh - low_wh))


def world_of(number: int) -> World:
    """Return one of endlessly many worlds: round numbers are frequent, so that ties and zeros happen."""
    chance = np.random.Generator(np.random.Philox(key=number))
    dt_h = float(chance.choice([1.0, 0.5, 0.25, 1.0 / 60.0]))
    tank, kibam, tanks = battery_for(chance, dt_h)
    engine_w = chance.choice([0.0, 1000.0, chance.uniform(100.0, 30e3)])
    genset = Genset(engine_w, engine_w * chance.choice([0.0, 0.3, 1.0]))
    setpoint_wh = chance.choice([0.5, 0.8, 1.0]) * tank.ceiling_wh if chance.random() < 0.5 else None
    thresholds_wh = sorted(chance.random(2) * tank.ceiling_wh)
    shedding = Shedding(*thresholds_wh) if chance.random() < 0.5 else None
    plant = Plant(0.0, 0.0, tank, inverter_for(chance), genset, kibam, setpoint_wh, shedding)
    powers_w = [float(chance.choice([0.0, 1000.0, 10.0 ** chance.uniform(-2.0, 4.7)])) for _ in range(5)]
    running = float(chance.integers(2)) if engine_w > 0.0 else 0.0
    factors = chance.uniform(0.5, 1.0), chance.choice([0.0, 1.0, chance.random()])
    return World(State(tanks, running), Loads(*powers_w[:3]), Sources(*powers_w[3:]), plant, *factors, dt_h)


@pytest.fixture(scope="module", params=[1500, pytest.param(20_000, marks=pytest.mark.long)])
def worlds(request: pytest.FixtureRequest) -> list[World]:
    return [world_of(number) for number in range(request.param)]


def limits_of(world: World) -> Limits:
    plant = world.plant
    rested = rest(world.state.tanks, plant.tank)
    return battery_limits(rested, plant.tank, plant.kibam, world.capacity_factor, world.rate_factor, world.dt_h)


def tolerance_w(world: World, outcome: Outcome) -> float:
    return 1e-9 * max(1e-3, *world.loads, *world.sources, *(abs(power_w) for power_w in outcome.flow))


def test_power_in_is_power_out_lost_or_spilled(worlds: list[World]) -> None:
    for world in worlds:
        outcome = step(*world)
        flow = outcome.flow
        came_w = world.sources.ac_w + world.sources.dc_w + flow.battery_w + flow.genset_w
        lost_w = (flow.dc_used_w - flow.inverter_w) + (flow.charger_ac_w - flow.charger_dc_w)
        went_w = outcome.served_w + lost_w + flow.spilled_w
        assert came_w == pytest.approx(went_w, rel=0.0, abs=tolerance_w(world, outcome))


def test_the_battery_holds_what_its_terminals_saw(worlds: list[World]) -> None:
    for world in worlds:
        outcome = step(*world)
        tank, dt_h, battery_w = world.plant.tank, world.dt_h, outcome.flow.battery_w
        kept_wh = world.state.tanks.total_wh * tank.keep
        drawn_w = battery_w / tank.discharge_efficiency if battery_w > 0.0 else battery_w * tank.charge_efficiency
        largest_wh = max(1e-3, kept_wh, abs(drawn_w) * dt_h)
        assert outcome.state.tanks.total_wh == pytest.approx(kept_wh - drawn_w * dt_h, rel=0.0, abs=1e-9 * largest_wh)


def test_the_battery_stays_in_its_window_and_under_its_limits(worlds: list[World]) -> None:
    for world in worlds:
        outcome, limits, tank = step(*world), limits_of(world), world.plant.tank
        assert -limits.charge_w <= outcome.flow.battery_w <= limits.discharge_w + tolerance_w(world, outcome)
        assert limits.charge_w <= tank.charge_limit_w * world.rate_factor
        assert limits.discharge_w <= tank.discharge_limit_w * world.rate_factor
        small_wh = 1e-9 * max(1.0, tank.ceiling_wh)
        held_wh, before_wh = outcome.state.tanks.total_wh, world.state.tanks.total_wh * tank.keep
        floor_wh = tank.ceiling_wh - (tank.ceiling_wh - tank.floor_wh) * world.capacity_factor
        assert min(floor_wh, before_wh) - small_wh <= held_wh <= tank.ceiling_wh + small_wh
        assert -small_wh <= outcome.state.tanks.available_wh <= held_wh + small_wh


def test_classes_are_served_in_order_and_never_more_than_they_asked(worlds: list[World]) -> None:
    for world in worlds:
        outcome = step(*world)
        small_w = tolerance_w(world, outcome)
        served = served_by_class(outcome.offer, outcome.served_w)
        assert sum(served) == pytest.approx(outcome.served_w, rel=0.0, abs=small_w)
        assert outcome.served_w + outcome.unserved_w == pytest.approx(sum(world.loads), rel=0.0, abs=small_w)
        assert outcome.unserved_w >= 0.0
        for got_w, offered_w, asked_w in zip(served, outcome.offer, world.loads, strict=True):
            assert 0.0 <= got_w <= offered_w <= asked_w
        for first, later in ((0, 1), (1, 2)):
            assert served[first] >= outcome.offer[first] - small_w or served[later] <= small_w


def test_engine_inverter_and_charger_stay_inside_their_ratings(worlds: list[World]) -> None:
    for world in worlds:
        flow, plant = step(*world).flow, world.plant
        small_w = 1e-9 * max(1.0, *world.loads, *world.sources, plant.genset.rated_w)
        assert flow.genset_w == 0.0 or plant.genset.minimum_w <= flow.genset_w <= plant.genset.rated_w
        assert 0.0 <= flow.inverter_w <= plant.inverter.rated_w
        assert flow.inverter_w <= flow.dc_used_w + small_w
        assert flow.inverter_w == 0.0 or flow.dc_used_w == pytest.approx(
            dc_from_ac_w(flow.inverter_w, plant.inverter), rel=1e-9, abs=small_w
        )
        assert 0.0 <= flow.charger_ac_w <= plant.inverter.charger_w
        assert flow.spilled_w >= -small_w


def test_nobody_goes_without_while_something_could_still_give(worlds: list[World]) -> None:
    for world in worlds:
        flow, plant, limits = step(*world).flow, world.plant, limits_of(world)
        small_w = 1e-6 * max(1.0, *world.loads, *world.sources)
        if flow.unserved_w > small_w:
            assert flow.genset_w == plant.genset.rated_w
            inverter_is_full = flow.inverter_w >= plant.inverter.rated_w - small_w
            assert inverter_is_full or flow.battery_w >= limits.discharge_w - small_w
            assert flow.spilled_w <= small_w or inverter_is_full


def test_nothing_on_the_dc_bus_spills_while_the_battery_could_take_it(worlds: list[World]) -> None:
    for world in worlds:
        flow, limits = step(*world).flow, limits_of(world)
        small_w = 1e-6 * max(1.0, *world.loads, *world.sources)
        if flow.spilled_w > small_w:
            charger_is_full = flow.charger_ac_w >= world.plant.inverter.charger_w - small_w
            assert charger_is_full or flow.battery_w <= -limits.charge_w + small_w


def test_load_following_runs_no_engine_the_battery_could_replace(worlds: list[World]) -> None:
    for world in worlds:
        outcome = step(*world)
        plant, limits, load_w = world.plant, limits_of(world), sum(outcome.offer)
        if plant.setpoint_wh is None and outcome.flow.genset_w > 0.0:
            deficit_w = max(0.0, load_w - world.sources.ac_w)
            enough = dc_from_ac_w(deficit_w, plant.inverter) <= world.sources.dc_w + limits.discharge_w
            assert not (enough and deficit_w <= plant.inverter.rated_w)


def test_a_battery_that_holds_more_than_it_still_can_only_gives() -> None:
    """A year's wear lowers the ceiling under what the battery holds."""
    for kibam in (None, kibam_of(8e3, 0.1, 0.3, 0.8, 1.0)):
        tank = OneTank(800.0, 8e3, 0.95, 0.95, 4e3, 4e3, 1.0)
        plant = Plant(0.0, 0.0, tank, DIRECT, Genset(0.0, 0.0), kibam, None, None)
        full = State(Tanks(9e3, 9e3 if kibam is None else 2.7e3), 0.0)
        idle = step(full, Loads(0.0, 100.0, 0.0), Sources(0.0, 5e3), plant, 1.0, 1.0, 1.0)
        assert idle.flow.battery_w == 0.0
        assert idle.flow.spilled_w == 4900.0
        assert step(full, Loads(0.0, 1e3, 0.0), Sources(0.0, 0.0), plant, 1.0, 1.0, 1.0).served_w == 1e3


@pytest.mark.parametrize("parts", [1, 2, 4])
def test_a_year_closes_at_every_step_length(
    plant_name: str,
    parts: int,
    plant_at: Callable[[str, float], Plant],
    start_of: Callable[[Plant], State],
    hourly_days: Callable[[int], Drivers],
    cut: Callable[[Drivers, int], Drivers],
) -> None:
    plant = plant_at(plant_name, 1.0 / parts)
    drivers = cut(hourly_days(365), parts)
    steps, _ = operate(drivers, plant, start_of(plant), 1.0 / parts)
    year = totals_of(drivers, plant, start_of(plant), steps, 1.0 / parts)
    assert year.imbalance_kwh == pytest.approx(0.0, abs=1e-9 * year.load_kwh)
    assert year.served_kwh + year.unserved_kwh == pytest.approx(year.load_kwh, rel=1e-12)
    assert np.all(steps.served_w <= drivers.loads_w * (1.0 + 1e-12))
