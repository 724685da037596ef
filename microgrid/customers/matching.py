"""Finding the account a payment is meant for, on an open transaction: never a guess."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from microgrid.customers.phones import hash_of
from microgrid.customers.records import Account, Meter
from microgrid.customers.references import canonical, near_misses, spelling
from microgrid.customers.service import fitted
from microgrid.ports import UnitOfWork

SUGGESTED = 5  # a longer list is not read
LOOKED_AT = 100  # earlier payments of one number


@dataclass(frozen=True, slots=True)
class Match:
    """The account a reference means for certain, or those it may mean."""

    account_id: str | None
    suggestions: tuple[str, ...] = ()
    currency: str = ""  # of the account's site, where it was read with it


def find_account(
    uow: UnitOfWork, reference: str, reference_phone: str = "", payer: str = "", payer_kind: str = "none"
) -> Match:
    """Return the account a payment is meant for, or those it may be meant for; never a guess.

    A reference is an account, a meter or a phone number, in this order. The payer's own number, or its hash, only
    suggests: people pay for their neighbours.
    """
    plain = canonical(reference)
    exact = accounts_named(uow, plain) if plain else {}
    if len(exact) == 1:
        ((account_id, currency),) = exact.items()
        return Match(account_id, currency=currency)
    meant = set(exact) or accounts_spelt(uow, {spelling(reference)}) or accounts_of_phone(uow, reference_phone)
    if len(meant) == 1:
        return Match(next(iter(meant)))
    return Match(None, _suggested(uow, meant, reference, payer, payer_kind))


def accounts_named(uow: UnitOfWork, name: str) -> Mapping[str, str]:
    """Return the accounts of an id, the account's own or that of a meter fitted for it, each with its currency."""
    return uow.homes.named((name,))


def accounts_spelt(uow: UnitOfWork, spellings: Iterable[str]) -> set[str]:
    """Return the accounts whose id, or whose meter's, is spelt in one of these ways."""
    asked = set(spellings) - {""}
    if not asked:
        return set()
    return _accounts(uow, uow.accounts.where_in("spelling", asked), uow.meters.where_in("spelling", asked))


def accounts_of_phone(uow: UnitOfWork, phone: str) -> set[str]:
    """Return the open accounts of everybody who is known by a whole number."""
    if not phone:
        return set()
    owners = {customer.id for customer in uow.customers.where(phone=phone)}
    owners |= {row.customer_id for row in uow.phones.where(number=phone) if row.ended_at is None}
    return _open_accounts(uow, owners)


def _suggested(uow: UnitOfWork, meant: set[str], reference: str, payer: str, payer_kind: str) -> tuple[str, ...]:
    """Return the accounts a payment may be meant for, the likeliest first."""
    known = _known_by(uow, payer, payer_kind) if payer else set()
    near = accounts_spelt(uow, near_misses(reference))
    ordered = dict.fromkeys([*sorted(meant), *sorted(near & known), *sorted(near), *sorted(known)])
    return tuple(ordered)[:SUGGESTED]


def _known_by(uow: UnitOfWork, payer: str, payer_kind: str) -> set[str]:
    """Return the accounts a payer paid for before, and the payer's own; a masked number fits thousands of people."""
    if payer_kind not in ("e164", "hashed"):
        return set()
    hashed = hash_of(payer) if payer_kind == "e164" else payer
    paid = [row for number in {payer, hashed} for row in uow.payments.page(limit=LOOKED_AT, payer=number)]
    owners = {row.customer_id for row in uow.phones.where(hash=hashed) if row.ended_at is None}
    own = accounts_of_phone(uow, payer) if payer_kind == "e164" else set()
    return own | _open_accounts(uow, owners) | {row.account_id for row in paid if row.account_id}


def _accounts(uow: UnitOfWork, accounts: Iterable[Account], meters: Iterable[Meter]) -> set[str]:
    found = {account.id for account in accounts}
    named = [meter.id for meter in meters]
    if named:
        fits = fitted(uow.fits.where_in("meter_id", named))
        connections = uow.connections.get_all({fit.connection_id for fit in fits})
        found |= {connection.account_id for connection in connections.values()}
    return found


def _open_accounts(uow: UnitOfWork, customer_ids: Iterable[str]) -> set[str]:
    return {account.id for account in uow.accounts.where_in("customer_id", customer_ids) if account.closed_at is None}
