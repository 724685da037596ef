"""What programs may ask, what they get, and what they are told when they may not."""

from __future__ import annotations

import json

import pytest

from microgrid import access
from microgrid.errors import InvalidInput
from tests.api.service import Program, Service, confirmation

HOME = {"id": "c-9", "name": "Juma"}


def problem(response: object, status: int, code: str) -> str:
    """Check that an answer is this problem, and return its title."""
    assert response.status_code == status, response.text  # type: ignore[attr-defined]  # an httpx response
    assert response.headers["content-type"] == "application/problem+json"  # type: ignore[attr-defined]
    told = response.json()  # type: ignore[attr-defined]
    assert told["code"] == code
    return str(told["title"])


def test_from_payment_to_light_over_http(service: Service, anybody: Program) -> None:
    first = anybody.get("/meters/M-K-104/supply").json()
    assert first["desired"]["supply"]["on"] is False
    for _ in range(2):
        answer = service.provider("confirmation", confirmation("RKT1", "500.00"))
        assert answer.json() == {"ResultCode": 0, "ResultDesc": "Success"}
    assert [row["receipt"] for row in anybody.get("/payments").json()["items"]] == ["RKT1"]
    lit = anybody.get("/meters/M-K-104/supply").json()
    assert lit["desired"]["supply"]["on"] is True
    assert lit["desired"]["revision"] == first["desired"]["revision"] + 1
    assert lit["why"] == "KES 500.00 left, enough for at least 2.0 kWh."
    assert lit["in_sync"] is False
    rows = [{"seq": 1, "at": "2026-03-02T12:00:00+03:00", "register_wh": 3000}]
    assert anybody.post("/meters/M-K-104/readings", {"readings": rows}).json() == {"new": 1, "known": 0, "problems": []}
    assert anybody.get("/meters/M-K-104/supply").json()["desired"]["supply"]["on"] is False
    service.provider("confirmation", confirmation("RKT2", "100"))
    assert anybody.get("/meters/M-K-104/supply").json()["desired"]["supply"]["on"] is True
    account = anybody.get("/accounts/K-104").json()
    assert account["available_minor"] == 10_000
    assert sum(line["amount_minor"] for line in account["lines"]) == account["balance_minor"]
    assert account["lines"][0]["at"].endswith("+03:00")
    service.village.are_books_true()


def test_a_statement_is_paged(service: Service, anybody: Program) -> None:
    for number in range(5):
        service.provider("confirmation", confirmation(f"RKT{number}", "1"))
        service.village.clock.pass_(minutes=1)
    seen: list[str] = []
    after = ""
    while True:
        page = anybody.get(f"/accounts/K-104?limit=2&after={after}").json()
        seen += [line["journal_id"] for line in page["lines"]]
        if page["next"] is None:
            break
        after = page["next"]
    assert seen == [f"payment:mpesa:600638:RKT{number}" for number in range(5)]
    problem(anybody.get("/accounts/K-104?after=nothing"), 404, "MG-A001")


def test_suspense_is_moved_and_reversed_by_hand(service: Service, anybody: Program) -> None:
    service.provider("confirmation", confirmation("RKT1", "500", "K-105"))
    item = anybody.get("/suspense").json()["items"][0]
    assert item["suggestions"] == ["K-104"]
    path = f"/payments/{item['payment']['id']}"
    moved = anybody.post(f"{path}/move", {"account_id": "K-104", "note": "asked by phone"})
    assert (moved.status_code, moved.json()["account_id"]) == (201, "K-104")
    assert anybody.get("/suspense").json() == {"items": [], "next": None}
    assert anybody.post(f"{path}/reverse", {"note": "sent back"}).json()["status"] == "reversed"
    assert anybody.get(path).json()["status"] == "reversed"
    service.village.are_books_true()


def test_no_key_no_answer(service: Service) -> None:
    for key in ("", "mgk_p1_" + "0" * 32, "nonsense", "mgk__"):
        problem(Program(service.client, key).get("/payments"), 401, "MG-A004")
    assert service.client.get("/health").json()["ok"] is True


def test_a_key_may_do_only_what_it_is_for(service: Service) -> None:
    reader = service.program("read")
    assert reader.get("/payments").status_code == 200
    title = problem(reader.post("/customers", HOME), 403, "MG-A005")
    assert "'customers'" in title
    assert problem(service.program("readings").get("/payments"), 403, "MG-A005")


def test_an_ended_key_is_no_key(service: Service) -> None:
    program = service.program("read")
    for _ in range(2):
        access.revoke_key(service.village.core, "p1", "test")
    problem(program.get("/payments"), 401, "MG-A004")
    with pytest.raises(InvalidInput, match="MG-A013"):
        access.add_key(service.village.core, "p1", "1" * 32, ("read",), "test")
    with pytest.raises(InvalidInput, match="MG-A001"):
        access.revoke_key(service.village.core, "p9", "test")


