"""Where commands write: data on standard output, talk on standard error, colour only for people."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import TextIO

import typer

BROKEN_PIPE = 141  # as a shell counts a program that was ended by a closed pipe


def write(text: str) -> None:
    """Write data to standard output; a reader that has gone away ends the command quietly."""
    try:
        sys.stdout.write(text if text.endswith("\n") else f"{text}\n")
        sys.stdout.flush()
    except BrokenPipeError:
        stop_writing()
        raise typer.Exit(BROKEN_PIPE) from None


def talk(text: str) -> None:
    """Write a remark for people to standard error; where nobody can read it, the command goes on without."""
    with suppress(OSError):
        sys.stderr.write(text if text.endswith("\n") else f"{text}\n")
        sys.stderr.flush()


def write_json(schema: str, content: Mapping[str, object]) -> None:
    """Write one JSON object to standard output; `schema` names its version, such as microgrid.check/1."""
    write(json.dumps({"schema": schema, **content}, indent=2, ensure_ascii=False, allow_nan=False))


def stop_writing() -> None:
    """Send all further output nowhere, so that ending the program does not complain about the closed pipe."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())


def coloured(stream: TextIO) -> bool:
    """Tell whether a stream is a terminal whose owner has nothing against colour (NO_COLOR, TERM=dumb)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def emphasised(text: str, stream: TextIO, code: str = "1") -> str:
    """Return text in bold, or in another ANSI style, where the stream shows it."""
    return f"\x1b[{code}m{text}\x1b[0m" if coloured(stream) else text


def can_draw(stream: TextIO) -> bool:
    """Tell whether a stream can show block characters."""
    try:
        "▁█".encode(stream.encoding or "ascii")
    except (LookupError, UnicodeEncodeError):
        return False
    return True
