"""How many designs a second go through one hourly year: our sweep and the published program, side by side in one run.

Workload: one hourly year with temperature-derated panels, a one-tank battery with window and C-rates, an inverter with
no-load draw, curve and limit, an engine with minimum load, load-following, random sizes, all cores. Prints JSON:
`candidate_years_per_s` and `us_per_candidate_year` (median of several runs after compilation), the same with a two-tank
battery and with cycle charging, `peer` (the rate of Microgrids.py's `simulate()` on the same light and load, one design
after the other, without trajectories), `ratio` (ours over the peer's), and `peak_memory_mb_for_1e6_candidates`: the
largest memory of a process of its own that searches a million designs, interpreter and results included.

The peer is installed with pip in a throw-away environment; where it cannot be, its `years_per_s` is null and `note`
says why. The machine should be idle: other work on its cores halves these figures, and the peer's less than ours.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
PEER = "microgrids==0.3.1"
PEER_SCRIPT = """
import json, sys, time
from importlib.metadata import version
import numpy as np
from microgrids import Battery, DispatchableGenerator, Microgrid, Photovoltaic, Project, simulate
inputs = np.load(sys.argv[1])
seconds = []
for _ in range(int(sys.argv[2])):
    system = Microgrid(
        Project(20, 0.08, 1.0, "$"),
        inputs["load_kw"],
        DispatchableGenerator(10.0, 0.05, 0.24, 1.2, 310.0, 0.02, 15000.0, load_ratio_min=0.3),
        Battery(120.0, 240.0, 2.0, 15.0, 5000.0, 0.5, 1.0, 0.05, 0.1, 1.0),
        {"pv": Photovoltaic(40.0, inputs["pv_kw_per_kw"], 520.0, 6.0, 25.0, derating_factor=1.0)},
    )
    start = time.perf_counter()
    simulate(system)
    seconds.append(time.perf_counter() - start)
print(json.dumps({"seconds": seconds, "version": version("microgrids"), "numpy": np.__version__}))
"""


def main() -> None:
    """Measure and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--candidates", type=int, default=32_768, help="random designs in one run of ours")
    parser.add_argument("--repeats", type=int, default=9, help="runs of ours; the median is printed")
    parser.add_argument("--peer-repeats", type=int, default=25, help="years of the peer's; the median; 0: no peer")
    parser.add_argument("--searched", type=int, default=1_000_000, help="designs of the memory run; 0: no memory run")
    parser.add_argument("--memory-only", action="store_true", help="print the memory of this process's search and end")
    chosen = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    if chosen.memory_only:
        print(json.dumps(searched_memory(chosen.searched)))
        return
    print(json.dumps(measured(chosen), indent=2))


def measured(chosen: argparse.Namespace) -> dict[str, Any]:
    """Return every figure of one run."""
    import numba

    from sim.physics.kernel import processors

    rates = {name: rate_per_s(name, chosen.candidates, chosen.repeats) for name in ("plain", "kibam", "cycle")}
    years_per_s = rates["plain"]["median"]
    peer = peer_rate(chosen.peer_repeats)
    return {
        "candidate_years_per_s": years_per_s,
        "us_per_candidate_year": 1e6 / years_per_s,
        "candidate_years_per_s_all": rates["plain"]["all"],
        "kibam_candidate_years_per_s": rates["kibam"]["median"],
        "cycle_charging_candidate_years_per_s": rates["cycle"]["median"],
        "peer": peer,
        "ratio": None if peer["years_per_s"] is None else years_per_s / peer["years_per_s"],
        **memory_of_a_search(chosen.searched),
        "candidates": chosen.candidates,
        "cores": processors(),
        "load_average": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "machine": f"{platform.machine()} {platform.system()}",
        "python": platform.python_version(),
        "numpy": np.__version__,
        "numba": numba.__version__,
    }


