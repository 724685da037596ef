"""RAMP input workbooks, as RAMP's own tools write them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from microgrid.errors import InvalidInput, Problem
from sim.demand.appliances import Appliance, DutyCycle, User, faults
from sim.demand.ramp_workbook import KNOWN, read_ramp_workbook

TV: dict[str, Any] = {
    "user_name": "homes", "num_users": 3, "user_preference": 0, "name": "tv", "number": 2, "power": 40,
    "num_windows": 2, "func_time": 120, "time_fraction_random_variability": 0.2, "func_cycle": 10, "fixed": "no",
    "fixed_cycle": 0, "continuous_duty_cycle": 1, "occasional_use": 0.5, "flat": "no", "thermal_p_var": 0.1,
    "pref_index": 0, "wd_we_type": 1, "window_1_start": 360, "window_1_end": 480, "window_2_start": 1080,
    "window_2_end": 1380, "window_3_start": 0, "window_3_end": 0, "random_var_w": 0.35,
}  # fmt: skip
FRIDGE: dict[str, Any] = TV | {
    "name": "fridge", "number": 1, "power": 200, "num_windows": 1, "func_time": 1440, "func_cycle": 30,
    "fixed": "yes", "fixed_cycle": 2, "window_1_start": 0, "window_1_end": 1440, "wd_we_type": 2,
    "p_11": 200, "t_11": 20, "cw11_start": 480, "cw11_end": 1200, "p_12": 5, "t_12": 10, "cw12_start": 0, "cw12_end": 0,
    "r_c1": 0.1, "p_21": 200, "t_21": 15, "cw21_start": 0, "cw21_end": 479, "p_22": 5, "t_22": 15,
    "cw22_start": 1201, "cw22_end": 1440, "r_c2": 0.2,
}  # fmt: skip

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(*rows: dict[str, Any], without: str = "", extra: dict[str, list[list[Any]]] | None = None) -> Path:
        book = openpyxl.Workbook()
        sheet = book.worksheets[0]
        names = [name for name in dict.fromkeys(name for row in rows for name in row) if name != without]
        sheet.append(names or sorted(KNOWN))
        for row in rows:
            sheet.append([row.get(name) for name in names])
        for title, cells in (extra or {}).items():
            other = book.create_sheet(title)
            for line in cells:
                other.append(line)
        path = tmp_path / "ramp.xlsx"
        book.save(path)
        return path

    return written


def problems(path: Path) -> tuple[Problem, ...]:
    with pytest.raises(InvalidInput) as refused:
        read_ramp_workbook(path)
    assert all(problem.file == path.name and problem.fix for problem in refused.value.problems)
    return refused.value.problems


def only(path: Path) -> Appliance:
    (user,) = read_ramp_workbook(path).users
    return user.appliances[0]


def test_every_column_has_its_meaning(write: Write) -> None:
    read = read_ramp_workbook(write(TV, FRIDGE))
    tv = Appliance(
        name="tv",
        number=2,
        power_w=40.0,
        windows=((360, 480), (1080, 1380)),
        daily_use_min=120.0,
        minimum_cycle_min=10,
        window_jitter=0.35,
        use_jitter=0.2,
        power_jitter=0.1,
        occasional_use=0.5,
        weekdays="weekend",
    )
    fridge = Appliance(
        name="fridge",
        number=1,
        power_w=200.0,
        windows=((0, 1440),),
        daily_use_min=1440.0,
        minimum_cycle_min=30,
        window_jitter=0.35,
        use_jitter=0.2,
        power_jitter=0.1,
        occasional_use=0.5,
        fixed=True,
        duty_cycles=(
            DutyCycle(200.0, 20, 5.0, 10, ((480, 1201),), 0.1),
            DutyCycle(200.0, 15, 5.0, 15, ((0, 480), (1201, 1440)), 0.2),
        ),
    )
    assert read.users == (User("homes", 3, (tv, fridge)),)
    assert read.notes == ("2 rows of appliances; RAMP has no priority classes: all customers are standard",)
    assert [fault for user in read.users for one in user.appliances for fault in faults(one)] == []


def test_empty_cells_and_missing_columns_are_ramps_defaults(write: Write) -> None:
    row = {"user_name": "a", "num_users": 1, "name": "radio", "number": 1, "power": 6, "func_time": 60}
    read = read_ramp_workbook(write(row | {"func_cycle": None, "fixed": None}))
    assert read.users[0].appliances == (Appliance("radio", 1, 6.0, ((0, 1440),), 60.0),)
    assert "'radio' of 'a' has no window: it may run all day" in read.notes


def test_users_keep_the_order_of_the_sheet_and_may_be_scattered(write: Write) -> None:
    read = read_ramp_workbook(write(TV | {"user_name": "b"}, TV | {"user_name": "a"}, FRIDGE | {"user_name": "b"}))
    assert [(user.name, len(user.appliances)) for user in read.users] == [("b", 2), ("a", 1)]


def test_a_single_duty_cycle_holds_in_the_appliances_own_windows(write: Write) -> None:
    row = FRIDGE | {"fixed_cycle": 1, "window_1_start": 720, "window_1_end": 900, "func_time": 60}
    assert only(write(row)).duty_cycles == (DutyCycle(200.0, 20, 5.0, 10, ((720, 900),), 0.1),)


def test_daily_choices_are_read(write: Write) -> None:
    (user,) = read_ramp_workbook(write(TV | {"user_preference": 3, "pref_index": 2})).users
    assert (user.preferences, user.appliances[0].preference) == (3, 2)


@pytest.mark.parametrize("days", [365, 366])
def test_a_power_for_each_day_may_be_a_list_or_point_to_a_sheet(write: Write, days: int) -> None:
    powers = [float(day) for day in range(days)]
    expected = tuple(powers if days == 365 else powers[:59] + powers[60:])
    assert only(write(TV | {"power": json.dumps(powers)})).power_by_day_w == expected
    cells = [[f"2025-{day}", power] for day, power in enumerate(powers)]
    pointed = write(TV | {"power": f"=Days!A1:B{days}"}, extra={"Days": cells})
    assert only(pointed).power_by_day_w == expected


def test_unknown_columns_are_noted(write: Write) -> None:
    assert "columns left out: colour" in read_ramp_workbook(write(TV | {"colour": "red"})).notes


@pytest.mark.parametrize(
    ("change", "code", "cell"),
    [
        ({"power": "40 W"}, "MG-D253", "Sheet!F2"),
        ({"power": None}, "MG-D253", "Sheet!F2"),
        ({"power": -1}, "MG-D253", "Sheet!F2"),
        ({"number": 1.5}, "MG-D253", "Sheet!E2"),
        ({"num_users": 0}, "MG-D253", "Sheet!B2"),
        ({"user_name": None}, "MG-D253", "Sheet!A2"),
        ({"fixed": "perhaps"}, "MG-D253", "Sheet!K2"),
        ({"wd_we_type": 3}, "MG-D253", "Sheet!R2"),
        ({"random_var_w": 35}, "MG-D253", "Sheet!Y2"),
        ({"window_1_end": 1500}, "MG-D253", "Sheet!T2"),
        ({"window_1_end": 300}, "MG-D255", "Sheet!D2"),
        ({"func_time": 900}, "MG-D255", "Sheet!D2"),
        ({"pref_index": 1}, "MG-D255", "Sheet!Q2"),
        ({"power": "[1, 2"}, "MG-D256", "Sheet!F2"),
        ({"power": "[1, 2, 3]"}, "MG-D256", "Sheet!F2"),
        ({"power": json.dumps(["x"] * 365)}, "MG-D256", "Sheet!F2"),
        ({"power": "=Nowhere!A1:A366"}, "MG-D253", "Sheet!F2"),
    ],
)
def test_bad_cells_are_named(write: Write, change: dict[str, Any], code: str, cell: str) -> None:
    problem = problems(write(TV | change))[0]
    assert (problem.code, problem.line) == (code, 2)
    assert problem.what.startswith(f"{cell}: ")


def test_per_cent_gets_its_fraction_as_the_fix(write: Write) -> None:
    (problem,) = problems(write(TV | {"random_var_w": 35}))
    assert problem.fix == "per cent? then write 0.35"


def test_all_bad_cells_are_told_at_once(write: Write) -> None:
    found = problems(write(TV | {"number": "x"}, FRIDGE | {"power": "y", "flat": "z", "num_users": 4}))
    told = sorted((problem.line, problem.what.split(":")[0]) for problem in found)
    assert told == [(2, "Sheet!E2"), (3, "Sheet!B3"), (3, "Sheet!F3"), (3, "Sheet!O3")]
    assert [problem.what for problem in found if problem.code == "MG-D254"] == [
        "Sheet!B3: num_users of 'homes' is 4, in row 2 it is 3"
    ]


def test_a_formula_that_was_never_calculated_is_refused(write: Write) -> None:
    (problem,) = problems(write(TV | {"number": "=1+1"}))
    assert problem.what == "Sheet!E2: the formula =1+1 has no stored result"


def test_missing_columns_are_named_with_a_guess(write: Write) -> None:
    row = {name: value for name, value in TV.items() if name != "func_time"} | {"func_times": 120}
    (problem,) = problems(write(row))
    assert (problem.code, problem.fix) == ("MG-D252", "did you mean 'func_times' to be 'func_time'?")


def test_what_is_no_workbook_is_refused(write: Write, tmp_path: Path) -> None:
    assert problems(write())[0].code == "MG-D251"
    assert problems(tmp_path / "nowhere.xlsx")[0].code == "MG-D250"
    (tmp_path / "text.xlsx").write_text("user_name,num_users\n")
    assert problems(tmp_path / "text.xlsx")[0].code == "MG-D250"
    (tmp_path / "old.xls").write_bytes(b"\xd0\xcf\x11\xe0")
    assert problems(tmp_path / "old.xls")[0].code == "MG-D250"
