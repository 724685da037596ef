"""People and how they are found again: by a name, a number, an account, a meter, or something near to it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from microgrid.customers.matching import accounts_named, accounts_spelt
from microgrid.customers.phones import TAIL, phone, tail_of
from microgrid.customers.records import Account, Customer, NameWord, Phone
from microgrid.customers.references import canonical, near_misses, spelling
from microgrid.customers.service import add_once, need
from microgrid.ports import UnitOfWork

WORDS_MAX = 12  # of one name; more are titles and lists
WORD_LENGTH_MAX = 40
LOOKED_AT = 200  # people whose name has the same beginning
LETTERS = "abcdefghijklmnopqrstuvwxyz"
_NUMBER = re.compile(r"\+?[0-9][0-9 ()-]{5,20}")
_SIGNS = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Found:
    """A customer who may be meant, with accounts and numbers, and by what the customer was found."""

    customer: Customer
    by: str
    accounts: Sequence[Account]
    phones: Sequence[Phone]


def add_customer(uow: UnitOfWork, customer: Customer, now: datetime) -> Customer:
    """Add a person or business with the words of the name and the number it is known by."""
    number = None if customer.phone is None else phone(customer.id, customer.phone, now)
    added = add_once(uow.customers, customer, customer.id, "customer")
    uow.name_words.put_all([NameWord(f"{word}/{added.id}", word, added.id) for word in words(added.name)])
    if number is not None and uow.phones.get(number.id) is None:
        uow.phones.add(number)
    return added


def add_phone(uow: UnitOfWork, customer_id: str, number: str, now: datetime) -> Phone:
    """Add a number a customer is known by; one that had ended is theirs again."""
    need(uow.customers, customer_id, "customer")
    given = phone(customer_id, number, now)
    known = uow.phones.hold(given.id)
    if known is not None and known.ended_at is None:
        return known
    uow.phones.put(given)
    return given


def end_phone(uow: UnitOfWork, phone_id: str, now: datetime) -> Phone:
    """Note that a number is no longer a customer's; payments made with it stay what they were."""
    known = need(uow.phones, phone_id, "phone")
    if known.ended_at is not None:
        return known
    ended = replace(known, ended_at=now)
    uow.phones.put(ended)
    return ended


def phones_of(uow: UnitOfWork, customer_id: str) -> Sequence[Phone]:
    """Return the numbers a customer is known by now."""
    return [row for row in uow.phones.where(customer_id=customer_id) if row.ended_at is None]


def find(uow: UnitOfWork, text: str, limit: int) -> Sequence[Found]:
    """Return who may be meant by a text, the surest first: what is named exactly, then what is near."""
    by: dict[str, str] = {}
    for customer_id, how in _candidates(uow, text):
        by.setdefault(customer_id, how)
        if len(by) >= limit:
            break
    people = uow.customers.get_all(by)
    return [
        Found(people[key], how, uow.accounts.where(customer_id=key), phones_of(uow, key))
        for key, how in by.items()
        if key in people
    ]


def words(text: str) -> Sequence[str]:
    """Return the words of a name in small letters, without accents and signs, each once."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    letters = "".join(letter for letter in plain if not unicodedata.combining(letter))
    found = dict.fromkeys(word[:WORD_LENGTH_MAX] for word in _SIGNS.split(letters) if word)
    return tuple(found)[:WORDS_MAX]


def _candidates(uow: UnitOfWork, text: str) -> Iterable[tuple[str, str]]:
    yield from ((key, "customer id") for key in uow.customers.get_all({text}))
    yield from _owners(uow, accounts_named(uow, canonical(text)), "account or meter")
    yield from _owners(uow, accounts_spelt(uow, {spelling(text)}), "account or meter, spelt otherwise")
    yield from ((customer_id, "phone") for customer_id in _by_number(uow, text))
    yield from ((customer_id, "name") for customer_id in _by_name(uow, words(text)))
    yield from _owners(uow, accounts_spelt(uow, near_misses(text)), "near an account or meter")
    yield from ((customer_id, "near a name") for customer_id in _near_names(uow, words(text)))


def _owners(uow: UnitOfWork, account_ids: Iterable[str], how: str) -> Iterable[tuple[str, str]]:
    return [(account.customer_id, how) for account in uow.accounts.get_all(account_ids).values()]


def _by_number(uow: UnitOfWork, text: str) -> Iterable[str]:
    if not _NUMBER.fullmatch(text.strip()):
        return []
    digits = re.sub(r"[^0-9]", "", text).lstrip("0")
    rows = uow.phones.where(tail=tail_of(digits)) if len(digits) >= TAIL else ()
    return [row.customer_id for row in rows if row.number.endswith(digits) and row.ended_at is None]


def _by_name(uow: UnitOfWork, asked: Sequence[str]) -> Iterable[str]:
    """Return who has a word in the name that begins so, for every word asked."""
    if not asked:
        return []
    longest = max(asked, key=len)
    rows = uow.name_words.page(longest, LOOKED_AT)
    people = uow.customers.get_all({row.customer_id for row in rows if row.word.startswith(longest)})
    return [key for key, person in people.items() if _begin(words(person.name), asked)]


def _begin(name: Sequence[str], asked: Sequence[str]) -> bool:
    return all(any(word.startswith(part) for word in name) for part in asked)


def _near_names(uow: UnitOfWork, asked: Sequence[str]) -> Iterable[str]:
    """Return who has a word in the name one slip away, for every word asked."""
    near: list[set[str]] = [{word, *_one_slip(word)} if len(word) > 2 else {word} for word in asked]
    if not near:
        return []
    longest = max(near, key=len)
    rows = uow.name_words.where_in("word", longest)
    people = uow.customers.get_all({row.customer_id for row in rows})
    return [key for key, person in people.items() if all(each & set(words(person.name)) for each in near)]


def _one_slip(word: str) -> Iterable[str]:
    """Yield the words one slip of the finger away."""
    for i in range(len(word) + 1):
        left, right = word[:i], word[i:]
        yield from (left + letter + right for letter in LETTERS)
        if right:
            yield left + right[1:]
            yield from (left + letter + right[1:] for letter in LETTERS)
        if len(right) > 1:
            yield left + right[1] + right[0] + right[2:]
