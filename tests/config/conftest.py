"""One right scenario; each test spoils a copy of it."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from microgrid.config import read
from microgrid.errors import InvalidInput, Problem
from sim.scenario import Scenario

GOOD = """\
site:
  name: Kisiju
  latitude: -7.42
  longitude: 39.33
  timezone: Africa/Dar_es_Salaam
  currency: TZS
weather:
  monthly_ghi_kwh_m2_day: [5.6, 5.8, 5.4, 4.7, 4.6, 4.7, 4.7, 5.0, 5.5, 5.8, 5.9, 5.7]
  monthly_temp_c: [28, 28, 28, 27, 26, 25, 24, 24, 25, 26, 27, 28]
demand:
  households:
    - {tier: 2, count: 60}
  growth_per_year: 0.04
system:
  pv_kw: [5, 80]
  battery_kwh: [10, 400]
  inverter_kw: 15
  battery: lfp
costs:
  currency: USD
  exchange_rate: {tzs_per_usd: 2550, on: 2026-11-01}
  pv_per_kw: 520
  battery_per_kwh: 240
  inverter_per_kw: 190
rates: {discount: 0.09, real_or_nominal: real}
goal: {unserved_fraction_max: 0.02, years: 20}
seed: 7
"""

Spoil = Callable[..., tuple[Problem, ...]]


@pytest.fixture
def good() -> str:
    return GOOD


@pytest.fixture
def spoil(tmp_path: Path) -> Spoil:
    """Return what is wrong after replacing pieces of the right scenario: spoil((old, new), ...)."""

    def problems(*changes: tuple[str, str]) -> tuple[Problem, ...]:
        text = GOOD
        for old, new in changes:
            assert text.count(old) == 1, f"{old!r} must stand exactly once in the right scenario"
            text = text.replace(old, new)
        path = tmp_path / "site.yaml"
        path.write_text(text, encoding="utf-8")
        try:
            read(path, Scenario)
        except InvalidInput as error:
            return tuple(_shortened(problem, tmp_path) for problem in error.problems)
        return ()

    return problems


def _shortened(problem: Problem, folder: Path) -> Problem:
    from dataclasses import replace

    return replace(problem, file=re.sub(f"^{re.escape(folder.as_posix())}/", "", problem.file))
