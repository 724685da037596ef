"""Readings are kept once each and found by their neighbours in time; twins are found when they are due."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from microgrid.errors import Contradiction
from microgrid.monitoring.readings import Reading
from microgrid.ports import Store, UnitOfWork
from microgrid.switching.supply import Twin

AT = datetime(2026, 11, 23, 6, 30, tzinfo=UTC)


def reading(seq: int, minutes: int, epoch: int = 0, meter: str = "m1", register_wh: int = 100) -> Reading:
    return Reading(meter, epoch, seq, AT + timedelta(minutes=minutes), register_wh, 50, None)


def test_readings_are_kept_once_and_new_ones_come_back(store: Store) -> None:
    first, second, third = reading(1, 0), reading(2, 15), reading(3, 30)
    with store.begin() as uow:
        assert uow.readings.add_all([]) == []
        assert uow.readings.add_all([second, first, second]) == [second, first]
        assert uow.readings.add_all([first, third, second]) == [third]
        assert uow.readings.add_all([first, second, third]) == []
        assert uow.readings.between("m1", 0, first.at, third.at) == [first, second, third]


def test_another_content_under_a_known_id_is_refused_with_both_shown(store: Store) -> None:
    with store.begin() as uow:
        uow.readings.add_all([reading(1, 0)])
        for batch in (
            [reading(2, 15), reading(1, 0, register_wh=101)],
            [reading(2, 15), reading(2, 15, register_wh=101)],
        ):
            with pytest.raises(Contradiction) as refused:
                uow.readings.add_all(batch)
            (problem,) = refused.value.problems
            assert problem.code == "MG-M001"
            assert "is stored as 100 Wh at 2026-11-23" in problem.what
            assert "but 101 Wh at" in problem.what
        assert uow.readings.latest("m1") == reading(1, 0)  # the good row of a refused batch is not there


PLACES = st.tuples(st.sampled_from(["m1", "m2"]), st.integers(0, 1), st.integers(0, 9), st.integers(0, 5))


@given(stored=st.sets(PLACES, max_size=14), asked=st.sets(PLACES, max_size=8))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_neighbours_of_any_rows_among_any_others(
    store: Store, stored: set[tuple[str, int, int, int]], asked: set[tuple[str, int, int, int]]
) -> None:
    """Rows that are stored and rows that are not, several at one moment: the same as looking at each by itself."""

    def made(places: set[tuple[str, int, int, int]]) -> dict[str, Reading]:
        rows = [reading(seq, minute, epoch, meter) for meter, epoch, seq, minute in sorted(places)]
        return {row.id: row for row in rows}  # one row of each number

    kept = made(stored)
    some = {**{key: row for key, row in made(asked).items() if key not in kept}, **dict(list(kept.items())[::2])}

    def look(uow: UnitOfWork) -> None:
        with uow.savepoint():
            uow.readings.add_all(list(kept.values()))
            found = uow.readings.neighbours_all(list(some.values()))
            assert found == {key: _beside(row, kept.values()) for key, row in some.items()}
            raise LookupError("this leaves the store as it was")

    with store.begin() as uow, pytest.raises(LookupError, match="leaves the store"):
        look(uow)


def _beside(row: Reading, stored: Iterable[Reading]) -> tuple[Reading | None, Reading | None]:
    mine = sorted((r for r in stored if (r.meter_id, r.epoch) == (row.meter_id, row.epoch)), key=_place)
    before = [other for other in mine if _place(other) < _place(row)]
    after = [other for other in mine if _place(other) > _place(row)]
    return (before[-1] if before else None, after[0] if after else None)


def _place(row: Reading) -> tuple[datetime, int]:
    return row.at, row.seq


def test_the_newest_rows_of_many_meters(store: Store) -> None:
    kept = [reading(1, 0), reading(2, 15), reading(1, 5, epoch=1), reading(1, 14, meter="m2")]
    with store.begin() as uow:
        uow.readings.add_all(kept)
        assert uow.readings.latest_all(["m2", "m1", "m9", "m1"]) == {"m1": kept[2], "m2": kept[3]}
        assert uow.readings.latest_all([]) == {}


def test_neighbours_are_of_the_same_meter_and_epoch(store: Store) -> None:
    kept = [reading(1, 0), reading(2, 15), reading(3, 30), reading(1, 20, epoch=1), reading(1, 14, meter="m2")]
    with store.begin() as uow:
        uow.readings.add_all(list(reversed(kept)))
        assert uow.readings.neighbours(kept[1]) == (kept[0], kept[2])
        assert uow.readings.neighbours(kept[0]) == (None, kept[1])
        assert uow.readings.neighbours(kept[2]) == (kept[1], None)
        assert uow.readings.neighbours(kept[3]) == (None, None)
        assert uow.readings.neighbours(reading(9, 16)) == (kept[1], kept[2])  # one that is not stored
        assert uow.readings.neighbours(reading(0, 0, meter="m9")) == (None, None)
        assert uow.readings.neighbours_all(kept[:2]) == {"m1:0:1": (None, kept[1]), "m1:0:2": (kept[0], kept[2])}
        assert uow.readings.neighbours_all([]) == {}


def test_rows_of_one_moment_are_ordered_by_their_numbers(store: Store) -> None:
    kept = [reading(seq, 0) for seq in (1, 2, 3)]
    with store.begin() as uow:
        uow.readings.add_all([kept[2], kept[0], kept[1]])
        assert uow.readings.neighbours(kept[1]) == (kept[0], kept[2])
        assert uow.readings.latest("m1") == kept[2]


def test_the_newest_is_the_last_in_time_of_the_highest_epoch(store: Store) -> None:
    with store.begin() as uow:
        assert uow.readings.latest("m1") is None
        uow.readings.add_all([reading(9, 60), reading(1, 5, epoch=1), reading(2, 1, epoch=1)])
        assert uow.readings.latest("m1") == reading(1, 5, epoch=1)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(st.integers(0, 1), st.integers(0, 9), st.integers(0, 9)), max_size=12), batch=st.data())
def test_neighbours_as_a_plain_list_has_them(
    store: Store, rows: list[tuple[int, int, int]], batch: st.DataObject
) -> None:
    unique = list({(epoch, seq): reading(seq, minutes, epoch) for epoch, seq, minutes in rows}.values())
    cut = batch.draw(st.integers(0, len(unique)))

    class Undone(Exception):  # noqa: N818 - every example begins with an empty store
        pass

    def look() -> None:
        with store.begin() as uow:
            assert uow.readings.add_all(unique[:cut]) == unique[:cut]
            assert uow.readings.add_all(unique) == unique[cut:]
            for each in unique:
                mine = [row for row in unique if row.epoch == each.epoch]
                row = sorted(mine, key=lambda other: (other.at, other.seq))
                place = row.index(each)
                expected = (row[place - 1] if place else None, row[place + 1] if place + 1 < len(row) else None)
                assert uow.readings.neighbours(each) == expected
            raise Undone

    with pytest.raises(Undone):
        look()


def test_twins_are_due_most_overdue_first(store: Store) -> None:
    soon = Twin("m3", next_send_at=AT + timedelta(microseconds=1))
    late, later, never = Twin("m2", next_send_at=AT - timedelta(hours=1)), Twin("m1", next_send_at=AT), Twin("m0")
    with store.begin() as uow:
        for twin in (later, late, never, soon):
            uow.twins.put(twin)
        assert uow.twins.due(AT, 9) == [late, later]
        assert uow.twins.due(AT, 1) == [late]
        uow.twins.put(replace(late, next_send_at=None))
        assert uow.twins.due(AT, 9) == [later]


def test_many_twins_at_once(store: Store) -> None:
    with store.begin() as uow:
        assert uow.twins.get("m1") == Twin("m1")
        uow.twins.put_all([Twin("m1", attempts=1), Twin("m2"), Twin("m1", attempts=2)])
        uow.twins.put_all([])
        assert uow.twins.get_all(["m3", "m1", "m1"]) == {"m1": Twin("m1", attempts=2), "m3": Twin("m3")}
        assert uow.twins.get_all([]) == {}
    with store.read() as uow:
        assert uow.twins.get_all(["m2", "m9"]) == {"m2": Twin("m2"), "m9": Twin("m9")}
