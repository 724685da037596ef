"""Routes about people's numbers, lines of a grid, meters that are swapped and rows that are set aside."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.api.service import Program, Service
from tests.flows.village import START


def code(response: object) -> tuple[int, str]:
    return response.status_code, response.json()["code"]  # type: ignore[attr-defined]  # an httpx response


def test_customers_are_found_over_http(anybody: Program) -> None:
    for text in ("amina", "0712000104", "k1o4", "amona"):
        (found,) = anybody.get(f"/customers?find={text}").json()["items"]
        assert found["customer"]["id"] == "c-K-104"
        assert [phone["number"] for phone in found["phones"]] == ["+254712000104"]
    assert anybody.get("/customers?find=nobody").json() == {"items": [], "next": None}
    assert code(anybody.get("/customers?find=a%00b")) == (422, "MG-A007")


def test_a_customer_is_shown_with_the_numbers_that_are_theirs(anybody: Program) -> None:
    added = anybody.post("/customers/c-K-104/phones", {"number": "2547****104"})
    assert (added.status_code, added.json()["kind"]) == (201, "masked")
    assert anybody.post("/phones/c-K-104:+254712000104/end", None).status_code == 201
    shown = anybody.get("/customers/c-K-104").json()
    assert [phone["number"] for phone in shown["phones"]] == ["2547****104"]
    assert code(anybody.post("/customers/nobody/phones", {"number": "+254712000104"})) == (404, "MG-A001")
    assert code(anybody.post("/customers/c-K-104/phones", {"number": "0712000104"})) == (422, "MG-A007")
    assert code(anybody.post("/phones/nobody/end", None)) == (404, "MG-A001")


def test_a_place_has_a_line_a_tier_and_coordinates(anybody: Program) -> None:
    line = {"id": "line-1", "site_id": "kisiju", "name": "North", "power_limit_w": 9000}
    assert anybody.post("/feeders", line).json() == line
    assert anybody.get("/sites/kisiju/feeders").json() == {"items": [line], "next": None}
    place = {
        "id": "p-2",
        "account_id": "K-104",
        "site_id": "kisiju",
        "feeder_id": "line-1",
        "tier": 2,
        "customer_class": "institution",
        "latitude_microdeg": -7_420_000,
        "longitude_microdeg": 39_330_000,
        "connected_on": "2026-02-27",
    }
    answer = anybody.post("/connections", place)
    assert {name: answer.json()[name] for name in place} == place
    assert anybody.post("/connections", place).status_code == 201
    assert code(anybody.post("/connections", {**place, "tier": 6})) == (422, "MG-A007")
    assert code(anybody.post("/connections", {**place, "latitude_microdeg": 91_000_000})) == (422, "MG-A007")


def test_spellings_are_not_shown(anybody: Program) -> None:
    assert "spelling" not in anybody.post("/meters", {"id": "M-9", "rated_w": 500}).text
    assert "spelling" not in anybody.get("/accounts/K-104").text


def test_a_meter_is_swapped_over_http_in_one_request(service: Service, anybody: Program) -> None:
    anybody.post("/meters", {"id": "M-9"})
    service.village.clock.pass_(hours=1)
    at = service.village.clock.at.isoformat()
    body = {"id": "f-9", "meter_id": "M-9", "connection_id": "p-K-104", "fitted_at": at, "first_register_wh": 5}
    for _ in range(2):
        assert anybody.post("/fits/f-K-104/swap", {**body, "last_register_wh": 1300}).json()["id"] == "f-9"
    assert service.village.credit_minor() == -300 * 25
    assert anybody.get("/meters/M-9/supply").json()["desired"]["supply"]["on"] is False
    service.village.are_books_true()


def test_a_wrong_row_is_set_aside_over_http(service: Service, anybody: Program) -> None:
    rows = [{"seq": n, "at": (START + timedelta(hours=n)).isoformat(), "register_wh": 1000 + 500 * n} for n in (1, 2)]
    assert anybody.post("/meters/M-K-104/readings", {"readings": rows}).json()["new"] == 2
    mad = {"seq": 3, "at": (START + timedelta(hours=3)).isoformat(), "register_wh": 5_000_000}
    assert len(anybody.post("/meters/M-K-104/readings", {"readings": [mad]}).json()["problems"]) == 1
    assert anybody.post("/readings/M-K-104:1:2/aside", {"reason": "the lamp was off"}).status_code == 201
    assert service.village.credit_minor() == -500 * 25
    first = anybody.get("/meters/M-K-104/asides?limit=1").json()
    rest = anybody.get("/meters/M-K-104/asides").json()
    assert (len(first["items"]), first["next"], rest["next"]) == (1, first["items"][0]["id"], None)
    assert sorted(row["code"] for row in rest["items"]) == ["MG-M021", "MG-M024"]
    assert code(anybody.post("/readings/M-K-104:1:9/aside", {"reason": "?"})) == (404, "MG-A001")
    assert code(anybody.post("/readings/M-K-104/aside", {"reason": "?"})) == (422, "MG-M026")
    service.village.are_books_true()


def test_a_plan_in_the_past_is_asked_for_over_http(service: Service, anybody: Program) -> None:
    service.village.clock.pass_(hours=2)
    service.village.use(2000)
    free = {"kind": "energy", "blocks": [{"price_milli_minor_per_kwh": 0}]}
    plan = {"plan_id": "free", "effective_from": "2026-01-01T00:00:00Z", "currency": "KES", "rules": free}
    assert anybody.post("/plans", plan).status_code == 201
    body = {"id": "e-9", "account_id": "K-104", "plan_id": "free", "from_at": "2026-03-02T06:01:00Z"}
    assert code(anybody.post("/enrolments", body)) == (422, "MG-A025")
    asked = anybody.post("/enrolments/requests", {**body, "why": "the meter was wrong"})
    assert (asked.status_code, asked.json()["action"]) == (201, "enrol")
    assert service.village.credit_minor() == -1000 * 25


@pytest.mark.parametrize("name", ["0712000104", "K-1O4"])
def test_an_id_that_draws_payments_of_others_is_refused_over_http(anybody: Program, name: str) -> None:
    body = {"id": name, "customer_id": "c-K-104", "site_id": "kisiju", "opened_at": START.isoformat()}
    assert anybody.post("/accounts", body).status_code == 422
    assert anybody.post("/meters", {"id": name}).status_code == 422
