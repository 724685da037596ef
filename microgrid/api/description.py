"""An example for each body of the API, so that its description alone is enough to write the first request.

A body is shown with what it requires; a field means the same wherever it comes. Bodies within bodies are written out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI

MOMENT = "2026-03-01T09:00:00+03:00"
RULES: Mapping[str, Any] = {"kind": "energy", "blocks": [{"price_milli_minor_per_kwh": 25_000_000}]}
BY_FIELD: Mapping[str, Any] = {
    "account": "mpesa:600638",
    "account_id": "K-104",
    "agent_id": "AG-7",
    "amount_minor": 50_000,
    "at": MOMENT,
    "connection_id": "house-104",
    "count": 12,
    "currency": "KES",
    "customer_id": "c-104",
    "effective_from": "2026-01-01T00:00:00+03:00",
    "exponent": 2,
    "first": "2026-10-01",
    "first_register_wh": 1000,
    "fitted_at": MOMENT,
    "float_limit_minor": 2_000_000,
    "from": "2026-10-01",
    "from_at": MOMENT,
    "from_on": "2026-03-01",
    "last": "2026-10-31",
    "last_register_wh": 412_300,
    "level": 1,
    "meter_id": "M-104",
    "name": "Amina Juma",
    "note": "the customer called",
    "number": "+254712000104",
    "opened_at": MOMENT,
    "order": "off",
    "owner": "Joseph",
    "payment_id": "mpesa:600638:RKTQDM7W6S",
    "plan": "lamp@1",
    "plan_id": "home",
    "reason": "the meter fell into the water",
    "receipt": "0017",
    "reference": "K-104",
    "removed_at": "2026-09-01T09:00:00+03:00",
    "rules": RULES,
    "seal": "tampered",
    "sender": "MPESA",
    "site_id": "kisiju",
    "started_on": "2026-03-01",
    "timezone": "Africa/Nairobi",
    "to": "2026-10-31",
    "to_at": "2026-03-01T11:30:00+03:00",
    "why": "moved in before we knew",
}
BY_BODY: Mapping[str, Mapping[str, Any]] = {
    "SiteBody": {"id": "kisiju", "name": "Kisiju"},
    "CustomerBody": {"id": "c-104", "phone": "+254712000104"},
    "AccountBody": {"id": "K-104"},
    "ConnectionBody": {"id": "house-104"},
    "MeterBody": {"id": "M-104"},
    "FitBody": {"id": "fit-1"},
    "SwapBody": {"id": "fit-2", "meter_id": "M-105"},
    "FeederBody": {"id": "north", "name": "North line"},
    "PreviewBody": {"days": 30},
    "PolicyBody": {"quiet_from_minute": 1320, "quiet_to_minute": 360, "no_cut_after_outage_s": 7200},
    "EnrolmentBody": {"id": "e-104"},
    "EnrolmentRequestBody": {"id": "e-104"},
    "ContractBody": {"id": "lamp-104"},
    "OutageBody": {"id": "outage-1"},
    "AgentBody": {"id": "AG-7", "name": "Joseph Mwangi"},
    "HandoverBody": {"id": "handover-1"},
    "WantedBody": {"id": "8f14e45f-ceea-467f-a9e6-1c6a2b3d4e5f"},
    "HandBody": {"kind": "add", "id": "given-1", "days": 7},
    "ClaimBody": {"code": "4VX2-9KQH-T0BM"},
    "AskBody": {"ask": "report"},
    "ModelBody": {"id": "sleeper", "profile": "S", "expected_contact_s": 86_400},
    "DeviceBody": {"starting_code": "123456789", "key": "00112233445566778899aabbccddeeff"},
    "ReadingsBody": {"readings": [{"seq": 1, "at": "2026-03-02T18:00:00+03:00", "register_wh": 2200}]},
    "ReceiptBody": {
        "text": "RKTQDM7W6S Confirmed.You have received Ksh500.00 from AMINA JUMA 0712000104 on 2/3/26 at 10:00 AM"
    },
    "WebhookBody": {
        "id": "crm",
        "url": "https://example.org/told",
        "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "events": ["payment.booked", "supply.changed"],
    },
}


def install(app: FastAPI) -> None:
    """Let the description of an application show an example with each body."""
    describe = app.openapi

    def described() -> dict[str, Any]:
        document = describe()
        for name, schema in document.get("components", {}).get("schemas", {}).items():
            example = example_of(name.rpartition("__")[2], schema)
            if example is not None:
                schema["examples"] = [example]
        return document

    app.openapi = described  # type: ignore[method-assign]  # FastAPI's own way of changing the description


def example_of(name: str, schema: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return an example of a body with all that it requires, or nothing where a field has no example."""
    own, fields = BY_BODY.get(name, {}), schema.get("properties", {})
    wanted = [field for field in fields if field in schema.get("required", ()) or field in own]
    known = {field: fields[field].get("const", BY_FIELD.get(field)) for field in wanted} | dict(own)
    return known if name.endswith("Body") and None not in known.values() else None
