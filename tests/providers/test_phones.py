"""Numbers are whole, masked or hashed, and one kind is never taken for another."""

import pytest

from microgrid.providers.payment_facts import Phone
from microgrid.providers.phones import hashed, international_digits, national_digits, read_phone

HASH = "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8"


@pytest.mark.parametrize(
    ("text", "region", "phone"),
    [
        ("254708374149", "KE", Phone("e164", "+254708374149")),
        ("+254708374149", "KE", Phone("e164", "+254708374149")),
        ("0708374149", "KE", Phone("e164", "+254708374149")),
        ("708374149", "KE", Phone("e164", "+254708374149")),
        ("700000000", "UG", Phone("e164", "+256700000000")),
        ("46733123450", "UG", Phone("e164", "+46733123450")),  # of the sandbox, from another country
        ("25470****149", "KE", Phone("masked", "25470****149")),
        ("2547XXXXX149", "KE", Phone("masked", "2547*****149")),
        ("2547...", "KE", Phone("masked", "2547***")),
        ("*********013", "RW", Phone("masked", "*********013")),
        (HASH, "KE", Phone("hashed", HASH)),
        (HASH.upper(), "KE", Phone("hashed", HASH)),
    ],
)
def test_numbers_as_providers_give_them(text: str, region: str, phone: Phone) -> None:
    assert read_phone(text, region) == phone


@pytest.mark.parametrize("value", ["", "72200000", "254123", "JOHN", "600638", None, 254708374149, ["x"], "+" * 30])
def test_what_is_no_number(value: object) -> None:
    assert read_phone(value, "KE") is None


def test_a_hash_is_the_same_for_every_way_to_write_the_number() -> None:
    ways = ["254708374149", "+254708374149", "0708374149"]
    hashes = {hashed(phone) for way in ways if (phone := read_phone(way, "KE"))}
    assert len(hashes) == 1
    assert hashes.pop().kind == "hashed"


def test_only_whole_numbers_can_be_called() -> None:
    masked = Phone("masked", "25470****149")
    assert (international_digits(masked), national_digits(masked), hashed(masked)) == ("", "", masked)
    assert national_digits(Phone("e164", "+256700000000")) == "700000000"
    assert international_digits(Phone("e164", "+256700000000")) == "256700000000"
