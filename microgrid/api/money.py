"""Routes for payments: what came in, what waits for a person, and corrections."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Response

from microgrid import actions, payment_requests, token_views, views
from microgrid.api import bodies
from microgrid.api.calls import Call, allowed
from microgrid.api.registry import After, Key, Limit, ToRead

router = APIRouter()
ToMoveMoney = Annotated[Call, allowed("payments")]


@router.get("/payments")
def list_payments(call: ToRead, after: After = "", limit: Limit = 100) -> Any:
    """List payments by id."""
    return bodies.plain(views.page(call.core, "payments", after, limit, call.reach))


@router.get("/suspense")
def list_suspense(call: ToRead, after: After = "", limit: Limit = 100) -> Any:
    """List payments whose account is not known, with the accounts they may be meant for."""
    return bodies.plain(views.suspense(call.core, after, limit))


@router.get("/payments/{payment_id}")
def show_payment(payment_id: Key, call: ToRead) -> Any:
    """Show a payment, by which channels it was seen, and the tokens it gave."""
    shown = bodies.plain(views.payment(call.core, payment_id))
    tokens = bodies.plain(token_views.of_source(call.core, payment_id))
    return {**shown, "sightings": bodies.plain(payment_requests.sightings(call.core, payment_id)), "tokens": tokens}


@router.post("/payments/{payment_id}/move", status_code=201)
def move(payment_id: Key, body: bodies.MoveBody, call: ToMoveMoney) -> Response:
    """Move the money of a payment to the account it was meant for."""
    return call.once(
        body, lambda: actions.move_payment(call.core, payment_id, body.account_id, call.actor, body.note).payment
    )


@router.post("/payments/{payment_id}/reverse", status_code=201)
def reverse(payment_id: Key, body: bodies.ReverseBody, call: ToMoveMoney) -> Response:
    """Book that a payment went back to its payer."""
    return call.once(body, lambda: actions.reverse_payment(call.core, payment_id, call.actor, body.note).payment)
