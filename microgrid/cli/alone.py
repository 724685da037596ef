"""One service per SQLite file and per port: a second one is told before it touches anything."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from microgrid.errors import Environment, Problem

NEXT_TO = "-serving"  # after the name of the file


@contextmanager
def only_service(books: Path | None) -> Iterator[None]:
    """Hold a SQLite file as its only service; nothing is held where the books lie on a server."""
    if books is None:
        yield
        return
    path = books.with_name(books.name + NEXT_TO)
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _second(books, file.read().strip()) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


@contextmanager
def listening_at(host: str, port: int) -> Iterator[socket.socket]:
    """Take a port of this machine, or say who cannot."""
    with _socket_for(host, port) as taken:
        yield taken


def _socket_for(host: str, port: int) -> socket.socket:
    try:
        family, kind, _, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        opened = socket.socket(family, kind)
    except OSError as error:
        raise _unusable(host, port, error) from None
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind(place)
        opened.listen(socket.SOMAXCONN)
    except OSError as error:
        opened.close()
        raise _unusable(host, port, error) from None
    return opened


def _unusable(host: str, port: int, error: OSError) -> Environment:
    if error.errno == errno.EADDRINUSE:
        what = f"port {port} at {host} is taken by another program, perhaps by a service that runs already"
        return Environment(Problem("MG-E071", what, fix=f"stop that program, or choose another: --port {port + 1}"))
    if error.errno == errno.EACCES:
        what = f"this user may not listen at port {port}"
        return Environment(Problem("MG-E071", what, fix="choose one above 1023: --port 8080"))
    what = f"nothing can listen at {host}, port {port}: {error.strerror or error}"
    fix = "give an address of this machine: --host 127.0.0.1, or 0.0.0.0 for all"
    return Environment(Problem("MG-E071", what, fix=fix))


def _second(books: Path, process: str) -> Environment:
    who = f" (process {process})" if process.isdigit() else ""
    what = f"a service works on {books.as_posix()} already{who}"
    why = "two of them would send every order and message twice"
    return Environment(Problem("MG-E072", what, why, "stop that one first; other programs use it through its API"))
