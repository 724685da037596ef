"""`microgrid size`: the cheapest design that is enough, and the reason when there is none."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from microgrid.__main__ import main

Captured = pytest.CaptureFixture[str]
Village = Callable[..., Path]


def size_of(capsys: Captured, folder: Path) -> tuple[int, dict[str, Any]]:
    code = main(["size", str(folder), "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_the_cheapest_of_the_listed_sizes_that_is_enough(village: Village, capsys: Captured) -> None:
    # 48 kWh a day need 8 kW of panels, and 24 kWh of battery for the night
    folder = village(pv_kw="[6, 8, 10]", battery_kwh="[20, 24, 30]")
    code, answer = size_of(capsys, folder)
    assert code == 0
    assert answer["schema"] == "microgrid.size/1"
    assert (answer["best"]["pv_kw"], answer["best"]["battery_kwh"]) == (8, 24)
    assert answer["best"]["capex"] == 8 * 500 + 24 * 200 + 5 * 100
    assert answer["best"]["unserved_fraction"] <= 1e-12
    assert answer["searched"] >= 9
    assert answer["infeasible"] is None
    costs = [design["npc"] for design in answer["pareto"]]
    missing = [design["unserved_fraction"] for design in answer["pareto"]]
    assert costs == sorted(costs, reverse=True)
    assert missing == sorted(missing)


def test_best_is_what_evaluate_says(village: Village, capsys: Captured) -> None:
    folder = village(pv_kw="[4, 16]", battery_kwh="[10, 60]")
    text = (folder / "scenario.yaml").read_text().replace("unserved_fraction_max: 0.0,", "unserved_fraction_max: 0.05,")
    (folder / "scenario.yaml").write_text(text)
    _, answer = size_of(capsys, folder)
    best = answer["best"]
    sizes = [
        part
        for name in ("pv_kw", "battery_kwh", "inverter_kw", "genset_kw")
        for part in (f"--{name.replace('_', '-')}", str(best[name]))
    ]
    assert main(["evaluate", str(folder), *sizes, "--json"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert {name: again[name] for name in best} == best


def test_nothing_feasible_is_a_result_with_a_way_out(village: Village, capsys: Captured) -> None:
    folder = village(pv_kw="[2, 4]", battery_kwh="[10, 24]")
    assert main(["size", str(folder)]) == 1
    text = capsys.readouterr().out
    assert text.startswith("MG-S004: no system in your search space meets the limits\n   tightest:  unserved energy at")
    assert "panels 4 kWp" in text
    assert "would fit: goal.unserved_fraction_max: 0.5" in text
    assert "would fit: system.pv_kw: up to 8 (kWp)" in text  # 24 kWh a day of 48 come from 4 kW
    code, answer = size_of(capsys, folder)
    assert code == 1
    assert answer["best"] is None
    assert len(answer["infeasible"]["would_fit"]) >= 2


def test_too_weak_inverters_are_named(village: Village, capsys: Captured) -> None:
    code, answer = size_of(capsys, village(inverter_kw="[0.5, 1.0]"))
    assert code == 1
    assert answer["too_weak_for_peaks"] == answer["searched"]
    assert "must carry 2 kW for a minute" in answer["infeasible"]["tightest"]
    assert answer["infeasible"]["would_fit"][0].startswith("system.inverter_kw: up to 1.")


def test_same_file_same_answer(village: Village, capsys: Captured) -> None:
    folder = village(pv_kw="[6, 10]", battery_kwh="[20, 30]")
    answers = [size_of(capsys, folder)[1] for _ in range(2)]
    for answer in answers:
        del answer["seconds"], answer["candidate_years_per_s"]
    assert answers[0] == answers[1]


def test_the_best_design_is_marked_among_its_neighbours(village: Village, capsys: Captured) -> None:
    folder = village(pv_kw="[6, 8, 10]", battery_kwh="[12, 18, 24]")
    assert main(["size", str(folder)]) == 0
    listed = capsys.readouterr().out.split("costs more:\n")[1].split("\n\n")[0].splitlines()
    # nothing may be missing, so there is nothing better; 8 kW x 0.5 x 12 h = 48 kWh is just what a day needs
    assert listed[1].startswith(">")
    assert listed[1].endswith("panels 8 kWp · battery 24 kWh · inverter 5 kW")
    assert not any(line.startswith(">") for line in (listed[0], *listed[2:]))


def test_progress_goes_to_standard_error(village: Village, capsys: Captured) -> None:
    assert main(["size", str(village(pv_kw="[8, 10, 12]"))]) == 0
    captured = capsys.readouterr()
    assert "sizing: 3 of 3 designs   best 2," in captured.err
    assert "3 designs, 6 design-years in" in captured.err
    assert "sizing" not in captured.out