def hourly_year() -> tuple[np.ndarray, np.ndarray]:
    """Return panel power per installed watt, derated by cell temperature, and a village's load [W], 8760 hours each."""
    from sim.physics.pv import cell_temperature_c, pv_power_w
    from sim.randomness import stream

    hours, chance = np.arange(8760), stream(1, "benchmark", "year")
    sun_w_m2 = 1050.0 * np.maximum(0.0, np.sin((hours % 24 - 6.0) / 12.0 * np.pi)) * chance.uniform(0.2, 1.0, 8760)
    air_c = 25.0 + 6.0 * np.sin((hours % 24 - 9.0) / 12.0 * np.pi)
    cells_c = [cell_temperature_c(sun, air, 2.0, 25.0, 6.84) for sun, air in zip(sun_w_m2, air_c, strict=True)]
    pv = np.array([pv_power_w(sun, cell, 1.0, -0.0035) for sun, cell in zip(sun_w_m2, cells_c, strict=True)])
    evening = np.exp(-(((hours % 24) - 20.0) ** 2) / 6.0)
    return pv, (2500.0 + 7000.0 * evening) * chance.uniform(0.7, 1.3, 8760)


def world_of(parts: str, count: int) -> Callable[[], None]:
    """Return the function that runs `count` random designs through the year once."""
    from sim.physics.battery import OneTank, kibam_of
    from sim.physics.genset import Genset
    from sim.physics.inverter import Inverter
    from sim.physics.operation import Drivers, Plant
    from sim.randomness import stream
    from sim.sizing.plant import each, first_state
    from sim.sizing.sweep import lane_drivers, lane_state, sweep_year

    pv, load_w = hourly_year()
    none, ones = np.zeros(8760), np.ones(8760)
    drivers = lane_drivers(Drivers(np.stack([load_w, none, none]), pv, none, ones, ones))
    chance = stream(2, "benchmark", "designs")
    ranges = ((5e3, 80e3), (1e4, 4e5), (5e3, 4e4), (0.0, 2e4))
    sizes = [chance.uniform(*ends, count) for ends in ranges]
    pv_w, wh, rated_w, engine_w = (each(size) for size in sizes)
    kibam = kibam_of(1.0, 0.3, 0.315, 1.24, 1.0)._replace(capacity_wh=wh, floor_wh=0.3 * wh)
    plant = Plant(
        pv_w,
        each(np.zeros(count)),
        OneTank(0.1 * wh, wh, 0.975, 0.975, 0.5 * wh, wh, 0.99997),
        Inverter(rated_w, 0.007 * rated_w, 1.015, 0.035 / rated_w, 0.7 * rated_w, 0.94),
        Genset(engine_w, 0.3 * engine_w),
        kibam if parts == "kibam" else None,
        0.8 * wh if parts == "cycle" else None,
        None,
    )
    start = first_state(plant, 1.0, sizes[1])

    def once() -> None:
        sweep_year(drivers, plant, lane_state(start, count), count, 1.0)

    return once


def rate_per_s(parts: str, count: int, repeats: int) -> dict[str, Any]:
    """Return candidate-years per second, the median and every run's, after one run that compiles or loads."""
    once = world_of(parts, count)
    once()
    rates = []
    for _ in range(repeats):
        start = time.perf_counter()
        once()
        rates.append(count / (time.perf_counter() - start))
    return {"median": statistics.median(rates), "all": rates}


def peer_rate(repeats: int) -> dict[str, Any]:
    """Return the peer's name, version and years per second, or why it could not be measured."""
    missing = {"name": "microgrids", "version": None, "years_per_s": None}
    if not repeats:
        return {**missing, "note": "not asked for"}
    with tempfile.TemporaryDirectory() as folder:
        environment, inputs = Path(folder) / "venv", Path(folder) / "year.npz"
        python = environment / ("Scripts" if os.name == "nt" else "bin") / "python"
        pv, load_w = hourly_year()
        np.savez(inputs, pv_kw_per_kw=pv, load_kw=load_w / 1000.0)
        try:
            venv.create(environment, with_pip=True)
            install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", PEER]
            subprocess.run(install, check=True, capture_output=True, timeout=600)
            command = [str(python), "-c", PEER_SCRIPT, str(inputs), str(repeats)]
            run = subprocess.run(command, check=True, capture_output=True, text=True, timeout=600, cwd=folder)
        except (OSError, subprocess.SubprocessError) as error:
            return {**missing, "note": f"{PEER} could not be run: {_reason(error)}"}
    found = json.loads(run.stdout.strip().splitlines()[-1])
    return {
        "name": "microgrids",
        "version": found["version"],
        "years_per_s": 1.0 / statistics.median(found["seconds"]),
        "seconds_per_year": statistics.median(found["seconds"]),
        "numpy": found["numpy"],
        "note": "simulate() on one core, with its economics, a few thousandths of its time",
    }


