"""Sends to addresses that others chose: only to public ones, never by a detour, and none can hold up the others.

The name is looked up here and the connection made to the very address that was checked, so that a name which changes
its meaning in between leads nowhere. Redirects and proxies of the environment are not followed.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from http.client import HTTPConnection, HTTPException
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

from microgrid.clock import stopwatch
from microgrid.customers.subscribers import Message

SIDE_BY_SIDE = 8
ONE_S = 10.0  # of one delivery, from the first byte to the answer
ALL_S = 30.0  # of what is sent at once: the rest stays due
TRANSLATED = IPv6Network("64:ff9b::/96")  # RFC 6052: an IPv4 address within
Address = IPv4Address | IPv6Address


class WebPoster:
    """The `Poster` port over HTTPS; `allowed` are networks of ours that may be reached, also without TLS."""

    def __init__(self, allowed: Sequence[str] = (), one_s: float = ONE_S, all_s: float = ALL_S) -> None:
        self._allowed = tuple(ip_network(each) for each in allowed)
        self._one_s, self._all_s = one_s, all_s

    @cached_property
    def _context(self) -> ssl.SSLContext:
        return ssl.create_default_context()  # takes long: only where something is sent

    def refusal(self, url: str) -> str:
        """Return why nothing is sent to an address, or nothing when something may be."""
        try:
            self._found(urlsplit(url))
        except (OSError, ValueError) as error:
            return str(error)
        return ""

    def post_all(self, messages: Sequence[Message]) -> Sequence[str | None]:
        """Send each once, several side by side; a host that cannot be reached is tried once."""
        taken_s, silent = stopwatch(), set[str]()

        def answer(message: Message) -> str | None:
            host = urlsplit(message.url).netloc
            if taken_s() > self._all_s:
                return None
            if host in silent:
                return f"{host} could not be reached a moment ago"
            try:
                return self._post(message)
            except (OSError, HTTPException, ValueError) as error:
                silent.add(host)
                return f"{host} cannot be reached: {str(error) or type(error).__name__}"

        with ThreadPoolExecutor(SIDE_BY_SIDE, "webhook") as workers:
            return list(workers.map(answer, messages))

    def _post(self, message: Message) -> str:
        """Send one message and return what the receiver had against it, or nothing."""
        parts = urlsplit(message.url)
        context = self._context if parts.scheme == "https" else None
        connection = _Straight(self._found(parts), context, self._one_s)
        alarm = threading.Timer(self._one_s, connection.cut)
        alarm.start()
        try:
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            connection.request("POST", path, message.body, {**message.headers, "connection": "close"})
            status = connection.getresponse().status
        finally:
            alarm.cancel()
            connection.close()
        if connection.was_cut:
            raise OSError(f"no whole answer in {self._one_s:g} s")
        return "" if 200 <= status < 300 else f"{parts.netloc} answered {status}"

    def _found(self, parts: SplitResult) -> _Place:
        """Return where an address leads; OSError or ValueError when nothing is sent there."""
        port = parts.port or (443 if parts.scheme == "https" else 80)
        host = parts.hostname or ""
        try:
            answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise OSError(f"the name {host} is not known") from error
        addresses = [ip_address(str(each[4][0]).partition("%")[0]) for each in answers]
        for address in addresses:
            self._check(address, parts.scheme)
        return _Place(host, port, str(addresses[0]))

    def _check(self, address: Address, scheme: str) -> None:
        if any(address in network for network in self._allowed):
            return
        if not is_public(address):
            raise OSError(f"{address} is no public address")
        if scheme != "https":
            raise OSError("a public address needs https")


def is_public(address: Address) -> bool:
    """Say whether an address is one of the internet, also where it is wrapped into another."""
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if inner is None and address in TRANSLATED:
            inner = IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
    return address.is_global and not address.is_multicast


@dataclass(frozen=True, slots=True)
class _Place:
    host: str
    port: int
    address: str


class _Straight(HTTPConnection):
    """A connection to one address, whatever its name means by now."""

    def __init__(self, place: _Place, context: ssl.SSLContext | None, timeout_s: float) -> None:
        super().__init__(place.host, place.port, timeout=timeout_s)
        self.default_port = 80 if context is None else 443
        self._place, self._context = place, context
        self.was_cut = False

    def connect(self) -> None:
        """Connect, and for https check that the other side is who the name says."""
        self.sock = socket.create_connection((self._place.address, self._place.port), self.timeout)
        if self._context is not None:
            name = self._place.host
            secure = self._context.wrap_socket(self.sock, server_hostname=name, do_handshake_on_connect=False)
            self.sock = secure  # so that a slow handshake can be cut as well
            secure.do_handshake()

    def cut(self) -> None:
        """End the connection at once, whoever waits on it."""
        self.was_cut = True
        if self.sock is not None:
            with suppress(OSError):  # closed already
                self.sock.shutdown(socket.SHUT_RDWR)
