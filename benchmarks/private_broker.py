"""A Mosquitto of one's own: on a free port, in a folder that is thrown away, stopped by its own number.

For tests and figures. It can be killed as a power cut does and started again on the same port and folder.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

USER = "mosquitto"
HOST = "127.0.0.1"
HOW = "apt-get install -y --no-install-recommends mosquitto"
PORTS = range(20_000, 30_000)  # below those the system gives to callers, so that none of them takes ours
FROM_THE_DISK = ("persistence true", "autosave_interval 1", "autosave_on_changes true")


def program() -> str | None:
    """Return where the broker's program is, or nothing."""
    return shutil.which("mosquitto") or shutil.which("/usr/sbin/mosquitto")


@dataclass
class Broker:
    """A broker that is, or was, running; `address` is HOST:PORT."""

    folder: Path
    port: int
    running: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Return where it listens."""
        return f"{HOST}:{self.port}"

    @property
    def log(self) -> str:
        """Return everything it has said."""
        return (self.folder / "log").read_text(encoding="utf-8", errors="replace")

    def start(self) -> None:
        """Start it, again after it was stopped, on the same port and folder."""
        words = [program() or "mosquitto", "-c", str(self.folder / "mosquitto.conf")]
        with (self.folder / "log").open("ab") as log:
            self.running = subprocess.Popen(
                _owner(*words), cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )
        self._wait_until_ready(self.running)

    def kill(self) -> None:
        """End it as a power cut does: it saves nothing and says nothing."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Let it end in order."""
        self._end(signal.SIGTERM)

    def freeze(self) -> None:
        """Let it hang: connections stay open, nobody answers."""
        self._tell(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen one go on."""
        self._tell(signal.SIGCONT)

    def reread(self) -> None:
        """Let it read its lists of users and topics again."""
        self._tell(signal.SIGHUP)

    def allow(self, passwords: Mapping[str, str], acl: Sequence[str]) -> None:
        """Write who may come and what they may do; `acl` are lines as in an acl file of Mosquitto."""
        listed = self.folder / "passwords"
        listed.write_text("".join(f"{name}:{word}\n" for name, word in passwords.items()), encoding="utf-8")
        if passwords:
            hashing = shutil.which("mosquitto_passwd") or "mosquitto_passwd"
            subprocess.run([hashing, "-U", str(listed)], check=True, capture_output=True)
        (self.folder / "acl").write_text("".join(f"{line}\n" for line in acl), encoding="utf-8")
        for path in (listed, self.folder / "acl"):
            _give(path)

    def resident_kb(self) -> int:
        """Return how much memory it holds."""
        assert self.running is not None
        status = Path(f"/proc/{self.running.pid}/status").read_text(encoding="ascii")
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))

    def _tell(self, number: int) -> None:
        assert self.running is not None
        self.running.send_signal(number)

    def _end(self, number: int) -> None:
        if self.running is not None:
            self.running.send_signal(signal.SIGCONT)
            self.running.send_signal(number)
            self.running.wait()
            self.running = None

    def _wait_until_ready(self, running: subprocess.Popen[bytes]) -> None:
        for _ in range(600):
            if running.poll() is not None:
                break
            with socket.socket() as asking:
                if asking.connect_ex((HOST, self.port)) == 0:
                    return
            time.sleep(0.02)
        raise RuntimeError(f"the broker did not start: {self.log}")


@contextmanager
def broker(
    passwords: Mapping[str, str] | None = None,
    acl: Sequence[str] = (),
    settings: Sequence[str] = (),
    files: Mapping[str, bytes] | None = None,
) -> Iterator[Broker | None]:
    """Run a broker, or give nothing where there is no Mosquitto.

    With `passwords` only those users may come, and do what `acl` says; without, everybody may do everything.
    `settings` are further lines of its configuration, such as `FROM_THE_DISK`; they may name `files`, which are put
    into its own folder, as `{folder}/NAME`.
    """
    if program() is None or shutil.which("setpriv") is None:
        yield None
        return
    folder = Path(tempfile.mkdtemp(prefix="microgrid-broker-"))
    ours = Broker(folder, free_port())
    try:
        _give(folder)
        for name, content in (files or {}).items():
            (folder / name).write_bytes(content)
            _give(folder / name)
        lines = _configuration(ours, settings, is_open=passwords is None)
        (folder / "mosquitto.conf").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        _give(folder / "mosquitto.conf")
        ours.allow(passwords or {}, acl)
        ours.start()
        yield ours
    finally:
        ours.kill()
        shutil.rmtree(folder, ignore_errors=True)


def _configuration(ours: Broker, settings: Sequence[str], *, is_open: bool) -> list[str]:
    lines = [
        f"listener {ours.port} {HOST}",
        "max_connections -1",
        "set_tcp_nodelay true",
        f"persistence_location {ours.folder}/",
        "log_type error",
        "log_type warning",
        "log_type notice",
        f"allow_anonymous {'true' if is_open else 'false'}",
    ]
    if not is_open:
        lines += [f"password_file {ours.folder}/passwords", f"acl_file {ours.folder}/acl"]
    return [*lines, *(line.format(folder=ours.folder) for line in settings)]


def _owner(*words: str) -> list[str]:
    """Return a command as the broker's own user runs it; it ends when we do."""
    becoming = ["--reuid", USER, "--regid", USER, "--init-groups"] if os.geteuid() == 0 else []
    return ["setpriv", *becoming, "--pdeathsig", "KILL", *words]


def _give(path: Path) -> None:
    """Give a file or folder to the broker's own user, and to nobody else."""
    path.chmod(0o700 if path.is_dir() else 0o600)
    if os.geteuid() == 0:
        shutil.chown(path, USER, USER)


def free_port(ports: range = PORTS) -> int:
    """Return a port nobody listens on."""
    for offset in range(len(ports)):
        port = ports[(os.getpid() * 7 + offset) % len(ports)]
        with socket.socket() as asked:
            if asked.connect_ex((HOST, port)) == 0:
                continue
        with socket.socket() as asked:
            asked.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                asked.bind((HOST, port))
            except OSError:
                continue
            return port
    raise RuntimeError(f"no port from {ports.start} to {ports.stop} is free")
