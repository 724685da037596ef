"""A meter's cumulative register, cut where prices can change: local midnights, edges of bands, changes of plan.

What was used between two neighbouring marks of a register is their difference, never less than nothing. Where a cut
has no reading the register is taken from a straight line, in whole Wh, and its pieces are marked estimated; a reading
that comes later replaces them. So the pieces depend only on the set of marks, and always add up to the register.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

from microgrid.billing.local_time import local_minute, window
from microgrid.billing.plans import Band, PlanVersion
from microgrid.customers.records import Enrolment, Fit
from microgrid.monitoring.readings import Reading

MICROSECOND = timedelta(microseconds=1)
PLAIN = -1  # no band: energy at the price of its block


@dataclass(frozen=True, slots=True)
class Mark:
    """What a register showed at a moment."""

    at: datetime
    register_wh: int


@dataclass(frozen=True, slots=True)
class Term:
    """From when until when an account is charged by a version of a plan."""

    plan: PlanVersion
    from_at: datetime
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Piece:
    """Energy of one local day under one plan version and band; negative where it takes back an earlier estimate."""

    day: date
    wh: int
    estimated: bool = False
    band: int = PLAIN  # place in the plan's bands
    plan: PlanVersion | None = None  # None: nobody was enrolled, nothing is charged


@dataclass(frozen=True, slots=True)
class Use:
    """What an account used on a day under one plan version and band, kept to price the month again."""

    plan: str  # id of the version
    band: int
    wh: int


@dataclass(frozen=True, slots=True)
class _Slot:
    day: date
    band: int
    plan: PlanVersion | None


def terms_in_force(enrolments: Iterable[Enrolment], versions: Iterable[PlanVersion]) -> tuple[Term, ...]:
    """Return which plan version an account is charged by at any time, oldest first."""
    return _terms_in_force(tuple(enrolments), tuple(versions))


@lru_cache(maxsize=4096)
def _terms_in_force(enrolments: tuple[Enrolment, ...], versions: tuple[PlanVersion, ...]) -> tuple[Term, ...]:
    by_plan: dict[str, list[PlanVersion]] = {}
    for version in sorted(versions, key=lambda one: (one.effective_from, one.version)):
        by_plan.setdefault(version.plan_id, []).append(version)
    ordered = sorted(enrolments, key=lambda one: (one.from_at, one.id))
    ends = [*(enrolment.from_at for enrolment in ordered[1:]), None]
    return tuple(
        term
        for enrolment, end in zip(ordered, ends, strict=False)
        for term in _terms_of(by_plan.get(enrolment.plan_id, []), enrolment.from_at, end)
    )


def term_at(terms: Sequence[Term], at: datetime) -> Term | None:
    """Return the term in force at a moment, or None."""
    for term in reversed(terms):
        if term.from_at <= at and (term.until is None or at < term.until):
            return term
    return None


def pieces(before: Mark | None, after: Mark | None, terms: Sequence[Term], zone: ZoneInfo) -> tuple[Piece, ...]:
    """Return the energy between two neighbouring marks, cut at boundaries; nothing where a mark is missing.

    A register that went back begins anew: nothing is charged for the step.
    """
    return _pieces(before, after, _Calendar(terms, zone))


def _pieces(before: Mark | None, after: Mark | None, calendar: _Calendar) -> tuple[Piece, ...]:
    if before is None or after is None or after.register_wh <= before.register_wh:
        return ()
    cuts = _cuts(before.at, after.at, calendar)
    if len(cuts) == 1:
        slot = cuts[0][0]
        wh = after.register_wh - before.register_wh
        return (Piece(slot.day, wh, estimated=False, band=slot.band, plan=slot.plan),)
    found: list[Piece] = []
    register_wh = before.register_wh
    for slot, end in cuts:
        next_wh = _register_at(end, before, after)
        if next_wh > register_wh:
            wh = next_wh - register_wh
            found.append(Piece(slot.day, wh, estimated=True, band=slot.band, plan=slot.plan))
        register_wh = next_wh
    return tuple(found)


def negated(taken_back: Iterable[Piece]) -> tuple[Piece, ...]:
    """Return pieces that take back others."""
    return tuple(replace(piece, wh=-piece.wh) for piece in taken_back)


def marks(fit: Fit, readings: Iterable[Reading]) -> tuple[Mark, ...]:
    """Return what is known of a register during a fit: its first value, the readings, its last value."""
    inside = sorted((row for row in readings if belongs(fit, row)), key=_place)
    found = [Mark(fit.fitted_at, fit.first_register_wh), *(mark(row) for row in inside)]
    return (*found, *_last_mark(fit))


def belongs(fit: Fit, reading: Reading) -> bool:
    """Return whether a reading was taken by this meter, in this epoch, while it was fitted here."""
    same = (fit.meter_id, fit.epoch) == (reading.meter_id, reading.epoch)
    return same and fit.fitted_at <= reading.at and (fit.removed_at is None or reading.at <= fit.removed_at)


def mark(reading: Reading) -> Mark:
    """Return what a reading says about its register."""
    return Mark(reading.at, reading.register_wh)


def fit_pieces(fit: Fit, readings: Iterable[Reading], terms: Sequence[Term], zone: ZoneInfo) -> tuple[Piece, ...]:
    """Return everything used during a fit, from all its readings."""
    calendar = _Calendar(terms, zone)
    return tuple(piece for b, a in pairwise(marks(fit, readings)) for piece in _pieces(b, a, calendar))


def change(
    fit: Fit, before: Reading | None, new: Reading, after: Reading | None, terms: Sequence[Term], zone: ZoneInfo
) -> tuple[Piece, ...]:
    """Return what one newly stored reading changes: its new pieces, and the estimate they replace taken back."""
    return changes(fit, [new], {new.id: (before, after)}, terms, zone)


def changes(
    fit: Fit,
    new: Sequence[Reading],
    neighbours: Mapping[str, tuple[Reading | None, Reading | None]],
    terms: Sequence[Term],
    zone: ZoneInfo,
) -> tuple[Piece, ...]:
    """Return what several newly stored readings of a meter change, added and taken back.

    `neighbours` are those of each reading as they are stored now, so they may be new themselves. Readings outside the
    fit change nothing.
    """
    found: list[Piece] = []
    calendar = _Calendar(terms, zone)
    rows = sorted((row for row in new if belongs(fit, row)), key=_place)
    known = {row.id for row in rows}
    run_start: Mark | None = None
    for row in rows:
        before, after = neighbours[row.id]
        if before is None or before.id not in known:
            run_start = _mark_before(fit, before)
            found += _pieces(run_start, mark(row), calendar)
        if after is not None and after.id in known:
            found += _pieces(mark(row), mark(after), calendar)
            continue
        run_end = _mark_after(fit, after)
        found += _pieces(mark(row), run_end, calendar)
        found += negated(_pieces(run_start, run_end, calendar))
    return tuple(found)


def _place(reading: Reading) -> tuple[datetime, int]:
    return reading.at, reading.seq


def _mark_before(fit: Fit, before: Reading | None) -> Mark:
    if before is not None and belongs(fit, before):
        return mark(before)
    return Mark(fit.fitted_at, fit.first_register_wh)


def _mark_after(fit: Fit, after: Reading | None) -> Mark | None:
    if after is not None and belongs(fit, after):
        return mark(after)
    return next(iter(_last_mark(fit)), None)


def _last_mark(fit: Fit) -> tuple[Mark, ...]:
    if fit.removed_at is None or fit.last_register_wh is None:
        return ()
    return (Mark(fit.removed_at, fit.last_register_wh),)


def _terms_of(versions: Sequence[PlanVersion], start: datetime, end: datetime | None) -> Iterable[Term]:
    """Yield the versions of one plan in force between two moments."""
    ends = [*(version.effective_from for version in versions[1:]), None]
    for version, version_end in zip(versions, ends, strict=False):
        from_at = max(start, version.effective_from)
        until = min((moment for moment in (end, version_end) if moment is not None), default=None)
        if until is None or from_at < until:
            yield Term(version, from_at, until)


def _cuts(start: datetime, end: datetime, calendar: _Calendar) -> list[tuple[_Slot, datetime]]:
    """Return the slots from one moment to another, each with the moment it ends and another begins."""
    slot, at = calendar.slot(start)
    found = [(slot, min(at, end))]
    while at < end:
        slot, at = calendar.slot(at)
        if slot == found[-1][0]:
            found.pop()
        found.append((slot, min(at, end)))
    return found


class _Calendar:
    """The slots of an account; it knows the last one asked for, because readings come in the order of time."""

    __slots__ = ("_from_at", "_last", "_terms", "_zone")

    def __init__(self, terms: Sequence[Term], zone: ZoneInfo) -> None:
        self._terms, self._zone = terms, zone
        self._from_at: datetime | None = None
        self._last: tuple[_Slot, datetime]

    def slot(self, at: datetime) -> tuple[_Slot, datetime]:
        """Return day, band and plan of a moment, and when the next boundary comes."""
        if self._from_at is None or not self._from_at <= at < self._last[1]:
            self._from_at, self._last = at, _slot(at, self._terms, self._zone)
        return self._last


def _slot(at: datetime, terms: Sequence[Term], zone: ZoneInfo) -> tuple[_Slot, datetime]:
    """Return day, band and plan of a moment, and when the next boundary comes."""
    term = term_at(terms, at)
    energy = None if term is None else term.plan.energy
    bands = () if energy is None else energy.bands
    day, start, end = window(at, zone, _edges(bands))
    band = _band_at(bands, start, zone) if bands else PLAIN
    for other in terms:
        for moment in (other.from_at, other.until):
            if moment is not None and at < moment < end:
                end = moment
    return _Slot(day, band, None if term is None else term.plan), end


@lru_cache(maxsize=1024)
def _edges(bands: tuple[Band, ...]) -> tuple[int, ...]:
    return tuple(sorted({minute for band in bands for minute in (band.from_minute, band.to_minute)}))


def _band_at(bands: Sequence[Band], at: datetime, zone: ZoneInfo) -> int:
    minute = local_minute(at, zone)
    return next((n for n, band in enumerate(bands) if band.from_minute <= minute < band.to_minute), PLAIN)


def _register_at(at: datetime, before: Mark, after: Mark) -> int:
    """Return the register on the straight line between two marks, in whole Wh rounded down."""
    if at >= after.at:
        return after.register_wh
    passed_us, whole_us = (at - before.at) // MICROSECOND, (after.at - before.at) // MICROSECOND
    return before.register_wh + (after.register_wh - before.register_wh) * passed_us // whole_us
