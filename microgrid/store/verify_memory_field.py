"""Laws about agents, meters and what is kept beside the books, asked of a store in memory."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import accumulate, pairwise
from operator import itemgetter
from typing import TypeVar

from microgrid.billing import ledger
from microgrid.billing.ledger import Journal
from microgrid.billing.payments import Payment
from microgrid.customers.records import Fit
from microgrid.ports import Table
from microgrid.store.memory import MemoryUnit
from microgrid.store.memory_balances import MemoryBalances
from microgrid.store.memory_books import MemoryCredits
from microgrid.store.memory_meters import MemoryTwins
from microgrid.store.memory_tables import MemoryTable

Offender = tuple[object, ...]
Row = TypeVar("Row")

HELD = ("posted", "suspense", "refunding")  # payments whose cash is still there
FLOAT = ledger.agent_float("")
END_OF_TIME = datetime(9999, 1, 1, tzinfo=UTC)


def every(table: Table[Row]) -> Iterable[Row]:
    """Return all records of a table."""
    assert isinstance(table, MemoryTable)
    rows: Iterable[Row] = table.all()
    return rows


def differing(shown: Mapping[str, int], told: Mapping[str, int]) -> Iterator[Offender]:
    """Yield where two sums of the same things differ, one that is not there counting 0."""
    for key in sorted(shown.keys() | told.keys()):
        if shown.get(key, 0) != told.get(key, 0):
            yield key, shown.get(key, 0), told.get(key, 0)


def floats(unit: MemoryUnit, journals: Mapping[str, Journal]) -> tuple[Mapping[str, int], Mapping[str, int]]:
    """Return what agents hold by their lines, without missing cash, and by their sales and hand-overs."""
    shown: defaultdict[str, int] = defaultdict(int)
    told: defaultdict[str, int] = defaultdict(int)
    for journal in journals.values():
        reversed_one = journals.get(journal.reverses or "")
        kinds = {journal.kind, reversed_one.kind if reversed_one is not None else ""}
        for entry in journal.entries if "shortage" not in kinds else ():
            if entry.account.startswith(FLOAT):
                shown[entry.account.removeprefix(FLOAT)] += entry.amount_minor
    for payment in every(unit.payments):
        if payment.provider == ledger.CASH and payment.shortcode != ledger.OFFICE and payment.status in HELD:
            told[payment.shortcode] += payment.amount_minor
    for handover in every(unit.handovers):
        if handover.agreed_at is not None and handover.source == "float":
            told[handover.agent_id] -= handover.amount_minor
    return shown, told


def handovers(unit: MemoryUnit, journals: Mapping[str, Journal]) -> Iterator[Offender]:
    """Yield hand-overs whose journal does not move what was agreed."""
    for handover in sorted(every(unit.handovers), key=lambda row: row.id):
        journal = journals.get(f"handover:{handover.id}")
        entries = journal.entries if journal is not None else ()
        moved = sum(entry.amount_minor for entry in entries if entry.account == ledger.office_cash())
        expected = handover.amount_minor if handover.agreed_at is not None else 0
        if moved != expected:
            yield handover.id, expected, moved


def unseen(unit: MemoryUnit, payments: Iterable[Payment]) -> Iterator[Offender]:
    """Yield payments that no channel has seen."""
    seen = {row.payment_id for row in every(unit.sightings)}
    return ((payment.id, payment.status) for payment in payments if payment.id not in seen)


def undecided(unit: MemoryUnit) -> Iterator[Offender]:
    """Yield meters whose desired supply has no inputs."""
    assert isinstance(unit.twins, MemoryTwins)
    for twin in sorted(unit.twins.all(), key=lambda one: one.meter_id):
        if twin.desired is not None and unit.decisions.get(f"{twin.meter_id}:{twin.desired.revision}") is None:
            yield twin.meter_id, twin.desired.revision


def energy(unit: MemoryUnit) -> tuple[Mapping[str, int], Mapping[str, int]]:
    """Return what accounts were charged for and what their meters delivered, without those who buy energy ahead."""
    assert isinstance(unit.credits, MemoryCredits)
    account_of = {connection.id: connection.account_id for connection in every(unit.connections)}
    assert isinstance(unit.twins, MemoryTwins)
    keypads = {twin.meter_id for twin in unit.twins.all() if twin.token_only}
    fits = [fit for fit in every(unit.fits) if fit.connection_id in account_of]
    ahead = {account_of[fit.connection_id] for fit in fits if fit.meter_id in keypads}
    used: defaultdict[str, int] = defaultdict(int)
    delivered: defaultdict[str, int] = defaultdict(int)
    for charge in unit.credits.all_days():
        used[charge.account_id] += charge.used_wh if charge.account_id not in ahead else 0
    for fit in fits:
        account_id = account_of[fit.connection_id]
        if account_id not in ahead:
            delivered[account_id] += sum(max(0, after - before) for before, after in pairwise(_registers(unit, fit)))
    return used, delivered


def kept_wrongly(unit: MemoryUnit, journals: Mapping[str, Journal]) -> Iterator[Offender]:
    """Yield kept balances that differ from the sum of all lines before them."""
    assert isinstance(unit.balances, MemoryBalances)
    rows = sorted(unit.balances.all(), key=lambda row: (row.account, row.currency, row.until))
    if not rows:
        return
    lines: defaultdict[tuple[str, str], list[tuple[datetime, int]]] = defaultdict(list)
    for journal in journals.values():
        for entry in journal.entries:
            lines[entry.account, journal.currency].append((journal.posted_at, entry.amount_minor))
    moments = {key: sorted(moved) for key, moved in lines.items()}
    totals = {key: list(accumulate((minor for _, minor in moved), initial=0)) for key, moved in moments.items()}
    for row in rows:
        key = (row.account, row.currency)
        told = totals[key][bisect_left(moments[key], row.until, key=itemgetter(0))] if key in totals else 0
        if told != row.balance_minor:
            yield row.account, row.currency, row.balance_minor, told


def _registers(unit: MemoryUnit, fit: Fit) -> Sequence[int]:
    rows = unit.readings.between(fit.meter_id, fit.epoch, fit.fitted_at, fit.removed_at or END_OF_TIME)
    last = [] if fit.last_register_wh is None else [fit.last_register_wh]
    return [fit.first_register_wh, *(row.register_wh for row in rows), *last]
