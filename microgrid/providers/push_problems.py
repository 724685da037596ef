"""Why a customer cannot be asked to pay: found before a request is sent, all of it at once."""

from __future__ import annotations

from microgrid.billing.payments import Payment
from microgrid.errors import InvalidInput, Problem
from microgrid.providers.payment_facts import PaymentAccount, Phone
from microgrid.providers.wire_text import clean, major_text


def whole_amount_problems(amount_minor: int, account: PaymentAccount) -> list[Problem]:
    """Return why a wallet that takes whole units only would refuse an amount."""
    unit = 10**account.exponent
    if amount_minor > 0 and amount_minor % unit == 0:
        return []
    return [
        Problem(
            "MG-P401",
            f"{_written(amount_minor, account)} cannot be asked for through this wallet",
            "it takes whole units above zero only",
            f"ask for {max(1, -(-amount_minor // unit))} {account.currency}",
        )
    ]


def amount_problems(amount_minor: int, account: PaymentAccount) -> list[Problem]:
    """Return why a wallet that also takes decimals would refuse an amount."""
    if amount_minor > 0:
        return []
    said = f"{_written(amount_minor, account)} cannot be asked for"
    return [Problem("MG-P401", said, "an amount is above zero", "ask for an amount above zero")]


def payer_problems(payer: Phone) -> list[Problem]:
    """Return why nobody can be asked to pay at a number."""
    if payer.kind == "e164":
        return []
    said = f"the payer's number is only known {payer.kind} ('{payer.text[:20]}'); nobody can be asked to pay there"
    return [Problem("MG-P402", said, "a wallet needs the whole number", "ask the customer for the number")]


def length_problems(name: str, text: str, most: int) -> list[Problem]:
    """Return why a wallet would refuse a text."""
    if 1 <= len(text) <= most:
        return []
    said = f"the {name} '{clean(text)}' has {len(text)} characters; this wallet takes 1 to {most}"
    why = "the provider refuses longer texts, or cuts them so that the payment cannot be matched"
    return [Problem("MG-P403", said, why, f"write 1 to {most} characters")]


def _written(amount_minor: int, account: PaymentAccount) -> str:
    sign = "-" if amount_minor < 0 else ""
    return f"{sign}{major_text(abs(amount_minor), account.exponent)} {account.currency}"


def no_way_back(payment: Payment) -> InvalidInput:
    """Return why a payment cannot be given back by a program of ours."""
    what = f"payment '{payment.id}' cannot be given back through the programs of {payment.provider}"
    fix = "send the money back on the provider's portal, then book that with `microgrid pay reverse`"
    return InvalidInput(Problem("MG-P022", what, "the provider offers no such request to collections", fix))
