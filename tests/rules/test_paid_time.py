"""Supply sold by time, by lease or on a bill: until when it is paid, whatever is paid, taken back or lost."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from microgrid.billing.contracts import LeaseTerms
from microgrid.billing.credit import MICRO
from microgrid.billing.local_time import days_later
from microgrid.billing.paid_time import (
    Bought,
    Outage,
    after_outages,
    bill_until,
    buy_time,
    return_time,
    with_time,
    with_time_on,
)
from microgrid.billing.plans import (
    Block,
    EnergyRules,
    LeaseRules,
    PlanVersion,
    PostpaidRules,
    Rules,
    Tax,
    TimeRules,
)
from microgrid.customers.records import Connection, Site
from microgrid.kept import ChargeDay, Credit
from microgrid.switching.policy import (
    AccountView,
    Lease,
    decide_supply,
)
from microgrid.switching.sites import SitePolicy
from microgrid.switching.supply import Supply

NAIROBI = ZoneInfo("Africa/Nairobi")
NOON = datetime(2026, 3, 3, 9, tzinfo=UTC)  # 12:00 in Nairobi, a Tuesday
START = datetime(2026, 1, 1, tzinfo=UTC)
KISIJU = Site("kisiju", "Kisiju", "Africa/Nairobi", "KES", 2)
HOUSE = Connection("house", "amina", "kisiju")
FLAT = PlanVersion("flat", 1, START, "KES", EnergyRules((Block(None, 25_000_000),)))  # KES 250 a kWh
RICH, EMPTY, DEBT = Credit("amina", 5000), Credit("amina", 0), Credit("amina", -1250)
VIEW = AccountView(HOUSE, KISIJU, RICH, FLAT, register_wh=10_000, supplied=True)


def told(view: AccountView, now: datetime = NOON) -> Supply:
    return decide_supply(view, now)


def priced(rules: Rules) -> PlanVersion:
    return replace(FLAT, rules=rules)


WEEK = TimeRules(7000, 7, power_limit_w=200, daily_wh=1500)


def test_paid_days_extend_what_is_paid_and_the_rest_stays_credit() -> None:
    bought = buy_time(replace(EMPTY, balance_minor=15_000), WEEK, Tax(), NOON, NAIROBI)
    assert bought == Bought(2, 14_000, NOON + timedelta(days=14))
    credit = with_time(replace(EMPTY, balance_minor=15_000), bought)
    assert (credit.available_minor, credit.paid_until) == (1000, NOON + timedelta(days=14))
    again = buy_time(replace(credit, balance_minor=21_000), WEEK, Tax(), NOON + timedelta(days=3), NAIROBI)
    assert again.until == NOON + timedelta(days=21)
    assert buy_time(replace(credit, balance_minor=14_000), WEEK, Tax(), NOON, NAIROBI).periods == 0
    day = with_time_on(ChargeDay("amina", date(2026, 3, 3)), bought)
    assert (day.accrued_micro, day.bought_minor) == (14_000 * MICRO, 14_000)


def test_time_that_has_run_out_begins_anew_and_debt_is_paid_first() -> None:
    late = replace(EMPTY, balance_minor=8000, paid_until=NOON - timedelta(days=30))
    assert buy_time(late, WEEK, Tax(), NOON, NAIROBI).until == NOON + timedelta(days=7)
    assert buy_time(replace(late, balance_minor=6999), WEEK, Tax(), NOON, NAIROBI).periods == 0
    assert buy_time(DEBT, WEEK, Tax(), NOON, NAIROBI).periods == 0
    assert buy_time(late, WEEK, Tax(150_000, included=False), NOON, NAIROBI).periods == 0  # 80.50 with tax


def test_a_week_ends_on_the_same_clock_time_also_where_clocks_change() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    saturday = datetime(2026, 3, 28, 11, tzinfo=UTC)  # 12:00; clocks change on Sunday
    assert days_later(saturday, 7, berlin) == datetime(2026, 4, 4, 10, tzinfo=UTC)


def test_a_payment_taken_back_takes_unused_weeks_back_and_leaves_used_ones_as_debt() -> None:
    start = replace(EMPTY, balance_minor=14_000)
    credit = with_time(start, buy_time(start, WEEK, Tax(), NOON, NAIROBI))
    reversed_ = replace(credit, balance_minor=0)
    at_once = with_time(reversed_, return_time(reversed_, WEEK, Tax(), NOON, NAIROBI))
    assert (at_once.available_minor, at_once.paid_until) == (0, NOON)
    later = NOON + timedelta(days=3)
    after = with_time(reversed_, return_time(reversed_, WEEK, Tax(), later, NAIROBI))
    assert (after.available_minor, after.paid_until) == (-7000, NOON + timedelta(days=7))
    assert return_time(after, WEEK, Tax(), NOON + timedelta(days=8), NAIROBI).periods == 0
    assert return_time(credit, WEEK, Tax(), NOON, NAIROBI).periods == 0


def test_time_is_supplied_with_the_limits_of_the_plan() -> None:
    view = replace(VIEW, plan=priced(WEEK), credit=replace(EMPTY, paid_until=NOON + timedelta(days=7)))
    assert told(view) == Supply(
        on=True,
        power_limit_w=200,
        daily_wh=1500,
        until=NOON + timedelta(days=7),
        reason="Paid until Tue 10 Mar 2026 12:00.",
    )
    over = told(view, NOON + timedelta(days=7))
    assert (over.on, over.reason) == (
        False,
        "Supply is off because the time paid for ended on Tue 10 Mar 2026 12:00.",
    )
    assert told(replace(view, credit=EMPTY)).reason == "Supply is off because no day is paid yet."


def test_spread_only_ever_lengthens_paid_time() -> None:
    credit = replace(EMPTY, paid_until=NOON)
    view = replace(VIEW, plan=priced(WEEK), credit=credit, policy=SitePolicy(spread_s=900))
    until = told(view).until
    assert until is not None
    assert NOON <= until < NOON + timedelta(seconds=900)


def test_a_long_outage_does_not_use_up_paid_time() -> None:
    paused = replace(WEEK, pause_after_s=7200)
    short = Outage(NOON, NOON + timedelta(hours=2))
    long = Outage(NOON + timedelta(days=1), NOON + timedelta(days=1, hours=5))
    until = NOON + timedelta(days=2)
    assert after_outages(until, paused, [long, short]) == until + timedelta(hours=5)
    assert after_outages(until, WEEK, [long, short]) == until
    assert after_outages(NOON, paused, [long]) == NOON
    over_the_end = Outage(until - timedelta(hours=1), until + timedelta(hours=9))
    assert after_outages(until, paused, [over_the_end]) == until + timedelta(hours=9, minutes=60)


def test_a_lease_is_supplied_to_the_end_of_its_paid_days_and_then_for_ever() -> None:
    lease = Lease(LeaseTerms("KES", 0, 50, "day", 100), date(2026, 3, 1), 250)
    view = replace(VIEW, plan=priced(LeaseRules(0, 50, 1, 100)), lease=lease, credit=EMPTY)
    assert told(view).until == datetime(2026, 3, 5, 21, tzinfo=UTC)
    assert not told(view, datetime(2026, 3, 5, 21, tzinfo=UTC)).on
    owned = told(replace(view, lease=replace(lease, paid_minor=5000)))
    assert (owned.on, owned.until, owned.cutoff_wh) == (True, None, None)


BILLED = PostpaidRules(EnergyRules((Block(None, 25_000_000),)), due_days=14, grace_days=7, credit_limit_minor=10_000)


def test_the_oldest_unpaid_bill_says_until_when_a_postpaid_account_is_supplied() -> None:
    days = [
        ChargeDay("amina", date(2026, 1, 10), accrued_micro=1_000_400_000),
        ChargeDay("amina", date(2026, 2, 10), accrued_micro=500_700_000),
        ChargeDay("amina", date(2026, 3, 1), accrued_micro=200_000_000),
    ]
    used = Credit("amina", 0, accrued_micro=1_701_100_000)
    today = date(2026, 3, 3)
    ends = [
        bill_until(replace(used, balance_minor=paid), days, BILLED, today, NAIROBI).astimezone(NAIROBI).date()
        for paid in (0, 999, 1000, 1500, 1501, 1701, 9000)
    ]
    january, february, march = date(2026, 2, 22), date(2026, 3, 22), date(2026, 4, 22)
    assert ends == [january, january, february, february, march, march, march]
    old = bill_until(Credit("amina", -1), [], BILLED, today, NAIROBI)
    assert old.astimezone(NAIROBI).date() == date(2026, 3, 22)  # a debt from before: of February at the latest


def test_a_postpaid_account_is_cut_for_a_late_bill_or_at_its_limit() -> None:
    until = datetime(2026, 3, 21, 21, tzinfo=UTC)
    view = replace(VIEW, plan=priced(BILLED), credit=DEBT, bill_until=until)
    assert told(view) == Supply(
        on=True,
        cutoff_wh=10_350,
        until=until,
        reason="KES 12.50 to pay, enough for at least 0.3 kWh, until Sun 22 Mar 2026 00:00.",
    )
    assert told(view, until).reason == "Supply is off because a bill is not paid: KES 12.50 to pay."
    full = replace(view, credit=Credit("amina", -10_000))
    assert told(full).reason == "Supply is off because the credit limit is reached: KES 100.00 to pay."
