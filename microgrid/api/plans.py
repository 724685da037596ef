"""Routes for prices: what there is, what another one would mean, and asking for it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Response
from pydantic import Field

from microgrid import tariffs
from microgrid.api import bodies
from microgrid.api.registry import After, Limit, ToKeepPlans, ToRead
from microgrid.plan_file import PlanFile

router = APIRouter()


class ScheduleBody(PlanFile):
    """Another price for a plan, from when on, and why; its version gets the next number."""

    plan_id: bodies.Id
    effective_from: bodies.Moment
    note: bodies.Name


class PreviewBody(PlanFile):
    """Another price for a plan, and over how many whole days it is reckoned."""

    plan_id: bodies.Id
    days: Annotated[int, Field(ge=1, le=400, strict=True)] = 30
    largest: Annotated[int, Field(ge=0, le=500, strict=True)] = tariffs.LARGEST


@router.get("/plans")
def list_plans(call: ToRead, after: After = "", limit: Limit = 100) -> Any:
    """List the versions of plans by id."""
    return bodies.plain(tariffs.plans(call.core, after, limit))


@router.post("/plans/preview")
def preview(body: PreviewBody, call: ToRead) -> Any:
    """Show who of a plan's accounts would have paid more or less; nothing is stored."""
    proposed = body.version_of(body.plan_id, 1, call.core.clock.now())
    return bodies.plain(tariffs.preview(call.core, proposed, body.days, body.largest))


@router.post("/plans/schedule", status_code=201)
def schedule(body: ScheduleBody, call: ToKeepPlans) -> Response:
    """Ask for another price from a day on; another person has to agree to it under /approvals."""
    asked = body.version_of(body.plan_id, 1, body.effective_from)
    return call.once(body, lambda: tariffs.schedule(call.core, asked, body.note, call.person))
