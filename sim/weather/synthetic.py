"""Synthetic years from twelve monthly means: believable runs of days, never brighter than the clear sky.

Daily clearness follows Graham, Hollands & Unny (Solar Energy 40, 1988) through the distribution of Bendt,
Collares-Pereira & Rabl (Solar Energy 27, 1981); hours within the day follow TAG (Aguiar &
Collares-Pereira, Solar Energy 48, 1992). Then days, and at last months, are scaled under the clear sky
until they give the means asked for.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from microgrid.errors import InvalidInput, Problem
from sim.randomness import stream
from sim.scenario import Site, Weather
from sim.time_text import standard_offset_s
from sim.weather.irradiance import beam_and_diffuse_w_m2
from sim.weather.series import TYPICAL_YEAR, FloatArray, IntArray, Steps, WeatherYear, zone_text
from sim.weather.sun import day_of_year, mean_extraterrestrial_w_m2, quiet_pvlib, sun_position

DAYS = 365
HOUR_S = 3600
SHORT_STEP_S = 600  # over ten minutes the middle of a step is as good as its mean
DAILY_CORRELATION = 0.29  # of the clearness of one day with the next (Graham, Hollands & Unny 1988)
DARKEST_CLEARNESS = 0.05
POLAR_NIGHT_WH = 50.0  # a cloudless day's light on a square metre below which a month may be said to have none
CANDIDATES = 8  # draws for one hour, of which the first between dark and clear is taken
HOTTEST_HOUR = 15.0
MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


class Sky(NamedTuple):
    """What the place allows in each hour: light above the air, clear-sky light [W/m2], sine of the height.

    All (8760,); `clear_step_w_m2` is the clear sky at the scenario's step, (n,), of which the hours are
    means.
    """

    above_w_m2: FloatArray
    clear_w_m2: FloatArray
    sin_height: FloatArray
    clear_step_w_m2: FloatArray


def synthetic_year(weather: Weather, site: Site, step_minutes: int, seed: int, draw: int = 0) -> WeatherYear:
    """Return a believable year with the monthly means asked for; another `draw` is an independent year.

    Raises InvalidInput for each month whose mean the sun of the place cannot give. Global light is never
    above the clear sky (Ineichen & Perez 2002 with monthly turbidity) at any step.
    """
    steps = Steps(60 * step_minutes, standard_offset_s(site.timezone, TYPICAL_YEAR), TYPICAL_YEAR)
    hours = Steps(HOUR_S, steps.utc_offset_s, steps.year)
    sky = _sky(steps, hours, site)
    wanted_wh = _monthly_sums(weather, sky, hours)
    light = _hourly_light(wanted_wh, sky, hours, stream(seed, "weather", draw))
    ghi = _at_step(light, sky)
    dni, dhi = beam_and_diffuse_w_m2(ghi, steps, site)
    return WeatherYear(
        step_s=steps.step_s,
        utc_offset_s=steps.utc_offset_s,
        year=steps.year,
        ghi_w_m2=ghi,
        dni_w_m2=dni,
        dhi_w_m2=dhi,
        temp_c=temperature_c(weather, steps),
        wind_m_s=np.full(steps.count, weather.wind_m_s),
        notes=_notes(weather, steps, draw),
    )


def clear_sky_w_m2(steps: Steps, site: Site) -> FloatArray:
    """Return the most global light of each step [W/m2]: the clear sky's mean, or its middle if less.

    Source: P. Ineichen and R. Perez, Solar Energy 73(3), 2002, and pvlib's monthly map of turbidity.
    """
    sixths = np.array((1, 3, 5) if steps.step_s > SHORT_STEP_S else (3,), dtype=np.int64)
    moments = steps.start_utc_s[:, None] + sixths[None, :] * steps.step_s // 6
    clear = clear_sky_at_w_m2(moments.ravel(), site).reshape(-1, sixths.size)
    return np.asarray(np.minimum(clear.mean(axis=1), clear[:, sixths.size // 2]), dtype=np.float64)


def clear_sky_at_w_m2(utc_s: IntArray, site: Site) -> FloatArray:
    """Return the global light of a cloudless sky at moments in seconds since 1970 UTC [W/m2]."""
    from pandas import to_datetime
    from pvlib import atmosphere, clearsky, irradiance

    times = to_datetime(utc_s, unit="s", utc=True)
    sun = sun_position(utc_s, site)
    pressure_pa = float(atmosphere.alt2pres(site.altitude_m))
    with quiet_pvlib():
        relative = atmosphere.get_relative_airmass(sun.apparent_zenith_deg)
        airmass = atmosphere.get_absolute_airmass(relative, pressure_pa)
        turbidity = clearsky.lookup_linke_turbidity(times, site.latitude, site.longitude).to_numpy()
        extra = np.asarray(irradiance.get_extra_radiation(day_of_year(utc_s)))
        clear = clearsky.ineichen(sun.apparent_zenith_deg, airmass, turbidity, site.altitude_m, extra)
    return np.nan_to_num(np.asarray(clear["ghi"], dtype=np.float64))


def temperature_c(weather: Weather, steps: Steps) -> FloatArray:
    """Return air temperature [degC]: lines between mid-months that keep each monthly mean, and a daily wave.

    The wave has the daily range of the scenario and its top at 15:00, three hours behind the sun.
    """
    monthly_c = np.array(weather.monthly_temp_c, dtype=np.float64)
    month = steps.month
    place = np.arange(steps.count, dtype=np.float64)
    middles = np.array([place[month == number].mean() for number in range(12)])
    smooth = np.interp(place, middles, monthly_c, period=steps.count)
    hour = place * (steps.step_s / HOUR_S) + steps.step_s / HOUR_S / 2.0
    wave = weather.daily_temp_range_c / 2.0 * np.cos(2.0 * np.pi * (hour - HOTTEST_HOUR) / 24.0)
    off = np.bincount(month, weights=smooth) / np.bincount(month) - monthly_c
    return np.asarray(smooth - off[month] + wave, dtype=np.float64)


@lru_cache(maxsize=2)  # a thousand draws have one sky
def _sky(steps: Steps, hours: Steps, site: Site) -> Sky:
    clear_step = clear_sky_w_m2(steps, site)
    zenith_deg = sun_position(hours.start_utc_s + HOUR_S // 2, site).zenith_deg
    clear_hour = clear_step.reshape(hours.count, -1).mean(axis=1)
    return Sky(mean_extraterrestrial_w_m2(hours, site), clear_hour, np.cos(np.radians(zenith_deg)), clear_step)


def _monthly_sums(weather: Weather, sky: Sky, hours: Steps) -> FloatArray:
    """Return the light wanted in each month [Wh/m2], refusing what the sun cannot give."""
    above, clear = (np.bincount(hours.month, weights=light) for light in (sky.above_w_m2, sky.clear_w_m2))
    days = np.asarray(np.bincount(hours.month) / 24.0)
    if weather.monthly_clearness is not None:
        given = np.array(weather.monthly_clearness, dtype=np.float64)
        limit = np.divide(clear, above, out=np.zeros_like(clear), where=above > 0.0)  # a polar night has none
        wanted, unit, key = given * above, "", "clearness"
    else:
        given = np.array(weather.monthly_ghi_kwh_m2_day, dtype=np.float64)
        wanted, limit, unit, key = (
            given * 1000.0 * days,
            clear / 1000.0 / days,
            " kWh/m2 a day",
            "global light",
        )
    polar_night = clear < POLAR_NIGHT_WH * days
    bad = np.flatnonzero((wanted > clear) | ((given <= 0.0) & ~polar_night))
    if bad.size:
        raise InvalidInput(*(_impossible(MONTHS[month], key, given[month], limit[month], unit) for month in bad))
    return np.asarray(wanted, dtype=np.float64)


def _impossible(month: str, key: str, value: float, limit: float, unit: str) -> Problem:
    if value > 0.0:
        what = f"{key} of {value:g}{unit} in {month} is more than a cloudless sky gives here: {limit:.3g}{unit}"
        why = "the number is of another place or another unit, or the months are in another order"
    else:
        what = f"{key} of {value:g}{unit} in {month}: a month has some light"
        why = "a month without a number cannot be left at zero"
    usual = "kWh/m2 a day is near 3 to 7 in the tropics" if unit else "clearness is near 0.4 to 0.65"
    fix = f"{usual}; check latitude, longitude and the order of the months"
    return Problem("MG-D120", what, why=why, fix=fix)


def _hourly_light(wanted_wh: FloatArray, sky: Sky, hours: Steps, chance: np.random.Generator) -> FloatArray:
    """Return the light of each hour [W/m2], (8760,), with the wanted monthly sums."""
    by_day = tuple(series.reshape(DAYS, 24) for series in (sky.above_w_m2, sky.clear_w_m2, sky.sin_height))
    above, clear, sin_height = by_day
    month_of_day = hours.month[::24]
    clearness = wanted_wh / np.maximum(np.bincount(hours.month, weights=sky.above_w_m2), 1.0)
    daily = daily_clearness(clearness[month_of_day], chance)
    hourly = _hourly_clearness(daily, clear, above, sin_height, chance) * above
    day_wh = np.minimum(daily * above.sum(axis=1), clear.sum(axis=1))
    light = scale_under(hourly, clear, day_wh).ravel()
    for month in range(12):
        here = hours.month == month
        light[here] = scale_under(light[None, here], sky.clear_w_m2[None, here], wanted_wh[None, month])[0]
    return light


def daily_clearness(mean_of_day: FloatArray, chance: np.random.Generator) -> FloatArray:
    """Return the clearness of each day, correlated with the day before, about its month's mean; both (n,)."""
    from scipy.special import ndtr

    shocks = chance.standard_normal(mean_of_day.size)
    normal = np.empty_like(shocks)
    normal[0] = shocks[0]
    for day in range(1, shocks.size):
        carried = DAILY_CORRELATION * normal[day - 1]
        normal[day] = carried + np.sqrt(1.0 - DAILY_CORRELATION**2) * shocks[day]
    return _quantile(np.asarray(ndtr(normal), dtype=np.float64), mean_of_day)


