"""Somebody who comes to a broker whose files we wrote, what they hear, and the broker itself."""

from __future__ import annotations

import shutil
import socket
import ssl
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from benchmarks import private_broker
from benchmarks.private_broker import Broker
from microgrid.bridge.broker import Listening, password_hash
from microgrid.bridge.broker_folder import BrokerFolder
from microgrid.bridge.certificates import Certificate, make_authority, make_certificate
from microgrid.switching.device_records import BrokerUser, UserKind

NOW = datetime.now(UTC)  # noqa: TID251 - a real broker checks certificates by the machine's clock
SALT = bytes(range(12))
HOST = "127.0.0.1"
WORD = "a word of the service"


def user(name: str, site: str = "kisiju", kind: UserKind = "meter") -> BrokerUser:
    """Return somebody whose password is the name with an exclamation mark."""
    return BrokerUser(name, site, kind, password_hash(f"{name}!", SALT), b"", NOW)


PEOPLE = (user("M-1"), user("M-2"), user("G-1", "gulu"), user("box-1", kind="gateway"))


@dataclass
class Client:
    """Somebody at the broker, and what they hear."""

    name: str
    password: str
    port: int
    tls: ssl.SSLContext | None = None
    client_id: str = ""
    heard: list[tuple[str, bytes]] = field(default_factory=list)
    state: str = "new"
    asked: int = 0
    changed: threading.Condition = field(default_factory=threading.Condition)

    def __post_init__(self) -> None:
        known_as = self.client_id or f"{self.name}-x"
        self.mqtt = mqtt.Client(CallbackAPIVersion.VERSION2, known_as, protocol=mqtt.MQTTv5, reconnect_on_failure=False)
        if self.name:
            self.mqtt.username_pw_set(self.name, self.password)
        if self.tls is not None:
            self.mqtt.tls_set_context(self.tls)
        self.mqtt.on_connect = self._connected
        self.mqtt.on_disconnect = self._gone
        self.mqtt.on_message = self._message
        self.mqtt.on_subscribe = self._subscribed

    def come(self) -> Client:
        """Connect, and wait until the broker has said yes or no."""
        self.mqtt.connect(HOST, self.port)
        self.mqtt.loop_start()
        self.wait(lambda: self.state != "new")
        return self

    def listen(self, *topics: str) -> Client:
        """Ask for topics, and wait until the broker has answered."""
        for topic in topics:
            self.asked += 1
            self.mqtt.subscribe(topic, qos=1)
        self.wait(lambda: self.asked == 0)
        return self

    def say(self, topic: str, body: bytes = b"x", *, retain: bool = False) -> None:
        """Publish something, and wait until the broker has said that it has it."""
        told = self.mqtt.publish(topic, body, qos=1, retain=retain)
        told.wait_for_publish(5)
        assert told.is_published()

    def go(self) -> None:
        """Disconnect."""
        self.mqtt.disconnect()
        self.mqtt.loop_stop()

    def wait(self, until: Callable[[], bool], seconds: float = 5) -> bool:
        """Wait until something is so, and say whether it came to be."""
        with self.changed:
            return bool(self.changed.wait_for(until, seconds))

    def _connected(self, *words: Any) -> None:
        with self.changed:
            self.state = "refused" if words[3].is_failure else "here"
            self.changed.notify_all()

    def _gone(self, *_words: Any) -> None:
        with self.changed:
            self.state = "gone" if self.state == "here" else self.state
            self.changed.notify_all()

    def _subscribed(self, *_words: Any) -> None:
        with self.changed:
            self.asked -= 1
            self.changed.notify_all()

    def _message(self, _client: Any, _userdata: Any, message: mqtt.MQTTMessage) -> None:
        with self.changed:
            self.heard.append((message.topic, bytes(message.payload)))
            self.changed.notify_all()


@dataclass
class Place:
    """A broker on files of ours."""

    folder: BrokerFolder
    running: Broker
    listening: Listening
    authority: Certificate | None = None
    clients: list[Client] = field(default_factory=list)

    def client(self, name: str, password: str = "", client_id: str = "", tls: ssl.SSLContext | None = None) -> Client:
        """Let a device come."""
        return self._let_come(Client(name, password or f"{name}!", self.listening.port, tls, client_id))

    def service(self, client_id: str = "") -> Client:
        """Let the service come."""
        port = self.listening.service_port
        return self._let_come(Client("service", self.folder.service_password, port, client_id=client_id))

    def trusting(self, authority: Certificate | None = None) -> ssl.SSLContext:
        """Return what a device knows of whom to trust: the broker's own authority, or another one."""
        trusted = authority or self.authority
        assert trusted is not None
        return ssl.create_default_context(cadata=trusted.certificate.decode())

    def _let_come(self, client: Client) -> Client:
        self.clients.append(client)
        return client.come()


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens at."""
    asked = [socket.socket() for _ in range(count)]
    for one in asked:
        one.bind((HOST, 0))
    ports = [one.getsockname()[1] for one in asked]
    for one in asked:
        one.close()
    return ports


def make_place(*, secure: bool = False, certificates: bool = False) -> Iterator[Place]:
    """Make and start a broker in a folder that its own user can reach."""
    if private_broker.program() is None:
        pytest.skip(f"NOT RUN: no Mosquitto here; to run: {private_broker.HOW}")
    root = Path(tempfile.mkdtemp(prefix="microgrid-broker-files-"))
    root.chmod(0o755)
    port, service_port = free_ports(2)
    listening = Listening(port, service_port, HOST, secure, certificates)
    folder = BrokerFolder(root / "broker", root / "broker-keys")
    folder.make(WORD, listening)
    made = Place(folder, Broker(folder.place, port), listening)
    if secure:
        made.authority = make_authority("Kisiju", NOW)
        folder.write_authority(made.authority)
        folder.write_certificate(make_certificate(made.authority, "broker", [HOST, "localhost"], NOW))
    folder.write_users(PEOPLE)
    try:
        made.running.start()
        yield made
    finally:
        for client in made.clients:
            client.go()
        made.running.kill()
        shutil.rmtree(root, ignore_errors=True)
