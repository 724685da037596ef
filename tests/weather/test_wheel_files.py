"""The measured typical years that come with pvlib: read with nothing but their names."""

from pathlib import Path

import numpy as np
import pvlib
import pytest

from microgrid.errors import InvalidInput
from sim.scenario import Array, Site, Weather
from sim.weather.irradiance import array_conditions, year_steps
from sim.weather.load import load_weather
from sim.weather.sun import mean_extraterrestrial_w_m2
from sim.weather.sun_check import lateness_h

FOLDER = Path(pvlib.__file__).parent / "data"


def site(latitude: float, longitude: float, timezone: str, altitude_m: float) -> Site:
    place = {"latitude": latitude, "longitude": longitude, "timezone": timezone, "altitude_m": altitude_m}
    return Site.model_validate({"name": "station", "currency": "USD", **place})


STATIONS = {
    "723170TYA.CSV": (site(36.1, -79.95, "America/New_York", 273.0), 1566.203),
    "703165TY.csv": (site(55.317, -160.517, "America/Anchorage", 7.0), 829.243),
    "12839.tm2": (site(25.8, -80.267, "America/New_York", 2.0), 1792.618),
}


@pytest.mark.parametrize("name", STATIONS)
@pytest.mark.parametrize("minutes", [60, 15])
def test_station_years(name: str, minutes: int) -> None:
    place, ghi_kwh_m2 = STATIONS[name]
    year = load_weather(Weather.model_validate({"file": name}), place, FOLDER, minutes, seed=1)
    assert year.ghi_w_m2.sum() * year.step_s / 3.6e6 == pytest.approx(ghi_kwh_m2, rel=1e-9)
    sun = mean_extraterrestrial_w_m2(year_steps(year), place)
    assert abs(lateness_h(year.ghi_w_m2, sun, year.step_s)) < 0.25
    assert not any("filled" in note for note in year.notes)
    poa, cell = array_conditions(year, place, Array())
    assert 1.0 < poa.sum() / year.ghi_w_m2.sum() < 1.25
    assert np.isfinite(cell).all()
    assert poa.max() < 1400.0


def test_a_file_of_another_continent_is_refused_with_its_own_place() -> None:
    place = site(-7.42, 39.33, "Africa/Dar_es_Salaam", 0.0)
    with pytest.raises(InvalidInput) as raised:
        load_weather(Weather.model_validate({"file": "723170TYA.CSV"}), place, FOLDER, 60, seed=1)
    (problem,) = raised.value.problems
    assert problem.code == "MG-D113"
    assert "latitude 36.1, longitude -79.95" in problem.fix


def test_the_same_file_at_another_place_is_noticed() -> None:
    place = site(36.1, -90.0, "America/Chicago", 273.0)
    year = load_weather(Weather.model_validate({"file": "723170TYA.CSV"}), place, FOLDER, 60, seed=1)
    assert any("km from the site" in note for note in year.notes)
