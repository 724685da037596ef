"""Routes for what meters say and what they are told."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from urllib.parse import quote

from fastapi import APIRouter, Response
from pydantic import Field

from microgrid import actions, flows, views
from microgrid.api import bodies
from microgrid.api.calls import Call, allowed
from microgrid.api.registry import Key, ToKeepMeters, ToRead

router = APIRouter()


@router.post("/meters/{meter_id}/readings", status_code=201)
def add_readings(meter_id: Key, body: bodies.ReadingsBody, call: Annotated[Call, allowed("readings")]) -> Response:
    """Take in rows of a meter; known ones change nothing, contradicting ones are shown and left out."""
    readings = [reading.record(meter_id) for reading in body.readings]
    return call.once(body, lambda: flows.on_readings(call.core, readings))


@router.get("/meters/{meter_id}/supply")
def show_supply(meter_id: Key, call: ToRead) -> Any:
    """Show what a meter should do and why, and what it says it does."""
    shown = views.supply(call.core, meter_id)
    return bodies.plain(shown, views.zone(shown.site))


class OrderBody(bodies.Body):
    """Supply on or off whatever the credit, no more power than a limit, or by the credit alone again."""

    order: Literal["on", "off", "none", "limit"]
    note: bodies.Name
    power_limit_w: Annotated[int, Field(ge=1, le=10_000_000, strict=True)] | None = None


@router.post("/connections/{connection_id}/order", status_code=202)
def order_supply(connection_id: Key, body: OrderBody, call: ToKeepMeters) -> Response:
    """Order supply for a connection; its meter answers later, and Location says where to look for the answer."""

    def order() -> dict[str, Any]:
        actions.order_supply(call.core, connection_id, body.order, call.actor, body.note, body.power_limit_w)
        return {
            "connection_id": connection_id,
            "order": body.order,
            "meter_id": views.meter_at(call.core, connection_id),
        }

    answer = call.once(body, order, 202)
    meter_id = views.meter_at(call.core, connection_id)
    if meter_id is not None:
        answer.headers["Location"] = f"/meters/{quote(meter_id, safe='')}/supply"
    return answer
