"""Which meters a worker looks after: all of them, or its share where several work on one database."""

from __future__ import annotations

from microgrid import meter_flows
from microgrid.ports import Core
from microgrid.switching.partitions import part_of

CLAIMED_EVERY_S = 5


class Share:
    """The meters of one worker; without a name it works alone, and all are its own."""

    def __init__(self, worker: str = "") -> None:
        self.worker = worker
        self._parts: frozenset[int] = frozenset()

    def holds(self, meter_id: str) -> bool:
        """Return whether a meter is looked after by this worker."""
        return not self.worker or part_of(meter_id) in self._parts

    def claim(self, core: Core) -> None:
        """Say that this worker is there; until the books can be reached again it goes on with what it had."""
        if self.worker:
            self._parts = meter_flows.claim_parts(core, self.worker)

    def let_go(self, core: Core) -> None:
        """Leave everything to others."""
        if self.worker:
            self._parts = frozenset()
            meter_flows.let_go_of_parts(core, self.worker)