def memory_of_a_search(designs: int) -> dict[str, Any]:
    """Return the memory of a process of its own that searches so many designs."""
    key = "peak_memory_mb_for_1e6_candidates"
    if not designs:
        return {key: None}
    command = [sys.executable, __file__, "--memory-only", "--searched", str(designs)]
    run = subprocess.run(command, check=True, capture_output=True, text=True, timeout=600)
    found = json.loads(run.stdout)
    return {key: found["peak_mb"] if designs >= 1_000_000 else None, "search": found}


def searched_memory(designs: int) -> dict[str, Any]:
    """Search a grid of about `designs` designs in this process and return what it took."""
    from sim.sizing.search import sweep_grid

    side = int(designs**0.25)
    axes = {
        "pv_kw": np.linspace(5.0, 80.0, -(-designs // side**3)),
        "battery_kwh": np.linspace(10.0, 400.0, side),
        "inverter_kw": np.linspace(10.0, 40.0, side),
        "genset_kw": np.linspace(0.0, 20.0, side),
    }
    study = study_of_one_year()
    before_mb = peak_mb()
    start = time.perf_counter()
    found = sweep_grid(study, axes, lambda _done, _all, _best: None)
    seconds = time.perf_counter() - start
    return {"designs": found.npc.size, "seconds": seconds, "peak_mb": peak_mb(), "peak_mb_before": before_mb}


def study_of_one_year() -> Any:
    """Return a study of the benchmark's year: a scenario without files and a project of one year."""
    from sim.components import components_of
    from sim.inputs import Inputs
    from sim.scenario import Scenario
    from sim.sizing.evaluate import Study

    sizes = {"pv_kw": 40.0, "battery_kwh": 120.0, "inverter_kw": 15.0, "genset_kw": 5.0, "check_peaks": False}
    prices = {"pv_per_kw": 520.0, "battery_per_kwh": 240.0, "inverter_per_kw": 190.0, "genset_per_kw": 310.0}
    scenario = Scenario.model_validate(
        {
            "site": {"name": "year", "latitude": -6.0, "longitude": 37.0, "timezone": "UTC", "currency": "USD"},
            "weather": {"monthly_ghi_kwh_m2_day": [5.0] * 12, "monthly_temp_c": [25.0] * 12},
            "demand": {"households": [{"tier": 2, "count": 1}]},
            "system": sizes,
            "costs": {**prices, "fuel_per_litre": 1.25},
            "rates": {"discount": 0.08, "real_or_nominal": "real"},
            "goal": {"unserved_fraction_max": 0.02, "years": 1},
            "seed": 1,
        }
    )
    pv, load_w = hourly_year()
    one_year, none = np.ones((1, 12)), np.zeros(8760)
    inputs = Inputs(
        dt_h=1.0,
        utc_offset_s=0,
        year=2023,
        pv_w_per_w=pv[np.newaxis],
        ghi_w_m2=1000.0 * pv[np.newaxis],
        temp_c=np.full((1, 8760), 25.0),
        source_w=none,
        loads_w=np.stack([none, load_w, none])[np.newaxis],
        weights=np.ones(1),
        load_factor=one_year,
        connected_fraction=one_year,
        connections=1,
        peak_minute_w=0.0,
        peak_three_phase_w=0.0,
        largest_start_w=0.0,
        notes=(),
        fills=(),
    )
    return Study(scenario, inputs, components_of(scenario.system), None)


def peak_mb() -> float | None:
    """Return the largest memory this process has held so far, or nothing where the system does not say.

    Linux keeps it per program in /proc; what `getrusage` says there includes the program that started this one.
    """
    status = Path("/proc/self/status")
    if status.exists():
        (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return float(line.split()[1]) * 1024.0 / 1e6
    try:
        import resource
    except ModuleNotFoundError:
        return None
    unit = 1.0 if sys.platform == "darwin" else 1024.0  # bytes there, kibibytes elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def _reason(error: Exception) -> str:
    text = error.stderr if isinstance(error, subprocess.CalledProcessError) else str(error)
    lines = (text.decode(errors="replace") if isinstance(text, bytes) else str(text)).strip().splitlines()
    return lines[-1] if lines else type(error).__name__


if __name__ == "__main__":
    main()
