"""Weather files cut off or changed at their most awkward places: each a message with a code, never a crash."""

from pathlib import Path

import pytest

from microgrid.errors import InvalidInput
from sim.scenario import Site, Weather
from sim.weather.load import load_weather

SITE = Site(name="Kijiji", latitude=0.0, longitude=0.0, timezone="UTC", currency="USD")
CALENDAR = "year,month,day,hour,ghi_w_m2\n"


def codes(tmp_path: Path, text: str) -> set[str]:
    (tmp_path / "w.csv").write_text(text)
    with pytest.raises(InvalidInput) as caught:
        load_weather(Weather(file="w.csv"), SITE, tmp_path, 60, 1)
    return {problem.code for problem in caught.value.problems}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("LOCATION,\n", "MG-D105"),
        ("Date (MM/DD/YYYY),Time (HH:MM)\n", "MG-D105"),
        (" abc\n" + "1" * 141 + "\n", "MG-D105"),
        ("-BEGIN HEADER-\n", "MG-D103"),
        ("-BEGIN HEADER-\nYEAR,ALLSKY_SFC_SW_DWN\n2025,3\n", "MG-D116"),
        ("{" * 5000 + '"tmy_hourly"', "MG-D105"),
        (CALENDAR + "2025,13,45,99,5\n" * 24, "MG-D116"),
        (CALENDAR + ",,,,5\n" * 24, "MG-D116"),
        (CALENDAR + "1e300,1e300,1e300,1e300,5\n" * 24, "MG-D116"),
        ("Month,Day,Hour,Beam Irradiance (W/m^2)\n,,,5\n", "MG-D116"),
        ("ghi_w_m2,temp_c\n" + ",20\n" * 8760, "MG-D106"),
    ],
)
def test_a_broken_file_is_named(tmp_path: Path, text: str, code: str) -> None:
    assert codes(tmp_path, text) == {code}


@pytest.mark.parametrize("latitude", [90.0, -90.0, 89.99])
def test_clearness_at_the_poles_is_a_message(tmp_path: Path, latitude: float) -> None:
    site = SITE.model_copy(update={"latitude": latitude})
    means = Weather(monthly_clearness=(0.5,) * 12, monthly_temp_c=(0.0,) * 12)
    with pytest.raises(InvalidInput, match="MG-D120"):
        load_weather(means, site, tmp_path, 60, 1)
