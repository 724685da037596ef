"""Statements as people download them: every row is money told apart, or a line that is named."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from microgrid.providers.payment_facts import PaymentAccount, Phone, Sighting, Unreadable
from microgrid.providers.statement import Statement, StatementLine, movements, read_statement, sightings

COLUMNS = (
    "Receipt No.,Completion Time,Initiation Time,Details,Transaction Status,Paid In,Withdrawn,Balance,"
    "Balance Confirmed,Reason Type,Other Party Info,Linked Transaction ID,A/C No."
)
PAYMENT = (
    "RKTQDM7W6S,22-11-2026 06:38:45,22-11-2026 06:38:40,Pay Bill from 254708374149 Acc. METER0012,Completed,"
    '"1,250.00",,"10,000.00",true,Pay Utility,254708374149 - JANE DOE,,METER0012'
)
CHARGE = "RKTQDM7W6S,22-11-2026 06:38:45,22-11-2026 06:38:40,Pay Bill Charge,Completed,,-5.50,9994.50,true,Charge,,,"
REVERSAL = (
    "RKV1,23-11-2026 07:00:00,23-11-2026 07:00:00,Transaction Reversal,Completed,,"
    '"-1,250.00",8744.50,true,Pay Utility Reversal,254708374149 - JANE DOE,RKTQDM7W6S,'
)
TO_BANK = (
    "RKX1,23-11-2026 08:00:00,23-11-2026 08:00:00,Organization Settlement,Completed,,8000.00,744.50,true,Transfer,,,"
)
DECLINED = "RKY1,23-11-2026 08:01:00,23-11-2026 08:01:00,Pay Bill,Declined,50.00,,744.50,true,Pay Utility,,,METER0012"
PREAMBLE = "Organization Statement\r\nShort Code:,600638\r\nTime Period:,From 22-11-2026\r\n\r\n"


def file_of(*rows: str, preamble: str = PREAMBLE, columns: str = COLUMNS) -> bytes:
    return (preamble + "\r\n".join((columns, *rows)) + "\r\n").encode()


def read(content: bytes, account: PaymentAccount) -> Statement:
    found = read_statement(content, account)
    assert isinstance(found, Statement)
    return found


def test_rows_are_what_they_are(kenya: PaymentAccount) -> None:
    statement = read(file_of(PAYMENT, CHARGE, REVERSAL, TO_BANK, DECLINED), kenya)
    assert statement.unreadable == ()
    kinds = [(row.kind, row.receipt, row.paid_in_minor, row.withdrawn_minor) for row in statement.rows]
    assert kinds == [
        ("payment", "RKTQDM7W6S", 125_000, 0),
        ("charge", "RKTQDM7W6S", 0, 550),
        ("reversal", "RKV1", 0, 125_000),
        ("withdrawal", "RKX1", 0, 800_000),
        ("not_completed", "RKY1", 5_000, 0),
    ]
    assert statement.rows[0] == StatementLine(
        "payment",
        "RKTQDM7W6S",
        datetime(2026, 11, 22, 3, 38, 45, tzinfo=UTC),
        125_000,
        0,
        1_000_000,
        "Pay Bill from 254708374149 Acc. METER0012",
        Phone("e164", "+254708374149"),
        "JANE DOE",
        "METER0012",
        "",
        6,
    )


def test_only_payments_and_their_reversals_are_sightings(kenya: PaymentAccount) -> None:
    found = sightings(read(file_of(PAYMENT, CHARGE, REVERSAL, TO_BANK, DECLINED), kenya), kenya)
    assert [(one.status, one.receipt, one.amount_minor, one.linked_receipt) for one in found] == [
        ("paid", "RKTQDM7W6S", 125_000, ""),
        ("reversed", "RKV1", 125_000, "RKTQDM7W6S"),
    ]
    assert isinstance(found[0], Sighting)


def test_completed_rows_are_what_reconciliation_compares(kenya: PaymentAccount) -> None:
    found = movements(read(file_of(PAYMENT, CHARGE, REVERSAL, TO_BANK, DECLINED), kenya))
    assert [(one.about, one.receipt, one.amount_minor, one.linked_receipt, one.row_id) for one in found] == [
        ("payment", "RKTQDM7W6S", 125_000, "", "line 6"),
        ("charge", "RKTQDM7W6S", -550, "", "line 7"),
        ("reversal", "RKV1", -125_000, "RKTQDM7W6S", "line 8"),
        ("transfer", "RKX1", -800_000, "", "line 9"),
    ]


def test_a_customer_cannot_make_a_payment_look_like_a_charge(kenya: PaymentAccount) -> None:
    sly = PAYMENT.replace("Acc. METER0012", "Acc. reversal fee")
    assert [row.kind for row in read(file_of(sly), kenya).rows] == ["payment"]


@pytest.mark.parametrize(
    "content",
    [
        file_of(PAYMENT, preamble=""),
        "\N{ZERO WIDTH NO-BREAK SPACE}".encode() + file_of(PAYMENT),
        file_of(PAYMENT).decode().encode("utf-16"),
        file_of(PAYMENT.replace(",", ";").replace('"1;250.00"', "1250.00"), columns=COLUMNS.replace(",", ";")),
        file_of(PAYMENT.replace("22-11-2026", "2026-11-22")),
        file_of(PAYMENT.replace("22-11-2026", "22/11/2026")),
        file_of(PAYMENT, "", ",,,,,,,,,,,,", columns=COLUMNS.upper()),
        file_of("RKTQDM7W6S,22-11-2026 06:38:45,1250", columns="Receipt,Date,Credit", preamble=""),
    ],
)
def test_layouts_vary(content: bytes, kenya: PaymentAccount) -> None:
    statement = read(content, kenya)
    assert statement.unreadable == ()
    (row,) = statement.rows
    assert (row.receipt, row.paid_in_minor) == ("RKTQDM7W6S", 125_000)
    assert row.completed_at == datetime(2026, 11, 22, 3, 38, 45, tzinfo=UTC)


@pytest.mark.parametrize(
    "bad",
    [
        PAYMENT.replace("RKTQDM7W6S", ""),
        PAYMENT.replace("22-11-2026 06:38:45", "yesterday"),
        PAYMENT.replace('"1,250.00"', "1.250,00"),
        PAYMENT.replace('"1,250.00"', "12.345"),
        PAYMENT.replace('"1,250.00",,', '"1,250.00",5.00,'),
        PAYMENT.replace('"1,250.00"', ""),
        'RKTQDM7W6S,"22-11-2026',
    ],
)
def test_a_row_that_cannot_be_read_is_named_and_spoils_no_other(bad: str, kenya: PaymentAccount) -> None:
    statement = read(file_of(bad, PAYMENT), kenya)
    assert [problem.line for problem in statement.unreadable] == [6]
    assert [row.line for row in statement.rows] == [7]


@pytest.mark.parametrize("content", [b"", b"hello", b"\x00" * 100, b"a,b\n1,2\n", b"PK\x03\x04" + b"\xff" * 50])
def test_other_files_are_no_statement(content: bytes, kenya: PaymentAccount) -> None:
    found = read_statement(content, kenya)
    assert isinstance(found, Unreadable)
    assert "Receipt No." in found.reason


def test_the_statement_of_another_shortcode_is_refused(kenya: PaymentAccount) -> None:
    found = read_statement(file_of(PAYMENT), replace(kenya, shortcode="111222"))
    assert isinstance(found, Unreadable)
    assert "600638" in found.reason
