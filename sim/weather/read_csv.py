"""Weather from tables in text: plain CSV, ready PV production, NREL PVWatts hourly exports, NASA POWER."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from microgrid.errors import InvalidInput, Problem
from sim.scenario import Site, Weather
from sim.time_axis import STEPS_S
from sim.time_text import parse_times, standard_offset_s
from sim.weather.column_names import Column, is_in_utc, marks_the_end, no_light, understand
from sim.weather.read_table import Mistakes, Table, numbers, read_table
from sim.weather.record import COLUMNS, LIGHT, MESSAGES_MAX, Record, span_text
from sim.weather.series import TYPICAL_YEAR, YEAR_S, FloatArray, IntArray, zone_text

LEAP_YEAR_S = YEAR_S + 86_400
PVWATTS_CLOCK = "hours 0 to 23 in the site's standard time, each the start of its hour"

CALENDAR = {  # least, most, and what stands for a column that is not there
    "year": (1900, 2200, TYPICAL_YEAR),
    "month": (1, 12, None),
    "day": (1, 31, None),
    "hour": (0, 24, None),
    "minute": (0, 59, 0),
}
Found = dict[str, tuple[int, Column]]  # meaning -> place in the table, and what the name says


def read_plain(file: str, text_lines: Sequence[str], weather: Weather, site: Site) -> Record:
    """Return what a plain CSV says: light or production, temperature, wind; with or without a time column."""
    header = _header(text_lines)
    table = read_table(file, text_lines, header)
    found, ignored = _understood(table)
    if not any(name in found for name in (*LIGHT, "pv_kw_per_kw")):
        raise InvalidInput(no_light(file, table.names, header + 1))
    mistakes = Mistakes([])
    clock = _clock(table, found, weather, site, mistakes)
    values = {name: numbers(table, found[name][0], mistakes) for name in COLUMNS if name in found}
    mistakes.raise_if_any()
    start_s, step_s, after_s, notes = _starts(table, found, clock[0], clock[2])
    columns = {name: _in_watts(values[name], found[name][1], step_s) for name in values}
    notes = (f"plain CSV with {', '.join(columns)}", *table.notes, *ignored, *notes)
    is_typical = "time" not in found and table.lines.size * step_s <= LEAP_YEAR_S
    return Record(file, start_s, table.lines, step_s, clock[1], columns, after_s, is_typical, notes=notes)


def read_pvwatts(file: str, text_lines: Sequence[str], site: Site) -> Record:
    """Return the weather in an NREL PVWatts hourly export; its array and inverter columns are left out."""
    header = next(i for i, line in enumerate(text_lines) if line.replace('"', "").startswith("Month,Day,Hour"))
    rows = [line for line in text_lines[header:] if not line.lstrip('"').lower().startswith("totals")]
    table = _moved(read_table(file, rows, 0), header)
    found, _ = _understood(table)
    mistakes = Mistakes([])
    start_s = _calendar_s(table, found, mistakes)
    wanted = ("dni_w_m2", "dhi_w_m2", "temp_c", "wind_m_s")
    columns = {name: numbers(table, found[name][0], mistakes) for name in wanted if name in found}
    mistakes.raise_if_any()
    offset_s = standard_offset_s(site.timezone, TYPICAL_YEAR)
    notes = (f"NREL PVWatts hourly export: beam, diffuse, temperature and wind are used; {PVWATTS_CLOCK}",)
    return Record(file, start_s, table.lines, 3600, offset_s, columns, typical=True, notes=notes)


def read_nasa_power(file: str, text_lines: Sequence[str], site: Site) -> Record:
    """Return what a NASA POWER hourly CSV says; its header tells if hours are UTC or local solar time."""
    header = next((i for i, line in enumerate(text_lines) if line.startswith("YEAR,")), len(text_lines) - 1)
    table = read_table(file, text_lines, header)
    found, ignored = _understood(table)
    if "ghi_w_m2" not in found:
        raise InvalidInput(no_light(file, table.names, header + 1))
    mistakes = Mistakes([])
    start_s = _calendar_s(table, found, mistakes)
    columns = {name: numbers(table, found[name][0], mistakes) for name in COLUMNS if name in found}
    mistakes.raise_if_any()
    offset_s, clock = _nasa_clock("\n".join(text_lines[:header]), site)
    notes = (f"NASA POWER hourly, hours labelled at their start, {clock}", *ignored)
    return Record(file, start_s, table.lines, 3600, offset_s, columns, notes=notes)


def _nasa_clock(head: str, site: Site) -> tuple[int, str]:
    if re.search(r"\bLST\b", head):
        offset_s = 3600 * round(site.longitude / 15.0)
        return offset_s, f"local solar time taken as whole hours of longitude, {zone_text(offset_s)}"
    said = "in UTC" if re.search(r"\bUTC\b", head) else "taken as UTC (the header does not say)"
    return 0, said


def _header(text_lines: Sequence[str]) -> int:
    """Return the first line that names a column, or the first line with text."""
    named = (i for i, line in enumerate(text_lines[:100]) if any(map(understand, re.split("[,;\t]", line))))
    return next(named, next(i for i, line in enumerate(text_lines) if line.strip()))


def _understood(table: Table) -> tuple[Found, tuple[str, ...]]:
    """Return what is understood of the column names, the first of each meaning, and a note of what is not."""
    found: Found = {}
    ignored = []
    for place, name in enumerate(table.names):
        column = understand(name.strip('"'))
        if column is None or column.meaning in found:
            ignored.append(name)
        else:
            found[column.meaning] = (place, column)
    return found, (f"columns left out: {', '.join(ignored)}",) if ignored else ()


def _clock(
    table: Table, found: Found, weather: Weather, site: Site, mistakes: Mistakes
) -> tuple[IntArray, int, tuple[str, ...]]:
    """Return each row's label on the file's clock, that clock's offset from UTC, and notes."""
    zone = weather.file_timezone or site.timezone
    if "time" in found:
        place = found["time"][0]
        zone = "UTC" if is_in_utc(table.names[place]) else zone
        stamps = parse_times(_stamps(table, place), table.lines.tolist(), zone, table.file, 0)
        mistakes.found.extend(stamps.problems)
        offsets_s = stamps.clock_s - stamps.utc_s
        is_fixed = bool((offsets_s == offsets_s[0]).all())
        offset_s = int(offsets_s[0]) if is_fixed else standard_offset_s(zone)
        said = f"times read as {zone}, kept as {zone_text(offset_s)}"
        return stamps.utc_s + offset_s, offset_s, (said, *stamps.notes)
    offset_s = standard_offset_s(zone, TYPICAL_YEAR)
    if all(name in found for name in ("month", "day", "hour")):
        return _calendar_s(table, found, mistakes), offset_s, (f"hours read as {zone_text(offset_s)}",)
    return (
        _counted(table),
        offset_s,
        (f"no time column: rows count from 1 January 00:00 {zone_text(offset_s)}",),
    )


