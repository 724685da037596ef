"""The tester's line to a meter: messages of the device protocol on their topics, over a broker."""

from __future__ import annotations

import socket
import ssl
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import cbor2
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from device.signing import topic

UPLINKS = ("link", "reported", "event", "readings")
KEEPALIVE_S = 3600  # a person at the bench may take his time
TURN_S = 0.5


class LineError(Exception):
    """The broker cannot be reached, does not let us in, or has gone; the text says which."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """A message of the meter as it came."""

    kind: str
    body: bytes
    qos: int = 1
    is_retained: bool = False


class Line(Protocol):
    """What the tester needs of a connection."""

    @property
    def is_direct(self) -> bool:
        """Return whether the meter has a connection of its own, and so a will and a retained birth."""
        ...

    def publish(self, kind: str, body: bytes, *, retain: bool = False) -> None:
        """Send a message to the meter."""
        ...

    def next(self, wait_s: float) -> Arrived | None:
        """Return the next message of the meter, or nothing when none comes in time."""
        ...

    def look_again(self) -> None:
        """Ask the broker for what it retains of the meter."""
        ...


class NoLine:
    """The line to a device that has none: a keypad and nothing else."""

    is_direct = False

    def publish(self, kind: str, body: bytes, *, retain: bool = False) -> None:
        """Send nothing."""

    def next(self, wait_s: float) -> None:  # noqa: ARG002 - nothing comes, however long one waits
        """Return nothing."""
        return

    def look_again(self) -> None:
        """Ask nobody."""


@dataclass(frozen=True, slots=True)
class Way:
    """By which topics a meter is reached: its own, or those of the gateway that carries it."""

    site: str
    meter: str
    gateway: str = ""

    def down(self, kind: str) -> str:
        """Return the topic of a message to the meter."""
        if self.gateway:
            return f"mg/1/{self.site}/gateway/{self.gateway}/{self.meter}/{kind}"
        return topic(self.site, self.meter, kind)

    @property
    def ups(self) -> tuple[str, ...]:
        """Return the topics on which it is heard."""
        if self.gateway:
            return (f"mg/1/{self.site}/gateway/{self.gateway}/up",)
        return tuple(topic(self.site, self.meter, kind) for kind in UPLINKS)

    def read(self, about: str, body: bytes) -> list[tuple[str, bytes]]:
        """Return the kind and bytes of each message of this meter in what came on a topic."""
        if not self.gateway:
            return [(about.rsplit("/", 1)[1], body)]
        try:
            carried = cbor2.loads(body)
            return [(kind, bytes(message)) for meter, kind, message in carried if meter == self.meter]
        except (cbor2.CBORError, ValueError, TypeError):
            return [("up", body)]


@dataclass(frozen=True, slots=True)
class Access:
    """Where the broker is, and how the tester shows itself to it."""

    host: str
    port: int
    username: str = ""
    password: str = field(default="", repr=False)
    tls: ssl.SSLContext | None = None


class MqttLine:
    """A line over MQTT, used by one thread; `now` is a clock that only goes forward [s]."""

    def __init__(self, access: Access, way: Way, now: Callable[[], float], wait_s: float) -> None:
        self._way, self._now = way, now
        self._arrived: deque[Arrived] = deque()
        self._welcome = ""
        self._subscribed = 0
        self._client = self._made(access)
        try:
            self._client.connect(access.host, access.port, keepalive=KEEPALIVE_S)
        except OSError as error:
            raise LineError(f"no broker answers at {access.host}:{access.port} ({error})") from None
        self._wait(lambda: bool(self._welcome), wait_s, "it does not answer as a broker does")
        if self._welcome != "Success":
            raise LineError(f"the broker does not let {access.username or 'a nameless tester'} in: {self._welcome}")
        self.look_again()
        self._wait(lambda: self._subscribed > 0, wait_s, "it does not let us hear the meter's topics")

    @property
    def is_direct(self) -> bool:
        """Return whether the meter has a connection of its own, and so a will and a retained birth."""
        return not self._way.gateway

    def publish(self, kind: str, body: bytes, *, retain: bool = False) -> None:
        """Send a message to the meter."""
        self._client.publish(self._way.down(kind), body, qos=1, retain=retain)

    def next(self, wait_s: float) -> Arrived | None:
        """Return the next message of the meter, or nothing when none comes in time."""
        end_s = self._now() + wait_s
        while not self._arrived:
            left_s = end_s - self._now()
            self._turn(max(0.0, left_s))
            if left_s <= 0:
                break
        return self._arrived.popleft() if self._arrived else None

    def look_again(self) -> None:
        """Ask the broker for what it retains of the meter."""
        self._client.subscribe([(about, 1) for about in self._way.ups])

    def close(self) -> None:
        """Go."""
        self._client.disconnect()
        self._client.loop(0)

    def _made(self, access: Access) -> mqtt.Client:
        client = mqtt.Client(CallbackAPIVersion.VERSION2)
        client.max_queued_messages_set(1000)
        if access.username:
            client.username_pw_set(access.username, access.password)
        if access.tls is not None:
            client.tls_set_context(access.tls)
        client.on_socket_open = self._opened
        client.on_connect = self._welcomed
        client.on_subscribe = self._heard_of
        client.on_message = self._took
        return client

    def _turn(self, wait_s: float) -> None:
        if self._client.loop(min(TURN_S, wait_s)) != MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise LineError("the broker has ended the connection")

    def _wait(self, until: Callable[[], bool], wait_s: float, otherwise: str) -> None:
        end_s = self._now() + wait_s
        while not until():
            if self._now() >= end_s:
                raise LineError(f"at this address there is something, but {otherwise}")
            self._turn(TURN_S)

    def _opened(self, _client: mqtt.Client, _data: Any, opened: Any) -> None:
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _welcomed(self, _client: mqtt.Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        self._welcome = str(reason)

    def _heard_of(self, _client: mqtt.Client, _data: Any, _number: int, reasons: Any, _properties: Any) -> None:
        self._subscribed += not any(reason.is_failure for reason in reasons)

    def _took(self, _client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        for kind, body in self._way.read(message.topic, bytes(message.payload)):
            self._arrived.append(Arrived(kind, body, message.qos, bool(message.retain)))
