"""Routes for money that is to come: asking customers to pay, and what needs a person."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import Field

from microgrid import payment_requests
from microgrid.api.bodies import Body, Id, Name, Phone, Positive, plain
from microgrid.api.calls import Call, allowed
from microgrid.api.registry import After, Key, Limit, ToRead
from microgrid.payment_requests import Wanted

router = APIRouter()
ToMoveMoney = Annotated[Call, allowed("payments")]


class WantedBody(Body):
    """What a customer is to be asked to pay, on their phone."""

    id: Annotated[UUID, Field(description="Made by you: the same request again asks nobody twice.")]
    account_id: Id
    amount_minor: Positive
    phone: Annotated[Phone | None, Field(description="Without it, the customer's own.")] = None
    through: Annotated[Id | None, Field(description="The payment account, such as mpesa:600638.")] = None
    reference: Annotated[Id | None, Field(description="What the payment shall bear; without it, the account.")] = None

    def record(self) -> Wanted:
        """Return the record."""
        return Wanted(
            str(self.id),
            self.account_id,
            self.amount_minor,
            self.phone or "",
            self.through or "",
            self.reference or "",
        )


class SettleBody(Body):
    """What was done about something that needed a person."""

    note: Name


@router.post("/payments/requests", status_code=202)
def ask_to_pay(body: WantedBody, call: ToMoveMoney) -> Response:
    """Ask a customer to pay on their phone; how that ends is shown at the address in Location."""
    asked = call.once(body, lambda: payment_requests.ask_to_pay(call.core, body.record(), call.actor), 202)
    asked.headers["Location"] = f"/payments/requests/{body.id}"
    return asked


@router.get("/payments/requests")
def list_requests(call: ToRead, after: After = "", limit: Limit = 100) -> Any:
    """List requests to customers by id."""
    return plain(payment_requests.page(call.core, after, limit))


@router.get("/payments/requests/{request_id}")
def show_request(request_id: UUID, call: ToRead) -> Any:
    """Show what became of asking a customer to pay."""
    return plain(payment_requests.show(call.core, str(request_id)))


@router.get("/alarms")
def list_alarms(
    call: ToRead,
    after: After = "",
    limit: Limit = 100,
    settled: Annotated[bool, Query(description="Also those that somebody dealt with.")] = False,  # noqa: FBT002 - a query
) -> Any:
    """List what is doubtful about payments and needs a person."""
    return plain(payment_requests.alarms(call.core, after, limit, settled=settled))


@router.post("/alarms/{alarm_id}/settle", status_code=201)
def settle_alarm(alarm_id: Key, body: SettleBody, call: ToMoveMoney) -> Response:
    """Mark as dealt with what needed a person."""
    return call.once(body, lambda: payment_requests.settle_alarm(call.core, alarm_id, call.actor, body.note))
