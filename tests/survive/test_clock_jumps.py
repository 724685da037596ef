"""The server's clock jumps, summers begin and end, years turn: every unit that was used is charged once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from microgrid import actions, flows
from microgrid.billing.plans import PlanVersion, TimeRules
from microgrid.customers.records import Account, Connection, Customer, Enrolment, Fit, Meter, Site
from microgrid.monitoring.readings import Reading
from microgrid.store.memory import MemoryStore
from microgrid.switching.sites import CAREFREE, SiteState
from tests.flows.village import ENERGY, START, Village, make_village

HOUR = timedelta(hours=1)
# Zones in which a summer begins or ends, or a day or an hour is skipped, soon after a moment.
CHANGES = {
    "Africa/Nairobi": datetime(2026, 12, 30, tzinfo=UTC),  # nothing but the end of a year
    "Africa/Cairo": datetime(2026, 4, 23, tzinfo=UTC),  # midnight itself is skipped
    "America/Havana": datetime(2026, 10, 31, tzinfo=UTC),  # an hour comes twice, midnight among it
    "Africa/Casablanca": datetime(2026, 2, 14, tzinfo=UTC),  # clocks go back for a month of fasting
    "Australia/Lord_Howe": datetime(2026, 4, 3, tzinfo=UTC),  # by half an hour
}


def home_in(zone: str, start: datetime) -> Village:
    """Return a village with one home, in a zone."""
    village = make_village(MemoryStore())
    village.clock.at = start
    actions.add_site(village.core, Site("there", "There", zone, "KES", 2), "test")
    with village.store.begin() as uow:
        uow.site_states.put(SiteState("there", CAREFREE))
    plan = PlanVersion("home", 1, start - timedelta(days=60), "KES", ENERGY)
    actions.add_plan(village.core, plan, "test")
    actions.add_customer(village.core, Customer("c", "Amina"), "test")
    actions.add_account(village.core, Account("K-104", "c", "there", start), "test")
    actions.add_connection(village.core, Connection("p", "K-104", "there"), "test")
    actions.add_meter(village.core, Meter("M-K-104"), "test")
    actions.fit_meter(village.core, Fit("f", "M-K-104", "p", 1, start, 1000), "test")
    actions.enrol(village.core, Enrolment("e", "K-104", "home", start), "test")
    return village


@pytest.mark.parametrize("zone", CHANGES)
def test_each_local_day_is_charged_once_where_clocks_change(zone: str) -> None:
    start = CHANGES[zone]
    village = home_in(zone, start)
    village.pay("R1", 1_000_000)
    for number in range(1, 24 * 4 + 1):
        village.clock.at = start + HOUR * number
        flows.on_readings(village.core, [Reading("M-K-104", 1, number, village.clock.at, 1000 + 10 * number)])
        village.tick()
    village.clock.pass_(days=1)
    village.tick()
    used_wh = 24 * 4 * 10
    assert village.credit_minor() == 1_000_000 - used_wh * 25
    assert village.balance_minor("revenue:energy:there") == -used_wh * 25
    with village.store.read() as uow:
        charges = [one for one in uow.ledger.page(limit=500) if one.kind == "charge"]
        days = uow.credits.days_of("K-104", start.date() - timedelta(days=1), start.date() + timedelta(days=6))
    assert len({one.value_at for one in charges}) == len(charges) == len(days)
    assert sum(day.used_wh for day in days) == used_wh
    village.are_books_true()


@pytest.mark.parametrize("jump", [-timedelta(days=30), -2 * HOUR, -timedelta(seconds=1), 5 * HOUR, timedelta(days=365)])
def test_a_jump_of_the_servers_clock_and_back_loses_and_gives_nothing(jump: timedelta) -> None:
    village = make_village(MemoryStore())
    village.settle_in(ENERGY)
    village.pay("R1", 50_000)
    village.clock.pass_(days=2)
    village.use(1400)
    village.tick()
    right = village.clock.at
    village.clock.at = right + jump
    village.tick()
    village.pay("R2", 1_000)
    village.pay("R1", 50_000)
    # Before anybody had chosen a plan nobody can be supplied; the light is back as soon as the clock is right.
    assert village.desired().supply.on or right + jump < START
    village.tick()
    village.clock.at = right + HOUR
    flows.on_readings(village.core, [Reading("M-K-104", 1, 99, village.clock.at, 1600)])
    village.tick()
    village.clock.at = max(right, right + jump) + timedelta(days=3)
    village.tick()
    assert village.credit_minor() == 51_000 - 600 * 25
    assert village.balance_minor("revenue:energy:kisiju") == -600 * 25
    assert village.desired().supply.on
    village.are_books_true()


def test_paid_time_is_counted_by_the_clock_that_is_right_again() -> None:
    village = make_village(MemoryStore())
    village.settle_in(TimeRules(10_000, 1))
    village.pay("R1", 30_000)
    paid_until = village.desired().supply.until
    village.clock.at = START - timedelta(days=10)
    village.tick()
    village.clock.at = START + HOUR
    village.tick()
    assert village.desired().supply.until == paid_until
    village.clock.at = START + timedelta(days=4)
    village.tick()
    assert not village.desired().supply.on
    village.are_books_true()
