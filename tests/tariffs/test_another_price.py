"""Another price: who would pay more or less, asked for by one person, agreed to by another, in force in time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from microgrid import actions, agreements, flows, sites, tariffs
from microgrid.billing.plans import (
    Band,
    Block,
    ClassTax,
    EnergyRules,
    LeaseRules,
    PlanVersion,
    PostpaidRules,
    Tax,
    TimeRules,
)
from microgrid.billing.tariffs import Change
from microgrid.customers.records import Connection, Enrolment
from microgrid.errors import InvalidInput
from microgrid.store.memory import MemoryStore
from tests.flows.village import ENERGY, START, Village, make_village

MIDNIGHT = datetime(2026, 3, 1, 21, tzinfo=UTC)


def used_for_a_week(village: Village, **daily_wh: int) -> None:
    """Let homes use so much each day for seven days, each reading at noon."""
    registers = dict.fromkeys(daily_wh, 1000)
    for _ in range(7):
        village.clock.pass_(days=1)
        for name, wh in daily_wh.items():
            registers[name] += wh
            village.use(registers[name], name.replace("_", "-"))
    village.clock.at += timedelta(days=1)


def proposal(rules: EnergyRules | TimeRules | PostpaidRules | LeaseRules, days: int = 40) -> PlanVersion:
    return PlanVersion("home", 1, START + timedelta(days=days), "KES", rules)


def two_homes(village: Village) -> Village:
    village.settle_in(ENERGY)
    village.move_in("K-200")
    return village


def test_blocks_cost_the_large_more_and_the_small_less_to_the_unit(village: Village) -> None:
    two_homes(village)
    used_for_a_week(village, K_104=100, K_200=400)
    blocks = EnergyRules((Block(1000, 20_000_000), Block(None, 40_000_000)))
    found = tariffs.preview(village.core, proposal(blocks), 30)
    assert (found.accounts, found.pay_more, found.pay_less, found.pay_the_same) == (2, 1, 1, 0)
    assert found.largest == (
        Change("K-200", 2800 * 25, 1000 * 20 + 1800 * 40),
        Change("K-104", 700 * 25, 700 * 20),
    )
    assert (found.before_minor, found.after_minor) == (3500 * 25, 700 * 20 + 1000 * 20 + 1800 * 40)
    assert found.before_minor == -sum(village.credit_minor(name) for name in ("K-104", "K-200"))


def test_the_same_price_changes_nobodys_bill_and_nothing_is_stored(village: Village) -> None:
    two_homes(village)
    used_for_a_week(village, K_104=100, K_200=400)
    found = tariffs.preview(village.core, proposal(ENERGY), 30)
    assert (found.pay_more, found.pay_less, found.pay_the_same) == (0, 0, 2)
    with village.store.read() as uow:
        assert [one.id for one in uow.plans.where(plan_id="home")] == ["home@1"]


def test_bands_and_a_price_with_tax_are_reckoned_as_they_would_be_charged(village: Village) -> None:
    two_homes(village)
    used_for_a_week(village, K_104=100)
    night = EnergyRules((Block(None, 25_000_000),), (Band(0, 720, 50_000_000),))  # double until noon
    found = tariffs.preview(village.core, replace(proposal(night), tax=Tax(100_000, included=False)), 30)
    change = found.largest[0]
    assert (change.account_id, change.before_minor) == ("K-104", 17_500)
    assert 1.1 * 17_500 < change.after_minor < 1.1 * 2 * 17_500
    with village.store.begin() as uow:
        uow.plans.put(
            replace(proposal(night), effective_from=START - timedelta(days=60), tax=Tax(100_000, included=False))
        )
    again = make_village(MemoryStore())
    again.settle_in(night)
    used_for_a_week(again, K_104=100)
    assert change.after_minor == -(again.credit_minor() * 11) // 10


def test_days_bought_are_priced_at_the_new_price_of_a_day(village: Village) -> None:
    village.settle_in(TimeRules(7000, 7))
    village.pay("A", 14_000)
    village.clock.pass_(days=2)
    found = tariffs.preview(village.core, proposal(TimeRules(1200, 1)), 30)
    assert found.largest == (Change("K-104", 14_000, 14 * 1200),)


def test_only_the_days_asked_for_and_the_homes_of_the_plan_count(village: Village) -> None:
    two_homes(village)
    used_for_a_week(village, K_104=100, K_200=400)
    actions.add_plan(village.core, PlanVersion("other", 1, START, "KES", ENERGY), "test")
    actions.enrol(village.core, Enrolment("e-other", "K-200", "other", village.clock.at), "test")
    dear = proposal(EnergyRules((Block(None, 50_000_000),)))
    found = tariffs.preview(village.core, dear, 2)
    assert found.accounts == 1
    assert found.before_minor * 2 == found.after_minor
    assert 0 < found.before_minor < 200 * 25
    assert len(tariffs.preview(village.core, dear, 2, largest=0).largest) == 0


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (proposal(TimeRules(7000, 7)), "MG-P221"),
        (replace(proposal(ENERGY), currency="UGX"), "MG-P221"),
        (replace(proposal(ENERGY), plan_id="nothing"), "MG-A001"),
        (proposal(EnergyRules(())), "MG-P202"),
    ],
)
def test_what_cannot_be_compared_is_refused(asked: PlanVersion, code: str) -> None:
    village = two_homes(make_village(MemoryStore()))
    for refusing in (
        lambda: tariffs.preview(village.core, asked, 30),
        lambda: tariffs.schedule(village.core, asked, "?", "amina"),
    ):
        with pytest.raises(InvalidInput) as refused:
            refusing()
        assert refused.value.problems[0].code == code


def test_a_new_price_needs_two_people_and_begins_on_its_day(village: Village) -> None:
    two_homes(village)
    dear = proposal(EnergyRules((Block(None, 50_000_000),)), days=31)
    asked = tariffs.schedule(village.core, dear, "diesel costs more", "amina")
    assert tariffs.schedule(village.core, dear, "diesel costs more", "amina") == asked
    with pytest.raises(InvalidInput, match="MG-A017"):
        agreements.grant(village.core, asked.id, "amina")
    with village.store.read() as uow:
        assert len(uow.plans.where(plan_id="home")) == 1
    agreements.grant(village.core, asked.id, "juma")
    village.clock.pass_(days=31)
    village.use(1000)
    village.clock.pass_(hours=1)
    village.use(1010)
    assert village.credit_minor() == -10 * 50
    with village.store.read() as uow:
        assert [one.version for one in uow.plans.where(plan_id="home")] == [1, 2]
        assert uow.audit.get("plan:home@2:add") is not None
    flows.on_tick(village.core)
    village.are_books_true()


def test_a_price_agreed_to_after_its_day_is_refused_and_the_request_stays(village: Village) -> None:
    two_homes(village)
    asked = tariffs.schedule(village.core, proposal(ENERGY, days=31), "?", "amina")
    village.clock.pass_(days=32)
    with pytest.raises(InvalidInput, match="MG-P006"):
        agreements.grant(village.core, asked.id, "juma")
    assert agreements.approval(village.core, asked.id).granted is None


def test_customers_are_told_in_time(village: Village) -> None:
    two_homes(village)
    with pytest.raises(InvalidInput, match=r"2026-04-01T00:00\+03:00 or later") as refused:
        tariffs.schedule(village.core, proposal(ENERGY, days=20), "?", "amina")
    assert refused.value.problems[0].code == "MG-P223"
    sites.change_policy(village.core, "kisiju", lambda policy: replace(policy, notice_days=20), "amina")
    tariffs.schedule(village.core, proposal(ENERGY, days=20), "?", "amina")


def test_one_person_alone_changes_no_price_that_accounts_pay(village: Village) -> None:
    two_homes(village)
    with pytest.raises(InvalidInput) as refused:
        actions.add_plan(village.core, replace(proposal(ENERGY), version=2), "test")
    assert refused.value.problems[0].code == "MG-P220"
    actions.add_plan(village.core, PlanVersion("new", 1, START, "KES", ENERGY), "test")
    actions.add_plan(village.core, PlanVersion("new", 2, START, "KES", ENERGY), "test")  # nobody is charged by it


def test_a_class_of_customers_has_its_own_tax_with_levies(village: Village) -> None:
    village.settle_in(ENERGY)
    taxes = (ClassTax("business", Tax(160_000, included=False)),)
    actions.add_plan(village.core, PlanVersion("taxed", 1, START, "KES", ENERGY, class_taxes=taxes), "test")
    actions.enrol(village.core, Enrolment("e2", "K-104", "taxed", START), "test")
    village.move_in("K-200")
    actions.enrol(village.core, Enrolment("e3", "K-200", "taxed", START), "test")
    with village.store.begin() as uow:
        uow.connections.put(Connection("p-K-200", "K-200", "kisiju", customer_class="business"))
    for name in ("K-104", "K-200"):
        village.use(1100, name)
    assert (village.credit_minor("K-104"), village.credit_minor("K-200")) == (-2500, -2900)
    village.clock.pass_(days=1)
    flows.on_tick(village.core)
    assert village.balance_minor("tax:kisiju") == -400
    village.are_books_true()
