"""Emulated meters on a broker: reads who they are, what their homes draw and what goes wrong, and runs them."""

from __future__ import annotations

import signal
import ssl
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from device import accidents
from device.chance import U32, whole
from device.emulated import Emulated
from device.faults import FaultError, Mishap, drawn, mishaps_of
from device.fleet import Fleet
from device.identity import Identity, IdentityError, identities_of
from device.keypad import Keypad
from device.loads import Load, LoadError, loads_of, repeating, usual_home
from device.open_files import make_room
from device.radio import RADIOS
from device.rows import RING_ROWS
from device.saved import Folder, SavedError
from device.state import Flash
from device.station import Broker, Place
from microgrid.cli.output import talk, write_json
from microgrid.clock import WallClock, stopwatch
from microgrid.errors import Environment, InvalidInput, Problem
from microgrid.files import content_of, said_plainly

if TYPE_CHECKING:
    from sim.demand.appliances import User

SOME_PER_METER_YEAR = 12.0
PLANNED_DAYS = 30
STEP_MINUTES = 15
TOLD_EVERY_S = 5.0
KEEP_ALIVE_S = 60
FEW_ROWS, MANY_METERS = 96, 100  # so many meters keep a day of rows each, fewer the usual month


@dataclass(frozen=True, slots=True)
class Asked:
    """What was typed."""

    keys: Path
    broker: str
    ca: Path | None
    count: int
    speed: int
    seed: int
    load: Path | None
    scenario: Path | None
    radio: str
    faults: str
    folder: Path | None
    keep_alive_s: int
    seconds: float


def run(asked: Asked) -> None:
    """Run the meters until somebody or the time asked for ends it, and print what happened."""
    identities = _identities(asked)
    begin_s = int(WallClock().now().timestamp())
    chance = np.random.default_rng(asked.seed)
    fresh = np.random.default_rng([asked.seed, begin_s])  # numbers of births and registers must never come again
    loads = _loads(asked, len(identities), begin_s, chance)
    mishaps = _mishaps(asked, identities, chance)
    _make_room(len(identities))
    fleet = Fleet(_broker(asked), fresh, stopwatch(), begin_s, asked.speed, RADIOS[asked.radio])
    rows = RING_ROWS if len(identities) < MANY_METERS else FEW_ROWS
    for identity, load in zip(identities, loads, strict=True):
        new = Flash(whole(fresh, U32), keypad=None if identity.secret is None else Keypad(identity.secret))
        fleet.add(identity, _device(asked.folder, identity, new, load, begin_s, rows))
    befallen = accidents.plan(fleet, mishaps)
    talk(f"{len(identities)} meters on {asked.broker}, {befallen} faults planned; Ctrl-C stops them")
    _until_stopped(fleet, asked.seconds)
    fleet.stop()
    write_json("microgrid.meters/1", {"meters": len(identities), **asdict(fleet.counts)})


def run_one(meter: str, keys: Path, broker: str, ca: Path | None, folder: Path) -> None:
    """Run one meter on the clock of this machine, with what happens to it on standard input."""
    from device.run import alone

    asked = Asked(keys, broker, ca, 0, 1, 0, None, None, "clear", "none", folder, KEEP_ALIVE_S, 0)
    known = {identity.plate.meter: identity for identity in _identities(asked)}
    if meter not in known:
        what = f"the file of keys has no meter '{meter}'; it has {', '.join(sorted(known)[:5])}"
        raise InvalidInput(Problem("MG-M112", what, fix="name one of them", file=keys.as_posix()))
    with said_plainly(folder):
        folder.mkdir(parents=True, exist_ok=True)
    try:
        alone(known[meter], _broker(asked), folder)
    except SavedError as error:
        raise InvalidInput(_spoilt(folder, meter, str(error))) from None


# What was typed -------------------------------------------------------------------------------------------------------


def _identities(asked: Asked) -> tuple[Identity, ...]:
    try:
        found = identities_of(_text(asked.keys, "MG-M090").splitlines())
    except IdentityError as error:
        raise InvalidInput(
            _of_file("MG-M090", asked.keys, str(error), "`microgrid meter keys` prints such lines")
        ) from None
    if not found or asked.count > len(found):
        what = f"{asked.count or 'any number of'} meters were asked for, the file of keys has {len(found)}"
        raise InvalidInput(Problem("MG-M112", what, fix="make more:  microgrid meter add", file=asked.keys.as_posix()))
    return found[: asked.count or len(found)]


def _broker(asked: Asked) -> Broker:
    host, _, port = asked.broker.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65_536:
        what = f"'{asked.broker}' is no address of a broker"
        raise InvalidInput(Problem("MG-M112", what, fix="write HOST:PORT, such as 127.0.0.1:1883"))
    try:
        tls = None if asked.ca is None else ssl.create_default_context(cafile=asked.ca)
    except (OSError, ssl.SSLError) as error:
        assert asked.ca is not None
        what = f"'{asked.ca.as_posix()}' is no certificate: {error}"
        raise InvalidInput(Problem("MG-M112", what, fix="name a file in PEM form, such as ca.crt")) from None
    return Broker(host.strip("[]"), int(port), asked.keep_alive_s, tls)


