"""Routes for a site as a whole: its policy, saving energy, outages, and the seals of its meters."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Response
from pydantic import Field

from microgrid import sites
from microgrid.api import bodies
from microgrid.api.registry import After, Key, Limit, ToKeepMeters, ToRead
from microgrid.switching.sites import GridOutage, SitePolicy

router = APIRouter()
Minute = Annotated[int, Field(ge=0, le=1440, strict=True)]


class PolicyBody(bodies.Body):
    """How careful a site is about cutting, whole: what is left out takes its default."""

    quiet_from_minute: Minute = 0
    quiet_to_minute: Minute = 0
    quiet_max_wh: bodies.Small = 500
    no_cut_after_outage_s: bodies.Small = 0
    spread_s: bodies.Small = 900
    critical_limit_w: bodies.Small = 100
    shed_limit_w: bodies.Small = 50
    warn_again_s: bodies.Small = 86_400
    warn_before_s: bodies.Small = 86_400
    grace_s: bodies.Small | None = None
    lifeline_w: bodies.Small | None = None
    lifeline_s: bodies.Small | None = None
    notice_days: bodies.Small = 30

    def record(self) -> SitePolicy:
        """Return the record."""
        return SitePolicy(**self.model_dump())


class ShedBody(bodies.Body):
    """How much energy a site saves: 0 none, 1 loads that can wait, 2 all limited, 3 all off but critical ones."""

    level: Annotated[int, Field(ge=0, le=3, strict=True)]


class OutageBody(bodies.Body):
    """A time in which the grid of a site, or of one feeder, did not supply; without an end, it goes on."""

    id: bodies.Id
    site_id: bodies.Id
    from_at: bodies.Moment
    to_at: bodies.Moment | None = None
    feeder_id: bodies.Id | None = None
    cause: bodies.Text = ""

    def record(self) -> GridOutage:
        """Return the record."""
        return GridOutage(self.id, self.site_id, self.from_at, self.to_at, self.feeder_id or "", self.cause)


class OutageEndBody(bodies.Body):
    """When an outage ended."""

    to_at: bodies.Moment


class SealBody(bodies.Body):
    """What is known of a meter's seal, and how."""

    seal: Literal["tampered", "sealed"]
    note: bodies.Name


@router.get("/sites/{site_id}/policy")
def show_policy(site_id: Key, call: ToRead) -> Any:
    """Show how a site is run at present."""
    return bodies.plain(sites.state(call.core, site_id))


@router.put("/sites/{site_id}/policy")
def set_policy(site_id: Key, body: PolicyBody, call: ToKeepMeters) -> Response:
    """Set how careful a site is about cutting; supply is decided again for all its homes."""
    policy = body.record()
    return call.once(body, lambda: sites.change_policy(call.core, site_id, lambda _: policy, call.actor), 200)


@router.put("/sites/{site_id}/shed")
def shed(site_id: Key, body: ShedBody, call: ToKeepMeters) -> Response:
    """Let a site save energy by priority, or supply all again."""
    return call.once(body, lambda: sites.shed(call.core, site_id, body.level, call.actor), 200)


@router.get("/sites/{site_id}/outages")
def list_outages(site_id: Key, call: ToRead, after: After = "", limit: Limit = 100) -> Any:
    """List the outages of a site by id."""
    return bodies.plain(sites.outages(call.core, site_id, after, limit))


@router.post("/outages", status_code=201)
def add_outage(body: OutageBody, call: ToKeepMeters) -> Response:
    """Write down an outage; what it took of paid time is given back when it is over."""
    return call.once(body, lambda: sites.add_outage(call.core, body.record(), call.actor))


@router.post("/outages/{outage_id}/end", status_code=201)
def end_outage(outage_id: Key, body: OutageEndBody, call: ToKeepMeters) -> Response:
    """Write down when an outage ended."""
    return call.once(body, lambda: sites.end_outage(call.core, outage_id, body.to_at, call.actor))


@router.post("/meters/{meter_id}/seal", status_code=202)
def tell_seal(meter_id: Key, body: SealBody, call: ToKeepMeters) -> Response:
    """Write down that a meter was opened or bypassed, which cuts it, or that it is right again."""
    return call.once(body, lambda: sites.tell_seal(call.core, meter_id, body.seal, call.actor, body.note), 202)