def _stamps(table: Table, place: int) -> Sequence[str]:
    """Return the texts of the times; a column of dates is joined by a column of clock times, when there is one."""
    clock = next((at for at, name in enumerate(table.names) if name.strip().lower() in {"time", "hour"}), place)
    if table.names[place].strip().lower() != "date" or clock == place:
        return table.cells[place]
    pairs = zip(table.cells[place], table.cells[clock], strict=True)
    return [f"{date.strip()} {time.strip()}" for date, time in pairs]


def _calendar_s(table: Table, found: Found, mistakes: Mistakes) -> IntArray:
    """Return columns of calendar parts as seconds since 1970 on the same clock; collect dates that do not exist."""
    parts = {name: _calendar_part(table, found, name, mistakes) for name in CALENDAR}
    months = (parts["year"] - 1970) * 12 + parts["month"] - 1
    days = months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) + parts["day"] - 1
    return np.asarray(days * 86_400 + parts["hour"] * 3600 + parts["minute"] * 60, dtype=np.int64)


def _calendar_part(table: Table, found: Found, name: str, mistakes: Mistakes) -> IntArray:
    """Return one part of the date of each row; a year or a minute may be left out of a table."""
    low, high, default = CALENDAR[name]
    if name not in found:
        if default is None:
            raise InvalidInput(_no_part(table, name))
        return np.full(table.lines.size, default, dtype=np.int64)
    before = len(mistakes.found)
    values = numbers(table, found[name][0], mistakes)
    wrong = ~((values >= low) & (values <= high))
    if len(mistakes.found) == before:  # text has been named already
        for row in np.flatnonzero(wrong)[:MESSAGES_MAX]:
            mistakes.found.append(_no_date(table, found[name][0], int(row), name))
    return np.where(wrong, low, values).astype(np.int64)


