"""Messages as bytes: what is written is read again, what is wrong is named, and nothing is larger than it may be."""

from __future__ import annotations

import math
import re
from itertools import pairwise
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.codec import decode, encode
from device.fields import DEEPEST, LARGEST_BYTES, MessageError
from device.messages import KIND_OF, Message, Readings, Relay
from device.rows import Row, batches, rows_of
from device.signing import EnvelopeError, MeterKeys, opened, rotated, sealed, topic
from tests.meter.anything import any_message, desired, rows
from tests.meter.bench import KEYS, NOON_S, wanted

KINDS = tuple(KIND_OF.values())
TRUE: dict[int, Any] = cbor2.loads(encode(wanted(5, cutoff_wh=104_250, power_limit_w=500)))


def changed(fields: dict[int, Any]) -> bytes:
    return cbor2.dumps({**TRUE, **fields})


# There and back -------------------------------------------------------------------------------------------------------


@given(any_message)
def test_every_message_is_read_as_it_was_written(message: Message) -> None:
    kind = KIND_OF[type(message)]
    body = encode(message)
    assert decode(kind, body) == message
    assert encode(decode(kind, body)) == body


@given(any_message, st.dictionaries(st.integers(14, 2**64 - 1), st.text(max_size=3) | st.integers(0, 9), max_size=3))
def test_keys_of_a_newer_service_are_passed_over(message: Message, more: dict[int, object]) -> None:
    body = cbor2.dumps({**cbor2.loads(encode(message)), **dict(sorted(more.items()))})
    if len(body) <= LARGEST_BYTES:
        assert decode(KIND_OF[type(message)], body) == message


@given(any_message, st.sampled_from([8, 32]), st.sampled_from([0, 1]))
def test_every_message_is_opened_by_who_holds_the_key_and_by_nobody_else(message: Message, tag: Any, slot: int) -> None:
    about = topic("kisiju", "M-104", KIND_OF[type(message)])
    keys = MeterKeys((bytes(range(32)), bytes(range(1, 33))), slot, tag)
    body = encode(message)
    if len(body) > LARGEST_BYTES - 50:
        return
    letter = sealed(body, keys, about)
    assert opened(letter, MeterKeys(keys.slots, 1 - slot, tag), about) == body
    for others, there in (
        (MeterKeys((bytes(32), bytes(32)), 0, tag), about),
        (MeterKeys(keys.slots, 0, 40 - tag), about),
        (keys, about.replace("M-104", "M-105")),
        (keys, about + "x"),
    ):
        with pytest.raises(EnvelopeError):
            opened(letter, others, there)


@given(any_message, st.data())
def test_no_byte_of_a_letter_can_be_changed(message: Message, data: st.DataObject) -> None:
    about = topic("kisiju", "M-104", KIND_OF[type(message)])
    letter = sealed(encode(message), KEYS, about)
    place, byte = data.draw(st.integers(0, len(letter) - 1)), data.draw(st.integers(0, 255))
    other = letter[:place] + bytes([byte]) + letter[place + 1 :]
    if other != letter:
        with pytest.raises(EnvelopeError):
            opened(other, KEYS, about)


def test_a_fresh_key_goes_into_the_other_slot_and_both_open() -> None:
    fresh = bytes(range(1, 33))
    both = rotated(KEYS, fresh)
    assert both.slots == (KEYS.slots[0], fresh)
    assert both.sign_with == 0
    assert opened(sealed(b"x", MeterKeys(both.slots, 1), "t"), both, "t") == b"x"
    assert opened(sealed(b"x", KEYS, "t"), both, "t") == b"x"


@pytest.mark.parametrize("slots", [(None, None), (bytes(31), None), (bytes(33), None), (bytes(32), b"")])
def test_a_meter_needs_a_key_of_the_right_length(slots: Any) -> None:
    with pytest.raises(ValueError, match="key of 32 bytes"):
        MeterKeys(slots)
    assert "slots" not in repr(KEYS)


# What is refused ------------------------------------------------------------------------------------------------------

WRONG: list[tuple[int, str, list[Any]]] = [  # key, its name, what it cannot be
    (1, "revision", [2**32, -1, 1.0, True, None, "5", b"5", [5], {}, math.inf]),
    (2, "supply", [2, -1, True, None, "on"]),
    (3, "cutoff_wh", [2**48 + 1, -1, 0.5, False, "1"]),
    (4, "until", [2**40 + 1, -1, b""]),
    (5, "power_limit_w", [2**32, -1, "500"]),
    (6, "service time", [None, -1, 2**40 + 1]),
    (7, "fail policy", [None, 0, [], [0] * 6, [0] * 8, {n: n for n in range(7)}]),
    (8, "not-after", [None, "never"]),
    (9, "register epoch", [None, 2**32]),
    (10, "tokens included", [None, -1]),
    (11, "daily_wh", [2**32, [1]]),
    (12, "start of day", [86_401, None]),
]


