"""`microgrid db`: make, bring up and prove the books."""

from __future__ import annotations

from pathlib import Path

import typer

from microgrid.cli.groups.options import AsJson, FolderArgument

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


@db.command("new-key")
def db_new_key(folder: FolderArgument = Path()) -> None:
    """Make the key under which secrets of meters and partners are kept; once for all."""
    from microgrid.cli import operating

    operating.new_secrets_key(folder)
