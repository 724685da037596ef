"""Readings of meters and our pictures of them, in memory."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence
from datetime import datetime

from microgrid.monitoring.readings import Reading
from microgrid.store.changes import Changes
from microgrid.store.records import READING_ROWS, TWIN_ROWS, refuse_contradiction
from microgrid.switching.supply import Twin

Place = tuple[datetime, int]  # of a reading in its epoch: time, then sequence number


class MemoryReadings:
    """Meter rows, once each, in order of time within each epoch of a meter."""

    def __init__(self, changes: Changes) -> None:
        self._changes = changes
        self._rows: dict[tuple[str, int, int], Reading] = {}
        self._places: dict[tuple[str, int], list[Place]] = {}
        self._epochs: dict[str, list[int]] = {}

    def add_all(self, readings: Sequence[Reading]) -> Sequence[Reading]:
        """Insert those not yet known and return them; same id with another content raises Contradiction."""
        mark = self._changes.mark()
        try:
            return [reading for reading in readings if self._add(reading)]
        except BaseException:
            self._changes.undo_to(mark)
            raise

    def find(self, meter_id: str, epoch: int, seq: int) -> Reading | None:
        """Return a reading by its number, or nothing."""
        self._changes.check_open()
        return self._rows.get((READING_ROWS.asked(meter_id), epoch, seq))

    def remove(self, readings: Sequence[Reading]) -> None:
        """Take readings out."""
        for reading in readings:
            if self._rows.get(_id(reading)) == reading:
                self._changes.note(self._insert, reading)
                self._remove(reading)

    def neighbours(self, reading: Reading) -> tuple[Reading | None, Reading | None]:
        """Return the readings of the same meter and epoch just before and after it in time."""
        self._changes.check_open()
        places = self._places.get((reading.meter_id, reading.epoch), [])
        here = bisect_left(places, (reading.at, reading.seq))
        after = here + (here < len(places) and places[here] == (reading.at, reading.seq))
        before_at = places[here - 1] if here > 0 else None
        after_at = places[after] if after < len(places) else None
        return self._reading(reading, before_at), self._reading(reading, after_at)

    def neighbours_all(self, readings: Sequence[Reading]) -> dict[str, tuple[Reading | None, Reading | None]]:
        """Return the neighbours of many readings, by the id of the reading."""
        return {reading.id: self.neighbours(reading) for reading in readings}

    def between(self, meter_id: str, epoch: int, first: datetime, last: datetime) -> Sequence[Reading]:
        """Return the readings of a meter and epoch from one moment to another, both included, in order."""
        self._changes.check_open()
        places = self._places.get((READING_ROWS.asked(meter_id), epoch), [])
        start = bisect_left(places, first, key=lambda place: place[0])
        found: list[Reading] = []
        while start + len(found) < len(places) and places[start + len(found)][0] <= last:
            found.append(self._rows[meter_id, epoch, places[start + len(found)][1]])
        return found

    def latest(self, meter_id: str) -> Reading | None:
        """Return the newest reading of a meter: of its highest epoch the last in time."""
        self._changes.check_open()
        for epoch in reversed(self._epochs.get(READING_ROWS.asked(meter_id), [])):
            places = self._places[meter_id, epoch]
            if places:
                return self._rows[meter_id, epoch, places[-1][1]]
        return None

    def latest_all(self, meter_ids: Iterable[str]) -> dict[str, Reading]:
        """Return the newest readings of many meters, by meter; meters without any are left out."""
        found = {meter_id: self.latest(meter_id) for meter_id in sorted(set(meter_ids))}
        return {meter_id: reading for meter_id, reading in found.items() if reading is not None}

    def _add(self, reading: Reading) -> bool:
        READING_ROWS.check(reading)
        known = self._rows.get(_id(reading))
        if known is not None:
            refuse_contradiction(known, reading)
            return False
        self._changes.note(self._remove, reading)
        self._insert(reading)
        return True

    def _insert(self, reading: Reading) -> None:
        self._rows[_id(reading)] = reading
        insort(self._places_of(reading), (reading.at, reading.seq))

    def _remove(self, reading: Reading) -> None:
        del self._rows[_id(reading)]
        places = self._places_of(reading)
        del places[bisect_left(places, (reading.at, reading.seq))]

    def _places_of(self, reading: Reading) -> list[Place]:
        key = (reading.meter_id, reading.epoch)
        if key not in self._places:
            self._places[key] = []
            insort(self._epochs.setdefault(reading.meter_id, []), reading.epoch)
        return self._places[key]

    def _reading(self, like: Reading, place: Place | None) -> Reading | None:
        return None if place is None else self._rows[like.meter_id, like.epoch, place[1]]


class MemoryTwins:
    """Our pictures of meters."""

    def __init__(self, changes: Changes) -> None:
        self._changes = changes
        self._rows: dict[str, Twin] = {}
        self._due: dict[str, datetime] = {}

    def get(self, meter_id: str) -> Twin:
        """Return a twin, empty if nothing was ever desired or reported."""
        self._changes.check_open()
        return self._rows.get(TWIN_ROWS.asked(meter_id)) or Twin(meter_id)

    def get_all(self, meter_ids: Iterable[str]) -> dict[str, Twin]:
        """Return many twins, by meter."""
        return {meter_id: self.get(meter_id) for meter_id in sorted(set(meter_ids))}

    def put(self, twin: Twin) -> None:
        """Store a twin."""
        TWIN_ROWS.check(twin)
        self._changes.note(self._restore, twin.meter_id, self._rows.get(twin.meter_id))
        self._restore(twin.meter_id, twin)

    def put_all(self, twins: Sequence[Twin]) -> None:
        """Store many twins."""
        for twin in twins:
            self.put(twin)

    def all(self) -> Iterable[Twin]:
        """Return every twin, in no order."""
        return self._rows.values()

    def due(self, now: datetime, limit: int) -> Sequence[Twin]:
        """Return twins whose next sending is due, most overdue first."""
        self._changes.check_open()
        due = sorted((at, meter_id) for meter_id, at in self._due.items() if at <= now)
        return [self._rows[meter_id] for _, meter_id in due[:limit]]

    def _restore(self, meter_id: str, twin: Twin | None) -> None:
        if twin is None:
            self._rows.pop(meter_id, None)
        else:
            self._rows[meter_id] = twin
        if twin is None or twin.next_send_at is None:
            self._due.pop(meter_id, None)
        else:
            self._due[meter_id] = twin.next_send_at


def _id(reading: Reading) -> tuple[str, int, int]:
    return reading.meter_id, reading.epoch, reading.seq
