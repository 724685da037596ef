"""An emulated sender of signed webhooks: some calls come twice, late, replayed, or signed by somebody else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from microgrid.providers.emulators.faults import (
    Delivery,
    FaultPlan,
    Happened,
    Intended,
    Schedule,
    Wallet,
    arrivals_s,
    compact,
    forged_receipt,
    in_order,
    moment,
    receipt_of,
    said_phone,
    source,
    struck,
    typed,
)
from microgrid.providers.webhook import SIGNATURE_HEADER, TIMESTAMP_HEADER, signature
from microgrid.providers.wire_text import major_text


def schedule(chance: np.random.Generator, payments: Sequence[Intended], plan: FaultPlan, wallet: Wallet) -> Schedule:
    """Return what becomes of payments and every call they make; each copy is signed when it is sent."""
    happened: list[Happened] = []
    deliveries: list[Delivery] = []
    for number, intended in enumerate(payments):
        one = _happen(chance, plan, number, intended, wallet)
        happened.append(one)
        deliveries += _calls(chance, one, wallet)
    return Schedule(tuple(happened), in_order(chance, plan, deliveries))


def _happen(chance: np.random.Generator, plan: FaultPlan, number: int, intended: Intended, wallet: Wallet) -> Happened:
    faults = struck(chance, plan)
    reference = typed(chance, faults, intended, wallet)
    receipt = receipt_of(chance, number)
    return Happened(intended, receipt, "", "1" if "fails" in faults else "0", intended.at_s, reference, faults)


def _calls(chance: np.random.Generator, one: Happened, wallet: Wallet) -> list[Delivery]:
    times_s = arrivals_s(chance, one.struck, one.paid_at_s + 1)
    forged = forged_receipt(chance)
    calls = [_signed(at_s, body_of(one, wallet), one, wallet) for at_s in times_s]
    if "forged" in one.struck:
        lie = body_of(replace(one, receipt=forged), wallet)
        liar = replace(wallet, secret=b"guessed")
        calls.append(_signed(one.paid_at_s + 5, lie, one, liar))
        # Somebody who listened sends a true call again, a day later and byte for byte.
        true = _signed(one.paid_at_s + 1, body_of(one, wallet), one, wallet)
        calls.append(replace(true, at_s=true.at_s + 86_400))
    return calls


def _signed(at_s: int, body: bytes, one: Happened, wallet: Wallet) -> Delivery:
    stamp = str(int(moment(wallet, at_s).timestamp()))
    headers = {TIMESTAMP_HEADER: stamp, SIGNATURE_HEADER: signature(wallet.secret, stamp, body)}
    return Delivery(at_s, "webhook", body, source(one.struck, wallet), headers)


def body_of(one: Happened, wallet: Wallet) -> bytes:
    """Return the body of a call, with its time as the sender's clock shows it."""
    return compact(
        {
            "receipt": one.receipt,
            "amount": major_text(one.intended.amount_minor, wallet.account.exponent),
            "currency": wallet.account.currency,
            "paid_at": moment(wallet, one.said_at_s).isoformat(),
            "phone": said_phone(one.struck, one.intended.phone),
            "reference": one.typed_reference,
            "name": "" if "omit_names" in one.struck else " ".join(one.intended.names),
            "status": "paid" if one.paid else "failed",
        }
    )
