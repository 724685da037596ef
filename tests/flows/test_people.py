"""People with several numbers, found by whatever is known of them, and moved from meter to meter."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta

import pytest

from microgrid import actions, agreements, flows, people
from microgrid.billing.plans import Block, EnergyRules, PlanVersion
from microgrid.billing.sightings import Seen
from microgrid.customers.people import add_customer, words
from microgrid.customers.records import Account, Connection, Customer, Enrolment, Feeder, Fit, Meter, Site
from microgrid.errors import Contradiction, InvalidInput
from microgrid.monitoring.readings import Reading
from tests.flows.village import ENERGY, START, Village

HASHED = hashlib.sha256(b"254712000104").hexdigest()


def found(home: Village, text: str) -> list[str]:
    return [one.customer.id for one in people.find(home.core, text)]


# Numbers --------------------------------------------------------------------------------------------------------------


def test_a_second_number_finds_its_account_until_it_ends(home: Village) -> None:
    for _ in range(2):
        people.add_phone(home.core, "c-K-104", "+254733000104", "amina")
    seen = Seen(home.payment("R1", 100, "0733000104"), reference_phone="+254733000104")
    assert flows.on_payment(home.core, seen).payment.account_id == "K-104"
    people.end_phone(home.core, "c-K-104:+254733000104", "amina")
    seen = Seen(home.payment("R2", 100, "0733000104"), reference_phone="+254733000104")
    assert flows.on_payment(home.core, seen).payment.status == "suspense"
    people.add_phone(home.core, "c-K-104", "+254733000104", "amina")
    assert home.pay("R3", 100, "?", payer="+254733000104", payer_kind="e164").suggestions == ("K-104",)
    home.are_books_true()


def test_a_known_number_is_suggested_when_only_its_hash_is_seen_and_never_guessed(home: Village) -> None:
    receipt = home.pay("R1", 100, "?", payer=HASHED, payer_kind="hashed")
    assert (receipt.payment.status, receipt.suggestions) == ("suspense", ("K-104",))
    home.move_in("K-200")
    home.pay("R2", 100, "K-200", payer=HASHED, payer_kind="hashed")
    assert home.pay("R3", 100, "?", payer="+254712000104", payer_kind="e164").suggestions == ("K-104", "K-200")


def test_a_hash_alone_is_kept_and_a_masked_number_finds_nobody(home: Village) -> None:
    home.move_in("K-200")
    people.add_phone(home.core, "c-K-200", "AB" * 32, "amina")
    people.add_phone(home.core, "c-K-200", "2547****999", "amina")
    assert home.pay("R1", 100, "?", payer="ab" * 32, payer_kind="hashed").suggestions == ("K-200",)
    assert home.pay("R2", 100, "?", payer="2547****999", payer_kind="masked").suggestions == ()
    assert found(home, "2547****999") == []


@pytest.mark.parametrize("number", ["", "0712000104", "+0712000104", "254712000104", "+2547x", "abc", "7****1\n"])
def test_what_is_no_number_is_refused(home_in_memory: Village, number: str) -> None:
    with pytest.raises(InvalidInput, match="MG-A022"):
        people.add_phone(home_in_memory.core, "c-K-104", number, "amina")
    with pytest.raises(InvalidInput, match="MG-A022"):
        actions.add_customer(home_in_memory.core, Customer("c-9", "Juma", number or "-"), "test")


# Finding --------------------------------------------------------------------------------------------------------------


def test_people_are_found_by_whatever_is_known_of_them(home: Village) -> None:
    actions.add_customer(home.core, Customer("c-1", "José Wanjikũ-Otieno", "+254733111222"), "test")
    actions.add_customer(home.core, Customer("c-2", "Wambui Otieno"), "test")
    assert found(home, "jose") == ["c-1"]
    assert found(home, "OTI wa") == ["c-1", "c-2"]
    assert found(home, "otieno wanjiku") == found(home, "otiemo wanjiku") == ["c-1"]
    assert found(home, "c-2") == ["c-2"]
    assert found(home, "k 1o4") == found(home, "M-K-104") == found(home, "0712 000 104") == ["c-K-104"]
    assert found(home, "+254733111222") == found(home, "733-111-222") == ["c-1"]
    assert found(home, "K-105") == ["c-K-104"]  # near an account
    assert found(home, "otienoo") == found(home, "otiemo") == ["c-1", "c-2"]  # near a name
    assert found(home, "nobody at all") == found(home, "?!") == found(home, "0712000") == []


def test_what_a_customer_was_found_by_is_told(home: Village) -> None:
    (one,) = people.find(home.core, "amin")
    assert (one.by, [account.id for account in one.accounts], [phone.number for phone in one.phones]) == (
        "name",
        ["K-104"],
        ["+254712000104"],
    )


def test_a_list_of_found_people_has_an_end(home: Village) -> None:
    with home.store.begin() as uow:
        for number in range(60):
            add_customer(uow, Customer(f"x-{number:02}", "Amina"), START)
    assert len(people.find(home.core, "amina", 10)) == 10
    assert len(people.find(home.core, "amina", 100)) == 50


def test_words_of_a_name_are_plain() -> None:
    assert words("  Ñandú  O'Neill-Ñandú ") == ("nandu", "o", "neill")
    assert len(words("a b c d e f g h i j k l m n o")) == 12


# Places ---------------------------------------------------------------------------------------------------------------


def test_a_branch_has_no_grid_and_a_line_its_own_village(home: Village) -> None:
    actions.add_site(home.core, Site("nairobi", "Office", "Africa/Nairobi", "KES", 2, kind="branch"), "test")
    with pytest.raises(InvalidInput, match="MG-A024"):
        actions.add_feeder(home.core, Feeder("line-9", "nairobi", "North"), "test")
    actions.add_feeder(home.core, Feeder("line-1", "kisiju", "North", 10_000), "test")
    actions.add_account(home.core, Account("N-1", "c-K-104", "nairobi", START), "test")
    with pytest.raises(InvalidInput, match="MG-A024"):
        actions.add_connection(home.core, Connection("p-N-1", "N-1", "nairobi", feeder_id="line-1"), "test")
    with pytest.raises(InvalidInput, match="MG-A001"):
        actions.add_connection(home.core, Connection("p-2", "K-104", "kisiju", feeder_id="line-7"), "test")
    place = Connection("p-2", "K-104", "kisiju", feeder_id="line-1", tier=3, latitude_microdeg=-7_420_000)
    assert actions.add_connection(home.core, place, "test") == place
    assert people.feeders(home.core, "kisiju", "", 10).items == [Feeder("line-1", "kisiju", "North", 10_000)]


# Meters ---------------------------------------------------------------------------------------------------------------


def swap(home: Village, last_register_wh: int, meter: str = "M-9", key: str = "f-9", place: str = "p-K-104") -> Fit:
    follows = Fit(key, meter, place, 1, home.clock.at, 40)
    return actions.swap_meter(home.core, "f-K-104", last_register_wh, follows, "amina")


def test_a_meter_is_swapped_in_one_step_and_both_are_billed(home: Village) -> None:
    home.pay("R1", 100_000)
    actions.add_meter(home.core, Meter("M-9"), "test")
    home.clock.pass_(hours=1)
    home.use(1500)
    home.clock.pass_(hours=1)
    for _ in range(2):
        swap(home, 1700)
    home.clock.pass_(hours=1)
    flows.on_readings(home.core, [Reading("M-9", 1, 1, home.clock.at, 340)])
    assert home.credit_minor() == 100_000 - (700 + 300) * 25
    with pytest.raises(Contradiction, match="MG-A002"):
        swap(home, 1800)
    home.are_books_true()


def test_a_swap_that_is_refused_changes_nothing(home: Village) -> None:
    actions.add_connection(home.core, Connection("p-2", "K-104", "kisiju"), "test")
    home.clock.pass_(hours=1)
    with pytest.raises(InvalidInput, match="MG-A001"):
        swap(home, 1700)  # no such meter
    actions.add_meter(home.core, Meter("M-9"), "test")
    with pytest.raises(InvalidInput, match="MG-M025"):
        swap(home, 1700, place="p-2")
    with pytest.raises(InvalidInput, match="MG-M010"):
        swap(home, 1700, meter="M-K-104")  # the same epoch again
    with home.store.read() as uow:
        fit = uow.fits.get("f-K-104")
    assert fit is not None
    assert fit.removed_at is None
    assert home.credit_minor() == 0


@pytest.mark.parametrize(
    ("hours", "register_wh", "code"),
    [(2, 1499, "MG-M023"), (0, 1500, "MG-M023"), (26, 1500, "MG-M022"), (2, 900_000, "MG-M023"), (-1, 1500, "MG-M010")],
)
def test_a_meter_is_taken_off_after_its_last_row_with_no_less(
    home_in_memory: Village, hours: int, register_wh: int, code: str
) -> None:
    home = home_in_memory
    home.clock.pass_(hours=1)
    home.use(1500)
    home.clock.pass_(hours=1)
    with pytest.raises(InvalidInput, match=code) as caught:
        actions.remove_meter(home.core, "f-K-104", START + timedelta(hours=hours), register_wh, "amina")
    if code == "MG-M023":
        assert "1500 Wh" in str(caught.value)
        assert f"{register_wh} Wh" in str(caught.value)
    assert home.credit_minor() == -500 * 25
    actions.remove_meter(home.core, "f-K-104", home.clock.at, 1500, "amina")


def test_a_meter_without_rows_is_taken_off_with_what_it_can_have_measured(home: Village) -> None:
    home.clock.pass_(hours=1)
    with pytest.raises(InvalidInput, match="MG-M023"):
        actions.remove_meter(home.core, "f-K-104", home.clock.at, 200_000, "amina")
    actions.remove_meter(home.core, "f-K-104", home.clock.at, 1200, "amina")
    assert home.credit_minor() == -200 * 25


def test_a_clock_that_is_ahead_keeps_no_meter_on_the_wall(home: Village) -> None:
    flows.on_readings(home.core, [Reading("M-K-104", 1, 1, START + timedelta(hours=20), 1500)])
    home.clock.pass_(hours=1)
    with pytest.raises(InvalidInput, match="MG-M023"):
        actions.remove_meter(home.core, "f-K-104", home.clock.at, 1400, "amina")
    actions.remove_meter(home.core, "f-K-104", home.clock.at, 1600, "amina")
    assert home.credit_minor() == -600 * 25
    home.are_books_true()


# The past -------------------------------------------------------------------------------------------------------------


def test_nothing_begins_long_ago_nor_before_its_account(home: Village) -> None:
    home.clock.pass_(days=50)
    actions.add_meter(home.core, Meter("M-9"), "test")
    actions.add_account(home.core, Account("K-9", "c-K-104", "kisiju", START + timedelta(days=30)), "test")
    actions.add_connection(home.core, Connection("p-9", "K-9", "kisiju"), "test")
    fit = Fit("f-9", "M-9", "p-9", 1, START + timedelta(days=4), 0)
    with pytest.raises(InvalidInput, match="MG-A023") as caught:
        actions.fit_meter(home.core, fit, "test")
    assert [problem.code for problem in caught.value.problems] == ["MG-A023", "MG-A023"]
    with pytest.raises(InvalidInput, match="MG-A023"):
        actions.fit_meter(home.core, replace(fit, fitted_at=START + timedelta(days=20)), "test")
    with pytest.raises(InvalidInput, match="MG-M022"):
        actions.fit_meter(home.core, replace(fit, fitted_at=home.clock.at + timedelta(hours=1)), "test")
    actions.fit_meter(home.core, replace(fit, fitted_at=START + timedelta(days=30)), "test")
    with pytest.raises(InvalidInput, match="MG-A023"):
        actions.enrol(home.core, Enrolment("e-9", "K-9", "home", START + timedelta(days=20)), "test")


def test_what_was_in_force_long_ago_is_a_success_again(home: Village) -> None:
    home.clock.pass_(days=100)
    actions.fit_meter(home.core, Fit("f-K-104", "M-K-104", "p-K-104", 1, START, 1000), "test")
    actions.enrol(home.core, Enrolment("e-K-104", "K-104", "home", START), "test")


def test_a_site_says_how_far_back_it_allows(home: Village) -> None:
    actions.add_site(home.core, Site("old", "Old", "Africa/Nairobi", "KES", 2, backdating_days_max=400), "test")
    actions.add_account(home.core, Account("OLD-1", "c-K-104", "old", START - timedelta(days=300)), "test")
    actions.enrol(home.core, Enrolment("e-9", "OLD-1", "home", START - timedelta(days=300)), "test")


def free_plan(home: Village) -> Enrolment:
    """Let a home use KES 500 on two days, and return an enrolment that would make all but the first minute free."""
    free = PlanVersion("free", 1, START - timedelta(days=9), "KES", EnergyRules((Block(None, 0),)))
    actions.add_plan(home.core, free, "test")
    home.clock.pass_(hours=1)
    home.use(2000)
    home.clock.pass_(days=1)
    flows.on_tick(home.core)
    home.use(3000)
    assert home.credit_minor() == -50_000
    return Enrolment("e-9", "K-104", "free", START + timedelta(minutes=1))


def test_no_person_alone_wipes_a_debt_with_a_plan_that_begins_in_the_past(home: Village) -> None:
    enrolment = free_plan(home)
    with pytest.raises(InvalidInput, match="MG-A025") as caught:
        actions.enrol(home.core, enrolment, "amina")
    assert "-49600 minor units" in str(caught.value)
    assert home.credit_minor() == -50_000
    now = replace(enrolment, from_at=home.clock.at)
    actions.enrol(home.core, replace(now, id="e-10"), "amina")
    assert home.credit_minor() == -50_000
    home.are_books_true()


def test_two_people_may(home: Village) -> None:
    asked = people.ask_enrolment(home.core, free_plan(home), "the meter was wrong", "person:amina")
    assert home.credit_minor() == -50_000
    with pytest.raises(InvalidInput, match="MG-A017"):
        agreements.grant(home.core, asked.id, "person:amina")
    agreements.grant(home.core, asked.id, "person:juma")
    assert home.credit_minor() == -16 * 25
    home.are_books_true()


def test_what_cannot_be_done_is_not_asked_for(home: Village) -> None:
    with pytest.raises(InvalidInput, match="MG-A001"):
        people.ask_enrolment(home.core, Enrolment("e-9", "K-104", "nothing", START), "?", "person:amina")
    early = Enrolment("e-9", "K-104", "home", START - timedelta(days=60))
    with pytest.raises(InvalidInput, match="MG-A023"):
        people.ask_enrolment(home.core, early, "?", "person:amina")


def test_the_first_plan_may_begin_when_the_meter_was_fitted(village: Village) -> None:
    village.settle_in(ENERGY)
    actions.add_account(village.core, Account("K-9", "c-K-104", "kisiju", START), "test")
    actions.add_connection(village.core, Connection("p-9", "K-9", "kisiju"), "test")
    actions.add_meter(village.core, Meter("M-9"), "test")
    actions.fit_meter(village.core, Fit("f-9", "M-9", "p-9", 1, START, 0), "test")
    village.clock.pass_(days=2)
    flows.on_readings(village.core, [Reading("M-9", 1, 1, village.clock.at, 400)])
    actions.enrol(village.core, Enrolment("e-9", "K-9", "home", START), "test")
    assert village.credit_minor("K-9") == -400 * 25
    village.are_books_true()
