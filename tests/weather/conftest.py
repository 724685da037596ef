"""A made-up year whose light is known at every moment, and the forms in which files tell it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from pvlib import spa

from sim.scenario import Site, Weather
from sim.weather.load import load_weather
from sim.weather.series import WeatherYear

FloatArray = NDArray[np.float64]
HOURS = 8760


@dataclass(frozen=True)
class Truth:
    """Hourly means of 2023 on a fixed clock; light from the reference sun position, not from our own."""

    ghi_w_m2: FloatArray
    temp_c: FloatArray
    wind_m_s: FloatArray


def ghi_at(unix_s: FloatArray, latitude: float, longitude: float) -> FloatArray:
    """Return 900 W/m2 times the cosine of the zenith angle, by the reference algorithm."""
    zenith = spa.solar_position(unix_s, latitude, longitude, 0.0, 1013.25, 12.0, 67.0, 0.5667, 1)[1]
    return np.asarray(900.0 * np.maximum(np.cos(np.radians(zenith)), 0.0))


@pytest.fixture(scope="session")
def kisiju() -> Site:
    return Site.model_validate(
        {"name": "Kisiju", "latitude": -7.42, "longitude": 39.33, "timezone": "Africa/Dar_es_Salaam", "currency": "TZS"}
    )


@pytest.fixture(scope="session")
def berlin() -> Site:
    return Site.model_validate(
        {"name": "Berlin", "latitude": 52.5, "longitude": 13.4, "timezone": "Europe/Berlin", "currency": "EUR"}
    )


@pytest.fixture(scope="session")
def truth_on() -> Callable[[Site, float], Truth]:
    """Return the true year of a site on a clock so many hours ahead of UTC."""
    made: dict[tuple[str, float], Truth] = {}

    def on_clock(site: Site, offset_h: float) -> Truth:
        if (site.name, offset_h) not in made:
            first_s = pd.Timestamp("2023-01-01", tz="UTC").timestamp() - offset_h * 3600
            moments = first_s + 300.0 * np.arange(HOURS * 12) + 150.0
            ghi = ghi_at(moments, site.latitude, site.longitude).reshape(-1, 12).mean(axis=1)
            hours = first_s / 3600.0 + np.arange(HOURS)
            temp = 25.0 + 5.0 * np.sin(2 * np.pi * hours / 24.0)
            made[site.name, offset_h] = Truth(ghi, temp, 2.0 + np.cos(2 * np.pi * hours / 24.0))
        return made[site.name, offset_h]

    return on_clock


Load = Callable[..., WeatherYear]


@pytest.fixture
def load_text(tmp_path: Path) -> Load:
    """Return a function that reads a weather file with the given text."""

    def load(text: str, site: Site, name: str = "weather.csv", step_minutes: int = 60, **said: str) -> WeatherYear:
        (tmp_path / name).write_bytes(text.encode())
        weather = Weather.model_validate({"file": name, **said})
        return load_weather(weather, site, tmp_path, step_minutes, seed=1)

    return load
