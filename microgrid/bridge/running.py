"""The bridge at work: two connections, a worker for what comes in and one for what goes out.

Reports and orders have a connection of their own, so that readings, however many, hold up neither.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

from microgrid import meter_flows
from microgrid.bridge.carrier import Arrived
from microgrid.bridge.inbox import Inbox
from microgrid.bridge.keyring import Keyring
from microgrid.bridge.link import BrokerAccess, Hearing, MqttLink
from microgrid.bridge.outgoing import Outgoing
from microgrid.bridge.shares import CLAIMED_EVERY_S, Share
from microgrid.clock import stopwatch
from microgrid.errors import Environment
from microgrid.ports import Core
from microgrid.ticking import Ticker

log = logging.getLogger("microgrid.bridge")

STATES = ("mg/1/+/+/link", "mg/1/+/+/reported", "mg/1/+/gateway/+/up")
EVENTS, READINGS = "mg/1/+/+/event", "mg/1/+/+/readings"
AGAIN_EVERY_S = 1  # how often to look for what is due to be sent again
WRITTEN_EVERY_S = 0.2  # when the broker took what
REGISTERS_EVERY_S = 60  # how often to look for meters that keep no rows and owe their register
IDLE_S = 1.0
PAUSE_S = 1.0  # when the books are out of reach


@dataclass(frozen=True, slots=True)
class Well:
    """How a bridge is: whether the broker is there, and what waits."""

    is_up: bool
    waiting_in: int
    waiting_out: int


class Bridge:
    """Joins the control plane and its meters; `core` is the one whose link it is."""

    def __init__(self, core: Core, access: BrokerAccess, worker: str = "") -> None:
        keyring = Keyring(core.keys)
        self._came_up, self._stop, self._wake = threading.Event(), threading.Event(), threading.Event()
        self._share = Share(worker)
        hears_states, hears_readings = _hearings(access.client_id, worker, self._put)
        known = f"{access.client_id}-{worker}" if worker else access.client_id
        self._states = MqttLink(replace(access, client_id=f"{known}-states"), hears_states, self._up)
        self._readings = MqttLink(replace(access, client_id=f"{known}-readings"), hears_readings)
        self.outgoing = Outgoing(core, self._states, keyring)
        self.core = replace(core, link=self.outgoing)
        self.inbox = Inbox(self.core, keyring)
        self.inbox.is_ours = self._share.holds
        self.outgoing.wake = self._states.has_room = self._wake.set
        self._again = Ticker(self.core, AGAIN_EVERY_S, self._send_again)
        self._asking, self._asked_to = Ticker(self.core, REGISTERS_EVERY_S, self._ask_registers), ""
        self._claiming = Ticker(self.core, CLAIMED_EVERY_S, self._share.claim)
        self._workers = [
            threading.Thread(target=self._guarded, args=(work,), name=name, daemon=True)
            for name, work in (("bridge in", self._take_in), ("bridge out", self._send_out))
        ]

    def start(self) -> None:
        """Begin to work; a broker that is not there yet is waited for."""
        self._share.claim(self.core)
        for worker in self._workers:
            worker.start()
        self._states.start()
        self._readings.start()
        self._again.start()
        self._asking.start()
        if self._share.worker:
            self._claiming.start()

    def stop(self, wait_s: float) -> bool:
        """End in order, and say whether everything ended in time; what was not acknowledged comes again."""
        self._stop.set()
        self._wake.set()
        self.inbox.close()
        ended = self._again.stop(wait_s)
        ended = self._asking.stop(wait_s) and ended
        for worker in self._workers:
            worker.join(wait_s)
        self._states.stop()
        self._readings.stop()
        if self._share.worker:
            ended = self._claiming.stop(wait_s) and ended
            self._share.let_go(self.core)
        return ended and not any(worker.is_alive() for worker in self._workers)

    def well(self) -> Well:
        """Return how the bridge is."""
        return Well(self._states.is_up and self._readings.is_up, self.inbox.waiting(), self.outgoing.waiting())

    def _send_again(self, core: Core) -> None:
        meter_flows.send_again(core, self._share.holds)

    def _ask_registers(self, core: Core) -> None:
        self._asked_to = meter_flows.ask_registers(core, self._asked_to, self._share.holds)

    def _put(self, arrived: Arrived) -> None:
        self.inbox.put(arrived)

    def _up(self) -> None:
        self._came_up.set()
        self._wake.set()

    def _guarded(self, work: Callable[[], None]) -> None:
        """Work until told to stop; whatever goes wrong is said, and tried again after a pause."""
        said = ""
        while not self._stop.is_set():
            try:
                work()
                said = ""
            except Exception as error:
                if str(error) != said:
                    is_ours = not isinstance(error, Environment)
                    log.error("the bridge cannot work: %s", error, exc_info=error if is_ours else None)
                said = str(error)
                self._stop.wait(PAUSE_S)

    def _take_in(self) -> None:
        if not self.inbox.work():
            self.inbox.wait(IDLE_S)

    def _send_out(self) -> None:
        since_written_s = stopwatch()
        while not self._stop.is_set():
            self._wake.wait(WRITTEN_EVERY_S if self.outgoing.has_taken else IDLE_S)
            self._wake.clear()
            if self._came_up.is_set():
                self._came_up.clear()
                meter_flows.catch_up(self.core)
            while self.outgoing.work():
                pass
            if since_written_s() >= WRITTEN_EVERY_S:
                self.outgoing.write_down()
                since_written_s = stopwatch()


def _hearings(group: str, worker: str, put: Callable[[Arrived], None]) -> tuple[Hearing, Hearing]:
    """Return what the two connections listen to; of several workers each gets a part of readings and events."""
    if not worker:
        return Hearing((*STATES, EVENTS), put), Hearing((READINGS,), put)
    shared = tuple(f"$share/{group}/{topic}" for topic in (EVENTS, READINGS))
    return Hearing(STATES, put), Hearing(shared, put, kept=False)  # a broker would keep them for one that never comes
