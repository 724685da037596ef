"""The paper of a payment account: what M-Pesa writes on its statement of 600638."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from microgrid.cli.paper_in import desk_of
from microgrid.payment_settings import PaymentAccountSettings
from microgrid.statements import PaymentDesk, TakenStatement, paper, take_statement
from tests.flows.village import START, Village

COLUMNS = (
    "Receipt No.,Completion Time,Initiation Time,Details,Transaction Status,Paid In,Withdrawn,Balance,"
    "Balance Confirmed,Reason Type,Other Party Info,Linked Transaction ID,A/C No."
)
PREAMBLE = "Organization Statement\r\nShort Code:,600638\r\n\r\n"
NAIROBI = timedelta(hours=3)


def desk() -> PaymentDesk:
    """Return the payment account 600638."""
    account = {"provider": "mpesa", "shortcode": "600638", "currency": "KES", "exponent": 2, "region": "KE"}
    return desk_of(PaymentAccountSettings.model_validate({**account, "secret_path": "7hX2vQ9rLw4nTz8b"}))


@dataclass
class Paper:
    """A statement that grows row by row, with its running balance."""

    balance_minor: int = 0
    rows: list[str] = field(default_factory=list)

    def paid(self, receipt: str, amount_minor: int, at: datetime = START, reference: str = "K-104") -> Paper:
        """Write down a payment."""
        return self._row(receipt, amount_minor, at, "Pay Bill", "Pay Utility", reference=reference)

    def charged(self, receipt: str, amount_minor: int, at: datetime = START) -> Paper:
        """Write down what the provider took."""
        return self._row(receipt, -amount_minor, at, "Pay Bill Charge", "Charge")

    def returned(self, receipt: str, of: str, amount_minor: int, at: datetime = START) -> Paper:
        """Write down that a payment went back."""
        return self._row(receipt, -amount_minor, at, "Transaction Reversal", "Pay Utility Reversal", linked=of)

    def swept(self, receipt: str, amount_minor: int, at: datetime = START) -> Paper:
        """Write down what went to the bank."""
        return self._row(receipt, -amount_minor, at, "Organization Settlement", "Transfer")

    def without(self, *receipts: str) -> Paper:
        """Return the same paper without the rows of some receipts."""
        kept = [row for row in self.rows if row.split(",", 1)[0] not in receipts]
        return Paper(self.balance_minor, kept)

    def text(self) -> bytes:
        """Return the file."""
        return (PREAMBLE + "\r\n".join((COLUMNS, *self.rows)) + "\r\n").encode()

    def hand_in(self, village: Village) -> TakenStatement:
        """Hand the file in as the bookkeeper does."""
        raw = paper(desk(), "statement", self.text(), village.clock.now())
        return take_statement(village.core, desk(), raw, "bookkeeper")

    def _row(
        self,
        receipt: str,
        amount_minor: int,
        at: datetime,
        details: str,
        reason: str,
        linked: str = "",
        reference: str = "",
    ) -> Paper:
        self.balance_minor += amount_minor
        when = f"{at + NAIROBI:%d-%m-%Y %H:%M:%S}"
        paid, withdrawn = (_text(amount_minor), "") if amount_minor > 0 else ("", _text(amount_minor))
        cells = (receipt, when, when, details, "Completed", paid, withdrawn, _text(self.balance_minor), "true", reason)
        self.rows.append(",".join((*cells, "254712000104 - AMINA", linked, reference)))
        return self


def _text(amount_minor: int) -> str:
    sign = "-" if amount_minor < 0 else ""
    return f"{sign}{abs(amount_minor) // 100}.{abs(amount_minor) % 100:02}"
