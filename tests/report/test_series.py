"""The CSV of every step: what it says must add up by itself, and to the totals of the year."""

import csv
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from sim.inputs import FloatArray, Inputs
from sim.report.series import offset_text, write_series
from sim.scenario import Scenario
from sim.sizing.evaluate import Evaluation, Study, evaluate, one_design

Written = tuple[list[dict[str, str]], dict[str, FloatArray]]
STEPS = (60, 30, 15)


def read(path: Path) -> Written:
    """Return the rows of a series, and its numbers by column."""
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    names = list(rows[0])[2:]
    return rows, {name: np.array([float(row[name]) for row in rows]) for name in names}


@pytest.fixture
def at_step(
    scenario: Callable[..., Scenario],
    inputs: Callable[..., Inputs],
    study_of: Callable[[Scenario, Inputs], Study],
    tmp_path: Path,
) -> Callable[..., tuple[Study, Evaluation, Written]]:
    """Return the function that evaluates the village at a step length and reads its series back."""

    def run(minutes: int, year: int = 1, **changes: object) -> tuple[Study, Evaluation, Written]:
        study = study_of(scenario(step_minutes=minutes), inputs(minutes, **changes))
        result = evaluate(study, one_design(10.0, 20.0, 5.0, 1.0), year)
        write_series(tmp_path / "series.csv", study, result)
        return study, result, read(tmp_path / "series.csv")

    return run


@pytest.mark.parametrize("minutes", STEPS)
def test_every_row_balances_by_itself(minutes: int, at_step: Callable[..., tuple[Study, Evaluation, Written]]) -> None:
    _, _, (_, of) = at_step(minutes)
    came = of["pv_w"] + of["source_w"] + of["genset_w"] + of["battery_w"]
    served = of["served_critical_w"] + of["served_standard_w"] + of["served_deferrable_w"]
    wanted = of["load_critical_w"] + of["load_standard_w"] + of["load_deferrable_w"]
    went = served + of["spilled_w"] + of["inverter_loss_w"] + of["charger_loss_w"]
    assert np.abs(came - went).max() < 0.005  # ten numbers, each rounded to 0.001 W
    assert np.abs(wanted - served - of["unserved_w"]).max() < 0.005
    assert of["unserved_w"].max() > 0.0
    assert of["genset_w"].max() > 0.0


@pytest.mark.parametrize("minutes", STEPS)
def test_the_columns_sum_to_the_totals_of_the_year(
    minutes: int, at_step: Callable[..., tuple[Study, Evaluation, Written]]
) -> None:
    _, result, (rows, of) = at_step(minutes)
    totals, kwh = result.years[0], minutes / 60.0 / 1000.0
    rounding = len(rows) * 0.0005 * kwh
    assert len(rows) == 365 * 24 * 60 // minutes
    sums = {
        "served_critical_w": totals.served_critical_kwh,
        "served_standard_w": totals.served_standard_kwh,
        "served_deferrable_w": totals.served_deferrable_kwh,
        "unserved_w": totals.unserved_kwh,
        "pv_w": totals.pv_kwh,
        "source_w": totals.source_kwh,
        "genset_w": totals.genset_kwh,
        "spilled_w": totals.spilled_kwh,
        "inverter_loss_w": totals.inverter_loss_kwh,
        "charger_loss_w": totals.charger_loss_kwh,
        "battery_w": totals.battery_discharge_kwh - totals.battery_charge_kwh,
    }
    assert {name: of[name].sum() * kwh for name in sums} == pytest.approx(sums, abs=rounding)


@pytest.mark.parametrize("minutes", STEPS)
def test_the_battery_gains_what_it_was_given_less_its_losses(
    minutes: int, at_step: Callable[..., tuple[Study, Evaluation, Written]]
) -> None:
    study, result, (_, of) = at_step(minutes)
    battery, dt_h = study.parts.battery, minutes / 60.0
    charge, discharge = np.maximum(-of["battery_w"], 0.0), np.maximum(of["battery_w"], 0.0)
    moved_wh = (charge * battery.charge_efficiency - discharge / battery.discharge_efficiency) * dt_h
    gained_wh = np.diff(of["battery_energy_wh"])
    rested_wh = of["battery_energy_wh"][:-1] * (1.0 - battery.self_discharge_per_month) ** (dt_h / 730.5)
    assert np.abs(of["battery_energy_wh"][1:] - rested_wh - moved_wh[1:]).max() < 0.005
    loss_kwh = (charge.sum() - discharge.sum()) * dt_h / 1000.0 - result.years[0].battery_gain_kwh
    assert loss_kwh == pytest.approx(result.years[0].battery_loss_kwh, abs=0.02)
    assert gained_wh.min() < 0.0 < gained_wh.max()


def test_times_are_those_of_the_site(at_step: Callable[..., tuple[Study, Evaluation, Written]]) -> None:
    _, _, (rows, _) = at_step(30, utc_offset_s=19_800)
    moments = [datetime.fromisoformat(row["time"]) for row in rows]
    assert rows[0]["time"] == "2023-01-01T00:00:00+05:30"
    assert rows[-1]["time"] == "2023-12-31T23:30:00+05:30"
    assert {after - before for before, after in pairwise(moments)} == {timedelta(minutes=30)}
    assert all(row["time"][:19].replace("T", " ") == row["local_time"] for row in rows)


@pytest.mark.parametrize(("seconds", "text"), [(0, "+00:00"), (10_800, "+03:00"), (-12_600, "-03:30")])
def test_offsets_are_written_as_iso_8601_does(seconds: int, text: str) -> None:
    assert offset_text(seconds) == text


def test_a_later_year_shows_older_panels_and_more_demand(
    at_step: Callable[..., tuple[Study, Evaluation, Written]],
) -> None:
    study, result, (_, of) = at_step(60, year=3)
    left = (1.0 - study.parts.panel.degradation_per_year) ** 2
    assert of["pv_w"].sum() / 1000.0 == pytest.approx(result.years[2].pv_kwh, abs=0.005)
    assert of["pv_w"].max() == pytest.approx(10_000.0 * 0.8 * left, abs=0.001)
    assert of["load_standard_w"].max() == pytest.approx(0.5 * 2000.0 * 1.2, abs=0.001)


def test_the_same_study_gives_the_same_bytes_in_place_of_an_older_file(
    study: Study, evaluation: Evaluation, tmp_path: Path
) -> None:
    path = tmp_path / "series.csv"
    write_series(path, study, evaluation)
    first = path.read_bytes()
    path.write_text("an older file", encoding="utf-8")
    write_series(path, study, evaluation)
    assert path.read_bytes() == first
    assert b"-0.000" not in first
    assert list(tmp_path.iterdir()) == [path]  # no draft is left beside it
