"""What comes in from meters: put down by the network, taken in by one worker, acknowledged when it is in the books.

The network only puts down. The worker takes what is there, never waits for more, and takes reports, comings and events
before readings. Whoever sends faster than the books can take it waits: nothing is thrown away, since the broker keeps
what is not acknowledged. What can never be taken is kept as a dead letter with the reason, and acknowledged.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

from device.signing import MeterKeys, parts
from microgrid import meter_flows
from microgrid.bridge.carrier import Arrived
from microgrid.bridge.keyring import Address, Keyring
from microgrid.bridge.wire import Topic, carried, gateway_of, heard, topic_of
from microgrid.errors import Environment
from microgrid.ports import Core
from microgrid.switching.meter_records import DeadLetter
from microgrid.switching.told import Batch, Coming, Happening, Report, Told

log = logging.getLogger("microgrid.bridge")

STATES_AT_ONCE = 500
READINGS_AT_ONCE = 100  # messages of up to 12 rows: so long a new report may have to wait
MOST_WAITING = 5000  # of each; then the network waits
KEPT_PER_TOPIC = 20  # dead letters
LONGEST_KEPT = 1024  # bytes of a dead letter
OF_ONE_WORKER = ("link", "reported")  # everybody hears them; of the rest each worker gets some
STRANGERS = "of no meter of ours"

Flow = Callable[[Core, Sequence[Any]], object]
FLOWS: tuple[tuple[type, Flow], ...] = (
    (Coming, meter_flows.on_links),
    (Report, meter_flows.on_reports),
    (Happening, meter_flows.on_events),
    (Batch, meter_flows.on_rows),
)


@dataclass(frozen=True, slots=True)
class _Part:
    """One message of one meter, whoever brought it."""

    topic: str
    body: bytes
    retained: bool = False
    gateway: str = ""


@dataclass(slots=True)
class _Opened:
    """What a batch of messages holds: what was told, by which message, what is dead, and which fresh keys were used."""

    told: list[tuple[Told, _Part]] = field(default_factory=list)
    dead: list[DeadLetter] = field(default_factory=list)
    fresh: dict[str, int] = field(default_factory=dict)


class Inbox:
    """The messages that wait, and the worker's turn at them."""

    def __init__(self, core: Core, keyring: Keyring, most_waiting: int = MOST_WAITING) -> None:
        self.core, self._keyring, self._most = core, keyring, most_waiting
        self.flows = FLOWS
        self.is_ours: Callable[[str], bool] = lambda _: True
        self._states: deque[Arrived] = deque()
        self._readings: deque[Arrived] = deque()
        self._changed = threading.Condition()
        self._batch: list[Arrived] = []
        self._closed = False

    def put(self, arrived: Arrived) -> None:
        """Put a message down; waits while there are too many."""
        queue = self._readings if arrived.topic.endswith("/readings") else self._states
        with self._changed:
            if len(queue) >= self._most:
                self._changed.wait_for(lambda: len(queue) < self._most or self._closed)
            queue.append(arrived)
            if len(queue) == 1:  # else the worker has been woken already
                self._changed.notify_all()

    def wait(self, seconds: float) -> None:
        """Wait until there is a message, or for so long."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or bool(self._states or self._readings), seconds)

    def waiting(self) -> int:
        """Return how many messages wait."""
        with self._changed:
            return len(self._states) + len(self._readings) + len(self._batch)

    def close(self) -> None:
        """Let nobody wait any more; what is not taken in was not acknowledged, and comes again."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def work(self) -> int:
        """Take in what waits and acknowledge it; return how many messages.

        Raises Environment when the books are out of reach: the same messages are taken at the next turn.
        """
        if not self._batch:
            self._batch = self._next()
        if not self._batch:
            return 0
        self._take_in(self._batch)
        done, self._batch = self._batch, []
        for arrived in done:
            arrived.done()
        return len(done)

    def _next(self) -> list[Arrived]:
        with self._changed:
            states = [self._states.popleft() for _ in range(min(len(self._states), STATES_AT_ONCE))]
            readings = [self._readings.popleft() for _ in range(min(len(self._readings), READINGS_AT_ONCE))]
            self._changed.notify_all()
        return [*states, *readings]

    def _take_in(self, batch: Sequence[Arrived]) -> None:
        opened = self._open(batch)
        for kind, flow in self.flows:
            mine = [(told, part) for told, part in opened.told if isinstance(told, kind)]
            if mine:
                opened.dead += _attempted(self.core, flow, mine)
        if opened.dead:
            meter_flows.on_dead(self.core, opened.dead)
        for meter_id, slot in opened.fresh.items():
            meter_flows.on_key_shown(self.core, meter_id, slot)

    def _open(self, batch: Sequence[Arrived]) -> _Opened:
        """Return what messages tell, once each is proven to be of the meter that its topic names."""
        now, found = self.core.clock.now(), _Opened()
        parts = [part for arrived in batch for part in _parts(found, arrived, now)]
        topics = [topic_of(part.topic) for part in parts]
        with self.core.store.read() as uow:
            addresses = self._keyring.addresses(uow, {topic.meter for topic in topics if topic is not None})
        for topic, part in zip(topics, parts, strict=True):
            if not part.body and part.retained:
                continue  # somebody has taken back what the broker kept
            if topic is not None and topic.kind in OF_ONE_WORKER and not self.is_ours(topic.meter):
                continue  # another worker takes it
            self._prove(found, topic, part, None if topic is None else addresses.get(topic.meter), now)
        return found

    def _prove(self, found: _Opened, topic: Topic | None, part: _Part, address: Address | None, now: datetime) -> None:
        why = _refusal(topic, address)
        if why or topic is None or address is None or address.keys is None:
            found.dead.append(dead_letter(part, why, now, known=address is not None))
            return
        try:
            told = heard(topic, part.body, address.keys, retained=part.retained, gateway=part.gateway)
        except ValueError as error:
            found.dead.append(dead_letter(part, str(error), now))
        else:
            found.told.append((told, part))
            _note_slot(found, topic.meter, part.body, address.keys)


