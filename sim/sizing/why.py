"""Why nothing fits: what was nearest, which limit is tightest, and the smallest change that would help."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from sim.components import components_of
from sim.inputs import FloatArray
from sim.sizing.economics import Designs
from sim.sizing.evaluate import Study
from sim.sizing.peaks import carries, smallest_inverter_kw
from sim.sizing.search import NAMES, Sizing, run_candidates
from sim.sizing.telling import sizes_text

LARGER = (1.1, 1.25, 1.5, 2.0, 3.0, 5.0)  # times the largest size, tried for one part at a time
UNITS = {"pv_kw": "kWp", "battery_kwh": "kWh", "inverter_kw": "kW", "genset_kw": "kW"}


@dataclass(frozen=True, slots=True)
class Infeasible:
    """What to tell a planner whose search space holds no answer."""

    what: str
    tightest: str
    would_fit: tuple[str, ...]


def why_infeasible(study: Study, sizing: Sizing) -> Infeasible:
    """Return the tightest limit, the design that comes nearest, and changes that were run and found to fit."""
    what = "no system in your search space meets the limits"
    if sizing.candidates.npc.size == 0:
        return Infeasible(what, _too_weak(study), _stronger(study))
    nearest = int(np.lexsort((sizing.candidates.npc, sizing.candidates.unserved_fraction))[0])
    fraction = float(sizing.candidates.unserved_fraction[nearest])
    sizes = sizes_text(sizing.candidates.designs, nearest)
    limit = study.scenario.goal.unserved_fraction_max
    tightest = f"unserved energy at most {limit:.3%} (best found {fraction:.3%} with {sizes})"
    allowed = np.ceil(fraction * 1000.0) / 1000.0
    return Infeasible(what, tightest, (f"goal.unserved_fraction_max: {allowed:g}", *_enlarged(study)))


def _enlarged(study: Study) -> tuple[str, ...]:
    """Return, for each part alone, the smallest tried enlargement of the largest design that meets the goal."""
    largest = {name: float(np.max(getattr(study.scenario.system, name))) for name in NAMES}
    found = []
    for name in NAMES:
        tries = _tries(study, name, largest[name])
        if not tries.size:
            continue
        sizes = {other: np.full(tries.size, largest[other]) for other in NAMES} | {name: tries}
        designs = Designs(**sizes)
        meets = run_candidates(study, designs).unserved_fraction <= study.scenario.goal.unserved_fraction_max
        fits = np.flatnonzero(meets & carries(designs, study.parts, study.peaks))
        if fits.size:
            found.append(f"system.{name}: up to {tries[fits[0]]:g} ({UNITS[name]}), the rest at its largest")
    return tuple(found)


def _tries(study: Study, name: str, largest: float) -> FloatArray:
    """Return larger sizes to try, in round numbers; an engine where there is none starts from the peak load."""
    if largest > 0.0:
        return np.unique(np.ceil(largest * np.array(LARGER)))
    if name != "genset_kw" or study.parts.inverter is None:
        return np.zeros(0)
    peak_kw = study.inputs.peak_minute_w * float(study.inputs.load_factor.max()) / 1000.0
    return np.unique(np.ceil(peak_kw * np.array([0.5, 0.75, 1.0, 1.5])))


def _too_weak(study: Study) -> str:
    assert study.peaks is not None  # only peaks refuse a design unseen
    needed = study.peaks
    return (
        f"the AC side must carry {needed.minute_kw:.3g} kW for a minute and {needed.surge_kw:.3g} kW while a motor "
        "starts, in the project's last year; no inverter and genset in your ranges do"
    )


def _stronger(study: Study) -> tuple[str, ...]:
    assert study.peaks is not None
    needed_kw = float(np.ceil(smallest_inverter_kw(study.parts, study.peaks) * 10.0) / 10.0)
    stronger = study.scenario.system.model_copy(update={"inverter_kw": needed_kw, "check_peaks": False})
    unlimited = replace(study, parts=components_of(stronger), peaks=None)
    largest = {name: np.array([float(np.max(getattr(stronger, name)))]) for name in NAMES}
    meets = run_candidates(unlimited, Designs(**largest)).unserved_fraction[0]
    then = "" if meets <= study.scenario.goal.unserved_fraction_max else " (not enough alone: energy falls short too)"
    return (
        f"system.inverter_kw: up to {needed_kw:g} (kW){then}",
        "system.check_peaks: false, when loads can be kept from running together",
    )
