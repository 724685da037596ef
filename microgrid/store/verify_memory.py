"""The laws of the books asked of a store in memory, with the same answers as a database gives."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from microgrid.billing.ledger import CHART, Journal
from microgrid.billing.payments import Payment
from microgrid.store.memory import MemoryUnit
from microgrid.store.memory_books import MemoryCredits, MemoryLedger
from microgrid.store.verify_closes import changed_after_closing
from microgrid.store.verify_memory_field import (
    Offender,
    differing,
    energy,
    every,
    floats,
    handovers,
    kept_wrongly,
    undecided,
    unseen,
)
from microgrid.store.verify_tokens import token_offenders

CUSTOMER = "customer:"
UNBOOKED = ("pending", "refused")


@dataclass(frozen=True, slots=True)
class Books:
    """Everything the laws are about, in order of ids."""

    journals: Mapping[str, Journal]
    payments: tuple[Payment, ...]
    balances: Mapping[str, int]
    charged: Mapping[str, int]
    accrued: Mapping[str, int]
    days: Mapping[str, int]
    currencies: Mapping[str, str]  # of accounts, by their sites


def first_in_memory(unit: MemoryUnit) -> dict[str, Offender]:
    """Return, by code, the first row that breaks a law."""
    books = _books(unit)
    asked: dict[str, Iterable[Offender]] = {
        "MG-L101": _unbalanced(books),
        "MG-L103": ((each.id, len(each.entries)) for each in books.journals.values() if len(each.entries) < 2),
        "MG-L105": _outside_chart(books),
        "MG-L106": _unequal(books),
        "MG-L107": _wrongly_booked(books),
        "MG-L108": _repeated(payment.journal_id for payment in books.payments),
        "MG-L109": _other_amount(books),
        "MG-L110": differing(books.balances, _of_customers(books.journals.values(), sign=-1)),
        "MG-L111": differing(books.charged, _of_customers(_charges(books), sign=1)),
        "MG-L112": differing(books.accrued, books.days),
        "MG-L113": _other_currency(books),
        "MG-L114": _no_mirror(books),
        "MG-L115": _repeated(journal.reverses for journal in books.journals.values()),
        "MG-L117": differing(*floats(unit, books.journals)),
        "MG-L118": handovers(unit, books.journals),
        "MG-L119": unseen(unit, books.payments),
        "MG-L120": undecided(unit),
        "MG-L121": differing(*energy(unit)),
        "MG-L122": kept_wrongly(unit, books.journals),
        "MG-L140": changed_after_closing(every(unit.month_closes), books.journals.values()),
        **token_offenders(every(unit.tokens), every(unit.token_devices)),
    }
    found = ((code, next(iter(rows), None)) for code, rows in asked.items())
    return {code: row for code, row in found if row is not None}


def counted_in_memory(unit: MemoryUnit) -> tuple[int, int, int]:
    """Return the numbers of journals, lines and payments."""
    books = _books(unit)
    return len(books.journals), sum(len(each.entries) for each in books.journals.values()), len(books.payments)


def _books(unit: MemoryUnit) -> Books:
    assert isinstance(unit.ledger, MemoryLedger)
    assert isinstance(unit.credits, MemoryCredits)
    credits_by_id = {credit.account_id: credit for credit in unit.credits.all()}
    days: defaultdict[str, int] = defaultdict(int)
    for charge in unit.credits.all_days():
        days[charge.account_id] += charge.accrued_micro
    sites = {site.id: site.currency for site in every(unit.sites)}
    return Books(
        {journal.id: journal for journal in sorted(unit.ledger.all(), key=lambda each: each.id)},
        tuple(sorted(every(unit.payments), key=lambda each: each.id)),
        {account_id: credit.balance_minor for account_id, credit in credits_by_id.items()},
        {account_id: credit.charged_minor for account_id, credit in credits_by_id.items()},
        {account_id: credit.accrued_micro for account_id, credit in credits_by_id.items()},
        days,
        {account.id: sites[account.site_id] for account in every(unit.accounts) if account.site_id in sites},
    )


def _unbalanced(books: Books) -> Iterator[Offender]:
    for journal in books.journals.values():
        total = sum(entry.amount_minor for entry in journal.entries)
        if total:
            yield journal.id, total


def _outside_chart(books: Books) -> Iterator[Offender]:
    named = {entry.account for journal in books.journals.values() for entry in journal.entries}
    return ((account,) for account in sorted(named) if account.split(":", 1)[0] not in CHART)


def _unequal(books: Books) -> Iterator[Offender]:
    totals: Counter[str] = Counter()
    for journal in books.journals.values():
        totals[journal.currency] += sum(entry.amount_minor for entry in journal.entries)
    return ((currency, total) for currency, total in sorted(totals.items()) if total)


def _wrongly_booked(books: Books) -> Iterator[Offender]:
    for payment in books.payments:
        journal = books.journals.get(payment.journal_id or "")
        if payment.status in UNBOOKED:
            wrong = payment.journal_id is not None
        else:
            wrong = journal is None or journal.currency != payment.currency
        if wrong:
            yield payment.id, payment.status, payment.journal_id or "none"


def _other_amount(books: Books) -> Iterator[Offender]:
    for payment in books.payments:
        journal = books.journals.get(payment.journal_id or "")
        if journal is not None:
            moved = sum(entry.amount_minor for entry in journal.entries if entry.amount_minor > 0)
            if moved != payment.amount_minor:
                yield payment.id, payment.amount_minor, moved


def _charges(books: Books) -> Iterator[Journal]:
    for journal in books.journals.values():
        reversed_one = books.journals.get(journal.reverses or "")
        if journal.kind == "charge" or (reversed_one is not None and reversed_one.kind == "charge"):
            yield journal


def _of_customers(journals: Iterable[Journal], sign: int) -> Mapping[str, int]:
    sums: defaultdict[str, int] = defaultdict(int)
    for journal in journals:
        for entry in journal.entries:
            if entry.account.startswith(CUSTOMER):
                sums[entry.account.removeprefix(CUSTOMER)] += sign * entry.amount_minor
    return sums


def _other_currency(books: Books) -> Iterator[Offender]:
    named = {(entry.account, journal.currency) for journal in books.journals.values() for entry in journal.entries}
    for account, currency in sorted(named):
        expected = books.currencies.get(account.removeprefix(CUSTOMER)) if account.startswith(CUSTOMER) else None
        if expected not in (None, currency):
            yield account, currency, expected


def _no_mirror(books: Books) -> Iterator[Offender]:
    for journal in books.journals.values():
        if journal.reverses is None:
            continue
        kept: Counter[str] = Counter()
        original = books.journals.get(journal.reverses)
        for entry in (*journal.entries, *(original.entries if original is not None else ())):
            kept[entry.account] += entry.amount_minor
        yield from ((journal.id, journal.reverses, account, left) for account, left in sorted(kept.items()) if left)


def _repeated(ids: Iterable[str | None]) -> Iterator[Offender]:
    counts = Counter(each for each in ids if each is not None)
    return ((each, count) for each, count in sorted(counts.items()) if count > 1)
