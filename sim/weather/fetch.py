"""Weather files from two public services without accounts: PVGIS typical years and NASA POWER hours."""

from __future__ import annotations

from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Literal
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import build_opener

from microgrid.errors import Environment, InvalidInput, Problem
from microgrid.files import write_whole
from sim.weather.readers import detect

SourceName = Literal["pvgis", "nasa_power"]
TIMEOUTS_S = (20.0, 40.0, 60.0)  # one try each; a service that is slow to wake gets longer
SIZE_MAX = 50_000_000
NASA_YEAR = 2023
REFUSED = range(400, 500)
WAIT_AND_TRY = (408, 429)  # of the refusals, those that pass


@dataclass(frozen=True, slots=True)
class Source:
    """Where a service answers, the page for people, and what its answer reads like."""

    base_url: str
    page_url: str
    forms: tuple[str, ...]


SOURCES: dict[SourceName, Source] = {
    "pvgis": Source(
        "https://re.jrc.ec.europa.eu/api/v5_3/tmy",
        "https://re.jrc.ec.europa.eu/pvg_tools/en/",
        ("pvgis_tmy",),
    ),
    "nasa_power": Source(
        "https://power.larc.nasa.gov/api/temporal/hourly/point",
        "https://power.larc.nasa.gov/data-access-viewer/",
        ("nasa_power",),
    ),
}


def fetch_weather(
    latitude: float,
    longitude: float,
    source: SourceName,
    folder: Path,
    base_url: str = "",
    timeouts_s: tuple[float, ...] = TIMEOUTS_S,
) -> Path:
    """Download a year of weather for a place and store it in a folder, whole or not at all; return its path.

    `base_url` replaces the service's own address. Raises InvalidInput when the place is none or the service
    has no weather for it, Environment when the service cannot be reached or answers with something else.
    """
    _refuse_no_place(latitude, longitude)
    url = request_url(latitude, longitude, source, base_url)
    answer = _download(url, source, timeouts_s)
    text = answer.decode("utf-8", errors="replace")
    if not text.strip() or detect(text) not in SOURCES[source].forms:
        raise Environment(_not_weather(source, text))
    path = folder / f"{source}_{latitude:.3f}_{longitude:.3f}.csv"
    write_whole(path, answer)
    return path


def request_url(latitude: float, longitude: float, source: SourceName, base_url: str = "") -> str:
    """Return the address that gives the weather of a place.

    >>> request_url(-7.42, 39.33, "pvgis")
    'https://re.jrc.ec.europa.eu/api/v5_3/tmy?lat=-7.4200&lon=39.3300&outputformat=csv&usehorizon=1'
    """
    query = {
        "pvgis": {
            "lat": f"{latitude:.4f}",
            "lon": f"{longitude:.4f}",
            "outputformat": "csv",
            "usehorizon": "1",
        },
        "nasa_power": {
            "parameters": "ALLSKY_SFC_SW_DWN,ALLSKY_SFC_SW_DNI,ALLSKY_SFC_SW_DIFF,T2M,WS10M",
            "community": "RE",
            "longitude": f"{longitude:.4f}",
            "latitude": f"{latitude:.4f}",
            "start": f"{NASA_YEAR}0101",
            "end": f"{NASA_YEAR}1231",
            "format": "CSV",
            "time-standard": "UTC",
        },
    }[source]
    return f"{base_url or SOURCES[source].base_url}?{urlencode(query)}"


def _download(url: str, source: SourceName, timeouts_s: tuple[float, ...]) -> bytes:
    """Return the answer of the service, trying again after a failure that may pass."""
    reason = ""
    for timeout_s in timeouts_s:
        try:
            return _read(url, timeout_s)
        except HTTPError as error:
            with error:
                said = error.read(2000).decode("utf-8", errors="replace")
            if error.code in REFUSED and error.code not in WAIT_AND_TRY:
                raise InvalidInput(_no_weather_there(source, said)) from error
            reason = f"it answered {error.code} {error.reason}"
        except (URLError, HTTPException, OSError) as error:
            reason = str(getattr(error, "reason", error)) or type(error).__name__
    raise Environment(_not_reached(url, source, reason))


def _read(url: str, timeout_s: float) -> bytes:
    if urlsplit(url).scheme not in {"http", "https"}:
        raise URLError("only http and https addresses are read")
    opener = build_opener()
    opener.addheaders = [("User-Agent", "payg-microgrid")]
    with opener.open(url, timeout=timeout_s) as answer:
        content: bytes = answer.read(SIZE_MAX)
        return content


def _refuse_no_place(latitude: float, longitude: float) -> None:
    wrong = [
        f"{name} must be between {-most} and {most}, got {value:g}"
        for name, value, most in (("latitude", latitude, 90), ("longitude", longitude, 180))
        if not abs(value) <= most
    ]
    swapped = "did you swap them?" if abs(latitude) > 90 >= abs(longitude) else "give degrees;"
    if wrong:
        fix = f"{swapped} the order is latitude, then longitude"
        raise InvalidInput(*(Problem("MG-D131", what, fix=fix) for what in wrong))


def _no_weather_there(source: SourceName, said: str) -> Problem:
    return Problem(
        "MG-D130",
        f"{source} has no weather for this place",
        why=f"it says: {' '.join(said.split())[:200]}" if said.strip() else "it gave no reason",
        fix="move the point onto land, try the other source, or use twelve monthly means under  weather:",
    )


def _not_reached(url: str, source: SourceName, reason: str) -> Problem:
    return Problem(
        "MG-E040",
        f"cannot reach {urlsplit(url).netloc} for weather: {reason}",
        why="nothing was written",
        fix=f"download the hourly CSV by hand from {SOURCES[source].page_url} and name it under "
        "weather.file; without a network twelve monthly means under  weather:  work as well",
    )


def _not_weather(source: SourceName, text: str) -> Problem:
    first = " ".join(text.split())[:80]
    return Problem(
        "MG-E041",
        f"the answer of {source} is not its weather file: it begins {first!r}",
        why="a login page of the network, or the service has changed; nothing was written",
        fix=f"open {SOURCES[source].page_url} in a browser and download the hourly CSV by hand",
    )
