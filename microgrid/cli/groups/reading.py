"""`microgrid reading`: rows of meters that are wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from microgrid.cli.groups.options import FolderOption

reading = typer.Typer(help="Rows of meters that are wrong.", no_args_is_help=True)


@reading.command("aside")
def reading_aside(
    key: Annotated[str, typer.Argument(help="Meter, epoch and number of the row, such as M-104:1:17.")],
    *,
    why: Annotated[str, typer.Option(help="What is wrong with it, for the audit log.")],
    folder: FolderOption = Path(),
) -> None:
    """Set a row aside; everything is charged again as if it had never come."""
    from microgrid.cli import people_desk

    people_desk.set_aside(folder, key, why)


@reading.command("asides")
def reading_asides(
    meter: Annotated[str, typer.Argument(help="The meter.")],
    *,
    after: Annotated[str, typer.Option(help="Go on after this one; `next` of the part before.")] = "",
    folder: FolderOption = Path(),
) -> None:
    """List the rows of a meter that are kept aside, with the reasons."""
    from microgrid.cli import people_desk

    people_desk.list_aside(folder, meter, after)
