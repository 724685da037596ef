"""From time stamps to the steps of one ordinary year."""

from datetime import UTC, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.time_axis import (
    Axis,
    Year,
    YearRules,
    axis_of_rows,
    detect_step,
    read_axis,
    resample,
    to_standard_year,
)

HOURS = 8760


def stamps(start: str, count: int, minutes: int = 60, zone: str = "UTC", written: str = "%Y-%m-%d %H:%M") -> list[str]:
    """Return what a clock of `zone` shows every few minutes."""
    first = datetime.fromisoformat(start).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    times = (first + timedelta(minutes=minutes * step) for step in range(count))
    return [time.astimezone(ZoneInfo(zone)).strftime(written) for time in times]


def axis(texts: list[str], zone: str = "UTC") -> Axis:
    return read_axis(texts, range(2, 2 + len(texts)), zone, "load.csv", 1)


def codes(texts: list[str], zone: str = "UTC") -> list[tuple[str, int]]:
    return [(problem.code, problem.line) for problem in axis(texts, zone).problems]


def year(
    texts: list[str],
    values: list[float],
    zone: str = "UTC",
    offset_h: float = 0.0,
    long_gaps: Literal["refuse", "neighbours"] = "refuse",
    short_file: Literal["refuse", "repeat"] = "refuse",
    gap_fix: str = "",
) -> Year:
    found = axis(texts, zone)
    assert found.problems == ()
    rules = YearRules("load.csv", range(2, 2 + len(texts)), long_gaps, short_file, gap_fix)
    return to_standard_year(found, np.array(values)[:, None], int(offset_h * 3600), rules)


# --- steps ---


@pytest.mark.parametrize("minutes", [60, 30, 15, 10, 5, 1])
def test_each_supported_step_is_found(minutes: int) -> None:
    found = axis(stamps("2025-01-01", 50, minutes))
    assert (found.step_s, found.problems, found.notes) == (60 * minutes, (), ())


def test_the_step_is_the_most_common_distance() -> None:
    assert detect_step(np.array([0, 3600, 7200, 18000, 21600])) == 3600
    assert detect_step(np.array([5])) == 0


@pytest.mark.parametrize("minutes", [120, 20, 7])
def test_other_steps_are_refused(minutes: int) -> None:
    assert codes(stamps("2025-01-01", 50, minutes)) == [("MG-D297", 0)]


def test_one_row_has_no_step() -> None:
    assert codes(["2025-01-01 00:00"]) == [("MG-D297", 0)]
    assert codes([]) == [("MG-D297", 0)]


def test_a_row_off_the_grid_is_named() -> None:
    texts = stamps("2025-01-01", 10)
    texts[4] = "2025-01-01 04:20"
    assert codes(texts) == [("MG-D297", 6)]


def test_a_few_seconds_off_are_moved_and_noted() -> None:
    texts = stamps("2025-01-01", 10)
    texts[4] = "2025-01-01 04:00:07"
    found = axis(texts)
    assert np.diff(found.utc_s).tolist() == [3600] * 9
    assert found.notes == ("times a few seconds off were moved to the full step",)


def test_times_twice_and_out_of_order_are_each_named() -> None:
    texts = stamps("2025-01-01", 10)
    texts[3], texts[6] = texts[2], "2025-01-01 01:00"
    assert codes(texts) == [("MG-D295", 5), ("MG-D296", 8)]


def test_newest_first_is_turned_round() -> None:
    found = axis(stamps("2025-01-01", 5)[::-1])
    assert found.order.tolist() == [4, 3, 2, 1, 0]
    assert np.diff(found.utc_s).tolist() == [3600] * 4
    assert found.notes == ("rows were newest first and are read the other way round",)


def test_a_summer_time_clock_in_a_zone_without_one_is_named_for_what_it_is() -> None:
    texts = stamps("2025-10-20", 24 * 4 * 10, 15, "Europe/Berlin")
    problem = axis(texts, "Africa/Dar_es_Salaam").problems[0]
    assert (problem.code, problem.line) == ("MG-D294", 2 + texts.index("2025-10-26 02:45") + 1)
    assert problem.what == "time jumps back one hour at 2025-10-26 02:00"
    hourly = axis(stamps("2025-01-01", HOURS, zone="Europe/Berlin"), "Africa/Dar_es_Salaam")
    assert [problem.code for problem in hourly.problems] == ["MG-D294"]
    assert axis(texts, "Europe/Berlin").problems == ()


