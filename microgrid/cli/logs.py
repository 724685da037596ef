"""How a running service writes down what happens: one line per event on standard error, for people or for programs."""

from __future__ import annotations

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from typing import Literal

Form = Literal["text", "json"]
QUIET = ("uvicorn", "uvicorn.error", "uvicorn.access", "asyncio", "httpx2", "httpcore2")


class Lines(logging.Formatter):
    """For people: a line with when, how bad, what, and for an error where it was raised."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line."""
        said = f"{_moment(record)} {record.levelname.lower()} {record.name}: {record.getMessage()}"
        error = record.exc_info[1] if record.exc_info else None
        return _one_line(said if error is None else f"{said} [{_named(error)}]")


class Objects(logging.Formatter):
    """For programs: a JSON object per line, with the whole trace of an error."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line."""
        told: dict[str, object] = {
            "at": _moment(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            told |= {"error": _named(error), "trace": "".join(traceback.format_exception(error))}
        return json.dumps(told, ensure_ascii=False)


def set_up(form: Form) -> None:
    """Write what happens from now on to standard error, in this form."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Objects() if form == "json" else Lines())
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def _moment(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")


def _named(error: BaseException) -> str:
    """Return what was raised, and the last place of it."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {'/'.join(frames[-1].filename.split('/')[-2:])}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}: {error}{place}"


def _one_line(text: str) -> str:
    return " | ".join(part.strip() for part in text.splitlines() if part.strip())
