"""The search against trying everything, and what any search must be: repeatable, inside its ranges, honest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from itertools import product
from typing import Any

import numpy as np
import pytest

from sim.inputs import Inputs
from sim.scenario import Scenario
from sim.sizing import search
from sim.sizing.economics import Designs
from sim.sizing.evaluate import Evaluation, Study, evaluate, one_design
from sim.sizing.search import NAMES, Candidates, Sizing, meets_goal, pareto_of, size

ScenarioOf = Callable[..., Scenario]
InputsOf = Callable[..., Inputs]
StudyOf = Callable[[Scenario, Inputs], Study]

LISTED = {
    "pv_kw": [10.0, 20.0, 30.0, 45.0],
    "battery_kwh": [20.0, 50.0, 90.0, 140.0],
    "inverter_kw": [7.0, 9.0, 12.0],
    "genset_kw": [0.0, 4.0, 8.0],
}


@pytest.fixture(scope="session")
def make(scenario: ScenarioOf, inputs: InputsOf, study: StudyOf) -> Callable[..., Study]:
    """Return the function that makes a study from changes to the scenario."""
    world = inputs()

    def made(**changes: Any) -> Study:
        return study(scenario(**changes), world)

    return made


def sizes_of(sizing: Sizing) -> tuple[float, ...]:
    assert sizing.best is not None
    return tuple(float(getattr(sizing.best.design, name)[0]) for name in NAMES)


def everything(study: Study) -> list[Evaluation]:
    """Return every listed design, run in f64 one by one."""
    axes = [np.atleast_1d(getattr(study.scenario.system, name)) for name in NAMES]
    return [evaluate(study, one_design(*sizes)) for sizes in product(*axes)]


@pytest.mark.parametrize(
    ("system", "goal"),
    [
        ({}, {"objective": "npc"}),
        ({}, {"objective": "lcoe", "unserved_fraction_max": 0.01}),
        ({"dispatch": "cycle_charging"}, {"objective": "lcoe"}),
        ({"battery": "lead_acid_agm", "coupling": "ac"}, {"objective": "npc"}),
        ({"shedding": {"deferrable_below_soc": 0.3}}, {"unserved_fraction_max": 0.1}),
    ],
)
def test_the_best_is_the_best_of_all(make: Callable[..., Study], system: dict[str, Any], goal: dict[str, Any]) -> None:
    study = make(system=LISTED | system, goal=goal)
    tried = [each for each in everything(study) if meets_goal(study, each)]
    lcoe = study.scenario.goal.objective == "lcoe"
    cheapest = min(float((each.cost.lcoe_served if lcoe else each.cost.npc)[0]) for each in tried)
    found = size(study).best
    assert found is not None
    assert meets_goal(study, found)
    assert float((found.cost.lcoe_served if lcoe else found.cost.npc)[0]) == pytest.approx(cheapest, rel=1e-12)


@pytest.mark.parametrize(("life", "tolerance"), [({"battery_life_years": 8.0}, 1e-5), ({}, 1e-3)])
def test_the_sweep_costs_what_evaluation_costs(
    make: Callable[..., Study], life: dict[str, float], tolerance: float
) -> None:
    """Where batteries wear out the two differ more: evaluation sees every swing, the sweep the mean of a day."""
    study = make(system=LISTED, costs=life)
    found = size(study).candidates
    exact = {sizes_of_one(each): each for each in everything(study)}
    for index in range(found.npc.size):
        one = exact[tuple(float(getattr(found.designs, name)[index]) for name in NAMES)]
        assert found.capex[index] == pytest.approx(float(one.cost.capex[0]), rel=1e-12)
        assert found.npc[index] == pytest.approx(float(one.cost.npc[0]), rel=tolerance)
        assert found.unserved_fraction[index] == pytest.approx(one.unserved_fraction, abs=tolerance)
        assert found.renewable_fraction[index] == pytest.approx(one.renewable_fraction, abs=tolerance)


def sizes_of_one(evaluation: Evaluation) -> tuple[float, ...]:
    return tuple(float(getattr(evaluation.design, name)[0]) for name in NAMES)


def test_the_pareto_list_holds_all_that_nothing_beats(make: Callable[..., Study]) -> None:
    sizing = size(make(system=LISTED))
    found, pareto = sizing.candidates, sizing.pareto
    kept = set(zip(pareto.npc.tolist(), pareto.unserved_fraction.tolist(), strict=True))
    for npc, unserved in zip(found.npc.tolist(), found.unserved_fraction.tolist(), strict=True):
        no_worse = (found.npc <= npc) & (found.unserved_fraction <= unserved)
        beaten = bool((no_worse & ((found.npc < npc) | (found.unserved_fraction < unserved))).any())
        assert beaten == ((npc, unserved) not in kept)
    assert (np.diff(pareto.unserved_fraction) > 0.0).all()
    assert (np.diff(pareto.npc) < 0.0).all()


def test_of_equal_designs_the_pareto_list_keeps_one() -> None:
    sizes = Designs(*(np.array([1.0, 2.0, 3.0, 4.0]) for _ in NAMES))
    figures = np.array([5.0, 5.0, 4.0, 9.0])
    found = pareto_of(Candidates(sizes, figures, figures, figures, np.array([0.1, 0.1, 0.2, 0.1]), figures), "npc")
    assert found.designs.pv_kw.tolist() == [1.0, 3.0]


def test_the_pareto_list_is_of_what_the_goal_makes_small() -> None:
    sizes = Designs(*(np.array([1.0, 2.0, 3.0]) for _ in NAMES))
    npc, lcoe, unserved = np.array([9.0, 6.0, 3.0]), np.array([0.4, 0.3, 0.35]), np.array([0.0, 0.1, 0.5])
    found = Candidates(sizes, npc, lcoe, npc, unserved, npc)
    assert pareto_of(found, "npc").designs.pv_kw.tolist() == [1.0, 2.0, 3.0]
    assert pareto_of(found, "lcoe").designs.pv_kw.tolist() == [1.0, 2.0]  # half of the energy costs more a kWh


RANGES = {"pv_kw": [5.0, 45.0], "battery_kwh": [10.0, 140.0], "inverter_kw": 9.0, "genset_kw": 0.0}


def test_ranges_are_searched_inside_their_ends_and_fixed_sizes_stay(make: Callable[..., Study]) -> None:
    sizing = size(make(system=RANGES))
    designs = sizing.candidates.designs
    assert set(designs.inverter_kw.tolist()) == {9.0}
    assert set(designs.genset_kw.tolist()) == {0.0}
    for name, (low, high) in (("pv_kw", (5.0, 45.0)), ("battery_kwh", (10.0, 140.0))):
        values = getattr(designs, name)
        assert (values.min(), values.max()) == (low, high)
    assert sizes_of(sizing)[2:] == (9.0, 0.0)
    assert sizing.searched == sizing.candidates.npc.size
    assert sizing.candidate_years == 2 * sizing.searched


def test_a_finer_look_never_ends_dearer(make: Callable[..., Study], monkeypatch: pytest.MonkeyPatch) -> None:
    study = make(system=RANGES)
    finer = size(study).best
    monkeypatch.setattr(search, "ZOOMS", 0)
    coarse = size(study).best
    assert finer is not None
    assert coarse is not None
    assert float(finer.cost.npc[0]) < float(coarse.cost.npc[0])


def test_the_best_of_a_range_has_no_cheaper_neighbour(make: Callable[..., Study]) -> None:
    """One per cent less of either size, and the goal is missed."""
    study = make(system=RANGES)
    pv_kw, battery_kwh, inverter_kw, genset_kw = sizes_of(size(study))
    assert not meets_goal(study, evaluate(study, one_design(0.97 * pv_kw, battery_kwh, inverter_kw, genset_kw)))
    assert not meets_goal(study, evaluate(study, one_design(pv_kw, 0.97 * battery_kwh, inverter_kw, genset_kw)))


def test_all_fixed_is_one_design(make: Callable[..., Study]) -> None:
    sizing = size(make(system={"pv_kw": 45.0, "battery_kwh": 140.0, "inverter_kw": 12.0, "genset_kw": 8.0}))
    assert (sizing.searched, sizing.candidates.npc.size, sizing.pareto.npc.size) == (1, 1, 1)
    assert sizes_of(sizing) == (45.0, 140.0, 12.0, 8.0)


@pytest.mark.parametrize("chunk", [1, 64, 100, 32_768])
def test_the_answer_does_not_depend_on_how_the_grid_is_cut(
    make: Callable[..., Study], monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    study = make(system=LISTED, goal={"years": 1})
    expected = size(study)
    monkeypatch.setattr(search, "CHUNK", chunk)
    assert_same(size(study), expected)


def test_the_same_study_twice_is_the_same_answer(make: Callable[..., Study]) -> None:
    assert_same(size(make(system=RANGES)), size(make(system=RANGES)))


def assert_same(one: Sizing, other: Sizing) -> None:
    assert sizes_of(one) == sizes_of(other)
    for found, expected in ((one.candidates, other.candidates), (one.pareto, other.pareto)):
        for field in fields(Candidates)[1:]:
            assert np.array_equal(getattr(found, field.name), getattr(expected, field.name)), field.name
        for name in NAMES:
            assert np.array_equal(getattr(found.designs, name), getattr(expected.designs, name)), name


def test_progress_is_told_until_all_is_done(make: Callable[..., Study], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "CHUNK", 50)
    told: list[tuple[int, int, float]] = []
    study = make(system=LISTED)
    sizing = size(study, lambda done, total, best: told.append((done, total, best)))
    assert [done for done, _, _ in told] == [50, 100, 144]
    assert {total for _, total, _ in told} == {144}
    bests = [best for _, _, best in told]
    assert bests == sorted(bests, reverse=True)
    assert sizing.best is not None
    assert bests[-1] == pytest.approx(float(sizing.best.cost.npc[0]), rel=1e-4)


def test_nothing_feasible_is_an_answer_without_a_best(make: Callable[..., Study]) -> None:
    sizing = size(make(system={"pv_kw": [1.0, 2.0, 3.0], "battery_kwh": [1.0, 2.0, 3.0]}))
    assert sizing.best is None
    assert sizing.candidates.npc.size == 9
    assert sizing.pareto.npc.size > 0


def test_designs_too_weak_for_the_peaks_are_refused_unseen(make: Callable[..., Study]) -> None:
    sizing = size(make(system={"inverter_kw": [1.0, 2.0, 9.0]}))  # 9 kW for a minute; overload 1.3
    assert (sizing.searched, sizing.too_weak, sizing.candidates.npc.size) == (3, 2, 1)
    nothing = size(make(system={"inverter_kw": [1.0, 2.0, 3.0]}))
    assert (nothing.best, nothing.too_weak, nothing.candidates.npc.size) == (None, 3, 0)


@pytest.mark.parametrize("dispatch", ["load_following", "cycle_charging"])
def test_never_short_is_a_goal_that_can_be_met(make: Callable[..., Study], dispatch: str) -> None:
    system = {"genset_kw": [8.0, 12.0, 16.0], "dispatch": dispatch, "pv_kw": 20.0}
    sizing = size(make(system=system, goal={"unserved_fraction_max": 0.0}))
    assert sizing.best is not None
    assert sizing.best.unserved_fraction <= 1e-12


def test_rounding_alone_fails_no_goal(make: Callable[..., Study]) -> None:
    study = make(system={"genset_kw": 16.0}, goal={"unserved_fraction_max": 0.0, "years": 1})
    enough = evaluate(study, one_design(20.0, 40.0, 10.0, 16.0))
    assert meets_goal(study, enough)
    for missing_kwh, meets in ((1e-9, True), (1e-3, False)):
        use = replace(enough.use, unserved_kwh=np.array([[missing_kwh]]))
        assert meets_goal(study, replace(enough, use=use)) == meets


def test_many_cheaper_designs_that_almost_meet_the_goal_do_not_hide_the_one_that_does(
    scenario: ScenarioOf, inputs: InputsOf, study: StudyOf
) -> None:
    """One hour a year a little above a small inverter's rating: 2e-7 unserved, in every design that has it."""
    loads_w = np.zeros((1, 3, 8760))
    loads_w[0, 1] = 3000.0
    loads_w[0, 1, 5000] = 9004.0
    system = {
        "pv_kw": list(np.linspace(40.0, 40.01, 15)),
        "battery_kwh": 400.0,
        "inverter_kw": [9.0, 9.2, 12.0],
        "check_peaks": False,
    }
    world = study(scenario(system=system, goal={"unserved_fraction_max": 0.0}), inputs(loads_w=loads_w))
    best = size(world).best
    assert best is not None
    assert float(best.design.inverter_kw[0]) == 9.2
