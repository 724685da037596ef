"""Routes for meters that obey: how far each is with what was asked, orders, questions, and who has taken one over."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from urllib.parse import quote

from fastapi import APIRouter, Query, Response
from pydantic import Field

from microgrid import meter_views, meters, views
from microgrid.api.bodies import Body, Id, Name, plain
from microgrid.api.registry import After, Key, Limit, ToKeepMeters, ToRead
from microgrid.meters import OrderOf
from microgrid.switching.device_records import DeviceModel

router = APIRouter()
Site = Annotated[str, Query(max_length=64)]
Watts = Annotated[int, Field(ge=1, le=10_000_000, strict=True)]


class MeterOrderBody(Body):
    """Supply on or off whatever the credit, no more power than a limit, or by the credit alone again (`none`)."""

    order: Literal["on", "off", "none", "limit"]
    reason: Name
    power_limit_w: Watts | None = None
    dry_run: bool = False


class AskBody(Body):
    """What a meter is asked: to report, or to set its clock and report."""

    ask: Literal["report", "time"] = "report"


class ClaimBody(Body):
    """The code on the label of a meter, or all that its QR code says."""

    code: Annotated[str, Field(min_length=1, max_length=200)]


class RevocationBody(Body):
    """Why the rights of a device end for ever."""

    reason: Name


class ModelBody(Body):
    """A kind of device: what it can do, how often it is heard, what one unit of its tokens means."""

    id: Id
    profile: Literal["T", "S", "M"]
    expected_contact_s: Annotated[int, Field(ge=1, le=10**9, strict=True)] | None = None
    unit: Literal["none", "day", "100 Wh"] = "none"
    link: Name = "mqtt"

    def record(self) -> DeviceModel:
        """Return the record."""
        return DeviceModel(self.id, self.profile, self.expected_contact_s, self.unit, self.link)


@router.get("/meters")
def list_meters(call: ToRead, after: After = "", limit: Limit = 100) -> Any:
    """List meters by id: what each was told, what it says, when it was heard."""
    return plain(meter_views.meters(call.core, after, limit, reach=call.reach))


@router.get("/sites/{site_id}/meters")
def list_meters_of_site(site_id: Key, call: ToRead, after: After = "", limit: Limit = 100) -> Any:
    """List the meters fitted at a site, by the places they hang at."""
    return plain(meter_views.meters(call.core, after, limit, site_id, call.reach))


@router.get("/meters/{meter_id}")
def show_meter(meter_id: Key, call: ToRead) -> Any:
    """Show everything known of a meter; its `progress` says how far it is with what was asked."""
    shown = meter_views.meter(call.core, meter_id)
    return plain(shown, views.zone(shown.site))


@router.get("/meters/{meter_id}/events")
def list_events(meter_id: Key, call: ToRead, after: After = "", limit: Limit = 100) -> Any:
    """List what a meter told of itself."""
    return plain(meter_views.events(call.core, meter_id, after, limit))


@router.post("/meters/{meter_id}/order", status_code=202)
def order_meter(meter_id: Key, body: MeterOrderBody, call: ToKeepMeters) -> Response:
    """Order what a meter supplies; it answers later, and Location says where. `dry_run` only says what it were told."""
    wanted = OrderOf(body.order, body.reason, body.power_limit_w)
    answer = call.once(body, lambda: meters.order(call.core, meter_id, wanted, call.actor, write=not body.dry_run), 202)
    answer.headers["Location"] = f"/meters/{quote(meter_id, safe='')}"
    return answer


@router.post("/meters/{meter_id}/ask", status_code=202)
def ask_meter(meter_id: Key, body: AskBody, call: ToKeepMeters) -> Response:
    """Ask a meter something; it answers later, and Location says where."""
    answer = call.once(body, lambda: {"asked_at": meters.ask(call.core, meter_id, body.ask, call.actor)}, 202)
    answer.headers["Location"] = f"/meters/{quote(meter_id, safe='')}"
    return answer


@router.post("/claims", status_code=201)
def claim_meter(body: ClaimBody, call: ToKeepMeters) -> Response:
    """Take a meter over by the code on its label, once; answers which one it is."""

    def claim() -> dict[str, Any]:
        claimed = meters.claim(call.core, body.code, call.person)
        return {"meter_id": claimed.id, "site_id": claimed.site_id, "claimed_at": claimed.claimed_at}

    return call.once(body, claim)


@router.post("/meters/{meter_id}/revocation", status_code=201)
def revoke_meter(meter_id: Key, body: RevocationBody, call: ToKeepMeters) -> Response:
    """End the rights of a meter for ever: it cannot come, and nothing it says is taken."""

    def revoke() -> dict[str, str]:
        meters.revoke(call.core, meter_id, call.actor, body.reason)
        return {"meter_id": meter_id, "keys": "ended"}

    return call.once(body, revoke)


@router.post("/device-models", status_code=201)
def add_model(body: ModelBody, call: ToKeepMeters) -> Response:
    """Add a kind of device; what one of a name can do never changes."""
    return call.once(body, lambda: meters.add_model(call.core, body.record(), call.actor))


@router.get("/device-models")
def list_models(call: ToRead, after: After = "", limit: Limit = 100) -> Any:
    """List the kinds of devices."""
    return plain(meter_views.models(call.core, after, limit))
