"""Reading a weather file of any known format: what it is follows from its content, never from its name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from microgrid.errors import InvalidInput, Problem
from microgrid.files import content_of
from sim.scenario import Site, Weather
from sim.weather.column_names import understand
from sim.weather.read_csv import read_nasa_power, read_plain, read_pvwatts
from sim.weather.record import Record, value_problems

FAMILY = {"pvgis_tmy": "pvgis", "pvgis_hourly": "pvgis"}  # what a scenario calls several of our formats


def read_weather_file(path: Path, weather: Weather, site: Site) -> Record:
    """Return the rows of a weather file, its format told from its content and its values checked.

    Raises InvalidInput with every mistake found: no file, an empty one, an unknown format, text for
    numbers, values no weather has.
    """
    text = _text(path, weather)
    form = detect(text)
    _refuse_other_format(weather.format, form, path.name)
    record = _read(form, path, text, weather, site)
    problems = value_problems(record)
    if problems:
        raise InvalidInput(*problems)
    return record


def detect(text: str) -> str:
    """Return a text's format: a name of the scenario's `format`, of which `pvgis` is two, or tmy2."""
    head = text[:20_000]
    if head.lstrip().startswith("{"):
        return "pvgis_tmy" if '"tmy_hourly"' in text else "pvgis_hourly"
    lines = head.splitlines()
    marks = (
        ("epw", lines[0].startswith("LOCATION,")),
        ("nasa_power", "-BEGIN HEADER-" in head or any(line.startswith("YEAR,MO,DY,HR") for line in lines)),
        ("pvgis_tmy", any(line.startswith("time(UTC),") for line in lines)),
        ("pvgis_hourly", lines[0].startswith("Latitude (decimal degrees)")),
        ("tmy3", any(line.startswith("Date (MM/DD/YYYY),Time (HH:MM)") for line in lines[:3])),
        ("pvwatts", any(line.replace('"', "").startswith("Month,Day,Hour,Beam Irr") for line in lines)),
        ("tmy2", len(lines) > 1 and len(lines[1]) > 140 and "," not in lines[0] + lines[1]),
        ("pv_profile", _is_profile(lines)),
    )
    return next((name for name, is_so in marks if is_so), "csv")


def _is_profile(lines: Sequence[str]) -> bool:
    first = next((line for line in lines if line.strip()), "")
    meanings = [column.meaning for name in first.replace(";", ",").split(",") if (column := understand(name))]
    return "pv_kw_per_kw" in meanings and not any(name.endswith("_w_m2") for name in meanings)


def _read(form: str, path: Path, text: str, weather: Weather, site: Site) -> Record:
    from sim.weather import read_pvlib

    name = path.name
    if form in {"csv", "pv_profile"}:
        return read_plain(name, text.splitlines(), weather, site)
    if form == "pvwatts":
        return read_pvwatts(name, text.splitlines(), site)
    if form == "nasa_power":
        return read_nasa_power(name, text.splitlines(), site)
    if form == "tmy2":
        return read_pvlib.read_tmy2(name, str(path))
    read = {
        "pvgis_tmy": read_pvlib.read_pvgis_tmy,
        "pvgis_hourly": read_pvlib.read_pvgis_hourly,
        "tmy3": read_pvlib.read_tmy3,
        "epw": read_pvlib.read_epw,
    }[form]
    return read(name, text)


def _text(path: Path, weather: Weather) -> str:
    """Return the text of a file in UTF-8 (with or without a byte order mark) or Latin-1."""
    try:
        raw = content_of(path)
    except OSError as error:
        raise InvalidInput(_no_file(path, weather, error)) from error
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    if "\0" in text:
        what = "the file is not text (a spreadsheet, a zip archive or UTF-16?)"
        raise InvalidInput(Problem("MG-D104", what, fix="save it as CSV in UTF-8", file=path.name))
    if not text.strip():
        fix = "give a file with rows, or the twelve monthly means under  weather:"
        raise InvalidInput(Problem("MG-D103", "the file is empty", fix=fix, file=path.name))
    return text


def _no_file(path: Path, weather: Weather, error: OSError) -> Problem:
    return Problem(
        "MG-D102",
        f"cannot read the weather file {weather.file!r}: {error.strerror or error}",
        why=f"looked for in {path.parent.name or '.'}/, beside the scenario",
        fix="correct  weather.file, or get one with  microgrid weather LATITUDE LONGITUDE",
        file=path.name,
    )


def _refuse_other_format(asked: str, form: str, file: str) -> None:
    family = FAMILY.get(form, form)
    if asked in {"auto", family} or {asked, family} <= {"csv", "pv_profile"}:
        return
    raise InvalidInput(
        Problem(
            "MG-D104",
            f"the file is asked to be {asked} but reads like {family}",
            why="formats are told by their content, not by the name of the file",
            fix=f"write  format: {family if family != 'tmy2' else 'auto'}  or  format: auto  under weather",
            file=file,
        )
    )
