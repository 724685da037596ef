"""The same year on another clock and another step: the light of each old step stays what it was."""

from __future__ import annotations

from math import gcd

import numpy as np

from sim.scenario import Site
from sim.weather.gaps import FOLLOWS_THE_SUN, HIGH_ENOUGH_W_M2, ring_line
from sim.weather.series import FloatArray, Steps
from sim.weather.sun import extraterrestrial_w_m2, mean_extraterrestrial_w_m2, sun_position

CLEARNESS_MAX = 1.5  # bright cloud edges; a ratio above it is a sun on the horizon

Columns = dict[str, FloatArray]


def to_site_clock(columns: Columns, steps: Steps, site: Site, utc_offset_s: int, step_s: int) -> tuple[Columns, Steps]:
    """Return the columns on the site's clock and step, (31,536,000 / step_s,) each.

    Finer steps are averaged. Coarser ones are split so that each keeps its sum (to 1e-9) and light
    follows the sun: none before sunrise or after sunset. The first hours of the year on a clock that is
    ahead come from its end.
    """
    ahead_s = utc_offset_s - steps.utc_offset_s
    fine_s = gcd(gcd(steps.step_s, step_s), ahead_s)
    fine = Steps(fine_s, steps.utc_offset_s, steps.year)
    split = steps.step_s // fine_s
    if split > 1:
        columns = _split_all(columns, mean_extraterrestrial_w_m2(fine, site), split)
    shift, joined = ahead_s // fine_s, step_s // fine_s
    moved = {name: np.roll(values, shift) for name, values in columns.items()}
    means = {name: values.reshape(-1, joined).mean(axis=1) for name, values in moved.items()}
    return means, Steps(step_s, utc_offset_s, steps.year)


def _split_all(columns: Columns, fine_sun_w_m2: FloatArray, split: int) -> Columns:
    return {
        name: split_light(values, fine_sun_w_m2, split, is_beam=name == "dni_w_m2")
        if name in FOLLOWS_THE_SUN
        else split_smooth(values, split, is_signed=name == "temp_c")
        for name, values in columns.items()
    }


def split_light(coarse_w_m2: FloatArray, fine_sun_w_m2: FloatArray, split: int, *, is_beam: bool = False) -> FloatArray:
    """Return light in `split` times finer steps that follow the sun and keep the mean of every coarse step.

    `fine_sun_w_m2` (n x split,) is the light above the atmosphere. Its ratio to the light on the ground
    is joined by straight lines between the middles of the coarse steps; a beam facing the sun is even
    while the sun is up. Light that a file claims while the sun is down all step long goes to the fine
    step next to daylight.
    """
    sun = fine_sun_w_m2.reshape(-1, split)
    if is_beam:
        guess = (sun > 0.0).astype(np.float64)
    else:
        mean = sun.mean(axis=1)
        high = mean > HIGH_ENOUGH_W_M2
        ratio = ring_line(np.divide(coarse_w_m2, mean, out=np.zeros_like(mean), where=high), high)
        guess = _between_middles(np.minimum(ratio, CLEARNESS_MAX), split) * sun
        guess = np.where((guess.sum(axis=1) > 0.0)[:, None], guess, sun)
    return _keep_means(guess, coarse_w_m2, sun)


def _keep_means(guess: FloatArray, coarse: FloatArray, sun: FloatArray) -> FloatArray:
    total = guess.sum(axis=1)
    dark = total <= 0.0
    split = guess.shape[1]
    scale = np.divide(coarse * split, total, out=np.zeros_like(coarse), where=~dark)
    fine = guess * scale[:, None]
    light = sun.mean(axis=1)
    is_dawn = np.roll(light, -1) > np.roll(light, 1)
    edge = np.where(is_dawn, split - 1, 0)
    fine[dark, edge[dark]] = coarse[dark] * split
    return np.asarray(fine.ravel(), dtype=np.float64)


def split_smooth(coarse: FloatArray, split: int, *, is_signed: bool) -> FloatArray:
    """Return temperature or wind in finer steps: straight lines that keep the mean of every coarse step."""
    fine = _between_middles(coarse, split)
    mean = fine.mean(axis=1)
    if is_signed:
        return np.asarray((fine + (coarse - mean)[:, None]).ravel(), dtype=np.float64)
    scale = np.divide(coarse, mean, out=np.zeros_like(coarse), where=mean > 0.0)
    return np.asarray((fine * scale[:, None]).ravel(), dtype=np.float64)


def _between_middles(coarse: FloatArray, split: int) -> FloatArray:
    """Return straight lines between the middles of coarse steps, (n, split); the year is a ring."""
    place = (np.arange(coarse.size * split, dtype=np.float64) + 0.5) / split - 0.5
    fine = np.interp(place, np.arange(coarse.size, dtype=np.float64), coarse, period=coarse.size)
    return np.asarray(fine.reshape(-1, split), dtype=np.float64)


def means_of_samples(columns: Columns, steps: Steps, site: Site, sampled_after_s: int) -> Columns:
    """Return means over each step from values of one moment each, so long after the start of its step.

    Light goes by its ratio to the light above the atmosphere at that moment, on a straight line to the
    middle of the step; so a satellite picture taken ten past the hour does not turn the day by twenty
    minutes.
    """
    then_w_m2 = extraterrestrial_w_m2(steps.start_utc_s + sampled_after_s, site)
    mean_w_m2 = mean_extraterrestrial_w_m2(steps, site)
    ahead = 0.5 - sampled_after_s / steps.step_s
    result: Columns = {}
    for name, values in columns.items():
        if name == "dni_w_m2":
            result[name] = np.where(mean_w_m2 > 0.0, _moved(values, ahead), 0.0)
        elif name in FOLLOWS_THE_SUN:
            high = then_w_m2 > HIGH_ENOUGH_W_M2
            ratio = ring_line(np.divide(values, then_w_m2, out=np.zeros_like(values), where=high), high)
            result[name] = np.minimum(_moved(ratio, ahead), CLEARNESS_MAX) * mean_w_m2
        else:
            result[name] = _moved(values, ahead)
    return result


def _moved(values: FloatArray, ahead: float) -> FloatArray:
    """Return the values on straight lines, read `ahead` of a step later; the year is a ring."""
    place = np.arange(values.size, dtype=np.float64)
    return np.asarray(np.interp(place + ahead, place, values, period=values.size), dtype=np.float64)


def cos_zenith(steps: Steps, site: Site) -> FloatArray:
    """Return the cosine of the sun's zenith angle in the middle of each step, negative at night."""
    mid_s = steps.start_utc_s + steps.step_s // 2
    return np.asarray(np.cos(np.radians(sun_position(mid_s, site).zenith_deg)), dtype=np.float64)
