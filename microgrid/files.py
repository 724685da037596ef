"""Writing files so that nobody ever sees half of one, and saying what the disk had against it."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from microgrid.errors import Environment, Problem

_FULL = (errno.ENOSPC, errno.EDQUOT)
_FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)
_NO_FOLDER = (errno.ENOENT, errno.ENOTDIR)


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file in one move: after any failure the old content, or no file, is there.

    Raises Environment when the disk is full or the place may not be written to.
    """
    data = content.encode() if isinstance(content, str) else content
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o644
    with said_plainly(path), _draft_beside(path) as (number, draft):
        with os.fdopen(number, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.chmod(mode)
        draft.replace(path)


@contextmanager
def said_plainly(path: Path) -> Iterator[None]:
    """Turn what the operating system says about a full disk or a forbidden place into one of our problems."""
    try:
        yield
    except OSError as error:
        problem = disk_problem(error, path.as_posix()) or _folder_problem(error, path)
        if problem is None:
            raise
        raise Environment(problem) from None


def disk_problem(error: OSError, file: str = "") -> Problem | None:
    """Return the problem behind an error of the disk, None when the error is of another sort."""
    name = file or str(error.filename or "the output")
    if error.errno in _FULL:
        what = f"the disk is full: '{name}' was not written"
        return Problem("MG-E002", what, "what was there before is unchanged", "make room, or name another place")
    if error.errno in _FORBIDDEN:
        what = f"'{name}' cannot be written: {os.strerror(error.errno or 0).lower()}"
        return Problem("MG-E003", what, fix="use a folder you may write to")
    return None


def _folder_problem(error: OSError, path: Path) -> Problem | None:
    if error.errno not in _NO_FOLDER:
        return None
    what = f"'{path.as_posix()}' cannot be written: there is no folder '{path.parent.as_posix()}'"
    return Problem("MG-E003", what, fix=f"mkdir -p {path.parent.as_posix()}")


@contextmanager
def _draft_beside(path: Path) -> Iterator[tuple[int, Path]]:
    number, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        yield number, Path(name)
    finally:
        Path(name).unlink(missing_ok=True)  # there only if something failed on the way
