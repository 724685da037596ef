"""What each route touches, in one table: a key that is bound to sites or meters gets no further than these say.

A route that is not in the table is closed to bound keys, and a test says so.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from fastapi import Request

from microgrid import access
from microgrid.customers.keys import ApiKey
from microgrid.customers.reach import Touched
from microgrid.ports import Core

Rule = tuple[tuple[str, str], ...]  # kinds of things, and where in a request their ids are
ORGANISATION: Rule = ()  # concerns the whole organisation: no bound key may
LISTED: Rule = (("list", ""),)  # the route shows only what is within the reach of the call, see `Call.reach`

RULES: Mapping[str, Rule] = {
    "POST /sites": ORGANISATION,
    "POST /plans": ORGANISATION,
    "GET /plans": ORGANISATION,
    "POST /plans/preview": ORGANISATION,
    "POST /plans/schedule": ORGANISATION,
    "POST /contracts": (("contract", "body.id"), ("account", "body.account_id")),
    "GET /contracts": ORGANISATION,
    "GET /accounts/{account_id}/contracts": (("account", "path.account_id"),),
    "GET /accounts/{account_id}/bills": (("account", "path.account_id"),),
    "GET /contracts/{contract_id}": (("contract", "path.contract_id"),),
    "POST /contracts/{contract_id}/payoff": (("contract", "path.contract_id"),),
    "POST /contracts/{contract_id}/write-off": (("contract", "path.contract_id"),),
    "GET /sites/{site_id}/policy": (("site", "path.site_id"),),
    "PUT /sites/{site_id}/policy": (("site", "path.site_id"),),
    "PUT /sites/{site_id}/shed": (("site", "path.site_id"),),
    "GET /sites/{site_id}/outages": (("site", "path.site_id"),),
    "POST /outages": (("outage", "body.id"), ("site", "body.site_id"), ("feeder", "body.feeder_id")),
    "POST /outages/{outage_id}/end": (("outage", "path.outage_id"),),
    "POST /meters/{meter_id}/seal": (("fitted meter", "path.meter_id"),),
    "POST /customers": (("customer", "body.id"),),
    "GET /customers": LISTED,
    "GET /customers/{customer_id}": (("customer", "path.customer_id"),),
    "POST /customers/{customer_id}/phones": (("customer", "path.customer_id"),),
    "POST /phones/{phone_id}/end": (("phone", "path.phone_id"),),
    "POST /accounts": (("account", "body.id"), ("customer", "body.customer_id"), ("site", "body.site_id")),
    "GET /accounts/{account_id}": (("account", "path.account_id"),),
    "POST /enrolments": (("enrolment", "body.id"), ("account", "body.account_id")),
    "POST /enrolments/requests": (("enrolment", "body.id"), ("account", "body.account_id")),
    "POST /feeders": (("feeder", "body.id"), ("site", "body.site_id")),
    "GET /sites/{site_id}/feeders": (("site", "path.site_id"),),
    "POST /connections": (
        ("connection", "body.id"),
        ("account", "body.account_id"),
        ("site", "body.site_id"),
        ("feeder", "body.feeder_id"),
    ),
    "POST /connections/{connection_id}/order": (("connection", "path.connection_id"),),
    "POST /meters": (("meter", "body.id"),),
    "POST /fits": (("fit", "body.id"), ("meter", "body.meter_id"), ("connection", "body.connection_id")),
    "POST /fits/{fit_id}/removal": (("fit", "path.fit_id"),),
    "POST /fits/{fit_id}/swap": (
        ("fit", "path.fit_id"),
        ("fit", "body.id"),
        ("meter", "body.meter_id"),
        ("connection", "body.connection_id"),
    ),
    "POST /meters/{meter_id}/readings": (("fitted meter", "path.meter_id"),),
    "GET /meters": LISTED,
    "GET /sites/{site_id}/meters": (("site", "path.site_id"),),
    "GET /meters/{meter_id}": (("meter", "path.meter_id"),),
    "GET /meters/{meter_id}/events": (("meter", "path.meter_id"),),
    "POST /meters/{meter_id}/order": (("fitted meter", "path.meter_id"),),
    "POST /meters/{meter_id}/ask": (("meter", "path.meter_id"),),
    "POST /meters/{meter_id}/revocation": (("fitted meter", "path.meter_id"),),
    "POST /claims": (("claim", "body.code"),),
    "POST /device-models": ORGANISATION,
    "GET /device-models": ORGANISATION,
    "GET /meters/{meter_id}/supply": (("meter", "path.meter_id"),),
    "GET /meters/{meter_id}/asides": (("meter", "path.meter_id"),),
    "POST /meters/{meter_id}/token-device": (("meter", "path.meter_id"),),
    "POST /meters/{meter_id}/tokens": (("meter", "path.meter_id"), ("payment", "body.payment_id")),
    "GET /meters/{meter_id}/tokens": (("meter", "path.meter_id"),),
    "POST /meters/{meter_id}/typed": (("fitted meter", "path.meter_id"),),
    "POST /readings/{reading_id}/aside": (("reading", "path.reading_id"),),
    "GET /payments": LISTED,
    "GET /payments/{payment_id}": (("payment", "path.payment_id"),),
    "POST /payments/{payment_id}/move": (("payment", "path.payment_id"), ("account", "body.account_id")),
    "POST /payments/{payment_id}/reverse": (("payment", "path.payment_id"),),
    "GET /suspense": ORGANISATION,
    "POST /payments/{payment_id}/move-back": (("payment", "path.payment_id"),),
    "GET /accounts/{account_id}/statement": (("account", "path.account_id"),),
    "GET /refunds": ORGANISATION,
    "POST /statements": ORGANISATION,
    "POST /receipts": ORGANISATION,
    "GET /reconciliation": ORGANISATION,
    "POST /reconciliation/runs": ORGANISATION,
    "POST /reconciliation/opening": ORGANISATION,
    "GET /differences": ORGANISATION,
    "POST /differences/{item_id}/own": ORGANISATION,
    "POST /differences/{item_id}/explain": ORGANISATION,
    "POST /differences/{item_id}/correct": ORGANISATION,
    "GET /months/{account}/{month}": ORGANISATION,
    "POST /months/{account}/{month}/close": ORGANISATION,
    "POST /payments/requests": (("account", "body.account_id"),),
    "GET /payments/requests": ORGANISATION,
    "GET /payments/requests/{request_id}": ORGANISATION,
    "GET /alarms": ORGANISATION,
    "POST /alarms/{alarm_id}/settle": ORGANISATION,
    "POST /agents": ORGANISATION,
    "GET /agents": ORGANISATION,
    "GET /agents/overdue": ORGANISATION,
    "GET /agents/{agent_id}": ORGANISATION,
    "POST /agents/{agent_id}/limit": ORGANISATION,
    "POST /agents/{agent_id}/close": ORGANISATION,
    "POST /agents/{agent_id}/sales": ORGANISATION,
    "POST /agents/{agent_id}/handovers": ORGANISATION,
    "POST /handovers/{handover_id}/agree": ORGANISATION,
    "POST /handovers/{handover_id}/withdraw": ORGANISATION,
    "POST /approvals": ORGANISATION,
    "GET /approvals": ORGANISATION,
    "GET /approvals/{approval_id}": ORGANISATION,
    "POST /approvals/{approval_id}/grant": ORGANISATION,
    "POST /approvals/{approval_id}/refuse": ORGANISATION,
    "POST /payments/{payment_id}/keep": (("payment", "path.payment_id"),),
    "GET /audit": ORGANISATION,
    "GET /audit/head": ORGANISATION,
    "POST /webhooks": ORGANISATION,
    "GET /webhooks": ORGANISATION,
    "GET /webhooks/{webhook_id}/deliveries": ORGANISATION,
    "DELETE /webhooks/{webhook_id}": ORGANISATION,
    "GET /metrics": ORGANISATION,
    "GET /kpis": (("site", "query.site"),),
    "GET /kpis/{name}/evidence": (("site", "query.site"),),
}


def refuse_beyond(core: Core, key: ApiKey, request: Request, body: bytes) -> None:
    """Refuse a request that touches what its key is not bound to."""
    rule = RULES.get(named(request.method, request.scope["route"].path), ORGANISATION)
    if rule is LISTED and not key.reach.meters:
        return
    access.refuse_beyond(core, key, list(_touched(rule, request, body)))


def named(method: str, path: str) -> str:
    """Return what the table calls a route."""
    return f"{method} {path}"


def _touched(rule: Rule, request: Request, body: bytes) -> Iterator[Touched]:
    """Yield the things a request names; what is missing or no text is refused by the check of the request itself."""
    places: dict[str, Mapping[str, Any]] = {
        "path": request.path_params,
        "query": request.query_params,
        "body": _fields(body),
    }
    for kind, where in rule:
        place, _, name = where.partition(".")
        found = places.get(place, {}).get(name)
        if isinstance(found, str):
            yield kind, found


def _fields(body: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(body) if body else {}
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
