"""Commands of an operator on the books of a folder: payments, customers, keys, and the proof of the books."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from microgrid import access, actions, views
from microgrid.api.bodies import plain
from microgrid.billing.service import Receipt
from microgrid.cli.output import talk, write, write_json
from microgrid.cli.serving import open_books, open_core, settings, upgrade
from microgrid.customers.agents import person_of
from microgrid.customers.reach import Reach
from microgrid.customers.records import Customer
from microgrid.errors import InvalidInput, Problem, as_json, as_text

SECRET_BYTES = 24  # 192 bits


def upgrade_books(folder: Path) -> None:
    """Bring the tables of a folder's books up."""
    talk(f"the tables of {upgrade(folder)} are up to date")


def new_secrets_key(folder: Path) -> None:
    """Make the key file of a folder."""
    from microgrid.sealing import make_key_file

    settings(folder)  # a folder without settings keeps no books
    talk(f"{make_key_file(folder).as_posix()} is made; keep a copy of it apart from the books")


def verify_books(folder: Path, *, json: bool) -> int:
    """Prove the books; exit code 1 when something in them is not true."""
    from microgrid.store.verify import verify

    store = open_books(folder)
    found = verify(store)
    counts = {"journals": found.journals, "lines": found.lines, "payments": found.payments}
    if json:
        broken = [as_json(problem) for problem in found.broken]
        write_json("microgrid.verify/1", {**counts, "true": not broken, "broken": broken})
    elif found.broken:
        talk(as_text(found.broken))
    else:
        counted = ", ".join(f"{count:,} {name}" for name, count in counts.items())
        write(f"The books are true: {counted}.")
    return 1 if found.broken else 0


def user_of_key(person: str, agent: str) -> str:
    """Return who uses a key, as the audit log calls them; empty for nobody in particular."""
    if person and agent:
        raise InvalidInput(Problem("MG-A013", "a key is for a person or for an agent", fix="give one of the two"))
    return person_of(agent) if agent else f"person:{person}" if person else ""


def new_key(folder: Path, name: str, scopes: list[str], user: str, bound_to: tuple[list[str], list[str]]) -> None:
    """Make a key and print it, once; `bound_to` are the sites and the meters that it reaches, none for all."""
    sites, meters = bound_to
    reach = Reach(frozenset(sites), frozenset(meters))
    key = access.add_key(open_core(folder), name, secrets.token_urlsafe(SECRET_BYTES), scopes, actor(), user, reach)
    talk("Keep this key; it is shown only now.")
    write(key)


def revoke_key(folder: Path, name: str) -> None:
    """End a key for ever."""
    access.revoke_key(open_core(folder), name, actor())
    talk(f"the key '{name}' is ended")


def move_payment(folder: Path, payment: str, account: str, note: str) -> None:
    """Move a payment to the account it was meant for."""
    tell(actions.move_payment(open_core(folder), payment, account, actor(), note))


def move_back(folder: Path, payment: str, note: str) -> None:
    """Move a payment back to suspense."""
    tell(actions.move_back(open_core(folder), payment, actor(), note))


def reverse_payment(folder: Path, payment: str, note: str) -> None:
    """Book that a payment went back to its payer."""
    tell(actions.reverse_payment(open_core(folder), payment, actor(), note))


def add_customer(folder: Path, key: str, name: str, phone: str | None) -> None:
    """Add a customer."""
    actions.add_customer(open_core(folder), Customer(key, name, phone), actor())
    talk(f"customer '{key}' is there")


def show_customer(folder: Path, key: str) -> None:
    """Show a customer with accounts and credit."""
    core = open_core(folder)
    found = views.customer(core, key)
    accounts = [plain(views.account(core, account.id, limit=10)) for account in found.accounts]
    people = {"customer": plain(found.customer), "phones": plain(found.phones)}
    write_json("microgrid.customer/1", {**people, "accounts": accounts})


def actor() -> str:
    """Return who is at the keyboard, for the audit log."""
    return f"person:{os.environ.get('SUDO_USER') or os.environ.get('USER') or 'unknown'}"


def tell(receipt: Receipt) -> None:
    """Say what became of a payment."""
    known = "" if receipt.is_new else " (known before, nothing changed)"
    talk(f"{receipt.payment.id} is {receipt.payment.status}{known}")
    for suggestion in receipt.suggestions:
        talk(f"   it may be meant for {suggestion}")
    write_json("microgrid.payment/1", {"payment": plain(receipt.payment), "suggestions": list(receipt.suggestions)})


def above_zero(amount_minor: int) -> int:
    """Return an amount that somebody typed; InvalidInput when it is none."""
    if amount_minor <= 0:
        raise InvalidInput(Problem("MG-P005", f"{amount_minor} is no amount", fix="give minor units above zero"))
    return amount_minor
