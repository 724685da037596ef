"""`microgrid weather LAT LON`: a year of weather from a public service, stored beside the scenario."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from microgrid.cli.output import talk, write, write_json

if TYPE_CHECKING:
    from sim.weather.fetch import SourceName


def fetch_command(
    latitude: float,
    longitude: float,
    source: SourceName = "pvgis",
    out_folder: Path = Path(),
    *,
    base_url: str = "",
    as_json: bool = False,
) -> Path:
    """Download the weather of a place, store it in a folder and say what to write in the scenario."""
    from sim.weather.fetch import fetch_weather

    path = fetch_weather(latitude, longitude, source, out_folder, base_url)
    if as_json:
        content = {"file": str(path), "source": source, "latitude": latitude, "longitude": longitude}
        write_json("microgrid.weather/1", content)
    else:
        write(str(path))
    talk(f"stored; write in the scenario:\nweather: {{file: {path.name}}}")
    return path
