"""`microgrid pay`: record and correct payments."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from microgrid.cli.groups.options import AsJson, FolderOption

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
    from microgrid.cli import cash_desk

    cash_desk.record_payment(folder, receipt, amount_minor, currency, reference, paid_at)


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


@pay.command("ask")
def pay_ask(
    account: Annotated[str, typer.Argument(help="The account to be paid into.")],
    amount_minor: Annotated[int, typer.Argument(help="Amount in minor units: 50000 for KES 500.")],
    *,
    phone: Annotated[str, typer.Option(help="Whom to ask, as +254712000104; without: the customer.")] = "",
    through: Annotated[str, typer.Option(help="The payment account, such as mpesa:600638.")] = "",
    request_id: Annotated[str, typer.Option("--id", help="A UUID; the same again asks nobody twice.")] = "",
    folder: FolderOption = Path(),
) -> None:
    """Ask a customer to pay, on their phone."""
    from microgrid.cli import money_asked

    money_asked.ask(folder, account, amount_minor, phone, through, request_id)


@pay.command("alarms")
def pay_alarms(
    *,
    settled: Annotated[bool, typer.Option("--settled", help="Also those that somebody dealt with.")] = False,
    folder: FolderOption = Path(),
) -> None:
    """List what is doubtful about payments and needs a person."""
    from microgrid.cli import money_asked

    money_asked.show_alarms(folder, settled=settled)


@pay.command("settle")
def pay_settle(
    alarm: Annotated[str, typer.Argument(help="Id of the alarm.")],
    *,
    note: Annotated[str, typer.Option(help="What was done about it, for the audit log.")],
    folder: FolderOption = Path(),
) -> None:
    """Mark an alarm as dealt with."""
    from microgrid.cli import money_asked

    money_asked.settle(folder, alarm, note)


@pay.command("move-back")
def pay_move_back(
    payment: Annotated[str, typer.Argument(help="Id of the payment, such as mpesa:600638:RKT1.")],
    *,
    note: Annotated[str, typer.Option(help="Why, for the audit log.")],
    folder: FolderOption = Path(),
) -> None:
    """Move a payment back to suspense, as if its account had never been found."""
    from microgrid.cli import operating

    operating.move_back(folder, payment, note)


@pay.command("match")
def pay_match(
    *,
    note: Annotated[str, typer.Option(help="Why, for the audit log.")] = "matched by hand",
    after: Annotated[str, typer.Option(help="With --json: begin after this payment.")] = "",
    as_json: AsJson = False,
    folder: FolderOption = Path(),
) -> None:
    """Walk through payments whose account is not known, with whom they may be meant for; --json lists them."""
    from microgrid.cli import matching

    if as_json:
        matching.list_unmatched(folder, after)
    else:
        matching.match(folder, note)


@pay.command("import")
def pay_import(
    file: Annotated[Path, typer.Argument(help="The statement, a CSV file as the provider gives it.")],
    *,
    account: Annotated[str, typer.Option(help="The payment account, such as mpesa:600638.")],
    folder: FolderOption = Path(),
) -> None:
    """Take in the statement of a payment account: book what no message told of, and name refused rows (exit code 1)."""
    from microgrid.cli import reconciling

    raise typer.Exit(reconciling.import_statement(folder, file, account))


@pay.command("receipt")
def pay_receipt(
    text: Annotated[str, typer.Argument(help="The wallet's message, word for word.")],
    *,
    account: Annotated[str, typer.Option(help="The payment account, such as mpesa:600638.")],
    sender: Annotated[str, typer.Option(help="Who it came from, as the phone shows it, such as MPESA.")],
    folder: FolderOption = Path(),
) -> None:
    """Take in a wallet's message that came to a phone of ours."""
    from microgrid.cli import reconciling

    reconciling.take_receipt(folder, text, account, sender)


@pay.command("reconcile")
def pay_reconcile(
    account: Annotated[str, typer.Argument(help="The payment account, such as mpesa:600638.")],
    *,
    month: Annotated[str, typer.Option(help="Such as 2026-10.")],
    close: Annotated[bool, typer.Option("--close", help="Close the month, for ever, if nothing is open.")] = False,
    zone: Annotated[str, typer.Option(help="On whose clock; without: that of the sites.")] = "",
    balances: Annotated[
        tuple[int, int] | None, typer.Option(help="Of the paper before and after, where its rows say none.")
    ] = None,
    folder: FolderOption = Path(),
) -> None:
    """Compare books, messages and statement of a month, and list every difference (exit code 1)."""
    from microgrid.cli import reconciling

    raise typer.Exit(reconciling.reconcile(folder, account, month, zone, balances, close=close))


@pay.command("correct")
def pay_correct(
    difference: Annotated[str, typer.Argument(help="Id of the difference, such as mpesa:600638:payment:RKT1.")],
    *,
    note: Annotated[str, typer.Option(help="Why, for the audit log.")],
    folder: FolderOption = Path(),
) -> None:
    """Bring the books to what the statement says of a movement."""
    from microgrid.cli import reconciling

    reconciling.correct(folder, difference, note)


@pay.command("explain")
def pay_explain(
    difference: Annotated[str, typer.Argument(help="Id of the difference, such as mpesa:600638:payment:RKT1.")],
    *,
    note: Annotated[str, typer.Option(help="Why no money differs, for the audit log.")],
    folder: FolderOption = Path(),
) -> None:
    """Close a difference on which no money differs, with a reason."""
    from microgrid.cli import reconciling

    reconciling.explain(folder, difference, note)
