"""`microgrid api-key`: keys of programs that use the service."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from microgrid.cli.groups.options import FolderOption

api_key = typer.Typer(help="Keys of programs that use the service.", no_args_is_help=True)


@api_key.command("new")
def api_key_new(
    name: Annotated[str, typer.Argument(help="What the program is called: small letters, digits, hyphens.")],
    *,
    scopes: Annotated[
        list[str], typer.Option("--for", help="What it may do: read, customers, meters, readings, plans, payments.")
    ],
    folder: FolderOption = Path(),
) -> None:
    """Make a key for a program and print it, once."""
    from microgrid.cli import operating

    operating.new_key(folder, name, scopes)


@api_key.command("revoke")
def api_key_revoke(
    name: Annotated[str, typer.Argument(help="The key to end for ever.")], *, folder: FolderOption = Path()
) -> None:
    """End a key for ever."""
    from microgrid.cli import operating

    operating.revoke_key(folder, name)
