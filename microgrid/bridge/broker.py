"""The files of a Mosquitto that lets nobody do more than its own: settings, passwords, and what each may do. Text only.

Each device has lines of its own with its own site: with patterns such as `mg/1/+/%u/readings` a meter of one village
could speak for one of another. A device's name at the broker is also its client id, so that none can push out another.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from microgrid.errors import InvalidInput, Problem
from microgrid.switching.device_records import BrokerUser
from microgrid.switching.provisioning import SERVICE_USER

PASSWORDS, RIGHTS, SETTINGS, STATE = "passwords", "acl", "mosquitto.conf", "data"
CA, CERTIFICATE, CERTIFICATE_KEY, NUMBER = "ca.crt", "server.crt", "server.key", "mosquitto.pid"
HEARD, TOLD = ("reported", "readings", "event", "link"), ("desired", "request")
ROUNDS = 101  # a password of 192 random bits gains nothing by more, and a storm of 5,000 meters has to be checked
SALT_BYTES = 12
LARGEST_MESSAGE = 65_536  # bytes: what a gateway carries at once; a meter's own are at most 512
WAITING_MESSAGES, WAITING_BYTES = 50_000, 16_777_216  # for one who is away; what does not fit is asked for again
LONGEST_SILENCE_S = 1200  # of a connection; meters on cellular links say every 600 s that they are there


@dataclass(frozen=True, slots=True)
class Listening:
    """Where the broker listens: for devices at one port, and for the service on this machine at another one.

    An empty host is every address of this machine. With `certificates` who comes has to show one of our own.
    """

    port: int
    service_port: int
    host: str = ""
    secure: bool = True
    certificates: bool = False


def password_hash(password: str, salt: bytes) -> str:
    """Return what Mosquitto checks a password by: PBKDF2 (RFC 8018) with SHA-512, as `mosquitto_passwd` writes it."""
    derived = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, ROUNDS)
    return f"$7${ROUNDS}${base64.b64encode(salt).decode()}${base64.b64encode(derived).decode()}"


def service_hash(password: str) -> str:
    """Return the hash of the service's own password; the same each time, so that a file is written anew only if needed.

    Its salt comes from the password itself, which is random and stands in no list.
    """
    return password_hash(password, hashlib.sha256(f"salt of {password}".encode()).digest()[:SALT_BYTES])


def passwords(users: Iterable[BrokerUser], service: str) -> str:
    """Return the file of names and hashes; `service` is the hash of the service's own password."""
    named = [(SERVICE_USER, service), *((user.id, user.password_hash) for user in users)]
    return "".join(f"{name}:{hashed}\n" for name, hashed in named)


def rights(users: Iterable[BrokerUser]) -> str:
    """Return the file that says what each may read and write; what it does not say nobody may."""
    parts = [_of(SERVICE_USER, _service_lines()), *(_of(user.id, _lines(user)) for user in users)]
    return "\n".join(parts)


def settings(folder: Path, listening: Listening, run_as: str = "") -> str:
    """Return the settings of a broker whose files lie in a folder; `run_as` is the user it becomes when root starts it.

    Raises InvalidInput for a folder whose name cannot stand in them.
    """
    place = folder.as_posix()
    if not place.isprintable() or place != place.strip():
        what = f"the folder {place[:100]!r} cannot stand in the settings of Mosquitto"
        raise InvalidInput(Problem("MG-M077", what, fix="use a folder without line breaks or blanks at its ends"))
    lines = [*_for_all(place, run_as), *_for_devices(place, listening), *_for_the_service(listening)]
    return "\n".join(lines) + "\n"


def _for_all(place: str, run_as: str) -> Iterator[str]:
    yield "# Written by `microgrid broker init`; what is changed here by hand stays until it is made again."
    yield "allow_anonymous false"
    yield f"password_file {place}/{PASSWORDS}"
    yield f"acl_file {place}/{RIGHTS}"
    yield f"pid_file {place}/{STATE}/{NUMBER}"
    if run_as:
        yield f"user {run_as}"
    yield ""
    yield "# A small answer is sent at once: without this a round trip takes 95 ms instead of 0.4."
    yield "set_tcp_nodelay true"
    yield "max_inflight_messages 200"
    yield f"max_queued_messages {WAITING_MESSAGES}"
    yield f"max_queued_bytes {WAITING_BYTES}"
    yield f"max_packet_size {LARGEST_MESSAGE}"
    yield f"max_keepalive {LONGEST_SILENCE_S}"
    yield "allow_zero_length_clientid false"
    yield "persistent_client_expiration 2m"
    yield ""
    yield "# Kept over a restart. A crash loses the last minute, which the service sends again by itself."
    yield "persistence true"
    yield f"persistence_location {place}/{STATE}/"
    yield "autosave_interval 60"
    yield ""
    yield "log_dest stderr"
    yield from (f"log_type {kind}" for kind in ("error", "warning", "notice"))


def _for_devices(place: str, listening: Listening) -> Iterator[str]:
    yield ""
    yield "# For devices. The name of each is also its client id, so that none can push out another."
    yield f"listener {listening.port} {listening.host}".rstrip()
    yield "use_username_as_clientid true"
    yield "max_qos 1"
    if listening.secure:
        yield f"certfile {place}/{CERTIFICATE}"
        yield f"keyfile {place}/{CERTIFICATE_KEY}"
    if listening.secure and listening.certificates:
        yield f"cafile {place}/{CA}"
        yield "require_certificate true"


def _for_the_service(listening: Listening) -> Iterator[str]:
    yield ""
    yield "# For the service, whose workers share one name; only from this machine."
    yield f"listener {listening.service_port} 127.0.0.1"
    yield "max_qos 1"


def _of(name: str, lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in (f"user {name}", *lines))


def _service_lines() -> Iterator[str]:
    for kind in TOLD:
        yield f"topic readwrite mg/1/+/+/{kind}"
        yield f"topic readwrite mg/1/+/gateway/+/+/{kind}"
    for kind in HEARD:
        yield f"topic read mg/1/+/+/{kind}"
    yield "topic read mg/1/+/gateway/+/up"
    yield "topic read $SYS/broker/#"


def _lines(user: BrokerUser) -> Iterator[str]:
    if user.kind == "gateway":
        root = f"mg/1/{user.site_id}/gateway/{user.id}"
        yield f"topic write {root}/up"
        yield from (f"topic read {root}/+/{kind}" for kind in TOLD)
        return
    root = f"mg/1/{user.site_id}/{user.id}"
    yield from (f"topic read {root}/{kind}" for kind in TOLD)
    yield from (f"topic write {root}/{kind}" for kind in HEARD)
