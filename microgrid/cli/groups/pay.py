"""`microgrid pay`: record and correct payments."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from microgrid.cli.groups.options import FolderOption

pay = typer.Typer(help="Record and correct payments.", no_args_is_help=True)


@pay.command("record")
def pay_record(
    receipt: Annotated[str, typer.Argument(help="Number of the receipt; it names the payment.")],
    amount_minor: Annotated[int, typer.Argument(help="Amount in minor units: 50000 for KES 500.")],
    currency: Annotated[str, typer.Argument(help="ISO 4217.")],
    reference: Annotated[str, typer.Argument(help="Account, meter or what the payer wrote.")],
    *,
    paid_at: Annotated[str, typer.Option(help="When it was paid, such as 2026-11-23T10:00+03:00; without: now.")] = "",
    folder: FolderOption = Path(),
) -> None:
    """Record a payment that somebody took in cash."""
    from microgrid.cli import operating

    operating.record_payment(folder, receipt, amount_minor, currency, reference, paid_at)


@pay.command("move")
def pay_move(
    payment: Annotated[str, typer.Argument(help="Id of the payment, such as mpesa:600638:RKT1.")],
    account: Annotated[str, typer.Argument(help="The account it was meant for.")],
    *,
    note: Annotated[str, typer.Option(help="Why, for the audit log.")],
    folder: FolderOption = Path(),
) -> None:
    """Move a payment to the account it was meant for."""
    from microgrid.cli import operating

    operating.move_payment(folder, payment, account, note)


@pay.command("reverse")
def pay_reverse(
    payment: Annotated[str, typer.Argument(help="Id of the payment, such as mpesa:600638:RKT1.")],
    *,
    note: Annotated[str, typer.Option(help="Why, for the audit log.")],
    folder: FolderOption = Path(),
) -> None:
    """Book that a payment went back to its payer."""
    from microgrid.cli import operating

    operating.reverse_payment(folder, payment, note)
