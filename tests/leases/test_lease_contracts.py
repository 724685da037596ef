"""A customer signs for a home system, pays in time or late, and owns it in the end; every unit is accounted for."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from microgrid import actions, agreements, flows, leases
from microgrid.agreements import Wish
from microgrid.billing.lease_contracts import LeaseContract, Signature
from microgrid.billing.plans import LeaseRules, PlanVersion, Tax
from microgrid.billing.sightings import Seen
from microgrid.customers.records import Enrolment
from microgrid.errors import Contradiction, InvalidInput
from microgrid.store.memory import MemoryStore
from tests.flows import lamps
from tests.flows.village import ENERGY, START, Village, make_village

DAILY = LeaseRules(2000, 500, 1, 10, grace_days=1, deposit_days=2, payoff_discount_basis_points=1000)
DUE = "receivable:lease:e-K-104"
MIDNIGHT = datetime(2026, 3, 2, 21, tzinfo=UTC)  # of 3 March in Nairobi


def leased(village: Village, rules: LeaseRules = DAILY) -> Village:
    village.settle_in(rules)
    return village


def contract(village: Village, key: str = "e-K-104") -> LeaseContract:
    with village.store.read() as uow:
        found = uow.contracts.get(key)
    assert found is not None
    return found


def days_pass(village: Village, days: int) -> None:
    for _ in range(days):
        village.clock.pass_(days=1)
        flows.on_tick(village.core)


def test_enrolling_in_a_lease_signs_a_contract_whose_deposit_is_due(village: Village) -> None:
    leased(village)
    signed = contract(village)
    assert (signed.plan, signed.started_on, signed.deposit_owed_minor) == ("home@1", date(2026, 3, 2), 2000)
    assert village.balance_minor(DUE) == 2000
    assert village.balance_minor("revenue:appliance:kisiju") == -2000
    assert leases.contract(village.core, "e-K-104").why == (
        "Supply is off because the deposit is not paid yet: KES 20.00 to pay."
    )
    village.pay("A", 1999)
    assert not village.desired().supply.on
    village.pay("B", 1)
    assert village.desired().supply.until == MIDNIGHT + timedelta(days=2)  # two days, and one of grace
    village.are_books_true()


def test_who_pays_in_time_has_light_until_the_device_is_theirs(village: Village) -> None:
    leased(village, replace(DAILY, payoff_discount_basis_points=0)).pay("A", 2000)
    for number in range(10):
        assert village.desired().supply.on
        village.pay(f"P{number}", 500)
        days_pass(village, 1)
    owned = contract(village)
    assert (owned.state, owned.paid_minor, owned.fallen_due) == ("owned", 5000, 10)
    assert owned.unlocked_at == START + timedelta(days=9)  # the tenth paid all that was left
    assert (village.desired().supply.on, village.desired().supply.until) == (True, None)
    assert leases.contract(village.core, "e-K-104").why == "The device is yours: it is paid off and stays on for ever."
    assert village.balance_minor(DUE) == village.credit_minor() == 0
    days_pass(village, 30)
    assert village.desired().supply.on
    village.are_books_true()


def test_money_ahead_is_credit_until_its_day_comes(village: Village) -> None:
    leased(village).pay("A", 3500)
    assert (village.balance_minor(DUE), village.credit_minor()) == (0, 1500)
    until = village.desired().supply.until
    assert until == MIDNIGHT + timedelta(days=5)  # two of the deposit, three paid, one of grace
    days_pass(village, 2)
    assert (village.balance_minor(DUE), village.credit_minor()) == (0, 1000)
    assert village.desired().supply.until == until
    days_pass(village, 3)
    assert (village.balance_minor(DUE), village.credit_minor()) == (500, 0)
    village.are_books_true()


def test_who_was_in_the_dark_gets_the_days_that_are_paid_from_now(village: Village) -> None:
    leased(village).pay("A", 2000)
    days_pass(village, 20)
    assert not village.desired().supply.on
    village.pay("B", 1000)
    assert village.desired().supply.until == village.clock.at + timedelta(days=2)
    assert village.balance_minor(DUE) == 4000  # arrears stay what they are
    days_pass(village, 2)
    assert not village.desired().supply.on
    village.pay("C", 100)
    assert not village.desired().supply.on  # a fifth of a day
    village.are_books_true()


def test_grace_is_given_once_and_not_after_each_small_payment(village: Village) -> None:
    leased(village, replace(DAILY, grace_days=5)).pay("A", 2000)
    assert village.desired().supply.until == MIDNIGHT + timedelta(days=6)
    days_pass(village, 10)
    village.pay("B", 500)
    assert village.desired().supply.until == village.clock.at + timedelta(days=1)


def test_the_whole_price_at_once_earns_the_discount_and_unlocks(village: Village) -> None:
    leased(village).pay("A", 2000)
    days_pass(village, 3)  # two instalments are due
    offer = leases.contract(village.core, "e-K-104").payoff
    assert offer is not None
    assert (offer.amount_minor, offer.waived_minor) == (1000 + 3600, 400)
    village.pay("B", 4599)
    assert contract(village).state == "open"
    village.pay("C", 1)
    paid_off = contract(village)
    assert (paid_off.state, paid_off.paid_minor, paid_off.waived_minor) == ("owned", 4600, 400)
    assert (village.balance_minor(DUE), village.credit_minor()) == (0, 0)
    assert village.balance_minor("revenue:appliance:kisiju") == -6600
    assert village.desired().supply.until is None
    village.are_books_true()


def test_a_payoff_that_goes_back_makes_the_rest_due_day_by_day_again(village: Village) -> None:
    leased(village).pay("A", 2000)
    days_pass(village, 3)
    village.pay("B", 4600)
    actions.reverse_payment(village.core, "mpesa:600638:B", "test", "the payer claimed it back")
    again = contract(village)
    assert (again.state, again.paid_minor, again.waived_minor, again.fallen_due) == ("open", 0, 0, 2)
    assert (village.balance_minor(DUE), village.credit_minor()) == (1000, 0)
    assert village.balance_minor("revenue:appliance:kisiju") == -3000
    days_pass(village, 1)
    assert contract(village).fallen_due == 3
    assert not village.desired().supply.on
    village.are_books_true()


def test_a_part_of_a_payoff_that_goes_back_leaves_the_rest_paid(village: Village) -> None:
    leased(village).pay("A", 2000)
    village.pay("B", 2000)
    village.pay("C", 2500)  # 4500 of 5000: the discount is 500
    assert contract(village).state == "owned"
    actions.reverse_payment(village.core, "mpesa:600638:C", "test", "the payer claimed it back")
    again = contract(village)
    assert (again.state, again.paid_minor, again.waived_minor) == ("open", 0, 0)
    assert village.credit_minor() == 2000  # four days ahead
    village.are_books_true()


def test_a_reversal_takes_back_what_it_paid_and_the_days_that_are_left(village: Village) -> None:
    leased(village).pay("A", 2000)
    days_pass(village, 2)
    village.pay("B", 1500)
    assert village.desired().supply.until == MIDNIGHT + timedelta(days=5)
    actions.reverse_payment(village.core, "mpesa:600638:B", "test", "the payer claimed it back")
    assert (contract(village).paid_minor, village.credit_minor(), village.balance_minor(DUE)) == (0, 0, 500)
    assert village.desired().supply.until == MIDNIGHT + timedelta(days=2)
    actions.reverse_payment(village.core, "mpesa:600638:A", "test", "the payer claimed it back")
    assert (contract(village).deposit_paid_minor, village.credit_minor(), village.balance_minor(DUE)) == (0, 0, 2500)
    assert not village.desired().supply.on
    village.are_books_true()


def test_a_payment_moved_away_takes_its_instalments_along(village: Village) -> None:
    leased(village)
    village.move_in("K-200")
    village.pay("A", 2000, "K-200")
    for account in ("K-104", "K-200", "K-104"):
        actions.move_payment(village.core, "mpesa:600638:A", account, "test", "typed wrongly")
        other = "K-200" if account == "K-104" else "K-104"
        assert contract(village, f"e-{account}").deposit_owed_minor == 0
        assert contract(village, f"e-{other}").deposit_owed_minor == 2000
        assert (village.credit_minor("K-104"), village.credit_minor("K-200")) == (0, 0)
    actions.reverse_payment(village.core, "mpesa:600638:A", "test", "and back")
    assert (contract(village, "e-K-104").deposit_owed_minor, village.credit_minor()) == (2000, 0)
    village.are_books_true()


def test_monthly_instalments_fall_due_on_their_day_of_the_month(village: Village) -> None:
    leased(village, LeaseRules(0, 10_000, 0, 12, months=1))
    assert village.balance_minor(DUE) == 10_000
    village.pay("A", 10_000)
    assert village.desired().supply.until == START + timedelta(days=31)
    days_pass(village, 30)
    assert village.balance_minor(DUE) == 0
    days_pass(village, 1)
    assert village.balance_minor(DUE) == 10_000
    village.are_books_true()


def test_ticks_missed_for_a_month_are_made_good_with_the_same_books(village: Village) -> None:
    leased(village, replace(DAILY, instalments=40)).pay("A", 12_000)
    village.clock.pass_(days=31)
    flows.on_tick(village.core)
    assert contract(village).fallen_due == 30
    assert (village.balance_minor(DUE), village.credit_minor()) == (5000, 0)
    flows.on_tick(village.core)
    assert contract(village).bookings == 3  # the deposit, thirty instalments at once, and their payment
    village.are_books_true()


def test_two_devices_share_what_is_paid_ahead_and_the_oldest_due_goes_first(village: Village) -> None:
    leased(village, replace(DAILY, deposit_minor=0, deposit_days=0, grace_days=0))
    leases.sign(village.core, Signature("fan", "K-104", "home", date(2026, 3, 4), "FAN-1"), "test")
    assert village.balance_minor(DUE) == 500
    village.pay("A", 500)
    days_pass(village, 2)  # the first owes two days, the fan one
    village.pay("B", 700)
    assert (contract(village).paid_minor, contract(village, "fan").paid_minor) == (1000 + 200, 0)
    village.pay("C", 300 + 500 + 1000)
    assert (village.balance_minor(DUE), village.balance_minor("receivable:lease:fan")) == (0, 0)
    assert village.credit_minor() == 1000  # one day ahead for each
    assert village.desired().supply.until == village.clock.at + timedelta(days=3)
    village.are_books_true()


def test_an_appliance_beside_energy_takes_its_share_of_each_payment(village: Village) -> None:
    village.settle_in(ENERGY)
    fridge = LeaseRules(0, 3000, 7, 4)
    actions.add_plan(village.core, PlanVersion("fridge", 1, START, "KES", fridge), "test")
    leases.sign(village.core, Signature("F-1", "K-104", "fridge", date(2026, 3, 2)), "test")
    village.pay("A", 10_000)
    assert (contract(village, "F-1").paid_minor, village.credit_minor()) == (3000, 7000)
    village.use(1000 + 280)
    days_pass(village, 7)
    assert contract(village, "F-1").fallen_due == 2
    assert village.balance_minor("receivable:lease:F-1") == 3000
    assert village.credit_minor() == 0  # light was used up, the fridge waits
    village.pay("B", 2000)
    assert (village.balance_minor("receivable:lease:F-1"), village.credit_minor()) == (1000, 0)
    village.are_books_true()


def test_a_share_keeps_light_for_who_pays_off_a_fridge() -> None:
    village = make_village(MemoryStore())
    village.settle_in(ENERGY)
    half = PlanVersion("half", 1, START, "KES", ENERGY, instalment_share_ppm=500_000)
    actions.add_plan(village.core, half, "test")
    actions.enrol(village.core, Enrolment("e2", "K-104", "half", START), "test")
    actions.add_plan(village.core, PlanVersion("fridge", 1, START, "KES", LeaseRules(0, 3000, 7, 4)), "test")
    leases.sign(village.core, Signature("F-1", "K-104", "fridge", date(2026, 3, 2)), "test")
    village.pay("A", 1001)
    assert (contract(village, "F-1").paid_minor, village.credit_minor()) == (500, 501)
    village.use(1000 + 30)
    village.pay("B", 1000)  # 249 of it pay a debt of light
    assert (contract(village, "F-1").paid_minor, village.credit_minor()) == (500 + 375, 376)
    actions.reverse_payment(village.core, "mpesa:600638:B", "test", "back")
    assert (contract(village, "F-1").paid_minor, village.credit_minor()) == (500, -249)
    village.are_books_true()


def test_credit_beside_energy_pays_off_a_contract_only_when_asked(village: Village) -> None:
    village.settle_in(ENERGY)
    fridge = LeaseRules(0, 3000, 7, 4, payoff_discount_basis_points=1000)
    actions.add_plan(village.core, PlanVersion("fridge", 1, START, "KES", fridge), "test")
    leases.sign(village.core, Signature("F-1", "K-104", "fridge", date(2026, 3, 2)), "test")
    village.pay("A", 11_000)
    assert contract(village, "F-1").state == "open"
    with pytest.raises(InvalidInput, match="takes 8100, the account has 8000") as refused:
        leases.pay_off(village.core, "F-1", "test")
    assert refused.value.problems[0].code == "MG-P213"
    village.pay("B", 500)
    assert leases.pay_off(village.core, "F-1", "test").state == "owned"
    assert village.credit_minor() == 400
    with pytest.raises(InvalidInput, match="is paid off") as over:
        leases.pay_off(village.core, "F-1", "test")
    assert over.value.problems[0].code == "MG-P215"
    village.are_books_true()


def test_tax_of_instalments_does_not_depend_on_when_they_are_booked() -> None:
    balances = []
    for days_at_once in (1, 5):
        village = make_village(MemoryStore())
        village.settle_in(ENERGY)
        plan = PlanVersion("fan", 1, START, "KES", LeaseRules(0, 333, 1, 10), Tax(160_000, included=False))
        actions.add_plan(village.core, plan, "test")
        leases.sign(village.core, Signature("F", "K-104", "fan", date(2026, 3, 2)), "test")
        for _ in range(10 // days_at_once):
            village.clock.pass_(days=days_at_once)
            flows.on_tick(village.core)
        balances.append([village.balance_minor(f"{kind}:kisiju") for kind in ("revenue:appliance", "tax")])
        assert village.balance_minor("receivable:lease:F") == 386 * 10
        village.are_books_true()
    assert balances[0] == balances[1] == [-3330, -530]


def test_the_same_contract_again_is_a_success_and_another_is_refused_with_both_shown(village: Village) -> None:
    leased(village)
    asked = Signature("TV-1", "K-104", "home", date(2026, 3, 2), "TV")
    first = leases.sign(village.core, asked, "test")
    village.pay("A", 3000)
    again = leases.sign(village.core, asked, "test")
    assert again.signed_at == first.signed_at
    assert village.balance_minor("receivable:lease:TV-1") + village.balance_minor(DUE) == 1000
    with pytest.raises(Contradiction, match="started_on"):
        leases.sign(village.core, replace(asked, started_on=date(2026, 3, 1)), "test")
    village.are_books_true()


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (Signature("X", "K-104", "light", date(2026, 3, 2)), "MG-P212"),
        (Signature("X", "K-104", "nothing", date(2026, 3, 2)), "MG-A001"),
        (Signature("X", "K-999", "home", date(2026, 3, 2)), "MG-A001"),
        (Signature("X", "K-104", "home", date(2025, 3, 2)), "MG-A001"),
        (Signature("X", "K-104", "home", date(2026, 3, 2), "LAMP"), "MG-P214"),
    ],
)
def test_what_cannot_be_signed_is_refused(asked: Signature, code: str) -> None:
    village = leased(make_village(MemoryStore()))
    actions.add_plan(village.core, PlanVersion("light", 1, START, "KES", ENERGY), "test")
    leases.sign(village.core, Signature("L", "K-104", "home", date(2026, 3, 2), "LAMP"), "test")
    with pytest.raises(InvalidInput) as refused:
        leases.sign(village.core, asked, "test")
    assert refused.value.problems[0].code == code


def test_payments_from_many_sides_at_once_pay_each_instalment_once(village: Village) -> None:
    leased(village, replace(DAILY, deposit_minor=0, deposit_days=0, payoff_discount_basis_points=0))
    village.clock.pass_(days=5)
    flows.on_tick(village.core)
    seen = [Seen(village.payment(f"P{number}", 130)) for number in range(12)] * 2
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda one: flows.on_payment(village.core, one), seen))
    assert (contract(village).paid_minor, village.credit_minor()) == (12 * 130, 0)
    assert village.balance_minor(DUE) == 6 * 500 - 12 * 130
    village.are_books_true()


def test_a_lamp_that_asks_for_tokens_is_unlocked_by_two_people_once_it_is_paid_off(village: Village) -> None:
    lamps.with_lamp(village, replace(DAILY, payoff_discount_basis_points=0))
    village.pay("A", 6999)
    with pytest.raises(InvalidInput, match="MG-K006"):
        agreements.ask(village.core, Wish("unlock", "M-K-104", "paid off"), "amina")
    village.pay("B", 1)
    assert contract(village).state == "owned"
    with village.store.read() as uow:
        [alarm] = [one for one in uow.alarms.page() if one.subject == "contract:e-K-104"]
    assert alarm.what == "contract 'e-K-104' is paid off: two people have to unlock meter 'M-K-104' for ever"
    asked = agreements.ask(village.core, Wish("unlock", "M-K-104", "paid off"), "amina")
    agreements.grant(village.core, asked.id, "juma")
    assert lamps.tokens(village)[-1].kind == "disable"
    village.are_books_true()
