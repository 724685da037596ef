"""How long a year of RAMP's example village takes: ours and the published program, side by side in one run.

Prints JSON: `seconds` for 134 customers x 365 days at 1 minute after compilation (median), `peer_seconds` for the
same with rampdemand (measured over fewer days and scaled, see `peer_days`), and `ratio`. The peer is installed with
pip in a throw-away environment; where it cannot be, `peer_seconds` is null and `peer_note` says why.
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
from pathlib import Path
from typing import Any

PEER_SCRIPT = """
import json, sys, time
from importlib.metadata import version
from ramp.core.core import UseCase
from ramp.example.input_file_1 import User_list
days = int(sys.argv[1])
case = UseCase(users=User_list, date_start="2020-01-01", random_seed=100)
case.initialize(num_days=days, peak_enlarge=0.15)
start = time.perf_counter()
profiles = case.generate_daily_load_profiles(flat=False)
seconds = time.perf_counter() - start
print(json.dumps({"seconds": seconds, "kwh_per_day": profiles.sum() / 60e3 / days, "version": version("rampdemand")}))
"""


def main() -> None:
    """Measure and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=7, help="of our year; the median is printed")
    parser.add_argument("--peer-days", type=int, default=30, help="days of the peer's run, scaled to 365; 0: no peer")
    chosen = parser.parse_args()
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    result = ours(chosen.repeats)
    result |= peer(chosen.peer_days) if chosen.peer_days else {"peer_seconds": None, "peer_note": "not asked for"}
    peer_seconds = result["peer_seconds"]
    result["ratio"] = None if peer_seconds is None else peer_seconds / result["seconds"]
    print(json.dumps(result, indent=2))


def ours(repeats: int) -> dict[str, Any]:
    """Return our seconds for the year, and for the first day of a process that has not compiled yet."""
    import numba
    import numpy as np

    from sim.demand.engine import customer_day_w, customers_year
    from sim.demand.tiers import example_village

    village = example_village()
    start = time.perf_counter()
    customer_day_w(village[0], 100, 0, 0)
    compile_seconds = time.perf_counter() - start
    seconds, energy_kwh = [], 0.0
    for _ in range(repeats):
        start = time.perf_counter()
        year = customers_year(village, 100, 1)
        seconds.append(time.perf_counter() - start)
        energy_kwh = float(year.load_w.sum()) / 60e3
    return {
        "workload": "134 customers x 365 days at 1 minute, RAMP's example village",
        "seconds": statistics.median(seconds),
        "seconds_all": seconds,
        "compile_or_load_seconds": compile_seconds,
        "kwh_per_day": energy_kwh / 365,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "numba": numba.__version__,
    }


def peer(days: int) -> dict[str, Any]:
    """Return the peer's seconds scaled to a year, or why it could not be measured."""
    with tempfile.TemporaryDirectory() as folder:
        python = Path(folder) / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
        try:
            venv.create(python.parent.parent, with_pip=True)
            install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "rampdemand"]
            subprocess.run(install, check=True, capture_output=True, timeout=600)
            command = [str(python), "-W", "ignore", "-c", PEER_SCRIPT, str(days)]
            run = subprocess.run(command, check=True, capture_output=True, text=True, timeout=900, cwd=folder)
        except (OSError, subprocess.SubprocessError) as error:
            return {"peer_seconds": None, "peer_note": f"rampdemand could not be run: {_reason(error)}"}
    measured = json.loads(run.stdout.strip().splitlines()[-1])
    return {
        "peer_seconds": measured["seconds"] * 365 / days,
        "peer_measured_seconds": measured["seconds"],
        "peer_days": days,
        "peer_note": f"{days} days measured, scaled to 365",
        "peer_kwh_per_day": measured["kwh_per_day"],
        "peer_version": f"rampdemand {measured['version']}",
    }


def _reason(error: Exception) -> str:
    text = error.stderr if isinstance(error, subprocess.CalledProcessError) else str(error)
    lines = (text.decode(errors="replace") if isinstance(text, bytes) else str(text)).strip().splitlines()
    return lines[-1] if lines else type(error).__name__


if __name__ == "__main__":
    main()
