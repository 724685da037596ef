"""Files for fleets: who the meters are, what their homes draw, and what goes wrong."""

from __future__ import annotations

import json

import pytest

from device.faults import Fault, FaultError, Mishap, mishaps_of
from device.identity import IdentityError, identities_of, line_of
from device.loads import LoadError, loads_of, repeating, usual_home
from device.messages import Capability

LINE = {"meter": "M-1", "site": "kisiju", "keys": ["11" * 32, None], "username": "M-1", "password": "x"}


def line(**other: object) -> str:
    """Return a line of a file of keys."""
    return json.dumps({**LINE, **other})


def test_a_line_says_who_a_meter_is_and_is_written_as_it_was_read() -> None:
    keypad = {"starting_code": 123_456_789, "key": "22" * 16}
    text = line(keys=["11" * 32, "33" * 32], token_unit_s=86_400, keypad=keypad)
    (found,) = identities_of([text, "", "  "])
    assert (found.plate.site, found.plate.meter, found.username) == ("kisiju", "M-1", "M-1")
    assert found.plate.keys.slots == (b"\x11" * 32, b"\x33" * 32)
    assert found.plate.capabilities & Capability.KEYPAD
    assert json.loads(line_of(found)) == json.loads(text)


def test_a_key_in_the_second_slot_alone_is_signed_with() -> None:
    (found,) = identities_of([line(keys=[None, "33" * 32])])
    assert found.plate.keys.sign_with == 1


def test_neither_keys_nor_passwords_are_printed() -> None:
    (found,) = identities_of([line(password="open sesame")])
    assert "11" * 4 not in repr(found)
    assert "sesame" not in repr(found)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "line 2: "),
        ("[1]", "no JSON object"),
        (json.dumps({"meter": "M-2"}), "site, keys, username, password is missing"),
        (line(meter="M 2"), "meter is 'M 2'"),
        (line(meter="gateway"), "meter is 'gateway'"),
        (line(site="../x"), "site is '../x'"),
        (line(keys=["11"]), "keys is no list of two"),
        (line(keys=["zz" * 32, None]), "at least one key of 64 hex digits"),
        (line(keys=[None, None]), "at least one key of 64 hex digits"),
        (line(keys=["11" * 31, None]), "at least one key of 64 hex digits"),
        (line(password=5), "password is no text"),
        (line(token_unit_s=-1), "token_unit_s is -1"),
        (line(keypad=5), "keypad needs"),
        (line(keypad={"key": "22" * 16, "starting_code": "1"}), "starting_code is '1'"),
        (line(keypad={"key": "22", "starting_code": 1}), "16 bytes"),
        (line(), "stands here twice"),
    ],
)
def test_a_wrong_line_is_named_with_what_is_wrong(text: str, why: str) -> None:
    with pytest.raises(IdentityError) as error:
        identities_of([line(), text])
    assert why in str(error.value)
    assert str(error.value).startswith("line 2: ")


def test_every_wrong_line_is_named() -> None:
    with pytest.raises(IdentityError) as error:
        identities_of(["{", line(), "{"])
    assert [each[:6] for each in str(error.value).splitlines()] == ["line 1", "line 3"]


def test_faults_are_read_in_order_of_time() -> None:
    text = "at_s,meter,fault,for_s,amount\n900,M-8,drift,,120\n\n600,M-7,welded,3600,\n700,M-7,brown-out,,\n"
    assert mishaps_of(text) == (
        Mishap(600, "M-7", Fault.WELDED, 3600),
        Mishap(700, "M-7", Fault.BROWN_OUT, None, 5),
        Mishap(900, "M-8", Fault.DRIFT, None, 120),
    )


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("1,M-1,welded", "3 columns, there are 5"),
        ("1,M-1,melted,,", "there is no fault 'melted'; write one of welded, bypass"),
        ("soon,M-1,welded,,", "at_s is 'soon'"),
        ("1,M-1,welded,-5,", "for_s is '-5'"),
        ("1,M-1,memory,60,", "happens at once; leave for_s empty"),
        ("1,M-1,welded,,3", "has no amount"),
        ("1,M-1,bypass,,101", "from 0 to 100"),
    ],
)
def test_a_wrong_fault_is_named_by_its_line(row: str, why: str) -> None:
    with pytest.raises(FaultError) as error:
        mishaps_of(f"at_s,meter,fault,for_s,amount\n{row}\n")
    assert "line 2: " in str(error.value)
    assert why in str(error.value)


def test_a_file_of_faults_names_its_columns() -> None:
    with pytest.raises(FaultError, match="at_s,meter,fault,for_s,amount"):
        mishaps_of("1,M-1,welded,,\n")


def test_loads_go_in_steps_from_midnight_and_begin_again() -> None:
    first, second = loads_of("second,home_1,home_2\n0,12,40\n900,90,45\n")
    assert [first(at) for at in (0, 899, 900, 1800)] == [(12, 900), (12, 900), (90, 1800), (12, 2700)]
    assert second(86_400) == (40, 87_300)
    (alone,) = loads_of("second,home\n0,7\n")
    assert alone(86_399) == (7, 86_400)


def test_an_ordinary_home_peaks_in_its_own_evening() -> None:
    zone_s = 3 * 3600  # Dar es Salaam
    home = usual_home(1.0, zone_s)
    by_local_hour = [home(hour * 3600 - zone_s + 86_400)[0] for hour in range(24)]
    assert by_local_hour.index(max(by_local_hour)) == 19
    assert 600 < sum(by_local_hour) < 800


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "the first line names the columns"),
        ("time,home\n0,1\n", "the first line names the columns"),
        ("second,home\n0,1,2\n", "line 2 has 3 columns"),
        ("second,home\n0,many\n", "line 2 says 'many'"),
        ("second,home\n0,70000\n", "from 0 to 65535"),
        ("second,home\n900,1\n", "begin at 0"),
        ("second,home\n0,1\n900,1\n1000,1\n", "not in steps of one length"),
        ("second,home\n0,1\n0,1\n", "not in steps of one length"),
    ],
)
def test_a_wrong_file_of_loads_says_where_and_what(text: str, why: str) -> None:
    with pytest.raises(LoadError) as error:
        loads_of(text)
    assert why in str(error.value)


def test_a_load_below_zero_or_none_at_all_is_refused() -> None:
    for powers_w in ([], [-1], [65_536]):
        with pytest.raises(ValueError, match="0 to 65535 W"):
            repeating(powers_w, 900)
