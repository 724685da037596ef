"""The service as it really runs: a process of its own on a free port, with books in a folder."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path

from microgrid.__main__ import main

ROOT = Path(__file__).resolve().parents[2]
SECRET_PATH = "7hX2vQ9rLw4nTz8b"
SETTINGS = f"""database: books.db
tick_s: 1
payments:
  - provider: mpesa
    shortcode: "600638"
    currency: KES
    exponent: 2
    region: KE
    secret_path: {SECRET_PATH}
    allowed_addresses: [127.0.0.1]
"""


@dataclass
class Running:
    """A service in a process of its own."""

    process: subprocess.Popen[str]
    port: int
    said: list[str] = field(default_factory=list)

    def ask(self, path: str, body: str | None = None, key: str = "") -> tuple[int, str]:
        """Send one request on a connection of its own; return status and text."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            headers = {"Authorization": f"Bearer {key}"} if key else {}
            connection.request("GET" if body is None else "POST", path, body, headers)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def end(self) -> int:
        """Ask the process to end, as an operating system does, and return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


def make_folder(folder: Path, settings: str = SETTINGS) -> Path:
    """Return a folder with settings and empty books."""
    folder.mkdir(exist_ok=True)
    (folder / "organisation.yaml").write_text(settings, encoding="utf-8")
    assert main(["db", "upgrade", str(folder)]) == 0
    return folder


def start(folder: Path, *options: str, port: int = 0) -> subprocess.Popen[str]:
    """Start the command."""
    command = [sys.executable, "-m", "microgrid", "serve", str(folder), "--port", str(port), *options]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True)


@contextmanager
def running(folder: Path, *options: str) -> Iterator[Running]:
    """Run the service on a free port until the block ends."""
    process = start(folder, *options)
    assert process.stderr is not None
    found = Running(process, 0)
    listens = threading.Event()

    def read() -> None:
        assert process.stderr is not None
        for line in process.stderr:
            found.said.append(line.rstrip("\n"))
            place = re.search(r"listening at http://127\.0\.0\.1:(\d+)", line)
            if place:
                found.port = int(place[1])
                listens.set()
        listens.set()

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        assert listens.wait(60), found.said
        assert found.port, found.said
        yield found
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(60)
        reader.join(10)
        process.stderr.close()
