"""The readings just before and after others: asked for each run of a meter's rows at once, not row by row."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, Text, literal_column, select, tuple_
from sqlalchemy.types import TypeEngine

from microgrid.monitoring.readings import Reading
from microgrid.store.records import READING_ROWS
from microgrid.store.rows import microseconds
from microgrid.store.sql_session import Session
from microgrid.store.sql_text import Gather, Texts
from microgrid.store.tables import READINGS

Place = tuple[int, int]  # of a reading in its epoch: time [us], then sequence number
Neighbours = tuple[Reading | None, Reading | None]
Asked = Mapping[str, ColumnElement[Any]]

ONE: ColumnElement[int] = literal_column("1")
PLACE: dict[str, TypeEngine[Any]] = {
    "asked_meter": Text(),
    "asked_epoch": BigInteger(),
    "asked_at": BigInteger(),
    "asked_seq": BigInteger(),
}
SEQ, AT = (list(READINGS.columns.keys()).index(name) for name in ("seq", "at_us"))
SPAN = {**PLACE, "last_at": BigInteger(), "last_seq": BigInteger()}


class NeighbourTexts:
    """The statements about what lies beside readings."""

    def __init__(self, texts: Texts) -> None:
        self.texts = texts

    @cached_property
    def before(self) -> Gather:
        """Return what finds the reading just before a place."""
        c = READINGS.c
        return self.texts.gather(
            lambda asked: (
                _of_epoch(asked)
                .where(tuple_(c.at_us, c.seq) < tuple_(asked["asked_at"], asked["asked_seq"]))
                .order_by(c.at_us.desc(), c.seq.desc())
                .limit(ONE)
            ),
            PLACE,
        )

    @cached_property
    def after(self) -> Gather:
        """Return what finds the reading just after a place."""
        c = READINGS.c
        return self.texts.gather(
            lambda asked: (
                _of_epoch(asked)
                .where(tuple_(c.at_us, c.seq) > tuple_(asked["asked_at"], asked["asked_seq"]))
                .order_by(c.at_us, c.seq)
                .limit(ONE)
            ),
            PLACE,
        )

    @cached_property
    def span(self) -> Gather:
        """Return what finds the readings from one place to another, both included."""
        place = tuple_(READINGS.c.at_us, READINGS.c.seq)
        return self.texts.gather(
            lambda asked: (
                _of_epoch(asked)
                .where(place >= tuple_(asked["asked_at"], asked["asked_seq"]))
                .where(place <= tuple_(asked["last_at"], asked["last_seq"]))
            ),
            SPAN,
        )


def neighbours_all(session: Session, texts: NeighbourTexts, readings: Sequence[Reading]) -> dict[str, Neighbours]:
    """Return the neighbours of many readings, whether they are stored or not, by the id of the reading."""
    runs: dict[tuple[str, int], dict[Place, Reading]] = {}
    for reading in readings:
        runs.setdefault((reading.meter_id, reading.epoch), {})[microseconds(reading.at), reading.seq] = reading
    beside = [dict[Place, Reading]() for _ in runs]
    ends = [(*key, *min(run)) for key, run in runs.items()], [(*key, *max(run)) for key, run in runs.items()]
    for ask, keys in zip((texts.before, texts.after), ends, strict=True):
        for number, row in session.gather(ask, keys):
            beside[number][row[AT], row[SEQ]] = READING_ROWS.record(row)
    _add_between(session, texts, runs, beside)
    found: dict[str, Neighbours] = {}
    for run, stored in zip(runs.values(), beside, strict=True):
        places = sorted(stored)
        for place, reading in run.items():
            left, right = bisect_left(places, place) - 1, bisect_right(places, place)
            before = stored[places[left]] if left >= 0 else None
            found[reading.id] = before, stored[places[right]] if right < len(places) else None
    return found


def _add_between(
    session: Session,
    texts: NeighbourTexts,
    runs: Mapping[tuple[str, int], Mapping[Place, Reading]],
    beside: Sequence[dict[Place, Reading]],
) -> None:
    """Add what is stored between the first and the last reading of each run; most of it is the run itself."""
    long = [(number, key, run) for number, (key, run) in enumerate(runs.items()) if len(run) > 1]
    for asked, row in session.gather(texts.span, [(*key, *min(run), *max(run)) for _, key, run in long]):
        number, _, run = long[asked]
        place = (row[AT], row[SEQ])
        beside[number][place] = run.get(place) or READING_ROWS.record(row)


def _of_epoch(asked: Asked) -> Select[Any]:
    c = READINGS.c
    return select(READINGS).where(c.meter_id == asked["asked_meter"], c.epoch == asked["asked_epoch"])
