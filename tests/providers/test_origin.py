"""Where a call came from, and where we may ask to be called."""

import pytest

from microgrid.providers.origin import MPESA_ADDRESSES, callback_problems, comes_from, path_matches


@pytest.mark.parametrize(
    ("address", "inside"),
    [
        ("196.201.214.200", True),
        (" 196.201.214.200 ", True),
        ("::ffff:196.201.214.200", True),
        ("196.201.214.201", False),
        ("2001:db8::1", False),
        ("", False),
        ("localhost", False),
        ("196.201.214.200:443", False),
    ],
)
def test_only_listed_addresses_are_inside(address: str, *, inside: bool) -> None:
    assert comes_from(address, MPESA_ADDRESSES) is inside


def test_networks_and_both_families_can_be_listed() -> None:
    assert comes_from("10.1.2.3", ("2001:db8::/32", "10.1.0.0/16"))
    assert comes_from("2001:db8::7", ("2001:db8::/32", "10.1.0.0/16"))
    assert not comes_from("10.1.2.3", ())


def test_a_secret_path_is_matched_whole() -> None:
    assert path_matches("9f2c", "9f2c")
    assert not path_matches("9f2", "9f2c")
    assert not path_matches("9f2c\ud800é", "9f2c")


def test_a_forgotten_secret_opens_nothing() -> None:
    assert not path_matches("", "")


@pytest.mark.parametrize(
    "url",
    [
        "http://pay.example.org/9f2c",
        "https://pay.example.org/MPESA/9f2c",
        "https://safaricom.example.org/9f2c",
        "https://pay.example.org/9f2c?query=1",
        "https://pay.example.org/run.exe",
        "https:///9f2c",
        "https://[::1/9f2c",
        "pay.example.org",
        "",
    ],
)
def test_addresses_the_provider_would_not_call(url: str) -> None:
    (problem,) = callback_problems(url)
    assert problem.code == "MG-P404"
    assert "9f2c" not in str(problem)


def test_an_ordinary_address_is_fine() -> None:
    assert callback_problems("https://pay.example.org/in/9f2c") == []
