"""The catalogue: every entry loads, names its source, and a wrong name or a broken file is refused."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from microgrid.errors import InvalidInput
from sim.catalogue import Battery, Kind, Panel, load, names, read
from sim.scenario import System

KINDS: tuple[Kind, ...] = get_args(Kind)
PANEL = """
thin:
  title: thin film
  temp_coeff_per_c: -0.0025
  faiman_u0_w_m2_c: 25.0
  faiman_u1_w_s_m3_c: 6.84
  losses_fraction: 0.07
  degradation_per_year: 0.006
  life_years: 25.0
  mppt_efficiency: 0.98
  pwm_voltage_ratio: 0.7
  source: a sheet
"""


@pytest.mark.parametrize("kind", KINDS)
def test_every_entry_has_a_title_and_a_source(kind: Kind) -> None:
    for name in names(kind):
        item = load(kind, name)
        assert item.title
        assert item.source


def test_what_a_scenario_takes_without_a_word_is_there() -> None:
    chosen = {name: field.default for name, field in System.model_fields.items()}
    assert load("panels", chosen["panel"]).temp_coeff_per_c == -0.0035
    assert load("batteries", chosen["battery"]).model == "one_tank"
    assert load("inverters", chosen["inverter"]).slope >= 1.0
    assert load("gensets", chosen["genset"]).fuel_slope_l_per_kwh == 0.246


def test_ideal_equipment_loses_nothing() -> None:
    panel, inverter = load("panels", "ideal"), load("inverters", "ideal")
    assert (panel.losses_fraction, panel.temp_coeff_per_c, panel.mppt_efficiency) == (0.0, 0.0, 1.0)
    assert (inverter.no_load_fraction, inverter.slope, inverter.curvature) == (0.0, 1.0, 0.0)


@pytest.mark.parametrize("name", names("inverters"))
def test_an_inverter_never_gives_more_than_it_takes(name: str) -> None:
    inverter = load("inverters", name)
    for output in (0.05, 0.3, 1.0):
        taken = inverter.no_load_fraction + inverter.slope * output + inverter.curvature * output**2
        assert taken >= output


@pytest.mark.parametrize("name", ["lead_acid_agm", "lead_acid_opzs"])
def test_lead_acid_full_cycles_follow_from_its_curve(name: str) -> None:
    battery = load("batteries", name)
    depth = battery.soc_max - battery.soc_min
    ageing = battery.ageing
    assert ageing.cycles_a is not None
    assert ageing.cycles_b is not None
    assert ageing.life_cycles == pytest.approx(depth * ageing.cycles_a * depth**-ageing.cycles_b, rel=0.02)


def test_unknown_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(InvalidInput) as refused:
        load("batteries", "lead_acid_amg")
    (problem,) = refused.value.problems
    assert problem.code == "MG-C041"
    assert problem.what == "there is no battery called 'lead_acid_amg' in the catalogue"
    assert problem.fix == "did you mean 'lead_acid_agm'?"


def test_unknown_name_far_from_all_lists_them() -> None:
    with pytest.raises(InvalidInput) as refused:
        load("gensets", "zzz")
    assert refused.value.problems[0].fix == "use one of diesel, diesel_efficient, petrol"


def test_a_file_is_read_by_name(tmp_path: Path) -> None:
    path = tmp_path / "panels.yaml"
    path.write_text(PANEL, encoding="utf-8")
    assert read(path, Panel)["thin"].life_years == 25.0


def test_every_mistake_of_a_file_is_reported_at_once(tmp_path: Path) -> None:
    path = tmp_path / "panels.yaml"
    broken = PANEL.replace("life_years: 25.0", "life_years: long").replace("-0.0025", "-0.25") + "  colour: blue\n"
    path.write_text(broken, encoding="utf-8")
    with pytest.raises(InvalidInput) as refused:
        read(path, Panel)
    assert {problem.code for problem in refused.value.problems} == {"MG-C042"}
    said = " ".join(problem.what for problem in refused.value.problems)
    assert all(word in said for word in ("thin.life_years", "thin.temp_coeff_per_c", "thin.colour"))


@pytest.mark.parametrize(
    "text", ["", "- a\n- b\n", "a: [1, 2\n", "a: {title: x, source: y}\na: {title: z, source: y}\n"]
)
def test_a_file_that_is_no_list_of_entries_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "batteries.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidInput, match="MG-C042"):
        read(path, Battery)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="MG-C042"):
        read(tmp_path / "panels.yaml", Panel)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("soc_min: 0.5", "soc_min: 1.0", "soc_min must be below soc_max"),
        ("kibam_c: 0.315\n", "kibam_k_per_h_: 1\n", "kibam_k_per_h_"),
        ("    cycles_b: 1.354\n", "", "cycles_a and cycles_b"),
        ("temp_c: -20.0", "temp_c: 30.0", "rising order"),
    ],
)
def test_a_battery_that_contradicts_itself_is_refused(tmp_path: Path, old: str, new: str, said: str) -> None:
    text = _delivered("batteries", "lead_acid_agm")
    assert old in text
    path = tmp_path / "batteries.yaml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(InvalidInput, match=said):
        read(path, Battery)


def _delivered(kind: Kind, name: str) -> str:
    """Return the text of one entry of the delivered catalogue."""
    root = Path(__file__).resolve().parent.parent.parent
    lines = (root / "configs" / "catalogue" / f"{kind}.yaml").read_text(encoding="utf-8").splitlines()
    start = lines.index(f"{name}:")
    ends = [index for index, line in enumerate(lines) if index > start and line and not line.startswith(" ")]
    return "\n".join(lines[start : min([*ends, len(lines)])]) + "\n"
