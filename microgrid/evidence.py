"""Messages as they came in, kept with what became of them: the first of its kind stays, repeats are counted."""

from __future__ import annotations

from dataclasses import replace

from microgrid.errors import AlreadyThere
from microgrid.kept import RawEvent
from microgrid.ports import UnitOfWork

NOTHING = "nothing booked: "


def keep(uow: UnitOfWork, raw: RawEvent, outcome: str) -> None:
    """Keep a message with what became of it; of one that came before, when it first came and what became of it then.

    Where nothing was booked from the first, what became of a repeat is told instead.
    """
    try:
        uow.raw_events.add(replace(raw, outcome=outcome))
        return
    except AlreadyThere:
        first = uow.raw_events.hold(raw.id)
    assert first is not None
    told = outcome if first.outcome.startswith(NOTHING) else first.outcome
    uow.raw_events.put(replace(first, outcome=told, repeats=first.repeats + 1))
