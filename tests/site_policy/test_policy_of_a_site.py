"""A site is careful about cutting: quiet hours, grace, outages, saving energy, and cuts that do not come at once."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgrid import actions, flows, sites, views
from microgrid.billing.plans import Block, EnergyRules, LeaseRules, TimeRules
from microgrid.customers.records import Connection, Feeder, Site
from microgrid.errors import Contradiction, InvalidInput
from microgrid.kept import Credit
from microgrid.store.memory import MemoryStore
from microgrid.switching.policy import AccountView, decide_supply
from microgrid.switching.sites import CAREFREE, DEFAULT_POLICY, GridOutage, SitePolicy, overlaps
from tests.flows.village import ENERGY, START, Village, make_village

WEEK = TimeRules(7000, 7, pause_after_s=3600)


def set_policy(village: Village, **changes: int) -> None:
    sites.change_policy(village.core, "kisiju", lambda policy: replace(policy, **changes), "amina")


def why(village: Village) -> str:
    return views.supply(village.core, "M-K-104").why


# Policy -----------------------------------------------------------------------------------------------------------


def test_a_policy_is_kept_with_who_set_it_and_felt_at_once(village: Village) -> None:
    village.settle_in(ENERGY)
    village.pay("A", 5000)
    set_policy(village, lifeline_w=20, lifeline_s=7200, grace_s=600)
    assert village.desired().fail_policy.lifeline_w == 20
    village.use(1200)
    assert why(village).startswith("Supply goes on for a while as the site allows")
    village.clock.pass_(seconds=7801)
    village.use(1201)
    assert not village.desired().supply.on
    with village.store.read() as uow:
        rows = uow.audit.where(subject="site:kisiju")
    assert ("amina", "set policy") in [(row.actor, row.action) for row in rows]
    assert sites.state(village.core, "kisiju").policy == replace(CAREFREE, lifeline_w=20, lifeline_s=7200, grace_s=600)


def test_a_site_that_says_nothing_spreads_its_cuts(village: Village) -> None:
    actions.add_site(village.core, Site("gulu", "Gulu", "Africa/Kampala", "UGX", 0), "test")
    assert sites.state(village.core, "gulu").policy == DEFAULT_POLICY
    assert DEFAULT_POLICY.spread_s == 900


def test_a_policy_that_cannot_be_meant_is_refused_with_every_mistake(village: Village) -> None:
    village.settle_in(ENERGY)
    with pytest.raises(InvalidInput) as refused:
        set_policy(village, quiet_from_minute=1441, spread_s=-1, grace_s=10**9)
    assert [problem.code for problem in refused.value.problems] == ["MG-M040"] * 3
    assert sites.state(village.core, "kisiju").policy == CAREFREE
    with pytest.raises(InvalidInput, match="no level 4"):
        sites.shed(village.core, "kisiju", 4, "amina")
    with pytest.raises(InvalidInput, match="no site 'goma'"):
        sites.shed(village.core, "goma", 1, "amina")


def test_nobody_is_cut_at_night(village: Village) -> None:
    village.settle_in(ENERGY)
    set_policy(village, quiet_from_minute=22 * 60, quiet_to_minute=6 * 60)
    village.pay("A", 5000)
    village.clock.pass_(hours=14)  # 23:00
    village.use(1300)
    assert village.desired().supply.on
    village.clock.pass_(hours=7)  # 6:00
    village.use(1301)
    assert not village.desired().supply.on
    village.are_books_true()


# Energy of the site, and seals ------------------------------------------------------------------------------------


def test_saving_energy_cuts_by_priority_and_ends(village: Village) -> None:
    village.settle_in(ENERGY)
    village.move_in("K-200")
    for number, name in enumerate(("K-104", "K-200")):
        village.pay(f"A{number}", 5000, name)
    sites.shed(village.core, "kisiju", 2, "amina")
    assert village.desired().supply.power_limit_w == village.desired("K-200").supply.power_limit_w == 50
    sites.shed(village.core, "kisiju", 3, "amina")
    assert why(village) == "The village saves energy now because the battery is low."
    assert not village.desired("K-200").supply.on
    sites.shed(village.core, "kisiju", 0, "amina")
    assert village.desired().supply.on
    assert village.desired().supply.power_limit_w is None


def test_a_meter_that_was_opened_is_cut_until_it_is_sealed_again(village: Village) -> None:
    village.settle_in(ENERGY)
    village.pay("A", 5000)
    sites.tell_seal(village.core, "M-K-104", "tampered", "amina", "the cover was off")
    assert why(village) == "Supply is off because the meter was opened or bypassed."
    assert not village.desired().supply.on
    sites.tell_seal(village.core, "M-K-104", "sealed", "amina", "a new seal")
    assert village.desired().supply.on
    with pytest.raises(InvalidInput, match="no meter 'M-9'"):
        sites.tell_seal(village.core, "M-9", "tampered", "amina", "?")


# Outages ----------------------------------------------------------------------------------------------------------


def outage(village: Village, key: str, hours: int, **other: str) -> GridOutage:
    """Let the grid be off for some hours, until now."""
    begun = village.clock.at
    village.clock.pass_(hours=hours)
    return sites.add_outage(village.core, GridOutage(key, "kisiju", begun, village.clock.at, **other), "amina")


def test_an_outage_longer_than_the_plan_says_uses_up_no_paid_time(village: Village) -> None:
    village.settle_in(WEEK)
    village.pay("A", 7000)
    until = START + timedelta(days=7)
    outage(village, "short", 1)
    assert village.desired().supply.until == until
    long_one = outage(village, "long", 5)
    assert village.desired().supply.until == until + timedelta(hours=5)
    sites.add_outage(village.core, long_one, "amina")  # told again
    flows.on_tick(village.core)
    assert village.desired().supply.until == until + timedelta(hours=5)
    village.are_books_true()


def test_an_outage_that_goes_on_gives_time_back_when_it_ends(village: Village) -> None:
    village.settle_in(WEEK)
    village.pay("A", 7000)
    sites.add_outage(village.core, GridOutage("o", "kisiju", START), "amina")
    village.clock.pass_(hours=30)
    flows.on_tick(village.core)
    assert village.desired().supply.until == START + timedelta(days=7)
    sites.end_outage(village.core, "o", village.clock.at, "amina")
    sites.end_outage(village.core, "o", village.clock.at, "amina")
    assert village.desired().supply.until == START + timedelta(days=7, hours=30)
    with pytest.raises(Contradiction, match="to_at"):
        sites.end_outage(village.core, "o", village.clock.at - timedelta(hours=1), "amina")


def test_only_who_hangs_on_a_feeder_gets_its_outage_back(village: Village) -> None:
    village.settle_in(WEEK)
    actions.add_feeder(village.core, Feeder("north", "kisiju", "North"), "test")
    village.pay("A", 7000)
    outage(village, "o", 5, feeder_id="north")
    assert village.desired().supply.until == START + timedelta(days=7)
    assert sites.state(village.core, "kisiju").outage_ended_at is None
    with village.store.begin() as uow:
        uow.connections.put(Connection("p-K-104", "K-104", "kisiju", feeder_id="north"))
    outage(village, "o2", 5, feeder_id="north")
    assert village.desired().supply.until == START + timedelta(days=7, hours=5)


def test_nobody_is_cut_soon_after_an_outage_of_the_site(village: Village) -> None:
    village.settle_in(ENERGY)
    set_policy(village, no_cut_after_outage_s=7200)
    village.pay("A", 5000)
    outage(village, "o", 5)
    village.use(1300)
    assert village.desired().supply.until == village.clock.at + timedelta(hours=2)
    village.clock.pass_(hours=2)
    flows.on_tick(village.core)
    assert not village.desired().supply.on


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (GridOutage("x", "goma", START), "MG-A001"),
        (GridOutage("x", "kisiju", START, START), "MG-M041"),
        (GridOutage("x", "kisiju", START + timedelta(hours=9)), "MG-M041"),
        (GridOutage("x", "kisiju", START, feeder_id="south"), "MG-A001"),
        (GridOutage("x", "kisiju", START - timedelta(hours=1), START - timedelta(minutes=1)), "MG-M042"),
    ],
)
def test_outages_that_cannot_have_been_are_refused(asked: GridOutage, code: str) -> None:
    village = make_village(MemoryStore())
    village.settle_in(WEEK)
    before = GridOutage("o", "kisiju", START - timedelta(hours=2), START - timedelta(minutes=30))
    sites.add_outage(village.core, before, "amina")
    with pytest.raises(InvalidInput) as refused:
        sites.add_outage(village.core, asked, "amina")
    assert refused.value.problems[0].code == code


moments = st.integers(0, 50).map(lambda hours: START + timedelta(hours=hours))


@given(moments, moments, moments, moments)
def test_outages_overlap_if_they_share_a_moment(a: datetime, b: datetime, c: datetime, d: datetime) -> None:
    one, other = GridOutage("1", "s", min(a, b), max(a, b)), GridOutage("2", "s", min(c, d), max(c, d))
    hours = [
        {
            START + timedelta(minutes=30, hours=hour)
            for hour in range(51)
            if each.from_at < START + timedelta(minutes=30, hours=hour) < (each.to_at or START)
        }
        for each in (one, other)
    ]
    assert overlaps(one, other) == overlaps(other, one)
    if hours[0] & hours[1]:
        assert overlaps(one, other)
    assert not overlaps(one, replace(other, site_id="t"))
    assert not overlaps(replace(one, feeder_id="a"), replace(other, feeder_id="b"))


# Many at once -----------------------------------------------------------------------------------------------------


def cut_at(rules: TimeRules | LeaseRules, policy: SitePolicy) -> Counter[int]:
    """Return how many of 500 homes whose paid time ends at one moment are cut in each minute after it."""
    from microgrid.billing.plans import PlanVersion

    site = Site("kisiju", "Kisiju", "Africa/Nairobi", "KES", 2)
    plan = PlanVersion("week", 1, START, "KES", rules)
    found: Counter[int] = Counter()
    for number in range(500):
        credit = Credit(f"K-{number}", paid_until=START)
        view = AccountView(Connection(f"p-{number}", f"K-{number}", "kisiju"), site, credit, plan, 0, policy)
        until = decide_supply(view, START - timedelta(days=1)).until
        assert until is not None
        found[int((until - START).total_seconds()) // 60] += 1
    return found


def test_five_hundred_homes_that_run_out_together_are_cut_one_by_one() -> None:
    at_once = cut_at(TimeRules(7000, 7), CAREFREE)
    assert at_once == {0: 500}
    spread = cut_at(TimeRules(7000, 7), DEFAULT_POLICY)
    assert sum(spread.values()) == 500
    assert set(spread) == set(range(15))
    most = max(spread.values())
    assert most * 100 <= 5000  # homes of 100 W: no step of load above 5 kW of 50


def test_five_hundred_homes_are_cut_by_the_tick_as_they_were_told() -> None:
    village = make_village(MemoryStore())
    village.settle_in(TimeRules(7000, 7))
    names = ["K-104", *(f"H-{number:03}" for number in range(1, 25))]
    for name in names[1:]:
        village.move_in(name)
    sites.change_policy(village.core, "kisiju", lambda _: DEFAULT_POLICY, "amina")
    for name in names:
        village.pay(f"A{name}", 7000, name)
    village.clock.at = START + timedelta(days=7)
    steps = []
    lit = len(names)
    for _ in range(16):
        flows.on_tick(village.core)
        now_lit = sum(village.desired(name).supply.on for name in names)
        steps.append(lit - now_lit)
        lit = now_lit
        village.clock.pass_(minutes=1)
    assert lit == 0
    assert max(steps) <= 5
    village.are_books_true()


# A month that ends while a meter is silent ------------------------------------------------------------------------


def test_a_cutoff_reckons_with_the_month_in_which_the_register_was_read(village: Village) -> None:
    dear = EnergyRules((Block(100, 1_000_000), Block(None, 100_000_000)))  # 1 a Wh for 100 Wh a month, then 100
    village.settle_in(dear)
    village.clock.at = datetime(2026, 3, 31, 12, tzinfo=UTC)
    village.use(1100)
    village.clock.at = datetime(2026, 4, 2, 12, tzinfo=UTC)
    village.pay("A", 1100)
    # 100 of it was used. Of the 1000 left, what was used in March after the last reading costs 100 a Wh.
    assert village.desired().supply.cutoff_wh == 1100 + 10
    village.use(1100)
    assert village.desired().supply.cutoff_wh == 1100 + 100 + 9
    village.are_books_true()
