"""The demand engine: every minute of every customer, compiled, and added up to the step of the study.

Method: RAMP (Lombardi, Balderrama, Quoilin and Colombo, "Generating high-resolution multi-energy load
profiles for remote areas with an open-source stochastic model", Energy 177, 433-444, 2019). On each day, for
each customer and each appliance: it may be skipped (occasional use, weekday, month, daily choice); its
windows move; its time of use varies; then switch-on events are placed in the free time of the windows until
the time is used up, each with a number of pieces that are on together, more alike near the peak.

Two things differ from the published program, both so that a customer's numbers are his own: chance is counted
by (seed and user's name, member, day, appliance), see `sim.demand.chance`, and the peak period is that of the
customer's own appliances, drawn anew each day, instead of the whole community's drawn once.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.demand.appliance_day import appliance_day, is_used
from sim.demand.appliances import DAY_MIN, MAX_DUTY_CYCLES, YEAR_DAYS, User
from sim.demand.chance import STATE_SIZE, Draws, between, inner, start
from sim.demand.tables import Records, Tables, tables
from sim.physics.kernel import compiled, processors
from sim.quantities import PRIORITIES

FloatArray = NDArray[np.float64]
_Job = tuple[int, int, int, int]

PEAK_ENLARGEMENT = 0.15  # spread of the peak period over its time of day (delta_peak in the paper)
CHOICE_STREAM = 2**32 - 1  # takes the place of the appliance's number for the draw of the daily choice

_JOB = np.dtype([("user", "i8"), ("first", "i8"), ("end", "i8"), ("row", "i8")], align=True)
_CYCLE = np.dtype([("power_w", "f8", (2,)), ("minutes", "i8", (2,))], align=True)


@dataclass(frozen=True, slots=True, eq=False)
class CustomersLoad:
    """What a year of customers adds up to."""

    load_w: FloatArray  # (3, steps) mean power over each step: critical, standard, deferrable
    three_phase_w: FloatArray  # (steps,) the part of it that is on three phases
    step_peak_w: FloatArray  # (steps,) largest 1-minute total within each step


def customers_year(users: Sequence[User], seed: int, step_minutes: int, threads: int | None = None) -> CustomersLoad:
    """Return the year of all customers, added up by priority class.

    The number of threads changes nothing but the time taken. Raises ValueError for users of the same name, an
    impossible appliance or a step that does not divide a day.
    """
    classes = len(PRIORITIES)
    rows = [PRIORITIES.index(user.priority) + classes * user.three_phase for user in users]
    jobs = [(index, 0, user.count, row) for index, (user, row) in enumerate(zip(users, rows, strict=True))]
    load_w, peak_w = _run(tables(users, seed), jobs, 2 * classes, (0, YEAR_DAYS), step_minutes, threads)
    return CustomersLoad(load_w[:classes] + load_w[classes:], load_w[classes:].sum(axis=0), peak_w)


def homes_year_w(
    users: Sequence[User],
    members: Sequence[tuple[int, int]],
    seed: int,
    step_minutes: int,
    threads: int | None = None,
) -> FloatArray:
    """Return a year of single customers, (customers, steps) in watts, for (user's index, member) pairs."""
    jobs = [(user, member, member + 1, row) for row, (user, member) in enumerate(members)]
    return _run(tables(users, seed), jobs, len(jobs), (0, YEAR_DAYS), step_minutes, threads)[0]


def customer_day_w(user: User, seed: int, member: int, day: int) -> FloatArray:
    """Return the 1440 minutes of one customer on one day of the year (0 is 1 January), made alone [W].

    Raises ValueError for a day that the year does not have.
    """
    if not 0 <= day < YEAR_DAYS:
        raise ValueError(f"day {day} is not in the year, days are 0 to {YEAR_DAYS - 1}")
    load_w, _ = _run(tables((user,), seed), [(0, member, member + 1, 0)], 1, (day, day + 1), 1, 1)
    return load_w.ravel()


def _run(
    known: Tables, jobs: list[_Job], rows: int, days: tuple[int, int], step_minutes: int, threads: int | None
) -> tuple[FloatArray, FloatArray]:
    """Return mean power (rows, steps) and largest minute (steps,) from the first day to before the second.

    A job is (user, first member, end of members, row). The days are shared out over the threads.
    """
    if DAY_MIN % step_minutes:
        raise ValueError(f"a step of {step_minutes} min does not divide a day")
    steps = (days[1] - days[0]) * (DAY_MIN // step_minutes)
    load_w, peak_w = np.zeros((rows, steps)), np.zeros(steps)
    work = np.array(jobs, dtype=_JOB)
    workers = max(1, threads or processors())
    cuts = np.linspace(*days, 4 * workers + 1).astype(int).tolist()

    def run(first: int, end: int) -> None:
        of_known = (known.appliances, known.users, known.days, known.by_day_w)
        _run_days(*of_known, work, days[0], first, end, step_minutes, *_workspace(rows), load_w, peak_w)

    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(run, cuts[:-1], cuts[1:]))
    return load_w, peak_w


def _workspace(rows: int) -> tuple[FloatArray, Draws, Records, Records]:
    """Return empty room for one thread: minutes, random numbers, free spots, duty cycles."""
    spots = np.zeros((DAY_MIN + 4, 2), np.int64)
    return (
        np.zeros((rows, DAY_MIN)),
        np.zeros(STATE_SIZE, np.uint64),
        spots,
        np.zeros(MAX_DUTY_CYCLES, _CYCLE),
    )


@compiled
def _run_days(
    appliances: Records, users: Records, days: Records, by_day_w: FloatArray, jobs: Records, origin_day: int,
    first_day: int, end_day: int, step_min: int, minute_w: FloatArray, state: Draws,
    free: Records, cycles: Records, load_w: FloatArray, peak_w: FloatArray,
) -> None:  # fmt: skip
    """Fill the days from first_day to before end_day of `load_w` (rows, steps) and `peak_w` (steps,).

    The arrays begin on origin_day.
    """
    for day in range(first_day, end_day):
        for number in range(jobs.shape[0]):
            job = jobs[number]
            user = users[job["user"]]
            for member in range(job["first"], job["end"]):
                _customer_day(
                    appliances,
                    user,
                    days[day],
                    by_day_w,
                    day,
                    member,
                    state,
                    free,
                    cycles,
                    minute_w[job["row"]],
                )
        _add_up(minute_w, step_min, (day - origin_day) * (DAY_MIN // step_min), load_w, peak_w)


@inner
def _add_up(minute_w: FloatArray, step_min: int, first_step: int, load_w: FloatArray, peak_w: FloatArray) -> None:
    """Write each step's mean and its largest 1-minute total; leave the minutes empty for the next day."""
    for step in range(DAY_MIN // step_min):
        highest_w = 0.0
        for minute in range(step * step_min, (step + 1) * step_min):
            total_w = 0.0
            for row in range(minute_w.shape[0]):
                total_w += minute_w[row, minute]
                load_w[row, first_step + step] += minute_w[row, minute]
            highest_w = max(highest_w, total_w)
        peak_w[first_step + step] = highest_w
        for row in range(minute_w.shape[0]):
            load_w[row, first_step + step] /= step_min
            for minute in range(step * step_min, (step + 1) * step_min):
                minute_w[row, minute] = 0.0


@inner
def _customer_day(
    appliances: Records, user: Any, today: Any, by_day_w: FloatArray, day: int, member: int, state: Draws,
    free: Records, cycles: Records, out_w: FloatArray,
) -> None:  # fmt: skip
    """Add one customer's day to `out_w` (1440,)."""
    choice = 0
    if user["preferences"] > 0:
        start(state, user["key_0"], user["key_1"], CHOICE_STREAM, member, day)
        choice = between(state, 1, user["preferences"])
    middle_min = round(user["peak_min"] + user["peak_span_min"] / 3.0 * today["peak_shift"])
    half_min = max(1, round(abs(PEAK_ENLARGEMENT * middle_min * today["peak_width"])))
    for index in range(user["first"], user["end"]):
        appliance = appliances[index]
        start(state, user["key_0"], user["key_1"], index - user["first"], member, day)
        if is_used(state, appliance, today, choice):
            power_w = appliance["power_w"]
            if appliance["by_day_row"] >= 0:
                power_w = by_day_w[appliance["by_day_row"], day]
            appliance_day(state, appliance, power_w, middle_min - half_min, middle_min + half_min, free, cycles, out_w)
