"""`microgrid token`: meters with a keypad and the digits that are typed there."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from microgrid.cli.groups.options import FolderOption

token = typer.Typer(help="Keys of meters with a keypad, and tokens for them.", no_args_is_help=True)

Meter = Annotated[str, typer.Argument(help="Id of the meter.")]


@token.command("import")
def token_import(
    path: Annotated[Path, typer.Argument(help="The maker's list (CSV): serial, starting_code, key, divider, ...")],
    *,
    folder: FolderOption = Path(),
) -> None:
    """Take over the keys of a delivery: all rows of the maker's list, or none."""
    from microgrid.cli import token_work

    token_work.take_over(folder, path)


@token.command("new")
def token_new(
    meter: Meter,
    *,
    payment: Annotated[str, typer.Option(help="Show the tokens of this payment, the same ones each time.")] = "",
    days: Annotated[int | None, typer.Option(help="Days to give without a payment.", min=0, max=100_000)] = None,
    energy_wh: Annotated[
        int | None, typer.Option(help="Energy to give without a payment.", min=0, max=100_000_000)
    ] = None,
    replace: Annotated[
        bool, typer.Option("--set", help="With --days or --energy-wh: in place of what is left.")
    ] = False,
    sync: Annotated[bool, typer.Option("--sync", help="Bring the counts of meter and service together.")] = False,
    disable: Annotated[bool, typer.Option("--disable", help="Ask for the meter to be unlocked for ever.")] = False,
    note: Annotated[str, typer.Option(help="Why, for the audit log.")] = "",
    request: Annotated[
        str, typer.Option("--id", help="Name of the request; the same again shows the same token.")
    ] = "",
    folder: FolderOption = Path(),
) -> None:
    """Give tokens for a payment, or without one and with a reason."""
    from microgrid.cli import token_work

    amount = days is not None or energy_wh is not None
    token_work.refuse_unclear({"--payment": bool(payment), "--disable": disable, "--sync": sync, "an amount": amount})
    if payment:
        token_work.for_payment(folder, meter, payment)
    elif disable:
        token_work.ask_unlock(folder, meter, note)
    else:
        kind: Literal["add", "set", "sync"] = "sync" if sync else "set" if replace else "add"
        token_work.by_hand(folder, meter, kind, days, energy_wh, note, request)


@token.command("show")
def token_show(
    meter: Meter,
    *,
    after: Annotated[str, typer.Option(help="What `next` said, for the tokens that follow.")] = "",
    folder: FolderOption = Path(),
) -> None:
    """Show the tokens given out for a meter, and payments whose tokens wait."""
    from microgrid.cli import token_work

    token_work.show(folder, meter, after)


@token.command("typed")
def token_typed(
    meter: Meter,
    count: Annotated[int, typer.Argument(help="Count of the token, as the meter or `token show` says.", min=1)],
    *,
    folder: FolderOption = Path(),
) -> None:
    """Tell that a token was typed, and with it all older ones it closes."""
    from microgrid.cli import token_work

    token_work.typed(folder, meter, count)


@token.command("jump")
def token_jump(
    meter: Annotated[str, typer.Argument(help="Id of the meter; without it, all of them.")] = "",
    *,
    by: Annotated[int, typer.Option(help="Counts to jump ahead, at most 60.")] = 60,
    request: Annotated[str, typer.Option("--id", help="Name of the restore; the same again changes nothing.")],
    folder: FolderOption = Path(),
) -> None:
    """Let counts jump ahead after the books were restored, so that none is given out twice."""
    from microgrid.cli import token_work

    token_work.jump(folder, meter, by, request)
