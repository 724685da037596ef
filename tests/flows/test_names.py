"""An id of an account or meter is what people type to pay: nobody takes another one's, nor a telephone number."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgrid import actions
from microgrid.customers.records import Account, Meter
from microgrid.customers.references import near_misses, reads_as_phone, spelling
from microgrid.errors import InvalidInput
from tests.flows.village import START, Village


@pytest.mark.parametrize("name", ["K-1O4", "K104", "KI04", "K-1-0-4", "MK104", "M-KIO4"])
@pytest.mark.parametrize("kind", ["account", "meter"])
def test_no_id_reads_as_another_account_or_meter(home: Village, name: str, kind: str) -> None:
    with pytest.raises(InvalidInput, match="MG-A021") as caught:
        add(home, kind, name)
    assert "'K-104'" in str(caught.value) or "'M-K-104'" in str(caught.value)
    assert home.pay("RKT1", 50_000, name).payment.account_id == "K-104"
    home.are_books_true()


def test_an_account_and_a_meter_have_different_ids(home: Village) -> None:
    with pytest.raises(InvalidInput, match="MG-A021"):
        add(home, "meter", "K-104")
    with pytest.raises(InvalidInput, match="MG-A021"):
        add(home, "account", "M-K-104")


@pytest.mark.parametrize("name", ["0712000104", "254712000104", "O712-OOO-IO4", "7120001", "1-2-3-4-5-6-7"])
@pytest.mark.parametrize("kind", ["account", "meter"])
def test_no_id_reads_as_a_telephone_number(home: Village, name: str, kind: str) -> None:
    with pytest.raises(InvalidInput, match="MG-A020"):
        add(home, kind, name)


def test_the_same_account_and_meter_again_are_a_success(home: Village) -> None:
    add(home, "account", "K-104")
    add(home, "meter", "M-K-104")


def test_short_numbers_and_names_far_apart_are_ids(home: Village) -> None:
    for name in ("104", "123456", "K-105"):
        add(home, "account", name)
    assert home.pay("RKT1", 100, "1O4").payment.account_id == "104"


@settings(max_examples=200, deadline=None)
@given(st.text("ABKIO01-5", min_size=1, max_size=12))
def test_a_spelling_is_the_same_however_a_name_is_typed(name: str) -> None:
    typed = name.lower().replace("o", "0").replace("1", "i")
    assert spelling(typed) == spelling(f" {name[:3]} {name[3:]}.") == spelling(spelling(name))


def test_a_name_of_an_older_version_is_found_too(home: Village) -> None:
    with home.store.begin() as uow:
        uow.accounts.put(Account("0712000199", "c-K-104", "kisiju", START))
    assert home.pay("RKT1", 100, "0712 000 199").payment.account_id == "0712000199"


def test_near_misses_are_spellings() -> None:
    assert reads_as_phone("0712-000-104")
    assert spelling("k-105") in near_misses("K-104")
    assert not near_misses("K1")
    assert not near_misses("please pay for my neighbour's house")


def add(home: Village, kind: str, name: str) -> None:
    if kind == "account":
        actions.add_account(home.core, Account(name, "c-K-104", "kisiju", START), "test")
    else:
        actions.add_meter(home.core, Meter(name), "test")
