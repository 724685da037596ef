"""Amounts and times are read exactly, or not at all."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgrid.providers.payment_facts import Unreadable
from microgrid.providers.wire_text import (
    LARGEST_AMOUNT_MINOR,
    clean,
    compact_time,
    grouped_minor_units,
    json_object,
    major_text,
    minor_units,
    zoned_time,
)


@pytest.mark.parametrize(
    ("text", "exponent", "minor"),
    [
        ("10", 2, 1000),
        ("10.00", 2, 1000),
        ("1.00", 2, 100),
        ("0.1", 2, 10),
        ("10.0000", 2, 1000),
        ("600", 0, 600),
        ("600.00", 0, 600),
        ("1.0E7", 0, 10_000_000),  # as Java writes large doubles
        ("0", 2, 0),
    ],
)
def test_amounts_providers_send(text: str, exponent: int, minor: int) -> None:
    assert minor_units(text, exponent) == minor


@pytest.mark.parametrize(
    "value",
    [
        *("0.001", "1,000", "-5", "+5", "", " ", ".5", "5.", "1e999", "1e-2", "NaN", "Infinity", "٣", "10 KES", "0x10"),
        *("9" * 16, "10000000000000.000000000000001", True, None, 10, 10.5, ["10"], {"a": 1}),
    ],
)
def test_what_is_no_amount(value: object) -> None:
    assert minor_units(value, 2) is None


def test_no_fraction_of_a_minor_unit() -> None:
    assert minor_units("0.5", 0) is None
    assert minor_units("10.005", 2) is None


@pytest.mark.parametrize(("text", "minor"), [("1,234.50", 123_450), ("12,345,678", 1_234_567_800), ("999", 99_900)])
def test_thousands_are_grouped_by_commas(text: str, minor: int) -> None:
    assert grouped_minor_units(text, 2) == minor


@pytest.mark.parametrize("text", ["1,23", "1,2345", ",123", "1.234,50", "1 234", "1,,234"])
def test_other_groups_are_refused(text: str) -> None:
    assert grouped_minor_units(text, 2) is None


@given(st.integers(0, LARGEST_AMOUNT_MINOR), st.sampled_from([0, 2, 3]))
def test_written_and_read_again(amount_minor: int, exponent: int) -> None:
    text = major_text(amount_minor, exponent)
    assert minor_units(text, exponent) == amount_minor
    assert Decimal(text).scaleb(exponent) == amount_minor


def test_json_numbers_stay_the_text_they_were() -> None:
    assert json_object(b'{"a":1.00,"b":254708374149}') == {"a": "1.00", "b": "254708374149"}


@pytest.mark.parametrize(
    "body",
    [b"", b"[1]", b"5", b"{", b'{"a":1,"a":2}', b'{"a":NaN}', b"\xff\xfe", b"[" * 60_000, b" " * 70_000],
)
def test_what_is_no_object_has_a_reason(body: bytes) -> None:
    found = json_object(body)
    assert isinstance(found, Unreadable)
    assert found.reason


def test_texts_lose_what_no_database_keeps() -> None:
    assert clean(" a\x00b\ud800c\n") == "a b c"
    assert len(clean("x" * 10_000)) == 200


def test_nairobi_digits_become_utc() -> None:
    assert compact_time("20191122063845") == datetime(2019, 11, 22, 3, 38, 45, tzinfo=UTC)
    assert compact_time("20191122003845") == datetime(2019, 11, 21, 21, 38, 45, tzinfo=UTC)


@pytest.mark.parametrize(
    "value", ["2019112206384", "20191322063845", "00010101000000", "2019-11-22", "", 20191122063845]
)
def test_other_digits_are_no_time(value: object) -> None:
    assert compact_time(value) is None


def test_a_time_without_zone_is_no_moment() -> None:
    assert zoned_time("2026-11-23T09:00:00") is None
    assert zoned_time("2026-11-23T09:00:00+03:00") == datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
    assert zoned_time("0001-01-01T00:00:00+14:00") is None
