"""Keys are changed without losing a message, and what a keypad gave counts once with what the network gave."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import permutations

import pytest

from device.keypad import Answer, Keypad
from device.openpaygo import Secret
from device.signing import MeterKeys, rotated
from microgrid import keypads
from microgrid.customers.records import Meter
from microgrid.errors import Contradiction, InvalidInput
from microgrid.ports import UnitOfWork
from microgrid.sealing import SealedKeys
from microgrid.store.memory import MemoryStore
from microgrid.switching import meter_keys
from microgrid.switching.meter_records import MeterKeysRow
from microgrid.switching.token_records import GivenToken
from tests.bridge.field import ALL, SITE, Field, key_of, make_field
from tests.flows.lamps import KEY_HEX, LAMP
from tests.flows.village import AnyStore

METER = "M-K-104"
FRESH = bytes(range(32))
KEYS = MeterKeys((key_of(METER), None))


@pytest.fixture
def heard(place: Field) -> Field:
    """Return a village whose meter has been heard."""
    place.install(load_w=100).come()
    place.settle()
    return place


def change(place: Field, act: Callable[[UnitOfWork], object]) -> None:
    with place.core.store.begin() as uow:
        act(uow)


def row(place: Field) -> MeterKeysRow:
    with place.core.store.read() as uow:
        found = uow.meter_keys.get(METER)
    assert found is not None
    return found


def hold(place: Field, keys: MeterKeys) -> None:
    """Let the meter hold other keys, as an engineer sets them."""
    device = place.radios[METER].device
    device.meter = device.meter._replace(nameplate=replace(device.meter.nameplate, keys=keys))


def test_a_key_is_changed_and_every_message_on_the_way_is_taken(heard: Field) -> None:
    now, keys = heard.village.clock.now(), heard.core.keys
    change(heard, lambda uow: meter_keys.rotate_key(uow, keys, METER, FRESH, now))
    heard.village.pay("R1", 50_000)
    heard.settle()
    assert heard.is_on()  # the meter knows nothing yet
    both = rotated(KEYS, FRESH)
    hold(heard, both)
    heard.village.pay("R2", 50_000)
    heard.settle()
    assert heard.twin().confirmed
    assert (row(heard).sign_with, row(heard).awaits_fresh) == (0, True)
    hold(heard, replace(both, sign_with=1))
    heard.village.pay("R3", 50_000)
    heard.settle()
    assert (row(heard).sign_with, row(heard).awaits_fresh) == (1, False)
    hold(heard, both)  # a message that was signed before comes late
    heard.village.pay("R4", 50_000)
    heard.settle()
    assert heard.twin().confirmed
    assert row(heard).sign_with == 1
    change(heard, lambda uow: meter_keys.drop_old_key(uow, keys, METER, now))
    heard.village.pay("R5", 50_000)
    heard.settle()
    assert not heard.twin().in_sync  # its reports with the old key are not taken any more
    hold(heard, MeterKeys((None, FRESH), 1))
    heard.run(60, 5)
    assert heard.twin().confirmed


def test_a_meter_whose_keys_have_ended_is_neither_heard_nor_told(heard: Field) -> None:
    now = heard.village.clock.now()
    change(heard, lambda uow: meter_keys.revoke_keys(uow, METER, now))
    heard.village.pay("R1", 50_000)
    heard.settle()
    assert not heard.is_on()
    heard.radios[METER].come()
    heard.settle()
    with heard.core.store.read() as uow:
        assert {letter.reason for letter in uow.dead_letters.page()} == {"its keys have ended"}
    for act in (
        lambda uow: meter_keys.rotate_key(uow, heard.core.keys, METER, FRESH, now),
        lambda uow: meter_keys.keys_of(uow, heard.core.keys, METER),
    ):
        with pytest.raises(InvalidInput, match="has no keys any more") as refused:
            change(heard, act)
        assert refused.value.problems[0].code == "MG-M060"


def test_the_same_keys_again_are_a_success_and_others_are_refused(heard: Field) -> None:
    now, keys = heard.village.clock.now(), heard.core.keys
    change(heard, lambda uow: meter_keys.put_keys(uow, keys, METER, SITE, KEYS, now))
    for site, given in ((SITE, MeterKeys((FRESH, None))), ("elsewhere", KEYS)):
        with pytest.raises(Contradiction, match="has keys already") as refused, heard.core.store.begin() as uow:
            meter_keys.put_keys(uow, keys, METER, site, given, now)
        assert refused.value.problems[0].code == "MG-M061"
    assert meter_keys.opened_keys(row(heard), keys) == KEYS
    assert key_of(METER) not in row(heard).sealed


@pytest.mark.parametrize("site", ["a/b", "", "+", "shed", "gateway", "x" * 33])
def test_names_that_cannot_stand_in_a_topic_are_refused(heard: Field, site: str) -> None:
    with pytest.raises(InvalidInput, match="cannot stand in the topic") as refused:
        change(
            heard,
            lambda uow: meter_keys.put_keys(uow, heard.core.keys, METER, site, KEYS, heard.village.clock.now()),
        )
    assert refused.value.problems[0].code == "MG-M062"


def test_keys_changed_by_hand_open_nothing_and_hinder_nobody(heard: Field) -> None:
    before = row(heard)
    for changed in (replace(before, sign_with=1), replace(before, sign_with=7), replace(before, sealed=b"x")):
        change(heard, partial(put, changed))
        with pytest.raises(InvalidInput):
            meter_keys.opened_keys(row(heard), heard.core.keys)
        heard.radios[METER].come()
        heard.settle()
    change(heard, partial(put, before))
    heard.village.pay("R1", 50_000)
    heard.run(60, 5)
    assert heard.is_on()


@pytest.mark.parametrize("keys", [MeterKeys((bytes(32), None)), MeterKeys((None, FRESH), 1, 8), rotated(KEYS, FRESH)])
def test_keys_are_kept_as_they_are(keys: MeterKeys) -> None:
    place = make_field(MemoryStore())
    with place.core.store.begin() as uow:
        meter_keys.put_keys(uow, place.core.keys, METER, SITE, keys, place.village.clock.now())
    with place.core.store.begin() as uow:
        assert meter_keys.keys_of(uow, place.core.keys, METER) == keys


def put(changed: MeterKeysRow, uow: UnitOfWork) -> None:
    uow.meter_keys.put(changed)


def test_keys_sealed_with_another_key_open_nothing_and_hinder_nobody(heard: Field) -> None:
    before = row(heard)
    other = SealedKeys(bytes(31) + b"x").seal(bytes(64), f"meter:{METER}")
    change(heard, lambda uow: uow.meter_keys.put(replace(before, sealed=other)))
    heard.village.pay("R1", 50_000)
    heard.settle()
    assert not heard.is_on()
    change(heard, lambda uow: uow.meter_keys.put(before))
    heard.run(60, 5)
    assert heard.is_on()


def with_keypad(store: AnyStore) -> Field:
    """Return a home whose meter has a keypad and a radio."""
    place = make_field(store)
    keypads.add_device(place.core, LAMP, "test")
    radio = place.install(load_w=100, capabilities=ALL | 32)
    secret = Secret(LAMP.starting_code, bytes.fromhex(KEY_HEX))
    radio.device.flash = replace(radio.device.flash, keypad=Keypad(secret))
    radio.device.cut_power()
    radio.come()
    place.settle()
    return place


def tokens(place: Field) -> list[GivenToken]:
    with place.core.store.read() as uow:
        return sorted(uow.tokens.where(serial=METER), key=lambda token: token.count)


@pytest.mark.parametrize("order", list(permutations(("token", "online"))))
def test_a_token_and_the_network_for_one_payment_give_it_once_in_both_orders(
    store: AnyStore, order: tuple[str, ...]
) -> None:
    place = with_keypad(store)
    place.hub.is_away = order[0] == "token"
    place.village.pay("R1", 50_000)  # 2,000 Wh
    place.settle()
    (token,) = tokens(place)
    radio = place.radios[METER]
    answer, said = radio.device.type(token.digits)
    radio.say(said)
    assert answer == (Answer.ACCEPTED if order[0] == "token" else Answer.ALREADY_USED)
    place.hub.is_away = False
    place.run(60, 5)
    limits = radio.device.meter.flash.limits
    assert limits is not None
    assert limits.cutoff_wh == 3000
    place.run(86_400, 600)
    assert radio.device.meter.used.register_wh == 3000
    place.village.are_books_true()


def test_a_typed_token_is_known_to_us_by_its_event_or_by_the_next_report() -> None:
    made = with_keypad(MemoryStore())
    made.hub.is_away = True
    made.village.pay("R1", 50_000)
    (token,) = tokens(made)
    made.radios[METER].device.type(token.digits)  # its event is lost
    made.hub.is_away = False
    made.radios[METER].come()
    made.run(60, 5)
    with made.core.store.read() as uow:
        device = uow.token_devices.get(METER)
    assert device is not None
    assert device.typed_count == token.count


def test_eight_thousand_lamps_that_only_take_tokens_call_for_nobody(place: Field) -> None:
    lamps = 8_000
    with place.core.store.begin() as uow:
        for number in range(lamps):
            uow.meters.add(Meter(f"T-{number}", "T"))
            uow.twins.put(replace(uow.twins.get(f"T-{number}"), token_only=True))
    place.village.clock.at += timedelta(days=60)
    place.run(3600, 600)
    with place.core.store.read() as uow:
        assert uow.alarms.page() == []
    assert place.outgoing.waiting() == 0
