"""Light on tilted panels and the temperature of their cells."""

from __future__ import annotations

import numpy as np

from sim.physics.pv import cell_temperature_c
from sim.scenario import Array, Site
from sim.weather.series import FloatArray, Steps, WeatherYear
from sim.weather.sun import Sun, day_of_year, quiet_pvlib, sun_position

ALBEDO = 0.2  # grass and dry soil
FAIMAN = (25.0, 6.84)  # u0 [W/m2/K] and u1 [W s/m3/K] of common modules in the open
MIN_TILT_DEG = 10.0  # flatter panels do not wash clean in the rain
LOW_SUN_COS = 0.065  # below 3.7 degrees the bright ring around the sun cannot be scaled to a plane


def array_conditions(
    year: WeatherYear, site: Site, array: Array, heat_loss: tuple[float, float] = FAIMAN
) -> tuple[FloatArray, FloatArray]:
    """Return the light on one array [W/m2] and the temperature of its cells [degC], each (n,).

    Sky light by Hay & Davies 1980, ground light with an albedo of 0.2, the sun taken at mid-step; no beam
    below the array's horizon, everything times one minus its shading. A year that measured the plane
    itself is used as it is, shading apart. A ready production profile comes back as the light that makes
    it at 25 degC, so that the same array equation returns it unchanged; it holds its own losses and
    shading.
    """
    if year.pv_kw_per_kw is not None:
        return year.pv_kw_per_kw * 1000.0, np.full_like(year.pv_kw_per_kw, 25.0)
    on_plane_w_m2 = year.poa_w_m2 if year.poa_w_m2 is not None else plane_w_m2(year, site, array)
    poa_w_m2 = on_plane_w_m2 * (1.0 - array.shading_fraction)
    return poa_w_m2, cell_temp_c(poa_w_m2, year.temp_c, year.wind_m_s, heat_loss)


def tilt_deg(site: Site, array: Array) -> float:
    """Return the array's tilt: its own, or the latitude, at least 10 degrees."""
    return array.tilt_deg if array.tilt_deg is not None else max(abs(site.latitude), MIN_TILT_DEG)


def azimuth_deg(site: Site, array: Array) -> float:
    """Return the array's direction: its own, or towards the equator (north over east, 0 is north)."""
    if array.azimuth_deg is not None:
        return array.azimuth_deg
    return 180.0 if site.latitude >= 0.0 else 0.0


def plane_w_m2(year: WeatherYear, site: Site, array: Array) -> FloatArray:
    """Return the light on a tilted plane without shading [W/m2], (n,).

    Source: J. E. Hay and J. A. Davies, First Canadian Solar Radiation Data Workshop, 1980, as in pvlib.
    """
    from pvlib import irradiance

    mid_s = year_steps(year).start_utc_s + year.step_s // 2
    sun = sun_position(mid_s, site)
    extra_w_m2 = np.asarray(irradiance.get_extra_radiation(day_of_year(mid_s)), dtype=np.float64)
    tilt, azimuth = tilt_deg(site, array), azimuth_deg(site, array)
    beam_w_m2 = _beam_in_sight(year.dni_w_m2, sun, array.horizon_deg)
    facing = irradiance.aoi_projection(tilt, azimuth, sun.apparent_zenith_deg, sun.azimuth_deg)
    ring_w_m2 = np.where(np.cos(np.radians(sun.apparent_zenith_deg)) > LOW_SUN_COS, beam_w_m2, 0.0)
    sky_w_m2 = irradiance.haydavies(
        tilt, azimuth, year.dhi_w_m2, ring_w_m2, extra_w_m2, sun.apparent_zenith_deg, sun.azimuth_deg
    )
    ground_w_m2 = irradiance.get_ground_diffuse(tilt, year.ghi_w_m2, albedo=ALBEDO)
    return np.asarray(beam_w_m2 * np.maximum(facing, 0.0) + sky_w_m2 + ground_w_m2, dtype=np.float64)


def _beam_in_sight(dni_w_m2: FloatArray, sun: Sun, horizon_deg: float) -> FloatArray:
    return np.where(90.0 - sun.apparent_zenith_deg > horizon_deg, dni_w_m2, 0.0)


def cell_temp_c(
    poa_w_m2: FloatArray, temp_c: FloatArray, wind_m_s: FloatArray, heat_loss: tuple[float, float] = FAIMAN
) -> FloatArray:
    """Return the temperature of the cells [degC] from light [W/m2], air [degC] and wind [m/s], by the physics kernel.

    `heat_loss` is Faiman's u0 [W/m2/K] and u1 [W s/m3/K] of the module.
    """
    steps = zip(poa_w_m2.tolist(), temp_c.tolist(), wind_m_s.tolist(), strict=True)
    return np.array([cell_temperature_c(sun, air, wind, *heat_loss) for sun, air, wind in steps])


def beam_and_diffuse_w_m2(ghi_w_m2: FloatArray, steps: Steps, site: Site) -> tuple[FloatArray, FloatArray]:
    """Return the direct light facing the sun and the diffuse light [W/m2] that make up the global.

    Source: D. G. Erbs, S. A. Klein and J. A. Duffie, Solar Energy 28(4), 1982, as in pvlib; the sun at
    mid-step.
    """
    from pvlib import irradiance

    mid_s = steps.start_utc_s + steps.step_s // 2
    with quiet_pvlib():
        parts = irradiance.erbs(ghi_w_m2, sun_position(mid_s, site).zenith_deg, day_of_year(mid_s))
    return np.asarray(parts["dni"], dtype=np.float64), np.asarray(parts["dhi"], dtype=np.float64)


def year_steps(year: WeatherYear) -> Steps:
    """Return the steps of a weather year."""
    return Steps(year.step_s, year.utc_offset_s, year.year)
