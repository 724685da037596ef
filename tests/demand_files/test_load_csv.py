"""Measured loads from CSV files."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgrid.errors import InvalidInput
from sim.demand.load_csv import FileLoad, read_load_csv
from sim.scenario import Site

HOURS = 8760
ZONE = "Africa/Dar_es_Salaam"

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(text: str | bytes, name: str = "load.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return written


def site(zone: str = ZONE) -> Site:
    return Site.model_validate(
        {"name": "Kisiju", "latitude": -7.42, "longitude": 39.33, "timezone": zone, "currency": "TZS"}
    )


def times(count: int = HOURS, minutes: int = 60, start: str = "2025-01-01", form: str = "%Y-%m-%d %H:%M") -> list[str]:
    first = datetime.fromisoformat(start).replace(tzinfo=UTC)
    return [(first + timedelta(minutes=minutes * step)).strftime(form) for step in range(count)]


def table(header: str, *columns: Sequence[object], separator: str = ",") -> str:
    rows = (separator.join(map(str, cells)) for cells in zip(*columns, strict=True))
    return "\n".join([header, *rows]) + "\n"


def daily(count: int = HOURS) -> list[float]:
    return [float(step % 24) for step in range(count)]


def codes(path: Path, zone: str = ZONE) -> list[tuple[str, int]]:
    with pytest.raises(InvalidInput) as refused:
        read_load_csv(path, site(zone), 60)
    assert all(problem.file == path.name and problem.fix for problem in refused.value.problems)
    return [(problem.code, problem.line) for problem in refused.value.problems]


def total_w(load: FileLoad) -> list[float]:
    return [float(value) for value in load.load_w.sum(axis=0)]


# --- what is read ---


def test_a_site_total_is_standard_load_in_watts(write: Write) -> None:
    load = read_load_csv(write(table("time,load_kw", times(), daily())), site(), 60)
    assert load.load_w[1].tolist() == [1e3 * value for value in daily()]
    assert not load.load_w[[0, 2]].any()
    assert (load.step_s, load.connections) == (3600, 0)
    assert load.notes == (
        f"8,760 rows, 60 min steps, 2025-01-01 00:00 to 2025-12-31 23:00, standard time of {ZONE}",
        "site total, all of priority standard; the file does not tell the number of connections",
    )


@pytest.mark.parametrize(
    ("name", "watts"),
    [("load_w", 1.0), ("Load (kW)", 1e3), ("kW", 1e3), ("demand_kwh", 2e3), ("energy [Wh]", 2.0)],
)
def test_units_come_from_the_column_name_and_energy_is_per_step(write: Write, name: str, watts: float) -> None:
    text = table(f"timestamp,{name}", times(2 * HOURS, 30), [1.0, 3.0] * HOURS)
    load = read_load_csv(write(text), site(), 60)
    assert total_w(load) == [2.0 * watts] * HOURS


def test_one_column_per_class(write: Write) -> None:
    text = table("time,deferrable_kw,critical_kw,standard_load_w", times(), [3] * HOURS, [1] * HOURS, [2] * HOURS)
    load = read_load_csv(write(text), site(), 60)
    assert load.load_w[:, 17].tolist() == [1e3, 2.0, 3e3]
    assert load.connections == 0


def test_one_column_per_meter_counts_connections_and_knows_their_class(write: Write) -> None:
    text = table(
        "time,M-1042_w,mill_deferrable_w,clinic_critical_w,remarks",
        times(),
        *[[7] * HOURS] * 3,
        ["x"] * HOURS,
    )
    load = read_load_csv(write(text), site(), 60)
    assert load.load_w[:, 0].tolist() == [7.0, 7.0, 7.0]
    assert load.connections == 3
    assert "left out: remarks" in load.notes


def test_meters_with_gaps_are_filled_one_by_one(write: Write) -> None:
    first: list[object] = list(daily())
    first[100] = ""
    load = read_load_csv(write(table("time,a_w,b_w", times(), first, [5] * HOURS)), site(), 60)
    assert load.load_w[1, 100] == (3.0 + 5.0) / 2 + 5.0  # 04:00 between 03:00 and 05:00, plus the other meter
    assert "1 gap (1 h) filled by a straight line: 01-05 04:00 to 01-05 05:00" in load.notes


def test_rows_without_times_are_the_steps_of_a_year(write: Write) -> None:
    load = read_load_csv(write(table("load_w", daily())), site(), 60)
    assert total_w(load) == daily()


def test_date_and_time_in_two_columns(write: Write) -> None:
    text = table("Date,Time,load_w", times(form="%d/%m/%Y"), times(form="%H:%M"), daily())
    load = read_load_csv(write(text), site(), 60)
    assert total_w(load) == daily()
    assert "dates are read as day/month/year" in load.notes


def test_utc_in_the_column_name_or_the_stamp_is_shifted_to_the_site(write: Write) -> None:
    for header, form in (("time_utc,load_w", "%Y-%m-%d %H:%M"), ("time,load_w", "%Y-%m-%dT%H:%M:%SZ")):
        load = read_load_csv(write(table(header, times(form=form), daily())), site(), 60)
        assert total_w(load) == np.roll(daily(), 3).tolist()


def test_a_clock_with_summer_time_becomes_standard_time(write: Write) -> None:
    first = datetime(2024, 12, 31, 23, tzinfo=UTC)
    clock = [(first + timedelta(hours=hour)).astimezone(ZoneInfo("Europe/Berlin")) for hour in range(HOURS)]
    text = table("time,load_w", [moment.strftime("%Y-%m-%d %H:%M") for moment in clock], daily())
    assert total_w(read_load_csv(write(text), site("Europe/Berlin"), 60)) == daily()
    assert codes(write(text)) == [("MG-D294", 2 + 298 * 24 + 2)]


def test_what_spreadsheets_do_to_a_file(write: Write) -> None:
    values = [f"{value:.1f}".replace(".", ",") for value in daily()]
    text = table("Zeit ;Load_W ;", times(form="%d.%m.%Y %H:%M"), values, [""] * HOURS, separator=" ;")
    for data in (
        b"\xef\xbb\xbf" + text.encode(),
        ("sep=;\r\n" + text.replace("\n", "\r\n")).encode("utf-16"),
    ):
        load = read_load_csv(write(data), site(), 60)
        assert total_w(load) == daily()
        assert {"columns are separated by semicolons", "decimal commas are read as decimal points"} <= {*load.notes}


def test_quoted_cells_blank_lines_and_comments(write: Write) -> None:
    text = table('"time","load_w"', [f'"{time}"' for time in times()], [f'"{value}"' for value in daily()])
    load = read_load_csv(write("# exported\n\n" + text.replace("\n", "\n\n", 1)), site(), 60)
    assert total_w(load) == daily()


def test_an_index_without_name_and_a_title_above_the_table(write: Write) -> None:
    for header in (",load_w", "Zeitpunkt,load_w"):
        assert total_w(read_load_csv(write(table(header, times(), daily())), site(), 60)) == daily()
    load = read_load_csv(write("Load of Kisiju\n\n" + table("time,load_w", times(), daily())), site(), 60)
    assert "column names are taken from line 3; the lines above are left out" in load.notes


def test_an_old_spreadsheet_is_not_utf_8(write: Write) -> None:
    text = table("time,école_w", times(), daily()).encode("cp1252")
    load = read_load_csv(write(text), site(), 60)
    assert "text is not UTF-8 and was read as Windows-1252" in load.notes
    assert load.connections == 1


def test_a_leap_year_and_8759_rows_are_explained(write: Write) -> None:
    leap = read_load_csv(write(table("time,load_w", times(8784, start="2024-01-01"), daily(8784))), site(), 60)
    assert "29 February left out (24 rows)" in leap.notes
    assert total_w(leap) == daily()
    short = read_load_csv(write(table("time,load_w", times(8759), daily(8759))), site(), 60)
    assert "1 gap (1 h) filled by a straight line: 12-31 23:00 to 01-01 00:00" in short.notes


def test_a_fortnight_becomes_a_year(write: Write) -> None:
    load = read_load_csv(write(table("time,load_w", times(14 * 24, start="2025-03-05"), daily(14 * 24))), site(), 60)
    assert total_w(load) == daily()
    assert "the file has 14 whole days: each of the other 351 repeats the nearest one of the same weekday" in load.notes


@settings(max_examples=6, deadline=None)
@given(
    st.sampled_from([60, 30, 15]),
    st.sampled_from([60, 30, 15, 10, 5]),
    st.integers(min_value=0, max_value=2**31),
)
def test_the_energy_of_the_file_is_kept(
    tmp_path_factory: pytest.TempPathFactory, minutes: int, step_minutes: int, seed: int
) -> None:
    count = HOURS * 60 // minutes
    values = np.random.default_rng(seed).random((2, count)).round(6)
    path = tmp_path_factory.mktemp("energy") / "load.csv"
    path.write_text(table("time,critical_kw,standard_kw", times(count, minutes), *values.tolist()))
    load = read_load_csv(path, site(), step_minutes)
    assert load.load_w.shape == (3, HOURS * 60 // step_minutes)
    assert load.load_w.sum() * step_minutes == pytest.approx(1e3 * values.sum() * minutes, rel=1e-9)


# --- what is refused ---


def test_a_missing_an_empty_and_a_header_only_file(write: Write, tmp_path: Path) -> None:
    assert codes(tmp_path / "nowhere.csv") == [("MG-D200", 0)]
    assert codes(write("")) == [("MG-D201", 0)]
    assert codes(write(" \n\n,,\n")) == [("MG-D201", 0)]
    assert codes(write("time,load_kw\n")) == [("MG-D202", 1)]
    assert codes(write(b"PK\x03\x04workbook")) == [("MG-D200", 0)]


def test_every_mistake_of_the_file_is_named_at_once(write: Write) -> None:
    values: list[object] = list(daily())
    values[10], values[20], values[30] = "n/k", -3, "12 kW"
    stamps = times()
    stamps[40] = "tomorrow"
    path = write(table("time,load_kw", stamps, values) + "2026-01-01 00:00,1,5\n")
    assert codes(path) == [
        ("MG-D204", 12),
        ("MG-D209", 22),
        ("MG-D204", 32),
        ("MG-D290", 42),
        ("MG-D203", 8762),
    ]


def test_a_bad_cell_is_shown_in_its_line(write: Write) -> None:
    path = write("time,load_kw\n2025-01-01 00:00,1.5\n2025-01-01 01:00, 12 kW\n2025-01-01 02:00,1.5\n")
    with pytest.raises(InvalidInput) as refused:
        read_load_csv(path, site(), 60)
    assert str(refused.value).splitlines()[:3] == [
        "load.csv:3:19: MG-D204: '12 kW' in column 'load_kw' is not a number",
        "   3 | 2025-01-01 01:00, 12 kW",
        "     |                   ^^^^^",
    ]


def test_at_most_twenty_mistakes_are_named(write: Write) -> None:
    assert len(codes(write(table("time,load_kw", times(), ["x"] * 24 + [1.0] * (HOURS - 24))))) == 20


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("time,load", "MG-D205"),
        ("time,temp_c", "MG-D205"),
        ("time,load_kw,load_kw", "MG-D207"),
        ("time,load_kw,shop_1_kw", "MG-D206"),
        ("time,critical_kw,total_kw", "MG-D206"),
        ("time,remarks", "MG-D208"),
        ("2025-01-01 00:00,4.5", "MG-D208"),
    ],
)
def test_columns_that_could_mean_anything_are_refused(write: Write, header: str, code: str) -> None:
    width = header.count(",")
    cells = ["windy" if "remarks" in header else "1.5"] * HOURS
    assert codes(write(table(header, times(), *[cells] * width))) == [(code, 1)]


def test_a_gap_of_five_hours_is_refused_with_its_row(write: Write) -> None:
    stamps, values = times(), daily()
    del stamps[100:105], values[100:105]
    assert codes(write(table("time,load_w", stamps, values))) == [("MG-D298", 102)]


def test_times_twice_unsorted_or_too_few(write: Write) -> None:
    stamps = times()
    stamps[50], stamps[99] = stamps[49], stamps[10]
    assert codes(write(table("time,load_w", stamps, daily()))) == [("MG-D295", 52), ("MG-D296", 101)]
    assert codes(write(table("time,load_w", times(100), daily(100)))) == [("MG-D299", 0)]
    assert codes(write(table("load_w", daily(8000)))) == [("MG-D299", 0)]


def test_dates_that_fit_two_orders_are_refused(write: Write) -> None:
    text = table("time,load_w", ["02/03/2025 00:00", "02/03/2025 01:00", "02/03/2025 02:00"], [1, 2, 3])
    assert codes(write(text)) == [("MG-D291", 2)]


def test_a_meter_register_is_not_energy_per_step(write: Write) -> None:
    assert codes(write(table("time,m1_kwh", times(), range(HOURS)))) == [("MG-D210", 1)]


def test_empty_and_zero_loads_are_refused(write: Write) -> None:
    assert codes(write(table("time,a_w,b_w", times(), daily(), [""] * HOURS))) == [("MG-D211", 1)]
    assert codes(write(table("time,load_w", times(), [0] * HOURS))) == [("MG-D212", 0)]


def test_an_open_quotation_mark_is_named(write: Write) -> None:
    text = table("time,load_w", times(), daily()).replace("2025-01-01 05:00", '"2025-01-01 05:00')
    assert [code for code, _ in codes(write(text))] == ["MG-D203"]
