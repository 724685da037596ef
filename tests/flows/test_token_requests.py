"""Tokens that people ask for, the keys of meters, and counts that only rise."""

from __future__ import annotations

from dataclasses import replace

import pytest

from device.keypad import Answer
from microgrid import keypads, token_views
from microgrid.billing.plans import Block, EnergyRules
from microgrid.errors import Contradiction
from microgrid.sealing import SealedKeys
from microgrid.store.memory import MemoryStore
from microgrid.switching.token_requests import Wanted
from microgrid.switching.tokens import HandOver
from tests.flows.lamps import (
    DAYS,
    KEY_HEX,
    LAMP,
    available_minor,
    codes,
    keypad,
    settle_in,
    together,
    tokens,
    type_all,
    values,
    with_lamp,
)
from tests.flows.village import ENERGY, START, Village, make_village

PAYMENT = "mpesa:600638:RKT1"
STEPPED = EnergyRules((Block(2000, 10_000_000), Block(None, 25_000_000)), free_wh_per_month=500)


@pytest.fixture
def lamp(village: Village) -> Village:
    """Return a village with a lamp that is paid by the day and takes tokens only."""
    return with_lamp(village)


@pytest.fixture
def lamp_in_memory() -> Village:
    """Return the same, for tests in which the store plays no part."""
    return with_lamp(make_village(MemoryStore()))


# Asked for by people --------------------------------------------------------------------------------------------------


def test_two_gateways_that_ask_at_once_get_one_token(village: Village) -> None:
    settle_in(village, DAYS)
    village.pay("RKT1", 20_000)
    with village.store.begin() as uow:  # as it stands where the key came in without its tokens being given
        uow.outbox.put_all([replace(item, done_at=START) for item in uow.outbox.where(kind="token")])
    keypads.add_device(village.core, LAMP, "test")
    assert values(village) == []
    asked = together(4, lambda n: keypads.give_for_payment(village.core, "M-K-104", PAYMENT, f"gateway {n}"))
    assert {tuple(each) for each in asked} == {tuple(tokens(village))}  # type: ignore[arg-type]  # lists of tokens
    assert values(village) == [2]
    village.are_books_true()


def test_payments_that_arrive_together_take_different_counts(lamp: Village) -> None:
    together(6, lambda n: lamp.pay(f"RKT{n}", 10_000))
    assert [token.count for token in tokens(lamp)] == [2, 4, 6, 8, 10, 12]
    assert type_all(keypad(), tokens(lamp))[1] == [Answer.ACCEPTED] * 6
    lamp.are_books_true()


def test_a_payment_of_somebody_else_buys_nothing_here(lamp_in_memory: Village) -> None:
    lamp_in_memory.pay("RKT1", 10_000, reference="NOBODY")
    give = keypads.give_for_payment
    assert codes(lambda: give(lamp_in_memory.core, "M-K-104", PAYMENT, "test")) == ["MG-K056"]
    assert codes(lambda: give(lamp_in_memory.core, "M-K-104", "mpesa:1:X", "test")) == ["MG-A001"]
    assert codes(lambda: give(lamp_in_memory.core, "M-9", PAYMENT, "test")) == ["MG-K056"]


def test_a_person_gives_tokens_once_per_request_and_says_why(lamp: Village) -> None:
    wanted = Wanted("r-1", "add", "three dark days in March", days=3)
    (token,) = keypads.give_by_hand(lamp.core, "M-K-104", wanted, "asha")
    assert keypads.give_by_hand(lamp.core, "M-K-104", wanted, "asha") == [token]
    assert (token.value, token.actor, token.note) == (3, "asha", "three dark days in March")
    with pytest.raises(Contradiction, match="request 'r-1' made tokens to add 3 units") as told:
        keypads.give_by_hand(lamp.core, "M-K-104", replace(wanted, days=4), "asha")
    assert told.value.problems[0].code == "MG-K008"
    keypads.give_by_hand(lamp.core, "M-K-104", Wanted("r-2", "set", "put right", days=10), "asha")
    keypads.give_by_hand(lamp.core, "M-K-104", Wanted("r-3", "sync", "counts apart"), "asha")
    assert [(each.kind, each.count) for each in tokens(lamp)] == [("add", 2), ("set", 3), ("sync", 5)]
    with lamp.store.read() as uow:
        noted = {row.action: row.actor for row in uow.audit.where(subject="meter:M-K-104")}
    assert (noted["token add"], noted["token set"], noted["token sync"]) == ("asha", "asha", "asha")
    assert available_minor(lamp) == 0


def test_days_given_by_hand_that_are_over_must_have_been_typed(lamp_in_memory: Village) -> None:
    for number in range(20):
        wanted = Wanted(f"r-{number}", "add", "dark days", days=2)
        keypads.give_by_hand(lamp_in_memory.core, "M-K-104", wanted, "asha")
        lamp_in_memory.clock.pass_(days=1)
    assert values(lamp_in_memory) == [2] * 20
    device = token_views.of_meter(lamp_in_memory.core, "M-K-104").device
    assert device is not None
    assert device.outstanding == 2


