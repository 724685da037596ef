"""What everybody would use: homes, businesses, surveys and measured files as one year of load.

The year has 365 days, starts on 1 January 00:00 in the site's standard time and has the weekdays of 2025
(1 January is a Wednesday). Growth is kept apart, as one multiplier for each month of the project.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from microgrid.errors import InvalidInput, Problem
from sim.demand.appliances import YEAR_DAYS, User, largest_power_w
from sim.demand.tiers import business_user, listed_user, tier_user
from sim.quantities import PRIORITIES
from sim.scenario import Demand, Households, Site

if TYPE_CHECKING:
    from sim.demand.engine import CustomersLoad
    from sim.demand.files import FileLoad

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
SAMPLE_HOMES = 8


@dataclass(frozen=True, slots=True, eq=False)
class CommunityLoad:
    """What everybody would use in a year with all connected, per priority class."""

    step_s: int
    load_w: FloatArray  # (3, n) critical, standard, deferrable; mean power over each step
    connections: int  # customers when all are connected
    peak_minute_w: float  # largest 1-minute site total of the year
    largest_start_w: float  # what the largest motor start draws beyond its running power; 0 without motors
    growth_by_month: FloatArray  # (years * 12,) multiplier of the load in each month of the project
    connected_by_month: IntArray  # (years * 12,) customers connected in each month of the project
    homes_w: FloatArray | None  # (k, n) loads of up to 8 single customers, for supplies of one home each
    homes_weight: FloatArray | None  # (k,) how many customers each of them stands for
    three_phase_w: FloatArray  # (n,) the part of the load that is on three phases
    notes: tuple[str, ...]  # what was assumed


def load_demand(
    demand: Demand,
    site: Site,
    folder: Path,
    step_minutes: int,
    years: int,
    seed: int,
    *,
    single_homes: bool = False,
) -> CommunityLoad:
    """Return the load of a whole community: its homes, businesses and files.

    Paths of files are relative to `folder`. With `single_homes` there are also loads of single customers.
    Raises InvalidInput with every mistake found in the scenario's lists, or with those of the first bad file.
    """
    users, notes = _everybody(demand, folder)
    file, file_notes = _measured(demand, site, folder, step_minutes)
    if not users and file is None:
        raise InvalidInput(_nobody())
    parts = _Parts(users, file, (*notes, *file_notes))
    return _community(parts, demand, step_minutes, years, seed, single_homes=single_homes)


def growth_by_month(demand: Demand, connections: int, years: int) -> tuple[FloatArray, IntArray]:
    """Return the load's multiplier and the customers connected, for each of years x 12 months.

    The multiplier is connected / connections x (1 + growth)^y x (1 + uptake x y) in year y = 0, 1, ...:
    growth compounds, uptake adds each year that share of the first year's appliances. Both step on the
    anniversary, so that the first year is the load as described.
    """
    planned = demand.connections_by_month or (connections,)
    month = np.arange(12 * years)
    connected = np.array(planned, dtype=np.int64)[np.minimum(month, len(planned) - 1)]
    year = month // 12
    habit = (1.0 + demand.growth_per_year) ** year * (1.0 + demand.appliance_uptake_per_year * year)
    return connected / connections * habit, connected


def described_users(demand: Demand) -> tuple[User, ...]:
    """Return the homes and businesses a scenario lists, each group with a name of its own.

    A group is named by what it is, not by its place in the list, so that reordering or adding groups leaves
    the random numbers of the others alone. Raises InvalidInput with every mistake in the lists.
    """
    users: list[User] = []
    problems: list[Problem] = []
    for homes in demand.households:
        try:
            users.append(_homes_user(homes))
        except ValueError as mistake:
            problems.append(_bad_windows(homes, str(mistake)))
    if problems:
        raise InvalidInput(*problems)
    users += [business_user(place.kind, place.count, place.kind, place.priority) for place in demand.businesses]
    return _distinct(users)


@dataclass(frozen=True, slots=True, eq=False)
class _Parts:
    users: tuple[User, ...]
    file: FileLoad | None
    notes: tuple[str, ...]

    def connections(self, demand: Demand) -> int:
        """Return how many customers the users and the file are; the plan says it for a file that does not."""
        of_file = max(1, self.file.connections) if self.file else 0
        if not self.users:
            return max(of_file, *demand.connections_by_month, 1)
        return sum(user.count for user in self.users) + of_file


def _community(
    parts: _Parts, demand: Demand, step_minutes: int, years: int, seed: int, *, single_homes: bool
) -> CommunityLoad:
    load = _simulated(parts.users, step_minutes, seed)
    load_w, peak_w = load.load_w, load.step_peak_w
    if parts.file is not None:
        load_w, peak_w = load_w + parts.file.load_w, peak_w + parts.file.load_w.sum(axis=0)
    connections = parts.connections(demand)
    multiplier, connected = growth_by_month(demand, connections, years)
    homes_w, weight = None, None
    if single_homes:
        homes_w, weight = _sample_homes(parts, connections, step_minutes, seed)
        homes_w = homes_w * demand.scale
    return CommunityLoad(
        step_s=60 * step_minutes,
        load_w=load_w * demand.scale,
        connections=connections,
        peak_minute_w=float(peak_w.max()) * demand.scale,
        largest_start_w=_largest_start_w(parts.users),
        growth_by_month=multiplier,
        connected_by_month=connected,
        homes_w=homes_w,
        homes_weight=weight,
        three_phase_w=load.three_phase_w * demand.scale,
        notes=(*parts.notes, *_growth_notes(demand, connections, connected)),
    )


def _simulated(users: tuple[User, ...], step_minutes: int, seed: int) -> CustomersLoad:
    from sim.demand.engine import CustomersLoad, customers_year  # compiled: only who simulates waits for it

    if users:
        return customers_year(users, seed, step_minutes)
    nothing_w = np.zeros(YEAR_DAYS * 1440 // step_minutes)
    return CustomersLoad(np.zeros((len(PRIORITIES), nothing_w.size)), nothing_w, nothing_w)


def _sample_homes(parts: _Parts, connections: int, step_minutes: int, seed: int) -> tuple[FloatArray, FloatArray]:
    """Return loads of single customers and how many each stands for; a file's customers share it alike."""
    from sim.demand.engine import homes_year_w

    rows, weights = [], []
    if parts.file is not None:
        of_file = connections - sum(user.count for user in parts.users)
        rows.append(parts.file.load_w.sum(axis=0)[np.newaxis] / of_file)
        weights.append(float(of_file))
    members, of_users = sample_members([user.count for user in parts.users], SAMPLE_HOMES - len(rows))
    if members:
        rows.append(homes_year_w(parts.users, members, seed, step_minutes))
    return np.concatenate(rows), np.array([*weights, *of_users])


