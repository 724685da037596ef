"""Credit: what is charged depends on what is known, not on when it came to be known."""

from bisect import insort
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgrid.billing.credit import (
    MICRO,
    MonthState,
    accrue,
    block_micro,
    charge,
    charge_journal,
    days_needed,
    fee_journal,
    month_state,
    posted,
    recomputed,
    revenue_kind,
    to_post,
    with_days,
)
from microgrid.billing.ledger import Entry, faults
from microgrid.billing.plans import (
    Band,
    Block,
    EnergyRules,
    LeaseRules,
    Levy,
    PlanVersion,
    PostpaidRules,
    Tax,
    TimeRules,
)
from microgrid.billing.register import Term, changes, fit_pieces, negated
from microgrid.customers.records import Fit, Site
from microgrid.kept import ChargeDay, Credit
from microgrid.monitoring.readings import Reading

START = datetime(2026, 1, 20, tzinfo=UTC)
NAIROBI = ZoneInfo("Africa/Nairobi")
KISIJU = Site("kisiju", "Kisiju", "Africa/Nairobi", "KES", 2)
FIT = Fit("f", "m", "c", 7, START, 1000)
PER_KWH = 25_000_000  # 250.00 a kWh: 25 units of 1/100 a Wh, or 25 million micro
FLAT = PlanVersion("flat", 1, START, "KES", EnergyRules((Block(None, PER_KWH),)))
STEPS = EnergyRules((Block(1000, 10_000_000), Block(3000, 20_000_000), Block(None, 40_000_000)))

prices = st.integers(0, 60_000_000)
block_lists = st.lists(st.tuples(st.integers(1, 4000), prices), max_size=3).flatmap(
    lambda steps: prices.map(
        lambda last: (
            *(Block(sum(wh for wh, _ in steps[: n + 1]), price) for n, (_, price) in enumerate(steps)),
            Block(None, last),
        )
    )
)
band_lists = st.lists(st.integers(0, 1440), unique=True, max_size=6).flatmap(
    lambda edges: st.lists(prices, min_size=3, max_size=3).map(
        lambda band_prices: tuple(
            Band(first, last, price)
            for first, last, price in zip(sorted(edges)[::2], sorted(edges)[1::2], band_prices, strict=False)
        )
    )
)
energies = st.builds(EnergyRules, block_lists, band_lists, st.sampled_from([0, 0, 500, 3000]))
rules = st.one_of(
    energies,
    energies,
    st.builds(PostpaidRules, energies, st.just(14), st.just(7), st.just(0)),
    st.just(TimeRules(100, 1)),
)
taxes = st.builds(Tax, st.integers(0, 300_000), st.booleans())
zones = st.sampled_from(
    ["Africa/Nairobi", "Asia/Kathmandu", "Europe/Berlin", "Asia/Beirut", "Australia/Lord_Howe"]
).map(ZoneInfo)


@st.composite
def term_lists(draw: st.DrawFn) -> tuple[Term, ...]:
    """Plans that follow each other over ten weeks, with a gap now and then."""
    days = sorted(draw(st.lists(st.integers(0, 70 * 24), min_size=1, max_size=3, unique=True)))
    starts = [START + timedelta(hours=hours) for hours in days]
    ends = [*starts[1:], None]
    plans = [PlanVersion(f"p{n}", 1, at, "KES", draw(rules), draw(taxes)) for n, at in enumerate(starts)]
    return tuple(Term(plan, at, end) for plan, at, end in zip(plans, starts, ends, strict=True))


@st.composite
def reading_lists(draw: st.DrawFn) -> tuple[Reading, ...]:
    """Rows of one meter over ten weeks; the register may go back."""
    steps = draw(st.lists(st.tuples(st.integers(0, 5 * 1440), st.integers(-300, 3000)), min_size=1, max_size=14))
    at, register_wh, found = START, 1000, []
    for seq, (minutes, wh) in enumerate(steps):
        at += timedelta(minutes=minutes)
        register_wh = max(0, register_wh + (wh if wh > -250 else -register_wh))
        found.append(Reading("m", 7, seq, at, register_wh))
    return tuple(found)


