"""Thousands of emulated meters in one process over real MQTT: one selector, one heap of timers, no threads.

Only the meters' own time is accelerated; keep-alive, waiting and connecting stay on the wall clock. Meters connect a
few at a time, because a broker's queue of callers is short and one that finds no place tries again a second later.
"""

from __future__ import annotations

import os
import socket
import ssl
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from math import inf
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from device.chance import U32, Chance, whole
from device.emulated import Emulated
from device.identity import Identity
from device.radio import CLEAR, Radio, delays_s, wait_s
from device.signing import topic
from device.state import Send
from device.station import Broker, Counts, Place, Station
from device.timers import Timers
from device.watcher import READ, WRITE, Watcher

GIVE_UP_S = 20.0  # on a broker that takes a call and says nothing
ROUND_S = 8.0  # in which every connection is looked after once, or in a quarter of its keep-alive
WAITING_MESSAGES = 64  # per meter, while there is no connection; what does not fit is asked for again by the service
LONGEST_TURN_S = 1.0


@dataclass(slots=True)
class Fleet:
    """Meters on a broker; whoever runs it calls `turn` again and again.

    `now` is a clock that only goes forward [s]; `start_s` is the moment in the meters' world at which it begins
    (seconds since 1970), and `speed` how much faster than `now` that world goes.
    """

    broker: Broker
    chance: Chance
    now: Callable[[], float]
    start_s: int
    speed: int = 1
    radio: Radio = CLEAR
    counts: Counts = field(default_factory=Counts)
    stations: list[Station] = field(default_factory=list)
    timers: Timers[Station | Callable[[], None]] = field(default_factory=Timers)
    _watcher: Watcher[Station | Callable[[], None]] = field(default_factory=Watcher)
    _queue: deque[Station] = field(default_factory=deque)
    _connecting: set[Station] = field(default_factory=set)
    _ghosts: set[int] = field(default_factory=set)
    _now_s: float = 0.0
    _began_s: float = 0.0
    _second: int = 0
    _turn: int = 0  # of the round in which connections are looked after
    _calls: tuple[Any, ...] = ()  # what paho calls: made once, for thousands of clients

    def __post_init__(self) -> None:
        self._now_s = self._began_s = self.now()
        self._calls = (self._came, self._went, self._told, self._opened, self._closed)
        self._go_round()

    # What one does with it --------------------------------------------------------------------------------------------

    def add(self, identity: Identity, device: Emulated) -> Station:
        """Let a meter come: it connects in its turn."""
        return self._added(device, identity.username, identity.password)

    def add_twin(self, station: Station, device: Emulated) -> Station:
        """Let another meter come under the name of one that is here."""
        return self._added(device, station.client.username or "", station.client.password or "")

    def remove(self, station: Station) -> None:
        """Let a meter go for good."""
        self._leave(station)
        self._cut(station, half_open=False)
        self.stations.remove(station)

    def turn(self, longest_s: float = LONGEST_TURN_S) -> None:
        """Do what is due, then wait for messages, at most so long."""
        self._now_s = self.now()
        for due in self.timers.due(self._now_s):
            if isinstance(due, Station):
                self._look_after(due)
            else:
                due()
        while self._queue and len(self._connecting) < self.broker.connecting_at_once:
            self._connect(self._queue.popleft())
        for told, events in self._watcher.ready(self.timers.wait_s(self.now(), longest_s)):
            self._now_s = self.now()
            if isinstance(told, Station):
                self._serve(told, events)
            else:
                told()

    def run(self, until: Callable[[], bool]) -> None:
        """Go on until something is so."""
        while not until():
            self.turn()

    def stop(self) -> None:
        """Let every meter say that it goes, save what it counted, and go."""
        for station in self.stations:
            station.device.put_down()
            self._leave(station)
        for _ in range(100):
            if all(station.client.socket() is None for station in self.stations):
                break
            self.turn(0.05)
        for station in self.stations:
            self._cut(station, half_open=False)
        for ghost in self._ghosts:
            os.close(ghost)
        self._watcher.close()

    def watch(self, file: Any, action: Callable[[], None]) -> None:
        """Call somebody whenever a file can be read."""
        self._watcher.add(file.fileno(), action)

    def say(self, station: Station, sends: Iterable[Send]) -> None:
        """Let a meter say something: it goes out as the radio lets it."""
        for send in sends:
            self._carry(station, partial(self._publish, station, send.kind, send.body))
        self._flush(station)

    def look_at(self, station: Station) -> None:
        """Take note that something about a meter has changed."""
        self._schedule(station)

    def after(self, seconds: int, action: Callable[[], None]) -> None:
        """Do something after some seconds of the meters' world."""
        self.timers.at(self._now_s + seconds / self.speed, action)

    @property
    def second(self) -> int:
        """Return what time it is in the meters' world: seconds since 1970."""
        now = self.start_s + int((self._now_s - self._began_s) * self.speed + 1e-6)
        if now != self._second:
            self._second = now
        return self._second  # one number for all meters, not one for each

    def moment_s(self, second: int) -> float:
        """Return at which moment of `now` a second of the meters' world begins."""
        return self._began_s + (second - self.start_s) / self.speed

    # What happens to a connection -------------------------------------------------------------------------------------

    def silence(self, station: Station) -> None:
        """Let a connection die without either end being told; the meter finds out when its ping is not answered."""
        if station.place is Place.HERE:
            station.place, station.link_s = Place.SILENT, self._now_s + 2 * self.broker.keepalive_s
            self._cut(station, half_open=True)
            self._schedule(station)

    def switch_off(self, station: Station) -> None:
        """Let the radio of a meter die."""
        self._connecting.discard(station)
        station.place, station.link_s = Place.OFF, inf
        self._cut(station, half_open=True)

    def switch_on(self, station: Station) -> None:
        """Let the radio of a meter come back."""
        if station.place is Place.OFF:
            self._call(station)

    def reboot(self, station: Station) -> None:
        """Let a meter lose its connection, and every message it has not got rid of, as a power cut does."""
        before = station.client
        self.switch_off(station)
        station.client = self._client(before.username or "", before.password or "", station)
        self._call(station)

    def _added(self, device: Emulated, username: str, password: str) -> Station:
        station = Station(device)
        station.client = self._client(username, password, station)
        self.stations.append(station)
        self._call(station)
        return station

    def _call(self, station: Station) -> None:
        station.place, station.link_s = Place.QUEUED, inf
        self._queue.append(station)
        self._schedule(station)

    def _connect(self, station: Station) -> None:
        if station.place is not Place.QUEUED:
            return  # it went, or lost its radio, while it stood in the queue
        station.place, station.used_s = Place.CONNECTING, self._now_s
        station.birth = whole(self.chance, U32)
        self._connecting.add(station)
        client, plate = station.client, station.device.meter.nameplate
        client.will_set(topic(plate.site, plate.meter, "link"), station.device.will(station.birth), 1, retain=True)
        try:
            client.reconnect()
        except OSError:
            self.counts.failed += 1
            self._wait(station)

    def _wait(self, station: Station) -> None:
        self._connecting.discard(station)
        pause_s = wait_s(station.tries, self.chance, self.broker.first_wait_s)
        station.place, station.link_s, station.tries = Place.WAITING, self._now_s + pause_s, station.tries + 1
        self._schedule(station)

    def _cut(self, station: Station, *, half_open: bool) -> None:
        """Close a connection; `half_open` keeps our end of it, so that the broker is not told."""
        open_now = station.client.socket()
        if open_now is None:
            return
        if half_open:
            self._keep_a_ghost(os.dup(open_now.fileno()))
        self._watcher.remove(open_now.fileno())
        open_now.close()
        station.client.loop_read()  # this is how it notices

    def _keep_a_ghost(self, ghost: int) -> None:
        self._ghosts.add(ghost)

        def let_go() -> None:
            self._ghosts.discard(ghost)
            os.close(ghost)

        self.timers.at(self._now_s + 3 * self.broker.keepalive_s, let_go)

    def _leave(self, station: Station) -> None:
        was, station.place, station.link_s = station.place, Place.GONE, inf
        self._connecting.discard(station)
        if was is Place.HERE:
            self._publish_now(station, "link", station.device.will(station.birth))
            station.client.disconnect()
            self._flush(station)
        else:
            self._cut(station, half_open=False)

    # What comes and goes ----------------------------------------------------------------------------------------------

    def _serve(self, station: Station, events: int) -> None:
        if self._is_forgotten(station):
            self.silence(station)
            return
        if self.radio.forgets_after_s is not None:
            station.used_s = self._now_s
        if events & READ:
            station.client.loop_read()
            while _holds_more(station.client.socket()):
                station.client.loop_read()
        self._flush(station)

    def _flush(self, station: Station) -> None:
        """Write what waits; where there is no room for it, wait for room."""
        client = station.client
        if client.want_write():
            client.loop_write()
        wants = client.want_write()
        open_now = client.socket()
        if wants != station.is_stuck and open_now is not None:
            station.is_stuck = wants
            self._watcher.change(open_now.fileno(), READ | WRITE if wants else READ)

    def _is_forgotten(self, station: Station) -> bool:
        after_s = self.radio.forgets_after_s
        return after_s is not None and station.place is Place.HERE and self._now_s - station.used_s > after_s

    def _carry(self, station: Station, arrive: Callable[[], None]) -> None:
        """Let a message arrive: at once, later, twice or never, as the radio lets it."""
        radio = self.radio
        if radio.is_clear:
            arrive()
            return
        delays = delays_s(radio, self.chance)
        self.counts.lost_on_the_way += not delays
        for delay_s in delays:
            moment_s = self._now_s + delay_s
            if radio.in_order:
                moment_s = station.latest_s = max(moment_s, station.latest_s)
            self.timers.at(moment_s, arrive)

    def _publish(self, station: Station, kind: str, body: bytes) -> None:
        """Give a message to the broker; one about a state is not kept for later, when the state is told anyway."""
        if kind == "reported" and station.place not in (Place.HERE, Place.SILENT):
            return
        if self._is_forgotten(station):
            self.silence(station)
        elif self.radio.forgets_after_s is not None:
            station.used_s = self._now_s
        self._publish_now(station, kind, body)

    def _publish_now(self, station: Station, kind: str, body: bytes) -> None:
        plate = station.device.meter.nameplate
        told = station.client.publish(topic(plate.site, plate.meter, kind), body, 1, retain=kind == "link")
        self.counts.said += 1
        self.counts.dropped += told.rc == MQTTErrorCode.MQTT_ERR_QUEUE_SIZE

    def _hear(self, station: Station, kind: str, body: bytes) -> None:
        device = station.device
        sends = device.advance(self.second)
        self.say(station, [*sends, *device.hear(kind, body)])
        self._schedule(station)

    # Time -------------------------------------------------------------------------------------------------------------

    def _schedule(self, station: Station) -> None:
        """Set the timer of a meter, where it has to be looked at earlier than is set."""
        due_s = min(station.link_s, self.moment_s(station.device.look_again_s))
        if due_s < station.due_s:
            station.due_s = due_s
            self.timers.at_any_rate(due_s, station)

    def _look_after(self, station: Station) -> None:
        if self._now_s < station.due_s or station.place is Place.GONE:
            return  # an older timer
        station.due_s = inf
        if self._now_s >= station.link_s:
            station.link_s = inf
            if station.place is Place.WAITING:
                self._call(station)
            elif station.place is Place.SILENT:
                self._wait(station)
        self.say(station, station.device.advance(self.second))
        self._schedule(station)

    def _go_round(self) -> None:
        """See to some of the connections, each once in a round; they need no timer of their own."""
        round_s = min(ROUND_S, self.broker.keepalive_s / 4)
        turns = max(1, min(len(self.stations), int(round_s * 20)))
        self._turn = (self._turn + 1) % turns
        for station in self.stations[self._turn :: turns]:
            self._tend(station)
        self.timers.at(self._now_s + round_s / turns, self._go_round)

    def _tend(self, station: Station) -> None:
        """Let a connection be kept alive, and give up one that nobody answers."""
        if station.place is Place.HERE and not self._is_forgotten(station):
            station.client.loop_misc()
            self._flush(station)
        elif station.place is Place.CONNECTING and self._now_s - station.used_s > GIVE_UP_S:
            self.counts.failed += 1
            station.place = Place.WAITING
            self._cut(station, half_open=False)
            self._wait(station)

    # What paho calls --------------------------------------------------------------------------------------------------

    def _client(self, username: str, password: str, station: Station) -> mqtt.Client:
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id=username, userdata=station, reconnect_on_failure=False
        )
        client.username_pw_set(username, password)
        client.max_queued_messages_set(WAITING_MESSAGES)
        client.on_connect, client.on_disconnect, client.on_message = self._calls[:3]
        client.on_socket_open, client.on_socket_close = self._calls[3:]
        if self.broker.tls is not None:
            client.tls_set_context(self.broker.tls)
        client.connect_async(self.broker.host, self.broker.port, self.broker.keepalive_s)
        return client

    def _opened(self, _client: mqtt.Client, station: Station, opened: Any) -> None:
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        station.is_stuck = False
        self._watcher.add(opened.fileno(), station)

    def _closed(self, _client: mqtt.Client, _station: Station, closed: Any) -> None:
        if closed.fileno() != -1:  # else it was closed by `_cut`
            self._watcher.remove(closed.fileno())

    def _came(self, client: mqtt.Client, station: Station, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            self.counts.refused += 1
            return  # paho closes the connection
        client.will_clear()  # the broker has it; a new one is written before the next coming
        self._connecting.discard(station)
        station.place, station.tries = Place.HERE, 0
        self.counts.comings += 1
        plate = station.device.meter.nameplate
        client.subscribe([(topic(plate.site, plate.meter, kind), 1) for kind in ("desired", "request")])
        self.say(station, station.device.connect(station.birth))
        self._schedule(station)

    def _went(self, _client: mqtt.Client, station: Station, *_about: Any) -> None:
        if station.place in (Place.HERE, Place.CONNECTING):
            self.counts.goings += 1
            self._wait(station)

    def _told(self, _client: mqtt.Client, station: Station, message: mqtt.MQTTMessage) -> None:
        self.counts.heard += 1
        kind = message.topic.rpartition("/")[2]
        self._carry(station, partial(self._hear, station, kind, bytes(message.payload)))


def _holds_more(connection: object) -> bool:
    """Return whether TLS has decrypted more than was read; no watcher sees that."""
    return isinstance(connection, ssl.SSLSocket) and connection.pending() > 0
