"""PostgreSQL's own programs for writing a database to a file and reading it back; no password is shown to others."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from microgrid.errors import Environment, Problem
from microgrid.store.opening import reached

MOST_S = 6 * 3600


def dump(url: URL, file: Path) -> None:
    """Write a database, as it is at one moment, to a file."""
    _run("pg_dump", ["--format=custom", "--no-owner", "--no-privileges", f"--file={file}"], url)


def load(url: URL, file: Path) -> None:
    """Put what a file holds into a database, in place of what is there: all of it or nothing."""
    options = ["--clean", "--if-exists", "--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error"]
    _run("pg_restore", [*options, str(file)], url)


@contextmanager
def scratch(url: URL) -> Iterator[URL]:
    """Make a database to try something in, beside the one of an address, and remove it."""
    name = f"microgrid_try_{uuid4().hex[:12]}"
    engine = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    try:
        with reached(url), engine.connect() as connection:
            connection.execute(text(f'CREATE DATABASE "{name}"'))
    except DBAPIError as error:
        what = f"this user may not make a database to prove the copy in: {' '.join(str(error.orig).split())}"
        fix = f"let the owner of the server type  ALTER ROLE {url.username} CREATEDB"
        raise Environment(Problem("MG-E073", what, why="nothing was restored", fix=fix)) from error
    try:
        yield url.set(database=name)
    finally:
        with reached(url), engine.connect() as connection:
            connection.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))


def _run(program: str, options: list[str], url: URL) -> None:
    found = shutil.which(program)
    if found is None:
        fix = "apt-get install postgresql-client, of the server's version or newer"
        raise Environment(Problem("MG-E073", f"{program} is not on this machine", fix=fix))
    place = url.set(drivername="postgresql", password=None).render_as_string()
    # A password among the arguments could be read by everybody on this machine.
    secret = {"PGPASSWORD": str(url.password)} if url.password is not None else {}
    command = [found, "--no-password", f"--dbname={place}", *options]
    done = subprocess.run(  # noqa: S603 - PostgreSQL's own program, no shell
        command,
        env={**os.environ, **secret},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=MOST_S,
        check=False,
    )
    if done.returncode:
        said = " ".join(done.stderr.split())[-400:] or f"it ended with {done.returncode}"
        what = f"{program} did not do it: {said}"
        fix = "look whether the server runs, the file is whole, and the program is not older than the server"
        raise Environment(Problem("MG-E073", what, fix=fix))