def _parts(found: _Opened, arrived: Arrived, now: datetime) -> list[_Part]:
    """Return the messages of a message: several where a gateway carries them, else itself."""
    whole = _Part(arrived.topic, arrived.body, arrived.retained)
    gateway = gateway_of(arrived.topic)
    if not gateway:
        return [whole]
    try:
        return [_Part(topic, body, gateway=gateway) for topic, body in carried(arrived.topic, arrived.body)]
    except ValueError as error:
        found.dead.append(dead_letter(whole, str(error), now, known=False))
        return []


def dead_letter(part: _Part, why: str, now: datetime, *, known: bool = True) -> DeadLetter:
    """Return a message as it is kept; strangers share one shelf, and every shelf has few places."""
    place = sha256(part.body).digest()[0] % KEPT_PER_TOPIC
    topic = "".join(each if each.isprintable() else "?" for each in part.topic[:200])
    shelf = topic if known else STRANGERS
    return DeadLetter(f"{shelf}#{place:02}", topic, why[:300], part.body[:LONGEST_KEPT], now)


def _refusal(topic: Topic | None, address: Address | None) -> str:
    if topic is None:
        return "no meter speaks under this topic"
    if address is None:
        return f"there are no keys of a meter '{topic.meter[:40]}'"
    if address.site != topic.site:
        return f"meter '{topic.meter}' belongs to site '{address.site}'"
    return address.why


def _note_slot(found: _Opened, meter_id: str, body: bytes, keys: MeterKeys) -> None:
    slot = parts(body, keys.tag_bytes)[0]
    if slot != keys.sign_with:
        found.fresh[meter_id] = slot


def _attempted(core: Core, flow: Flow, told: Sequence[tuple[Told, _Part]]) -> Iterable[DeadLetter]:
    """Let a flow take messages together; when it fails over them, each half alone, so that one harms no other."""
    try:
        flow(core, [each for each, _ in told])
    except Environment:
        raise
    except Exception as error:
        now = core.clock.now()
        if len(told) == 1:
            log.exception("a message of %s could not be taken in", told[0][1].topic)
            return [dead_letter(told[0][1], f"a bug of ours, {type(error).__name__}: {error}", now)]
        half = len(told) // 2
        return [*_attempted(core, flow, told[:half]), *_attempted(core, flow, told[half:])]
    return []
