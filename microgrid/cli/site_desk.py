"""Commands for a site as a whole: added, listed, how careful it is about cutting, outages, meters that were opened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from microgrid import actions, sites, views
from microgrid.api.bodies import SiteBody, plain
from microgrid.cli.moments import minutes, moment
from microgrid.cli.operating import actor
from microgrid.cli.output import talk, write_json
from microgrid.cli.serving import open_core
from microgrid.errors import InvalidInput, Problem
from microgrid.switching.sites import GridOutage, SitePolicy

SHOWN = 500


def add(folder: Path, given: Mapping[str, object]) -> None:
    """Add a village or branch."""
    from pydantic import ValidationError

    try:
        site = SiteBody.model_validate(given).record()
    except ValidationError as error:
        found = [f"{one['loc'][0]}: {one['msg'].removeprefix('Value error, ')}" for one in error.errors()]
        fix = "such as: microgrid site add kisiju Kisiju --timezone Africa/Nairobi --currency KES --exponent 2"
        raise InvalidInput(*(Problem("MG-A007", what, fix=fix) for what in found)) from None
    actions.add_site(open_core(folder), site, actor())
    talk(f"site '{site.id}' is there")


def show_all(folder: Path) -> None:
    """List the sites."""
    found = views.page(open_core(folder), "sites", "", SHOWN)
    write_json("microgrid.sites/1", {"sites": plain(found.items)})


def policy(folder: Path, site: str, quiet: str, changes: Mapping[str, int | None]) -> None:
    """Show how careful a site is about cutting, or change what is given and leave the rest."""
    core = open_core(folder)
    given: dict[str, int] = {name: value for name, value in changes.items() if value is not None}
    if quiet:
        given["quiet_from_minute"], given["quiet_to_minute"] = minutes(quiet, "--quiet")
    state = sites.state(core, site)
    if given:
        state = sites.change_policy(core, site, lambda known: _changed(known, given), actor())
        talk(f"the policy of site '{site}' is changed; its homes are decided again")
    write_json("microgrid.site/1", {"site": plain(state)})


def shed(folder: Path, site: str, level: int) -> None:
    """Let a site save energy, or supply all again."""
    sites.shed(open_core(folder), site, level, actor())
    talk(f"site '{site}' saves energy at level {level}" if level else f"site '{site}' supplies all again")


def add_outage(folder: Path, given: tuple[str, str, str], first: str, last: str, feeder: str) -> None:
    """Write down an outage; `given` are its id, the site and the cause."""
    key, site, cause = given
    to_at = moment(last, "--to") if last else None
    outage = GridOutage(key, site, moment(first, "--from"), to_at, feeder, cause)
    write_json("microgrid.outage/1", {"outage": plain(sites.add_outage(open_core(folder), outage, actor()))})


def end_outage(folder: Path, key: str, last: str) -> None:
    """Write down when an outage ended."""
    ended = sites.end_outage(open_core(folder), key, moment(last, "--to"), actor())
    write_json("microgrid.outage/1", {"outage": plain(ended)})


def tell_seal(folder: Path, meter: str, seal: Literal["tampered", "sealed"], note: str) -> None:
    """Write down that a meter was opened or bypassed, or is right again."""
    sites.tell_seal(open_core(folder), meter, seal, actor(), note)
    talk(f"meter '{meter}' is {seal}")


def _changed(known: SitePolicy, given: Mapping[str, int]) -> SitePolicy:
    changes: dict[str, Any] = dict(given)
    return replace(known, **changes)