class Village:
    """One account charged as readings arrive: a list of rows and a few lines, as a store would keep them."""

    def __init__(self, terms: Sequence[Term], zone: ZoneInfo) -> None:
        self.terms, self.zone = terms, zone
        self.rows: list[tuple[datetime, int, Reading]] = []
        self.days: dict[date, ChargeDay] = {}
        self.credit = Credit("a", balance_minor=1_000_000)

    def arrive(self, batch: Iterable[Reading]) -> None:
        known = {row.id for _, _, row in self.rows}
        new = list({row.id: row for row in batch if row.id not in known}.values())
        for row in new:
            insort(self.rows, (row.at, row.seq, row))
        rows = [row for _, _, row in self.rows]
        neighbours = {
            row.id: (before, after) for before, row, after in zip([None, *rows], rows, [*rows[1:], None], strict=False)
        }
        pieces = changes(FIT, new, neighbours, self.terms, self.zone)
        stored = [self.days.get(day, ChargeDay("a", day)) for day in days_needed(pieces)]
        changed = charge("a", pieces, stored, self.terms)
        self.credit = with_days(self.credit, stored, changed)
        self.days |= {row.day: row for row in changed}

    def charged(self) -> tuple[ChargeDay, ...]:
        return tuple(row for day, row in sorted(self.days.items()) if row != ChargeDay("a", day))


def total(days: Iterable[ChargeDay]) -> int:
    return sum(row.accrued_micro for row in days)


def row(seq: int, hours: float, register_wh: int) -> Reading:
    return Reading("m", 7, seq, START + timedelta(hours=hours), register_wh)


def always(plan: PlanVersion) -> tuple[Term, ...]:
    return (Term(plan, START),)


def charged(plan: PlanVersion, *readings: Reading) -> tuple[ChargeDay, ...]:
    return accrue("a", {FIT: readings}, always(plan), NAIROBI)


# A village worked out by hand -----------------------------------------------------------------------------


def test_a_lamp_of_four_hours_is_paid_by_the_wh() -> None:
    (day,) = charged(FLAT, row(1, 4, 1040))
    assert day == ChargeDay("a", date(2026, 1, 20), used_wh=40, accrued_micro=40 * PER_KWH)
    credit = with_days(Credit("a", balance_minor=1500), (), (day,))
    assert (to_post(credit), credit.available_minor) == (1000, 500)


def test_what_is_less_than_a_unit_stays_with_the_customer_until_it_is_one() -> None:
    plan = replace(FLAT, rules=EnergyRules((Block(None, 300_000),)))
    credit = with_days(Credit("a", balance_minor=10), (), charged(plan, row(1, 4, 1003)))
    assert (credit.accrued_micro, to_post(credit), credit.available_minor) == (900_000, 0, 10)
    credit = with_days(Credit("a", balance_minor=10), (), charged(plan, row(1, 4, 1004)))
    assert (to_post(credit), credit.available_minor) == (1, 9)


