"""`microgrid audit`: who did what, and the proof that the log of it is whole."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from microgrid.cli.groups.options import FolderOption

audit = typer.Typer(help="Who did what, and the proof that the log of it is whole.", no_args_is_help=True)


@audit.command("list")
def audit_list(
    subject: Annotated[str, typer.Argument(help="To what, such as payment:mpesa:600638:RKT1 or account:K-104.")],
    *,
    after: Annotated[str, typer.Option(help="Go on after this row.")] = "",
    folder: FolderOption = Path(),
) -> None:
    """List who did what to one thing."""
    from microgrid.cli import control_desk

    control_desk.list_rows(folder, subject, after)


@audit.command("head")
def audit_head(*, folder: FolderOption = Path()) -> None:
    """Print where the chain of the log ends: a number and a seal, to be written down elsewhere."""
    from microgrid.cli import control_desk

    control_desk.show_head(folder)


@audit.command("check")
def audit_check(
    number: Annotated[int, typer.Argument(help="The number that was written down.")],
    seal: Annotated[str, typer.Argument(help="The seal that was written down.")],
    *,
    folder: FolderOption = Path(),
) -> None:
    """Prove the log, and that it still holds the seal that was written down (exit code 1: it does not)."""
    from microgrid.cli import control_desk

    raise typer.Exit(control_desk.check(folder, number, seal))
