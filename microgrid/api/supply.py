"""Routes for what meters say and what they are told."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Response

from microgrid import flows, views
from microgrid.api import bodies
from microgrid.api.calls import Call, allowed
from microgrid.api.registry import Key, ToRead

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
