"""The messages wallets send to a business's own phone, made up for payments that happened."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from microgrid.providers.emulators.faults import (
    Delivery,
    FaultPlan,
    Happened,
    Schedule,
    Wallet,
    arrivals_s,
    in_order,
    moment,
)
from microgrid.providers.sms_receipt import KIGALI
from microgrid.providers.wire_text import NAIROBI, major_text


def schedule(chance: np.random.Generator, happened: Sequence[Happened], plan: FaultPlan, wallet: Wallet) -> Schedule:
    """Return the messages of payments that happened elsewhere: the same receipts, seen by another channel."""
    deliveries: list[Delivery] = []
    for one in happened:
        times_s = arrivals_s(chance, one.struck, one.paid_at_s + 4)
        if one.paid:
            deliveries += [Delivery(at_s, "sms", text_of_receipt(one, wallet), sender(wallet)) for at_s in times_s]
    return Schedule(tuple(happened), in_order(chance, plan, deliveries))


def sender(wallet: Wallet) -> str:
    """Return who a wallet's messages say they are from."""
    return "MPESA" if wallet.account.provider == "mpesa" else "M-Money"


def text_of_receipt(one: Happened, wallet: Wallet) -> bytes:
    """Return the text of the message in the form of the wallet."""
    name = " ".join(one.intended.names) or "CUSTOMER"
    amount = f"{major_text(one.intended.amount_minor, wallet.account.exponent)}"
    digits = one.intended.phone.lstrip("+")
    if wallet.account.provider == "mpesa":
        at = moment(wallet, one.paid_at_s).astimezone(NAIROBI)
        when = f"{at.day}/{at.month}/{at:%y} at {at.hour % 12 or 12}:{at:%M} {'AM' if at.hour < 12 else 'PM'}"
        words = f"{one.receipt} Confirmed. on {when} Ksh{_grouped(amount)} received from {name} {digits}."
        return f"{words}  Account Number {one.typed_reference} New Utility balance is Ksh1,000.00".encode()
    at = moment(wallet, one.paid_at_s).astimezone(KIGALI)
    words = f"You have received {amount} {wallet.account.currency} from {name} (*********{digits[-3:]})"
    place = f"on your mobile money account at {at:%Y-%m-%d %H:%M:%S}"
    note = f"Message from sender: {one.typed_reference}. Your new balance:{amount} {wallet.account.currency}."
    return f"{words} {place}. {note} Financial Transaction Id: {one.receipt}.".encode()


def _grouped(amount: str) -> str:
    whole, point, rest = amount.partition(".")
    return f"{int(whole):,}{point}{rest}"
