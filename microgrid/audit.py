"""The audit log, sealed: each row carries the hash of all rows before it, so that none is changed or lost unseen.

Rows are written as they happen and sealed a moment later by the tick, oldest first, so that no payment waits for the
chain. Whoever writes down the end of the chain elsewhere can prove later that it was not written anew.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC

from microgrid.errors import AlreadyThere, InvalidInput, Problem
from microgrid.kept import AuditRow, ChainHead
from microgrid.ports import Core, UnitOfWork, transact
from microgrid.views import Page

BATCH = 500  # rows sealed in one transaction
READ_AT_ONCE = 5000
CHAIN = "audit"
START = ChainHead(CHAIN, 0, "0" * 64)


@dataclass(frozen=True, slots=True)
class Break:
    """The first place where the chain does not hold: the number there, and what is wrong."""

    number: int
    what: str


def seal_rows(core: Core) -> None:
    """Seal the rows that were written since the last time."""
    while transact(core.store, lambda uow: seal_some(uow, BATCH)):
        pass


def seal_some(uow: UnitOfWork, limit: int) -> bool:
    """Put the oldest unsealed rows into the chain; say whether there may be more."""
    if not uow.audit.unsealed(1):
        return False
    head = _held_head(uow)
    rows = uow.audit.unsealed(limit)  # only now: another program may have sealed some while this one waited
    sealed: list[AuditRow] = []
    for row in rows:
        number = head.number + 1
        head = replace(head, number=number, seal=seal_of(head.seal, number, row))
        sealed.append(replace(row, number=number, seal=head.seal))
    uow.audit.put_all(sealed)
    uow.chain_heads.put(head)
    return len(rows) == limit


def seal_of(previous: str, number: int, row: AuditRow) -> str:
    """Return the seal of a row at a place of the chain: SHA-256 over the seal before it and all that it says."""
    said = (number, row.id, row.at.astimezone(UTC).isoformat(), row.actor, row.action, row.subject, row.detail)
    return hashlib.sha256(f"{previous}\n{json.dumps(said, separators=(',', ':'))}".encode()).hexdigest()


def find_break(uow: UnitOfWork) -> Break | None:
    """Return where the chain does not hold, or nothing when every row is as it was sealed."""
    return _first_break(_chain(uow), head_of(uow))


def head_of(uow: UnitOfWork) -> ChainHead:
    """Return the end of the chain."""
    return uow.chain_heads.get(CHAIN) or START


def head(core: Core) -> ChainHead:
    """Return the end of the chain, to be written down elsewhere."""
    with core.store.read() as uow:
        return head_of(uow)


def check(core: Core, number: int, seal: str) -> Break | None:
    """Prove the chain, and that it still holds the seal that was written down; return what is wrong."""
    with core.store.read() as uow:
        found = next(iter(uow.audit.sealed(number - 1, 1)), None)
        if number < 1 or found is None or found.number != number:
            what = f"the audit log ends at {head_of(uow).number}, there is no row {number}"
            raise InvalidInput(Problem("MG-A040", what, fix="microgrid audit head  says where it ends"))
        if found.seal != seal.lower():
            return Break(number, f"('{found.id}') has the seal {found.seal}, not the one written down")
        return find_break(uow)


def page(core: Core, subject: str, after: str, limit: int) -> Page:
    """Return who did what: to one thing, after the id of a row, or everything sealed, after the number of a row."""
    with core.store.read() as uow:
        if subject:
            rows = uow.audit.page(after, limit + 1, subject=subject)
            return Page(rows[:limit], rows[limit - 1].id if len(rows) > limit else None)
        rows = uow.audit.sealed(_number(after), limit + 1)
        return Page(rows[:limit], str(rows[limit - 1].number) if len(rows) > limit else None)


def _number(text: str) -> int:
    if not text:
        return 0
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        what = f"'{text[:60]}' is no number of a row"
        raise InvalidInput(Problem("MG-A040", what, fix="go on after the `next` of the page before"))
    return int(text)


def _first_break(rows: Iterable[AuditRow], end: ChainHead) -> Break | None:
    number, seal = START.number, START.seal
    for row in rows:
        if row.number != number + 1:
            return Break(number + 1, "is missing")
        number += 1
        seal = seal_of(seal, number, row)
        if row.seal != seal:
            return Break(number, f"('{row.id}') is not what was sealed")
    if number < end.number:
        return Break(number + 1, "is missing")
    return None if seal == end.seal else Break(number, "is not the end that was kept")


def _chain(uow: UnitOfWork) -> Iterator[AuditRow]:
    after = 0
    while rows := uow.audit.sealed(after, READ_AT_ONCE):
        yield from rows
        after = rows[-1].number or 0


def _held_head(uow: UnitOfWork) -> ChainHead:
    """Return the end of the chain and keep others from it; two sealing programs take turns."""
    held = uow.chain_heads.hold(CHAIN)
    if held is not None:
        return held
    with suppress(AlreadyThere):
        uow.chain_heads.add(START)
    return uow.chain_heads.hold(CHAIN) or START