@pytest.mark.parametrize(("key", "name", "value"), [(key, name, value) for key, name, all_ in WRONG for value in all_])
def test_a_wrong_value_is_refused_by_name_and_shown(key: int, name: str, value: object) -> None:
    with pytest.raises(MessageError, match=rf"^{name} \(key {key}\) is {re.escape(repr(str(value)[:40]))}, not "):
        decode("desired", changed({key: value}))


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        (0, -1, "fail policy"),
        (3, 2, "critical"),
        (4, 86_401, "quiet hours"),
        (5, 86_401, "quiet"),
        (6, "x", "fail policy"),
    ],
)
def test_a_wrong_term_is_refused_by_name_and_shown(place: int, value: object, said: str) -> None:
    terms: list[object] = [0] * 7
    terms[place] = value
    with pytest.raises(MessageError, match=rf"{said}.* is '{value}'"):
        decode("desired", changed({7: terms}))


READINGS = Readings(7, 1, NOON_S, 0, 900, 2300, (1, 2))
COLUMNS = cbor2.loads(encode(READINGS))[5]


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        (0, 0, "interval column"),
        (1, "2300", "first voltage column"),
        (2, None, "register column"),
        (2, [1, -1], "register column"),
        (2, [0] * 201, "register column"),
        (3, [1], "voltage column"),
        (4, [1, 2], "current column"),
        (5, [1], "time column"),
        (6, [3, 0], "relay column"),
        (7, [0, 1, 2], "power column"),
    ],
)
def test_a_wrong_column_is_refused_by_name(place: int, value: object, said: str) -> None:
    columns = [*COLUMNS[:place], value, *COLUMNS[place + 1 :]]
    with pytest.raises(MessageError, match=said):
        decode("readings", cbor2.dumps({**cbor2.loads(encode(READINGS)), 5: columns}))


@pytest.mark.parametrize("kind", KINDS)
def test_a_message_that_lacks_a_key_is_refused(kind: str) -> None:
    with pytest.raises(MessageError, match="key 1 is missing"):
        decode(kind, cbor2.dumps({0: 1}))
    with pytest.raises(MessageError, match="schema is 2, this is schema 1"):
        decode("desired", changed({0: 2}))


def nested(depth: int) -> object:
    return [nested(depth - 1)] if depth else 1


BODY = encode(wanted(5))


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "no CBOR"),
        (BODY[:-1], "no CBOR"),
        (BODY + b"\x00", "deterministic|no CBOR"),
        (b"\xbf" + BODY[1:] + b"\xff", "no CBOR"),
        (b"\xae" + BODY[1:] + b"\x0c\x00", "no CBOR"),
        (BODY[:4] + b"\x18\x05" + BODY[5:], "deterministic"),
        (BODY[:3] + BODY[5:7] + BODY[3:5] + BODY[7:], "deterministic"),
        (changed({13: nested(DEEPEST)}), "no CBOR"),
        (changed({13: 1.5}), "unknown key 13"),
        (changed({13: [{1: math.nan}]}), "unknown key 13"),
        (changed({13: 2**64}), "unknown key 13"),
        (b"\xc1" + BODY, "no CBOR|no map"),
        (cbor2.dumps([1]), "no map"),
        (cbor2.dumps({"0": 1}), "no map"),
        (cbor2.dumps({True: 1}), "no map"),
        (changed({13: bytes(500)}), "more than 512"),
        (b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff", "no CBOR"),
        (b"\x81" * 512, "no CBOR"),
        (b"\xd8\x1c\x81\xd8\x1d\x00", "no CBOR|no map"),
    ],
)
def test_bytes_in_another_form_are_refused(body: bytes, said: str) -> None:
    with pytest.raises(MessageError, match=said):
        decode("desired", body)


def test_nothing_else_is_a_kind_of_message() -> None:
    with pytest.raises(MessageError, match="no message of kind 'shed'"):
        decode("shed", BODY)


def test_what_an_unknown_key_may_hold() -> None:
    assert decode("desired", changed({13: [nested(DEEPEST - 3), None, True, b"", {1: "x"}]})) == decode(
        "desired", changed({})
    )


# How large things are -------------------------------------------------------------------------------------------------

ENVELOPE_BYTES = len(sealed(b"x" * 100, KEYS, "t")) - 100


@given(desired)
def test_no_desired_state_has_more_than_160_bytes(message: Any) -> None:
    assert len(encode(message)) + ENVELOPE_BYTES <= 160


@given(any_message)
def test_no_message_but_readings_comes_near_the_limit(message: Message) -> None:
    if not isinstance(message, Readings):
        assert len(encode(message)) + ENVELOPE_BYTES <= 160


@given(rows())
def test_no_batch_of_rows_has_more_than_512_bytes_and_none_is_lost(some: list[Row]) -> None:
    found = batches(some, 2**32 - 1, 86_400, 2**32 - 1)
    assert [row for batch in found for row in rows_of(batch)] == some
    assert all(len(encode(batch)) + ENVELOPE_BYTES <= LARGEST_BYTES for batch in found)
    assert all(one.seq < other.seq for one, other in pairwise(some))


@pytest.mark.parametrize("power_w", [0, 40, 320, 2500])
def test_a_reading_costs_15_bytes_at_most_in_batches_of_12(power_w: int) -> None:
    wobble = (0, 3, -2, 5, -4, 1, 0, -6, 2, 4, -1, 0)
    some = [
        Row(70_000 + n, NOON_S + 900 * n, 104_250 + n * power_w // 4, 2300 + 7 * wobble[n], Relay.CLOSED)
        for n in range(12)
    ]
    (batch,) = batches(some, 2**32 - 1, 900, 5000)
    letter = sealed(encode(batch), KEYS, topic("kisiju", "M-104", "readings"))
    assert len(letter) <= 12 * 15
