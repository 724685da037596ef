"""Each defect found in the field's common library is refused here: the names D1 to D14 are those of the vectors."""

import json
from datetime import UTC, datetime, timedelta, timezone
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from siphash24 import siphash24

from device.keypad import Answer, Entry, Keypad, entered
from device.openpaygo import Kind, Secret, code_of, codes, text_of
from device.openpaygo_metrics import (
    Method,
    active_until,
    answer_signature,
    is_genuine,
    long_names,
    request_signature,
    seconds_left,
    short_names,
)
from microgrid.errors import InvalidInput
from microgrid.switching.tokens import HandOver, TokenDevice, encode, new_device

VECTORS: dict[str, Any] = json.loads(Path(__file__).with_name("openpaygo_vectors.json").read_text(encoding="utf-8"))
METRICS = VECTORS["metrics_vectors"]
KEY = bytes.fromhex("dac86b1a29ab82edc5fbbc41ec9530f6")
SECRET = Secret(123456789, KEY)
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def digits(value: int, count: int) -> str:
    _, code = next(islice(codes(SECRET, value), count - 1, None))
    return text_of(SECRET, code)


def answers(keypad: Keypad, *typed: str) -> list[Answer]:
    found = []
    for token in typed:
        keypad, entry = entered(keypad, token, 0)
        found.append(entry.answer)
    return found


def test_d1_a_replay_is_refused_by_a_meter_that_remembers_nothing_but_its_count() -> None:
    assert answers(Keypad(SECRET, count=2), digits(5, 2)) == [Answer.ALREADY_USED]


def test_d2_any_old_token_is_answered_and_not_a_crash() -> None:
    keypad = Keypad(SECRET, count=30)
    assert {entered(keypad, digits(5, count), 0)[1].answer for count in range(1, 31)} == {Answer.ALREADY_USED}


def test_d3_history_is_kept_from_the_first_token_on() -> None:
    keypad, _ = entered(Keypad(SECRET), digits(5, 6), 0)
    assert keypad == Keypad(SECRET, count=6, unused=frozenset({2, 4}))
    assert answers(keypad, digits(5, 4), digits(5, 4)) == [Answer.ACCEPTED, Answer.ALREADY_USED]


@pytest.mark.parametrize("value", [-2, -1, 996, 997, 998, 999, 1000])
@pytest.mark.parametrize("kind", [Kind.SET, Kind.ADD])
def test_d4_a_slip_of_arithmetic_makes_no_unlock(kind: Kind, value: int) -> None:
    with pytest.raises(InvalidInput) as refused:
        encode(TokenDevice("SN1", SECRET), kind, value)
    assert [problem.code for problem in refused.value.problems] == ["MG-K001"]


def test_d5_an_unknown_token_of_12_digits_is_wrong() -> None:
    extended = Secret(123456789, KEY, extended=True)
    for secret in (SECRET, extended):
        assert entered(Keypad(secret), "123456789012", 0)[1] == Entry(Answer.WRONG)


@pytest.mark.parametrize("row", VECTORS["decode_mismatches_in_0_6_3"]["rows"], ids=lambda row: row["token"])
def test_d6_extended_unlock_and_sync_are_what_they_are(row: dict[str, Any]) -> None:
    vector = next(each for each in VECTORS["encode_vectors"] if each["token"] == row["token"])
    key = bytes.fromhex(vector["key"])
    secret = Secret(vector["starting_code"], key, row["restricted"], extended=True)
    _, entry = entered(Keypad(secret, vector["count"]), row["token"], 0)
    assert entry.kind is {"DISABLE_PAYG": Kind.DISABLE, "COUNTER_SYNC": Kind.SYNC}[row["encoded_type"]]


def test_d7_seconds_left_are_counted_forwards() -> None:
    assert seconds_left(NOON + timedelta(hours=2), NOON) == 7_200
    assert seconds_left(NOON - timedelta(hours=2), NOON) == 0


def test_d8_both_short_names_of_the_collection_time_are_read_and_the_specified_one_is_written() -> None:
    assert long_names({"dct": 5}) == long_names({"dtc": 5}) == {"data_collection_timestamp": 5}
    assert short_names({"data_collection_timestamp": 5, "other": 1}) == {"dct": 5, "other": 1}


def test_d9_a_hash_without_its_leading_zero_is_genuine_and_ours_has_it() -> None:
    message = {"serial_number": "SN18"}
    assert is_genuine(KEY, message | {"auth": METRICS["short_hash_example"]["simple_auth"]})
    assert request_signature(KEY, Method.SERIAL, message) == "sa0620dd2fc9fd3645"
    assert is_genuine(KEY, message | {"auth": "sa0620dd2fc9fd3645"})
    assert not is_genuine(KEY, message | {"auth": "sa00620dd2fc9fd3645"})


