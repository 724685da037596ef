"""A customer pays, has light, uses it up, sits in the dark, and pays again."""

from __future__ import annotations

from datetime import datetime, timedelta

from microgrid import actions, flows, views
from microgrid.billing.plans import TimeRules
from microgrid.switching.supply import Reported
from tests.flows.village import ENERGY, Village


def reported(at: datetime, revision: int, result: str = "ok") -> Reported:
    return Reported(revision, True, 1000, 1, at, at, result)  # type: ignore[arg-type]  # one of its words


def test_nothing_paid_is_off_and_says_why(home: Village) -> None:
    assert home.desired().supply.on is False
    assert views.supply(home.core, "M-K-104").why == "Supply is off because the credit is used up: KES 0.00 left."


def test_from_payment_to_light_to_dark_to_light(home: Village) -> None:
    first = home.desired().revision
    home.pay("RKT1", 50_000)
    lit = home.desired()
    assert lit.revision == first + 1
    assert lit.supply.on
    assert lit.supply.cutoff_wh == 1000 + 2000
    assert lit.supply.reason == "KES 500.00 left, enough for at least 2.0 kWh."
    assert home.sent.orders[-1] == ("M-K-104", lit)
    home.clock.pass_(hours=5)
    home.use(2500)
    assert home.credit_minor() == 50_000 - 1500 * 25
    assert views.supply(home.core, "M-K-104").why == "KES 125.00 left, enough for at least 0.5 kWh."
    home.clock.pass_(hours=5)
    home.use(3000)
    dark = home.desired()
    assert dark.supply.on is False
    assert dark.revision > lit.revision
    home.pay("RKT2", 10_000)
    again = home.desired()
    assert again.supply.on
    assert again.revision > dark.revision
    home.are_books_true()


def test_energy_used_in_the_dark_is_a_fact(home: Village) -> None:
    home.pay("RKT1", 2_500)
    home.use(1500)
    assert home.credit_minor() == 2_500 - 500 * 25
    home.pay("RKT2", 5_000)
    assert home.desired().supply.on is False
    assert "KES 50.00 to pay" in views.supply(home.core, "M-K-104").why
    home.are_books_true()


def test_time_is_bought_by_whole_days_and_ends(village: Village) -> None:
    village.settle_in(TimeRules(price_minor=10_000, days=1))
    village.pay("RKT1", 25_000)
    desired = village.desired()
    assert desired.supply.on
    assert desired.supply.until == village.clock.at + timedelta(days=2)
    assert village.credit_minor() == 5_000
    village.clock.pass_(days=2)
    flows.on_tick(village.core)
    assert village.desired().supply.on is False
    village.are_books_true()


def test_a_meter_is_told_again_until_it_says_so(home: Village) -> None:
    home.pay("RKT1", 50_000)
    revision = home.desired().revision
    home.sent.orders.clear()
    flows.on_tick(home.core)
    assert home.sent.orders == []
    for pause_s in (5, 40, 160):
        home.clock.pass_(seconds=pause_s)
        flows.on_tick(home.core)
    assert [desired.revision for _, desired in home.sent.orders] == [revision] * 3
    twin = flows.on_reported(home.core, "M-K-104", reported(home.clock.at, revision))
    assert twin.in_sync
    home.clock.pass_(hours=2)
    flows.on_tick(home.core)
    assert len(home.sent.orders) == 3


def test_a_stale_meter_is_told_at_once_and_one_ahead_of_us_is_overtaken(home: Village) -> None:
    home.pay("RKT1", 50_000)
    revision = home.desired().revision
    home.sent.orders.clear()
    flows.on_reported(home.core, "M-K-104", reported(home.clock.at, revision - 1, "stale"))
    assert [desired.revision for _, desired in home.sent.orders] == [revision]
    flows.on_reported(home.core, "M-K-104", reported(home.clock.at, 900))
    assert home.desired().revision == 901
    assert home.sent.orders[-1][1].revision == 901


def test_an_order_goes_before_credit_and_can_be_taken_back(home: Village) -> None:
    home.pay("RKT1", 50_000)
    actions.order_supply(home.core, "p-K-104", "off", "amina", "the wiring is being repaired")
    assert home.desired().supply.reason == "Supply is off by order: the wiring is being repaired."
    actions.order_supply(home.core, "p-K-104", "none", "amina", "repaired")
    assert home.desired().supply.on


def test_used_energy_is_in_the_books_the_day_after(home: Village) -> None:
    home.pay("RKT1", 50_000)
    home.clock.pass_(hours=5)
    home.use(2000)
    flows.on_tick(home.core)
    assert home.balance_minor("revenue:energy:kisiju") == 0
    home.clock.pass_(hours=11)
    flows.on_tick(home.core)
    assert home.balance_minor("revenue:energy:kisiju") == -25_000
    assert home.credit_minor() == 25_000
    home.clock.pass_(minutes=1)
    flows.on_tick(home.core)
    home.are_books_true()


def test_a_low_credit_is_told_once_even_if_the_network_is_down(village: Village) -> None:
    village.settle_in(ENERGY, warn_minor=10_000)
    village.pay("RKT1", 30_000)
    village.sent.texts.clear()
    village.clock.pass_(days=1, hours=1)
    village.use(1900)
    village.sent.broken = True
    flows.on_tick(village.core)
    village.sent.broken = False
    village.use(1950)
    village.clock.pass_(hours=1)
    flows.on_tick(village.core)
    flows.on_tick(village.core)
    told = [text for _, text in village.sent.texts if "KES 75.00" in text]
    assert told == ["Your credit is low: KES 75.00 left. Pay to K-104."]
