"""`microgrid feeder`: lines from the powerhouse of a village."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from microgrid.cli.groups.options import FolderOption

feeder = typer.Typer(help="Lines from the powerhouse of a village.", no_args_is_help=True)


@feeder.command("add")
def feeder_add(
    key: Annotated[str, typer.Argument(help="Id of the line.")],
    site: Annotated[str, typer.Argument(help="The village it is in.")],
    name: Annotated[str, typer.Argument(help="What people call it.")],
    *,
    power_limit_w: Annotated[int | None, typer.Option("--power-limit-w", help="What it can carry [W].", min=0)] = None,
    folder: FolderOption = Path(),
) -> None:
    """Add a line; what hangs on it goes dark together."""
    from microgrid.cli import people_desk
    from microgrid.customers.records import Feeder

    people_desk.add_feeder(folder, Feeder(key, site, name, power_limit_w))
