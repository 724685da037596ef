"""What is prepared once and kept: made anew when anything it rests on changes, and each loss in it counted once."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from sim import loading as kept
from sim.catalogue import FOLDER
from sim.components import components_of
from sim.physics.inverter import pvwatts_ac_w
from sim.preparing import pv_per_watt
from sim.scenario import Scenario
from sim.weather.series import WeatherYear


def scenario_of(**system: object) -> Scenario:
    return Scenario.model_validate(
        {
            "site": {"name": "Mlima", "latitude": -6.0, "longitude": 37.0, "timezone": "UTC", "currency": "TZS"},
            "weather": {"file": "sun.csv"},
            "demand": {"file": "load.csv"},
            "system": {"pv_kw": 10.0, "battery_kwh": 40.0, "inverter_kw": 10.0, **system},
            "costs": {"pv_per_kw": 500.0, "battery_per_kwh": 240.0},
            "rates": {"discount": 0.08, "real_or_nominal": "real"},
            "goal": {"unserved_fraction_max": 0.05, "years": 2},
            "seed": 1,
        }
    )


@pytest.fixture
def catalogue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of the catalogue that takes the place of the delivered one."""
    copy = tmp_path / "catalogue"
    shutil.copytree(FOLDER, copy)
    monkeypatch.setattr(kept, "CATALOGUE", copy)
    return copy


def test_a_changed_catalogue_data_file_or_word_asks_for_new_inputs(tmp_path: Path, catalogue: Path) -> None:
    (tmp_path / "sun.csv").write_text("ghi\n1\n", encoding="utf-8")
    (tmp_path / "load.csv").write_text("kw\n2\n", encoding="utf-8")
    keys = [kept.key_of(scenario_of(), tmp_path)]
    panels = catalogue / "panels.yaml"
    panels.write_text(panels.read_text(encoding="utf-8").replace("0.068", "0.070"), encoding="utf-8")
    keys.append(kept.key_of(scenario_of(), tmp_path))
    (tmp_path / "load.csv").write_text("kw\n3\n", encoding="utf-8")
    keys.append(kept.key_of(scenario_of(), tmp_path))
    keys.append(kept.key_of(scenario_of(panel="poly"), tmp_path))
    assert len(set(keys)) == 4
    assert kept.key_of(scenario_of(panel="poly"), tmp_path) == keys[-1]


def sunny_year() -> WeatherYear:
    """Return a year whose every hour has 800 W/m2 on the plane at 25 degC and a breeze."""
    dark, sun = np.zeros(8760), np.full(8760, 800.0)
    air = np.full(8760, 25.0)
    return WeatherYear(3600, 0, 2025, dark, dark, dark, air, np.ones(8760), poa_w_m2=sun)


@pytest.mark.parametrize("controller", ["mppt", "pwm"])
def test_panels_on_the_ac_bus_lose_in_their_inverter_and_in_no_charge_controller(controller: str) -> None:
    made = scenario_of(coupling="ac", controller=controller, panel="ideal")
    parts = components_of(made.system)
    assert parts.inverter is not None
    expected = pvwatts_ac_w(0.8, 1.0, parts.inverter.pv_inverter_efficiency)
    lossy = scenario_of(
        coupling="ac", controller=controller, panel="ideal", parameters={"panel": {"mppt_efficiency": 0.5}}
    )
    for scenario in (made, lossy):
        assert pv_per_watt(scenario, sunny_year()) == pytest.approx(np.full(8760, expected), rel=1e-12)


def test_panels_on_the_dc_bus_lose_in_their_charge_controller() -> None:
    made = scenario_of(panel="ideal", parameters={"panel": {"mppt_efficiency": 0.9, "losses_fraction": 0.1}})
    assert pv_per_watt(made, sunny_year()) == pytest.approx(np.full(8760, 0.8 * 0.9 * 0.9), rel=1e-12)
