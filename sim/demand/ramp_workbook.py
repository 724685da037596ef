"""RAMP input workbooks (.xlsx): one row per appliance, as the RAMP project's own tools write and read them.

Column names and their meaning are those of RAMP's documented input format (Lombardi, Balderrama, Quoilin and
Colombo, Energy 177, 2019; package rampdemand). Times are minutes of the day.
"""

from __future__ import annotations

import json
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from microgrid.errors import InvalidInput, Problem
from sim.demand.appliances import (
    DAY_MIN,
    MAX_DUTY_CYCLES,
    MAX_PREFERENCE,
    MAX_WINDOWS,
    YEAR_DAYS,
    Appliance,
    DutyCycle,
    User,
    Weekdays,
    faults,
)
from sim.demand.user_list import UserList
from sim.demand.workbook_cells import Row, Sheet, open_sheet, rows_of, series_cells

PROBLEMS_MAX = 20
REQUIRED = ("user_name", "num_users", "name", "number", "power", "func_time")
WEEKDAYS: tuple[Weekdays, ...] = ("weekday", "weekend", "all")  # RAMP's wd_we_type 0, 1, 2
LEAP_DAY = 59  # 29 February, counted from 0, in RAMP's years of 366 days
KNOWN = frozenset(
    [*REQUIRED, "user_preference", "num_windows", "time_fraction_random_variability", "func_cycle", "fixed"]
    + ["fixed_cycle", "continuous_duty_cycle", "occasional_use", "flat", "thermal_p_var", "pref_index"]
    + ["wd_we_type", "random_var_w"]
    + [f"window_{window}_{end}" for window in (1, 2, 3) for end in ("start", "end")]
    + [f"{letter}_{cycle}{part}" for letter in "pt" for cycle in (1, 2, 3) for part in (1, 2)]
    + [f"cw{cycle}{part}_{end}" for cycle in (1, 2, 3) for part in (1, 2) for end in ("start", "end")]
    + [f"r_c{cycle}" for cycle in (1, 2, 3)]
)


def read_ramp_workbook(path: Path) -> UserList:
    """Read the users of a RAMP workbook; raise InvalidInput with every bad cell."""
    sheet = open_sheet(path)
    problems = _missing_columns(sheet)
    if problems:
        raise InvalidInput(*problems)
    rows = list(rows_of(sheet, problems))
    if not rows:
        what = f"{path.name} has column names only, no rows"
        raise InvalidInput(Problem("MG-D251", what, fix="add one row per appliance", file=path.name))
    notes = [f"{len(rows)} rows of appliances; RAMP has no priority classes: all customers are standard"]
    unknown = [name for name in sheet.columns if name not in KNOWN]
    if unknown:
        notes.append(f"columns left out: {', '.join(unknown)}")
    users = _users(rows, notes)
    if problems:
        raise InvalidInput(*list(dict.fromkeys(problems))[:PROBLEMS_MAX])  # a cell may be read twice
    return UserList(users, tuple(notes))


def _missing_columns(sheet: Sheet) -> list[Problem]:
    found = []
    for name in REQUIRED:
        if name not in sheet.columns:
            near = get_close_matches(name, [column for column in sheet.columns if column not in KNOWN], n=1)
            fix = f"did you mean {near[0]!r} to be {name!r}?" if near else f"add a column {name}"
            found.append(Problem("MG-D252", f"column {name!r} is missing", "", fix, sheet.file, 1))
    return found


