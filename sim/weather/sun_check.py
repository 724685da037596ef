"""Does the light of a file fit the sun of the site? A wrong clock or place shows here, and nowhere else."""

from __future__ import annotations

import numpy as np

from microgrid.errors import Problem
from sim.weather.record import Record
from sim.weather.series import DAY_S, FloatArray, Steps

DARK_FRACTION_MAX = 0.02  # of the year's light in steps without any sun
WRONG_CLOCK_H = 1.25
ODD_CLOCK_H = 0.6  # regular morning clouds move the middle of the light by half an hour


def sun_problem(
    light_w_m2: FloatArray, extraterrestrial_w_m2: FloatArray, steps: Steps, record: Record
) -> tuple[Problem | None, tuple[str, ...]]:
    """Return a problem when light comes at night or hours off the sun, and notes when it is a little off.

    `light_w_m2` and `extraterrestrial_w_m2` are (n,) on `steps`, the file's clock.
    """
    total = float(light_w_m2.sum())
    if total <= 0.0:
        fix = "check which column holds the light"
        return Problem("MG-D108", "there is no light in the whole year", fix=fix, file=record.file), ()
    late_h = lateness_h(light_w_m2, extraterrestrial_w_m2, steps.step_s)
    dark = float(light_w_m2[extraterrestrial_w_m2 <= 0.0].sum()) / total
    if dark > DARK_FRACTION_MAX or abs(late_h) > WRONG_CLOCK_H:
        return _wrong_clock(dark, late_h, record), ()
    if abs(late_h) > ODD_CLOCK_H:
        side = "after" if late_h > 0 else "before"
        return None, (
            f"the middle of the light is {abs(late_h):.1f} h {side} the sun's: check the clock, and whether "
            "labels are at the end of steps (name the column time_end)",
        )
    return None, ()


def lateness_h(light_w_m2: FloatArray, extraterrestrial_w_m2: FloatArray, step_s: int) -> float:
    """Return by how many hours the middle of the light follows the middle of the sun's, from -12 to 12."""
    turn = np.exp(2j * np.pi * np.arange(DAY_S // step_s) * step_s / DAY_S)
    light, sun = (series.reshape(-1, turn.size).sum(axis=0) @ turn for series in (light_w_m2, extraterrestrial_w_m2))
    return float(np.angle(light * np.conj(sun)) / (2 * np.pi) * 24.0)


def _wrong_clock(dark: float, late_h: float, record: Record) -> Problem:
    fix = "name the clock with  file_timezone: UTC  (or another zone) under weather; check site.longitude"
    if record.place is not None:
        latitude, longitude = record.place
        fix = f"take a file of the site: this one is of latitude {latitude:g}, longitude {longitude:g}"
    side = "after" if late_h > 0 else "before"
    return Problem(
        "MG-D113",
        f"the light does not fit the sun of this place: its middle is {abs(late_h):.1f} h {side} the sun's, "
        f"{100 * dark:.0f} % of it falls at night",
        why="the file's clock is not the one assumed, or latitude and longitude are of another place",
        fix=fix,
        file=record.file,
    )
