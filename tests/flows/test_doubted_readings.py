"""A row that no meter can have measured is kept aside with the reason, and charged to nobody."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgrid import actions, flows, metering
from microgrid.customers.records import Connection, Fit, Meter
from microgrid.errors import InvalidInput
from microgrid.monitoring.readings import Aside, Reading
from microgrid.store.memory import MemoryStore
from tests.flows.village import ENERGY, START, Village, make_village

HOUR = timedelta(hours=1)


def row(seq: int, hours: float, register_wh: int, meter: str = "M-K-104") -> Reading:
    return Reading(meter, 1, seq, START + hours * HOUR, register_wh)


def tell(home: Village, *rows: Reading) -> flows.Taken:
    home.clock.at = max([home.clock.at, *(each.at for each in rows if each.at < START + timedelta(days=60))])
    return flows.on_readings(home.core, rows)


def aside(home: Village, meter: str = "M-K-104") -> list[Aside]:
    return list(metering.rows_aside(home.core, meter, "", 100).items)


def used_wh(home: Village) -> int:
    return -home.credit_minor() // 25


def test_more_power_than_any_home_has_is_not_charged(home: Village) -> None:
    assert tell(home, row(1, 1, 2000)).new == 1
    taken = tell(home, row(2, 2, 9_000_000), row(3, 3, 2500))
    assert (taken.new, taken.known, len(taken.problems)) == (1, 0, 1)
    assert "faster than 100000 W" in taken.problems[0]
    assert used_wh(home) == 1500
    assert [(one.reading, one.code, one.actor) for one in aside(home)] == [(row(2, 2, 9_000_000), "MG-M021", "service")]
    assert tell(home, row(2, 2, 9_000_000)).new == 0  # a meter sends all it has again
    assert tell(home, row(2, 2, 2200)).new == 1  # the number was free for the row that was meant
    assert used_wh(home) == 1500
    home.are_books_true()


def test_a_register_does_not_fall_within_an_epoch(home: Village) -> None:
    tell(home, row(1, 1, 3000))
    assert "fall from 3000 to 1200" in tell(home, row(2, 2, 1200)).problems[0]
    assert "fall from 1000 to 0" in tell(home, row(3, 0.5, 0)).problems[0]
    tell(home, row(4, 3, 3100))
    assert used_wh(home) == 2100
    assert [one.code for one in aside(home)] == ["MG-M020", "MG-M020"]
    home.are_books_true()


def test_a_row_above_a_later_one_is_the_doubted_one(home: Village) -> None:
    tell(home, row(5, 5, 2000))
    assert tell(home, row(1, 1, 2500)).new == 0
    assert tell(home, row(2, 2, 1500), row(3, 3, 8000), row(4, 4, 1700)).new == 2
    assert used_wh(home) == 1000


def test_a_meters_own_rating_is_the_limit(home: Village) -> None:
    actions.add_meter(home.core, Meter("M-9", rated_w=500), "test")
    actions.add_connection(home.core, Connection("p-9", "K-104", "kisiju"), "test")
    actions.fit_meter(home.core, Fit("f-9", "M-9", "p-9", 1, START, 0), "test")
    assert tell(home, row(1, 1, 500, "M-9"), row(2, 2, 1600, "M-9")).new == 1
    assert used_wh(home) == 500


def test_a_row_set_aside_by_a_person_was_never_there(home: Village) -> None:
    tell(home, row(1, 1, 1400))
    tell(home, row(2, 2, 60_000))  # a slip that a home could have used
    assert tell(home, row(3, 3, 1600), row(4, 4, 1700)).new == 0
    assert used_wh(home) == 59_000
    for _ in range(2):
        kept = metering.set_reading_aside(home.core, "M-K-104:1:2", "the display shows 1700", "amina")
        assert (kept.reading, kept.reason, kept.actor) == (row(2, 2, 60_000), "the display shows 1700", "amina")
    assert used_wh(home) == 700  # the rows after it count now
    assert tell(home, row(2, 2, 60_000)).problems == ("the display shows 1700",)
    assert used_wh(home) == 700
    assert [one.taken_at is not None for one in aside(home)] == [False, True, True]
    home.clock.pass_(days=1)
    flows.on_tick(home.core)
    home.are_books_true()


def test_setting_aside_after_the_day_was_posted_is_a_correction(home: Village) -> None:
    tell(home, row(1, 1, 1400), row(2, 2, 60_000))
    home.clock.pass_(days=1)
    flows.on_tick(home.core)
    assert home.balance_minor("revenue:energy:kisiju") == -59_000 * 25
    metering.set_reading_aside(home.core, "M-K-104:1:2", "a slip", "amina")
    home.clock.pass_(days=1)
    flows.on_tick(home.core)
    assert home.balance_minor("revenue:energy:kisiju") == -400 * 25
    home.are_books_true()


@pytest.mark.parametrize("name", ["M-K-104:1:9", "nobody:1:1", "M-K-104", "M-K-104:1", "M-K-104:x:1", f"a:1:{9:030}"])
def test_only_a_stored_row_can_be_set_aside(home_in_memory: Village, name: str) -> None:
    with pytest.raises(InvalidInput, match=r"MG-A001|MG-M026"):
        metering.set_reading_aside(home_in_memory.core, name, "?", "amina")


def test_rows_that_came_before_the_fit_are_looked_at_then(home: Village) -> None:
    actions.add_connection(home.core, Connection("p-2", "K-104", "kisiju"), "test")
    assert tell(home, row(1, 1, 100, "M-9"), row(2, 2, 5_000_000, "M-9"), row(3, 3, 300, "M-9")).new == 3
    actions.add_meter(home.core, Meter("M-9"), "test")
    actions.fit_meter(home.core, Fit("f-9", "M-9", "p-2", 1, START, 0), "test")
    assert used_wh(home) == 300
    assert [one.reading.seq for one in aside(home, "M-9")] == [2]
    home.are_books_true()


def test_a_wrong_clock_put_right_lets_the_row_count(home: Village) -> None:
    late = Reading("M-K-104", 1, 1, START + timedelta(days=3), 1500)
    assert flows.on_readings(home.core, [late]).new == 0
    home.clock.at = START + timedelta(days=3)
    assert flows.on_readings(home.core, [late]).new == 1
    assert [one.taken_at for one in aside(home)] == [home.clock.at]
    assert used_wh(home) == 500


ROWS = st.lists(
    st.tuples(st.integers(1, 12), st.integers(0, 48), st.sampled_from([0, 900, 1000, 1500, 2000, 9000, 500_000])),
    max_size=12,
)


@settings(max_examples=60, deadline=None)
@given(ROWS, st.lists(st.integers(1, 12), max_size=4), st.integers(1, 5))
def test_what_is_charged_is_what_the_rows_that_count_say(
    told: list[tuple[int, int, int]], wrong: list[int], size: int
) -> None:
    home = make_village(MemoryStore())
    home.settle_in(ENERGY)
    home.clock.at = START + timedelta(days=3)
    rows = [row(seq, hours / 2, register_wh) for seq, hours, register_wh in told]
    for start in range(0, len(rows), size):
        flows.on_readings(home.core, rows[start : start + size])
    for seq in wrong:
        try:
            metering.set_reading_aside(home.core, f"M-K-104:1:{seq}", "wrong", "amina")
        except InvalidInput:
            continue  # it never counted
    with home.store.read() as uow:
        counting = uow.readings.between("M-K-104", 1, START, datetime.max.replace(tzinfo=START.tzinfo))
    registers = [each.register_wh for each in counting]
    assert registers == sorted(registers)
    assert used_wh(home) == max([1000, *registers]) - 1000
    kept = {each.id for each in [*counting, *(one.reading for one in aside(home))]}
    assert {each.id for each in rows} <= kept
    home.are_books_true()
