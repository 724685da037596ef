"""Commands about meters that obey: list them, order what they supply, ask them, and wait for their own word."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from microgrid import meter_views, meters, views
from microgrid.api.bodies import plain
from microgrid.cli import meter_words
from microgrid.cli.moments import moment, span
from microgrid.cli.operating import actor
from microgrid.cli.output import talk, write, write_json
from microgrid.cli.serving import open_core
from microgrid.errors import InvalidInput, Problem
from microgrid.meters import OrderKind, OrderOf, Successor
from microgrid.ports import Core
from microgrid.switching.progress import Progress
from microgrid.switching.supply import Desired

LOOK_EVERY_S = 0.05
NOT_CONFIRMED = 1
WRITTEN_WITHIN = timedelta(seconds=1)
ENDED = {"confirmed", "disagrees"}


@dataclass(frozen=True, slots=True)
class Manner:
    """How a command is given: how long to wait for the meter's own word, only to try, and for a program."""

    wait: str = ""
    dry_run: bool = False
    json: bool = False


def show_all(folder: Path, site: str, after: str, limit: int, *, unconfirmed: bool, json: bool) -> None:
    """List meters with what they were told, what they say, and when they were heard."""
    core = open_core(folder)
    page = meter_views.meters(core, after, limit, site)
    lines = [line for line in page.items if not unconfirmed or line.progress.state not in {"confirmed", "unseen"}]
    if json:
        write_json("microgrid.meters/1", {"meters": plain(lines), "next": page.next})
        return
    for line in meter_words.table(lines, _zones(core, lines), UTC, core.clock.now()):
        write(line)
    if page.next is not None:
        talk(f"there are more: --after {page.next}")


def show(folder: Path, meter: str, *, json: bool) -> None:
    """Show everything that is known of a meter."""
    core = open_core(folder)
    found = meter_views.meter(core, meter)
    if json:
        write_json("microgrid.meter/1", {"meter": plain(found, views.zone(found.site))})
        return
    for line in meter_words.described(found, views.zone(found.site), core.clock.now()):
        write(line)


def order(
    folder: Path, meter: str, kind: OrderKind, reason: str, manner: Manner, power_limit_w: int | None = None
) -> int:
    """Order what a meter supplies, and wait for its own word if asked to; exit code 1 when that did not come."""
    if not reason.strip():
        what = "an order without a reason cannot be explained to the customer"
        raise InvalidInput(Problem("MG-M011", what, fix='add  --reason "why"'))
    wait = span(manner.wait, "--wait") if manner.wait else None
    core = open_core(folder)
    done = meters.order(core, meter, OrderOf(kind, reason, power_limit_w), actor(), write=not manner.dry_run)
    if manner.dry_run:
        return _tell_trial(meter, done.before, done.desired, json=manner.json)
    zone, say = _zone_of(core, meter), talk if manner.json else write
    if not done.is_new:
        say(f"{meter} is told so already: {meter_words.wanted(done.desired)}")
    found = _follow(core, meter, zone, say, wait, _is_superseding(done.desired))
    if manner.json:
        write_json("microgrid.order/1", {"meter": meter, "told": plain(done.desired), "progress": plain(found)})
    return _conclude(core, meter, found, done.desired, say, waited=wait is not None)


def ask(folder: Path, meter: str, kind: Literal["report", "time"], manner: Manner) -> int:
    """Ask a meter, and wait for its answer if asked to; exit code 1 when none came."""
    wait = span(manner.wait, "--wait") if manner.wait else None
    core = open_core(folder)
    asked_at = meters.ask(core, meter, kind, actor())
    zone, say = _zone_of(core, meter), talk if manner.json else write
    say(f"{'asked':<{meter_words.STEP}}{asked_at.astimezone(zone):%H:%M:%S}      to {_ASKED[kind]}")
    until = asked_at + (wait or timedelta())
    answered = _wait(core, until, lambda: _answered(core, meter, asked_at))
    found = meter_views.progress_of(core, meter)
    if manner.json:
        write_json("microgrid.ask/1", {"meter": meter, "answered": answered, "progress": plain(found)})
    if answered:
        says = {True: "ON", False: "OFF", None: "nothing of its relay"}[found.is_on]
        say(f"{'answered':<{meter_words.STEP}}meter {meter} says {says}, {(found.register_wh or 0) / 1000:.1f} kWh")
        return 0
    if wait is None:
        talk(f"look for its answer:  microgrid meter show {meter}")
        return 0
    say(meter_words.waiting(found, "no answer came yet", core.clock.now()))
    return NOT_CONFIRMED


