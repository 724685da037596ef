"""What people do about rows of meters that are wrong: set one aside, and see what is aside."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from microgrid.billing import asides, charging
from microgrid.billing.register import belongs
from microgrid.customers import service as customers
from microgrid.errors import InvalidInput, Problem
from microgrid.flows import send
from microgrid.monitoring.readings import Aside, Reading
from microgrid.ports import Core, UnitOfWork, transact
from microgrid.switching import service as switching
from microgrid.switching.service import Order
from microgrid.views import Page, paged

DIGITS_MAX = 18  # of a number that a database keeps


def set_reading_aside(core: Core, reading_id: str, reason: str, actor: str) -> Aside:
    """Set a stored row of a meter aside: it is kept, and everything is charged as if it had never come.

    Rows that were aside because of it count from now on. The same again is a success.
    """
    now = core.clock.now()

    def flow(uow: UnitOfWork) -> tuple[Aside, Sequence[Order]]:
        row = _stored(uow, reading_id)
        if row is None:
            return _known(uow, reading_id), ()
        accounts = _accounts_of(uow, row)
        aside = _apart(uow, row, reason, now, actor, accounts)
        customers.note(uow, f"aside:{aside.id}", now, actor, "set reading aside", f"meter:{row.meter_id}", reason)
        return aside, switching.settle(uow, accounts, now)

    aside, orders = transact(core.store, flow)
    send(core, orders)
    return aside


def rows_aside(core: Core, meter_id: str, after: str, limit: int) -> Page:
    """Return the rows of a meter that are kept aside, with the reasons, by id."""
    with core.store.read() as uow:
        customers.need(uow.meters, meter_id, "meter")
        return paged(uow.asides.page(after, limit + 1, meter_id=meter_id), limit)


def parts_of(reading_id: str) -> tuple[str, int, int] | None:
    """Return meter, epoch and number of a reading's id, or nothing when it is none."""
    meter_id, _, rest = reading_id.partition(":")
    epoch, _, seq = rest.partition(":")
    return (meter_id, int(epoch), int(seq)) if _is_number(epoch) and _is_number(seq) else None


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= DIGITS_MAX


def _stored(uow: UnitOfWork, reading_id: str) -> Reading | None:
    parts = parts_of(reading_id)
    if parts is None:
        what = f"'{reading_id[:60]}' is no id of a reading"
        raise InvalidInput(Problem("MG-M026", what, fix="write meter, epoch and number, such as M-104:1:17"))
    return uow.readings.find(*parts)


def _known(uow: UnitOfWork, reading_id: str) -> Aside:
    """Return the row a person has set aside before under this id; InvalidInput when there is none."""
    meter_id = reading_id.partition(":")[0]
    mine = [one for one in uow.asides.where(meter_id=meter_id) if one.reading.id == reading_id and one.by_hand]
    if not mine:
        raise InvalidInput(customers.unknown("reading", reading_id))
    return mine[-1]


def _accounts_of(uow: UnitOfWork, row: Reading) -> Sequence[str]:
    fits = [fit for fit in uow.fits.where(meter_id=row.meter_id) if belongs(fit, row)]
    connections = uow.connections.get_all({fit.connection_id for fit in fits})
    return sorted({connection.account_id for connection in connections.values()})


def _apart(uow: UnitOfWork, row: Reading, reason: str, now: datetime, actor: str, accounts: Sequence[str]) -> Aside:
    if not accounts:
        return asides.set_aside(uow, row, reason, now, actor)
    (account_id,) = accounts  # a meter hangs in one place at a time
    with charging.rewriting(uow, account_id):
        return asides.set_aside(uow, row, reason, now, actor)
