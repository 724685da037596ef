"""The key figures of a small site, counted from its books by hand and by the service."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

import pytest

from microgrid import actions, flows, kpi_views, sites
from microgrid.billing.plans import LeaseRules, PlanVersion
from microgrid.customers.records import Account, Customer, Enrolment, Site
from microgrid.errors import InvalidInput
from microgrid.kpi_views import NO_CONTRACT, NO_OUTAGES, KpiView
from microgrid.switching.sites import GridOutage
from tests.flows.village import ENERGY, START, Village

DAY_0 = date(2026, 3, 2)


def figures(village: Village, first: date, last: date) -> Mapping[str, KpiView]:
    return {each.name: each for each in kpi_views.all_figures(village.core, "kisiju", first, last)}


def exact(found: KpiView) -> Fraction:
    return Fraction(found.numerator) / Fraction(found.denominator)


def to_day(village: Village, day: int, step_days: int = 1) -> None:
    """Go to 9:00 of a local day after the first, booking what falls due on the way."""
    while village.clock.at < START + timedelta(days=day):
        village.clock.pass_(days=step_days)
        flows.on_tick(village.core)


def lease(village: Village, name: str, plan_id: str) -> None:
    """Let a customer sign a lease."""
    actions.add_customer(village.core, Customer(f"c-{name}", "Amina"), "test")
    actions.add_account(village.core, Account(name, f"c-{name}", "kisiju", START), "test")
    actions.enrol(village.core, Enrolment(f"lamp-{name}", name, plan_id, START), "test")


@pytest.fixture
def lamps(village: Village) -> Village:
    """Two leases of 30-day instalments of KES 10: one of 12 that is late, one of 24 that is paid as it falls due."""
    actions.add_site(village.core, Site("kisiju", "Kisiju", "Africa/Nairobi", "KES", 2), "test")
    for name, instalments in (("A-1", 12), ("B-1", 24)):
        rules = LeaseRules(0, 1000, 30, instalments)
        plan = PlanVersion(f"lamp-{instalments}", 1, START - timedelta(days=60), "KES", rules)
        actions.add_plan(village.core, plan, "test")
        lease(village, name, plan.plan_id)
    to_day(village, 150, 30)
    village.pay("A1", 4_800, "A-1")
    village.pay("B1", 6_000, "B-1")
    to_day(village, 180, 30)
    village.pay("B2", 1_000, "B-1")
    return village


def test_leases_are_counted_as_lenders_count_them(lamps: Village) -> None:
    last = DAY_0 + timedelta(days=180)
    found = figures(lamps, DAY_0 + timedelta(days=151), last)
    assert exact(found["rr-pvp"]) == Fraction(4_800 + 6_000, 6_000 + 6_000)
    assert found["rr-pvp"].value == "0.900000"
    assert exact(found["rr-pvfin"]) == Fraction(4_800 + 6_000, 12_000 + 24_000)
    assert exact(found["rr-pvp-90d"]) == 0  # nobody had paid by day 90
    assert exact(found["collection-rate"]) == Fraction(1_000, 2_000)
    assert exact(found["par30"]) == Fraction(7_200, 7_200 + 17_000)  # paid for 144 of 180 days: 36 late
    assert found["par90"].value == "0.000000"
    assert exact(found["lagged-par30"]) == Fraction(7_200, 7_200 + 18_000)
    assert exact(found["days-past-due"]) == Fraction(36 + 0, 2)
    assert (found["or-2x"].value, found["or-2x"].reason) == (None, "no contract had reached twice its term")
    assert found["rr-pvp-2x"].value is None
    lamps.are_books_true()


def test_a_figure_lists_what_is_behind_it(lamps: Village) -> None:
    last = DAY_0 + timedelta(days=180)
    (first_part,) = kpi_views.evidence(lamps.core, "par30", "kisiju", last, last, 0, 1).items
    page = kpi_views.evidence(lamps.core, "par30", "kisiju", last, last, 1, 5)
    assert (first_part.of, first_part.numerator, first_part.denominator) == ("lamp-A-1", "7200", "7200")
    assert ([one.of for one in page.items], page.next) == (["lamp-B-1"], None)
    with lamps.store.read() as uow:
        journals = uow.ledger.find_all(first_part.lines)
    assert len(journals) == len(first_part.lines) > 1
    assert {journal.kind for journal in journals.values()} == {"instalment_due", "instalment"}
    assert kpi_views.evidence(lamps.core, "par30", "kisiju", last, last, 0, 1).next == "1"


def test_money_that_went_back_counts_no_more(lamps: Village) -> None:
    last = DAY_0 + timedelta(days=180)
    actions.reverse_payment(lamps.core, "mpesa:600638:A1", "test", "sent back")
    found = figures(lamps, last, last)
    assert exact(found["rr-pvp"]) == Fraction(6_000, 12_000)
    assert exact(found["par90"]) == Fraction(12_000, 12_000 + 17_000)
    before = figures(lamps, last, last - timedelta(days=0))
    assert before["par30"].value == found["par30"].value
    lamps.are_books_true()


def test_yesterday_looks_as_it_did_yesterday(lamps: Village) -> None:
    day_150 = DAY_0 + timedelta(days=150)
    assert exact(figures(lamps, day_150, day_150)["par30"]) == 0  # both were in time when that day was over
    assert exact(figures(lamps, day_150, day_150 - timedelta(days=0))["rr-pvp"]) == Fraction(4_800 + 5_000, 10_000)
    day_149 = day_150 - timedelta(days=1)
    assert exact(figures(lamps, day_149, day_149)["par90"]) == 1


def test_paid_early_it_is_owned_and_a_lease_given_up_stays_in(village: Village) -> None:
    actions.add_site(village.core, Site("kisiju", "Kisiju", "Africa/Nairobi", "KES", 2), "test")
    rules = LeaseRules(500, 1000, 30, 2, payoff_discount_basis_points=1000)
    actions.add_plan(village.core, PlanVersion("lamp", 1, START - timedelta(days=60), "KES", rules), "test")
    for name in ("A-1", "B-1"):
        lease(village, name, "lamp")
    village.pay("A1", 2_500, "A-1")
    to_day(village, 150, 30)
    last = DAY_0 + timedelta(days=120)
    found = figures(village, DAY_0, last)
    assert exact(found["or-2x"]) == Fraction(1, 2)
    assert exact(found["rr-pvp-2x"]) == Fraction(exact_paid(village), 4_000)
    assert exact(found["par30"]) == 1  # what is owned owes nothing
    village.are_books_true()


def exact_paid(village: Village) -> int:
    """Return what was applied to the instalments of the one who paid."""
    with village.store.read() as uow:
        contract = uow.contracts.get("lamp-A-1")
    assert contract is not None
    assert contract.state == "owned"
    return contract.paid_minor


@pytest.fixture
def homes(village: Village) -> Village:
    """Three homes in March: one pays and uses, one pays little and goes dark on the 12th, one never pays."""
    village.settle_in(ENERGY)
    village.move_in("H-2")
    village.move_in("H-3")
    village.pay("R1", 50_000)
    village.pay("R2", 10_000, "H-2")
    to_day(village, 4)
    village.use(1_000 + 1_000)
    to_day(village, 10)
    village.use(1_000 + 400, "H-2")
    village.use(1_000 + 1_500)
    to_day(village, 31)
    return village


MARCH = date(2026, 3, 1), date(2026, 3, 31)
FULL_DAYS = date(2026, 3, 3), date(2026, 3, 31)


def test_income_and_energy_are_per_active_connection_and_month(homes: Village) -> None:
    found = figures(homes, *MARCH)
    assert exact(found["active-ratio"]) == Fraction(2, 3)
    assert (found["arpu"].value, found["arpu"].unit) == ("23750.000000", "minor/connection/month")
    assert "energy, rental" in found["arpu"].basis
    assert (found["acpu"].value, found["acpu"].unit) == ("950.000000", "Wh/connection/month")
    without_wh = 1_000 * 15 // 96 + 400 * 15 // 240  # on the 2nd, from straight lines between the readings
    assert exact(figures(homes, *FULL_DAYS)["acpu"]) == Fraction(1_900 - without_wh, 2) / Fraction(29, 31)
    assert (found["losses"].value, found["losses"].reason) == (None, "no meter counts what the feeders are given")
    homes.are_books_true()


def test_who_is_cut_for_not_paying_has_no_outage(homes: Village) -> None:
    found = figures(homes, *FULL_DAYS)
    assert exact(found["enabled-ratio"]) == Fraction(29 + 9 + 0, 3 * 29)  # dark from 9:00 on the 12th
    assert (found["saidi"].value, found["saidi"].reason) == (None, NO_OUTAGES)
    at = datetime(2026, 3, 10, 6, tzinfo=UTC)
    sites.add_outage(homes.core, GridOutage("o-1", "kisiju", at, at + timedelta(hours=2)), "test")
    found = figures(homes, *FULL_DAYS)
    assert (found["saidi"].value, found["saifi"].value) == ("7200.000000", "1.000000")
    assert exact(found["availability"]) == 1 - Fraction(7_200, 29 * 86_400)
    assert exact(found["felt-outage"]) == Fraction(2 * 7_200, 3)  # the third had not paid
    later = figures(homes, date(2026, 3, 20), date(2026, 3, 31))
    assert (later["saidi"].value, later["saifi"].value) == ("0.000000", "0.000000")  # known, and none


def test_where_nothing_is_known_there_is_no_figure_and_never_a_zero(village: Village) -> None:
    village.settle_in(ENERGY)
    found = figures(village, date(2026, 2, 1), date(2026, 2, 28))
    assert {name: each.value for name, each in found.items()} == dict.fromkeys(found, None)
    assert all(each.reason for each in found.values())
    assert (found["par30"].reason, found["rr-pvp"].reason) == ("nothing was owed on any contract", NO_CONTRACT)


@pytest.mark.parametrize(("first", "last"), [((2026, 3, 2), (2026, 3, 1)), ((2020, 1, 1), (2026, 1, 1))])
def test_a_period_that_cannot_be_meant_is_refused(
    home_in_memory: Village, first: tuple[int, int, int], last: tuple[int, int, int]
) -> None:
    with pytest.raises(InvalidInput, match="MG-A065"):
        figures(home_in_memory, date(*first), date(*last))


def test_what_is_not_there_is_refused(home_in_memory: Village) -> None:
    with pytest.raises(InvalidInput, match="MG-A064"):
        kpi_views.evidence(home_in_memory.core, "par45", "kisiju", *MARCH)
    with pytest.raises(InvalidInput, match="MG-A001"):
        kpi_views.all_figures(home_in_memory.core, "nowhere", *MARCH)