def test_labels_at_the_end_or_within_the_step_are_understood() -> None:
    start = axis(stamps("2025-01-01", HOURS)).utc_s
    ends = axis(stamps("2025-01-01 01:00", HOURS))
    middles = axis(stamps("2025-01-01 00:30", HOURS))
    assert np.array_equal(ends.utc_s, start)
    assert np.array_equal(middles.utc_s, start)
    assert ends.notes == ("times are the ends of their 60 min steps",)
    assert middles.notes == ("times are 30 min after the start of the 60 min step they stand for",)


def test_rows_without_times_must_be_the_steps_of_a_year() -> None:
    assert axis_of_rows(HOURS, 10_800).step_s == 3600
    assert axis_of_rows(525_600, 0).step_s == 60
    assert axis_of_rows(8784, 0).notes == (
        "the file has no times: 8,784 rows are 60 min steps of a leap year from 1 January",
    )
    for count in (0, 8759, 365, 4380):
        assert [problem.code for problem in axis_of_rows(count, 0).problems] == ["MG-D299"]


# --- years ---


def test_a_whole_year_comes_back_as_it_is() -> None:
    values = np.arange(HOURS, dtype=float)
    made = year(stamps("2025-01-01", HOURS), values.tolist())
    assert np.array_equal(made.values[:, 0], values)
    assert not made.notes + made.problems
    assert not made.filled.any()


def test_a_leap_year_loses_its_29_february() -> None:
    values = np.arange(8784, dtype=float)
    made = year(stamps("2024-01-01", 8784), values.tolist())
    assert made.values[:, 0].tolist() == values[: 59 * 24].tolist() + values[60 * 24 :].tolist()
    assert made.notes == ("29 February left out (24 rows)",)
    bare = to_standard_year(axis_of_rows(8784, 10_800), values[:, None], 10_800, YearRules())
    assert np.array_equal(bare.values, made.values)


def test_8759_rows_are_filled_across_the_new_year_and_explained() -> None:
    made = year(stamps("2025-01-01", 8759), [2.0] + [4.0] * 8758)
    assert made.values[-1, 0] == 3.0  # half way from 4 to the 2 of the first hour
    assert made.filled.nonzero()[0].tolist() == [8759]
    assert made.notes == ("1 gap (1 h) filled by a straight line: 12-31 23:00 to 01-01 00:00",)


def test_a_year_from_july_and_one_in_utc_land_on_their_dates() -> None:
    values = np.arange(HOURS, dtype=float)
    july = year(stamps("2024-07-01", HOURS), values.tolist())
    assert july.values[181 * 24, 0] == 0.0
    nairobi = year(stamps("2025-01-01", HOURS, written="%Y-%m-%dT%H:%MZ"), values.tolist(), offset_h=3)
    assert np.array_equal(nairobi.values[:, 0], np.roll(values, 3))


def test_a_second_year_is_left_out() -> None:
    made = year(stamps("2025-01-01", HOURS + 48), [1.0] * HOURS + [9.0] * 48)
    assert made.values.max() == 1.0
    assert made.notes == ("48 rows after the first year left out",)


def test_a_clock_with_summer_time_becomes_standard_time() -> None:
    values = np.arange(HOURS, dtype=float)
    made = year(stamps("2025-01-01", HOURS, zone="Europe/Berlin"), values.tolist(), "Europe/Berlin", 1.0)
    assert np.array_equal(made.values[:, 0], values)
    assert made.notes == ()


def test_half_hour_zones_keep_the_total() -> None:
    values = np.random.default_rng(7).random(HOURS)
    made = year(stamps("2025-01-01", HOURS), values.tolist(), offset_h=5.5)
    assert made.values[6, 0] == pytest.approx((values[0] + values[1]) / 2)
    assert made.values.sum() == pytest.approx(values.sum(), rel=1e-12)