def sample_members(counts: Sequence[int], most: int) -> tuple[list[tuple[int, int]], list[float]]:
    """Return up to `most` (group, member) pairs and how many customers each of them stands for.

    Together they stand for every customer. Each group has one sample and the larger ones more; with more
    groups than samples the largest groups are taken.
    """
    groups = sorted(range(len(counts)), key=lambda group: -counts[group])[:most]
    shares = dict.fromkeys(groups, 1)
    for _ in range(most - len(groups)):
        crowded = max(groups, key=lambda group: counts[group] / shares[group], default=None)
        if crowded is not None and shares[crowded] < counts[crowded]:
            shares[crowded] += 1
    kept = sum(counts[group] for group in groups)
    stretch = sum(counts) / kept if kept else 1.0
    members = [(group, member) for group in sorted(groups) for member in range(shares[group])]
    return members, [counts[group] / shares[group] * stretch for group, _ in members]


def _everybody(demand: Demand, folder: Path) -> tuple[tuple[User, ...], tuple[str, ...]]:
    """Return the users of the scenario's lists, the survey and the RAMP workbook, and what was assumed."""
    users = described_users(demand)
    notes: list[str] = []
    if users:
        notes.append("appliances follow the weekdays of 2025, in standard time without summer time")
    if demand.survey_file:
        from sim.demand.files import read_survey

        survey = read_survey(folder / demand.survey_file)
        users, notes = users + survey.users, [*notes, *survey.notes]
    if demand.ramp_file:
        from sim.demand.files import read_ramp_workbook

        workbook = read_ramp_workbook(folder / demand.ramp_file)
        users, notes = users + workbook.users, [*notes, *workbook.notes]
    return _distinct(users), tuple(notes)


