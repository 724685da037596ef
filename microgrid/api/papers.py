"""Routes for papers: statements and receipts of payment accounts in, statements of customers' accounts out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import PlainTextResponse
from pydantic import Field

from microgrid import statements, views
from microgrid.api import bodies
from microgrid.api.money import ToMoveMoney
from microgrid.api.registry import Key, ToRead
from microgrid.billing.statement_text import as_csv, as_text
from microgrid.statements import PaymentDesk, find_desk, paper

router = APIRouter()
Account = Annotated[str, Query(max_length=80, description="Payment account, such as mpesa:600638.")]
First = Annotated[date, Query(alias="from", description="First day.")]
Last = Annotated[date, Query(alias="to", description="Last day.")]


class PaperBody(bodies.Body):
    """A paper by its content, so that the same one under one Idempotency-Key is the same request."""

    id: str


class ReceiptBody(bodies.Body):
    """A wallet's message as it came to a phone of ours, word for word."""

    account: Annotated[str, Field(min_length=1, max_length=80)]
    sender: Annotated[str, Field(min_length=1, max_length=40)]
    text: Annotated[str, Field(min_length=1, max_length=1000)]


async def _content(request: Request) -> bytes:
    return await request.body()


def _desks(request: Request) -> Sequence[PaymentDesk]:
    found: Sequence[PaymentDesk] = request.app.state.desks
    return found


Content = Annotated[bytes, Depends(_content)]
Desks = Annotated[Sequence[PaymentDesk], Depends(_desks)]
CSV = {"requestBody": {"content": {"text/csv": {"schema": {"type": "string"}}}, "required": True}}


@router.post("/statements", status_code=201, openapi_extra=CSV)
def hand_in_statement(
    call: ToMoveMoney, desks: Desks, content: Content, account: Account, request: Request
) -> Response:
    """Take in the statement of a payment account: book what no message told of, and say which rows were refused."""
    address = request.client.host if request.client else ""
    desk = find_desk(desks, account)
    raw = paper(desk, "statement", content, call.core.clock.now(), address)
    return call.once(PaperBody(id=raw.id), lambda: statements.take_statement(call.core, desk, raw, call.actor))


@router.post("/receipts", status_code=201)
def hand_in_receipt(body: ReceiptBody, call: ToMoveMoney, desks: Desks, request: Request) -> Response:
    """Take in a wallet's message that was forwarded by a phone of ours: one more look at its payment."""
    address = request.client.host if request.client else ""
    desk = find_desk(desks, body.account)
    raw = paper(desk, "sms", body.text.encode("utf-8", "replace"), call.core.clock.now(), address)
    return call.once(body, lambda: statements.take_receipt(call.core, desk, raw, body.sender, call.actor))


@router.get("/accounts/{account_id}/statement", responses={200: {"content": {"text/csv": {}, "text/plain": {}}}})
def statement_of_account(
    account_id: Key,
    call: ToRead,
    first: First,
    last: Last,
    form: Annotated[Literal["json", "csv", "text"], Query(alias="format")] = "json",
) -> Any:
    """Show an account from one day to another: every line with what is left after it, and the energy of each day."""
    found = views.account_statement(call.core, account_id, first, last)
    if form == "json":
        shown = bodies.plain(found, views.zone(found.site))
        return {**shown, "adds_up": found.adds_up}
    if form == "csv":
        return Response(as_csv(found), media_type="text/csv; charset=utf-8")
    return PlainTextResponse(as_text(found))