def _quantile(chance_below: FloatArray, mean: FloatArray) -> FloatArray:
    """Return the clearness that a share of days stays below: Bendt et al. with the given mean."""
    mean = np.maximum(mean, 0.01)
    low = np.minimum(DARKEST_CLEARNESS, mean / 2.0)
    high = 0.6313 + 0.267 * mean - 11.9 * (mean - 0.75) ** 8
    high = np.maximum(high, np.maximum(np.minimum(2.0 * mean, 0.35), 1.02 * mean))  # outside the fitted range
    gamma = _steepness((mean - low) / (high - low)) / (high - low)
    grown = np.expm1(gamma * (high - low)) * chance_below
    flat = np.abs(gamma) < 1e-9
    curved = np.log1p(grown) / np.where(flat, 1.0, gamma)
    return np.asarray(low + np.where(flat, chance_below * (high - low), curved), dtype=np.float64)


def _steepness(mean: FloatArray) -> FloatArray:
    """Return g such that a density exp(g x) on [0, 1] has the given mean, by halving the interval."""
    low, high = np.full_like(mean, -300.0), np.full_like(mean, 300.0)
    for _ in range(60):
        middle = (low + high) / 2.0
        safe = np.where(np.abs(middle) < 1e-6, 1e-6, middle)
        is_below = 1.0 / -np.expm1(-safe) - 1.0 / safe < mean
        low, high = np.where(is_below, middle, low), np.where(is_below, high, middle)
    return (low + high) / 2.0


