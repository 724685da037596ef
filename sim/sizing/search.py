"""The search: every design of a grid through every year, the cheapest that meets the goal, and why not smaller."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields

import numpy as np

from sim.inputs import FloatArray
from sim.physics.battery import Tanks
from sim.physics.dispatch import Loads
from sim.physics.operation import Drivers, Plant, State
from sim.scenario import Sizes
from sim.sizing.economics import Designs, project_cost
from sim.sizing.evaluate import Evaluation, Study, evaluate, one_design, project_of
from sim.sizing.peaks import carries
from sim.sizing.project import project_use
from sim.sizing.sweep import Year, lane_drivers, lane_state, sweep_year

CHUNK = 8_192  # designs at a time: bounds memory and gives the progress bar its steps
STEPS = {"pv_kw": 21, "battery_kwh": 21, "inverter_kw": 8, "genset_kw": 5}  # of a searched range; 17,640 in all
ZOOM_STEPS = {"pv_kw": 9, "battery_kwh": 9, "inverter_kw": 5, "genset_kw": 3}
CENTRES = 4  # designs around which finer grids are laid
ZOOMS = 2
CONFIRMED = 12  # best designs of the sweep tried in f64 before one is named; as many again of those in doubt
CONFIRMATIONS = 4  # times that the few are taken anew, each time stricter, while none of them meets the goal
F32_SLACK = 1e-6  # of unserved fraction: what the sweep may be off
NAMES = ("pv_kw", "battery_kwh", "inverter_kw", "genset_kw")

Progress = Callable[[int, int, float], None]  # designs done, designs in all, best objective so far


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Designs that carry the peaks, and what the sweep found about each; arrays of n."""

    designs: Designs
    npc: FloatArray
    lcoe: FloatArray
    capex: FloatArray
    unserved_fraction: FloatArray
    renewable_fraction: FloatArray

    def picked(self, index: np.typing.NDArray[np.intp] | np.typing.NDArray[np.bool_]) -> Candidates:
        """Return some of the candidates."""
        designs = Designs(*(getattr(self.designs, name)[index] for name in NAMES))
        rest = {field.name: getattr(self, field.name)[index] for field in fields(self)[1:]}
        return Candidates(designs, **rest)

    def objective(self, name: str) -> FloatArray:
        """Return the figure to make small: cost per kWh or net present cost."""
        return self.lcoe if name == "lcoe" else self.npc


@dataclass(frozen=True, slots=True, eq=False)
class Sizing:
    """The answer: the best design in full, or nothing when none meets the goal."""

    best: Evaluation | None
    candidates: Candidates
    pareto: Candidates
    searched: int  # designs looked at, with those refused
    too_weak: int  # of these, refused unseen because inverter and engine cannot carry the peaks
    candidate_years: int


COLUMNS = (*NAMES, *(field.name for field in fields(Candidates)[1:]))


def size(study: Study, progress: Progress = lambda _done, _all, _best: None) -> Sizing:
    """Search the ranges of a scenario: a grid over all of them, then finer grids around the best few.

    The sweep runs in f32; the best few are run again in f64, and the cheapest that truly meets the goal is returned
    with everything about it. Deterministic: the grid and the order of ties are fixed.
    """
    axes = {name: axis_of(getattr(study.scenario.system, name), STEPS[name]) for name in NAMES}
    searched, parts = _count(axes), [sweep_grid(study, axes, progress)]
    reach = {name: _step(study, name, axes[name]) for name in NAMES}
    for _ in range(ZOOMS if any(reach.values()) else 0):
        for centre in best_few(study, parts):
            near = {name: _around(study, name, centre[name], reach[name]) for name in NAMES}
            parts.append(sweep_grid(study, near, lambda _done, _all, _best: None))
            searched += _count(near)
        reach = {name: 2.0 * reach[name] / (ZOOM_STEPS[name] - 1) for name in NAMES}
    found = joined(parts)
    run = found.npc.size
    pareto = pareto_of(found, study.scenario.goal.objective)
    years = run * study.scenario.goal.years
    return Sizing(confirmed_best(study, found), found, pareto, searched, searched - run, years)


def axis_of(sizes: Sizes, steps: int) -> FloatArray:
    """Return the sizes to try: one, exactly those written, or `steps` from low to high."""
    values = np.atleast_1d(np.array(sizes, dtype=np.float64))
    return rounded(np.linspace(values[0], values[1], steps)) if values.size == 2 else values


