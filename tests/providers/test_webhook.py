"""The signed webhook: signed, by us or a partner, and lately."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from microgrid.providers.payment_facts import PaymentAccount, Phone, RawRequest, Sighting, Unreadable
from microgrid.providers.webhook import SIGNATURE_HEADER, TIMESTAMP_HEADER, read_webhook, signature

Raw = Callable[..., RawRequest]
SECRET = b"shared-secret"
SENT = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
BODY = {
    "receipt": "BANK-1",
    "amount": "500.00",
    "currency": "KES",
    "paid_at": "2026-11-23T08:59:00+03:00",
    "phone": "0708374149",
    "reference": "METER0012",
    "name": "Jane Doe",
}


@pytest.fixture
def bank(kenya: PaymentAccount) -> PaymentAccount:
    return replace(kenya, provider="webhook", shortcode="BANK")


def signed(raw: Raw, body: Mapping[str, object], secret: bytes = SECRET, late_s: int = 0) -> RawRequest:
    text, stamp = json.dumps(body).encode(), str(int(SENT.timestamp()))
    headers = {TIMESTAMP_HEADER.lower(): stamp, SIGNATURE_HEADER.upper(): signature(secret, stamp, text)}
    return raw(text, headers, SENT + timedelta(seconds=late_s))


def test_a_signed_payment(raw: Raw, bank: PaymentAccount) -> None:
    assert read_webhook(signed(raw, BODY), bank, (SECRET,)) == Sighting(
        "webhook",
        "BANK",
        "paid",
        "webhook",
        "KES",
        receipt="BANK-1",
        amount_minor=50_000,
        paid_at=datetime(2026, 11, 23, 5, 59, tzinfo=UTC),
        payer=Phone("e164", "+254708374149"),
        reference="METER0012",
        channel="webhook",
        names=("Jane Doe",),
    )


def test_two_secrets_hold_while_one_is_replaced(raw: Raw, bank: PaymentAccount) -> None:
    assert isinstance(read_webhook(signed(raw, BODY), bank, (b"new", SECRET)), Sighting)
    assert isinstance(read_webhook(signed(raw, BODY), bank, (b"new",)), Unreadable)


def test_the_signature_is_what_openssl_says() -> None:
    # printf '1795413600.{"a":1}' | openssl dgst -sha256 -hmac Jefe
    right = "e924f32e5188805a85654dd8919f48c974500213515dfda75917a13bfefa81f9"
    assert signature(b"Jefe", "1795413600", b'{"a":1}') == right


@pytest.mark.parametrize("late_s", [-301, 301, 86_400])
def test_a_replay_is_refused(raw: Raw, bank: PaymentAccount, late_s: int) -> None:
    found = read_webhook(signed(raw, BODY, late_s=late_s), bank, (SECRET,))
    assert isinstance(found, Unreadable)
    assert "replay" in found.reason


@pytest.mark.parametrize("late_s", [-300, 0, 300])
def test_within_the_window_it_is_taken(raw: Raw, bank: PaymentAccount, late_s: int) -> None:
    assert isinstance(read_webhook(signed(raw, BODY, late_s=late_s), bank, (SECRET,)), Sighting)


def test_a_changed_body_time_or_missing_header_is_refused(raw: Raw, bank: PaymentAccount) -> None:
    true = signed(raw, BODY)
    changed = replace(true, body=true.body.replace(b"500.00", b"900.00"))
    later = replace(true, headers={**true.headers, TIMESTAMP_HEADER.lower(): str(int(SENT.timestamp()) + 1)})
    for request in (changed, later, replace(true, headers={}), signed(raw, BODY, b"guessed")):
        assert isinstance(read_webhook(request, bank, (SECRET,)), Unreadable)


def test_no_secret_means_no_trust(raw: Raw, bank: PaymentAccount) -> None:
    for secrets in ((), (b"",)):
        assert isinstance(read_webhook(signed(raw, BODY, b""), bank, secrets), Unreadable)


@pytest.mark.parametrize(
    "change",
    [{"currency": "UGX"}, {"amount": "0"}, {"amount": 1.005}, {"paid_at": "2026-11-23T08:59:00"}, {"status": "ok"}],
)
def test_a_signed_call_that_is_no_payment(raw: Raw, bank: PaymentAccount, change: dict[str, object]) -> None:
    assert isinstance(read_webhook(signed(raw, BODY | change), bank, (SECRET,)), Unreadable)


def test_a_reversal_names_what_went_back(raw: Raw, bank: PaymentAccount) -> None:
    back = BODY | {"status": "reversed", "receipt": "BANK-2", "linked_receipt": "BANK-1"}
    found = read_webhook(signed(raw, back), bank, (SECRET,))
    assert isinstance(found, Sighting)
    assert (found.status, found.linked_receipt) == ("reversed", "BANK-1")
    unnamed = read_webhook(signed(raw, back | {"linked_receipt": ""}), bank, (SECRET,))
    assert isinstance(unnamed, Sighting)
    assert unnamed.status == "ambiguous"
