"""`microgrid account`: what a customer's account shows."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from microgrid.cli.groups.options import FolderOption

account = typer.Typer(help="What a customer's account shows.", no_args_is_help=True)


@account.callback()
def _account() -> None:
    """Keep it a group while there is one command."""


@account.command("statement")
def account_statement(
    key: Annotated[str, typer.Argument(help="The account, such as K-104.")],
    *,
    first: Annotated[str, typer.Option("--from", help="First day, such as 2026-10-01.")],
    last: Annotated[str, typer.Option("--to", help="Last day.")],
    form: Annotated[Literal["text", "csv", "json"], typer.Option("--format", help="How it is written.")] = "text",
    folder: FolderOption = Path(),
) -> None:
    """Print an account's statement: every line with what is left after it, and the energy of each day."""
    from microgrid.cli import exporting

    exporting.show_statement(folder, key, first, last, form)
