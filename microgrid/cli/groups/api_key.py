"""`microgrid api-key`: keys of programs that use the service."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from microgrid.cli.groups.options import FolderOption

SCOPES = "read, customers, meters, readings, plans, payments, webhooks, approvals, agents, sales"

api_key = typer.Typer(help="Keys of programs that use the service.", no_args_is_help=True)


@api_key.command("new")
def api_key_new(
    name: Annotated[str, typer.Argument(help="What the program is called: small letters, digits, hyphens.")],
    *,
    scopes: Annotated[list[str], typer.Option("--for", help=f"What it may do: {SCOPES}.")],
    person: Annotated[str, typer.Option(help="Who uses it; all keys of one person count as one.")] = "",
    agent: Annotated[str, typer.Option(help="The agent who uses it, to sell and to hand over cash.")] = "",
    sites: Annotated[list[str] | None, typer.Option("--site", help="Bind it to a site; repeatable.")] = None,
    meters: Annotated[list[str] | None, typer.Option("--meter", help="Bind it to a meter; repeatable.")] = None,
    folder: FolderOption = Path(),
) -> None:
    """Make a key for a program and print it, once."""
    from microgrid.cli import operating

    operating.new_key(folder, name, scopes, operating.user_of_key(person, agent), (sites or [], meters or []))


@api_key.command("revoke")
def api_key_revoke(
    name: Annotated[str, typer.Argument(help="The key to end for ever.")], *, folder: FolderOption = Path()
) -> None:
    """End a key for ever."""
    from microgrid.cli import operating

    operating.revoke_key(folder, name)
