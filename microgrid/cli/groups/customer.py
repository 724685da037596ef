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
