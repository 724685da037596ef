"""The folder that Mosquitto reads: written whole or not at all, readable by it alone, and read again when told.

What the broker does not need lies elsewhere: the authority's key and the service's password, in a folder beside it.
"""

from __future__ import annotations

import fcntl
import grp
import os
import pwd
import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from microgrid.bridge import broker
from microgrid.bridge.certificates import Certificate
from microgrid.switching.device_records import BrokerUser

BROKERS_USER = "mosquitto"
PASSWORD, CA_KEY = "service.password", "ca.key"


@dataclass(frozen=True, slots=True)
class BrokerFolder:
    """Where the files of a broker lie; `secrets` is what it must never read."""

    place: Path
    secrets: Path

    @property
    def is_made(self) -> bool:
        """Return whether a broker was made here."""
        return (self.place / broker.SETTINGS).is_file()

    def is_reachable(self) -> bool:
        """Return whether the broker's own user may enter the folders above its own."""
        if os.geteuid() != 0:
            return True  # whoever starts it is the user who made the files
        return all(above.stat().st_mode & 0o001 for above in self.place.parents)

    def make(self, service_password: str, listening: broker.Listening) -> None:
        """Make the folders, the service's password and the settings; what is there already stays as it is."""
        _folder(self.secrets, 0o700)
        _folder(self.place, 0o750, _group())
        _folder(self.place / broker.STATE, 0o770, _group())
        if not (self.secrets / PASSWORD).exists():
            _write(self.secrets / PASSWORD, service_password.encode() + b"\n", 0o600)
        text = broker.settings(self.place, listening, BROKERS_USER if _group() is not None else "")
        self._put(broker.SETTINGS, text.encode())

    def write_users(self, users: Iterable[BrokerUser]) -> bool:
        """Write who may come and what they may do; say whether that is anything new."""
        listed = list(users)
        hashed = broker.service_hash(self.service_password)
        rights = self._put(broker.RIGHTS, broker.rights(listed).encode())  # first: no one comes without them
        return self._put(broker.PASSWORDS, broker.passwords(listed, hashed).encode()) or rights

    def write_authority(self, authority: Certificate) -> None:
        """Keep an authority: its key apart, its certificate where the broker and everybody may read it."""
        _write(self.secrets / CA_KEY, authority.key, 0o600)
        _write(self.secrets / broker.CA, authority.certificate, 0o644)
        self._put(broker.CA, authority.certificate)

    def authority(self) -> Certificate | None:
        """Return the authority that is kept here, or nothing."""
        if not (self.secrets / CA_KEY).is_file():
            return None
        return Certificate((self.secrets / broker.CA).read_bytes(), (self.secrets / CA_KEY).read_bytes())

    def write_certificate(self, made: Certificate) -> None:
        """Give the broker its certificate."""
        self._put(broker.CERTIFICATE_KEY, made.key)
        self._put(broker.CERTIFICATE, made.certificate)

    def certificate(self) -> bytes | None:
        """Return the broker's certificate, or nothing."""
        path = self.place / broker.CERTIFICATE
        return path.read_bytes() if path.is_file() else None

    def write_client(self, name: str, made: Certificate) -> tuple[Path, Path]:
        """Keep a certificate of somebody who comes to the broker, and return where it and its key are."""
        paths = self.secrets / f"{name}.crt", self.secrets / f"{name}.key"
        _write(paths[1], made.key, 0o600)
        _write(paths[0], made.certificate, 0o644)
        return paths

    @property
    def service_password(self) -> str:
        """Return the password by which the service comes to the broker."""
        return (self.secrets / PASSWORD).read_text("utf-8").strip()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other programs of ours from writing here, so that an older list never replaces a newer one."""
        with os.fdopen(os.open(self.secrets / "lock", os.O_RDWR | os.O_CREAT, 0o600), "r+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def reload(self) -> bool:
        """Let a running broker read its lists and certificates again; say whether there is one."""
        number = self._running()
        if number is None:
            return False
        with suppress(ProcessLookupError, PermissionError):
            os.kill(number, signal.SIGHUP)
            return True
        return False

    def _running(self) -> int | None:
        """Return the number of the broker that runs on these files, if one does; numbers are used again by others."""
        try:
            number = int((self.place / broker.STATE / broker.NUMBER).read_text("ascii"))
            words = Path(f"/proc/{number}/cmdline").read_bytes().split(b"\0")
        except (OSError, ValueError):
            return None
        return number if any(word.endswith(b"mosquitto") for word in words[:1]) else None

    def _put(self, name: str, content: bytes) -> bool:
        """Write a file for the broker unless it says so already, and say whether it was written."""
        path = self.place / name
        if path.is_file() and path.read_bytes() == content:
            return False
        _write(path, content, 0o640, _group())
        return True


def _group() -> int | None:
    """Return the group of the broker's own user where we may give files to it, or nothing."""
    try:
        found = grp.getgrnam(BROKERS_USER).gr_gid
        pwd.getpwnam(BROKERS_USER)
    except KeyError:
        return None
    return found if os.geteuid() == 0 or found in os.getgroups() else None


def _folder(path: Path, mode: int, group: int | None = None) -> None:
    path.mkdir(parents=True, exist_ok=True)
    if group is not None:
        os.chown(path, -1, group)
    path.chmod(mode)


def _write(path: Path, content: bytes, mode: int, group: int | None = None) -> None:
    """Write a file whole or not at all; nobody else reads it even for a moment."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    if group is not None:
        os.chown(fresh, -1, group)
    fresh.chmod(mode)
    fresh.replace(path)