def swap(folder: Path, old: str, new: str, registers: tuple[int, int], at: str, *, dry_run: bool) -> None:
    """Replace a meter by another one: the last register of the old, the first of the new."""
    core = open_core(folder)
    successor = Successor(new, registers[1], moment(at, "--at") if at else None)
    fit = meters.swap(core, old, registers[0], successor, actor(), write=not dry_run)
    talk(f"{old} {'would be' if dry_run else 'is'} taken off {fit.connection_id}, and {new} fitted there")
    write_json("microgrid.fit/1", {"fit": plain(fit), "written": not dry_run})


def _tell_trial(meter: str, before: Desired | None, after: Desired | None, *, json: bool) -> int:
    if json:
        write_json("microgrid.order/1", {"meter": meter, "written": False, "told": plain(before), "then": plain(after)})
        return 0
    write(f"told now   {meter_words.wanted(before)}")
    write(f"then       {meter_words.wanted(after)}")
    talk("nothing was written or sent")
    return 0


def _follow(
    core: Core,
    meter: str,
    zone: tzinfo,
    say: Callable[[str], None],
    wait: timedelta | None,
    is_superseded: Callable[[Core, str], bool],
) -> Progress:
    """Say each step of an order as it is reached, until its meter has answered or time is up."""
    until, said = core.clock.now() + (wait or timedelta()), 0
    found = meter_views.progress_of(core, meter)

    def look() -> bool:
        nonlocal said, found
        found = meter_views.progress_of(core, meter)
        if found.state in ENDED and found.sent_at is None and not _is_over(found, core.clock.now()):
            return False  # that it was sent is written down a moment later
        lines = meter_words.steps(meter, found, zone)
        for line in lines[said:]:
            say(line)
        said = max(said, len(lines))
        return found.state in ENDED or is_superseded(core, meter)

    _wait(core, until, look)
    return found


def _is_over(found: Progress, now: datetime) -> bool:
    return found.confirmed_at is None or now - found.confirmed_at > WRITTEN_WITHIN


def _wait(core: Core, until: datetime, is_so: Callable[[], bool]) -> bool:
    """Look again and again whether something is so, and say whether it came to be in time."""
    pause = threading.Event()
    while not is_so():
        if core.clock.now() >= until:
            return False
        pause.wait(LOOK_EVERY_S)
    return True


def _conclude(
    core: Core, meter: str, found: Progress, desired: Desired | None, say: Callable[[str], None], *, waited: bool
) -> int:
    if found.state == "confirmed":
        return 0
    if found.state == "disagrees":
        talk(f"the meter {found.said}; somebody should look at it")
        return NOT_CONFIRMED
    if desired is not None and found.revision > desired.revision:
        say(f"superseded by command {found.revision}: {meter_words.told(found, UTC, core.clock.now())}")
    elif waited:
        say(meter_words.waiting(found, meter_words.stands(desired), core.clock.now()))
    talk(f"{'not confirmed. ' if waited else ''}Follow:  microgrid meter show {meter}")
    return NOT_CONFIRMED if waited else 0


def _is_superseding(desired: Desired | None) -> Callable[[Core, str], bool]:
    """Return whether something else is desired by now than what was ordered; the same anew counts as the same."""

    def is_superseded(core: Core, meter: str) -> bool:
        now_desired = meter_views.twin(core, meter).desired
        if desired is None or now_desired is None or now_desired.revision == desired.revision:
            return False
        return now_desired.supply != desired.supply

    return is_superseded


def _answered(core: Core, meter: str, asked_at: datetime) -> bool:
    reported = meter_views.twin(core, meter).reported
    return reported is not None and reported.received_at >= asked_at


def _zone_of(core: Core, meter: str) -> tzinfo:
    return views.zone(views.supply(core, meter).site)


def _zones(core: Core, lines: Sequence[meter_views.MeterLine]) -> dict[str, tzinfo]:
    with core.store.read() as uow:
        sites = uow.sites.get_all({line.site_id for line in lines if line.site_id is not None})
    return {key: ZoneInfo(site.timezone) for key, site in sites.items()}


_ASKED = {"report": "report", "time": "set its clock"}