def test_amina_fills_the_blocks_of_her_month_and_starts_anew_in_february() -> None:
    plan = replace(FLAT, rules=STEPS)
    days = charged(plan, row(1, 12, 1900), row(2, 36, 2500), row(3, 60, 4500), row(4, 300, 4500), row(5, 301, 4600))
    by_day = {day.day: day.accrued_micro // MICRO for day in days}
    assert sum(by_day[date(2026, 1, n)] for n in (20, 21, 22)) == 1000 * 10 + 2000 * 20 + 500 * 40
    assert by_day[date(2026, 2, 1)] == 100 * 10


def test_the_first_wh_of_a_month_are_free_and_a_late_reading_frees_other_ones() -> None:
    plan = replace(FLAT, rules=EnergyRules((Block(None, PER_KWH),), free_wh_per_month=100))
    village = Village(always(plan), NAIROBI)
    village.arrive([row(1, 20, 1060), row(3, 44, 1160)])
    assert [(day.used_wh, day.free_wh) for day in village.charged()] == [(64, 64), (96, 36)]
    village.arrive([row(2, 21, 1150)])
    assert [(day.used_wh, day.free_wh) for day in village.charged()] == [(150, 100), (10, 0)]
    assert [day.accrued_micro for day in village.charged()] == [50 * PER_KWH, 10 * PER_KWH]


def test_energy_in_a_band_costs_its_price_and_fills_no_block() -> None:
    evening = EnergyRules(STEPS.blocks, (Band(1080, 1320, 50_000_000),))
    plan = replace(FLAT, rules=evening)
    # The start is at 03:00 in Nairobi, so the evening of 18:00 to 22:00 is from the 15th to the 19th hour.
    days = charged(plan, row(1, 15, 1900), row(2, 19, 2900), row(3, 24, 2900), row(4, 28, 3100))
    assert [day.accrued_micro // MICRO for day in days] == [900 * 10 + 1000 * 50, 100 * 10 + 100 * 20]


def test_added_tax_is_part_of_the_price_of_a_wh() -> None:
    plan = replace(FLAT, tax=Tax(160_000, included=False))
    assert total(charged(plan, row(1, 4, 1100))) == 100 * 29_000_000


def test_time_plans_and_accounts_without_a_plan_count_energy_and_charge_none() -> None:
    for terms in ((), always(replace(FLAT, rules=TimeRules(100, 1)))):
        (day,) = accrue("a", {FIT: [row(1, 4, 1040)]}, terms, NAIROBI)
        assert (day.used_wh, day.accrued_micro) == (40, 0)


def test_two_meters_of_one_account_fill_the_same_blocks() -> None:
    shop = Fit("g", "n", "d", 1, START, 0)
    fits = {FIT: [row(1, 5, 1800)], shop: [Reading("n", 1, 1, START + timedelta(hours=6), 800)]}
    days = accrue("a", fits, always(replace(FLAT, rules=STEPS)), NAIROBI)
    assert total(days) == (1000 * 10 + 600 * 20) * MICRO


def test_a_tariff_changed_at_noon_prices_each_half_of_the_day_by_its_own() -> None:
    noon = datetime(2026, 1, 20, 9, tzinfo=UTC)
    dearer = PlanVersion("flat", 2, noon, "KES", EnergyRules((Block(None, 2 * PER_KWH),)))
    days = accrue("a", {FIT: [row(1, 18, 1360)]}, (Term(FLAT, START, noon), Term(dearer, noon)), NAIROBI)
    assert total(days) == (180 + 2 * 180) * PER_KWH


# The books -----------------------------------------------------------------------------


def test_a_days_charge_is_posted_with_its_tax_and_value_date() -> None:
    plan = replace(FLAT, tax=Tax(160_000, levies=(Levy("rural", 50_000),)))
    credit = Credit("a", balance_minor=5000, accrued_micro=1210_900_000)
    at = datetime(2026, 1, 21, 0, 5, tzinfo=UTC)
    journal = charge_journal(credit, KISIJU, plan, at, date(2026, 1, 20))
    assert journal is not None
    assert list(faults(journal)) == []
    assert journal.value_at == datetime(2026, 1, 19, 21, tzinfo=UTC)
    assert journal.entries == (
        Entry("customer:a", 1210),
        Entry("revenue:energy:kisiju", -1000),
        Entry("tax:kisiju", -160),
        Entry("tax:kisiju:rural", -50),
    )
    after = posted(credit)
    assert (after.balance_minor, after.charged_minor, to_post(after)) == (3790, 1210, 0)
    assert after.available_minor == credit.available_minor == 3790
    assert charge_journal(after, KISIJU, plan, at, date(2026, 1, 20)) is None


def test_a_correction_gives_back_with_the_opposite_sign() -> None:
    credit = Credit("a", balance_minor=0, accrued_micro=900_000_000, charged_minor=1000)
    journal = charge_journal(credit, KISIJU, replace(FLAT, tax=Tax(250_000)), START, date(2026, 1, 20))
    assert journal is not None
    assert [entry.amount_minor for entry in journal.entries] == [-100, 80, 20]
    assert posted(credit).balance_minor == 100


def test_the_connection_fee_is_a_journal_of_its_own() -> None:
    plan = replace(FLAT, connection_fee_minor=1000, tax=Tax(160_000, included=False))
    journal = fee_journal("a", KISIJU, plan, START)
    assert journal is not None
    assert journal.entries == (
        Entry("customer:a", 1160),
        Entry("revenue:fees:kisiju", -1000),
        Entry("tax:kisiju", -160),
    )
    assert fee_journal("a", KISIJU, FLAT, START) is None


def test_the_books_name_what_is_sold() -> None:
    lease = replace(FLAT, rules=LeaseRules(1, 1, 1, 1))
    assert [revenue_kind(plan) for plan in (FLAT, replace(FLAT, rules=TimeRules(1, 1)), lease)] == [
        "energy",
        "rental",
        "appliance",
    ]


def test_blocks_are_priced_from_where_the_month_stands() -> None:
    assert block_micro(STEPS, Tax(), 900, 200) == 100 * 10_000_000 + 100 * 20_000_000
    assert block_micro(STEPS, Tax(), 0, 0) == 0
    assert block_micro(STEPS, Tax(), 5000, 7) == 7 * 40_000_000


def test_the_state_of_a_month_is_read_from_its_days() -> None:
    plan = replace(FLAT, rules=EnergyRules(STEPS.blocks, (), 100))
    days = charged(plan, row(1, 12, 1900), row(2, 300, 1950))
    assert month_state(date(2026, 1, 25), days, always(plan)).block_wh < 900
    assert month_state(date(2026, 3, 1), days, always(plan)) == MonthState()
    (first,) = charged(plan, row(1, 12, 1900))
    assert month_state(date(2026, 1, 25), (first,), always(plan)) == MonthState(900, 800, 100, first.accrued_micro)


def test_time_bought_stays_when_a_day_is_worked_out_again() -> None:
    stored = ChargeDay("a", date(2026, 1, 20), 40, 0, 0, 540 * MICRO, bought_minor=500)
    fresh = ChargeDay("a", date(2026, 1, 20), 60, accrued_micro=60 * MICRO)
    assert recomputed([stored], [fresh]) == (replace(fresh, accrued_micro=560 * MICRO, bought_minor=500),)
    assert recomputed([stored], []) == (ChargeDay("a", date(2026, 1, 20), accrued_micro=500 * MICRO, bought_minor=500),)
    assert recomputed([fresh], [fresh]) == ()


# What always holds -----------------------------------------------------------------------------


@given(st.data(), reading_lists(), term_lists(), zones)
def test_any_order_any_batches_and_repeats_give_the_same_days(
    data: st.DataObject, readings: Sequence[Reading], terms: Sequence[Term], zone: ZoneInfo
) -> None:
    village = Village(terms, zone)
    waiting = data.draw(st.permutations([*readings, *readings[:3]]))
    while waiting:
        size = data.draw(st.integers(1, len(waiting)))
        village.arrive(waiting[:size])
        waiting = waiting[size:]
    whole = accrue("a", {FIT: readings}, terms, zone)
    assert village.charged() == whole
    assert village.credit.accrued_micro == total(whole)


@given(reading_lists(), term_lists(), zones)
def test_what_is_charged_is_what_the_register_rose_and_never_negative(
    readings: Sequence[Reading], terms: Sequence[Term], zone: ZoneInfo
) -> None:
    days = accrue("a", {FIT: readings}, terms, zone)
    registers = [FIT.first_register_wh, *(one.register_wh for one in readings)]
    assert sum(day.used_wh for day in days) == sum(max(0, b - a) for a, b in pairwise(registers))
    assert all(day.used_wh >= day.free_wh >= 0 <= day.accrued_micro for day in days)
    assert all(0 <= day.estimated_wh <= day.used_wh for day in days)


@given(st.data(), reading_lists(), term_lists(), zones)
def test_a_lost_reading_costs_resolution_and_never_energy(
    data: st.DataObject, readings: Sequence[Reading], terms: Sequence[Term], zone: ZoneInfo
) -> None:
    rising = [replace(one, register_wh=1000 + 10 * n) for n, one in enumerate(readings)]
    lost = data.draw(st.sets(st.sampled_from(range(len(rising)))))
    kept = [one for n, one in enumerate(rising) if n not in lost or n == len(rising) - 1]
    used = [sum(day.used_wh for day in accrue("a", {FIT: some}, terms, zone)) for some in (rising, kept)]
    assert used[0] == used[1] == 10 * (len(rising) - 1)


@given(reading_lists(), prices, taxes, zones)
def test_with_one_price_gaps_do_not_even_move_money(
    readings: Sequence[Reading], price: int, tax: Tax, zone: ZoneInfo
) -> None:
    rising = [replace(one, register_wh=1000 + 7 * n) for n, one in enumerate(readings)]
    plan = replace(FLAT, rules=EnergyRules((Block(None, price),)), tax=tax)
    ends = [accrue("a", {FIT: some}, always(plan), zone) for some in (rising, rising[-1:])]
    assert total(ends[0]) == total(ends[1])


@given(reading_lists(), term_lists(), term_lists(), zones)
def test_taking_everything_back_leaves_nothing(
    readings: Sequence[Reading], old: Sequence[Term], new: Sequence[Term], zone: ZoneInfo
) -> None:
    before = fit_pieces(FIT, readings, old, zone)
    stored = charge("a", before, (), old)
    needed = {day: ChargeDay("a", day) for day in days_needed(before)} | {one.day: one for one in stored}
    emptied = charge("a", negated(before), needed.values(), old)
    assert all(one == ChargeDay("a", one.day) for one in emptied)
    assert {one.day for one in emptied} == {one.day for one in stored}
    again = recomputed(stored, accrue("a", {FIT: readings}, new, zone))
    merged = needed | {one.day: one for one in again}
    assert total(merged.values()) == total(accrue("a", {FIT: readings}, new, zone))


@given(st.integers(-(10**12), 10**12), st.integers(-(10**6), 10**6), st.integers(-(10**6), 10**6))
def test_posting_moves_no_credit_and_leaves_less_than_one_unit(accrued: int, charged_minor: int, balance: int) -> None:
    credit = Credit("a", balance, accrued, charged_minor)
    after = posted(credit)
    assert after.available_minor == credit.available_minor
    assert to_post(after) == 0
    assert 0 <= after.accrued_micro - after.charged_minor * MICRO < MICRO


@given(reading_lists(), term_lists(), zones)
def test_posting_after_every_reading_posts_the_same_sum(
    readings: Sequence[Reading], terms: Sequence[Term], zone: ZoneInfo
) -> None:
    village = Village(terms, zone)
    for one in readings:
        village.arrive([one])
        village.credit = posted(village.credit)
    assert village.credit.charged_minor == total(accrue("a", {FIT: readings}, terms, zone)) // MICRO


@pytest.mark.long
@settings(max_examples=3000)
@given(st.data(), reading_lists(), term_lists(), zones)
def test_one_reading_at_a_time_in_any_order(
    data: st.DataObject, readings: Sequence[Reading], terms: Sequence[Term], zone: ZoneInfo
) -> None:
    village = Village(terms, zone)
    for one in data.draw(st.permutations(readings)):
        village.arrive([one])
    assert village.charged() == accrue("a", {FIT: readings}, terms, zone)
