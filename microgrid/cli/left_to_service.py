"""The way to meters of a single command: it has none, so what it decides is due at once, and the service sends it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace

from microgrid.clock import Clock
from microgrid.kept import OutboxItem
from microgrid.meter_flows import ASK
from microgrid.ports import Store, UnitOfWork, transact
from microgrid.switching.supply import Desired
from microgrid.switching.told import Ask

HURRIED = 50  # orders of one command; the others are due a few seconds later anyway


@dataclass(slots=True)
class LeftToService:
    """A `MeterLink` that leaves everything to the service, which looks for what is due every second."""

    store: Store
    clock: Clock
    hurried: int = field(default=0)

    def send(self, meter_id: str, desired: Desired) -> None:
        """Let an order be due now, unless another one has taken its place."""
        if self.hurried >= HURRIED:
            return
        self.hurried += 1

        def hurry(uow: UnitOfWork) -> None:
            twin = uow.twins.get(meter_id)
            if twin.desired is not None and twin.desired.revision == desired.revision:
                uow.twins.put(replace(twin, next_send_at=self.clock.now()))

        transact(self.store, hurry)

    def request(self, meter_id: str, ask: Ask) -> None:
        """Put a question where the service finds it."""
        now = self.clock.now()
        item = OutboxItem(f"{ASK}:{meter_id}:{now.isoformat()}", ASK, meter_id, json.dumps(asdict(ask)), now, now)
        transact(self.store, lambda uow: uow.outbox.put(item))
