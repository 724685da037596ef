"""A village small enough to check by hand: steady load, a sun that is the same every day but for one dark week."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from sim.components import components_of
from sim.inputs import Inputs
from sim.scenario import Scenario
from sim.sizing.economics import Designs
from sim.sizing.evaluate import Evaluation, Study, evaluate, one_design
from sim.sizing.peaks import peaks_of
from sim.sizing.search import Candidates, Sizing

FIRST_DARK_DAY, DARK_DAYS = 100, 7


def scenario_of(**changes: Any) -> Scenario:
    """Return a village's file, some of its sections changed key by key."""
    sections: dict[str, Any] = {
        "site": {"name": "Mlima", "latitude": -6.0, "longitude": 37.0, "timezone": "UTC", "currency": "TZS"},
        "weather": {"monthly_ghi_kwh_m2_day": [5.0] * 12, "monthly_temp_c": [25.0] * 12},
        "demand": {"households": [{"tier": 2, "count": 20}]},
        "system": {"pv_kw": [5.0, 20.0], "battery_kwh": 20.0, "inverter_kw": 5.0, "genset_kw": 1.0},
        "costs": {
            "currency": "USD",
            "exchange_rate": {"tzs_per_usd": 2500, "on": "2026-11-01"},
            "pv_per_kw": 500.0,
            "battery_per_kwh": 240.0,
            "inverter_per_kw": 190.0,
            "genset_per_kw": 310.0,
            "fuel_per_litre": 1.2,
            "yearly": {"staff": 100.0},
        },
        "rates": {"discount": 0.08, "real_or_nominal": "real"},
        "goal": {"unserved_fraction_max": 0.05, "years": 3, "objective": "lcoe"},
        "payg": {"plan": "home_energy", "price_per_kwh": 1000, "paid_fraction": 0.9},
        "seed": 7,
    }
    for name, section in changes.items():
        sections[name] = {**sections[name], **section} if isinstance(section, dict) else section
    return Scenario.model_validate(sections)


def inputs_of(minutes: int = 60, **changes: Any) -> Inputs:
    """Return a year of that village at a step of `minutes`, with some fields changed."""
    hours = np.arange(365 * 24 * 60 // minutes) * minutes / 60.0
    day = (hours // 24.0).astype(int)
    dark = (day >= FIRST_DARK_DAY) & (day < FIRST_DARK_DAY + DARK_DAYS)
    sun = np.maximum(0.0, np.sin((hours % 24.0 - 6.0) / 12.0 * np.pi)) * np.where(dark, 0.1, 0.8)
    load_w = np.where(hours % 24.0 >= 18.0, 2000.0, 500.0)
    fields: dict[str, Any] = {
        "dt_h": minutes / 60.0,
        "utc_offset_s": 0,
        "year": 2023,
        "pv_w_per_w": sun[np.newaxis],
        "ghi_w_m2": 1000.0 * sun[np.newaxis],
        "temp_c": np.full((1, hours.size), 25.0),
        "source_w": np.zeros(hours.size),
        "loads_w": np.stack([0.2 * load_w, 0.5 * load_w, 0.3 * load_w])[np.newaxis],
        "weights": np.ones(1),
        "load_factor": np.repeat([[1.0], [1.1], [1.2]], 12, axis=1),
        "connected_fraction": np.ones((3, 12)),
        "connections": 20,
        "peak_minute_w": 3e3,
        "peak_three_phase_w": 0.0,
        "largest_start_w": 0.0,
        "notes": ("typical year",),
        "fills": (),
    }
    return Inputs(**(fields | changes))


def study_with(scenario: Scenario, inputs: Inputs) -> Study:
    """Return a study of a scenario on given inputs."""
    parts = components_of(scenario.system)
    return Study(scenario, inputs, parts, peaks_of(inputs, parts))


def sizing_with(best: Evaluation | None) -> Sizing:
    """Return what a search of four designs found; the third is dearer than the second and serves less."""
    sizes = np.array([20.0, 10.0, 10.0, 5.0])
    same = np.ones(4)
    found = Candidates(
        Designs(sizes, 20.0 * same, 5.0 * same, same),
        npc=np.array([30e3, 20e3, 25e3, 15e3]),
        lcoe=np.array([0.6, 0.4, 0.5, 0.35]),
        capex=np.array([20e3, 15e3, 18e3, 9e3]),
        unserved_fraction=np.array([0.0, 0.04, 0.05, 0.3]),
        renewable_fraction=np.array([1.0, 0.95, 0.9, 0.7]),
    )
    return Sizing(best, found, found.picked(np.array([0, 1, 3])), searched=1234, too_weak=34, candidate_years=3600)


@pytest.fixture(scope="session")
def scenario() -> Callable[..., Scenario]:
    """Return the function that makes the village's file."""
    return scenario_of


@pytest.fixture(scope="session")
def inputs() -> Callable[..., Inputs]:
    """Return the function that makes the village's year at a step length."""
    return inputs_of


@pytest.fixture(scope="session")
def study_of() -> Callable[[Scenario, Inputs], Study]:
    """Return the function that joins the two."""
    return study_with


@pytest.fixture(scope="session")
def sizing_of() -> Callable[[Evaluation | None], Sizing]:
    """Return the function that makes a search with a given outcome."""
    return sizing_with


@pytest.fixture(scope="session")
def study() -> Study:
    """Return the village, hour by hour."""
    return study_with(scenario_of(), inputs_of())


@pytest.fixture(scope="session")
def evaluation(study: Study) -> Evaluation:
    """Return a design of the village in its first year: it goes short in the dark week only."""
    return evaluate(study, one_design(10.0, 20.0, 5.0, 1.0))