@pytest.mark.parametrize(("name", "scopes"), [("p 1", ("read",)), ("p1", ()), ("p1", ("all",))])
def test_a_key_has_a_plain_name_and_known_scopes(service: Service, name: str, scopes: tuple[str, ...]) -> None:
    with pytest.raises(InvalidInput, match="MG-A013"):
        access.add_key(service.village.core, name, "1" * 32, scopes, "test")


def test_a_secret_is_nowhere_in_the_store(service: Service) -> None:
    service.program("read")
    with service.village.store.read() as uow:
        rows = uow.audit.where(subject="api-key:p1")
    assert "0" * 31 + "1" not in json.dumps([row.detail for row in rows])


def test_the_same_request_gets_the_same_answer(service: Service, anybody: Program) -> None:
    service.provider("confirmation", confirmation("RKT1", "500", "?"))
    path = "/payments/mpesa:600638:RKT1/move"
    body = {"account_id": "K-104", "note": "asked by phone"}
    key = {"Idempotency-Key": "a1"}
    first = anybody.post(path, body, **key)
    anybody.post("/payments/mpesa:600638:RKT1/reverse", {"note": "sent back"})
    again = anybody.post(path, body, **key)
    assert (again.status_code, again.content) == (first.status_code, first.content)
    problem(anybody.post(path, {**body, "note": "other"}, **key), 409, "MG-A006")
    problem(anybody.post("/customers", HOME, **key), 409, "MG-A006")
    assert service.program("customers").post("/customers", HOME, **key).status_code == 201


def test_same_id_same_content_is_a_success_other_content_is_not(anybody: Program) -> None:
    for _ in range(2):
        assert anybody.post("/customers", HOME).status_code == 201
    problem(anybody.post("/customers", {**HOME, "name": "Neema"}), 409, "MG-A002")
    shown = anybody.get("/customers/c-9").json()
    juma = {"id": "c-9", "name": "Juma", "phone": None, "language": "en"}
    assert shown == {"customer": juma, "accounts": [], "phones": []}
    page = anybody.get("/customers?limit=1").json()
    assert (len(page["items"]), page["next"]) == (1, "c-9")


def test_every_mistake_of_a_body_is_told_at_once(anybody: Program) -> None:
    body = {"id": "x", "name": "X", "timezone": "Mars/Base", "currency": "XXX", "exponent": 9, "colour": "red"}
    response = anybody.post("/sites", body)
    problem(response, 422, "MG-A007")
    places = [each["what"].split(":")[0] for each in response.json()["problems"]]
    assert places == ["timezone", "currency", "exponent", "colour"]


@pytest.mark.parametrize("text", ["a\x00b", "\ud800", "x" * 300, ""])
def test_no_odd_text_breaks_anything(anybody: Program, text: str) -> None:
    body = json.dumps({"id": "c-8", "name": text}).encode("utf-8")
    headers = {"Authorization": f"Bearer {anybody.key}", "Content-Type": "application/json"}
    problem(anybody.client.post("/customers", content=body, headers=headers), 422, "MG-A007")


def test_what_is_not_there_is_told_as_a_problem(anybody: Program) -> None:
    problem(anybody.get("/nothing"), 404, "MG-A008")
    problem(anybody.send("DELETE", "/payments"), 405, "MG-A008")
    problem(anybody.get("/customers/nobody"), 404, "MG-A001")
    problem(anybody.get("/meters/none/supply"), 404, "MG-A001")
    problem(anybody.get("/payments/none"), 404, "MG-A001")


def test_a_plan_that_cannot_be_meant_is_refused_whole(anybody: Program) -> None:
    rules = {"kind": "energy", "blocks": [{"up_to_wh": 100, "price_milli_minor_per_kwh": 1}]}
    body = {"plan_id": "p", "effective_from": "2026-01-01T00:00:00Z", "currency": "KES", "rules": rules}
    assert anybody.post("/plans", body).status_code == 422
    body["rules"] = {"kind": "time", "price_minor": 10_000, "days": 7, "power_limit_w": 300}
    assert anybody.post("/plans", body).json()["rules"]["days"] == 7


def test_a_meter_is_taken_off_over_http(service: Service, anybody: Program) -> None:
    service.village.clock.pass_(hours=1)
    body = {"removed_at": service.village.clock.at.isoformat(), "last_register_wh": 1200}
    assert anybody.post("/fits/f-K-104/removal", body).json()["last_register_wh"] == 1200
    assert service.village.credit_minor() == -200 * 25


def test_the_description_needs_nothing_from_elsewhere(service: Service) -> None:
    described = service.client.get("/openapi.json")
    assert described.status_code == 200
    text = described.text.replace("https://example.org/told", "")  # an example, not a place to load from
    assert "http" not in text.replace('"http"', "")
    assert "/hooks" not in described.text
    assert service.client.get("/docs").status_code == 404