def _users(rows: list[Row], notes: list[str]) -> tuple[User, ...]:
    """Return one user for each name, with the appliances of its rows in the order of the sheet."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        if not row.text("user_name"):
            row.refuse("user_name", "MG-D253", "the user has no name", fix="write a name")
        groups.setdefault(row.text("user_name"), []).append(row)
    return tuple(_user(name, group, notes) for name, group in groups.items())


def _user(name: str, rows: list[Row], notes: list[str]) -> User:
    count = rows[0].whole("num_users", 1, low=1)
    preferences = rows[0].whole("user_preference", 0, high=MAX_PREFERENCE)
    for row in rows[1:]:
        for column, value in (("num_users", count), ("user_preference", preferences)):
            if row.value(column) is not None and row.value(column) != value:
                what = f"{column} of {name!r} is {row.value(column)}, in row {rows[0].number} it is {value}"
                row.refuse(column, "MG-D254", what, fix="give every row of a user the same number")
    return User(name, count, tuple(_appliance(row, preferences, notes) for row in rows), "standard", preferences)


def _appliance(row: Row, preferences: int, notes: list[str]) -> Appliance:
    """Read one row; impossible combinations are named after the cells are fine on their own."""
    known = len(row.problems)
    name = row.text("name") or f"appliance {row.number}"
    by_day_w = _power_by_day_w(row, notes)
    windows = _windows(row, notes)
    kind = row.whole("wd_we_type", 2, high=2)
    appliance = Appliance(
        name=name,
        number=row.whole("number", 1, low=1),
        power_w=max(by_day_w) if by_day_w else row.real("power", 0.0),
        windows=windows,
        daily_use_min=row.real("func_time", 0.0, high=DAY_MIN),
        minimum_cycle_min=max(1, row.whole("func_cycle", 1, high=DAY_MIN)),
        window_jitter=row.real("random_var_w", 0.0, high=1.0),
        use_jitter=row.real("time_fraction_random_variability", 0.0, high=1.0),
        power_jitter=row.real("thermal_p_var", 0.0, high=1.0),
        occasional_use=row.real("occasional_use", 1.0, high=1.0),
        fixed=row.yes("fixed"),
        flat=row.yes("flat"),
        weekdays=WEEKDAYS[kind],
        duty_cycles=_duty_cycles(row, windows),
        continuous_duty_cycle=row.whole("continuous_duty_cycle", 1, high=1) == 1,
        preference=row.whole("pref_index", 0, high=MAX_PREFERENCE),
        power_by_day_w=by_day_w,
    )
    if len(row.problems) == known:
        _check(row, appliance, preferences)
    return appliance


def _check(row: Row, appliance: Appliance, preferences: int) -> None:
    for fault in faults(appliance):
        fix = "lengthen the windows, or shorten the use" if "exceeds" in fault else "correct the row"
        row.refuse("name", "MG-D255", f"appliance {appliance.name!r}: {fault}", fix=fix)
    if appliance.preference > preferences:
        what = f"pref_index is {appliance.preference}, the user's user_preference is {preferences}"
        row.refuse("pref_index", "MG-D255", what, fix="raise user_preference, or write pref_index 0")
    if row.value("power") is None and not appliance.power_by_day_w:
        row.refuse("power", "MG-D253", "the power is missing", fix="write the power in W")


def _windows(row: Row, notes: list[str]) -> tuple[tuple[int, int], ...]:
    """Return the declared windows that are not empty; the whole day, noted, when there is none."""
    given = [_span(row, f"window_{number}") for number in range(1, MAX_WINDOWS + 1)]
    declared = row.whole("num_windows", MAX_WINDOWS, low=1, high=MAX_WINDOWS)
    windows = tuple(span for span in given[:declared] if span != (0, 0))
    if windows:
        return windows
    notes.append(f"{row.text('name')!r} of {row.text('user_name')!r} has no window: it may run all day")
    return ((0, DAY_MIN),)


def _span(row: Row, name: str) -> tuple[int, int]:
    return row.whole(f"{name}_start", 0, high=DAY_MIN), row.whole(f"{name}_end", 0, high=DAY_MIN)


def _duty_cycles(row: Row, windows: tuple[tuple[int, int], ...]) -> tuple[DutyCycle, ...]:
    count = row.whole("fixed_cycle", 0, high=MAX_DUTY_CYCLES)
    return tuple(_duty_cycle(row, cycle, windows[:2] if count == 1 else None) for cycle in range(1, count + 1))


def _duty_cycle(row: Row, cycle: int, windows: tuple[tuple[int, int], ...] | None) -> DutyCycle:
    """Return one duty cycle; a single one holds in the appliance's own windows, as in RAMP.

    RAMP counts the last minute of a cycle's window as part of it.
    """
    spans = (_span(row, f"cw{cycle}1"), _span(row, f"cw{cycle}2"))
    own = tuple((start, min(end + 1, DAY_MIN)) for start, end in spans if (start, end) != (0, 0))
    return DutyCycle(
        first_power_w=row.real(f"p_{cycle}1", 0.0),
        first_min=row.whole(f"t_{cycle}1", 0, high=DAY_MIN),
        second_power_w=row.real(f"p_{cycle}2", 0.0),
        second_min=row.whole(f"t_{cycle}2", 0, high=DAY_MIN),
        windows=own if windows is None else windows,
        jitter=row.real(f"r_c{cycle}", 0.0, high=1.0),
    )


def _power_by_day_w(row: Row, notes: list[str]) -> tuple[float, ...]:
    """Return a power for each day of the year where the power cell holds a list or points to one."""
    value = row.value("power")
    cells = series_cells(row, "power")
    if cells is None and isinstance(value, str) and value.startswith("["):
        cells = _listed(row, value)
    if cells is None:
        return ()
    powers = [entry[-1] for entry in cells if entry]  # of two columns, the first is the date
    if any(isinstance(power, bool) or not isinstance(power, int | float) or power < 0 for power in powers):
        row.refuse("power", "MG-D256", "a power of the list is not a number of W", fix="correct the list")
        return ()
    if len(powers) not in {YEAR_DAYS, YEAR_DAYS + 1}:
        what = f"the list has {len(powers)} powers"
        row.refuse("power", "MG-D256", what, fix="give one for each day: 366, or 365 without 29 February")
        return ()
    if len(powers) > YEAR_DAYS:
        del powers[LEAP_DAY]
        notes.append(f"{row.text('name')!r}: the power of 29 February is left out")
    return tuple(float(power) for power in powers)


def _listed(row: Row, text: str) -> list[list[Any]]:
    """Return the rows of a list written as JSON, one entry or (date, entry) each."""
    try:
        entries = json.loads(text)
    except json.JSONDecodeError:
        row.refuse("power", "MG-D256", "the list of powers cannot be read", fix="write [100, 120, ...]")
        return []
    return [entry if isinstance(entry, list) else [entry] for entry in entries]
