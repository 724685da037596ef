"""How statements and forwarded receipts are read: settings and providers joined."""

from __future__ import annotations

from dataclasses import replace

from microgrid.billing.sightings import Heard, Seen, Unclear
from microgrid.billing.statement_rows import ReadRow, ReadStatement, RefusedRow
from microgrid.cli.money_in import belief_of
from microgrid.cli.money_keys import account_of
from microgrid.kept import RawEvent
from microgrid.organisation import Organisation
from microgrid.payment_settings import PaymentAccountSettings
from microgrid.providers.hearing import PROVEN, heard
from microgrid.providers.payment_facts import PaymentAccount, RawRequest
from microgrid.providers.sms_receipt import read_sms_receipt
from microgrid.providers.statement import ABOUT, Statement, StatementLine, read_statement, sighting_of
from microgrid.statements import PaymentDesk


def desks(organisation: Organisation) -> tuple[PaymentDesk, ...]:
    """Return the payment accounts of an organisation with how their papers are read."""
    return tuple(desk_of(settings) for settings in organisation.payments)


def desk_of(settings: PaymentAccountSettings) -> PaymentDesk:
    """Return one payment account with how its papers are read."""
    account, belief = account_of(settings), belief_of(settings)

    def statement(raw: RawEvent) -> ReadStatement | Unclear:
        if account.provider != "mpesa":
            return Unclear(f"no statement of {account.provider} can be read, only M-Pesa's CSV")
        found = read_statement(raw.body, account)
        return _read(found, raw, account) if isinstance(found, Statement) else Unclear(found.reason)

    def receipt(raw: RawEvent, sender: str) -> Heard:
        request = _request(raw)
        return heard(read_sms_receipt(request, sender, account), request, account, belief)

    return PaymentDesk(settings.provider, settings.shortcode, settings.currency, settings.exponent, statement, receipt)


def _request(raw: RawEvent) -> RawRequest:
    return RawRequest(raw.body, raw.received_at, {}, raw.address)


def _read(found: Statement, raw: RawEvent, account: PaymentAccount) -> ReadStatement:
    request = replace(_request(raw), body=b"")  # every row tells of it for itself
    rows = tuple(_row(row, request, account) for row in found.rows if row.kind in ABOUT)
    refused = tuple(RefusedRow(row.line, row.reason) for row in found.unreadable)
    return ReadStatement(rows, refused, len(found.rows) - len(rows))


def _row(row: StatementLine, request: RawRequest, account: PaymentAccount) -> ReadRow:
    sighting = sighting_of(row, account)
    told = None if sighting is None else heard(sighting, request, account, PROVEN)
    return ReadRow(
        ABOUT[row.kind],
        row.receipt,
        row.linked_receipt,
        row.paid_in_minor - row.withdrawn_minor,
        row.completed_at,
        row.balance_minor,
        row.details,
        row.line,
        told if isinstance(told, Seen) else None,
    )
