"""Which token a meter is given, and which it is not; every one that is given out is taken, once."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.keypad import Answer, Entry, Keypad, entered
from device.openpaygo import Kind, Secret, codes, is_amount, text_of
from microgrid.errors import Contradiction, InvalidInput, MicrogridError
from microgrid.switching.tokens import (
    HandOver,
    Release,
    TokenDevice,
    encode,
    grant,
    jump_after_restore,
    new_device,
    release_problems,
    split,
    typed,
    units_of_energy,
    units_of_time,
    voided_by,
)

VECTORS: dict[str, Any] = json.loads(Path(__file__).with_name("openpaygo_vectors.json").read_text(encoding="utf-8"))
KINDS = {"ADD_TIME": Kind.ADD, "SET_TIME": Kind.SET, "DISABLE_PAYG": Kind.DISABLE, "COUNTER_SYNC": Kind.SYNC}
WORKED = list(
    zip(
        [Kind.ADD, Kind.SET, Kind.DISABLE, Kind.SYNC, Kind.ADD, Kind.ADD, Kind.ADD],
        [7, 30, 0, 0, 7, 123456, 3],
        strict=True,
    )
)
KEY_HEX = "dac86b1a29ab82edc5fbbc41ec9530f6"
SECRET = Secret(949214826, bytes.fromhex(KEY_HEX))
LAMP = TokenDevice("SN1", SECRET)
PAID_OFF = Release("SN1", contract="lease-1", asked_by="amina", agreed_by="juma", owed_minor=0)
secrets = st.builds(
    Secret, st.integers(0, 999_999_999), st.binary(min_size=16, max_size=16), st.booleans(), st.booleans()
)


def codes_of(refused: Callable[[], object]) -> list[str]:
    with pytest.raises(MicrogridError) as raised:
        refused()
    assert KEY_HEX[:8] not in str(raised.value)
    return [problem.code for problem in raised.value.problems]


def given_out(device: TokenDevice, number: int) -> TokenDevice:
    for _ in range(number):
        _, device = encode(device, Kind.ADD, 1)
    return device


@pytest.mark.parametrize("vector", VECTORS["encode_vectors"], ids=lambda vector: vector["token"])
def test_tokens_are_the_published_ones(vector: dict[str, Any]) -> None:
    key = bytes.fromhex(vector["key"])
    secret = Secret(vector["starting_code"], key, vector["restricted_digit_set"], vector["extended_token"])
    device = TokenDevice("SN1", secret, count=vector["count"])
    token, after = encode(device, KINDS[vector["token_type"]], vector["value_raw"] or 0, PAID_OFF)
    assert (token.digits, token.count, after.count) == (vector["token"], vector["new_count"], vector["new_count"])


@pytest.mark.parametrize(("row", "asked"), list(zip(VECTORS["worked_example"]["rows"], WORKED, strict=True)))
def test_the_worked_example(row: dict[str, Any], asked: tuple[Kind, int]) -> None:
    form = replace(SECRET, restricted="restricted_digit_set" in row, extended="extended_token" in row)
    token, after = encode(TokenDevice("SN1", form, count=row["count_in"]), *asked, PAID_OFF)
    assert (token.digits, after.count) == (row["token"], row["count_out"])


def test_a_token_prints_in_threes_where_asked_and_nowhere_else() -> None:
    token, device = encode(LAMP, Kind.ADD, 7)
    assert token.spaced == "082 162 833"
    assert "082162833" not in repr(token)
    assert KEY_HEX[:8] not in repr(device) + repr(HandOver("SN1", 1, KEY_HEX))
    assert "949214826" not in repr(device) + repr(HandOver("SN1", 949214826, KEY_HEX))


@given(secrets, st.integers(1, 200), st.sampled_from(Kind), st.integers(0, 995))
def test_every_token_given_out_is_taken_for_what_it_is(secret: Secret, count: int, kind: Kind, value: int) -> None:
    device = TokenDevice("SN1", secret, count=count, typed_count=count)
    carried = value if kind in {Kind.ADD, Kind.SET} else 0
    token, after = encode(device, kind, carried, PAID_OFF)
    keypad, entry = entered(Keypad(secret, count), token.digits, 0)
    said = {Kind.DISABLE: 998, Kind.SYNC: 999}.get(kind, value)
    assert entry == Entry(Answer.ACCEPTED, kind, said, after.count)
    assert entered(keypad, token.digits, 0) == (keypad, Entry(Answer.ALREADY_USED))


kinds_and_values = st.tuples(st.sampled_from([Kind.ADD, Kind.ADD, Kind.ADD, Kind.SET, Kind.SYNC]), st.integers(0, 995))


@given(secrets, st.lists(kinds_and_values, min_size=1, max_size=16), st.data())
def test_typed_in_any_order_a_token_is_taken_unless_it_was_voided_and_never_twice(
    secret: Secret, asked: list[tuple[Kind, int]], data: st.DataObject
) -> None:
    device, tokens = TokenDevice("SN1", secret), []
    for kind, value in asked:
        token, device = encode(device, kind, value if kind is not Kind.SYNC else 0)
        tokens.append(token)
    keypad, now_s = Keypad(secret), 0
    for token in data.draw(st.permutations(tokens)):
        may_be_taken = token.count in device.outstanding or token.count > keypad.count
        keypad, entry = entered(keypad, token.digits, now_s)
        assert (entry.answer is Answer.ACCEPTED) == may_be_taken
        device = typed(device, token.count) if may_be_taken else device
        assert device.typed_count == keypad.count
        assert {count for count in device.outstanding if count < keypad.count} <= keypad.unused
    assert {entered(keypad, token.digits, 0)[1].answer for token in tokens} == {Answer.ALREADY_USED}
    assert device.outstanding == ()


@given(st.lists(kinds_and_values, min_size=2, max_size=16))
def test_counts_only_rise(asked: list[tuple[Kind, int]]) -> None:
    device, counts = LAMP, [LAMP.count]
    for kind, value in asked:
        token, device = encode(device, kind, value if kind is not Kind.SYNC else 0)
        counts.append(token.count)
    assert counts == sorted(set(counts))
    assert min(counts[1:]) > 0


def test_a_count_whose_digits_an_earlier_token_had_is_passed_over() -> None:
    first: dict[int, int] = {}
    for late, code in codes(SECRET, 1):
        if first.setdefault(code, late) != late and late % 2 == 0:
            break
    device = TokenDevice("SN1", SECRET, count=late - 1, typed_count=late - 1)
    token, _ = encode(device, Kind.ADD, 1)
    assert token.count == late + 2
    assert token.digits != text_of(SECRET, code)
    assert entered(Keypad(SECRET, late - 1), token.digits, 0)[1].answer is Answer.ACCEPTED


@given(st.booleans(), st.integers(0, 2_100_000))
def test_pieces_add_up_and_each_can_be_carried(extended: bool, units: int) -> None:
    secret = replace(SECRET, extended=extended)
    pieces = list(split(TokenDevice("SN1", secret), units))
    assert sum(pieces) == units
    assert all(piece > 0 and is_amount(secret, piece) for piece in pieces)


def test_four_extended_amounts_take_two_tokens() -> None:
    device = TokenDevice("SN1", replace(SECRET, extended=True))
    assert [list(split(device, units)) for units in (995, 996, 999, 1000)] == [[995], [995, 1], [995, 4], [1000]]
    assert codes_of(lambda: encode(device, Kind.ADD, 996)) == ["MG-K001"]


def test_a_payment_gets_its_tokens_once() -> None:
    first, device = grant(LAMP, "mpesa-1", 1000)
    assert [(token.value, token.count) for token in first.tokens] == [(995, 2), (5, 4)]
    assert grant(device, "mpesa-1", 1000, earlier=first) == (first, device)
    with pytest.raises(Contradiction, match=r"stored as 1000 units for 'SN1'.*but 999 units") as raised:
        grant(device, "mpesa-1", 999, earlier=first)
    assert [problem.code for problem in raised.value.problems] == ["MG-K008"]
    assert codes_of(lambda: grant(replace(device, serial="SN2"), "mpesa-1", 1000, earlier=first)) == ["MG-K008"]


@pytest.mark.parametrize("units", [0, -5])
def test_a_payment_too_small_for_a_unit_makes_no_token(units: int) -> None:
    assert codes_of(lambda: grant(LAMP, "mpesa-1", units)) == ["MG-K009"]


def test_a_payment_that_would_need_more_than_16_tokens_gets_none() -> None:
    assert len(grant(LAMP, "mpesa-1", 16 * 995)[0].tokens) == 16
    for units in (16 * 995 + 1, 10**15):
        with pytest.raises(InvalidInput, match="more than 16 others were asked for; none was made"):
            grant(LAMP, "mpesa-1", units)
    assert codes_of(lambda: grant(given_out(LAMP, 15), "mpesa-1", 1000)) == ["MG-K003"]


def test_no_more_than_16_tokens_that_add_are_outstanding() -> None:
    full = given_out(LAMP, 16)
    assert codes_of(lambda: encode(full, Kind.ADD, 1)) == ["MG-K003"]
    assert encode(full, Kind.SET, 16)[0].count == 33
    assert encode(typed(full, 2), Kind.ADD, 1)[0].count == 34


def test_every_reason_against_a_token_is_said_at_once() -> None:
    far = replace(given_out(LAMP, 16), count=80)
    assert codes_of(lambda: encode(far, Kind.ADD, -2)) == ["MG-K001", "MG-K003", "MG-K004"]


@pytest.mark.parametrize(("kind", "last"), [(Kind.ADD, 63), (Kind.SET, 64), (Kind.SYNC, 100)])
def test_no_token_is_made_that_the_meter_would_not_look_for(kind: Kind, last: int) -> None:
    token, _ = encode(replace(LAMP, count=last), kind)
    assert entered(Keypad(SECRET), token.digits, 0)[1].answer is Answer.ACCEPTED
    assert codes_of(lambda: encode(replace(LAMP, count=last + 2), kind)) == ["MG-K004"]


def test_after_a_sync_is_typed_the_meter_follows_again() -> None:
    lost = replace(LAMP, count=90)
    assert codes_of(lambda: encode(lost, Kind.ADD, 1)) == ["MG-K004"]
    sync, device = encode(lost, Kind.SYNC)
    keypad, _ = entered(Keypad(SECRET), sync.digits, 0)
    token, _ = encode(typed(device, sync.count), Kind.ADD, 1)
    assert entered(keypad, token.digits, 0)[1] == Entry(Answer.ACCEPTED, Kind.ADD, 1, 92)


def test_what_typing_a_token_voids_is_known_before() -> None:
    full = given_out(LAMP, 12)
    assert voided_by(full, 24) == (2, 4, 6, 8)
    assert voided_by(full, 25) == full.outstanding
    assert typed(full, 24).outstanding == (10, 12, 14, 16, 18, 20, 22)
    assert typed(full, 2).outstanding == full.outstanding[1:]


def test_a_meter_that_holds_a_newer_token_than_was_known_moves_the_count() -> None:
    assert typed(LAMP, 40) == replace(LAMP, count=40, typed_count=40)
    assert typed(typed(LAMP, 40), 6).typed_count == 40


def test_after_a_restore_counts_jump_and_the_meter_still_follows() -> None:
    kept = typed(given_out(LAMP, 5), 10)
    meter = Keypad(SECRET, count=10)
    token, _ = encode(jump_after_restore(kept, 60), Kind.ADD, 1)
    assert token.count == 72
    assert entered(meter, token.digits, 0)[1].answer is Answer.ACCEPTED
    twice = jump_after_restore(jump_after_restore(kept, 60), 30)
    assert codes_of(lambda: encode(twice, Kind.ADD, 1)) == ["MG-K004"]
    assert encode(twice, Kind.SYNC)[0].count == 101


@pytest.mark.parametrize("counts", [-1, 0, 61])
def test_a_jump_that_reuses_counts_or_loses_the_meter_is_refused(counts: int) -> None:
    assert codes_of(lambda: jump_after_restore(LAMP, counts)) == ["MG-K007"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, []),
        ({"owed_minor": -5}, []),
        ({"agreed_by": "amina"}, ["MG-K005"]),
        ({"agreed_by": " Amina "}, ["MG-K005"]),
        ({"agreed_by": ""}, ["MG-K005"]),
        ({"asked_by": " "}, ["MG-K005"]),
        ({"owed_minor": 1}, ["MG-K006"]),
        ({"contract": ""}, ["MG-K006"]),
        ({"agreed_by": "amina", "owed_minor": 1}, ["MG-K005", "MG-K006"]),
        ({"serial": "SN2"}, ["MG-K005"]),
    ],
)
def test_an_unlock_needs_two_people_and_a_contract_paid_off(change: dict[str, Any], expected: list[str]) -> None:
    release = replace(PAID_OFF, **change)
    assert [problem.code for problem in release_problems("SN1", release)] == expected
    if expected:
        assert codes_of(lambda: encode(LAMP, Kind.DISABLE, release=release)) == expected
    else:
        assert encode(LAMP, Kind.DISABLE, release=release)[0].count == 3


def test_nobody_unlocks_without_a_release() -> None:
    assert codes_of(lambda: encode(LAMP, Kind.DISABLE)) == ["MG-K005"]


@pytest.mark.parametrize("kind", [Kind.DISABLE, Kind.SYNC])
def test_an_unlock_and_a_sync_carry_no_value(kind: Kind) -> None:
    assert codes_of(lambda: encode(LAMP, kind, 5, PAID_OFF)) == ["MG-K001"]


def test_a_maker_s_row_becomes_a_device_or_is_refused_with_every_mistake() -> None:
    device = new_device(HandOver(" SN1 ", 949214826, KEY_HEX.upper(), divider=2, count=7))
    assert device == TokenDevice("SN1", SECRET, divider=2, count=7, typed_count=7)
    wrong = HandOver("", 1_000_000_000, KEY_HEX[:31], divider=256, count=0)
    assert codes_of(lambda: new_device(wrong)) == ["MG-K002"] * 5


@pytest.mark.parametrize("divider", [-1, 0, 256])
def test_a_day_has_1_to_255_units(divider: int) -> None:
    assert codes_of(lambda: new_device(HandOver("SN1", 1, KEY_HEX, divider))) == ["MG-K002"]


@pytest.mark.parametrize(
    ("divider", "paid_s", "expected"),
    [
        (1, 86_400, (1, 0)),
        (1, 100_000, (1, 13_600)),
        (2, 129_600, (3, 0)),
        (7, 86_400, (7, 0)),
        (7, 86_399, (6, 12_341)),
    ],
)
def test_time_becomes_whole_units_and_a_rest(divider: int, paid_s: int, expected: tuple[int, int]) -> None:
    assert units_of_time(replace(LAMP, divider=divider), paid_s) == expected


def test_energy_becomes_whole_units_of_100_wh_and_a_rest() -> None:
    assert [units_of_energy(paid_wh) for paid_wh in (99, 100, 1_250)] == [(0, 99), (1, 0), (12, 50)]


def test_a_refused_token_leaves_the_device_as_it_was() -> None:
    full = given_out(LAMP, 16)
    with pytest.raises(InvalidInput):
        encode(full, Kind.ADD, 1)
    assert full.count == 32
