"""Routes for what belongs to customers and meters beside the first records: numbers, lines, swaps, rows set aside."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Response
from pydantic import Field

from microgrid import actions, metering, people
from microgrid.api import bodies
from microgrid.api.calls import Call, allowed
from microgrid.api.registry import After, Key, Limit, ToKeepCustomers, ToKeepMeters, ToRead
from microgrid.customers import records

router = APIRouter()
ToChangePrices = Annotated[Call, allowed("plans")]


class PhoneBody(bodies.Body):
    """A number as it is known: whole with country code, masked with `*`, or its SHA-256 in 64 hexadecimal digits."""

    number: Annotated[str, Field(pattern=r"^(\+[1-9][0-9]{6,14}|\+?[0-9]{1,12}\*{2,12}[0-9]{0,9}|[0-9a-fA-F]{64})$")]


class FeederBody(bodies.Body):
    """A line from the powerhouse of a village."""

    id: bodies.Id
    site_id: bodies.Id
    name: bodies.Name
    power_limit_w: bodies.Small | None = None

    def record(self) -> records.Feeder:
        """Return the record."""
        return records.Feeder(self.id, self.site_id, self.name, self.power_limit_w)


class SwapBody(bodies.FitBody):
    """Another meter at the same connection, with the last register of the one that it replaces."""

    last_register_wh: bodies.Whole


class AsideBody(bodies.Body):
    """Why a row of a meter is wrong."""

    reason: bodies.Name


class EnrolmentRequestBody(bodies.EnrolmentBody):
    """A plan that is to begin in the past, also for what was charged already, and why."""

    why: bodies.Name


@router.post("/customers/{customer_id}/phones", status_code=201)
def add_phone(customer_id: Key, body: PhoneBody, call: ToKeepCustomers) -> Response:
    """Add a number a customer is known by."""
    return call.once(body, lambda: people.add_phone(call.core, customer_id, body.number, call.actor))


@router.post("/phones/{phone_id}/end", status_code=201)
def end_phone(phone_id: Key, call: ToKeepCustomers) -> Response:
    """Note that a number is no longer its customer's."""
    return call.once(None, lambda: people.end_phone(call.core, phone_id, call.actor))


@router.post("/feeders", status_code=201)
def add_feeder(body: FeederBody, call: ToKeepMeters) -> Response:
    """Add a line from the powerhouse of a village."""
    return call.once(body, lambda: actions.add_feeder(call.core, body.record(), call.actor))


@router.get("/sites/{site_id}/feeders")
def list_feeders(site_id: Key, call: ToRead, after: After = "", limit: Limit = 100) -> Any:
    """List the lines of a village by id."""
    return bodies.plain(people.feeders(call.core, site_id, after, limit))


@router.post("/fits/{fit_id}/swap", status_code=201)
def swap_meter(fit_id: Key, body: SwapBody, call: ToKeepMeters) -> Response:
    """Replace a meter by another one at its place, in one step."""
    return call.once(
        body, lambda: actions.swap_meter(call.core, fit_id, body.last_register_wh, body.record(), call.actor)
    )


@router.get("/meters/{meter_id}/asides")
def list_asides(meter_id: Key, call: ToRead, after: After = "", limit: Limit = 100) -> Any:
    """List the rows of a meter that are kept aside, with the reasons."""
    return bodies.plain(metering.rows_aside(call.core, meter_id, after, limit))


@router.post("/readings/{reading_id}/aside", status_code=201)
def set_reading_aside(reading_id: Key, body: AsideBody, call: ToKeepMeters) -> Response:
    """Set a row of a meter aside; everything is charged as if it had never come."""
    return call.once(body, lambda: metering.set_reading_aside(call.core, reading_id, body.reason, call.actor))


@router.post("/enrolments/requests", status_code=201)
def ask_enrolment(body: EnrolmentRequestBody, call: ToChangePrices) -> Response:
    """Ask that a plan begin in the past, also for what was charged already; a second person has to agree."""
    return call.once(body, lambda: people.ask_enrolment(call.core, body.record(), body.why, call.person))
