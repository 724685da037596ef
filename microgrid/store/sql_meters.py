"""Readings of meters and our pictures of them, in a database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any

from sqlalchemy import BigInteger, Text, bindparam, delete, select
from sqlalchemy.types import TypeEngine

from microgrid.monitoring.readings import Reading
from microgrid.store.records import READING_ROWS, TWIN_ROWS, refuse_contradiction
from microgrid.store.rows import microseconds
from microgrid.store.sql_neighbours import ONE, NeighbourTexts, neighbours_all
from microgrid.store.sql_session import Session
from microgrid.store.sql_text import Among, Gather, Texts
from microgrid.store.tables import READINGS, TWINS
from microgrid.switching.supply import Twin

METER: dict[str, TypeEngine[Any]] = {"asked_meter": Text()}
ID: dict[str, TypeEngine[Any]] = {"asked_meter": Text(), "asked_epoch": BigInteger(), "asked_seq": BigInteger()}


class ReadingTexts:
    """The statements about readings."""

    def __init__(self, texts: Texts) -> None:
        self.texts = texts
        self.neighbours = NeighbourTexts(texts)

    @cached_property
    def insert(self) -> str:
        """Return what claims the id of a reading."""
        return self.texts.insert(READINGS)

    @cached_property
    def insert_many(self) -> str | None:
        """Return what claims the ids of many readings."""
        return self.texts.insert_many(READINGS)

    @cached_property
    def stored(self) -> Gather:
        """Return what finds readings by their ids."""
        c = READINGS.c
        return self.texts.gather(
            lambda asked: select(READINGS).where(
                c.meter_id == asked["asked_meter"], c.epoch == asked["asked_epoch"], c.seq == asked["asked_seq"]
            ),
            ID,
        )

    @cached_property
    def remove(self) -> str:
        """Return what takes a reading out."""
        c = READINGS.c
        mine = (c.meter_id == bindparam("meter"), c.epoch == bindparam("epoch"), c.seq == bindparam("seq"))
        return self.texts.text(delete(READINGS).where(*mine), "meter", "epoch", "seq")

    @cached_property
    def between(self) -> str:
        """Return what finds the readings of a span."""
        c = READINGS.c
        mine = select(READINGS).where(c.meter_id == bindparam("meter"), c.epoch == bindparam("epoch"))
        span = mine.where(c.at_us >= bindparam("first"), c.at_us <= bindparam("last")).order_by(c.at_us, c.seq)
        return self.texts.text(span, "meter", "epoch", "first", "last")

    @cached_property
    def latest(self) -> str:
        """Return what finds the newest reading of a meter."""
        c = READINGS.c
        mine = select(READINGS).where(c.meter_id == bindparam("meter"))
        newest = mine.order_by(c.epoch.desc(), c.at_us.desc(), c.seq.desc()).limit(ONE)
        return self.texts.text(newest, "meter")

    @cached_property
    def latest_of(self) -> Gather:
        """Return what finds the newest reading of each of many meters."""
        c = READINGS.c
        return self.texts.gather(
            lambda asked: (
                select(READINGS)
                .where(c.meter_id == asked["asked_meter"])
                .order_by(c.epoch.desc(), c.at_us.desc(), c.seq.desc())
                .limit(ONE)
            ),
            METER,
        )


class SqlReadings:
    """Meter rows, once each."""

    def __init__(self, session: Session, texts: ReadingTexts) -> None:
        self._session = session
        self._texts = texts

    def add_all(self, readings: Sequence[Reading]) -> Sequence[Reading]:
        """Insert those not yet known and return them; same id with another content raises Contradiction."""
        arrived: dict[tuple[Any, ...], Reading] = {}
        for reading in readings:
            refuse_contradiction(arrived.setdefault(_id(reading), reading), reading)
        rows = [READING_ROWS.values(reading) for reading in arrived.values()]
        with self._session.savepoint():
            claimed = self._session.claim_all(self._texts.insert, self._texts.insert_many, rows, key_width=3)
            known = [key for key in arrived if key not in claimed]
            for place, row in self._session.gather(self._texts.stored, known):
                refuse_contradiction(READING_ROWS.record(row), arrived[known[place]])
        return [reading for key, reading in arrived.items() if key in claimed]

    def find(self, meter_id: str, epoch: int, seq: int) -> Reading | None:
        """Return a reading by its number, or nothing."""
        found = self._session.gather(self._texts.stored, [(READING_ROWS.asked(meter_id), epoch, seq)])
        return next((READING_ROWS.record(row) for _, row in found), None)

    def remove(self, readings: Sequence[Reading]) -> None:
        """Take readings out."""
        self._session.write_all(self._texts.remove, None, [_id(reading) for reading in readings])

    def neighbours(self, reading: Reading) -> tuple[Reading | None, Reading | None]:
        """Return the readings of the same meter and epoch just before and after it in time."""
        return self.neighbours_all([reading])[reading.id]

    def neighbours_all(self, readings: Sequence[Reading]) -> dict[str, tuple[Reading | None, Reading | None]]:
        """Return the neighbours of many readings, by the id of the reading."""
        return neighbours_all(self._session, self._texts.neighbours, readings)

    def between(self, meter_id: str, epoch: int, first: datetime, last: datetime) -> Sequence[Reading]:
        """Return the readings of a meter and epoch from one moment to another, both included, in order."""
        asked = (READING_ROWS.asked(meter_id), epoch, microseconds(first), microseconds(last))
        return READING_ROWS.records(self._session.rows(self._texts.between, *asked))

    def latest(self, meter_id: str) -> Reading | None:
        """Return the newest reading of a meter: of its highest epoch the last in time."""
        found = self._session.row(self._texts.latest, READING_ROWS.asked(meter_id))
        return None if found is None else READING_ROWS.record(found)

    def latest_all(self, meter_ids: Iterable[str]) -> dict[str, Reading]:
        """Return the newest readings of many meters, by meter; meters without any are left out."""
        asked = [(READING_ROWS.asked(meter_id),) for meter_id in sorted(set(meter_ids))]
        rows = [READING_ROWS.record(row) for _, row in self._session.gather(self._texts.latest_of, asked)]
        return {reading.meter_id: reading for reading in rows}


class TwinTexts:
    """The statements about twins."""

    def __init__(self, texts: Texts) -> None:
        self.texts = texts

    @cached_property
    def get(self) -> str:
        """Return what finds a twin."""
        return self.texts.text(select(TWINS).where(TWINS.c.meter_id == bindparam("id")), "id")

    @cached_property
    def hold(self) -> str:
        """Return what finds a twin and locks it."""
        return self.texts.text(select(TWINS).where(TWINS.c.meter_id == bindparam("id")).with_for_update(), "id")

    @cached_property
    def get_all(self) -> Among:
        """Return what finds many twins."""
        return self.texts.among(lambda is_asked: select(TWINS).where(is_asked(TWINS.c.meter_id)))

    @cached_property
    def hold_all(self) -> Among:
        """Return what finds many twins and locks them in ascending order."""
        held = select(TWINS).order_by(TWINS.c.meter_id).with_for_update()
        return self.texts.among(lambda is_asked: held.where(is_asked(TWINS.c.meter_id)))

    @cached_property
    def insert(self) -> str:
        """Return what makes an empty twin, if nobody else just did."""
        return self.texts.insert(TWINS)

    @cached_property
    def put(self) -> str:
        """Return what stores a twin."""
        return self.texts.upsert(TWINS)

    @cached_property
    def put_many(self) -> str | None:
        """Return what stores many twins."""
        return self.texts.upsert_many(TWINS)

    @cached_property
    def due(self) -> str:
        """Return what finds twins to send."""
        c = TWINS.c
        due = select(TWINS).where(c.next_send_at_us <= bindparam("now")).order_by(c.next_send_at_us, c.meter_id)
        return self.texts.text(due.limit(bindparam("limit")), "now", "limit")


class SqlTwins:
    """Our pictures of meters."""

    def __init__(self, session: Session, texts: TwinTexts) -> None:
        self._session = session
        self._texts = texts

    def get(self, meter_id: str) -> Twin:
        """Return a twin, empty if nothing was ever desired or reported; a writing transaction holds it."""
        asked = TWIN_ROWS.asked(meter_id)
        text = self._texts.hold if self._session.writing else self._texts.get
        found = self._session.row(text, asked)
        if found is None and self._session.writing and self._texts.texts.is_postgres:
            # What is not there cannot be locked: two first orders would both be number one.
            self._session.write(self._texts.insert, TWIN_ROWS.values(Twin(meter_id)))
            found = self._session.row(text, asked)
        return Twin(meter_id) if found is None else TWIN_ROWS.record(found)

    def get_all(self, meter_ids: Iterable[str]) -> dict[str, Twin]:
        """Return many twins, by meter."""
        ids = sorted({TWIN_ROWS.asked(meter_id) for meter_id in meter_ids})
        found = self._found(ids)
        if len(found) < len(ids) and self._session.writing and self._texts.texts.is_postgres:
            for meter_id in ids:
                if meter_id not in found:
                    self._session.write(self._texts.insert, TWIN_ROWS.values(Twin(meter_id)))
            found = self._found(ids)
        return {meter_id: found.get(meter_id) or Twin(meter_id) for meter_id in ids}

    def put(self, twin: Twin) -> None:
        """Store a twin."""
        self._session.write(self._texts.put, TWIN_ROWS.values(twin))

    def put_all(self, twins: Sequence[Twin]) -> None:
        """Store many twins."""
        latest = {twin.meter_id: twin for twin in twins}
        values = [TWIN_ROWS.values(twin) for twin in latest.values()]
        self._session.write_all(self._texts.put, self._texts.put_many, values)

    def due(self, now: datetime, limit: int) -> Sequence[Twin]:
        """Return twins whose next sending is due, most overdue first."""
        return TWIN_ROWS.records(self._session.rows(self._texts.due, microseconds(now), limit))

    def _found(self, ids: Sequence[str]) -> dict[str, Twin]:
        ask = self._texts.hold_all if self._session.writing else self._texts.get_all
        rows = self._session.among(ask, ids)
        return {twin.meter_id: twin for twin in TWIN_ROWS.records(rows)}


def _id(reading: Reading) -> tuple[str, int, int]:
    return reading.meter_id, reading.epoch, reading.seq
