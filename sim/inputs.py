"""From a planner's file to the arrays that physics runs on, prepared once and kept beside the machine code.

Preparing needs pvlib (over a second to load) and a year of appliances; running needs neither. The prepared arrays
are kept in the cache folder under a hash of everything they depend on, so a warm start reads one small file.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import zipfile
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import numpy.typing as npt

from sim.physics.kernel import cache_folder, source_fingerprint
from sim.scenario import Scenario

FloatArray = npt.NDArray[np.float64]
KEPT = 40  # prepared inputs; the oldest beyond that are deleted
DAYS_IN_MONTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


@dataclass(frozen=True, slots=True, eq=False)
class Inputs:
    """What the world does to any design of one scenario; a year is 365 days in the site's standard time."""

    dt_h: float
    utc_offset_s: int
    year: int  # the calendar year the weather is laid on
    pv_w_per_w: FloatArray  # (draws, n): power of new panels on their bus per installed watt
    ghi_w_m2: FloatArray  # (draws, n)
    temp_c: FloatArray  # (draws, n)
    source_w: FloatArray  # (n,): other sources on the AC bus
    loads_w: FloatArray  # (systems, 3, n): critical, standard, deferrable; everybody connected, first year
    weights: FloatArray  # (systems,): how many systems each stands for; [1] for a microgrid
    load_factor: FloatArray  # (years, 12): multiplies the loads of a month
    connected_fraction: FloatArray  # (years, 12): of `connections`
    connections: int
    peak_minute_w: float
    largest_start_w: float
    notes: tuple[str, ...]
    fills: tuple[str, ...]

    @property
    def steps_per_day(self) -> int:
        """Return how many steps a day has."""
        return round(24.0 / self.dt_h)

    @property
    def systems(self) -> float:
        """Return how many systems of the same design are built: 1 microgrid, or one for each home."""
        return float(self.weights.sum())

    def monthly(self, by_month: FloatArray) -> FloatArray:
        """Return twelve values spread over the steps of a year."""
        return np.repeat(by_month, np.array(DAYS_IN_MONTHS) * self.steps_per_day)


def load_inputs(scenario: Scenario, folder: Path) -> Inputs:
    """Return the prepared inputs of `scenario`, whose files lie in `folder`; from the cache when nothing changed.

    Raises InvalidInput for files with mistakes. A cache that cannot be read or written is done without.
    """
    kept = cache_folder() / "inputs" / f"{_key(scenario, folder)}.npz"
    try:
        return _read(kept)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        pass
    from sim.preparing import prepare

    inputs = prepare(scenario, folder)
    _keep(inputs, kept)
    return inputs


def _key(scenario: Scenario, folder: Path) -> str:
    """Return a hash of everything the inputs depend on: the file's words, its data files, and our own source."""
    words = scenario.model_dump_json(exclude={"costs", "rates", "payg"})
    digest = hashlib.sha256(f"{source_fingerprint()}|{words}".encode())
    for name in _files(json.loads(words)):
        path = folder / name
        digest.update(name.encode())
        digest.update(path.read_bytes() if path.is_file() else b"")
    return digest.hexdigest()[:32]


def _files(value: object) -> list[str]:
    """Return every file name a scenario mentions: the keys `file`, `survey_file`, `ramp_file`."""
    if isinstance(value, list):
        return [name for item in value for name in _files(item)]
    if not isinstance(value, dict):
        return []
    named = [item for key, item in value.items() if str(key).endswith("file") and isinstance(item, str)]
    return named + [name for item in value.values() for name in _files(item)]


def _read(path: Path) -> Inputs:
    with np.load(path, allow_pickle=False) as stored:
        values = {field.name: stored[field.name] for field in fields(Inputs)}
    for name in ("dt_h", "peak_minute_w", "largest_start_w"):
        values[name] = float(values[name])
    for name in ("utc_offset_s", "year", "connections"):
        values[name] = int(values[name])
    for name in ("notes", "fills"):
        values[name] = tuple(str(text) for text in values[name])
    os.utime(path)
    return Inputs(**values)


def _keep(inputs: Inputs, path: Path) -> None:
    """Store prepared inputs whole or not at all; a full or read-only disk costs time, never the answer."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as part:
            arrays = {field.name: np.asarray(getattr(inputs, field.name)) for field in fields(Inputs)}
            np.savez(part, allow_pickle=False, **arrays)
        Path(part.name).replace(path)
        oldest_first = sorted(path.parent.glob("*.npz"), key=lambda file: file.stat().st_mtime)
        for old in oldest_first[:-KEPT]:
            old.unlink(missing_ok=True)
    except OSError:
        return