def rounded(sizes: FloatArray) -> FloatArray:
    """Return sizes in three digits, as they are bought and talked about; the ends of a range stay as written."""
    digits = 10.0 ** (np.floor(np.log10(np.maximum(sizes, 1e-9))) - 2.0)
    middle = np.clip(np.round(np.round(sizes / digits) * digits, 9), sizes[0], sizes[-1])
    return np.unique(np.concatenate([sizes[:1], middle[1:-1], sizes[-1:]]))


def sweep_grid(study: Study, axes: dict[str, FloatArray], progress: Progress) -> Candidates:
    """Return every combination of `axes` that carries the peaks, run and costed, in the order of the grid."""
    total, done, kept, best = _count(axes), 0, 0, np.inf
    columns = np.empty((len(COLUMNS), total))  # at once: a list of chunks would hold everything twice in the end
    for designs in _chunks(axes, total):
        done += designs.pv_kw.size
        strong = carries(designs, study.parts, study.peaks)
        found = run_candidates(study, Designs(*(getattr(designs, name)[strong] for name in NAMES)))
        columns[:, kept : kept + found.npc.size] = columns_of(found)
        kept += found.npc.size
        objective = found.objective(study.scenario.goal.objective)[feasible(study, found)]
        best = min(best, float(objective.min(initial=np.inf)))
        progress(done, total, best)
    return _candidates(columns[:, :kept])


def run_candidates(study: Study, designs: Designs) -> Candidates:
    """Return what a chunk of designs does and costs over the project."""
    use = project_use(study.inputs, study.parts, study.scenario.costs, designs, study.scenario.goal.years, lane_year)
    cost = project_cost(project_of(study, designs, use))
    served_kwh = use.served_kwh.sum(axis=0)
    from_engine = np.divide(
        use.genset_kwh.sum(axis=0), served_kwh, out=np.ones_like(served_kwh), where=served_kwh > 0.0
    )
    return Candidates(
        designs,
        cost.npc,
        cost.lcoe_served,
        cost.capex,
        use.unserved_fraction,
        np.maximum(0.0, 1.0 - from_engine),
    )


def lane_year(drivers: Drivers, plant: Plant, state: State, dt_h: float) -> tuple[Year, State]:
    """Run a year of many designs in f32 lanes; as `exact_year`, for arrays of any length."""
    if plant.shedding is None:  # classes only matter to who is shed, so one sum saves two thirds of the reading
        total_w = drivers.loads_w.sum(axis=0)
        drivers = drivers._replace(loads_w=np.array(Loads(total_w, 0.0 * total_w, 0.0 * total_w)))
    count = np.size(state.running)
    lanes = lane_state(state, count)
    result = sweep_year(lane_drivers(drivers), plant, lanes, count, dt_h)
    total_wh, running, available_wh = lanes[:, :count].astype(np.float64)
    if plant.kibam is None:
        available_wh = total_wh
    return result, State(Tanks(total_wh, available_wh), running)


def feasible(study: Study, found: Candidates) -> np.typing.NDArray[np.bool_]:
    """Return which candidates meet the goal, as far as f32 can tell; `confirmed_best` decides in f64."""
    limit = study.scenario.goal.unserved_fraction_max + F32_SLACK
    meets: np.typing.NDArray[np.bool_] = found.unserved_fraction <= limit
    return meets


def best_few(study: Study, parts: Sequence[Candidates]) -> list[dict[str, float]]:
    """Return the sizes of the cheapest designs that meet the goal, one for each of the best generators.

    Designs of one generator differ smoothly, those of another may be cheaper a little further on.
    """
    best: dict[float, tuple[float, float, dict[str, float]]] = {}
    for part in parts:
        order = _in_order(study, part)
        gensets, first = np.unique(part.designs.genset_kw[order], return_index=True)
        for genset_kw, index in zip(gensets.tolist(), order[first], strict=True):
            sizes = {name: float(getattr(part.designs, name)[index]) for name in NAMES}
            price = float(part.objective(study.scenario.goal.objective)[index]), float(part.capex[index])
            best[genset_kw] = min(best.get(genset_kw, (*price, sizes)), (*price, sizes), key=_price)
    return [sizes for *_, sizes in sorted(best.values(), key=_price)[:CENTRES]]


def _price(priced: tuple[float, float, dict[str, float]]) -> tuple[float, float]:
    return priced[:2]


