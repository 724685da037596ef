"""`microgrid approval`: what two people have to agree to."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from microgrid.cli.groups.options import FolderOption

approval = typer.Typer(help="Ask for what needs two people, and decide what others asked for.", no_args_is_help=True)
Request = Annotated[str, typer.Argument(help="Id of the request, such as refund:payment:mpesa:600638:RKT1:1.")]


@approval.command("ask")
def approval_ask(
    action: Annotated[Literal["refund", "write-off", "agent-short"], typer.Argument(help="What is to be done.")],
    subject: Annotated[str, typer.Argument(help="Id of the payment, the account or the agent.")],
    *,
    note: Annotated[str, typer.Option(help="Why, for the one who decides.")],
    amount_minor: Annotated[
        int | None, typer.Option(help="How much, in minor units; a refund gives back the whole payment.")
    ] = None,
    folder: FolderOption = Path(),
) -> None:
    """Ask for a refund, a write-off of a debt, or that an agent owes missing cash."""
    from microgrid.cli import control_desk

    control_desk.ask(folder, action.replace("-", "_"), subject, note, amount_minor)


@approval.command("list")
def approval_list(*, folder: FolderOption = Path()) -> None:
    """List what waits for a second person."""
    from microgrid.cli import control_desk

    control_desk.list_waiting(folder)


@approval.command("grant")
def approval_grant(request: Request, *, folder: FolderOption = Path()) -> None:
    """Agree to what somebody else asked for; it is done at once."""
    from microgrid.cli import control_desk

    control_desk.grant(folder, request)


@approval.command("refuse")
def approval_refuse(
    request: Request, *, note: Annotated[str, typer.Option(help="Why.")], folder: FolderOption = Path()
) -> None:
    """Refuse what somebody asked for, or take back what you asked for yourself."""
    from microgrid.cli import control_desk

    control_desk.refuse(folder, request, note)


@approval.command("keep")
def approval_keep(
    payment: Annotated[str, typer.Argument(help="Id of the payment that was to go back.")],
    *,
    note: Annotated[str, typer.Option(help="Why.")],
    folder: FolderOption = Path(),
) -> None:
    """Give a payment whose refund did not come about to its account again."""
    from microgrid.cli import control_desk

    control_desk.keep(folder, payment, note)
