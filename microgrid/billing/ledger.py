"""The books: journals that sum to zero, never changed, corrected only by their mirror image.

Amounts are integer minor units; a debit is positive, a credit negative. Assets and expenses are debit accounts,
liabilities and income credit accounts. What we owe a customer is the credit on `customer:<account>`; when it turns into
a debit the customer owes us.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a journal: debit positive, credit negative [minor units]."""

    account: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Journal:
    """One event in the books. `posted_at` is when we knew it, `value_at` when it happened."""

    id: str  # client-made: the provider's receipt, the account and day of a charge
    kind: str  # payment, charge, move, reversal, fee, ...
    currency: str
    posted_at: datetime
    value_at: datetime
    entries: tuple[Entry, ...]
    reverses: str | None = None
    note: str = ""


CHART = {
    "cash": "asset",
    "transit": "asset",
    "agent_float": "asset",
    "agent_receivable": "asset",
    "receivable": "asset",
    "customer": "liability",
    "suspense": "liability",
    "deposit": "liability",
    "refunds_payable": "liability",
    "tax": "liability",
    "revenue": "income",
    "provider_charges": "expense",
    "bad_debt": "expense",
    "promotion": "expense",
    "opening": "equity",
}


CASH = "cash"  # the provider of payments in coins and notes
OFFICE = "office"  # where such a payment is taken, unless an agent took it


def cash(provider: str, shortcode: str) -> str:
    """Return the account of money held: at a provider, in the office, or by the agent who took it."""
    if provider != CASH:
        return f"cash:{provider}:{shortcode}"
    return office_cash() if shortcode == OFFICE else agent_float(shortcode)


def office_cash() -> str:
    """Return the account of the cash in the office."""
    return f"cash:{OFFICE}"


def agent_float(agent_id: str) -> str:
    """Return the account of the cash an agent holds for us."""
    return f"agent_float:{agent_id}"


def agent_receivable(agent_id: str) -> str:
    """Return the account of what an agent owes since cash was missing."""
    return f"agent_receivable:{agent_id}"


def refunds_payable(provider: str, shortcode: str) -> str:
    """Return the account of money that is to go back to its payers."""
    return f"refunds_payable:{provider}:{shortcode}"


def bad_debt(site_id: str) -> str:
    """Return the expense account of debts given up at a site."""
    return f"bad_debt:{site_id}"


def suspense(provider: str, shortcode: str) -> str:
    """Return the account of money whose owner is not known yet."""
    return f"suspense:{provider}:{shortcode}"


def customer(account_id: str) -> str:
    """Return the account of what a customer has paid and not used."""
    return f"customer:{account_id}"


def revenue(kind: str, site_id: str) -> str:
    """Return the income account of a kind of sale (energy, rental, appliance, fees) at a site."""
    return f"revenue:{kind}:{site_id}"


def lease_receivable(contract_id: str) -> str:
    """Return the account of what fell due of a lease and is not paid."""
    return f"receivable:lease:{contract_id}"


def faults(journal: Journal) -> Iterable[str]:
    """Yield what is wrong with a journal: it must balance, move something, and name accounts of the chart."""
    total = sum(entry.amount_minor for entry in journal.entries)
    if total != 0:
        yield f"its entries sum to {total}, not 0"
    if len(journal.entries) < 2 or not any(entry.amount_minor for entry in journal.entries):
        yield "it moves nothing"
    for entry in journal.entries:
        if entry.account.split(":", 1)[0] not in CHART:
            yield f"the chart has no account '{entry.account}'"


def mirror(journal: Journal, id: str, posted_at: datetime, note: str) -> Journal:  # noqa: A002  the field's name
    """Return the journal that takes back another one, line by line."""
    entries = tuple(Entry(entry.account, -entry.amount_minor) for entry in journal.entries)
    return Journal(id, "reversal", journal.currency, posted_at, posted_at, entries, journal.id, note)
