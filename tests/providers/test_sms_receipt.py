"""Receipts two wallets send by SMS."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from microgrid.providers.payment_facts import PaymentAccount, Phone, RawRequest, Sighting, Unreadable
from microgrid.providers.sms_receipt import read_sms_receipt

Raw = Callable[..., RawRequest]
PAYBILL = (
    "PK375T4C39 Confirmed. on 25/11/21 at 6:56 PM Ksh5,300.00 received from NDIRANGU M. DOE 254723500586.  "
    "Account Number METER 0012 New Utility balance is Ksh5,300.00"
)
TO_PHONE = (
    "TJF987E58C Confirmed.You have received Ksh300.00 from JANE DOE 0712121212 on 15/10/24 at 12:16 AM  "
    "New M-PESA balance is Ksh123.12. Dial *334#"
)
MOMO = (
    "You have received 2,000 RWF from Jane Smith (*********013) on your mobile money account at 2024-05-10 16:30:51. "
    "Message from sender: METER0012. Your new balance:2,000 RWF. Financial Transaction Id: 76662021700."
)


@pytest.fixture
def rwanda() -> PaymentAccount:
    return PaymentAccount("momo", "250788110381", "RWF", 0, "RW")


def test_a_payment_to_a_paybill(raw: Raw, kenya: PaymentAccount) -> None:
    found = read_sms_receipt(raw(PAYBILL), "MPESA", kenya)
    assert found == Sighting(
        "mpesa",
        "600638",
        "paid",
        "sms",
        "KES",
        receipt="PK375T4C39",
        amount_minor=530_000,
        paid_at=datetime(2021, 11, 25, 15, 56, tzinfo=UTC),
        payer=Phone("e164", "+254723500586"),
        reference="METER 0012",
        channel="sms",
        names=("NDIRANGU M. DOE",),
    )


def test_a_payment_to_a_phone(raw: Raw, kenya: PaymentAccount) -> None:
    found = read_sms_receipt(raw(TO_PHONE), " mpesa ", kenya)
    assert isinstance(found, Sighting)
    assert (found.receipt, found.amount_minor, found.reference) == ("TJF987E58C", 30_000, "")
    assert (found.paid_at, found.payer) == (
        datetime(2024, 10, 14, 21, 16, tzinfo=UTC),
        Phone("e164", "+254712121212"),
    )


def test_a_till_receipt_has_no_reference(raw: Raw, kenya: PaymentAccount) -> None:
    found = read_sms_receipt(raw(PAYBILL.replace("Account Number METER 0012 ", "")), "MPESA", kenya)
    assert isinstance(found, Sighting)
    assert (found.receipt, found.reference) == ("PK375T4C39", "")


def test_a_payment_by_momo(raw: Raw, rwanda: PaymentAccount) -> None:
    found = read_sms_receipt(raw(MOMO), "M-Money", rwanda)
    assert isinstance(found, Sighting)
    assert (found.receipt, found.amount_minor, found.reference) == ("76662021700", 2000, "METER0012")
    assert found.paid_at == datetime(2024, 5, 10, 14, 30, 51, tzinfo=UTC)
    assert (found.payer, found.names) == (Phone("masked", "*********013"), ("Jane Smith",))


@pytest.mark.parametrize("sender", ["+254712345678", "M-PESA-KE", "", "M-Money"])
def test_another_sender_is_not_the_wallet(raw: Raw, kenya: PaymentAccount, sender: str) -> None:
    assert isinstance(read_sms_receipt(raw(PAYBILL), sender, kenya), Unreadable)


@pytest.mark.parametrize(
    "text",
    [
        "TCO3V7DGN3 Confirmed. Ksh3,000.00 sent to JOHN DOE 0712345678 on 24/3/25 at 8:02 AM. New balance is Ksh1",
        "MN89MNO1AB Confirmed. Transaction QC34XYZ has been reversed. Ksh2,500.00 has been returned to your account",
        "Dear customer, you will receive Ksh5,300.00 received from nobody",
        PAYBILL.replace("25/11/21", "29/13/21"),
        PAYBILL.replace("Ksh5,300.00 rec", "Ksh5,30.00 rec"),
        PAYBILL.replace("Ksh5,300.00 rec", "Ksh0.00 rec"),
        "FWD: " + PAYBILL,
        "",
    ],
)
def test_what_is_no_receipt_of_money_in(raw: Raw, kenya: PaymentAccount, text: str) -> None:
    assert isinstance(read_sms_receipt(raw(text), "MPESA", kenya), Unreadable)


def test_another_currency_is_refused(raw: Raw, rwanda: PaymentAccount) -> None:
    assert isinstance(read_sms_receipt(raw(MOMO.replace("RWF from", "UGX from")), "M-Money", rwanda), Unreadable)
