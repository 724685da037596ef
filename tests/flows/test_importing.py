"""A file of customers comes in whole or not at all, and the same file again changes nothing."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from microgrid import actions
from microgrid.customers.households import COLUMNS
from microgrid.customers.records import Account, Connection, Fit, Meter, Phone
from microgrid.importing import Imported, Line, import_customers
from microgrid.monitoring.readings import Reading
from tests.flows.village import START, Village

NEEMA = {
    "customer_id": "c-1",
    "name": "Neema",
    "site_id": "kisiju",
    "account_id": "K-1",
    "phone": "+254733000001",
    "other_phones": "+254733000002 2547****103",
    "opened_at": "2026-03-01",
    "latitude": "-7.4200004",
    "longitude": "39.33",
    "connected_on": "2026-02-27",
    "tier": "3",
    "customer_class": "business",
    "meter_id": "M-1",
    "rated_w": "3000",
    "first_register_wh": "500",
    "plan_id": "home",
}
JUMA = {"customer_id": "c-2", "name": "Juma", "site_id": "kisiju", "account_id": "K-2"}


def bring(home: Village, *cells: dict[str, str], write: bool = True) -> Imported:
    lines = [Line(number, each) for number, each in enumerate(cells, start=2)]
    return import_customers(home.core, lines, "customers.csv", "amina", write=write)


def rows(home: Village) -> list[int]:
    """Return how much there is of everything a file can bring."""
    names = ("customers", "phones", "name_words", "accounts", "connections", "meters", "fits", "enrolments", "audit")
    with home.store.read() as uow:
        return [len(getattr(uow, name).page("", 10_000)) for name in names]


def test_a_household_comes_with_all_that_its_line_says(home: Village) -> None:
    assert bring(home, NEEMA, JUMA) == Imported(2, 0, (), written=True)
    with home.store.read() as uow:
        midnight = START.replace(day=1, hour=0) - timedelta(hours=3)
        assert uow.accounts.get("K-1") == Account("K-1", "c-1", "kisiju", midnight)
        place = Connection(
            *("K-1", "K-1", "kisiju"),
            tier=3,
            customer_class="business",
            latitude_microdeg=-7_420_000,
            longitude_microdeg=39_330_000,
            connected_on=date(2026, 2, 27),
        )
        assert uow.connections.get("K-1") == place
        assert uow.meters.get("M-1") == Meter("M-1", rated_w=3000)
        assert uow.fits.get("M-1:1") == Fit("M-1:1", "M-1", "K-1", 1, midnight, 500)
        kinds = {row.kind for row in uow.phones.where(customer_id="c-1") if isinstance(row, Phone)}
        assert kinds == {"e164", "masked"}
        assert [row.actor for row in uow.audit.where(subject="account:K-1")] == ["amina"] * 2
    assert home.pay("R1", 50_000, "k1").payment.account_id == "K-1"
    assert home.sent.orders[-1][0] == "M-1"
    assert home.desired("1").supply.on
    home.are_books_true()


def test_the_same_file_again_changes_nothing(home: Village) -> None:
    bring(home, NEEMA, JUMA)
    before = rows(home)
    home.clock.pass_(days=100)
    assert bring(home, NEEMA, JUMA) == Imported(0, 2, (), written=True)
    assert rows(home) == before
    more = {**JUMA, "meter_id": "M-2", "fitted_at": "2026-06-01T10:00+03:00"}
    assert bring(home, NEEMA, more).new == 1
    home.are_books_true()


def test_a_dry_run_says_what_would_happen_and_writes_nothing(home: Village) -> None:
    before = rows(home)
    assert bring(home, NEEMA, JUMA, write=False) == Imported(2, 0, (), written=False)
    assert rows(home) == before


def test_one_refused_line_keeps_the_whole_file_out_and_every_reason_is_told(home: Village) -> None:
    before = rows(home)
    bad = {**JUMA, "customer_id": "c-3", "account_id": "K-3", "tier": "9", "latitude": "95", "phone": "0733"}
    found = bring(home, NEEMA, bad, {**JUMA, "account_id": "K-I"}, {**JUMA, "site_id": "mars"}, {**JUMA, "name": ""})
    assert (found.new, found.written) == (1, False)
    assert [(problem.line, problem.code) for problem in found.refused] == [
        (3, "MG-A031"),
        (3, "MG-A031"),
        (3, "MG-A031"),
        (4, "MG-A021"),
        (5, "MG-A001"),
        (6, "MG-A031"),
    ]
    assert {problem.file for problem in found.refused} == {"customers.csv"}
    assert rows(home) == before
    assert bring(home, NEEMA, JUMA).written


def test_a_line_that_contradicts_what_is_there_is_refused_with_both_shown(home: Village) -> None:
    bring(home, NEEMA)
    (problem,) = bring(home, {**NEEMA, "name": "Asha"}).refused
    assert problem.code == "MG-A002"
    assert "Neema" in problem.what
    assert "Asha" in problem.what


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ("opened_at", "yesterday"),
        ("opened_at", "2026-03-01T09:00"),
        ("opened_at", "0001-01-01T00:00+05:00"),
        ("connected_on", "1.3.2026"),
        ("first_register_wh", "-5"),
        ("first_register_wh", "١٢"),
        ("first_register_wh", "9" * 30),
        ("phase", "4"),
        ("rated_w", "0"),
        ("latitude", "NaN"),
        ("longitude", "180.1"),
        ("priority", "high"),
        ("customer_class", "school"),
        ("meter_profile", "X"),
        ("other_phones", "12"),
        ("language", "english"),
        ("name", "x" * 300),
        ("meter_id", "a\tb"),
    ],
)
def test_a_cell_that_cannot_be_meant_is_told(home_in_memory: Village, column: str, text: str) -> None:
    assert column in COLUMNS
    (problem,) = bring(home_in_memory, {**NEEMA, column: text}).refused
    assert problem.code == "MG-A031"
    assert problem.what.startswith(column)


def test_a_home_that_was_set_up_by_hand_is_known(home: Village) -> None:
    again = {"customer_id": "c-K-104", "name": "Amina", "site_id": "kisiju", "account_id": "K-104"}
    again |= {"phone": "+254712000104", "connection_id": "p-K-104", "meter_id": "M-K-104", "plan_id": "home"}
    assert bring(home, again) == Imported(0, 1, (), written=True)


def test_what_a_meter_said_before_is_charged(home: Village) -> None:
    from microgrid import flows

    flows.on_readings(home.core, [Reading("M-1", 1, 1, START, 900)])
    bring(home, NEEMA)
    assert home.credit_minor("K-1") == -400 * 25
    home.are_books_true()


def check_import(home: Village, count: int) -> None:
    lines = [
        {**JUMA, "customer_id": f"c-{n}", "account_id": f"A-{n}", "meter_id": f"W-{n}", "plan_id": "home"}
        for n in range(count)
    ]
    assert bring(home, *lines).new == count
    assert bring(home, *lines).known == count


def test_a_hundred_households(home_in_memory: Village) -> None:
    check_import(home_in_memory, 100)


@pytest.mark.long
def test_two_thousand_households(home: Village) -> None:
    check_import(home, 2_000)


def test_two_lines_of_one_customer_are_two_accounts(home: Village) -> None:
    assert bring(home, JUMA, {**JUMA, "account_id": "K-3"}).new == 2
    actions.add_account(home.core, Account("K-4", "c-2", "kisiju", START), "test")
