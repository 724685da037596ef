"""A register cut at midnights, bands and changes of plan: nothing is ever lost, whatever clocks do."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgrid.billing.local_time import day_start, days_of_month, local_day, moments_of_day, next_month
from microgrid.billing.plans import Band, Block, EnergyRules, PlanVersion
from microgrid.billing.register import PLAIN, Mark, Piece, Term, change, fit_pieces, marks, pieces, terms_in_force
from microgrid.customers.records import Enrolment, Fit
from microgrid.monitoring.readings import Reading

NAIROBI = ZoneInfo("Africa/Nairobi")
ZONES = [
    "Africa/Nairobi",
    "Asia/Kathmandu",  # +05:45
    "Asia/Kolkata",
    "Europe/Berlin",
    "Australia/Lord_Howe",  # clocks change by half an hour
    "Asia/Beirut",  # at midnight
    "America/St_Johns",
    "Pacific/Apia",  # skipped 30 December 2011
    "Africa/Casablanca",
]
EVENING = PlanVersion(
    "evening", 1, datetime(2020, 1, 1, tzinfo=UTC), "KES", EnergyRules((Block(None, 10),), (Band(1080, 1320, 40),))
)
FLAT = PlanVersion("flat", 1, datetime(2020, 1, 1, tzinfo=UTC), "KES", EnergyRules((Block(None, 10),)))
ALWAYS = (Term(FLAT, datetime(2020, 1, 1, tzinfo=UTC)),)
FIT = Fit("f", "m", "c", 7, datetime(2026, 3, 1, tzinfo=UTC), 100)

zones = st.sampled_from(ZONES).map(ZoneInfo)
moments = st.datetimes(datetime(2009, 1, 1), datetime(2032, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  hypothesis wants bounds without a zone


def nairobi(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 3, day, hour, minute, tzinfo=NAIROBI).astimezone(UTC)


def row(seq: int, at: datetime, register_wh: int, epoch: int = 7) -> Reading:
    return Reading("m", epoch, seq, at, register_wh)


def test_a_night_without_a_reading_is_cut_at_midnight_and_marked_estimated() -> None:
    found = pieces(Mark(nairobi(3, 22), 1000), Mark(nairobi(4, 2), 1401), ALWAYS, NAIROBI)
    assert found == (
        Piece(date(2026, 3, 3), 200, True, PLAIN, FLAT),  # the odd Wh belongs to the later part
        Piece(date(2026, 3, 4), 201, True, PLAIN, FLAT),
    )


def test_a_reading_at_midnight_leaves_nothing_to_estimate() -> None:
    before, middle, after = Mark(nairobi(3, 22), 0), Mark(nairobi(4, 0), 50), Mark(nairobi(4, 2), 60)
    assert pieces(before, middle, ALWAYS, NAIROBI) == (Piece(date(2026, 3, 3), 50, False, PLAIN, FLAT),)
    assert pieces(middle, after, ALWAYS, NAIROBI) == (Piece(date(2026, 3, 4), 10, False, PLAIN, FLAT),)


def test_the_evening_band_is_cut_out_of_the_day() -> None:
    terms = (Term(EVENING, EVENING.effective_from),)
    found = pieces(Mark(nairobi(3, 12), 0), Mark(nairobi(3, 23), 1100), terms, NAIROBI)
    assert [(piece.band, piece.wh) for piece in found] == [(PLAIN, 600), (0, 400), (PLAIN, 100)]


def test_a_change_of_plan_cuts_the_register_and_energy_without_a_plan_is_kept() -> None:
    terms = (Term(FLAT, nairobi(3, 6), nairobi(3, 12)), Term(EVENING, nairobi(3, 14)))
    found = pieces(Mark(nairobi(3, 4), 0), Mark(nairobi(3, 16), 1200), terms, NAIROBI)
    assert [(piece.plan and piece.plan.plan_id, piece.wh) for piece in found] == [
        (None, 200),
        ("flat", 600),
        (None, 200),
        ("evening", 200),
    ]


def test_a_register_that_goes_back_starts_anew() -> None:
    fit = Fit("f", "m", "c", 7, nairobi(1, 0), 0)
    rows = [row(1, nairobi(1, 1), 300), row(2, nairobi(1, 2), 5), row(3, nairobi(1, 3), 25)]
    assert [piece.wh for piece in fit_pieces(fit, rows, ALWAYS, NAIROBI)] == [300, 20]


def test_a_swap_in_mid_period_charges_the_sum_of_both_meters() -> None:
    old = Fit("old", "m", "c", 7, nairobi(1, 0), 100, nairobi(2, 12), 460)
    new = Fit("new", "n", "c", 1, nairobi(2, 12), 5000)
    rows = [row(1, nairobi(2, 0), 400), row(2, nairobi(2, 13), 99_999)]  # the second was taken on the workbench
    others = [Reading("n", 1, 1, nairobi(3, 0), 5040)]
    used = [*fit_pieces(old, rows, ALWAYS, NAIROBI), *fit_pieces(new, others, ALWAYS, NAIROBI)]
    assert sum(piece.wh for piece in used) == (460 - 100) + (5040 - 5000)


def test_readings_of_another_epoch_or_before_the_fit_say_nothing_about_it() -> None:
    rows = [row(1, datetime(2026, 2, 1, tzinfo=UTC), 3), row(2, datetime(2026, 4, 1, tzinfo=UTC), 9, epoch=8)]
    assert marks(FIT, rows) == (Mark(FIT.fitted_at, 100),)
    assert change(FIT, None, rows[0], None, ALWAYS, NAIROBI) == ()


def test_a_late_reading_takes_the_estimate_back() -> None:
    before, after = row(1, nairobi(3, 22), 1000), row(3, nairobi(4, 2), 1400)
    late = row(2, nairobi(4, 0), 1390)
    found = change(FIT, before, late, after, ALWAYS, NAIROBI)
    assert sorted((piece.day.day, piece.wh, piece.estimated) for piece in found) == [
        (3, -200, True),
        (3, 390, False),
        (4, -200, True),
        (4, 10, False),
    ]


def test_the_newest_version_of_the_latest_enrolment_is_in_force() -> None:
    first, second = nairobi(1, 0), nairobi(10, 0)
    versions = [PlanVersion("flat", n, at, "KES", FLAT.rules) for n, at in ((2, second), (1, first))]
    enrolments = [Enrolment("b", "a", "evening", nairobi(20, 0)), Enrolment("a", "a", "flat", nairobi(5, 0))]
    terms = terms_in_force(enrolments, [*versions, EVENING])
    assert [(term.plan.id, term.from_at, term.until) for term in terms] == [
        ("flat@1", nairobi(5, 0), second),
        ("flat@2", second, nairobi(20, 0)),
        ("evening@1", nairobi(20, 0), None),
    ]
    assert terms_in_force([Enrolment("a", "a", "none", first)], versions) == ()


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", date(2026, 3, 29), 23),
        ("Europe/Berlin", date(2026, 10, 25), 25),
        ("Asia/Beirut", date(2024, 3, 31), 23),
    ],
)
def test_days_on_which_clocks_change_have_their_own_length(zone: str, day: date, hours: int) -> None:
    length = day_start(day + timedelta(days=1), ZoneInfo(zone)) - day_start(day, ZoneInfo(zone))
    assert length == timedelta(hours=hours)


def test_a_band_that_begins_in_a_skipped_hour_begins_at_the_change() -> None:
    berlin, night = ZoneInfo("Europe/Berlin"), (Band(150, 240, 5),)  # from 02:30, which does not come on that day
    plan = PlanVersion("night", 1, EVENING.effective_from, "EUR", EnergyRules((Block(None, 10),), night))
    start = datetime(2026, 3, 29, 0, 0, tzinfo=UTC)  # 01:00
    found = pieces(Mark(start, 0), Mark(start + timedelta(hours=4), 240), (Term(plan, EVENING.effective_from),), berlin)
    assert [(piece.band, piece.wh) for piece in found] == [(PLAIN, 60), (0, 60), (PLAIN, 120)]


def test_a_band_that_begins_in_an_hour_shown_twice_begins_twice() -> None:
    berlin, night = ZoneInfo("Europe/Berlin"), (Band(150, 240, 5),)  # from 02:30, which comes twice on that day
    plan = PlanVersion("night", 1, EVENING.effective_from, "EUR", EnergyRules((Block(None, 10),), night))
    start = datetime(2026, 10, 25, 0, 0, tzinfo=UTC)  # 02:00, for the first time
    found = pieces(Mark(start, 0), Mark(start + timedelta(hours=4), 240), (Term(plan, EVENING.effective_from),), berlin)
    assert [(piece.band, piece.wh) for piece in found] == [(PLAIN, 30), (0, 30), (PLAIN, 30), (0, 90), (PLAIN, 60)]


@given(moments, zones)
def test_every_moment_belongs_to_one_local_day(at: datetime, zone: ZoneInfo) -> None:
    day = local_day(at, zone)
    assert day_start(day, zone) <= at < day_start(day + timedelta(days=1), zone)


@given(moments, zones, st.lists(st.integers(0, 1440), max_size=4).map(tuple))
def test_the_moments_of_a_day_begin_with_it_and_stay_inside(
    at: datetime, zone: ZoneInfo, minutes: tuple[int, ...]
) -> None:
    day = local_day(at, zone)
    found = moments_of_day(day, zone, minutes)
    assert found[0] == day_start(day, zone)
    assert list(found) == sorted(set(found))
    assert found[-1] < day_start(day + timedelta(days=1), zone)


@given(moments, st.integers(1, 200_000), st.integers(0, 10**7), zones)
def test_pieces_always_add_up_to_the_register(at: datetime, minutes: int, wh: int, zone: ZoneInfo) -> None:
    terms = (
        Term(FLAT, at - timedelta(days=1), at + timedelta(minutes=minutes // 2)),
        Term(EVENING, at + timedelta(minutes=minutes // 2)),
    )
    after = Mark(at + timedelta(minutes=minutes), 5 + wh)
    found = pieces(Mark(at, 5), after, terms, zone)
    assert sum(piece.wh for piece in found) == wh
    assert all(piece.wh > 0 for piece in found)
    assert [piece.day for piece in found] == sorted(piece.day for piece in found)
    assert all(piece.estimated for piece in found) or len(found) == 1


@given(st.dates(date(2020, 1, 1), date(2030, 12, 31)))
def test_months_are_whole(day: date) -> None:
    days = days_of_month(day)
    assert day in days
    assert days[0].day == 1
    assert days[-1] + timedelta(days=1) == next_month(day)
