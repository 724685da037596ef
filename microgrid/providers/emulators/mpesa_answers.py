"""An emulated M-Pesa answers questions from its books: status, push query, pull, reversal, and the statement file."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence

import numpy as np

from microgrid.providers.emulators.faults import Happened, Wallet, compact, forged_receipt, moment
from microgrid.providers.mpesa_requests import PULL_PAGE, timestamp
from microgrid.providers.wire_text import NAIROBI, major_text

STATEMENT_COLUMNS = (
    "Receipt No.",
    "Completion Time",
    "Initiation Time",
    "Details",
    "Transaction Status",
    "Paid In",
    "Withdrawn",
    "Balance",
    "Balance Confirmed",
    "Reason Type",
    "Other Party Info",
    "Linked Transaction ID",
    "A/C No.",
)


def books(happened: Sequence[Happened]) -> dict[str, Happened]:
    """Return what happened by receipt, and by request where there was one."""
    by_receipt = {one.receipt: one for one in happened if one.paid}
    return by_receipt | {one.request_id: one for one in happened if one.request_id}


def status_result(book: Mapping[str, Happened], receipt: str, wallet: Wallet, our_id: str = "") -> bytes:
    """Return what arrives later when the state of a receipt was asked: an unknown one is an error, not a state."""
    one = book.get(receipt)
    if one is None or not one.paid:
        return _result("2032", "The transaction cannot be found.", receipt, our_id, {})
    keys = {
        "ReceiptNo": one.receipt,
        "Amount": major_text(one.intended.amount_minor, wallet.account.exponent),
        "TransactionStatus": "Completed",
        "InitiatedTime": timestamp(moment(wallet, one.paid_at_s)),
        "FinalisedTime": timestamp(moment(wallet, one.paid_at_s)),
        "DebitPartyName": f"{one.intended.phone.lstrip('+')} - {' '.join(one.intended.names)}",
        "CreditPartyName": f"{wallet.account.shortcode} - SHOP",
    }
    return _result("0", "The service request is processed successfully.", receipt, our_id, keys)


def stk_query_answer(book: Mapping[str, Happened], request_id: str) -> bytes:
    """Return the direct answer to the question how a push stands."""
    one = book.get(request_id)
    if one is None:
        return compact({"requestId": "1", "errorCode": "500.001.1001", "errorMessage": "The transaction is unknown"})
    return compact(
        {
            "ResponseCode": "0",
            "ResponseDescription": "The service request has been accepted successfully",
            "CheckoutRequestID": request_id,
            "ResultCode": one.code,
            "ResultDesc": "The service request is processed successfully." if one.paid else "Request failed",
        }
    )


def reversal_result(book: Mapping[str, Happened], receipt: str, wallet: Wallet, our_id: str = "") -> bytes:
    """Return what arrives later when a receipt was to be reversed."""
    one = book.get(receipt)
    if one is None or not one.paid:
        return _result("R000002", "The OriginalTransactionID is invalid.", receipt, our_id, {})
    if one.reversed_at_s is not None:
        return _result("R000001", "The transaction has already been reversed.", receipt, our_id, {})
    keys = {
        "DebitAccountBalance": f"Utility Account|{wallet.account.currency}|0.00",
        "Amount": major_text(one.intended.amount_minor, wallet.account.exponent),
        "TransCompletedTime": timestamp(moment(wallet, one.paid_at_s + 60)),
        "OriginalTransactionID": one.receipt,
        "Charge": "0",
    }
    return _result("0", "The service request is processed successfully.", f"V{receipt[1:]}", our_id, keys)


def _result(code: str, words: str, receipt: str, our_id: str, keys: Mapping[str, str]) -> bytes:
    items: list[dict[str, str]] = [{"Key": key, "Value": value} for key, value in keys.items()]
    result = {
        "ResultType": 0,
        "ResultCode": int(code) if code.isdigit() else code,
        "ResultDesc": words,
        "OriginatorConversationID": our_id,
        "ConversationID": "AG_20261123_1",
        "TransactionID": receipt,
        "ResultParameters": {"ResultParameter": [*items, {"Key": "ReasonType"}]},
    }
    return json.dumps({"Result": result}, separators=(",", ":")).encode()


def pull_page(happened: Sequence[Happened], wallet: Wallet, start_s: int, end_s: int, offset: int) -> bytes:
    """Return one page of the list of payments; its times say UTC and are Nairobi's."""
    rows = [one for one in happened if one.paid and start_s <= one.paid_at_s < end_s][offset : offset + PULL_PAGE]
    written = [
        {
            "transactionId": one.receipt,
            "trxDate": f"{moment(wallet, one.paid_at_s).astimezone(NAIROBI):%Y-%m-%dT%H:%M:%S}Z",
            "msisdn": one.intended.phone.lstrip("+"),
            "sender": " ".join(one.intended.names),
            "transactiontype": "c2b-pay-bill-debit",
            "billreference": one.typed_reference,
            "amount": major_text(one.intended.amount_minor, wallet.account.exponent),
            "organizationname": "SHOP",
        }
        for one in rows
    ]
    return compact({"ResponseRefID": "1", "ResponseCode": "1000" if rows else "1001", "Response": [written]})


