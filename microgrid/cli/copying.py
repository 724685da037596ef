"""`microgrid db backup` and `db restore`: copies of a folder's books."""

from __future__ import annotations

from pathlib import Path

from microgrid.cli.alone import only_service
from microgrid.cli.output import talk, write, write_json
from microgrid.cli.serving import address, books_file, settings
from microgrid.errors import as_json, as_text
from microgrid.sealing import KEY_FILE

AFTERWARDS = """What to do now, in this order:
  1. microgrid db verify {folder}
  2. microgrid serve {folder}    it asks the providers for the payments of the last two days; payments before that
     come from statements. Meters that know a later order get a newer one as soon as they report.
  3. Keypad tokens that were given out since the copy are not known here: let the counts jump ahead before the next.
  4. What people did since the copy (moves, refunds, new customers) has to be done again."""


def back_up_books(folder: Path, file: Path, *, json: bool) -> int:
    """Copy a folder's books to a file; exit code 1 when something in the copy is not true."""
    from microgrid.store.backup import back_up

    found = back_up(address(folder, settings(folder)), file)
    broken = () if found is None else found.broken
    if json:
        proof = None if found is None else {"true": not broken, "broken": [as_json(each) for each in broken]}
        write_json("microgrid.backup/1", {"file": str(file), "size_bytes": file.stat().st_size, "proof": proof})
    else:
        told = "it is proved when it is restored" if found is None else "its books are true"
        write(f"{file.as_posix()} is written; {'its books are NOT true' if broken else told}.")
    if (folder / KEY_FILE).exists():
        talk(f"{KEY_FILE} is not in it: keep a copy of that file too, in another place")
    if broken:
        talk(as_text(broken))
    return 1 if broken else 0


def restore_books(folder: Path, file: Path, *, force: bool) -> None:
    """Put a copy in the place of a folder's books, and say what to do next."""
    from microgrid.store.backup import restore

    found = address(folder, settings(folder))
    with only_service(books_file(found)):
        kept = restore(found, file, force=force)
    write(f"The books of {file.as_posix()} are true and restored.")
    if kept is not None:
        talk(f"the books that were there are kept in {kept.as_posix()}")
    talk(AFTERWARDS.format(folder=folder.as_posix()))
