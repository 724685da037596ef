"""Three clocks: who is cut for not paying had no outage, and who paid in an outage did."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from microgrid.billing.reliability import (
    Clocks,
    Interval,
    Supplied,
    availability,
    clocks,
    felt_outage,
    gaps,
    merged,
    overlap,
    saidi,
    saifi,
    system_availability,
)

START = datetime(2026, 11, 1, tzinfo=UTC)
HOUR = 3600


def hours(start: float, end: float) -> Interval:
    return Interval(START + timedelta(hours=start), START + timedelta(hours=end))


MONTH = hours(0, 720)
ALWAYS = (hours(-1000, 1000),)


def without(*outages: Interval) -> tuple[Interval, ...]:
    return gaps(merged(outages, ALWAYS[0]), ALWAYS[0])


def served(name: str, supplied: tuple[Interval, ...], enabled: tuple[Interval, ...] = ALWAYS) -> Supplied:
    return Supplied(name, ALWAYS[0], enabled, supplied)


def test_the_month_of_150_connections() -> None:
    common, part = hours(100, 102), hours(300, 305)
    village = [served(f"c{n}", without(common, part) if n < 40 else without(common)) for n in range(150)]
    system, frequency = saidi(village, MONTH), saifi(village, MONTH)
    assert (system.value, system.numerator) == (Fraction(500 * HOUR, 150), 500 * HOUR)
    assert system.value is not None
    assert round(system.value / HOUR, 2) == Fraction("3.33")
    assert (frequency.value, frequency.shown(2)) == (Fraction(190, 150), Decimal("1.27"))
    assert availability(village, MONTH).shown(2, times=100) == Decimal("99.54")
    assert system_availability(village, MONTH).shown(2, times=100) == Decimal("99.72")
    assert len(system.behind) == 150


def test_an_outage_is_felt_by_those_who_had_paid() -> None:
    dark = without(hours(100, 102))
    village = [served("paid", dark), served("cut", dark, enabled=()), served("cut in it", dark, (hours(-9, 101),))]
    felt = felt_outage(village, MONTH)
    assert felt.value == HOUR
    assert [part.numerator for part in felt.evidence] == [2 * HOUR, 0, HOUR]


def test_a_customer_cut_for_not_paying_had_no_outage() -> None:
    unpaid = served("amina", ALWAYS, enabled=(hours(-10, 200),))
    assert clocks(unpaid, MONTH) == Clocks(720 * HOUR, 200 * HOUR, 720 * HOUR, 200 * HOUR)
    assert saidi([unpaid], MONTH).value == 0
    assert saifi([unpaid], MONTH).value == 0
    assert availability([unpaid], MONTH).value == 1


def test_an_outage_is_felt_only_by_who_has_paid() -> None:
    one = served("amina", without(hours(100, 110)), enabled=(hours(0, 104), hours(108, 720)))
    times = clocks(one, MONTH)
    assert (times.outage_s, times.felt_outage_s) == (10 * HOUR, 6 * HOUR)
    assert times.both_s == 710 * HOUR


def test_an_outage_under_way_is_no_new_one_but_its_hours_count() -> None:
    one = [served("amina", without(hours(-5, 3), hours(700, 730)))]
    assert saidi(one, MONTH).value == (3 + 20) * HOUR
    assert saifi(one, MONTH).value == 1
    assert saifi(one, hours(720, 800)).value == 0
    assert saifi(one, hours(700, 710)).value == 1


def test_stretches_that_touch_are_one() -> None:
    assert merged([hours(3, 5), hours(1, 2), hours(2, 3), hours(7, 7)], MONTH) == (hours(1, 5),)


def test_a_connection_counts_for_the_time_it_was_there() -> None:
    new = Supplied("new", hours(360, 9999), ALWAYS, (hours(360, 700), hours(710, 720)))
    assert saidi([new], MONTH).value == 10 * HOUR * 2
    assert saifi([new], MONTH).value == 2
    assert availability([new], MONTH).value == Fraction(350, 360)
    gone = Supplied("gone", hours(-50, -10), ALWAYS, ALWAYS)
    assert saidi([gone], MONTH).value is None
    assert availability([gone], MONTH).value is None
    assert system_availability([gone], MONTH).value is None
    assert saidi([], MONTH).value is None


def test_waiting_for_the_first_supply_is_no_interruption() -> None:
    waiting = Supplied("new", hours(100, 9999), ALWAYS, (hours(120, 9999),))
    assert saifi([waiting], MONTH).value == 0
    assert clocks(waiting, MONTH).outage_s == 20 * HOUR


spans = st.lists(
    st.tuples(st.integers(-30, 130), st.integers(0, 60)).map(lambda pair: hours(pair[0], pair[0] + pair[1])), max_size=8
)


def running(intervals: tuple[Interval, ...] | list[Interval], hour: int) -> bool:
    at = START + timedelta(hours=hour)
    return any(one.start <= at < one.end for one in intervals)


@given(spans, spans)
def test_clocks_agree_with_counting_hour_by_hour(enabled: list[Interval], supplied: list[Interval]) -> None:
    period = hours(0, 100)
    one = Supplied("c", ALWAYS[0], tuple(enabled), tuple(supplied))
    on = [(running(enabled, hour), running(supplied, hour)) for hour in range(100)]
    expected = Clocks(100 * HOUR, sum(a for a, _ in on) * HOUR, sum(b for _, b in on) * HOUR, sum(map(all, on)) * HOUR)
    assert clocks(one, period) == expected
    available, outage = availability([one], period).value, saidi([one], period).value
    assert available is not None
    assert outage is not None
    assert available == 1 - outage / (100 * HOUR)


@given(spans, spans)
def test_gaps_and_pieces_fill_the_period(left: list[Interval], right: list[Interval]) -> None:
    period = hours(0, 100)
    pieces = merged(left, period)
    assert sum(one.length_s for one in (*pieces, *gaps(pieces, period))) == 100 * HOUR
    assert overlap(pieces, gaps(pieces, period)) == ()
    assert overlap(pieces, merged(right, period)) == overlap(merged(right, period), pieces)
    assert merged(left[::-1], period) == pieces
