"""`microgrid db`: make, bring up and prove the books."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from microgrid.cli.groups.options import AsJson, FolderArgument, FolderOption

db = typer.Typer(help="Make, bring up and prove the books.", no_args_is_help=True)


@db.command("upgrade")
def db_upgrade(folder: FolderArgument = Path()) -> None:
    """Make the tables of the books, or bring them up to this version."""
    from microgrid.cli import operating

    operating.upgrade_books(folder)


@db.command("verify")
def db_verify(folder: FolderArgument = Path(), *, as_json: AsJson = False) -> None:
    """Prove the books: every law, and the first row that breaks one."""
    from microgrid.cli import operating

    raise typer.Exit(operating.verify_books(folder, json=as_json))


@db.command("backup")
def db_backup(
    file: Annotated[Path, typer.Argument(help="The copy to make, such as kisiju-2026-11-23.db.")],
    *,
    folder: FolderOption = Path(),
    as_json: AsJson = False,
) -> None:
    """Write a copy of the books at one moment to a file, and prove it; the service may go on."""
    from microgrid.cli import copying

    raise typer.Exit(copying.back_up_books(folder, file, json=as_json))


@db.command("restore")
def db_restore(
    file: Annotated[Path, typer.Argument(help="A copy that `db backup` made.")],
    *,
    force: Annotated[bool, typer.Option("--force", help="Put it in the place of books that are there.")] = False,
    folder: FolderOption = Path(),
) -> None:
    """Prove a copy of the books, put it in their place, and say what to do next."""
    from microgrid.cli import copying

    copying.restore_books(folder, file, force=force)


@db.command("new-key")
def db_new_key(folder: FolderArgument = Path()) -> None:
    """Make the key under which secrets of meters and partners are kept; once for all."""
    from microgrid.cli import operating

    operating.new_secrets_key(folder)


@db.command("export")
def db_export(
    file: Annotated[Path, typer.Argument(help="Where to write them, such as books.beancount.")],
    *,
    form: Annotated[Literal["beancount", "csv"], typer.Option("--format", help="For which program.")] = "beancount",
    first: Annotated[str, typer.Option("--from", help="First day posted, such as 2026-10-01; without: all.")] = "",
    last: Annotated[str, typer.Option("--to", help="Last day posted; without: all.")] = "",
    zone: Annotated[str, typer.Option(help="On whose clock the days are.")] = "UTC",
    folder: FolderOption = Path(),
) -> None:
    """Write the books to a file for another program: every journal, and the balances they come to."""
    from microgrid.cli import exporting

    exporting.export_books(folder, file, form, first, last, zone)