def _no_part(table: Table, name: str) -> Problem:
    what = f"the table has no column of the {name}"
    return Problem("MG-D116", what, fix="export the file again, with year, month, day and hour", file=table.file)


def _no_date(table: Table, column: int, row: int, name: str) -> Problem:
    low, high, _ = CALENDAR[name]
    return Problem(
        "MG-D116",
        f"{table.cells[column][row].strip()!r} in column {table.names[column]} is no {name}",
        why=f"it lies between {low} and {high}",
        fix="correct the row, or download the file again",
        file=table.file,
        line=int(table.lines[row]),
    )


def _counted(table: Table) -> IntArray:
    """Return the labels of rows that only have an order: one whole year, with or without 29 February."""
    rows = table.lines.size
    for year, length_s in ((TYPICAL_YEAR, YEAR_S), (TYPICAL_YEAR + 1, LEAP_YEAR_S)):
        if rows and length_s % rows == 0 and length_s // rows in STEPS_S:
            first_s = int(np.datetime64(f"{year}-01-01", "s").astype(np.int64))
            return first_s + length_s // rows * np.arange(rows, dtype=np.int64)
    raise InvalidInput(_odd_row_count(table.file, rows))


def _odd_row_count(file: str, rows: int) -> Problem:
    near = {8759: "one hour is missing, as when summer time skips it", 8761: "one hour too many"}
    why = near.get(rows, "without a time column the rows must be one whole year")
    return Problem(
        "MG-D110",
        f"the file has {rows} rows and no time column; a year has 8,760 hours (8,784 with 29 February)",
        why=why,
        fix="add a column  time  such as 2025-01-31 18:00, so that what is missing can be found",
        file=file,
    )


def _starts(
    table: Table, found: Found, label_s: IntArray, clock_notes: tuple[str, ...]
) -> tuple[IntArray, int, int | None, tuple[str, ...]]:
    """Return when each row's step starts, the step, when in it values were sampled, and notes."""
    step_s = _step_s(table.file, label_s)
    if "time" in found and marks_the_end(table.names[found["time"][0]]):
        return label_s - step_s, step_s, None, (*clock_notes, "labels are at the end of each step")
    phase_s = int(np.bincount(label_s % step_s).argmax())
    start_s = label_s - phase_s
    if phase_s == 0:
        return start_s, step_s, None, (*clock_notes, f"{span_text(step_s)} steps, labelled at their start")
    if 2 * phase_s == step_s:
        return start_s, step_s, None, (*clock_notes, f"{span_text(step_s)} steps, labelled at their middle")
    sampled = f"one moment every {span_text(step_s)}, {phase_s // 60} min after its start"
    return start_s, step_s, phase_s, (*clock_notes, sampled)


def _step_s(file: str, label_s: IntArray) -> int:
    between_s = np.diff(np.sort(label_s))
    between_s = between_s[between_s > 0]
    step_s = int(np.median(between_s)) if between_s.size else 0
    if step_s in STEPS_S:
        return step_s
    what = f"rows are {step_s / 60:g} minutes apart" if step_s else "all rows have one time"
    fix = "give steps of 60, 30, 15, 10, 5 or 1 minutes"
    raise InvalidInput(Problem("MG-D115", what, fix=fix, file=file))


def _in_watts(values: FloatArray, column: Column, step_s: int) -> FloatArray:
    """Return light as a mean power: an energy per step is spread over the step."""
    return values * column.factor * (3600.0 / step_s if column.is_energy else 1.0)


def _moved(table: Table, lines: int) -> Table:
    return Table(table.file, table.names, table.cells, table.lines + lines, table.notes)