def _hourly_clearness(
    daily: FloatArray,
    clear: FloatArray,
    above: FloatArray,
    sin_height: FloatArray,
    chance: np.random.Generator,
) -> FloatArray:
    """Return the clearness of each hour by TAG, (days, 24): between darkness and the clear sky."""
    kt = daily[:, None]
    sin_h = np.maximum(sin_height, 0.02)
    most = np.divide(clear, above, out=np.zeros_like(clear), where=above > 0.0)
    kappa = 0.19 + 2.27 * kt**2 - 2.51 * kt**3
    mean = -0.19 + 1.12 * kt + 0.24 * np.exp(-8.0 * kt) + (0.32 - 1.6 * (kt - 0.5) ** 2) * np.exp(-kappa / sin_h)
    spread = 0.14 * np.exp(-20.0 * (kt - 0.35) ** 2) * np.exp((3.0 * (kt - 0.45) ** 2 + 16.0 * kt**5) * (1.0 - sin_h))
    phi = 0.38 + 0.06 * np.cos(7.4 * daily - 2.5)
    shocks = chance.standard_normal((24, CANDIDATES, daily.size)) * np.sqrt(1.0 - phi**2)
    state = np.zeros_like(daily)
    hourly = np.zeros_like(above)
    for hour in range(24):
        tried = phi * state + shocks[hour]
        kt_tried = mean[:, hour] + spread[:, hour] * tried
        fits = (kt_tried >= 0.0) & (kt_tried <= most[:, hour])
        first = np.argmax(fits, axis=0)
        state = np.take_along_axis(tried, first[None, :], axis=0)[0]
        hourly[:, hour] = np.clip(np.take_along_axis(kt_tried, first[None, :], axis=0)[0], 0.02, None)
    return np.minimum(hourly, most)


def scale_under(raw: FloatArray, ceiling: FloatArray, wanted: FloatArray) -> FloatArray:
    """Return each row of `raw` times one factor, cut off at `ceiling`, so that its sum is `wanted` (rows,).

    The factor is found by halving, to 1e-12. A row that reaches its ceiling everywhere stays there.
    Shapes: raw and ceiling (rows, n), wanted (rows,).
    """
    low = np.zeros(raw.shape[0])
    high = np.full(raw.shape[0], 1e6)
    for _ in range(80):
        middle = (low + high) / 2.0
        is_below = np.minimum(raw * middle[:, None], ceiling).sum(axis=1) < wanted
        low, high = np.where(is_below, middle, low), np.where(is_below, high, middle)
    return np.minimum(raw * low[:, None], ceiling)


def _at_step(light_w_m2: FloatArray, sky: Sky) -> FloatArray:
    """Return hourly light at the scenario's step, its share of the clear sky the same all hour long."""
    clear = sky.clear_step_w_m2.reshape(light_w_m2.size, -1)
    share = np.divide(light_w_m2, sky.clear_w_m2, out=np.zeros_like(light_w_m2), where=sky.clear_w_m2 > 0.0)
    return np.asarray((clear * np.minimum(share, 1.0)[:, None]).ravel(), dtype=np.float64)


def _notes(weather: Weather, steps: Steps, draw: int) -> tuple[str, ...]:
    means = "clearness" if weather.monthly_clearness is not None else "global light"
    made = f"synthetic year {draw + 1} from twelve monthly means of {means}, {zone_text(steps.utc_offset_s)}"
    split = "direct and diffuse light split from global light (Erbs)"
    return made, split
