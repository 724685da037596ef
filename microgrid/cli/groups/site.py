"""`microgrid site`: villages and branches, how careful they are about cutting, and their outages."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from microgrid.cli.groups.options import FolderOption

site = typer.Typer(help="Villages and branches, how careful they are about cutting, outages.", no_args_is_help=True)
SiteId = Annotated[str, typer.Argument(help="Id of the site.")]
Whole = int | None


@site.command("add")
def site_add(
    key: SiteId,
    name: Annotated[str, typer.Argument(help="Name of the village or branch.")],
    *,
    timezone: Annotated[str, typer.Option(help="Such as Africa/Nairobi; never changes.")],
    currency: Annotated[str, typer.Option(help="ISO 4217; never changes.")],
    exponent: Annotated[int, typer.Option(help="Decimals of the currency: 2 for KES, 0 for UGX; never changes.")],
    kind: Annotated[Literal["grid", "branch"], typer.Option(help="A branch looks after home systems.")] = "grid",
    folder: FolderOption = Path(),
) -> None:
    """Add a village or branch."""
    from microgrid.cli import site_desk

    given = {"id": key, "name": name, "timezone": timezone, "currency": currency, "exponent": exponent, "kind": kind}
    site_desk.add(folder, given)


@site.command("list")
def site_list(*, folder: FolderOption = Path()) -> None:
    """List the sites."""
    from microgrid.cli import site_desk

    site_desk.show_all(folder)


@site.command("policy")
def site_policy(
    key: SiteId,
    *,
    quiet: Annotated[str, typer.Option(help="Hours in which nobody is cut, such as 22:00-06:00.")] = "",
    quiet_max_wh: Annotated[Whole, typer.Option(help="What may be used in them without credit [Wh].")] = None,
    after_outage_s: Annotated[Whole, typer.Option(help="How long nobody is cut after an outage [s].")] = None,
    spread_s: Annotated[Whole, typer.Option(help="Cuts of one moment are spread over so long [s].")] = None,
    grace_s: Annotated[Whole, typer.Option(help="How long supply goes on after credit ended [s].")] = None,
    lifeline_w: Annotated[Whole, typer.Option(help="Power that is left after that [W].")] = None,
    lifeline_s: Annotated[Whole, typer.Option(help="For how long [s].")] = None,
    critical_limit_w: Annotated[Whole, typer.Option(help="What a clinic always keeps [W].")] = None,
    shed_limit_w: Annotated[Whole, typer.Option(help="What homes keep while the site saves energy [W].")] = None,
    warn_again_s: Annotated[Whole, typer.Option(help="At most one warning in this time [s].")] = None,
    warn_before_s: Annotated[Whole, typer.Option(help="How long before paid time ends to warn [s].")] = None,
    notice_days: Annotated[Whole, typer.Option(help="How long before a new price is announced.")] = None,
    folder: FolderOption = Path(),
) -> None:
    """Show how careful a site is about cutting; options change it, and what is not given stays."""
    from microgrid.cli import site_desk

    changes = {
        "quiet_max_wh": quiet_max_wh,
        "no_cut_after_outage_s": after_outage_s,
        "spread_s": spread_s,
        "grace_s": grace_s,
        "lifeline_w": lifeline_w,
        "lifeline_s": lifeline_s,
        "critical_limit_w": critical_limit_w,
        "shed_limit_w": shed_limit_w,
        "warn_again_s": warn_again_s,
        "warn_before_s": warn_before_s,
        "notice_days": notice_days,
    }
    site_desk.policy(folder, key, quiet, changes)


@site.command("shed")
def site_shed(
    key: SiteId,
    level: Annotated[int, typer.Argument(help="0 none, 1 loads that can wait, 2 all limited, 3 all but critical off.")],
    *,
    folder: FolderOption = Path(),
) -> None:
    """Let a site save energy by priority, or supply all again."""
    from microgrid.cli import site_desk

    site_desk.shed(folder, key, level)


@site.command("outage")
def site_outage(
    key: SiteId,
    outage: Annotated[str, typer.Argument(help="A name for the outage.")],
    *,
    first: Annotated[str, typer.Option("--from", help="When it began, such as 2026-11-23T10:00+03:00.")],
    last: Annotated[str, typer.Option("--to", help="When it ended; without, it goes on.")] = "",
    feeder: Annotated[str, typer.Option(help="The line that was off; without, the whole site.")] = "",
    cause: Annotated[str, typer.Option(help="Why, in words.")] = "",
    folder: FolderOption = Path(),
) -> None:
    """Write down an outage; paid time that it took is given back as the plans say."""
    from microgrid.cli import site_desk

    site_desk.add_outage(folder, (outage, key, cause), first, last, feeder)


@site.command("outage-end")
def site_outage_end(
    outage: Annotated[str, typer.Argument(help="The name of the outage.")],
    *,
    last: Annotated[str, typer.Option("--to", help="When it ended, such as 2026-11-23T18:00+03:00.")],
    folder: FolderOption = Path(),
) -> None:
    """Write down when an outage ended."""
    from microgrid.cli import site_desk

    site_desk.end_outage(folder, outage, last)


@site.command("seal")
def site_seal(
    meter: Annotated[str, typer.Argument(help="Id of the meter.")],
    seal: Annotated[Literal["tampered", "sealed"], typer.Argument(help="Opened or bypassed, or right again.")],
    *,
    note: Annotated[str, typer.Option(help="How it is known, for the audit log.")],
    folder: FolderOption = Path(),
) -> None:
    """Write down that a meter was opened or bypassed, which cuts it, or that it is right again."""
    from microgrid.cli import site_desk

    site_desk.tell_seal(folder, meter, seal, note)
