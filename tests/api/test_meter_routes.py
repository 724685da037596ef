"""Meters over the API: listed, ordered, asked, claimed, ended."""

from __future__ import annotations

import pytest

from microgrid import meters
from microgrid.actions import add_meter
from microgrid.bridge.provisioning import fresh
from microgrid.customers.records import Meter
from microgrid.sealing import SealedKeys
from microgrid.store.memory import MemoryStore
from tests.api.service import Program, Service, make_service

METER = "/meters/M-K-104"
OFF = {"order": "off", "reason": "tamper check"}


@pytest.fixture
def service() -> Service:
    """Return a service that keeps secrets, with one home."""
    return make_service(MemoryStore(), keys=SealedKeys(bytes(32)))


@pytest.fixture
def operator(service: Service) -> Program:
    return service.program("read", "meters")


def test_an_order_is_taken_and_its_place_shows_how_far_it_is(service: Service, operator: Program) -> None:
    service.village.pay("R1", 100_000)
    answer = operator.post(f"{METER}/order", OFF, **{"Idempotency-Key": "one"})
    assert (answer.status_code, answer.headers["Location"]) == (202, METER)
    assert (answer.json()["written"], answer.json()["desired"]["supply"]["on"]) == (True, False)
    again = operator.post(f"{METER}/order", OFF, **{"Idempotency-Key": "one"})
    assert (again.json(), again.headers["Location"]) == (answer.json(), METER)
    shown = operator.get(METER).json()
    assert (shown["line"]["wanted"], shown["line"]["progress"]["state"]) == ("OFF", "asked")
    assert shown["why"] == "Supply is off by order: tamper check."
    listed = operator.get("/meters").json()["items"]
    assert [(line["meter_id"], line["silent"]) for line in listed] == [("M-K-104", False)]
    assert operator.get("/sites/kisiju/meters").json()["items"] == listed
    assert operator.get(f"{METER}/events").json() == {"items": [], "next": None}


def test_a_limit_is_ordered_for_a_meter_or_its_place(service: Service, operator: Program) -> None:
    service.village.pay("R1", 100_000)
    limit = {"order": "limit", "power_limit_w": 200, "reason": "weak line"}
    tried = operator.post(f"{METER}/order", {**limit, "dry_run": True}).json()
    assert (tried["written"], tried["desired"]["supply"]["power_limit_w"]) == (False, 200)
    assert operator.get(METER).json()["desired"]["supply"]["power_limit_w"] is None
    place = {"order": "limit", "power_limit_w": 300, "note": "weak line"}
    assert operator.post("/connections/p-K-104/order", place).status_code == 202
    assert operator.get(METER).json()["desired"]["supply"]["power_limit_w"] == 300
    for wrong in ({**limit, "order": "on"}, {"order": "limit", "reason": "?"}):
        refused = operator.post(f"{METER}/order", wrong)
        assert (refused.status_code, refused.json()["code"]) == (422, "MG-M011")
    assert operator.post(f"{METER}/order", {**limit, "power_limit_w": 0}).status_code == 422


def test_what_takes_tokens_only_takes_no_order(service: Service, operator: Program) -> None:
    add_meter(service.village.core, Meter("L-1", "T"), "test")
    assert operator.post("/meters/L-1/order", OFF).json()["code"] == "MG-M080"
    assert operator.post("/meters/L-1/ask", {}).json()["code"] == "MG-M080"
    assert operator.get("/meters/L-1").json()["line"]["progress"]["state"] == "unseen"
    assert operator.get("/meters/L-9").status_code == 404


def test_a_meter_with_keys_is_asked_claimed_and_ended(service: Service, operator: Program) -> None:
    made, core = fresh(), service.village.core
    meters.issue(core, "kisiju", [(Meter("M-K-104"), made)], "test")
    asked = operator.post(f"{METER}/ask", {"ask": "report"})
    assert (asked.status_code, asked.headers["Location"]) == (202, METER)
    assert operator.post(f"{METER}/ask", {"ask": "time"}).json()["code"] == "MG-M078"
    claimed = operator.post("/claims", {"code": made.claim_code})
    assert (claimed.status_code, claimed.json()["meter_id"]) == (201, "M-K-104")
    other = service.program("meters")
    assert other.post("/claims", {"code": made.claim_code}).json()["code"] == "MG-M074"
    assert operator.post(f"{METER}/revocation", {"reason": "stolen"}).status_code == 201
    shown = operator.get(METER).json()
    assert (shown["keys"], shown["claimed_by"]) == ("ended", "api:p1")
    everything = operator.get(METER).text + operator.get("/meters").text
    assert made.claim_code not in everything
    assert made.password not in everything


def test_a_device_model_is_added_once(operator: Program) -> None:
    body = {"id": "sleeper", "profile": "S", "expected_contact_s": 86_400}
    assert operator.post("/device-models", body).status_code == 201
    assert operator.post("/device-models", body).status_code == 201
    assert operator.post("/device-models", {**body, "profile": "M"}).status_code == 409
    assert [one["id"] for one in operator.get("/device-models").json()["items"]] == ["sleeper"]
    assert operator.post("/meters", {"id": "M-9", "model_id": "sleeper"}).json()["profile"] == "S"
