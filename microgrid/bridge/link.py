"""A connection to an MQTT broker, 3.1.1 or 5: the only module of the control plane that knows paho.

What comes in is put down by `put` and acknowledged when whoever took it says so, after its commit. What goes out is
bounded by what the broker has not acknowledged; beyond it `publish` says no, and the caller keeps what it has.
"""

from __future__ import annotations

import logging
import socket
import ssl
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from microgrid.bridge.carrier import Arrived, nothing

log = logging.getLogger("microgrid.bridge")

QOS = 1
MOST_OUT = 500  # messages that the broker has not acknowledged
MOST_IN = 2000  # messages that we have not acknowledged: a broker of version 5 sends no more
KEEPALIVE_S = 20
RECONNECT_S = (1, 5)
SESSION_S = 7 * 86_400  # how long a broker keeps what we have not read
LARGEST_BYTES = 256 * 1024  # a message beyond is cut off by the broker, if it knows version 5


@dataclass(frozen=True, slots=True)
class Tls:
    """How a connection is encrypted: by which authority the broker is known, and who we are."""

    authority: Path
    certificate: Path | None = None
    key: Path | None = None


@dataclass(frozen=True, slots=True)
class BrokerAccess:
    """Where a broker is, and who we are to it."""

    host: str
    port: int
    client_id: str
    username: str = ""
    password: str = field(default="", repr=False)
    tls: Tls | None = None
    version: Literal[4, 5] = 5  # 4 is MQTT 3.1.1
    keepalive_s: int = KEEPALIVE_S


@dataclass(frozen=True, slots=True)
class Hearing:
    """What a connection listens to, and whether the broker keeps it while we are away."""

    topics: tuple[str, ...]
    put: Callable[[Arrived], None]
    kept: bool = True


class MqttLink:
    """One connection, which comes back by itself."""

    def __init__(self, access: BrokerAccess, hearing: Hearing, came_up: Callable[[], None] = nothing) -> None:
        self._access, self._hearing, self._came_up = access, hearing, came_up
        self.has_room: Callable[[], None] = nothing
        self._guard = threading.Lock()
        self._taken: dict[int, Callable[[], None]] = {}
        self._early: set[int] = set()
        self._most_out = MOST_OUT
        self._coming = 0  # which of our connections this is
        self._told = ""
        self._client = self._made()

    @property
    def is_up(self) -> bool:
        """Return whether the broker is there."""
        return self._client.is_connected()

    def start(self) -> None:
        """Begin to connect, and go on trying."""
        access = self._access
        options: dict[str, Any] = {}
        if access.version == mqtt.MQTTv5:
            options = {"clean_start": not self._hearing.kept, "properties": _session(kept=self._hearing.kept)}
        self._client.connect_async(access.host, access.port, access.keepalive_s, **options)
        self._client.loop_start()

    def stop(self) -> None:
        """Close the connection in order."""
        self._client.disconnect()
        self._client.loop_stop()

    def publish(self, topic: str, body: bytes, *, retain: bool, taken: Callable[[], None] = nothing) -> bool:
        """Publish once at least; False when there is no connection, or too much is under way."""
        with self._guard:
            if len(self._taken) >= self._most_out:
                return False
        if not self._client.is_connected():
            return False
        sent = self._client.publish(topic, body, QOS, retain)
        if sent.rc == mqtt.MQTT_ERR_QUEUE_SIZE:
            return False
        with self._guard:
            is_taken = sent.mid in self._early
            self._early.discard(sent.mid)
            if not is_taken:
                self._taken[sent.mid] = taken
        if is_taken:
            taken()
        return True  # also when the connection has just gone: it is sent again when it is back

    def _made(self) -> mqtt.Client:
        access, five = self._access, self._access.version == mqtt.MQTTv5
        made = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            access.client_id,
            clean_session=None if five else not self._hearing.kept,
            protocol=MQTTProtocolVersion(access.version),
            manual_ack=True,
        )
        made.max_inflight_messages_set(MOST_OUT + 1)
        made.max_queued_messages_set(MOST_OUT + 1)
        made.reconnect_delay_set(*RECONNECT_S)
        if access.username:
            made.username_pw_set(access.username, access.password)
        if access.tls is not None:
            made.tls_set_context(_context(access.tls))
        made.on_socket_open = _without_delay
        made.on_connect, made.on_disconnect = self._on_connect, self._on_disconnect
        made.on_connect_fail = self._on_connect_fail
        made.on_publish, made.on_message = self._on_publish, self._on_message
        return made

    def _on_connect(
        self, client: mqtt.Client, _data: object, flags: mqtt.ConnectFlags, reason: Any, told: Properties | None
    ) -> None:
        if reason.is_failure:
            self._say(f"the broker at {self._access.host}:{self._access.port} refuses us: {reason}")
            return
        self._coming += 1
        self._most_out = min(MOST_OUT, getattr(told, "ReceiveMaximum", MOST_OUT))
        if self._hearing.topics and not (self._hearing.kept and flags.session_present):
            client.subscribe([(topic, QOS) for topic in self._hearing.topics])
        self._say(f"connected to the broker at {self._access.host}:{self._access.port}", logging.INFO)
        self._came_up()
        self.has_room()

    def _on_connect_fail(self, _client: mqtt.Client, _data: object) -> None:
        self._say(f"cannot reach the broker at {self._access.host}:{self._access.port}: {sys.exception()}")

    def _on_disconnect(self, _client: mqtt.Client, _data: object, _flags: object, reason: Any, _told: object) -> None:
        if reason.is_failure:
            self._say(f"lost the broker at {self._access.host}:{self._access.port}: {reason}; trying again")

    def _on_publish(self, _client: mqtt.Client, _data: object, mid: int, _reason: object, _told: object) -> None:
        with self._guard:
            taken = self._taken.pop(mid, None)
            if taken is None:
                self._early.add(mid)
        if taken is not None:
            taken()
            self.has_room()

    def _on_message(self, client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        coming, mid, qos = self._coming, message.mid, message.qos

        def done() -> None:
            if coming == self._coming:  # else the broker sends it again by itself
                client.ack(mid, qos)

        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = "?"
        self._hearing.put(Arrived(topic, bytes(message.payload), message.retain, done))

    def _say(self, what: str, level: int = logging.WARNING) -> None:
        """Say something once, however often it happens in a row."""
        if what != self._told:
            log.log(level, what)
        self._told = what


def _session(*, kept: bool) -> Properties:
    wanted = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho does not say its types here
    wanted.SessionExpiryInterval = SESSION_S if kept else 0
    wanted.ReceiveMaximum = MOST_IN
    wanted.MaximumPacketSize = LARGEST_BYTES
    return wanted


def _context(tls: Tls) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(tls.authority))
    if tls.certificate is not None:
        context.load_cert_chain(str(tls.certificate), None if tls.key is None else str(tls.key))
    return context


def _without_delay(_client: mqtt.Client, _data: object, opened: Any) -> None:
    """Send small messages at once."""
    if isinstance(opened, socket.socket):  # a socket of TLS is one too
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
