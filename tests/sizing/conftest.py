"""Small worlds for the sweep and the search: a village's year, fleets of designs, and studies without files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pytest

from sim.components import components_of
from sim.inputs import Inputs
from sim.physics.battery import OneTank, Tanks, kibam_of
from sim.physics.dispatch import Shedding
from sim.physics.genset import Genset
from sim.physics.inverter import Inverter
from sim.physics.operation import Drivers, Plant, State
from sim.scenario import Scenario
from sim.sizing.evaluate import Study
from sim.sizing.peaks import peaks_of
from sim.sizing.plant import each

FloatArray = npt.NDArray[np.float64]
RANGES = ((5e3, 80e3), (1e4, 4e5), (4e3, 4e4), (1e3, 2e4))  # panels [W], battery [Wh], inverter [W], engine [W]


class Fleet(NamedTuple):
    """Designs as arrays, and the state they start in."""

    plant: Plant
    state: State


def year_at(dt_h: float) -> Drivers:
    """Return a year of sun, cloudy spells, a village's load and cool mornings, at any step."""
    hours = np.arange(round(8760 / dt_h)) * dt_h
    of_day, day = hours % 24.0, (hours // 24).astype(int)
    chance = np.random.Generator(np.random.Philox(key=5))
    cloud, noise = chance.uniform(0.15, 1.0, 365)[day], chance.uniform(0.7, 1.3, hours.size)
    load_w = noise * (2500.0 + 7000.0 * np.exp(-((of_day - 20.0) ** 2) / 6.0) + 2000.0 * (of_day > 9) * (of_day < 16))
    sun = np.maximum(0.0, np.sin((of_day - 6.0) / 12.0 * np.pi)) * cloud
    ones = np.ones(hours.size)
    cool = of_day < 6.0
    loads_w = np.stack([0.2 * load_w, 0.5 * load_w, 0.3 * load_w])
    return Drivers(loads_w, sun, 0.0 * ones, np.where(cool, 0.9, 1.0), np.where(cool, 0.5, 1.0))


def fleet_of(parts: str, count: int, dt_h: float) -> Fleet:
    """Return random designs; `parts` names what they have: engine, kibam, ac, cycle, shed, limit."""
    chance = np.random.Generator(np.random.Philox(key=17))
    pv_w, wh, rated_w, engine_w = (each(chance.uniform(*ends, count)) for ends in RANGES)
    engine_w *= each(np.where(chance.random(count) > 0.2, 1.0, 0.0) * ("engine" in parts))
    none = each(np.zeros(count))
    kibam = kibam_of(1.0, 0.3, 0.35, 0.9, dt_h)._replace(capacity_wh=wh, floor_wh=0.3 * wh)
    plant = Plant(
        none if "ac" in parts else pv_w,
        pv_w if "ac" in parts else none,
        OneTank(0.1 * wh, 0.95 * wh, 0.97, 0.97, 0.5 * wh, 0.5 * wh, 0.99995**dt_h),
        Inverter(rated_w, 0.01 * rated_w, 1.02, 0.04 / rated_w, 0.5 * rated_w, 0.93),
        Genset(engine_w, 0.3 * engine_w),
        kibam if "kibam" in parts else None,
        0.8 * wh if "cycle" in parts else None,
        Shedding(0.2 * wh, 0.4 * wh, *((500.0, 250.0) if "limit" in parts else ())) if "shed" in parts else None,
    )
    total_wh = 0.95 * wh
    return Fleet(plant, State(Tanks(total_wh, 0.35 * total_wh if "kibam" in parts else total_wh), none))


@pytest.fixture(scope="session")
def year() -> Callable[[float], Drivers]:
    """Return the function that makes a year at a step length."""
    return year_at


@pytest.fixture(scope="session")
def fleet() -> Callable[[str, int, float], Fleet]:
    """Return the function that makes random designs with some parts at a step length."""
    return fleet_of


def scenario_of(**changes: Any) -> Scenario:
    """Return a small village's file with some sections changed key by key."""
    sections: dict[str, Any] = {
        "site": {"name": "Mlima", "latitude": -6.0, "longitude": 37.0, "timezone": "UTC", "currency": "TZS"},
        "weather": {"monthly_ghi_kwh_m2_day": [5.0] * 12, "monthly_temp_c": [25.0] * 12},
        "demand": {"households": [{"tier": 2, "count": 20}]},
        "system": {"pv_kw": 10.0, "battery_kwh": 40.0, "inverter_kw": 10.0, "genset_kw": 0.0},
        "costs": {
            "pv_per_kw": 500.0,
            "battery_per_kwh": 240.0,
            "inverter_per_kw": 190.0,
            "genset_per_kw": 310.0,
            "fuel_per_litre": 1.2,
        },
        "rates": {"discount": 0.08, "real_or_nominal": "real"},
        "goal": {"unserved_fraction_max": 0.05, "years": 2, "objective": "npc"},
        "seed": 1,
    }
    for name, section in changes.items():
        sections[name] = {**sections[name], **section} if isinstance(section, dict) else section
    return Scenario.model_validate(sections)


def inputs_of(**changes: Any) -> Inputs:
    """Return the prepared inputs of a village whose year is `year_at(1.0)`, with some fields changed."""
    drivers = year_at(1.0)
    fields: dict[str, Any] = {
        "dt_h": 1.0,
        "utc_offset_s": 0,
        "year": 2023,
        "pv_w_per_w": drivers.pv_w_per_w[np.newaxis],
        "ghi_w_m2": 1000.0 * drivers.pv_w_per_w[np.newaxis],
        "temp_c": np.full((1, 8760), 25.0),
        "source_w": np.zeros(8760),
        "loads_w": drivers.loads_w[np.newaxis],
        "weights": np.ones(1),
        "load_factor": np.ones((50, 12)),
        "connected_fraction": np.ones((50, 12)),
        "connections": 20,
        "peak_minute_w": 9e3,
        "peak_three_phase_w": 0.0,
        "largest_start_w": 0.0,
        "notes": (),
        "fills": (),
    }
    return Inputs(**(fields | changes))


def study_with(scenario: Scenario, inputs: Inputs) -> Study:
    """Return a study of a scenario on given inputs."""
    parts = components_of(scenario.system)
    return Study(scenario, inputs, parts, peaks_of(inputs, parts))


@pytest.fixture(scope="session")
def scenario() -> Callable[..., Scenario]:
    """Return the function that makes a small village's file."""
    return scenario_of


@pytest.fixture(scope="session")
def inputs() -> Callable[..., Inputs]:
    """Return the function that makes a small village's inputs."""
    return inputs_of


@pytest.fixture(scope="session")
def study() -> Callable[[Scenario, Inputs], Study]:
    """Return the function that joins a scenario and inputs."""
    return study_with
