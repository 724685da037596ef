"""Four eyes: what one person asks for is done only when another one agrees.

Refunds, unlocking for ever, changes of a tariff and write-offs go this way. What was asked is kept with everything
needed to do it, so that it is done exactly as it was agreed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from microgrid.customers.service import add_once, contradiction, note, unknown
from microgrid.errors import Contradiction, InvalidInput, Problem
from microgrid.kept import Approval
from microgrid.ports import UnitOfWork


def propose(
    uow: UnitOfWork, action: str, subject: str, request: Mapping[str, object], why: str, person: str, now: datetime
) -> Approval:
    """Keep what somebody asks for under the next id of its subject; the same again while it is open is a success."""
    text = json.dumps(request, sort_keys=True, separators=(",", ":"))
    earlier = [one for one in uow.approvals.where(subject=subject) if one.action == action]
    for one in earlier:
        if one.granted is None and (one.request, one.asked_by) == (text, person):
            return one
        if one.granted is None:
            what = f"{one.asked_by} has asked already to {action} {subject}, as '{one.id}': {one.request}"
            raise InvalidInput(Problem("MG-A041", what, fix="let that request be granted or refused first"))
    return ask(uow, Approval(f"{action}:{subject}:{len(earlier) + 1}", action, subject, text, why, person, now))


def ask(uow: UnitOfWork, approval: Approval) -> Approval:
    """Keep what somebody asks for until another person decides; the same again is a success."""
    known = uow.approvals.get(approval.id)
    if known is not None:
        asked = replace(known, decided_by="", decided_at=None, granted=None)
        again = replace(approval, asked_at=known.asked_at)  # a repeat comes a little later
        if asked != again:
            raise Contradiction(contradiction("MG-A002", "request", approval.id, asked, again))
        return known
    added = add_once(uow.approvals, approval, approval.id, "request")
    note(uow, f"ask:{approval.id}", approval.asked_at, approval.asked_by, f"ask {approval.action}", approval.subject)
    return added


def decide(uow: UnitOfWork, approval_id: str, actor: str, now: datetime, *, granted: bool, why: str = "") -> Approval:
    """Grant or refuse a request, once; raises InvalidInput for a second decision, and for who asked and would agree."""
    asked = uow.approvals.hold(approval_id)
    if asked is None:
        raise InvalidInput(unknown("request", approval_id))
    if asked.decided_at is not None:
        if (asked.decided_by, asked.granted) == (actor, granted):
            return asked
        what = f"request '{approval_id}' was {'granted' if asked.granted else 'refused'} by {asked.decided_by}"
        raise InvalidInput(Problem("MG-A016", what, why="a decision is made once", fix="ask again"))
    if granted and actor == asked.asked_by:
        what = f"request '{approval_id}' was asked for by {actor}, who cannot also agree to it"
        raise InvalidInput(Problem("MG-A017", what, why="two people stand for it", fix="let somebody else decide"))
    decided = replace(asked, decided_by=actor, decided_at=now, granted=granted)
    uow.approvals.put(decided)
    word = "grant" if granted else "refuse"
    note(uow, f"{word}:{approval_id}", now, actor, f"{word} {asked.action}", asked.subject, why or asked.note)
    return decided


def read(approval: Approval) -> dict[str, object]:
    """Return what was asked, by name."""
    asked: dict[str, object] = json.loads(approval.request)
    return asked
