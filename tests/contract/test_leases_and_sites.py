"""Contracts, proposals, site states and outages come back as they were, and are found, on every store."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from microgrid.billing.contracts import LeaseTerms
from microgrid.billing.lease_contracts import LeaseContract
from microgrid.billing.plans import Block, ClassTax, EnergyRules, Levy, PlanProposal, PlanVersion, Tax
from microgrid.kept import Credit
from microgrid.ports import Store
from microgrid.switching.sites import GridOutage, SitePolicy, SiteState

AT = datetime(2026, 3, 2, 6, 0, 0, 123_456, tzinfo=UTC)
TAX = Tax(160_000, included=False, levies=(Levy("rural", 50_000),))
TERMS = LeaseTerms("KES", 2000, 500, "month", 12, 1, 7, 3, 250)
FRESH = LeaseContract("c-1", "a", "lamp@1", TERMS, TAX, date(2026, 3, 2), AT)
USED = LeaseContract(
    "c-2",
    "a",
    "lamp@1",
    TERMS,
    TAX,
    date(2024, 2, 29),
    AT,
    device="LAMP-7",
    state="written_off",
    deposit_paid_minor=2000,
    fallen_due=12,
    paid_minor=2**62,
    waived_minor=3,
    written_off_minor=4,
    bookings=99,
    payoff_booking=98,
    days_given=17,
    lasts_until=AT,
    unlocked_at=AT,
    written_off_at=AT,
)
PLAN = PlanVersion(
    "home",
    2,
    AT,
    "KES",
    EnergyRules((Block(None, 25_000_000),), power_limit_w=200, daily_wh=1500),
    TAX,
    instalment_share_ppm=300_000,
    class_taxes=(ClassTax("business", TAX),),
)
DARK = GridOutage("o-1", "kisiju", AT, AT + timedelta(hours=1), "north", "storm")


def test_records_of_leases_and_sites_come_back_as_they_were(store: Store) -> None:
    state = SiteState("kisiju", SitePolicy(1320, 360, grace_s=0, lifeline_w=20), 2, AT)
    with store.begin() as uow:
        uow.contracts.put_all([FRESH, USED])
        uow.plan_proposals.add(PlanProposal("home:1", "home", PLAN))
        uow.plans.add(PLAN)
        uow.site_states.add(state)
        uow.outages.put_all([DARK, GridOutage("o-2", "kisiju", AT)])
        uow.credits.lock(("a",))
        uow.credits.put(Credit("a", warned_at=AT, instalments_due_minor=7))
    with store.read() as uow:
        assert list(uow.contracts.where(account_id="a")) == [FRESH, USED]
        assert list(uow.contracts.where(device="LAMP-7")) == list(uow.contracts.where(state="written_off")) == [USED]
        assert list(uow.contracts.page("", 5, state="open")) == [FRESH]
        assert list(uow.plan_proposals.where(plan_id="home")) == [PlanProposal("home:1", "home", PLAN)]
        assert uow.plans.get("home@2") == PLAN
        assert uow.site_states.get("kisiju") == state
        assert list(uow.outages.where(site_id="kisiju")) == [DARK, GridOutage("o-2", "kisiju", AT)]
        assert uow.credits.get("a") == Credit("a", warned_at=AT, instalments_due_minor=7)