def statement_file(
    chance: np.random.Generator, happened: Sequence[Happened], wallet: Wallet, charge_minor: int = 0
) -> bytes:
    """Return the statement of a run: payments, charges and reversals by time, with rows missing and rows too many."""
    rows: list[tuple[int, dict[str, str]]] = []
    for one in happened:
        extra = forged_receipt(chance)
        if one.paid and "statement_missing" not in one.struck:
            rows += _payment_rows(one, wallet, charge_minor)
        if one.reversed_at_s is not None:
            rows.append((one.reversed_at_s, _reversal_row(one, wallet)))
        if "statement_extra" in one.struck:
            rows.append((one.paid_at_s, _payment_row(one, wallet) | {"Receipt No.": extra}))
    text = io.StringIO()
    text.write(f"Organization Statement\r\nShort Code:,{wallet.account.shortcode}\r\n\r\n")
    writer = csv.DictWriter(text, STATEMENT_COLUMNS, restval="")
    writer.writeheader()
    for at_s, row in sorted(rows, key=lambda pair: pair[0]):
        at = f"{moment(wallet, at_s).astimezone(NAIROBI):%d-%m-%Y %H:%M:%S}"
        writer.writerow(row | {"Completion Time": at, "Initiation Time": at, "Transaction Status": "Completed"})
    return text.getvalue().encode()


def _payment_rows(one: Happened, wallet: Wallet, charge_minor: int) -> list[tuple[int, dict[str, str]]]:
    rows = [(one.paid_at_s, _payment_row(one, wallet))]
    if charge_minor:
        charge = {"Receipt No.": one.receipt, "Details": "Pay Bill Charge", "Withdrawn": _grouped(charge_minor, wallet)}
        rows.append((one.paid_at_s, charge))
    return rows


def _payment_row(one: Happened, wallet: Wallet) -> dict[str, str]:
    return {
        "Receipt No.": one.receipt,
        "Details": f"Pay Bill from {one.intended.phone.lstrip('+')} Acc. {one.typed_reference}",
        "Paid In": _grouped(one.intended.amount_minor, wallet),
        "Reason Type": "Pay Utility",
        "Other Party Info": f"{one.intended.phone.lstrip('+')} - {' '.join(one.intended.names)}",
        "A/C No.": one.typed_reference,
    }


def _reversal_row(one: Happened, wallet: Wallet) -> dict[str, str]:
    return {
        "Receipt No.": one.reversal_receipt,
        "Details": "Transaction Reversal",
        "Withdrawn": f"-{_grouped(one.intended.amount_minor, wallet)}",
        "Reason Type": "Pay Utility Reversal",
        "Other Party Info": f"{one.intended.phone.lstrip('+')} - {' '.join(one.intended.names)}",
        "Linked Transaction ID": one.receipt,
    }


def _grouped(amount_minor: int, wallet: Wallet) -> str:
    whole, point, rest = major_text(amount_minor, wallet.account.exponent).partition(".")
    return f"{int(whole):,}{point}{rest}"