def _mishaps(asked: Asked, identities: Sequence[Identity], chance: np.random.Generator) -> tuple[Mishap, ...]:
    if asked.faults == "none":
        return ()
    if asked.faults == "some":
        names = [identity.plate.meter for identity in identities]
        return drawn(chance, names, PLANNED_DAYS, SOME_PER_METER_YEAR)
    try:
        return mishaps_of(_text(Path(asked.faults), "MG-M110"))
    except FaultError as error:
        raise InvalidInput(_of_file("MG-M110", Path(asked.faults), str(error), "or write --faults none")) from None


def _loads(asked: Asked, count: int, begin_s: int, chance: np.random.Generator) -> list[Load]:
    if asked.load is not None and asked.scenario is not None:
        what = "loads come from a file or from a scenario, not from both"
        raise InvalidInput(Problem("MG-M112", what, fix="leave out --load or --scenario"))
    if asked.load is not None:
        try:
            columns = loads_of(_text(asked.load, "MG-M111"))
        except LoadError as error:
            raise InvalidInput(_of_file("MG-M111", asked.load, str(error), "the first column is `second`")) from None
        return [columns[number % len(columns)] for number in range(count)]
    if asked.scenario is not None:
        return _of_scenario(asked.scenario, count, begin_s, asked.seed)
    return [usual_home(0.5 + float(chance.random())) for _ in range(count)]


def _of_scenario(path: Path, count: int, begin_s: int, seed: int) -> list[Load]:
    """Return what the first customers of a scenario draw on this day of the year, in quarters of an hour."""
    from datetime import UTC, datetime
    from zoneinfo import ZoneInfo

    from microgrid.config import locate, read
    from sim.demand.engine import customer_day_w
    from sim.demand.load import described_users
    from sim.scenario import Scenario

    scenario = read(locate(path), Scenario)
    begin = datetime.fromtimestamp(begin_s, UTC).astimezone(ZoneInfo(scenario.site.timezone))
    offset = begin.utcoffset()
    zone_s = 0 if offset is None else int(offset.total_seconds())
    members = _members(described_users(scenario.demand))
    if not members:
        raise InvalidInput(Problem("MG-M112", "the scenario has no homes", fix="take another one, or --load"))
    day = min(begin.timetuple().tm_yday, 365) - 1
    loads: list[Load] = []
    for number in range(count):
        user, member = members[number % len(members)]
        minutes_w = customer_day_w(user, seed, member, day)
        steps_w = minutes_w.reshape(-1, STEP_MINUTES).mean(axis=1)
        loads.append(repeating([round(float(each)) for each in steps_w], STEP_MINUTES * 60, -zone_s))
    return loads


def _members(users: Sequence[User]) -> list[tuple[User, int]]:
    return [(user, member) for user in users for member in range(user.count)]


def _text(path: Path, code: str) -> str:
    try:
        return content_of(path).decode()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(
            _of_file(code, path, f"it cannot be read: {error}", "name a text file that is there")
        ) from None


def _of_file(code: str, path: Path, what: str, fix: str) -> Problem:
    return Problem(code, what, fix=fix, file=path.as_posix())


# Running --------------------------------------------------------------------------------------------------------------


def _make_room(meters: int) -> None:
    try:
        make_room(meters)
    except OSError as error:
        raise Environment(Problem("MG-E080", str(error), fix="or run fewer meters with --count")) from None


def _device(folder: Path | None, identity: Identity, new: Flash, load: Load, begin_s: int, rows: int) -> Emulated:
    """Return a meter with what it kept in its folder, or a new one."""
    if folder is None:
        return Emulated(identity.plate, new, load, begin_s, rows)
    with said_plainly(folder):
        folder.mkdir(parents=True, exist_ok=True)
    memory = Folder(folder, rows)
    try:
        kept = memory.flash(identity.plate.meter, identity.secret)
    except SavedError as error:
        raise InvalidInput(_spoilt(folder, identity.plate.meter, str(error))) from None
    return Emulated(identity.plate, kept or new, load, begin_s, rows, memory)


def _spoilt(folder: Path, meter: str, what: str) -> Problem:
    return _of_file("MG-M112", folder / f"{meter}.json", what, "remove the file: the meter begins anew")


def _until_stopped(fleet: Fleet, seconds: float) -> None:
    """Let the fleet go on until a signal comes or the time is over, and say now and then how it is."""
    stopped: list[int] = []
    took_s, told_s = stopwatch(), 0.0
    before = {number: signal.signal(number, lambda got, _frame: stopped.append(got)) for number in _SIGNALS}
    try:
        while not stopped and (not seconds or took_s() < seconds):
            fleet.turn(min(1.0, max(0.0, seconds - took_s())) if seconds else 1.0)
            if took_s() - told_s >= TOLD_EVERY_S:
                told_s = took_s()
                _tell(fleet)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def _tell(fleet: Fleet) -> None:
    counts = fleet.counts
    places = [station.place for station in fleet.stations]
    here, tries = places.count(Place.HERE), places.count(Place.WAITING)
    line = (
        f"{here:,} of {len(places):,} meters here, {tries:,} wait to try again; {counts.heard:,} messages heard, "
        f"{counts.said:,} said, {counts.refused:,} times refused, {counts.goings:,} connections lost"
    )
    talk(line)
