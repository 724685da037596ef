"""A copy of the books while the service runs, and the way back: proved before it takes the place of anything."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from itertools import count
from pathlib import Path

from sqlalchemy import create_engine, inspect, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import NullPool

from microgrid.errors import InvalidInput, Problem
from microgrid.store import postgres_tools
from microgrid.store.opening import current_revision, parse, reached, unreachable, upgrade
from microgrid.store.sql import open_store
from microgrid.store.tables import METADATA
from microgrid.store.verify import Verdict, verify

PAGES_AT_ONCE = 512  # between which others may write
SQLITE_BEGINS = b"SQLite format 3\0"
BESIDE = ("", "-wal", "-shm")  # what belongs to a SQLite file


def back_up(address: str, file: Path) -> Verdict | None:
    """Write a copy of the books at one moment to a new file; return what its proof found, if it can be proved here.

    A copy of a PostgreSQL database is proved when it is restored. Raises InvalidInput when the file is there already.
    """
    if file.exists():
        what = f"{file.as_posix()} is there already; nothing was written over it"
        raise InvalidInput(Problem("MG-L160", what, fix="name a new file, such as one with the date"))
    url = parse(address)
    file.parent.mkdir(parents=True, exist_ok=True)
    with _part_of(file) as part:
        if url.get_backend_name() == "sqlite":
            _copy_sqlite(url, part)
            return _proof_of_file(part)
        postgres_tools.dump(url, part)
        return None


def restore(address: str, file: Path, *, force: bool) -> Path | None:
    """Put the books of a copy where the address says, once they are proved; return where the ones before are kept.

    Raises InvalidInput when there are books already and `force` is not given, or when the copy is not true.
    """
    url = parse(address)
    is_sqlite = url.get_backend_name() == "sqlite"
    if not file.is_file():
        raise InvalidInput(Problem("MG-L161", f"there is no file {file.as_posix()}", fix="name one of `db backup`"))
    with file.open("rb") as opened:
        if (opened.read(len(SQLITE_BEGINS)) == SQLITE_BEGINS) != is_sqlite:
            what = f"{file.as_posix()} is no copy of books on {'SQLite' if is_sqlite else 'PostgreSQL'}, as these are"
            raise InvalidInput(Problem("MG-L161", what, fix="restore it to books of the kind it was made from"))
    full = _is_full(url)
    if full and not force:
        what = "there are books already, with rows in them; nothing was restored"
        raise InvalidInput(Problem("MG-L162", what, fix="add --force to put the copy in their place; they are kept"))
    return _restore_sqlite(url, file) if is_sqlite else _restore_postgres(url, file, full=full)


def _restore_sqlite(url: URL, file: Path) -> Path | None:
    """Prove a copy beside the books, then let it take their place; theirs are kept under another name."""
    books = Path(url.database or "")
    books.parent.mkdir(parents=True, exist_ok=True)
    with _part_of(books, replacing=True) as part:
        shutil.copyfile(file, part)
        _refuse_no_books(part, file)
        upgrade(str(part))
        _refuse_untrue(_proof_of_file(part), file)
        return _set_aside(books)


def _restore_postgres(url: URL, file: Path, *, full: bool) -> Path | None:
    """Prove a copy in a database of its own, then put it into the present one; that is kept in a file before."""
    kept = None
    with postgres_tools.scratch(url) as scratch:
        postgres_tools.load(scratch, file)
        address = scratch.render_as_string(hide_password=False)
        _refuse_strange(current_url(scratch), file)
        upgrade(address)
        _refuse_untrue(_proof(address), file)
    if full:
        kept = _free_name(file.with_name(f"{file.name}.before"))
        with _part_of(kept) as part:
            postgres_tools.dump(url, part)
    postgres_tools.load(url, file)
    upgrade(url.render_as_string(hide_password=False))
    return kept


def current_url(url: URL) -> str:
    """Return the revision of the tables at an address, empty when there are none."""
    with reached(url), create_engine(url, poolclass=NullPool).connect() as connection:
        return current_revision(connection)


@contextmanager
def _part_of(file: Path, *, replacing: bool = False) -> Iterator[Path]:
    """Make a file under another name, for its owner alone, that takes its name when the block has ended well."""
    part = file.with_name(f"{file.name}.part")
    for ending in BESIDE:
        part.with_name(part.name + ending).unlink(missing_ok=True)
    os.close(os.open(part, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600))
    try:
        yield part
        if not replacing and file.exists():
            raise InvalidInput(Problem("MG-L160", f"{file.as_posix()} was made by somebody else meanwhile"))
        _flush(part)
        part.replace(file)
        _flush(file.parent)
    finally:
        for ending in BESIDE:
            part.with_name(part.name + ending).unlink(missing_ok=True)


def _copy_sqlite(url: URL, part: Path) -> None:
    place = f"{Path(url.database or '').resolve().as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(place, uri=True)) as source, closing(sqlite3.connect(part)) as copy:
            source.backup(copy, pages=PAGES_AT_ONCE)
    except sqlite3.Error as error:
        raise unreachable(url, error) from error


def _proof_of_file(file: Path) -> Verdict:
    """Prove books in a SQLite file, and leave it one file without a log beside it."""
    found = _proof(str(file))
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
    return found


def _proof(address: str) -> Verdict:
    store = open_store(address)
    try:
        return verify(store)
    finally:
        store.close()


def _refuse_no_books(part: Path, file: Path) -> None:
    try:
        with closing(sqlite3.connect(part)) as connection:
            said = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    except sqlite3.DatabaseError as error:
        said, tables = str(error), set[str]()
    if said != "ok" or "alembic_version" not in tables:
        what = f"{file.as_posix()} holds no books: {said if said != 'ok' else 'other tables than ours'}"
        raise InvalidInput(Problem("MG-L161", what, fix="take another copy; this one is damaged or not ours"))


def _refuse_strange(revision: str, file: Path) -> None:
    if not revision:
        what = f"{file.as_posix()} holds no books: other tables than ours"
        raise InvalidInput(Problem("MG-L161", what, fix="take a copy that `db backup` made"))


def _refuse_untrue(found: Verdict, file: Path) -> None:
    if found.broken:
        what = f"the books in {file.as_posix()} are not true; nothing was restored"
        raise InvalidInput(Problem("MG-L163", what, fix="take an older copy"), *found.broken)


def _is_full(url: URL) -> bool:
    """Say whether there are rows of ours at an address; a file that is no database counts as full."""
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").exists():
        return False
    with suppress(DatabaseError), reached(url), create_engine(url, poolclass=NullPool).connect() as connection:
        there = set(inspect(connection).get_table_names()) & set(METADATA.tables)
        found = (connection.execute(text(f'SELECT 1 FROM "{name}" LIMIT 1')) for name in sorted(there))  # noqa: S608 - names of our own tables
        return any(rows.first() is not None for rows in found)
    return True


def _set_aside(books: Path) -> Path | None:
    """Give the present books another name, with what belongs to them, and return it."""
    if not books.exists():
        return None
    kept = _free_name(books.with_name(f"{books.name}.before"))
    for ending in BESIDE:
        with suppress(FileNotFoundError):
            books.with_name(books.name + ending).replace(kept.with_name(kept.name + ending))
    return kept


def _free_name(wished: Path) -> Path:
    names = (wished.with_name(f"{wished.name}-{number}") for number in count(2))
    return wished if not wished.exists() else next(name for name in names if not name.exists())


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