def without(start: int, count: int) -> tuple[list[str], list[float]]:
    kept = [hour for hour in range(HOURS) if not start <= hour < start + count]
    texts = stamps("2025-01-01", HOURS)
    return [texts[hour] for hour in kept], [float(hour % 24) for hour in kept]


def test_three_hours_are_bridged_by_a_straight_line() -> None:
    made = year(*without(2 * 24 + 10, 3))
    assert made.values[2 * 24 + 9 : 2 * 24 + 14, 0].tolist() == [9.0, 10.0, 11.0, 12.0, 13.0]
    assert made.notes == ("1 gap (3 h) filled by a straight line: 01-03 10:00 to 01-03 13:00",)


def test_five_hours_are_refused_with_their_row() -> None:
    made = year(*without(2 * 24 + 10, 5), gap_fix="type this")
    (problem,) = made.problems
    assert (problem.code, problem.line, problem.fix) == ("MG-D298", 2 + 2 * 24 + 10, "type this")
    assert problem.what == "no values for 5 h, 01-03 10:00 to 01-03 15:00"


def test_five_hours_are_filled_from_the_days_around_when_asked() -> None:
    made = year(*without(2 * 24 + 10, 5), long_gaps="neighbours")
    assert made.values[:, 0].tolist() == [float(hour % 24) for hour in range(HOURS)]
    assert int(made.filled.sum()) == 5


def test_an_empty_cell_is_a_gap_of_its_column_only() -> None:
    values = np.stack([np.arange(HOURS, dtype=float), np.ones(HOURS)], axis=1)
    values[100, 0] = np.nan
    made = to_standard_year(axis(stamps("2025-01-01", HOURS)), values, 0, YearRules())
    assert made.values[100].tolist() == [100.0, 1.0]
    values[100:110, 0] = np.nan
    refused = to_standard_year(axis(stamps("2025-01-01", HOURS)), values, 0, YearRules("f", range(2, HOURS + 2)))
    assert [(problem.code, problem.line) for problem in refused.problems] == [("MG-D298", 102)]


def test_a_week_is_repeated_by_weekday() -> None:
    days = 9  # Wednesday 5 March 2025 to Thursday
    values = [float(datetime(2025, 3, 5 + hour // 24, tzinfo=UTC).weekday()) for hour in range(24 * days)]
    made = year(stamps("2025-03-05", 24 * days), values, short_file="repeat")
    wanted = [float(datetime(2025, 1, 1, tzinfo=UTC).weekday() + hour // 24) % 7 for hour in range(HOURS)]
    assert made.values[:, 0].tolist() == wanted
    assert made.notes == (
        "the file has 9 whole days: each of the other 356 repeats the nearest one of the same weekday",
    )


def test_less_than_a_week_or_a_short_file_that_may_not_be_repeated_is_refused() -> None:
    six_days = year(stamps("2025-03-05", 24 * 6), [1.0] * 24 * 6, short_file="repeat")
    long = year(stamps("2025-03-05", 24 * 300), [1.0] * 24 * 300)
    for made in (six_days, long):
        assert [problem.code for problem in made.problems] == ["MG-D299"]


@given(
    st.sampled_from([3600, 1800, 900, 600, 300, 60]),
    st.sampled_from([3600, 1800, 900, 600, 300, 60]),
    st.integers(min_value=0, max_value=2**31),
)
def test_resampling_keeps_the_energy(step_s: int, new_step_s: int, seed: int) -> None:
    power_w = np.random.default_rng(seed).random((2 * 86_400 // step_s, 3)) * 1e4
    made_w = resample(power_w, step_s, new_step_s)
    assert made_w.shape == (2 * 86_400 // new_step_s, 3)
    assert made_w.sum(axis=0) * new_step_s == pytest.approx(power_w.sum(axis=0) * step_s, rel=1e-12)
    again_w = resample(made_w, new_step_s, step_s)
    assert np.allclose(again_w, power_w) or new_step_s > step_s or step_s % new_step_s