def _measured(demand: Demand, site: Site, folder: Path, step_minutes: int) -> tuple[FileLoad | None, tuple[str, ...]]:
    if not demand.file:
        return None, ()
    from sim.demand.files import read_load_csv

    file = read_load_csv(folder / demand.file, site, step_minutes)
    notes = [*file.notes, "peaks shorter than a step of the load file are not known and not in the 1-minute peak"]
    if not file.connections and not demand.connections_by_month:
        notes.append(
            "the load file does not say how many customers it is; it counts as one connection, unless you write "
            "their number, such as  connections_by_month: [87]"
        )
    return file, tuple(notes)


def _homes_user(homes: Households) -> User:
    if homes.tier is not None:
        return tier_user(homes.tier, homes.count, f"tier {homes.tier} homes", homes.priority)
    listed = ", ".join(f"{appliance.count} {appliance.name}" for appliance in homes.appliances)
    return listed_user(homes, f"homes with {listed}")


def _distinct(users: Sequence[User]) -> tuple[User, ...]:
    """Return the users with different names: the second of a name is called `name #2`."""
    seen: dict[str, int] = {}
    distinct = []
    for user in users:
        seen[user.name] = seen.get(user.name, 0) + 1
        times = seen[user.name]
        distinct.append(user if times == 1 else replace(user, name=f"{user.name} #{times}"))
    return tuple(distinct)


def _largest_start_w(users: Sequence[User]) -> float:
    """Return what the largest motor start adds to its running power; pieces that run together start so."""
    starts_w = (
        largest_power_w(appliance) * (appliance.start_factor - 1.0) * (appliance.number if appliance.fixed else 1)
        for user in users
        for appliance in user.appliances
    )
    return max(starts_w, default=0.0)


def _growth_notes(demand: Demand, connections: int, connected: IntArray) -> tuple[str, ...]:
    notes = []
    if connected.max(initial=0) > connections:
        extra = int(connected.max()) - connections
        notes.append(f"the demand describes {connections} customers; {extra} more are taken to use as much on average")
    elif demand.connections_by_month and connected[-1] < connections:
        notes.append(f"only {connected[-1]} of the {connections} customers described are ever connected")
    if demand.growth_per_year:
        notes.append(f"each customer's use changes by {100 * demand.growth_per_year:+g} % a year, compounded")
    if demand.appliance_uptake_per_year:
        uptake = 100 * demand.appliance_uptake_per_year
        notes.append(f"each year customers add appliances worth {uptake:g} % of the first year's use")
    return tuple(notes)


def _nobody() -> Problem:
    return Problem(
        "MG-D242",
        "the files of the demand describe no customer",
        "a plan needs somebody who uses power",
        "add rows to the survey or workbook, or  households: [{tier: 2, count: 60}]  under demand",
    )


def _bad_windows(homes: Households, mistake: str) -> Problem:
    return Problem(
        "MG-D241",
        f"the appliances of {homes.count} homes have impossible windows: {mistake}",
        "an appliance may run in up to three separate parts of the day",
        "write windows such as  windows: ['06:00-08:00', '18:00-23:00']",
    )
