"""Rows of meters that cannot be: kept, with the reason, and charged to nobody; on an open transaction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from microgrid.billing.register import belongs
from microgrid.customers.fits import END_OF_TIME, first_register, last_register, power_max_w
from microgrid.customers.records import Fit
from microgrid.errors import Contradiction, Problem
from microgrid.home_ports import Place
from microgrid.monitoring.readings import BY_HAND, POWER_MAX_W, Aside, Reading, aside_id, clock_problem, impossible
from microgrid.ports import UnitOfWork

SERVICE = "service"
Neighbours = Mapping[str, tuple[Reading | None, Reading | None]]


@dataclass(frozen=True, slots=True)
class Admitted:
    """Rows that may be stored, why the others are kept aside, and which of the first were aside until now."""

    rows: Sequence[Reading]
    problems: tuple[Problem, ...]
    were_aside: Mapping[str, Aside]  # by `aside_id`


def admit(uow: UnitOfWork, told: Sequence[Reading], now: datetime) -> Admitted:
    """Sort out the rows that a person has set aside, and those whose clock is wrong.

    A row kept aside leaves its number free for the row that was meant.
    """
    ids = [aside_id(row) for row in told]
    before = uow.asides.get_all(ids)
    rows: list[Reading] = []
    found: list[tuple[Reading, Problem]] = []
    for key, row in zip(ids, told, strict=True):
        problem = _known_problem(before.get(key)) or clock_problem(row, now)
        if problem is None:
            rows.append(row)
        else:
            found.append((row, problem))
    _keep(uow, found, now)
    return Admitted(rows, tuple(problem for _, problem in found), before)


def sift(
    uow: UnitOfWork, fresh: Sequence[Reading], places: Iterable[Place], neighbours: Neighbours, now: datetime
) -> dict[str, Problem]:
    """Take the rows that cannot be out of those just stored, and return why, by row; the others count."""
    known = {row.id for row in fresh}
    found: list[tuple[Reading, Problem]] = []
    by_meter: dict[str, list[Reading]] = {}
    for row in fresh:
        by_meter.setdefault(row.meter_id, []).append(row)
    for fit, rated_w in ((place.fit, place.rated_w) for place in places):
        rows = sorted((row for row in by_meter.get(fit.meter_id, ()) if belongs(fit, row)), key=_place)
        for run in _runs(rows, neighbours, known):
            before, after = neighbours[run[0].id][0], neighbours[run[-1].id][1]
            start = before if before is not None and belongs(fit, before) else first_register(fit)
            end = after if after is not None and belongs(fit, after) else last_register(fit)
            found += impossible(start, run, end, rated_w or POWER_MAX_W)
    take_out(uow, found, now)
    return {row.id: problem for row, problem in found}


def examine(uow: UnitOfWork, fit: Fit, now: datetime) -> None:
    """Take the rows out that cannot be, of those that came before a meter was known to be fitted."""
    rows = uow.readings.between(fit.meter_id, fit.epoch, fit.fitted_at, fit.removed_at or END_OF_TIME)
    found = list(impossible(first_register(fit), rows, last_register(fit), power_max_w(uow, fit.meter_id)))
    take_out(uow, found, now)


def take_out(uow: UnitOfWork, found: Sequence[tuple[Reading, Problem]], now: datetime) -> None:
    """Keep stored rows aside, each with its reason."""
    if found:
        uow.readings.remove([row for row, _ in found])
        _keep(uow, found, now)


def count_again(uow: UnitOfWork, rows: Iterable[Reading], admitted: Admitted, now: datetime) -> None:
    """Note of rows that were aside that they count."""
    if admitted.were_aside:
        mine = [admitted.were_aside.get(aside_id(row)) for row in rows]
        uow.asides.put_all([replace(one, taken_at=now) for one in mine if one is not None and one.taken_at is None])


def set_aside(uow: UnitOfWork, row: Reading, reason: str, now: datetime, actor: str) -> Aside:
    """Keep a stored row aside because a person says so; rows that it spoke against count now."""
    aside = Aside(aside_id(row), row.meter_id, row, BY_HAND, reason, now, actor)
    uow.readings.remove([row])
    uow.asides.put(aside)
    _take_back(uow, row, now)
    return aside


def _take_back(uow: UnitOfWork, gone: Reading, now: datetime) -> None:
    """Let rows count that cannot be called impossible any more, the earliest first."""
    waiting = [one for one in uow.asides.where(meter_id=gone.meter_id) if _may_count(one, gone)]
    fits = [fit for fit in uow.fits.where(meter_id=gone.meter_id) if fit.epoch == gone.epoch]
    limit_w = power_max_w(uow, gone.meter_id)
    for one in sorted(waiting, key=lambda each: _place(each.reading)):
        row = one.reading
        before, after = uow.readings.neighbours(row)
        for fit in fits:
            start = before if before is not None and belongs(fit, before) else first_register(fit)
            end = after if after is not None and belongs(fit, after) else last_register(fit)
            if belongs(fit, row) and not list(impossible(start, [row], end, limit_w)) and _stored(uow, row):
                uow.asides.put(replace(one, taken_at=now))


def _may_count(one: Aside, gone: Reading) -> bool:
    return one.actor == SERVICE and one.taken_at is None and one.code != "MG-M002" and one.reading.epoch == gone.epoch


def _stored(uow: UnitOfWork, row: Reading) -> bool:
    """Store a row; False where another row has its number by now."""
    try:
        with uow.savepoint():
            uow.readings.add_all((row,))
    except Contradiction:
        return False
    return True


def _runs(rows: Sequence[Reading], neighbours: Neighbours, known: set[str]) -> Iterator[Sequence[Reading]]:
    """Yield new rows that lie side by side, with no older row between them."""
    run: list[Reading] = []
    for row in rows:
        before = neighbours[row.id][0]
        if run and (before is None or before.id not in known):
            yield run
            run = []
        run.append(row)
    if run:
        yield run


def _known_problem(known: Aside | None) -> Problem | None:
    """Return that a person has set this very row aside."""
    return Problem(BY_HAND, known.reason) if known is not None and known.by_hand else None


def _keep(uow: UnitOfWork, found: Sequence[tuple[Reading, Problem]], now: datetime) -> None:
    """Keep rows aside, those kept already as they are."""
    if not found:
        return
    made = {aside_id(row): _aside(row, problem, now) for row, problem in found}
    known = uow.asides.get_all(made)
    uow.asides.put_all([one for key, one in made.items() if key not in known or known[key].taken_at is not None])


def _aside(row: Reading, problem: Problem, now: datetime) -> Aside:
    return Aside(aside_id(row), row.meter_id, row, problem.code, problem.what, now, SERVICE)


def _place(row: Reading) -> tuple[datetime, int]:
    return row.at, row.seq
