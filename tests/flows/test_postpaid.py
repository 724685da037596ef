"""Energy on a bill: a credit limit, a due day with grace, and an appliance beside it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

from microgrid import actions, flows, leases, views
from microgrid.billing.lease_contracts import Signature
from microgrid.billing.plans import LeaseRules, PlanVersion, PostpaidRules
from microgrid.customers.records import Enrolment
from tests.flows.village import ENERGY, START, Village

ON_BILL = PostpaidRules(ENERGY, due_days=14, grace_days=5, credit_limit_minor=50_000)


def test_a_bill_is_due_after_its_month_and_supply_ends_with_its_grace(village: Village) -> None:
    village.settle_in(ON_BILL)
    assert village.desired().supply.on
    village.use(2000)
    assert village.desired().supply.cutoff_wh == 1000 + 2000  # to the credit limit
    village.clock.at = datetime(2026, 4, 2, 12, tzinfo=UTC)
    flows.on_tick(village.core)
    [bill] = views.bills(village.core, "K-104")
    assert (bill.month, bill.energy_wh, bill.amount_minor, bill.state) == (date(2026, 3, 1), 1000, 25_000, "open")
    assert (bill.due_on, bill.supplied_until) == (date(2026, 4, 15), date(2026, 4, 20))
    assert village.desired().supply.until == datetime(2026, 4, 19, 21, tzinfo=UTC)
    village.clock.at = datetime(2026, 4, 19, 21, tzinfo=UTC)
    flows.on_tick(village.core)
    assert not village.desired().supply.on
    assert views.bills(village.core, "K-104")[0].state == "overdue"
    village.pay("A", 25_000)
    assert village.desired().supply.on
    assert views.bills(village.core, "K-104")[0].state == "paid"
    village.are_books_true()


def test_the_credit_limit_ends_supply_before_the_bill_does(village: Village) -> None:
    village.settle_in(ON_BILL)
    village.clock.pass_(days=1)
    village.use(3000)
    assert not village.desired().supply.on
    assert "the credit limit is reached" in views.supply(village.core, "M-K-104").why
    village.pay("A", 1000)
    assert village.desired().supply.on
    village.are_books_true()


def test_a_share_of_each_payment_goes_to_a_fridge_also_where_energy_is_owed(village: Village) -> None:
    village.settle_in(ENERGY)
    plan = PlanVersion("bill", 1, START, "KES", ON_BILL, instalment_share_ppm=400_000)
    actions.add_plan(village.core, plan, "test")
    actions.add_plan(village.core, PlanVersion("fridge", 1, START, "KES", LeaseRules(0, 3000, 30, 4)), "test")
    actions.enrol(village.core, Enrolment("e2", "K-104", "bill", START), "test")
    leases.sign(village.core, Signature("F-1", "K-104", "fridge", date(2026, 3, 2)), "test")
    village.use(1400)
    village.clock.pass_(days=1)
    village.pay("A", 5000)
    assert leases.contract(village.core, "F-1").owed_minor == 1000
    assert village.credit_minor() == -10_000 + 3000
    assert views.account(village.core, "K-104").instalments_due_minor == 1000
    village.are_books_true()


def test_limits_of_a_plan_are_told_beside_its_price(village: Village) -> None:
    village.settle_in(replace(ENERGY, power_limit_w=300, daily_wh=2000))
    village.pay("A", 5000)
    supply = village.desired().supply
    assert (supply.power_limit_w, supply.daily_wh, supply.cutoff_wh) == (300, 2000, 1200)


def test_a_meter_silent_for_three_weeks_is_not_switched_to_and_fro_when_it_speaks(village: Village) -> None:
    village.settle_in(ENERGY)
    village.pay("A", 50_000)
    revision = village.desired().revision
    for _ in range(21 * 4):
        village.clock.pass_(hours=6)
        flows.on_tick(village.core)
    assert village.desired().revision == revision
    village.sent.orders.clear()
    village.use(2900)
    assert village.sent.orders == []  # it has kept its limit alone, and the limit stands
    village.clock.pass_(minutes=15)
    village.use(3000)
    assert [order.revision for _, order in village.sent.orders] == [revision + 1]
    assert not village.desired().supply.on
    village.are_books_true()