@pytest.mark.parametrize(
    "wanted",
    [
        Wanted("r", "add", "why"),
        Wanted("r", "add", "why", days=1, energy_wh=100),
        Wanted("r", "sync", "why", days=0),
        Wanted("r", "add", "why", energy_wh=100),
        Wanted("r", "set", "why", energy_wh=150),
    ],
)
def test_a_request_that_cannot_be_meant_is_refused(lamp_in_memory: Village, wanted: Wanted) -> None:
    assert codes(lambda: keypads.give_by_hand(lamp_in_memory.core, "M-K-104", wanted, "asha")) == ["MG-K058"]


def test_days_are_not_given_where_energy_is_sold() -> None:
    village = with_lamp(make_village(MemoryStore()), ENERGY)
    give = keypads.give_by_hand
    assert codes(lambda: give(village.core, "M-K-104", Wanted("r", "add", "why", days=1), "asha")) == ["MG-K058"]
    assert give(village.core, "M-K-104", Wanted("r", "set", "why", energy_wh=1_500), "asha")[0].value == 15


def test_no_token_for_a_meter_without_a_keypad(home_in_memory: Village) -> None:
    wanted = Wanted("r", "add", "why", days=1)
    assert codes(lambda: keypads.give_by_hand(home_in_memory.core, "M-K-104", wanted, "asha")) == ["MG-K050"]
    assert codes(lambda: keypads.give_by_hand(home_in_memory.core, "M-9", wanted, "asha")) == ["MG-A001"]


# Keys and counts ------------------------------------------------------------------------------------------------------


def test_a_key_is_taken_over_once_and_never_lies_open(lamp: Village) -> None:
    again = keypads.add_device(lamp.core, LAMP, "test")
    assert (again.count, again.outstanding) == (1, 0)
    with lamp.store.read() as uow:
        kept = uow.token_devices.get("M-K-104")
    assert kept is not None
    assert bytes.fromhex(KEY_HEX) not in kept.sealed
    assert KEY_HEX not in repr(kept)
    lamp.pay("RKT1", 10_000)
    assert keypads.add_device(lamp.core, LAMP, "test").count == 2  # the list came again after a token was given


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"key_hex": "00" * 16}, "another key"),
        ({"starting_code": 1}, "another starting code"),
        ({"divider": 2}, "another divider"),
        ({"restricted": True}, "another restricted"),
        ({"extended": True}, "another extended"),
        ({"count": 30}, r"count \(30, the newest given out here is 1\)"),
    ],
)
def test_another_key_for_the_same_meter_is_refused(
    lamp_in_memory: Village, change: dict[str, object], what: str
) -> None:
    other = replace(LAMP, **change)  # type: ignore[arg-type]  # fields of the record
    with pytest.raises(Contradiction, match=what) as told:
        keypads.add_device(lamp_in_memory.core, other, "test")
    assert told.value.problems[0].code == "MG-K051"
    assert "949214826" not in str(told.value)


def test_a_delivery_is_taken_over_whole_or_not_at_all(village: Village) -> None:
    village.core = replace(village.core, keys=SealedKeys(bytes(32)))
    rows = [replace(LAMP, serial=f"L-{number}") for number in range(3)]
    wrong = [replace(LAMP, serial="L-3", divider=0), HandOver("L-4", 1, "dead"), replace(LAMP, serial="l 5")]
    assert codes(lambda: keypads.add_devices(village.core, [*rows, *wrong], "test")) == [
        "MG-K002",
        "MG-K002",
        "MG-A003",
    ]
    with village.store.read() as uow:
        assert (uow.meters.page(), uow.token_devices.page()) == ([], [])
    for _ in range(2):
        assert [each.meter_id for each in keypads.add_devices(village.core, rows, "test")] == ["L-0", "L-1", "L-2"]
    with village.store.read() as uow:
        assert {meter.profile for meter in uow.meters.page()} == {"T"}


def test_what_was_typed_is_told_and_an_impossible_count_refused(lamp_in_memory: Village) -> None:
    lamp_in_memory.pay("RKT1", 10_000)
    device = keypads.tell_typed(lamp_in_memory.core, "M-K-104", 2, "test")
    assert (device.typed_count, device.outstanding) == (2, 0)
    assert keypads.tell_typed(lamp_in_memory.core, "M-K-104", 2, "test") == device
    assert keypads.tell_typed(lamp_in_memory.core, "M-K-104", 40, "test").count == 40  # given out before a restore
    assert codes(lambda: keypads.tell_typed(lamp_in_memory.core, "M-K-104", 141, "test")) == ["MG-K053"]


def test_after_a_restore_no_count_is_given_twice(lamp: Village) -> None:
    lamp.pay("RKT1", 10_000)
    meter, _ = type_all(keypad(), tokens(lamp))
    lost = tokens(lamp)
    for _ in range(2):  # the command is repeated
        assert keypads.jump(lamp.core, "restore-1", "M-K-104", 60, "asha").count == 62
    assert keypads.jump_all(lamp.core, "restore-1", 60, "asha") == 1
    lamp.pay("RKT2", 10_000)
    assert tokens(lamp)[-1].count == 64
    assert type_all(meter, tokens(lamp)[1:])[1] == [Answer.ACCEPTED]
    assert type_all(meter, lost)[1] == [Answer.ALREADY_USED]
    assert codes(lambda: keypads.jump(lamp.core, "restore-2", "M-K-104", 61, "asha")) == ["MG-K007"]
