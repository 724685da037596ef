"""How far credit reaches: to a register that is safe by any path the customer takes."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from microgrid.billing.credit import MICRO, MonthState, accrue, month_state, with_days
from microgrid.billing.local_time import local_day
from microgrid.billing.plans import (
    Band,
    Block,
    EnergyRules,
    PlanVersion,
    Rules,
    Tax,
)
from microgrid.billing.register import Term
from microgrid.customers.records import Connection, Fit, Site
from microgrid.kept import Credit
from microgrid.monitoring.readings import Reading
from microgrid.switching.cutoff import budget_micro, covered_wh
from microgrid.switching.policy import (
    AccountView,
    cutoff_wh,
    decide_supply,
    is_covered,
)
from microgrid.switching.supply import Supply

NOON = datetime(2026, 3, 3, 9, tzinfo=UTC)  # 12:00 in Nairobi, a Tuesday
START = datetime(2026, 1, 1, tzinfo=UTC)
KISIJU = Site("kisiju", "Kisiju", "Africa/Nairobi", "KES", 2)
HOUSE = Connection("house", "amina", "kisiju")
CLINIC = Connection("clinic", "amina", "kisiju", priority="critical", critical=True)
FLAT = PlanVersion("flat", 1, START, "KES", EnergyRules((Block(None, 25_000_000),)))  # KES 250 a kWh
RICH, EMPTY = Credit("amina", 5000), Credit("amina", 0)
VIEW = AccountView(HOUSE, KISIJU, RICH, FLAT, register_wh=10_000, supplied=True)


def told(view: AccountView, now: datetime = NOON) -> Supply:
    return decide_supply(view, now)


def priced(rules: Rules) -> PlanVersion:
    return replace(FLAT, rules=rules)


def reach(credit_minor: int, rules: EnergyRules, month: MonthState | None = None, sharing: int = 1) -> int | None:
    return covered_wh(credit_minor * MICRO, (priced(rules),), month or MonthState(), sharing)


STEPS = (Block(1000, 10_000_000), Block(3000, 20_000_000), Block(None, 40_000_000))


def test_credit_reaches_through_the_blocks_that_are_left() -> None:
    assert reach(10_000, EnergyRules(STEPS)) == 1000
    assert reach(50_000, EnergyRules(STEPS)) == 3000
    assert reach(50_040, EnergyRules(STEPS)) == 3001
    assert reach(10_000, EnergyRules(STEPS), MonthState(2500, 2500)) == 500
    assert reach(10_039, EnergyRules(STEPS), MonthState(2500, 2500)) == 500


def test_falling_blocks_are_reckoned_at_the_price_a_new_month_begins_with() -> None:
    falling = EnergyRules((Block(1000, 40_000_000), Block(None, 10_000_000)))
    assert reach(4000, falling, MonthState(5000, 5000)) == 100


def test_a_dear_evening_and_a_free_allowance_are_reckoned_with() -> None:
    evening = EnergyRules((Block(None, 10_000_000),), (Band(1080, 1320, 50_000_000),), 500)
    assert reach(5000, evening) == 500 + 100
    assert reach(5000, evening, MonthState(used_wh=450)) == 50 + 100
    assert reach(-7, evening, MonthState(used_wh=450)) == 50
    all_day = EnergyRules((Block(None, 99_000_000),), (Band(0, 720, 10_000_000), Band(720, 1440, 20_000_000)))
    assert reach(2000, all_day) == 100


def test_connections_of_one_account_share_what_there_is() -> None:
    assert reach(10_000, EnergyRules((Block(None, 10_000_000),), (), 100), sharing=2) == 50 + 500
    assert reach(8000, EnergyRules(STEPS), sharing=2) == 100


def test_a_dearer_version_that_comes_soon_is_reckoned_with() -> None:
    dearer = PlanVersion("flat", 2, NOON, "KES", EnergyRules((Block(None, 50_000_000),)))
    assert cutoff_wh(replace(VIEW, upcoming=(dearer,))) == 10_100


def test_free_energy_has_no_cutoff() -> None:
    assert reach(0, EnergyRules((Block(None, 0),))) is None
    assert told(replace(VIEW, plan=priced(EnergyRules((Block(None, 0),))), credit=EMPTY)).on


prices = st.integers(0, 60_000_000)
energies = st.builds(
    lambda steps, last, bands, free: EnergyRules(
        (*(Block(sum(wh for wh, _ in steps[: n + 1]), price) for n, (_, price) in enumerate(steps)), Block(None, last)),
        bands,
        free,
    ),
    st.lists(st.tuples(st.integers(1, 3000), prices), max_size=3),
    prices,
    st.sampled_from(
        [
            (),
            (Band(0, 300, 5_000_000),),
            (Band(300, 700, 70_000_000), Band(1000, 1440, 1)),
            (Band(0, 720, 9), Band(720, 1440, 7_000_000)),
        ]
    ),
    st.sampled_from([0, 0, 400, 5000]),
)
taxes = st.builds(Tax, st.integers(0, 300_000), st.booleans())
steps = st.lists(st.tuples(st.integers(0, 20 * 1440), st.integers(0, 900)), max_size=8)
past_steps = st.lists(st.tuples(st.integers(0, 4 * 1440), st.integers(0, 900)), max_size=6)
zones = st.sampled_from(["Africa/Nairobi", "Asia/Kathmandu", "Europe/Berlin"]).map(ZoneInfo)


def walked(first: Reading, moves: Sequence[tuple[int, int]]) -> list[Reading]:
    found = [first]
    for minutes, wh in moves:
        last = found[-1]
        at, register_wh = last.at + timedelta(minutes=minutes), last.register_wh + wh
        found.append(Reading("m", 7, last.seq + 1, at, register_wh))
    return found


@given(
    energies, st.none() | energies, taxes, past_steps, steps, st.integers(1, 90 * 1440), st.integers(0, 200_000), zones
)
def test_energy_up_to_the_cutoff_never_costs_more_than_the_credit_by_any_path(
    energy: EnergyRules,
    later: EnergyRules | None,
    tax: Tax,
    past: Sequence[tuple[int, int]],
    future: Sequence[tuple[int, int]],
    change_after: int,
    credit_minor: int,
    zone: ZoneInfo,
) -> None:
    now = START + timedelta(days=20)
    fit = Fit("f", "m", "c", 7, START, 0)
    known = [row for row in walked(Reading("m", 7, 0, START, 0), past) if row.at <= now]
    change_at = known[-1].at + timedelta(minutes=change_after)
    plans = (replace(priced(energy), tax=tax), PlanVersion("flat", 2, change_at, "KES", later or energy, tax))
    terms = (Term(plans[0], START, change_at), Term(plans[1], change_at))
    days = accrue("amina", {fit: known}, terms, zone)
    spent = sum(day.accrued_micro for day in days)
    credit = Credit("amina", credit_minor + spent // MICRO + 1, accrued_micro=spent)
    month = month_state(local_day(known[-1].at, zone), days, terms)
    covered = covered_wh(budget_micro(credit), plans, month)
    if covered is None:
        return
    cutoff = known[-1].register_wh + covered
    paths = walked(known[-1], [*future, (30, 10**9)])
    path = [replace(row, register_wh=min(row.register_wh, cutoff)) for row in paths]
    after = accrue("amina", {fit: [*known, *path[1:]]}, terms, zone)
    assert sum(day.accrued_micro for day in after) <= spent + budget_micro(credit)
    assert with_days(credit, days, after).available_minor >= 0


@given(energies, taxes, st.integers(0, 10_000), st.integers(0, 10**6), st.integers(1, 10**5))
def test_more_money_never_reaches_less_far(energy: EnergyRules, tax: Tax, used: int, money: int, more: int) -> None:
    plan, month = replace(priced(energy), tax=tax), MonthState(used, used)
    near, far = covered_wh(money * MICRO, (plan,), month), covered_wh((money + more) * MICRO, (plan,), month)
    assert (near is None) == (far is None)
    assert near is None or (far is not None and near <= far)


@given(st.integers(0, 10**6), st.integers(1, 60_000_000))
def test_with_one_price_the_last_wh_that_is_paid_is_supplied(credit_minor: int, price: int) -> None:
    covered = covered_wh(credit_minor * MICRO, (priced(EnergyRules((Block(None, price),))),), MonthState())
    assert covered is not None
    assert covered * price <= credit_minor * MICRO < (covered + 1) * price


@given(st.integers(-5000, 5000), energies, st.booleans(), st.booleans(), st.integers(0, 3))
def test_supply_that_is_on_without_credit_is_always_limited_or_put_off(
    balance: int, energy: EnergyRules, critical: bool, tampered: bool, shed_level: int
) -> None:
    connection = CLINIC if critical else HOUSE
    view = replace(VIEW, connection=connection, credit=Credit("amina", balance), plan=priced(energy))
    supply = told(replace(view, tampered=tampered, shed_level=shed_level))
    assert supply.reason.endswith(".")
    if not is_covered(view, NOON):
        assert not supply.on or supply.power_limit_w is not None
    if critical:
        assert supply.on
