"""Routes for customers, accounts, meters and plans: each adds or shows one record."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response
from pydantic import AfterValidator

from microgrid import actions, people, views
from microgrid.api import bodies
from microgrid.api.calls import Call, allowed

router = APIRouter()
Key = Annotated[str, Path(min_length=1, max_length=200)]
After = Annotated[str, Query(max_length=200)]
Limit = Annotated[int, Query(ge=1, le=500)]
Find = Annotated[str, Query(max_length=100), AfterValidator(bodies.printable)]

ToRead = Annotated[Call, allowed("read")]
ToKeepCustomers = Annotated[Call, allowed("customers")]
ToKeepMeters = Annotated[Call, allowed("meters")]
ToKeepPlans = Annotated[Call, allowed("plans")]


@router.post("/sites", status_code=201)
def add_site(body: bodies.SiteBody, call: ToKeepCustomers) -> Response:
    """Add a village or branch."""
    return call.once(body, lambda: actions.add_site(call.core, body.record(), call.actor))


@router.post("/customers", status_code=201)
def add_customer(body: bodies.CustomerBody, call: ToKeepCustomers) -> Response:
    """Add a person or business that pays."""
    return call.once(body, lambda: actions.add_customer(call.core, body.record(), call.actor))


@router.post("/accounts", status_code=201)
def add_account(body: bodies.AccountBody, call: ToKeepCustomers) -> Response:
    """Add what a customer pays into."""
    return call.once(body, lambda: actions.add_account(call.core, body.record(), call.actor))


@router.post("/connections", status_code=201)
def add_connection(body: bodies.ConnectionBody, call: ToKeepMeters) -> Response:
    """Add a place where supply is delivered."""
    return call.once(body, lambda: actions.add_connection(call.core, body.record(), call.actor))


@router.post("/meters", status_code=201)
def add_meter(body: bodies.MeterBody, call: ToKeepMeters) -> Response:
    """Add a meter."""
    return call.once(body, lambda: actions.add_meter(call.core, body.record(), call.actor))


@router.post("/fits", status_code=201)
def fit_meter(body: bodies.FitBody, call: ToKeepMeters) -> Response:
    """Fit a meter to a connection."""
    return call.once(body, lambda: actions.fit_meter(call.core, body.record(), call.actor))


@router.post("/fits/{fit_id}/removal", status_code=201)
def remove_meter(fit_id: Key, body: bodies.RemovalBody, call: ToKeepMeters) -> Response:
    """Take a meter off its connection."""
    return call.once(
        body, lambda: actions.remove_meter(call.core, fit_id, body.removed_at, body.last_register_wh, call.actor)
    )


@router.post("/plans", status_code=201)
def add_plan(body: bodies.PlanBody, call: ToKeepPlans) -> Response:
    """Add a version of a plan."""
    return call.once(body, lambda: actions.add_plan(call.core, body.record(), call.actor))


@router.post("/enrolments", status_code=201)
def enrol(body: bodies.EnrolmentBody, call: ToKeepPlans) -> Response:
    """Charge an account by a plan from a moment on."""
    return call.once(body, lambda: actions.enrol(call.core, body.record(), call.actor))


@router.get("/customers/{customer_id}")
def show_customer(customer_id: Key, call: ToRead) -> Any:
    """Show a customer and the accounts it pays into."""
    return bodies.plain(views.customer(call.core, customer_id, call.reach))


@router.get("/customers")
def list_customers(call: ToRead, after: After = "", limit: Limit = 100, find: Find = "") -> Any:
    """List customers by id; with `find`, those who may be meant by it, the surest first."""
    if find:
        return bodies.plain(views.Page(people.find(call.core, find, limit, call.reach), None))
    return bodies.plain(views.page(call.core, "customers", after, limit, call.reach))


@router.get("/accounts/{account_id}")
def show_account(account_id: Key, call: ToRead, after: After = "", limit: Limit = 100) -> Any:
    """Show the credit of an account and its statement, oldest line first."""
    shown = views.account(call.core, account_id, after, limit)
    return bodies.plain(shown, views.zone(shown.site))
