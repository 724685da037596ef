"""Routes for what two people have to agree to, and for the log of who did what."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from pydantic import Field

from microgrid import agreements, audit, views
from microgrid.agreements import Wish
from microgrid.api.bodies import Body, Name, Positive, plain
from microgrid.api.calls import Call, allowed
from microgrid.api.registry import After, Key, Limit

router = APIRouter()
ToAgree = Annotated[Call, allowed("approvals")]
Subject = Annotated[str, Query(max_length=250, description="Such as payment:mpesa:600638:RKT1; without it, all.")]
Named = Annotated[str, Field(min_length=1, max_length=200)]


class RefundBody(Body):
    """A payment that is to go back to its payer, whole."""

    action: Literal["refund"]
    payment_id: Named
    note: Name

    def wish(self) -> Wish:
        """Return what is asked for."""
        return Wish("refund", self.payment_id, self.note)


class WriteOffBody(Body):
    """A debt of an account that is to be given up, or a part of it."""

    action: Literal["write_off"]
    account_id: Named
    amount_minor: Positive
    note: Name

    def wish(self) -> Wish:
        """Return what is asked for."""
        return Wish("write_off", self.account_id, self.note, self.amount_minor)


class ShortageBody(Body):
    """Cash of an agent that is missing: the agent is to owe it from now on."""

    action: Literal["agent_short"]
    agent_id: Named
    amount_minor: Positive
    note: Name

    def wish(self) -> Wish:
        """Return what is asked for."""
        return Wish("agent_short", self.agent_id, self.note, self.amount_minor)


Asked = Annotated[RefundBody | WriteOffBody | ShortageBody, Field(discriminator="action")]


class ReasonBody(Body):
    """Why."""

    note: Name


@router.post("/approvals", status_code=201)
def ask(body: Asked, call: ToAgree) -> Response:
    """Ask for something that a second person has to agree to."""
    return call.once(body, lambda: agreements.ask(call.core, body.wish(), call.person))


@router.get("/approvals")
def list_waiting(call: ToAgree, after: After = "", limit: Limit = 100) -> Any:
    """List what waits for a second person."""
    return plain(agreements.waiting(call.core, after, limit))


@router.get("/approvals/{approval_id}")
def show(approval_id: Key, call: ToAgree) -> Any:
    """Show what was asked for, and who decided."""
    return plain(agreements.approval(call.core, approval_id))


@router.post("/approvals/{approval_id}/grant", status_code=201)
def grant(approval_id: Key, call: ToAgree) -> Response:
    """Agree to what somebody else asked for; it is done at once."""
    return call.once(None, lambda: agreements.grant(call.core, approval_id, call.person))


@router.post("/approvals/{approval_id}/refuse", status_code=201)
def refuse(approval_id: Key, body: ReasonBody, call: ToAgree) -> Response:
    """Refuse what somebody asked for, or take back what one asked for oneself."""
    return call.once(body, lambda: agreements.refuse(call.core, approval_id, call.person, body.note))


@router.post("/payments/{payment_id}/keep", status_code=201)
def keep(payment_id: Key, body: ReasonBody, call: Annotated[Call, allowed("payments")]) -> Response:
    """Give a payment whose refund did not come about to its account again."""

    def do() -> Any:
        agreements.keep_payment(call.core, payment_id, call.person, body.note)
        return views.payment(call.core, payment_id)

    return call.once(body, do)


@router.get("/audit")
def list_rows(call: ToAgree, subject: Subject = "", after: After = "", limit: Limit = 100) -> Any:
    """List who did what: to one thing, by id, or all in the order of the chain."""
    return plain(audit.page(call.core, subject, after, limit))


@router.get("/audit/head")
def show_head(call: ToAgree) -> Any:
    """Show where the chain of the log ends, to be written down elsewhere."""
    return plain(audit.head(call.core))
