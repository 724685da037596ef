"""Where the sun stands, and how much light would reach the ground without an atmosphere."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from sim.scenario import Site
from sim.weather.series import FloatArray, IntArray, Steps

SAMPLE_S = 600  # the sun every ten minutes gives the mean light of an hour within 0.1 %


@contextmanager
def quiet_pvlib() -> Iterator[None]:
    """Keep pvlib's use of names that pandas will drop, and its divisions at night, out of sight."""
    with warnings.catch_warnings(), np.errstate(divide="ignore", invalid="ignore"):
        warnings.simplefilter("ignore", DeprecationWarning)
        yield


class Sun(NamedTuple):
    """The sun's place: degrees, azimuth from north over east, zenith with and without refraction."""

    apparent_zenith_deg: FloatArray
    zenith_deg: FloatArray
    azimuth_deg: FloatArray


def sun_position(utc_s: IntArray, site: Site) -> Sun:
    """Return the sun's place at moments given in seconds since 1970 UTC, each array (n,).

    Within 0.02 degrees of the reference algorithm (Reda & Andreas, NREL/TP-560-34302) at an eighth of its
    time, by the ephemeris method of pvlib.
    """
    from pandas import to_datetime
    from pvlib import atmosphere, solarposition

    times = to_datetime(utc_s, unit="s", utc=True)
    pressure_pa = float(atmosphere.alt2pres(site.altitude_m))
    with quiet_pvlib():
        table = solarposition.ephemeris(times, site.latitude, site.longitude, pressure=pressure_pa)
    return Sun(
        90.0 - table["apparent_elevation"].to_numpy(np.float64),
        90.0 - table["elevation"].to_numpy(np.float64),
        table["azimuth"].to_numpy(np.float64),
    )


def day_of_year(utc_s: IntArray) -> IntArray:
    """Return the day of the year, 1 for 1 January, of moments in seconds since 1970 UTC."""
    days = utc_s.astype("datetime64[s]").astype("datetime64[D]")
    since_new_year = days - days.astype("datetime64[Y]").astype("datetime64[D]")
    return np.asarray(since_new_year.astype(np.int64) + 1, dtype=np.int64)


def extraterrestrial_w_m2(utc_s: IntArray, site: Site) -> FloatArray:
    """Return the light on a level surface above the atmosphere at each moment [W/m2], zero at night."""
    from pvlib import irradiance

    normal_w_m2 = np.asarray(irradiance.get_extra_radiation(day_of_year(utc_s)), dtype=np.float64)
    cos_zenith = np.cos(np.radians(sun_position(utc_s, site).zenith_deg))
    return np.asarray(normal_w_m2 * np.maximum(cos_zenith, 0.0), dtype=np.float64)


@lru_cache(maxsize=8)
def mean_extraterrestrial_w_m2(steps: Steps, site: Site) -> FloatArray:
    """Return the mean over each step of the light on a level surface above the atmosphere [W/m2], (n,)."""
    samples = max(1, steps.step_s // SAMPLE_S)
    every_s = steps.step_s / samples
    offsets_s = np.rint((np.arange(samples) + 0.5) * every_s).astype(np.int64)
    moments = (steps.start_utc_s[:, None] + offsets_s[None, :]).ravel()
    means = extraterrestrial_w_m2(moments, site).reshape(-1, samples).mean(axis=1)
    means.flags.writeable = False  # kept for the next year of the same site
    return np.asarray(means, dtype=np.float64)
