"""The laws of keypad tokens, as questions to a database and to a store in memory, with the same answers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise

from microgrid.switching.token_records import GivenToken, KeptDevice

Offender = tuple[object, ...]

TOKEN_QUESTIONS = {
    "MG-L150": """
        SELECT serial, count, before FROM (
            SELECT serial, count, issued_at_us, LAG(count) OVER of_meter AS before,
                LAG(issued_at_us) OVER of_meter AS earlier_us
            FROM tokens WINDOW of_meter AS (PARTITION BY serial ORDER BY count, id)
        ) AS neighbours WHERE count = before OR issued_at_us < earlier_us ORDER BY serial, count""",
    "MG-L151": """
        SELECT source, serial, COUNT(DISTINCT issued_at_us) FROM tokens
        GROUP BY source, serial HAVING COUNT(DISTINCT issued_at_us) > 1 ORDER BY source, serial""",
    "MG-L152": """
        SELECT serial, COALESCE(MAX(d.count), 0), MAX(t.count) FROM tokens AS t
        LEFT JOIN token_devices AS d ON d.id = serial
        GROUP BY serial HAVING MAX(t.count) > COALESCE(MAX(d.count), 0) ORDER BY serial""",
    "MG-L153": """
        SELECT serial, count, kind FROM tokens
        WHERE (kind = 'add' AND (count & 1) = 1) OR (kind <> 'add' AND (count & 1) = 0) ORDER BY serial, count""",
}


def token_offenders(tokens: Iterable[GivenToken], devices: Iterable[KeptDevice]) -> dict[str, Iterable[Offender]]:
    """Return, by code, the rows in memory that break a law of tokens."""
    of_meter: defaultdict[str, list[GivenToken]] = defaultdict(list)
    of_source: defaultdict[tuple[str, str], set[object]] = defaultdict(set)
    for token in sorted(tokens, key=lambda each: (each.serial, each.count, each.id)):
        of_meter[token.serial].append(token)
        of_source[token.source, token.serial].add(token.issued_at)
    counts = {device.id: device.count for device in devices}
    return {
        "MG-L150": _not_rising(of_meter),
        "MG-L151": ((*key, len(times)) for key, times in sorted(of_source.items()) if len(times) > 1),
        "MG-L152": _ahead(of_meter, counts),
        "MG-L153": (
            (token.serial, token.count, token.kind)
            for own in of_meter.values()
            for token in own
            if (token.kind == "add") == bool(token.count % 2)
        ),
    }


def _not_rising(of_meter: Mapping[str, Sequence[GivenToken]]) -> Iterator[Offender]:
    for serial, own in of_meter.items():
        for before, token in pairwise(own):
            if token.count == before.count or token.issued_at < before.issued_at:
                yield serial, token.count, before.count


def _ahead(of_meter: Mapping[str, Sequence[GivenToken]], counts: Mapping[str, int]) -> Iterator[Offender]:
    for serial, own in of_meter.items():
        if own[-1].count > counts.get(serial, 0):
            yield serial, counts.get(serial, 0), own[-1].count