@pytest.mark.parametrize("key_hex", ["dead", "", "zz" * 16, "dac86b1a29ab82edc5fbbc41ec9530f", "da" * 17])
def test_d10_a_short_key_is_refused_in_words_and_never_shown(key_hex: str) -> None:
    with pytest.raises(InvalidInput, match="the key is not 32 hexadecimal digits") as refused:
        new_device(HandOver("SN1", 123456789, key_hex))
    assert [problem.code for problem in refused.value.problems] == ["MG-K002"]
    assert not key_hex or key_hex not in str(refused.value)


def test_d11_the_end_of_paid_time_is_whole_seconds_in_utc() -> None:
    in_nairobi = datetime(2026, 11, 23, 15, 0, tzinfo=timezone(timedelta(hours=3)))
    assert active_until(in_nairobi) == active_until(NOON) == 1_795_435_200
    with pytest.raises(ValueError, match="a moment needs its zone"):
        active_until(NOON.replace(tzinfo=None))


@pytest.mark.parametrize("value", [0, 1, 995, 998])
def test_d12_count_0_which_needs_no_key_is_never_taken(value: int) -> None:
    forged = f"{123456000 + (789 + value) % 1000:09d}"
    assert code_of(SECRET, forged) is not None
    for count in (1, 2, 15, 63):
        assert entered(Keypad(SECRET, count), forged, 0)[1] == Entry(Answer.WRONG)


def test_d13_count_0_of_a_sync_is_never_taken_either() -> None:
    for count in range(1, 64):
        assert entered(Keypad(SECRET, count), "123456788", 0)[1] == Entry(Answer.WRONG)


def test_d14_an_old_sync_does_not_bring_spent_tokens_back() -> None:
    keypad = Keypad(SECRET, count=40)
    after, entry = entered(keypad, digits(999, 21), 0)
    assert (after, entry.answer) == (keypad, Answer.ALREADY_USED)
    assert answers(after, digits(5, 30)) == [Answer.ALREADY_USED]


@pytest.mark.parametrize("request_", METRICS["requests"], ids=lambda request: request["auth_method"])
def test_signatures_of_small_meters_are_the_published_ones(request_: dict[str, Any]) -> None:
    message: dict[str, Any] = long_names(json.loads(request_["payload"]))
    method, hashed = message["auth"][:2], message["auth"][2:]
    assert request_signature(KEY, Method(method), message) == method + hashed.rjust(16, "0")
    assert is_genuine(KEY, message)
    assert not is_genuine(bytes(16), message)
    assert not is_genuine(KEY, message | {"serial_number": "aaa111223"})


@pytest.mark.parametrize("auth", ["", "xx1234", None, "da", "daé"])
def test_what_is_no_signature_is_refused(auth: str | None) -> None:
    assert not is_genuine(KEY, {"serial_number": "aaa111222", "auth": auth})
    assert not is_genuine(KEY, {"auth": "sab61f0d8fa11d4914"})


def test_changed_data_is_not_genuine() -> None:
    payload = next(each["payload"] for each in METRICS["requests"] if each["auth_method"] == "ra")
    message = long_names(json.loads(payload))
    changed: list[dict[str, object]] = [
        {"timestamp": 1},
        {"request_count": 8},
        {"data": [4, False, "1.2.3"]},
        {"historical_data": []},
    ]
    assert [is_genuine(KEY, message | change) for change in changed] == [False] * 4


def test_the_published_readme_example_is_genuine() -> None:
    assert is_genuine(KEY, long_names(json.loads(METRICS["readme_example"]["payload"])))


def test_an_answer_with_tokens_is_signed_as_published() -> None:
    answer = long_names(json.loads(METRICS["token_answer"]))
    asked = {"serial_number": "aaa111222", "timestamp": 1611583070}
    assert answer_signature(KEY, asked, answer) == answer["auth"]


def test_an_answer_is_signed_with_all_it_says() -> None:
    asked = {"serial_number": "aaa111222", "timestamp": 1611583070, "request_count": 7}
    answer = {
        "active_until_timestamp": 1795435200,
        "active_seconds_left": 60,
        "token_list": ["1"],
        "settings": {"a": 1},
    }
    said = b"aaa1112221611583070" + b"7" + b"1795435200" + b"60" + b'["1"]' + b'{"a":1}'
    hashed = int.from_bytes(siphash24(said, key=KEY).digest(), "little")
    assert answer_signature(KEY, asked, answer) == f"da{hashed:016x}"