def confirmed_best(study: Study, found: Candidates) -> Evaluation | None:
    """Return the cheapest of the sweep's best few that meets the goal when run in f64, or nothing.

    When none of them does, as may happen where only evaluation counts every swing of a battery, the few are taken anew
    from those that the sweep found better than the goal by as much as it was off.
    """
    lcoe = study.scenario.goal.objective == "lcoe"
    stricter = 0.0
    for _ in range(CONFIRMATIONS):
        chosen = _to_confirm(study, found, stricter)
        results = [
            evaluate(study, one_design(*(getattr(found.designs, name)[index] for name in NAMES))) for index in chosen
        ]
        fitting = [result for result in results if meets_goal(study, result)]
        if fitting or not results:
            return min(
                fitting,
                key=lambda result: float((result.cost.lcoe_served if lcoe else result.cost.npc)[0]),
                default=None,
            )
        missing = np.array([result.unserved_fraction for result in results])
        stricter = float(np.max(missing - found.unserved_fraction[chosen]))
    return None


def meets_goal(study: Study, evaluation: Evaluation) -> bool:
    """Return whether a design truly meets the goal and carries the peaks; rounding alone never fails it."""
    limit = study.scenario.goal.unserved_fraction_max + 1e-12
    return evaluation.unserved_fraction <= limit and evaluation.carries_peaks


def pareto_of(found: Candidates, objective: str) -> Candidates:
    """Return the candidates that no other beats in both the objective and unserved energy, best served first."""
    figures = found.objective(objective)
    order = np.lexsort((figures, found.unserved_fraction))
    cost = figures[order]
    cheaper_than_all_before = cost < np.minimum.accumulate(np.append(np.inf, cost))[:-1]
    return found.picked(order[cheaper_than_all_before])


def joined(parts: Sequence[Candidates]) -> Candidates:
    """Return candidates of several searches as one list."""
    return parts[0] if len(parts) == 1 else _candidates(np.hstack([columns_of(part) for part in parts]))


def columns_of(found: Candidates) -> FloatArray:
    """Return candidates as one array, a row for each of `COLUMNS`."""
    return np.array([getattr(found.designs if name in NAMES else found, name) for name in COLUMNS])


def _candidates(columns: FloatArray) -> Candidates:
    return Candidates(Designs(*columns[: len(NAMES)]), *columns[len(NAMES) :])


def _in_order(study: Study, found: Candidates) -> np.typing.NDArray[np.intp]:
    usable = np.flatnonzero(feasible(study, found))
    objective = found.objective(study.scenario.goal.objective)[usable]
    return usable[np.lexsort((found.capex[usable], objective))]


def _to_confirm(study: Study, found: Candidates, stricter: float) -> np.typing.NDArray[np.intp]:
    """Return the cheapest designs that meet the goal in f32, and among them those that miss it by the slack at most.

    Each kind has its own count, so that a hundred cheaper designs that almost meet the goal hide none that does.
    `stricter` lowers the goal by a part of all energy; those in doubt are then left out.
    """
    order = _in_order(study, found)
    sure = found.unserved_fraction[order] <= study.scenario.goal.unserved_fraction_max - stricter
    place = np.where(sure, np.cumsum(sure), np.cumsum(~sure))
    return order[(place <= CONFIRMED) & (sure | (stricter <= 0.0))]


def _count(axes: dict[str, FloatArray]) -> int:
    return int(np.prod([axis.size for axis in axes.values()]))


def _chunks(axes: dict[str, FloatArray], total: int) -> Iterator[Designs]:
    shape = tuple(axes[name].size for name in NAMES)
    for first in range(0, total, CHUNK):
        index = np.unravel_index(np.arange(first, min(first + CHUNK, total)), shape)
        yield Designs(*(axes[name][part] for name, part in zip(NAMES, index, strict=True)))


def _step(study: Study, name: str, axis: FloatArray) -> float:
    """Return the distance between sizes of a searched range; 0 where the sizes are fixed."""
    return float(axis[1] - axis[0]) if np.size(getattr(study.scenario.system, name)) == 2 and axis.size > 1 else 0.0


def _around(study: Study, name: str, centre: float, reach: float) -> FloatArray:
    """Return a finer axis around a size, inside the planner's range; the size alone where it is fixed."""
    if reach == 0.0:
        return np.array([centre])
    low, high = (float(end) for end in getattr(study.scenario.system, name))
    return rounded(np.linspace(max(low, centre - reach), min(high, centre + reach), ZOOM_STEPS[name]))
