"""Trying something without doing it: a flow runs as always, and nothing of it is written or sent."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace

from microgrid.ports import Core, Store, UnitOfWork
from microgrid.switching.supply import Desired
from microgrid.switching.told import Ask


class _Undone(Exception):  # noqa: N818 - nobody made a mistake: it was only tried
    """Ends a transaction so that nothing of it stays."""


@dataclass(frozen=True, slots=True)
class TrialStore:
    """A store in which nothing stays written."""

    store: Store

    @contextmanager
    def begin(self) -> Iterator[UnitOfWork]:
        """Open a transaction that is undone at its end."""
        try:
            with self.store.begin() as uow:
                yield uow
                raise _Undone
        except _Undone:
            return

    def read(self) -> AbstractContextManager[UnitOfWork]:
        """Open a transaction that writes nothing anyway."""
        return self.store.read()

    def check(self) -> None:
        """Raise Environment when the store takes no writes."""
        self.store.check()


@dataclass(frozen=True, slots=True)
class TrialLink:
    """A way to meters that only remembers what would be sent."""

    orders: dict[str, Desired] = field(default_factory=dict)

    def send(self, meter_id: str, desired: Desired) -> None:
        """Remember an order."""
        self.orders[meter_id] = desired

    def request(self, meter_id: str, ask: Ask) -> None:
        """Ask nothing."""


def on_trial(core: Core) -> tuple[Core, TrialLink]:
    """Return a core on which everything can be tried, and what it would send to meters."""
    link = TrialLink()
    return replace(core, store=TrialStore(core.store), link=link), link
