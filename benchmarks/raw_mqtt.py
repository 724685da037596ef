"""MQTT 3.1.1 in its barest form, for floors and for tests: what a broker can do when almost nothing is in its way.

It answers what must be answered, acknowledges what it hears, and knows no lost connections. Messages have at most
16,383 bytes. Nothing of ours is used, so that what is measured or tested against it is not our own code twice.
"""

from __future__ import annotations

import select
import socket
from dataclasses import dataclass, field

CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK, PINGREQ, DISCONNECT = 1, 2, 3, 4, 8, 9, 12, 14
BUFFER = 1 << 18


class RefusedError(ConnectionError):
    """The broker does not let us in, or not onto a topic."""


@dataclass(slots=True)
class RawClient:
    """A connection to a broker; `acknowledged` counts what the broker has taken of what we published."""

    link: socket.socket
    acknowledged: int = 0
    _number: int = 0
    _buffer: bytes = b""
    _out: bytearray = field(default_factory=bytearray)
    _came: list[tuple[int, bytes]] = field(default_factory=list)

    def fileno(self) -> int:
        """Return what a selector asks for."""
        return self.link.fileno()

    def subscribe(self, *filters: str) -> None:
        """Ask for topics at QoS 1, and wait for the answer."""
        asked = b"".join(_text(each) + b"\x01" for each in filters)
        self.send(_packet(SUBSCRIBE << 4 | 2, self._next() + asked))
        codes = self._wait_for(SUBACK)[2:]
        if any(code > 2 for code in codes):
            raise RefusedError(f"refused: {filters}")

    def publish(self, topic: str, body: bytes, *, retain: bool = False) -> None:
        """Put a message at QoS 1 into what `flush` sends."""
        head = PUBLISH << 4 | 2 | retain
        self._out += _packet(head, _text(topic) + self._next() + body)

    def send(self, packet: bytes) -> None:
        """Send a packet after all that waits, whatever it holds."""
        self._out += packet
        self.flush()

    def flush(self) -> None:
        """Send everything that waits."""
        while self._out:
            _, writable, _ = select.select([], [self.link], [], 30)
            if not writable:
                raise TimeoutError("the broker takes nothing")
            del self._out[: self.link.send(self._out)]

    def heard(self, wait_s: float = 0.0) -> list[tuple[str, bytes]]:
        """Return the messages that came, as topics and bodies, and acknowledge them; wait so long for the first."""
        if not self._came:
            self._read(wait_s)
        came, self._came = self._came, []
        found = [self._message(head, body) for head, body in came if head >> 4 == PUBLISH]
        self.acknowledged += sum(head >> 4 == PUBACK for head, _ in came)
        self.flush()
        return found

    def close(self) -> None:
        """Go, and say so."""
        self.send(_packet(DISCONNECT << 4, b""))
        self.link.close()

    def _message(self, head: int, body: bytes) -> tuple[str, bytes]:
        end = 2 + int.from_bytes(body[:2], "big")
        topic = body[2:end].decode()
        if head & 6:
            self._out += _packet(PUBACK << 4, body[end : end + 2])
            end += 2
        return topic, body[end:]

    def _read(self, wait_s: float) -> None:
        readable, _, _ = select.select([self.link], [], [], wait_s)
        if not readable:
            return
        came = self.link.recv(BUFFER)
        if not came:
            raise ConnectionResetError("the broker closed the connection")
        buffer, at = self._buffer + came, 0
        while (measured := _measured(buffer, at)) is not None:
            begin, end = measured
            self._came.append((buffer[at], buffer[begin:end]))
            at = end
        self._buffer = buffer[at:]

    def _wait_for(self, kind: int) -> bytes:
        for _ in range(100):
            for place, (head, body) in enumerate(self._came):
                if head >> 4 == kind:
                    del self._came[place]
                    return body
            self._read(30)
        raise TimeoutError("the broker does not answer")

    def _next(self) -> bytes:
        self._number = self._number % 65_535 + 1
        return self._number.to_bytes(2, "big")


def connected(
    address: str, name: str, user: str = "", password: str = "", keepalive_s: int = 0, *, clean: bool = True
) -> RawClient:
    """Connect to a broker at HOST:PORT; RefusedError when it does not let us in."""
    host, _, port = address.rpartition(":")
    link = socket.create_connection((host, int(port)), timeout=30)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    client = RawClient(link)
    flags = (0xC0 if user else 0) | (2 if clean else 0)
    told = _text("MQTT") + bytes([4, flags]) + keepalive_s.to_bytes(2, "big") + _text(name)
    client.send(_packet(CONNECT << 4, told + (_text(user) + _text(password) if user else b"")))
    answer = client._wait_for(CONNACK)
    if answer[1]:
        raise RefusedError(f"the broker answers {answer[1]}")
    return client


def _packet(head: int, body: bytes) -> bytes:
    low, high = len(body) & 0x7F, len(body) >> 7
    return (bytes([head, low | 0x80, high]) if high else bytes([head, low])) + body


def _measured(buffer: bytes, at: int) -> tuple[int, int] | None:
    """Return where the body of the packet at a place begins and ends, or nothing while it is not all there."""
    length, shift = 0, 0
    for place in range(at + 1, min(at + 5, len(buffer))):
        length |= (buffer[place] & 0x7F) << shift
        shift += 7
        if buffer[place] < 0x80:
            end = place + 1 + length
            return (place + 1, end) if end <= len(buffer) else None
    return None


def _text(text: str) -> bytes:
    encoded = text.encode()
    return len(encoded).to_bytes(2, "big") + encoded
