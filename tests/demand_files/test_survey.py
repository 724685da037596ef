"""Household surveys, as survey tools export them."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgrid.errors import InvalidInput, Problem
from sim.demand.appliances import User, faults, window_minutes
from sim.demand.survey import read_survey, widened
from sim.demand.tiers import appliance_catalogue
from sim.demand.user_list import UserList

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(*lines: str) -> Path:
        path = tmp_path / "survey.csv"
        path.write_text("\n".join(lines) + "\n")
        return path

    return written


def problems(path: Path) -> tuple[Problem, ...]:
    with pytest.raises(InvalidInput) as refused:
        read_survey(path)
    assert all(problem.file == path.name and problem.fix for problem in refused.value.problems)
    return refused.value.problems


def energy_wh(user: User) -> float:
    return sum(one.power_w * one.daily_use_min / 60 * one.number for one in user.appliances)


def pieces(user: User) -> list[tuple[float, float]]:
    return [(one.power_w, one.daily_use_min) for one in user.appliances]


def test_counts_and_hours_with_the_catalogues_power(write: Write) -> None:
    path = write("household_id,bulbs_count,bulbs_hours,tv_count,tv_hours", "h1,3,5.5,1,2", "h2,0,,1,3")
    first, second = read_survey(path).users
    assert pieces(first) == [(7.0, 330.0)] * 3 + [(40.0, 120.0)]
    assert pieces(second) == [(40.0, 180.0)]
    assert (first.count, second.count, first.priority) == (1, 1, "standard")
    assert [fault for user in (first, second) for one in user.appliances for fault in faults(one)] == []


def test_only_identical_households_are_one_user_and_rows_may_come_in_any_order(write: Write) -> None:
    rows = ["a,3,5", "b,3,5", "c,3,4.5", "d,3,5"]
    users = {user.name: user for user in read_survey(write("id,bulb_count,bulb_hours", *rows)).users}
    assert {name: user.count for name, user in users.items()} == {
        "survey: 3 led_bulb 5 h": 3,
        "survey: 3 led_bulb 4.5 h": 1,
    }
    turned = read_survey(write("id,bulb_count,bulb_hours", *rows[::-1])).users
    assert {user.name: user for user in turned} == users


def test_kobo_groups_semicolons_and_yes_or_no(write: Write) -> None:
    path = write(
        "start;location/village;_id;a/light_count;a/radio;a/mobile_phones_n;a/hours_tv",
        '2026-01-05;"Kisiju";1;"2";yes;1;1,5',
        "2026-01-05;Kisiju;2;2;no;1;",
    )
    read = read_survey(path)
    assert [user.name for user in read.users] == [
        "survey: 2 led_bulb, 1 radio, 1 phone, 1 tv 1.5 h",
        "survey: 2 led_bulb, 1 phone",
    ]
    assert "columns left out: start, location/village" in read.notes


def test_odk_groups_are_joined_by_a_hyphen(write: Write) -> None:
    assert read_survey(write("meta-instanceID,home-fridge_count", "u1,1")).users[0].name == "survey: 1 fridge"


def test_everything_assumed_is_noted(write: Write) -> None:
    path = write("id,bulb_count,bulb_hours,tv_count", "1,2,5,1", "2,2,,0", "3,,,", "4,0,,0", "5,1,20,0")
    usual = appliance_catalogue()
    assert read_survey(path).notes == (
        "survey of 5 households: 3 with appliances, priority standard",
        "no answer on any appliance, left out: 1 household (row 4)",
        "none of the appliances asked for, left out: 1 household (row 5)",
        "led_bulb: from 'bulb_count', 'bulb_hours'; 7 W from the catalogue for 3 households (row 2, 3, 6); "
        "5 h a day from the catalogue for 1 household (row 3); windows 05:00-06:30, 18:00-23:00 from the catalogue; "
        "widened, since used longer, for 1 household (row 6)",
        "tv: from 'tv_count'; 40 W from the catalogue for 1 household (row 2); "
        "4 h a day from the catalogue for 1 household (row 2); windows 12:00-15:00, 18:00-23:00 from the catalogue",
    )
    assert usual["led_bulb"].windows == ("05:00-06:30", "18:00-23:00")


def test_long_hours_widen_the_windows_and_keep_the_energy(write: Write) -> None:
    (user,) = read_survey(write("id,bulb_count,bulb_hours", "1,1,20")).users
    assert energy_wh(user) == pytest.approx(140.0)
    assert window_minutes(user.appliances[0].windows) >= 1200


def test_an_appliance_of_ones_own_brings_power_and_hours(write: Write) -> None:
    path = write("id,tractor_count,tractor_power_w,tractor_hours", "1,1,800,0.5")
    read = read_survey(path)
    assert pieces(read.users[0]) == [(800.0, 30.0)]
    assert read.notes[1].endswith("not in the catalogue: it may run all day")


def test_owned_but_not_used_is_no_load(write: Write) -> None:
    users = read_survey(write("id,tv_count,tv_minutes,radio", "1,1,0,1", "2,1,90,1")).users
    assert [user.name for user in users] == ["survey: 1 radio", "survey: 1 tv 1.5 h, 1 radio"]


def test_every_bad_answer_is_named_with_its_place(write: Write) -> None:
    path = write(
        "id,tv_count,tv_hours,tv_power_w",
        "1,1.5,4,40",
        "2,99,4,40",
        "3,1,99,40",
        "4,1,4,50000",
        "5,some,4,40",
        "1,1,4,40",
    )
    assert [(problem.code, problem.line, problem.column) for problem in problems(path)] == [
        ("MG-D273", 2, 3),
        ("MG-D273", 3, 3),
        ("MG-D274", 4, 5),
        ("MG-D276", 5, 7),
        ("MG-D204", 6, 3),
        ("MG-D277", 7, 1),
    ]


@pytest.mark.parametrize(
    ("header", "code", "fix"),
    [
        ("id,tvv_count", "MG-D272", "rename it tv_count"),
        ("id,kerosene_lamp_count", "MG-D272", "rename it led_bulb_count"),
        ("id,fridgge_hours", "MG-D272", "rename it fridge_hours"),
        ("id,tractor_count,tractor_hours", "MG-D272", "take a name of the catalogue"),
        ("id,bulb_count,lights_count", "MG-D275", "add them up"),
        ("id,children_count", "MG-D271", "name columns such as"),
    ],
)
def test_columns_that_would_lose_load_are_refused(write: Write, header: str, code: str, fix: str) -> None:
    (problem,) = problems(write(header, ",".join("1" * (header.count(",") + 1))))
    assert (problem.code, problem.line) == (code, 1)
    assert problem.fix.startswith(fix)


def test_half_told_appliances_and_surveys_without_any_are_refused(write: Write) -> None:
    path = write("id,tractor_count,tractor_power_w,tractor_hours", "1,1,800,", "2,1,,2")
    assert [(problem.code, problem.line) for problem in problems(path)] == [("MG-D279", 2), ("MG-D279", 3)]
    assert [problem.code for problem in problems(write("id,tv_count", "1,0"))] == ["MG-D278"]
    assert [problem.code for problem in problems(write("id,tv_count"))] == ["MG-D202"]


@given(
    st.lists(st.tuples(st.integers(0, 5), st.one_of(st.none(), st.integers(1, 48))), min_size=1, max_size=8).filter(
        lambda homes: any(count for count, _ in homes)
    )
)
def test_the_energy_of_a_survey_is_that_of_its_answers(
    tmp_path_factory: pytest.TempPathFactory, homes: list[tuple[int, int | None]]
) -> None:
    path = tmp_path_factory.mktemp("survey") / "survey.csv"
    rows = [f"{row},{count},{'' if half is None else half / 2}" for row, (count, half) in enumerate(homes)]
    path.write_text("\n".join(["id,bulb_count,bulb_hours", *rows]) + "\n")
    read: UserList = read_survey(path)
    expected_wh = sum(count * 7 * (5.0 if half is None else half / 2) for count, half in homes)
    assert sum(user.count * energy_wh(user) for user in read.users) == pytest.approx(expected_wh)


@given(
    st.lists(st.integers(0, 47), min_size=2, max_size=6, unique=True).map(sorted),
    st.integers(0, 2000),
)
def test_widened_windows_hold_the_time_and_what_they_were(halves: list[int], minutes: int) -> None:
    edges = [30 * half for half in halves][: len(halves) // 2 * 2]
    windows = tuple(zip(edges[::2], edges[1::2], strict=True))
    grown = widened(windows, minutes)
    assert window_minutes(grown) >= min(minutes, 1440)
    assert all(any(first <= start and end <= last for first, last in grown) for start, end in windows)
    assert all(first[1] < second[0] for first, second in pairwise(grown)) or grown == windows
