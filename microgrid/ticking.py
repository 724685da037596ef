"""The clockwork of a running service: a tick every so often, each failure told once, and how the last one went."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from microgrid import flows
from microgrid.clock import stopwatch
from microgrid.ports import Core

log = logging.getLogger("microgrid.tick")


@dataclass(frozen=True, slots=True)
class Pulse:
    """How the last tick went: when it ended, how long it took, and how many of its steps failed."""

    ended_at: datetime
    took_s: float
    failed: int


class Ticker:
    """Ticks until it is stopped; begins to count at once, so that a service which never ticked is seen too."""

    def __init__(self, core: Core, every_s: int, do: Callable[[Core], None] = flows.on_tick) -> None:
        self.core, self.every_s, self._do = core, every_s, do
        self.pulse = Pulse(core.clock.now(), 0.0, 0)
        self._stop = threading.Event()
        self._told: frozenset[str] = frozenset()
        self._thread = threading.Thread(target=self._run, name="tick", daemon=True)

    def start(self) -> None:
        """Begin to tick, in a thread of its own."""
        self._thread.start()

    def stop(self, wait_s: float) -> bool:
        """Let the tick under way end, and say whether it did in time."""
        self._stop.set()
        self._thread.join(wait_s)
        return not self._thread.is_alive()

    def tick(self) -> None:
        """Tick once; a step that fails is due again at the next tick, and its cause is told when it is new."""
        took_s, causes = stopwatch(), dict[str, Exception]()
        try:
            self._do(self.core)
        except Exception as error:  # the next tick tries again; the service must go on taking payments
            causes = {_cause(each): each for each in _leaves(error)}
        self.pulse = Pulse(self.core.clock.now(), took_s(), len(causes))
        for cause in sorted(causes.keys() - self._told):
            log.error("a step of the tick fails: %s", cause, exc_info=causes[cause])
        for cause in sorted(self._told - causes.keys()):
            log.info("a step of the tick is well again: %s", cause)
        self._told = frozenset(causes)

    def age_s(self) -> float:
        """Return how long ago the last tick ended."""
        return (self.core.clock.now() - self.pulse.ended_at).total_seconds()

    def _run(self) -> None:
        while not self._stop.wait(self.every_s):
            self.tick()


def _leaves(error: Exception) -> Iterator[Exception]:
    """Yield what went wrong, each by itself."""
    inner: Iterable[Exception] = error.exceptions if isinstance(error, ExceptionGroup) else ()
    if not isinstance(error, ExceptionGroup):
        yield error
    for each in inner:
        yield from _leaves(each)


def _cause(error: Exception) -> str:
    """Return what tells one cause from another: what was raised, and where; not its numbers, which change."""
    place, trace = "", error.__traceback__
    while trace is not None:
        place, trace = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}", trace.tb_next
    return f"{type(error).__name__} at {'/'.join(place.split('/')[-2:])}"
