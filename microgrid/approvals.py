"""Four eyes: what one person asks for is done only when another one agrees.

Refunds, unlocking for ever, changes of a tariff and write-offs go this way. What was asked is kept with everything
needed to do it, so that it is done exactly as it was agreed.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from microgrid.customers.service import add_once, need, note, unknown
from microgrid.errors import InvalidInput, Problem
from microgrid.ports import Approval, UnitOfWork


def ask(uow: UnitOfWork, approval: Approval) -> Approval:
    """Keep what somebody asks for until another person decides; the same again is a success."""
    added = add_once(uow.approvals, approval, approval.id, "request")
    note(uow, f"ask:{approval.id}", approval.asked_at, approval.asked_by, f"ask {approval.action}", approval.subject)
    return added


def decide(uow: UnitOfWork, approval_id: str, actor: str, now: datetime, *, granted: bool) -> Approval:
    """Grant or refuse a request, once; raises InvalidInput for the person who asked, and for a second decision."""
    if uow.approvals.hold(approval_id) is None:
        raise InvalidInput(unknown("request", approval_id))
    asked = need(uow.approvals, approval_id, "request")
    if asked.decided_at is not None:
        if (asked.decided_by, asked.granted) == (actor, granted):
            return asked
        what = f"request '{approval_id}' was {'granted' if asked.granted else 'refused'} by {asked.decided_by}"
        raise InvalidInput(Problem("MG-A016", what, why="a decision is made once", fix="ask again"))
    if actor == asked.asked_by:
        what = f"request '{approval_id}' was asked for by {actor}, who cannot also agree to it"
        raise InvalidInput(Problem("MG-A017", what, why="two people stand for it", fix="let somebody else decide"))
    decided = replace(asked, decided_by=actor, decided_at=now, granted=granted)
    uow.approvals.put(decided)
    word = "grant" if granted else "refuse"
    note(uow, f"{word}:{approval_id}", now, actor, f"{word} {asked.action}", asked.subject, asked.note)
    return decided
