"""From a planner's file to prepared inputs: made once, then kept beside the machine code.

Preparing needs pvlib (over a second to load) and a year of appliances; running needs neither. The prepared arrays
are kept in the cache folder under a hash of everything they depend on, so a warm start reads one small file.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import zipfile
from dataclasses import fields
from pathlib import Path

import numpy as np

from sim.catalogue import FOLDER as CATALOGUE
from sim.inputs import Inputs
from sim.physics.kernel import cache_folder, source_fingerprint
from sim.scenario import Scenario

KEPT = 40  # prepared inputs; the oldest beyond that are deleted


def load_inputs(scenario: Scenario, folder: Path) -> Inputs:
    """Return the prepared inputs of `scenario`, whose files lie in `folder`; from the cache when nothing changed.

    Raises InvalidInput for files with mistakes. A cache that cannot be read or written is done without.
    """
    kept = cache_folder() / "inputs" / f"{key_of(scenario, folder)}.npz"
    try:
        return _read(kept)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        pass
    from sim.preparing import prepare

    inputs = prepare(scenario, folder)
    _keep(inputs, kept)
    return inputs


def key_of(scenario: Scenario, folder: Path) -> str:
    """Return a hash of everything the inputs depend on.

    That is the file's words and its data files, the catalogue, and our own source.
    """
    words = scenario.model_dump_json(exclude={"costs", "rates", "payg"})
    digest = hashlib.sha256(f"{source_fingerprint()}|{words}".encode())
    for path in (*data_files(scenario, folder), *sorted(CATALOGUE.glob("*.yaml"))):
        kept = _content(path)
        digest.update(f"|{path.name}|{len(kept)}|".encode() + kept)
    return digest.hexdigest()[:32]


def data_files(scenario: Scenario, folder: Path) -> tuple[Path, ...]:
    """Return every file a scenario names; `folder` is where they lie."""
    return tuple(folder / name for name in _files(scenario.model_dump(mode="json")))


def _content(path: Path) -> bytes:
    """Return what is in a file, nothing where it cannot be read: the file's own reader says why."""
    try:
        return path.read_bytes() if path.is_file() else b""
    except OSError:
        return b""


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
    for name in ("dt_h", "peak_minute_w", "peak_three_phase_w", "largest_start_w"):
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
