"""Small worlds that several tests run: a plant of every kind, and days of sun and load."""

from collections.abc import Callable

import numpy as np
import pytest

from sim.physics.battery import OneTank, Tanks, kibam_of
from sim.physics.dispatch import Shedding
from sim.physics.genset import Genset
from sim.physics.inverter import DIRECT, Inverter
from sim.physics.operation import Drivers, Plant, State

INVERTER = Inverter(9e3, 60.0, 1.015, 0.035 / 9e3, 6e3, 0.94)
TANK = OneTank(3e3, 30e3, 0.975, 0.96, 12e3, 20e3, 1.0)


def plant_called(name: str, dt_h: float) -> Plant:
    """Return one kind of plant; the parts of its name say what it has."""
    kibam = kibam_of(30e3, 0.1, 0.35, 0.9, dt_h) if "kibam" in name else None
    on_ac = "ac" in name.split("-")
    return Plant(
        0.0 if on_ac else 12e3,
        12e3 if on_ac else 0.0,
        OneTank(0.0, 0.0, 0.975, 0.96, 0.0, 0.0, 1.0) if "empty" in name else TANK._replace(keep=0.9999**dt_h),
        DIRECT if "direct" in name else INVERTER,
        Genset(7e3, 2e3) if "genset" in name else Genset(0.0, 0.0),
        kibam,
        24e3 if "cycle" in name else None,
        Shedding(8e3, 15e3) if "shed" in name else None,
    )


PLANTS = (
    "plain",
    "genset",
    "genset-cycle",
    "shed",
    "genset-cycle-shed",
    "ac",
    "ac-genset-cycle-shed",
    "direct",
    "direct-genset",
    "empty",
    "empty-genset",
    "kibam",
    "kibam-genset",
    "kibam-genset-cycle",
    "kibam-ac-genset-cycle-shed",
)


@pytest.fixture(params=PLANTS)
def plant_name(request: pytest.FixtureRequest) -> str:
    """Return the name of each kind of plant in turn."""
    return str(request.param)


@pytest.fixture(scope="session")
def plant_at() -> Callable[[str, float], Plant]:
    """Return the function that makes a plant of a kind for a step length."""
    return plant_called


@pytest.fixture(scope="session")
def start_of() -> Callable[[Plant], State]:
    """Return the function that gives a plant a half-full battery and an engine at rest."""

    def start(plant: Plant) -> State:
        total_wh = 0.5 * (plant.tank.floor_wh + plant.tank.ceiling_wh)
        return State(Tanks(total_wh, total_wh * (1.0 if plant.kibam is None else plant.kibam.fraction)), 0.0)

    return start


@pytest.fixture(scope="session")
def hourly_days() -> Callable[[int], Drivers]:
    """Return the function that makes some days of hourly sun, cloud, evening load and warm batteries."""

    def days(count: int) -> Drivers:
        hours = np.arange(24 * count)
        chance = np.random.Generator(np.random.Philox(key=11))
        load_w = 1500.0 + 5000.0 * np.exp(-(((hours % 24) - 20.0) ** 2) / 8.0) + chance.uniform(0.0, 2500.0, hours.size)
        cloud = np.repeat(chance.uniform(0.2, 1.0, count), 24)
        sun = np.maximum(0.0, np.sin((hours % 24 - 6.0) / 12.0 * np.pi)) * cloud
        river_w = np.where(hours % 24 < 3, 400.0, 0.0)
        warm = 1.0 - 0.1 * (hours % 7 == 0)
        return Drivers(np.outer([0.2, 0.5, 0.3], load_w), sun, river_w, warm, 1.0 - 0.5 * (hours % 11 == 0))

    return days


@pytest.fixture(scope="session")
def cut() -> Callable[[Drivers, int], Drivers]:
    """Return the function that cuts each step of hourly drivers into equal shorter ones."""

    def shorter(drivers: Drivers, parts: int) -> Drivers:
        return Drivers(*(np.repeat(series, parts, axis=-1) for series in drivers))

    return shorter
