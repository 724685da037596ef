"""Two people, agents and the log of who did what, over HTTP: each key as far as it goes, and each person once."""

from __future__ import annotations

import pytest

from microgrid import access
from microgrid.errors import InvalidInput
from tests.api.service import Program, Service, confirmation
from tests.api.test_routes import problem

PAYMENT = "mpesa:600638:RKT1"
REFUND = {"action": "refund", "payment_id": PAYMENT, "note": "paid twice"}


def of(service: Service, name: str, person: str, *scopes: str) -> Program:
    """Return a program with a key of a person."""
    key = access.add_key(service.village.core, name, f"{name:0>32}".replace("-", "0"), scopes, "test", person)
    return Program(service.client, key)


def test_a_refund_takes_two_people_not_two_keys(service: Service) -> None:
    service.provider("confirmation", confirmation("RKT1", "500"))
    asha = of(service, "asha-1", "person:asha", "approvals")
    same = of(service, "asha-2", "person:asha", "approvals")
    ben = of(service, "ben", "person:ben", "approvals", "read")
    asked = asha.post("/approvals", REFUND)
    assert (asked.status_code, asked.json()["asked_by"]) == (201, "person:asha")
    path = f"/approvals/{asked.json()['id']}"
    problem(asha.post(f"{path}/grant", None), 422, "MG-A017")
    problem(same.post(f"{path}/grant", None), 422, "MG-A017")
    assert [one["id"] for one in ben.get("/approvals").json()["items"]] == [asked.json()["id"]]
    assert ben.post(f"{path}/grant", None).json()["decided_by"] == "person:ben"
    assert ben.get(f"/payments/{PAYMENT}").json()["status"] == "refunding"
    assert asha.get(path).json()["granted"] is True
    assert ben.get("/approvals").json() == {"items": [], "next": None}
    problem(asha.post(f"{path}/refuse", {"note": "changed my mind"}), 422, "MG-A016")
    keeper = service.program("payments")
    assert keeper.post(f"/payments/{PAYMENT}/keep", {"note": "number closed"}).json()["status"] == "posted"
    rows = ben.get(f"/audit?subject=payment:{PAYMENT}").json()["items"]
    assert sorted(row["action"] for row in rows) == ["ask refund", "grant refund", "keep payment"]
    service.village.are_books_true()


def test_what_is_asked_is_checked_and_named(service: Service, anybody: Program) -> None:
    problem(anybody.post("/approvals", REFUND), 404, "MG-A001")
    problem(anybody.post("/approvals", {**REFUND, "action": "dance"}), 422, "MG-A007")
    wish = {"action": "write_off", "account_id": "K-104", "amount_minor": 5, "note": "moved away"}
    problem(anybody.post("/approvals", wish), 422, "MG-P051")
    problem(anybody.post("/approvals/nothing/grant", None), 404, "MG-A001")
    problem(anybody.get("/approvals/nothing"), 404, "MG-A001")
    problem(service.program("payments").post("/approvals", REFUND), 403, "MG-A005")


def test_an_agent_sells_and_hands_over_with_a_key_of_its_own(service: Service) -> None:
    office = of(service, "office", "person:ben", "agents", "approvals", "read")
    body = {"id": "A-7", "name": "Asha", "site_id": "kisiju", "float_limit_minor": 60_000}
    for _ in range(2):
        assert office.post("/agents", body).json()["closed_at"] is None
    asha = of(service, "asha", "agent:A-7", "sales")
    sale = {"receipt": "0017", "amount_minor": 50_000, "reference": "K-104"}
    for _ in range(2):
        sold = asha.post("/agents/A-7/sales", sale, **{"Idempotency-Key": "s-17"})
        assert (sold.status_code, sold.json()["id"]) == (201, "cash:A-7:0017")
    problem(asha.post("/agents/A-7/sales", {**sale, "receipt": "0018"}), 422, "MG-P053")
    problem(office.post("/agents/A-7/sales", sale), 403, "MG-A005")
    assert asha.get("/agents/A-7").json()["held_minor"] == 50_000
    problem(asha.get("/agents/A-8"), 422, "MG-A042")
    assert [one["id"] for one in office.get("/agents/overdue?days=0").json()["items"]] == ["A-7"]

    offered = asha.post("/agents/A-7/handovers", {"id": "h-1", "amount_minor": 50_000})
    assert offered.status_code == 201
    problem(asha.post("/handovers/h-1/agree", {"amount_minor": 50_000}), 422, "MG-P056")
    title = problem(office.post("/handovers/h-1/agree", {"amount_minor": 49_000}), 422, "MG-P055")
    assert "agent:A-7 said 50000, person:ben counted 49000" in title
    assert office.post("/handovers/h-1/withdraw", None).json()["withdrawn_by"] == "person:ben"
    assert office.post("/agents/A-7/handovers", {"id": "h-2", "amount_minor": 49_000}).status_code == 201
    assert asha.post("/handovers/h-2/agree", {"amount_minor": 49_000}).json()["agreed_by"] == "agent:A-7"

    short = {"action": "agent_short", "agent_id": "A-7", "amount_minor": 1000, "note": "lost"}
    asked = of(service, "carol", "person:carol", "approvals").post("/approvals", short).json()
    assert office.post(f"/approvals/{asked['id']}/grant", None).status_code == 201
    shown = office.get("/agents/A-7").json()
    assert (shown["held_minor"], shown["owed_minor"], len(shown["lines"])) == (0, 1000, 3)
    assert office.post("/agents/A-7/limit", {"float_limit_minor": 5}).json()["float_limit_minor"] == 5
    assert office.post("/agents/A-7/close", None).json()["closed_at"] is not None
    assert [one["id"] for one in office.get("/agents").json()["items"]] == ["A-7"]
    service.village.are_books_true()


def test_an_agents_key_is_for_sales_alone_and_for_an_agent_who_is_there(service: Service) -> None:
    for person, scopes in (("agent:A-7", ("sales", "agents")), ("agent:A-9", ("sales",)), ("Asha!", ("read",))):
        with pytest.raises(InvalidInput) as told:
            of(service, "k", person, *scopes)
        assert told.value.problems[0].code in ("MG-A013", "MG-A001")


def test_the_log_is_shown_in_the_order_of_its_chain(service: Service, anybody: Program) -> None:
    assert anybody.get("/audit").json() == {"items": [], "next": None}
    service.village.tick()
    head = anybody.get("/audit/head").json()
    page = anybody.get("/audit?limit=2").json()
    assert [row["number"] for row in page["items"]] == [1, 2]
    last = anybody.get(f"/audit?limit=500&after={page['next']}").json()["items"][-1]
    assert (last["number"], last["seal"]) == (head["number"], head["seal"])
    problem(anybody.get("/audit?after=x"), 422, "MG-A040")
    problem(service.program("read").get("/audit"), 403, "MG-A005")
