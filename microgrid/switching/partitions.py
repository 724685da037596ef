"""Which of several workers looks after which meters, on an open transaction: each part of them is held for a while.

A meter belongs to a part for ever, by its id. A worker holds its fair share of the parts and says so again in time; one
that stops saying so loses them to the others within `HELD_FOR`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from zlib import crc32

from microgrid.ports import UnitOfWork
from microgrid.switching.meter_records import BridgeLease

PARTS = 64
HELD_FOR = timedelta(seconds=30)
PRESENT = "worker:"  # how the lease begins by which a worker says that it is there
GATE = "gate"


def part_of(meter_id: str) -> int:
    """Return the part that a meter belongs to."""
    return crc32(meter_id.encode()) % PARTS


def claim(uow: UnitOfWork, worker: str, now: datetime) -> frozenset[int]:
    """Say that a worker is there, and return the parts that it holds from now on.

    What others hold beyond their share they give up when they claim next, so that nobody is pushed out.
    """
    uow.bridge_leases.put(BridgeLease(GATE, worker, now))  # whoever claims at the same time waits here
    known = {lease.id: lease for lease in uow.bridge_leases.page(limit=10_000)}
    alive = {lease.holder for key, lease in known.items() if key.startswith(PRESENT) and lease.until > now} | {worker}
    share = -(-PARTS // len(alive))
    held = [part for part in range(PARTS) if _holder(known.get(f"{part}"), now) == worker]
    free = [part for part in range(PARTS) if _holder(known.get(f"{part}"), now) is None]
    kept = held[:share] + free[: max(0, share - len(held))]
    given_up = held[share:]
    until = now + HELD_FOR
    uow.bridge_leases.put_all(
        [
            BridgeLease(f"{PRESENT}{worker}", worker, until),
            *(BridgeLease(f"{part}", worker, until) for part in kept),
            *(BridgeLease(f"{part}", worker, now) for part in given_up),
        ]
    )
    return frozenset(kept)


def let_go(uow: UnitOfWork, worker: str, now: datetime) -> None:
    """Give up all that a worker holds, because it ends."""
    mine = [lease for lease in uow.bridge_leases.page(limit=10_000) if lease.holder == worker and lease.id != GATE]
    uow.bridge_leases.put_all([BridgeLease(lease.id, worker, now) for lease in mine])


def _holder(lease: BridgeLease | None, now: datetime) -> str | None:
    return None if lease is None or lease.until <= now else lease.holder
