"""Routes for reconciliation: a period compared, its differences settled, a month closed, suspense cleared."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Response
from pydantic import Field

from microgrid import actions, reconciliation, views
from microgrid.api import bodies
from microgrid.api.money import ToMoveMoney
from microgrid.api.papers import Account, Desks, First, Last
from microgrid.api.registry import After, Key, Limit, ToRead
from microgrid.errors import InvalidInput, Problem
from microgrid.statements import PaymentDesk, find_desk

router = APIRouter()
ZoneName = Annotated[bodies.Zone | None, Query(description="Whose days; without it, the clock of the sites.")]
Month = Annotated[str, Path(pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])$", description="Such as 2026-10.")]
PaymentAccount = Annotated[str, Field(min_length=1, max_length=80)]


class RunBody(bodies.Body):
    """Which days of which payment account are compared, both included."""

    account: PaymentAccount
    first: Annotated[date, Field(alias="from")]
    last: Annotated[date, Field(alias="to")]
    zone: bodies.Zone | None = None


class OpeningBody(bodies.Body):
    """What was on a payment account before these books began."""

    account: PaymentAccount
    amount_minor: Annotated[int, Field(ge=-bodies.LARGEST, le=bodies.LARGEST, strict=True)]
    at: bodies.Moment


class OwnerBody(bodies.Body):
    """Who settles a difference."""

    owner: bodies.Name


class ReasonBody(bodies.Body):
    """Why."""

    note: bodies.Name


class CloseBody(bodies.Body):
    """How a month is closed; the balances of the paper where its rows say none."""

    zone: bodies.Zone | None = None
    opening_minor: Annotated[int, Field(ge=-bodies.LARGEST, le=bodies.LARGEST, strict=True)] | None = None
    closing_minor: Annotated[int, Field(ge=-bodies.LARGEST, le=bodies.LARGEST, strict=True)] | None = None

    def balances(self) -> tuple[int, int] | None:
        """Return the balances of the paper, both or none."""
        if self.opening_minor is None and self.closing_minor is None:
            return None
        if self.opening_minor is None or self.closing_minor is None:
            what = "one balance of the paper says nothing without the other"
            raise InvalidInput(Problem("MG-P064", what, fix="give opening_minor and closing_minor, or neither"))
        return self.opening_minor, self.closing_minor


@router.get("/reconciliation")
def show(
    call: ToRead,
    desks: Desks,
    account: Account,
    first: First,
    last: Last,
    zone: ZoneName = None,
    after: After = "",
    limit: Limit = 100,
) -> Any:
    """Show how books, messages and statement of some days compare, and every difference; nothing is written."""
    desk = find_desk(desks, account)
    window = reconciliation.days(call.core, desk, first, last, zone or "")
    return bodies.plain(reconciliation.report(call.core, window, after, limit))


@router.post("/reconciliation/runs", status_code=201)
def run(body: RunBody, call: ToMoveMoney, desks: Desks) -> Response:
    """Compare some days and keep every difference as an item, until it is settled."""

    def compare() -> Any:
        desk = find_desk(desks, body.account)
        window = reconciliation.days(call.core, desk, body.first, body.last, body.zone or "")
        return reconciliation.run(call.core, window, call.actor)

    return call.once(body, compare)


@router.post("/reconciliation/opening", status_code=201)
def book_opening(body: OpeningBody, call: ToMoveMoney, desks: Desks) -> Response:
    """Book what was on a payment account before these books began, once."""
    desk = find_desk(desks, body.account)
    return call.once(body, lambda: reconciliation.book_opening(call.core, desk, body.amount_minor, body.at, call.actor))


@router.get("/differences")
def list_differences(
    call: ToRead,
    state: Literal["open", "corrected", "explained"] = "open",
    after: After = "",
    limit: Limit = 100,
) -> Any:
    """List differences by id: those that nobody has settled, or those that were."""
    return bodies.plain(views.differences(call.core, state, after, limit))


@router.post("/differences/{item_id}/own", status_code=201)
def own(item_id: Key, body: OwnerBody, call: ToMoveMoney) -> Response:
    """Say who settles a difference."""
    return call.once(body, lambda: reconciliation.own(call.core, item_id, body.owner, call.actor))


@router.post("/differences/{item_id}/explain", status_code=201)
def explain(item_id: Key, body: ReasonBody, call: ToMoveMoney) -> Response:
    """Close a difference on which no money differs, with a reason."""
    return call.once(body, lambda: reconciliation.explain(call.core, item_id, body.note, call.actor))


@router.post("/differences/{item_id}/correct", status_code=201)
def correct(item_id: Key, body: ReasonBody, call: ToMoveMoney, desks: Desks) -> Response:
    """Bring the books to what the statement says of a movement."""

    def book() -> Any:
        desk = _desk_of(desks, item_id)
        return reconciliation.correct(call.core, desk, item_id, body.note, call.actor)

    return call.once(body, book)


@router.get("/months/{account}/{month}")
def show_month(account: Key, month: Month, call: ToRead, desks: Desks, zone: ZoneName = None) -> Any:
    """Show what stands against closing a month, and what would remove it."""
    first = date.fromisoformat(f"{month}-01")
    return bodies.plain(reconciliation.propose(call.core, find_desk(desks, account), first, zone or ""))


@router.post("/months/{account}/{month}/close", status_code=201)
def close_month(account: Key, month: Month, body: CloseBody, call: ToMoveMoney, desks: Desks) -> Response:
    """Close a month for ever; refused with everything that is open."""
    desk, first = find_desk(desks, account), date.fromisoformat(f"{month}-01")
    return call.once(
        body,
        lambda: reconciliation.close_month(call.core, desk, first, call.actor, body.zone or "", body.balances()),
    )


@router.get("/refunds")
def list_refunds(call: ToRead, after: After = "", limit: Limit = 100) -> Any:
    """List payments whose owner was not found in time, to be given back."""
    return bodies.plain(views.refunds(call.core, after, limit))


@router.post("/payments/{payment_id}/move-back", status_code=201)
def move_back(payment_id: Key, body: ReasonBody, call: ToMoveMoney) -> Response:
    """Move the money of a payment back to suspense, as if its account had never been found."""
    return call.once(body, lambda: actions.move_back(call.core, payment_id, call.actor, body.note).payment)


def _desk_of(desks: Desks, item_id: str) -> PaymentDesk:
    """Return the desk a difference is about: its id begins with the payment account."""
    return find_desk(desks, ":".join(item_id.split(":")[:2]))
