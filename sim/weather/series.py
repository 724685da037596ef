"""A year of weather on the site's clock: the one form that everything after the readers works with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

DAY_S = 86_400
YEAR_S = 365 * DAY_S
MONTH_START_S = np.cumsum((0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30), dtype=np.int64) * DAY_S
TYPICAL_YEAR = 2025  # non-leap, and the year whose weekdays appliances follow: stands for years that mix years


@dataclass(frozen=True, slots=True, eq=False)
class WeatherYear:
    """One non-leap year of weather in the site's standard time, labelled at the start of each step.

    Irradiances are means over the step [W/m2], each array (n,) with n = 31,536,000 / step_s. `poa_w_m2`
    is set when the file measured the plane of the array itself; the three horizontal arrays are then
    zero. `pv_kw_per_kw` is set when the file is a ready production profile; all irradiances are then
    zero. `notes` say what was understood and assumed; `fills` name the long gaps that were filled on
    request and belong in every report.
    """

    step_s: int
    utc_offset_s: int
    year: int
    ghi_w_m2: FloatArray
    dni_w_m2: FloatArray
    dhi_w_m2: FloatArray
    temp_c: FloatArray
    wind_m_s: FloatArray
    poa_w_m2: FloatArray | None = None
    pv_kw_per_kw: FloatArray | None = None
    notes: tuple[str, ...] = ()
    fills: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Steps:
    """The equal steps of one non-leap year on a fixed clock."""

    step_s: int
    utc_offset_s: int
    year: int

    @property
    def count(self) -> int:
        """Return how many steps the year has."""
        return YEAR_S // self.step_s

    @property
    def start_utc_s(self) -> IntArray:
        """Return the start of each step in seconds since 1970 UTC."""
        first_s = int(np.datetime64(f"{self.year}-01-01", "s").astype(np.int64)) - self.utc_offset_s
        return first_s + self.step_s * np.arange(self.count, dtype=np.int64)

    @property
    def month(self) -> IntArray:
        """Return the month of each step on the steps' own clock, 0 for January."""
        return month_of_second(self.step_s * np.arange(self.count, dtype=np.int64))


def month_of_second(second_of_year: IntArray) -> IntArray:
    """Return the month, 0 for January, of seconds since the start of a non-leap year."""
    return np.searchsorted(MONTH_START_S, second_of_year, side="right").astype(np.int64) - 1


def clock_text(second_of_year: int) -> str:
    """Return a second of a non-leap year as a person writes it, such as `02-28 13:30`."""
    moment = np.datetime64(f"{TYPICAL_YEAR}-01-01", "s") + np.timedelta64(int(second_of_year), "s")
    return str(moment)[5:16].replace("T", " ")


def zone_text(utc_offset_s: int) -> str:
    """Return an offset as a person writes it, such as `UTC+3` or `UTC+5:30`."""
    if utc_offset_s == 0:
        return "UTC"
    hours, seconds = divmod(abs(utc_offset_s), 3600)
    minutes = f":{seconds // 60:02d}" if seconds else ""
    return f"UTC{'+' if utc_offset_s > 0 else '-'}{hours}{minutes}"
