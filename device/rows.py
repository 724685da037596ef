"""The rows a meter keeps: one per interval, in a ring that is overwritten, sent in batches and again when asked."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from device.messages import Readings, Relay

ROWS_PER_BATCH = 12
RING_ROWS = 2880  # 30 days of quarters of an hour
_ROW = struct.Struct("<IIIH")  # sequence number, time, register, voltage and relay
_VOLTAGE_BITS = 14
_LARGEST_DV = 2**_VOLTAGE_BITS - 1  # 1,638 V
ROW_BYTES = _ROW.size


@dataclass(frozen=True, slots=True)
class Row:
    """What a meter measured at the end of an interval."""

    seq: int
    time_s: int
    register_wh: int
    voltage_dv: int
    relay: Relay


def packed(row: Row) -> bytes:
    """Return a row as few bytes."""
    return _ROW.pack(
        row.seq, row.time_s, row.register_wh, row.relay << _VOLTAGE_BITS | min(row.voltage_dv, _LARGEST_DV)
    )


def unpacked(rows: bytes | bytearray) -> Iterator[Row]:
    """Give the rows that were packed one after the other."""
    for seq, time_s, register_wh, state in _ROW.iter_unpack(rows):
        yield Row(seq, time_s, register_wh, state & _LARGEST_DV, Relay(state >> _VOLTAGE_BITS))


class Ring:
    """The last rows of a meter, oldest overwritten first; it takes memory only for rows it has."""

    __slots__ = ("_bytes", "_next", "_rows")

    def __init__(self, rows: int = RING_ROWS) -> None:
        if rows < 1:
            raise ValueError(f"a ring needs at least one row, not {rows}")
        self._rows, self._next, self._bytes = rows, 0, bytearray()

    def keep(self, row: Row) -> None:
        """Keep a row, over the oldest one when the ring is full."""
        at = self._next * _ROW.size
        self._bytes[at : at + _ROW.size] = packed(row)
        self._next = (self._next + 1) % self._rows
        if self._next == 0:
            self._bytes = bytearray(self._bytes)  # it grows no more: give back the room it kept for that

    def forget(self) -> None:
        """Forget every row."""
        self._next, self._bytes = 0, bytearray()

    def between(self, first_seq: int, last_seq: int) -> list[Row]:
        """Return the rows that are still there from one sequence number to another, both included, in order."""
        return sorted((row for row in self if first_seq <= row.seq <= last_seq), key=lambda row: row.seq)

    def __iter__(self) -> Iterator[Row]:
        return unpacked(self._bytes)

    def __len__(self) -> int:
        return len(self._bytes) // _ROW.size


def batches(rows: Sequence[Row], epoch: int, interval_s: int, revision: int = 0) -> list[Readings]:
    """Return rows as messages: each of at most 12 rows that follow one another in number and never fall."""
    found: list[list[Row]] = []
    for row in rows:
        if found and _follows(found[-1], row):
            found[-1].append(row)
        else:
            found.append([row])
    return [_batch(each, epoch, interval_s, revision) for each in found]


def rows_of(batch: Readings) -> list[Row]:
    """Return the rows a batch holds, each in full."""
    gaps = dict(batch.time_exceptions or ())
    relays = dict(batch.relay_changes or ())
    time_s, register_wh = batch.first_time_s, batch.base_register_wh
    voltage_dv, relay = batch.first_voltage_dv or 0, relays.get(0, Relay.CLOSED)
    rows = [Row(batch.first_seq, time_s, register_wh, voltage_dv, Relay(relay))]
    for number, delta_wh in enumerate(batch.register_deltas_wh, start=1):
        time_s += gaps.get(number, batch.interval_s)
        register_wh += delta_wh
        voltage_dv += 0 if batch.voltage_deltas_dv is None else batch.voltage_deltas_dv[number - 1]
        relay = relays.get(number, relay)
        rows.append(Row(batch.first_seq + number, time_s, register_wh, voltage_dv, Relay(relay)))
    return rows


def _follows(rows: Sequence[Row], row: Row) -> bool:
    last = rows[-1]
    in_order = row.seq == last.seq + 1 and row.time_s >= last.time_s and row.register_wh >= last.register_wh
    return in_order and len(rows) < ROWS_PER_BATCH


def _batch(rows: Sequence[Row], epoch: int, interval_s: int, revision: int) -> Readings:
    first = rows[0]
    steps = list(pairwise(rows))
    voltages = tuple(after.voltage_dv - before.voltage_dv for before, after in steps)
    gaps = [(number, after.time_s - before.time_s) for number, (before, after) in enumerate(steps, start=1)]
    relays = [(0, int(first.relay))] if first.relay != Relay.CLOSED else []
    relays += [(n, int(after.relay)) for n, (before, after) in enumerate(steps, start=1) if after.relay != before.relay]
    return Readings(
        epoch,
        first.seq,
        first.time_s,
        first.register_wh,
        interval_s,
        first.voltage_dv,
        tuple(after.register_wh - before.register_wh for before, after in steps),
        voltages if any(voltages) else None,
        time_exceptions=_pairs((number, gap_s) for number, gap_s in gaps if gap_s != interval_s),
        relay_changes=_pairs(relays),
        revision=revision,
    )


def _pairs(pairs: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...] | None:
    return tuple(pairs) or None
