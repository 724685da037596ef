"""`microgrid customer`: add and show customers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from microgrid.cli.groups.options import FolderOption

customer = typer.Typer(help="Add and show customers.", no_args_is_help=True)


@customer.command("add")
def customer_add(
    key: Annotated[str, typer.Argument(help="Id of the customer.")],
    name: Annotated[str, typer.Argument(help="Name of the customer.")],
    *,
    phone: Annotated[str | None, typer.Option(help="With country code, such as +254712000104.")] = None,
    folder: FolderOption = Path(),
) -> None:
    """Add a customer."""
    from microgrid.cli import operating

    operating.add_customer(folder, key, name, phone)


@customer.command("show")
def customer_show(
    key: Annotated[str, typer.Argument(help="Id of the customer.")], *, folder: FolderOption = Path()
) -> None:
    """Show a customer with accounts, credit and the last lines booked."""
    from microgrid.cli import operating

    operating.show_customer(folder, key)


@customer.command("find")
def customer_find(
    text: Annotated[str, typer.Argument(help="A name, number, account or meter, or something near to it.")],
    *,
    folder: FolderOption = Path(),
) -> None:
    """Find customers by name, number, account or meter, also misspelt."""
    from microgrid.cli import people_desk

    people_desk.find(folder, text)


@customer.command("import")
def customer_import(
    file: Annotated[Path, typer.Argument(help="A CSV file with one household in each line.")],
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would happen, and write nothing.")] = False,
    folder: FolderOption = Path(),
) -> None:
    """Add the customers, accounts, meters and plans of a file: all of them, or none and why."""
    from microgrid.cli import people_desk

    people_desk.import_file(folder, file, dry_run=dry_run)


@customer.command("phone")
def customer_phone(
    key: Annotated[str, typer.Argument(help="Id of the customer.")],
    number: Annotated[str, typer.Argument(help="With country code, such as +254712000104; masked or hashed as given.")],
    *,
    folder: FolderOption = Path(),
) -> None:
    """Add a number a customer is known by."""
    from microgrid.cli import people_desk

    people_desk.add_phone(folder, key, number)


@customer.command("end-phone")
def customer_end_phone(
    phone: Annotated[str, typer.Argument(help="Id of the number, as `customer show` lists it.")],
    *,
    folder: FolderOption = Path(),
) -> None:
    """Note that a number is no longer its customer's."""
    from microgrid.cli import people_desk

    people_desk.end_phone(folder, phone)
