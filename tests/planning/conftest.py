"""A village of one page: a flat load and a square sun, so that every answer can be worked out by hand."""

from collections.abc import Callable
from pathlib import Path

import pytest

SCENARIO = """\
site: {name: Kijiji, latitude: 0.0, longitude: 0.0, timezone: UTC, currency: USD}
weather: {file: sun.csv, format: pv_profile}
demand: {file: load.csv}
system:
  pv_kw: 12
  battery_kwh: 60
  inverter_kw: 5
  genset_kw: 0
  battery: lfp
  parameters:
    panel: {degradation_per_year: 0, losses_fraction: 0}
    battery: {charge_efficiency: 1, discharge_efficiency: 1, self_discharge_per_month: 0, soc_min: 0}
    inverter: {no_load_fraction: 0, slope: 1, curvature: 0}
costs:
  pv_per_kw: 500
  battery_per_kwh: 200
  inverter_per_kw: 100
  genset_per_kw: 300
  fuel_per_litre: 1
  battery_life_years: 10
rates: {discount: 0.0, real_or_nominal: real}
goal: {unserved_fraction_max: 0.0, years: 2, objective: npc}
seed: 1
"""


@pytest.fixture
def village(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Return a function that writes the village, with words of its scenario replaced, and gives its folder."""
    monkeypatch.chdir(tmp_path)

    def write(**replaced: str) -> Path:
        folder = tmp_path / "kijiji"
        folder.mkdir(exist_ok=True)
        text = SCENARIO
        for key, value in replaced.items():
            before = next(line for line in text.splitlines() if line.strip().startswith(f"{key}:"))
            indent = before[: len(before) - len(before.lstrip())]
            text = text.replace(before, f"{indent}{key}: {value}")
        (folder / "scenario.yaml").write_text(text)
        sun = ["pv_kw_per_kw", *(["0"] * 6 + ["0.5"] * 12 + ["0"] * 6) * 365]
        (folder / "sun.csv").write_text("\n".join(sun) + "\n")
        (folder / "load.csv").write_text("\n".join(["load_kw", *["2"] * 8760]) + "\n")
        return folder

    return write
