"""Records are added once, refer to what is there, and fit together."""

from __future__ import annotations

from datetime import timedelta

import pytest

from microgrid import actions, flows
from microgrid.billing import charging
from microgrid.billing.plans import Block, EnergyRules, PlanVersion
from microgrid.customers.records import Account, Connection, Customer, Enrolment, Fit, Meter, Site
from microgrid.errors import Contradiction, InvalidInput
from microgrid.monitoring.readings import Reading
from microgrid.ports import transact
from tests.flows.village import ENERGY, START, Village


def test_the_same_again_is_a_success_and_another_is_refused_with_both_shown(home: Village) -> None:
    actions.add_customer(home.core, Customer("c-1", "Amina"), "test")
    actions.add_customer(home.core, Customer("c-1", "Amina"), "test")
    with pytest.raises(Contradiction, match="MG-A002") as caught:
        actions.add_customer(home.core, Customer("c-1", "Juma"), "test")
    assert "Amina" in str(caught.value)
    assert "Juma" in str(caught.value)


def test_what_is_not_there_cannot_be_referred_to(home: Village) -> None:
    with pytest.raises(InvalidInput) as caught:
        actions.add_account(home.core, Account("K-9", "nobody", "nowhere", START), "test")
    assert [problem.code for problem in caught.value.problems] == ["MG-A001", "MG-A001"]


@pytest.mark.parametrize("name", ["k-9", "K 9", "K_9", "Ä-9", "-9", "K" * 25])
def test_an_account_is_named_so_that_every_phone_can_type_it(home_in_memory: Village, name: str) -> None:
    with pytest.raises(InvalidInput, match="MG-A003"):
        actions.add_account(home_in_memory.core, Account(name, "c-K-104", "kisiju", START), "test")


def test_currencies_do_not_mix(home: Village) -> None:
    actions.add_site(home.core, Site("gulu", "Gulu", "Africa/Kampala", "UGX", 0), "test")
    actions.add_account(home.core, Account("G-1", "c-K-104", "gulu", START), "test")
    with pytest.raises(InvalidInput, match="MG-A012"):
        actions.enrol(home.core, Enrolment("e-9", "G-1", "home", START), "test")
    with pytest.raises(InvalidInput, match="MG-A012"):
        actions.add_connection(home.core, Connection("p-9", "G-1", "kisiju"), "test")


def test_a_meter_hangs_in_one_place_and_each_epoch_is_new(home: Village) -> None:
    actions.add_connection(home.core, Connection("p-2", "K-104", "kisiju"), "test")
    second = Fit("f-2", "M-K-104", "p-2", 2, START, 0)
    with pytest.raises(InvalidInput, match="MG-M010"):
        actions.fit_meter(home.core, second, "test")
    home.clock.pass_(hours=1)
    actions.remove_meter(home.core, "f-K-104", START + timedelta(hours=1), 1000, "test")
    with pytest.raises(InvalidInput, match="MG-M010"):
        actions.fit_meter(home.core, Fit("f-2", "M-K-104", "p-2", 1, START, 0), "test")
    actions.fit_meter(home.core, second, "test")
    actions.fit_meter(home.core, second, "test")


def test_a_swapped_meter_bills_the_sum_of_both(home: Village) -> None:
    home.pay("RKT1", 100_000)
    home.clock.pass_(hours=1)
    home.use(1500)
    home.clock.pass_(hours=1)
    for _ in range(2):
        actions.remove_meter(home.core, "f-K-104", home.clock.at, 1700, "test")
    actions.add_meter(home.core, Meter("M-9"), "test")
    actions.fit_meter(home.core, Fit("f-9", "M-9", "p-K-104", 1, home.clock.at, 40), "test")
    home.clock.pass_(hours=1)
    flows.on_readings(home.core, [Reading("M-9", 1, 1, home.clock.at, 340)])
    assert home.credit_minor() == 100_000 - (700 + 300) * 25
    home.are_books_true()


def test_a_removal_before_its_fit_is_refused(home: Village) -> None:
    with pytest.raises(InvalidInput, match="MG-M010"):
        actions.remove_meter(home.core, "f-K-104", START, 999, "test")


def test_readings_that_came_before_the_fit_was_known_are_charged_then(home: Village) -> None:
    actions.add_connection(home.core, Connection("p-2", "K-104", "kisiju"), "test")
    rows = [Reading("M-9", 1, n, START + timedelta(hours=n), 100 * n) for n in (3, 1, 2)]
    assert flows.on_readings(home.core, rows).new == 3
    actions.add_meter(home.core, Meter("M-9"), "test")
    actions.fit_meter(home.core, Fit("f-9", "M-9", "p-2", 1, START, 0), "test")
    assert home.credit_minor() == -300 * 25
    home.are_books_true()


def test_a_contradicting_reading_is_told_and_the_others_are_facts(home: Village) -> None:
    at = START + timedelta(hours=1)
    flows.on_readings(home.core, [Reading("M-K-104", 1, 1, at, 1100)])
    later = Reading("M-K-104", 1, 2, at + timedelta(hours=1), 1200)
    taken = flows.on_readings(home.core, [Reading("M-K-104", 1, 1, at, 1150), later])
    assert (taken.new, taken.known, len(taken.problems)) == (1, 0, 1)
    assert "1150" in taken.problems[0]
    assert home.credit_minor() == -200 * 25


def test_a_price_is_not_changed_for_what_was_used(home: Village) -> None:
    early = PlanVersion("home", 2, START - timedelta(days=1), "KES", ENERGY)
    with pytest.raises(InvalidInput, match="MG-P006"):
        transact(home.store, lambda uow: charging.add_plan(uow, early, START))
    dearer = PlanVersion("home", 2, START + timedelta(hours=2), "KES", EnergyRules((Block(None, 50_000_000),)))
    transact(home.store, lambda uow: charging.add_plan(uow, dearer, START))  # as two people agreed
    home.clock.pass_(hours=2)
    home.use(1100)
    home.clock.pass_(hours=1)
    home.use(1200)
    assert home.credit_minor() == -(100 * 25 + 100 * 50)


def test_an_order_is_on_off_or_none(home: Village) -> None:
    with pytest.raises(InvalidInput, match="MG-M011"):
        actions.order_supply(home.core, "p-K-104", "dim", "amina", "?")


def test_a_connection_fee_is_owed_once_and_paid_first(village: Village) -> None:
    village.settle_in(ENERGY, fee_minor=20_000)
    actions.enrol(village.core, Enrolment("e-K-104", "K-104", "home", START), "test")
    assert village.credit_minor() == -20_000
    village.pay("RKT1", 30_000)
    assert village.desired().supply.cutoff_wh == 1000 + 400
    village.are_books_true()
