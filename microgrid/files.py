"""Writing files so that nobody ever sees half of one, and saying what the disk had against it."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from microgrid.errors import Environment, InvalidInput, Problem

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)
_NO_FOLDER = (errno.ENOENT, errno.ENOTDIR)


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file in one move: after any failure the old content, or no file, is there.

    Raises Environment when the disk is full or the place may not be written to, InvalidInput when something other
    than an ordinary file stands there.
    """
    write_parts(path, (content,))


def write_parts(path: Path, parts: Iterable[str | bytes]) -> None:
    """Write a file of any size part by part, and in one move all the same; see `write_whole`."""
    with said_plainly(path):
        require_ordinary(path)
        target = Path(os.path.realpath(path))  # of a link, so that the link stays one
        mode = target.stat().st_mode & 0o777 if target.exists() else 0o644
        with _draft_beside(target) as (number, draft):
            with os.fdopen(number, "wb") as file:
                file.writelines(part.encode(errors="replace") if isinstance(part, str) else part for part in parts)
                file.flush()
                os.fsync(file.fileno())
            draft.chmod(mode)
            draft.replace(target)


def content_of(path: Path) -> bytes:
    """Return what is in a file of data; a device or a pipe, which may never end, raises OSError."""
    if path.exists() and not path.is_file() and not path.is_dir():
        raise OSError(errno.EINVAL, "it is no ordinary file")
    return path.read_bytes()


def require_ordinary(path: Path) -> None:
    """Refuse a place where a folder, a device or a pipe stands: renaming a file over it would destroy it."""
    name = path.as_posix()
    if path.is_dir():
        fix = f"name a file in it:  {(path / 'report.html').as_posix()}"
        raise InvalidInput(Problem("MG-U013", f"'{name}' is a folder, not a file to write", fix=fix))
    if path.exists() and not path.is_file():
        what = f"'{name}' is no ordinary file, and writing would replace it"
        raise InvalidInput(Problem("MG-U013", what, fix="name a file; it need not be there yet"))


def outputs_apart(outputs: Mapping[str, Path | None], inputs: Iterable[Path]) -> None:
    """Refuse outputs, by option, that are folders or devices, one place twice, or a file that is read.

    Said before anything is run, so that nobody waits for an answer that cannot be stored.
    """
    taken = {os.path.realpath(path): "is read by this command; it would be lost" for path in inputs}
    problems: list[Problem] = []
    for option, path in outputs.items():
        if path is None:
            continue
        try:
            with said_plainly(path):
                require_ordinary(path)
        except InvalidInput as mistake:
            problems += mistake.problems
        place = os.path.realpath(path)
        if place in taken:
            what = f"{option}: '{path.as_posix()}' {taken[place]}"
            problems.append(Problem("MG-U013", what, fix="name another file"))
        taken[place] = f"is what {option} writes already"
    if problems:
        raise InvalidInput(*problems)


@contextmanager
def said_plainly(path: Path) -> Iterator[None]:
    """Turn what the operating system says about a full disk or a forbidden place into one of our problems."""
    try:
        yield
    except OSError as error:
        problem = disk_problem(error, path.as_posix()) or _folder_problem(error, path)
        raise Environment(problem or _refused(error, path)) from None


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


def _refused(error: OSError, path: Path) -> Problem:
    reason = (error.strerror or str(error)).lower()
    what = f"'{path.as_posix()}' cannot be written: {reason}"
    return Problem("MG-E003", what, fix="name another place, with a shorter name if this one is long")


@contextmanager
def _draft_beside(path: Path) -> Iterator[tuple[int, Path]]:
    number, name = tempfile.mkstemp(prefix=f".{path.name[:40]}.", dir=path.parent)
    try:
        yield number, Path(name)
    finally:
        Path(name).unlink(missing_ok=True)  # there only if something failed on the way
