"""Proof of the books: everything that must hold and can be told from what is stored alone, checked as a whole.

Each law is one question that names the first row which breaks it, asked of all rows at one moment of the store.
"""

from __future__ import annotations

from dataclasses import dataclass

from microgrid.audit import find_break
from microgrid.errors import Problem
from microgrid.store.memory import MemoryStore
from microgrid.store.sql import SqlStore
from microgrid.store.verify_memory import counted_in_memory, first_in_memory
from microgrid.store.verify_sql import counted_in_sql, first_in_sql


@dataclass(frozen=True, slots=True)
class Law:
    """Something that holds in true books; `broken` says of the first row that breaks it what is wrong."""

    code: str
    holds: str
    broken: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was looked at, and every law that is broken with its first row."""

    journals: int
    lines: int
    payments: int
    broken: tuple[Problem, ...]


LAWS = (
    Law("MG-L101", "every journal sums to zero", "journal '{0}' sums to {1}, not to 0"),
    Law(
        "MG-L102",
        "every line has its journal's currency and time",
        "line {1} of journal '{0}' differs from its journal in currency or time",
    ),
    Law("MG-L103", "every journal has two lines or more", "journal '{0}' has {1} lines"),
    Law("MG-L104", "every line has a journal", "line {1} belongs to journal '{0}', which is not there"),
    Law("MG-L105", "every line names an account of the chart", "account '{0}' is not in the chart"),
    Law(
        "MG-L106",
        "assets and expenses equal liabilities, income and opening",
        "all lines in {0} sum to {1}, not to 0",
    ),
    Law(
        "MG-L107",
        "money that counts has a journal in its currency, other money has none",
        "payment '{0}' is {1} and its journal is {2}",
    ),
    Law("MG-L108", "every payment is posted once", "journal '{0}' is named by {1} payments"),
    Law(
        "MG-L109",
        "a payment's journal moves its amount",
        "payment '{0}' is of {1} minor units, its journal moves {2}",
    ),
    Law(
        "MG-L110",
        "an account's balance is the sum of its lines",
        "account '{0}' shows a balance of {1}, its lines sum to {2}",
    ),
    Law(
        "MG-L111",
        "what an account was charged is in the books",
        "account '{0}' shows {1} charged, its charges sum to {2}",
    ),
    Law(
        "MG-L112",
        "what an account used is the sum of its days",
        "account '{0}' shows {1} millionths accrued, its days sum to {2}",
    ),
    Law(
        "MG-L113",
        "an account is kept in its site's currency",
        "'{0}' has lines in {1}, its site's currency is {2}",
    ),
    Law(
        "MG-L114",
        "a reversal is the mirror image of its journal",
        "journal '{0}' does not take back '{1}' exactly: account '{2}' keeps {3}",
    ),
    Law("MG-L115", "a journal is reversed once", "journal '{0}' is reversed {1} times"),
    Law("MG-L116", "no row of the audit log was changed or lost since it was sealed", "audit row {0} {1}"),
    Law(
        "MG-L117",
        "what an agent holds is what it sold less what it handed over",
        "agent '{0}' holds {1} by its lines, {2} by sales and hand-overs",
    ),
    Law(
        "MG-L118",
        "a hand-over is in the books when both sides agreed, and only then",
        "hand-over '{0}' should move {1} minor units, its journal moves {2}",
    ),
    Law("MG-L119", "every payment was seen by some channel", "payment '{0}' is {1}, and nothing says who saw it"),
    Law(
        "MG-L120",
        "what a supply was decided from is kept with its revision",
        "what revision {1} of meter '{0}' was decided from is not kept",
    ),
    Law(
        "MG-L121",
        "energy delivered is energy charged, free or estimated",
        "account '{0}' was charged for {1} Wh, its meters delivered {2}",
    ),
    Law(
        "MG-L122",
        "a kept balance is the sum of all lines before it",
        "the balance kept of '{0}' in {1} is {2}, its lines sum to {3}",
    ),
    Law(
        "MG-L140",
        "nothing gets into a month after it was closed",
        "month '{0}' was closed with {1}, what counts in it sums to {2}",
    ),
    Law(
        "MG-L150",
        "the counts of a meter's tokens rise, one by one in the order they were given out",
        "token {1} of meter '{0}' was given out before token {2}, or twice",
    ),
    Law(
        "MG-L151",
        "a payment or request gives a meter one list of tokens",
        "'{0}' gave meter '{1}' tokens at {2} times",
    ),
    Law(
        "MG-L152",
        "a meter's count is that of its newest token or above",
        "meter '{0}' shows {1} as its newest count, but token {2} was given out",
    ),
    Law("MG-L153", "tokens that add have even counts, all others odd ones", "token {1} of meter '{0}' is to {2}"),
)


def verify(store: MemoryStore | SqlStore) -> Verdict:
    """Check every law over everything that is stored, at one moment."""
    with store.read() as uow:
        broken_chain = find_break(uow)
        if isinstance(store, MemoryStore):
            first, counted = first_in_memory(store.unit), counted_in_memory(store.unit)
        else:
            session = store.unit_here().session
            first, counted = first_in_sql(session), counted_in_sql(session)
    if broken_chain is not None:
        first["MG-L116"] = (broken_chain.number, broken_chain.what)
    found = ((law, first.get(law.code)) for law in LAWS)
    return Verdict(*counted, tuple(_problem(law, row) for law, row in found if row is not None))


def _problem(law: Law, row: tuple[object, ...]) -> Problem:
    fix = "nothing was changed; look at that row and what wrote it, then post a correction"
    return Problem(law.code, law.broken.format(*row), why=f"in true books {law.holds}", fix=fix)
