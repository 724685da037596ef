"""Time stamps as people write them."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.time_text import parse_times, standard_offset_s

UTC_18H = 1_738_346_400  # 2025-01-31 18:00 UTC


def utc(*texts: str, zone: str = "UTC") -> list[int]:
    stamps = parse_times(texts, range(2, 2 + len(texts)), zone, "load.csv", 1)
    assert stamps.problems == ()
    return [int(second) for second in stamps.utc_s]


def codes(*texts: str, zone: str = "UTC") -> list[tuple[str, int]]:
    stamps = parse_times(texts, range(2, 2 + len(texts)), zone, "load.csv", 1)
    return [(problem.code, problem.line) for problem in stamps.problems]


@pytest.mark.parametrize(
    "text",
    [
        "2025-01-31 18:00",
        " 2025-01-31T18:00:00 ",
        "2025-01-31T18:00:00.000Z",
        "2025-01-31T21:00+03:00",
        "2025-01-31 12:30:00-0530",
        "2025-01-31 21:00+03",
        "2025-01-31 18:00 UTC",
        "2025/1/31 18:00",
        "20250131:1800",
        "20250131 1800",
        "31/01/2025 18:00",
        "31.1.2025 18:00",
        "1/31/2025 6:00 PM",
        "1-31-2025 06:00:00pm",
    ],
)
def test_one_moment_in_many_spellings(text: str) -> None:
    assert utc(text) == [UTC_18H]


def test_a_zone_without_summer_time_shifts_naive_times() -> None:
    assert utc("2025-01-31 21:00", zone="Africa/Dar_es_Salaam") == [UTC_18H]


def test_midnight_may_end_a_day() -> None:
    assert utc("2025-01-31 24:00") == utc("2025-02-01 00:00") == utc("2025-02-01")


def test_noon_and_midnight_of_the_twelve_hour_clock() -> None:
    first, second = utc("1/31/2025 12:00 AM", "1/31/2025 12:00 PM")
    assert second - first == 43_200


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2025-02-29 00:00",
        "2025-13-01 00:00",
        "2025-01-31 25:00",
        "2025-01-31 18:60",
        "45688.75",
        "31/31/2025 00:00",
        "1/31/2025 13:00 PM",
        "2025-01-31 24:01",
        "31/01/25 18:00",
    ],
)
def test_what_is_no_time_is_refused_with_its_row(text: str) -> None:
    assert codes("2025-01-01 00:00", text) == [("MG-D290", 3)]


def test_at_most_twenty_rows_are_named() -> None:
    assert len(codes(*["?"] * 50)) == 20


def test_day_or_month_first_follows_from_a_day_above_twelve() -> None:
    assert utc("12/01/2025 23:00", "13/01/2025 00:00") == utc("2025-01-12 23:00", "2025-01-13 00:00")
    assert utc("01/12/2025 23:00", "01/13/2025 00:00") == utc("2025-01-12 23:00", "2025-01-13 00:00")


def test_day_or_month_first_follows_from_the_only_regular_reading() -> None:
    days = [f"{day:02d}/03/2025 {hour:02d}:00" for day in (1, 2, 3) for hour in range(24)]
    assert np.diff(utc(*days)).tolist() == [3600] * 71


def test_day_or_month_first_is_refused_when_both_fit_or_none() -> None:
    assert codes("02/03/2025 00:00", "02/03/2025 01:00") == [("MG-D291", 2)]
    assert codes("13/03/2025 00:00", "03/14/2025 01:00") == [("MG-D291", 2)]


def test_offsets_in_some_rows_only_are_refused() -> None:
    assert codes("2025-01-01T00:00Z", "2025-01-01T01:00") == [("MG-D292", 3)]


def berlin_autumn(*, newest_first: bool = False) -> list[str]:
    hours = ["01", "02", "02", "03"]
    texts = [f"2025-10-26 {hour}:00" for hour in hours]
    return texts[::-1] if newest_first else texts


def test_the_hour_that_autumn_repeats_is_summer_time_first() -> None:
    assert np.diff(utc(*berlin_autumn(), zone="Europe/Berlin")).tolist() == [3600] * 3
    assert np.diff(utc(*berlin_autumn(newest_first=True), zone="Europe/Berlin")).tolist() == [-3600] * 3


def test_the_hour_that_spring_skips_leaves_no_gap() -> None:
    texts = ("2025-03-30 01:00", "2025-03-30 03:00")
    assert np.diff(utc(*texts, zone="Europe/Berlin")).tolist() == [3600]


def test_a_clock_without_any_change_is_standard_time_and_says_so() -> None:
    for texts in (
        [f"2025-03-30 {hour:02d}:00" for hour in range(6)],
        [f"2025-10-26 {hour:02d}:00" for hour in range(6)],
    ):
        stamps = parse_times(texts, range(2, 8), "Europe/Berlin")
        assert np.diff(stamps.utc_s).tolist() == [3600] * 5
        assert stamps.notes == ("times show no change to summer time: read as standard time, UTC+01:00, all year",)


def test_a_skipped_hour_beside_a_repeated_one_is_refused_with_its_row() -> None:
    texts = ["2025-03-30 02:00", *berlin_autumn()]
    assert codes(*texts, zone="Europe/Berlin") == [("MG-D294", 2)]


@pytest.mark.parametrize(
    ("zone", "hours"),
    [
        ("Africa/Dar_es_Salaam", 3),
        ("Europe/Berlin", 1),
        ("Europe/Dublin", 0),
        ("Africa/Casablanca", 1),
        ("Asia/Kathmandu", 5.75),
        ("America/Santiago", -4),
    ],
)
def test_standard_time_is_without_summer_time(zone: str, hours: float) -> None:
    assert standard_offset_s(zone) == hours * 3600


@given(
    st.integers(min_value=0, max_value=2**32),
    st.sampled_from(["Europe/Berlin", "Africa/Nairobi", "Asia/Kathmandu"]),
)
def test_what_a_clock_shows_reads_back(utc_s: int, zone: str) -> None:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=utc_s)
    assert utc(moment.isoformat()) == [utc_s]
    shown = moment.astimezone(ZoneInfo(zone))
    found = utc(shown.strftime("%Y-%m-%d %H:%M:%S"), zone=zone)[0]
    assert found - utc_s in {0, -3600}  # one stamp alone in the hour that autumn repeats is ambiguous
