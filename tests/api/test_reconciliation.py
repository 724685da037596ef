"""Papers, differences, months and suspense over HTTP: thin routes, and the same answer to the same request."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from microgrid.store.memory import MemoryStore
from tests.api.service import Program, Service, confirmation, make_service
from tests.flows.papers import Paper
from tests.flows.village import START

ACCOUNT = "mpesa:600638"
MARCH = {"account": ACCOUNT, "from": "2026-03-01", "to": "2026-03-31"}


def hand_in(program: Program, paper: Paper, account: str = ACCOUNT, **headers: str) -> Any:
    sent = {"Authorization": f"Bearer {program.key}", "Content-Type": "text/csv", **headers}
    return program.client.post(f"/statements?account={account}", content=paper.text(), headers=sent)


def test_a_statement_is_handed_in_compared_and_its_month_closed(service: Service, anybody: Program) -> None:
    service.provider("confirmation", confirmation("RKT1", "500"))
    paper = Paper().paid("RKT1", 50_000).charged("RKT1", 500).paid("RKT2", 10_000).swept("RKX1", 40_000)
    first = hand_in(anybody, paper, **{"Idempotency-Key": "march"})
    assert (first.status_code, first.json()["payments_booked"], first.json()["charges_booked"]) == (201, 1, 1)
    assert hand_in(anybody, paper, **{"Idempotency-Key": "march"}).json() == first.json()
    assert hand_in(anybody, Paper().paid("RKT1", 50_000), **{"Idempotency-Key": "march"}).status_code == 409
    found = anybody.post("/reconciliation/runs", MARCH).json()
    assert (found["matched"], found["theirs_only"], found["law_holds"]) == (3, 1, True)
    (item,) = found["items"]
    shown = anybody.get("/reconciliation?account=mpesa:600638&from=2026-03-01&to=2026-03-31").json()
    assert shown == {**found}
    assert anybody.get("/differences").json()["items"][0]["id"] == item["id"]
    service.village.clock.pass_(days=35)
    refused = anybody.post("/months/mpesa:600638/2026-03/close", {})
    assert (refused.status_code, [each["code"] for each in refused.json()["problems"]]) == (422, ["MG-P310", "MG-P313"])
    proposed = anybody.get("/months/mpesa:600638/2026-03").json()
    assert proposed["proposals"][0]["step"] == "post"
    assert anybody.post(f"/differences/{item['id']}/own", {"owner": "ben"}).json()["owner"] == "ben"
    corrected = anybody.post(f"/differences/{item['id']}/correct", {"note": "swept to the bank"})
    assert corrected.json()["state"] == "corrected"
    service.village.clock.pass_(minutes=6)
    closed = anybody.post("/months/mpesa:600638/2026-03/close", {})
    assert (closed.status_code, closed.json()["closing_minor"]) == (201, 19_500)
    assert anybody.get("/differences?state=corrected").json()["items"][0]["closed_by"].startswith("api:")
    service.village.are_books_true()


def test_a_receipt_and_a_move_back(service: Service, anybody: Program) -> None:
    text = (
        "RKT1ABCD Confirmed. on 2/3/26 at 9:00 AM Ksh500.00 received from AMINA JUMA 254712000104. "
        "Account Number K-104 New Utility balance is Ksh500.00"
    )
    body = {"account": ACCOUNT, "sender": "MPESA", "text": text}
    assert anybody.post("/receipts", body).json()["status"] == "posted"
    assert anybody.post("/receipts", {**body, "text": "hello"}).json()["code"] == "MG-P062"
    back = anybody.post(f"/payments/{ACCOUNT}:RKT1ABCD/move-back", {"note": "not hers"}).json()
    assert (back["status"], back["account_id"]) == ("suspense", None)
    service.village.clock.pass_(days=31)
    from microgrid import flows

    flows.on_tick(service.village.core)
    assert anybody.get("/refunds").json()["items"][0]["payment"]["receipt"] == "RKT1ABCD"
    service.village.are_books_true()


def test_a_statement_of_an_account_in_three_forms(service: Service, anybody: Program) -> None:
    service.village.pay("RKT1", 50_000)
    address = "/accounts/K-104/statement?from=2026-03-01&to=2026-03-31"
    found = anybody.get(address).json()
    assert (found["closing_minor"], found["adds_up"], len(found["lines"])) == (50_000, True, 1)
    rows = list(csv.DictReader(io.StringIO(anybody.get(f"{address}&format=csv").text)))
    assert rows[-1]["balance_KES"] == "500.00"
    assert "Payment RKT1 by M-Pesa" in anybody.get(f"{address}&format=text").text


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("GET", "/reconciliation?account=mpesa:1&from=2026-03-01&to=2026-03-02", None, 404, "MG-A001"),
        ("GET", "/reconciliation?account=mpesa:600638&from=2026-03-02&to=2026-03-01", None, 422, "MG-P069"),
        ("POST", "/reconciliation/runs", {"account": ACCOUNT, "from": "x", "to": "y"}, 422, "MG-A007"),
        ("GET", "/accounts/K-104/statement?from=2026-03-02&to=2026-03-01", None, 422, "MG-P069"),
        ("GET", "/months/mpesa:600638/2026-13", None, 422, "MG-A007"),
        ("POST", "/months/mpesa:600638/2026-02/close", {"opening_minor": 0}, 422, "MG-P064"),
        ("POST", "/differences/mpesa:600638:payment:NONE/correct", {"note": "?"}, 404, "MG-A001"),
        ("POST", "/differences/nothing/correct", {"note": "?"}, 404, "MG-A001"),
        ("POST", "/statements?account=mpesa:600638", {}, 422, "MG-P061"),
    ],
)
def test_what_cannot_be_meant_is_refused(method: str, path: str, body: object, status: int, code: str) -> None:
    program = make_service(MemoryStore()).program("read", "payments")
    response = program.send(method, path, body)
    assert (response.status_code, response.json()["code"]) == (status, code)


def test_the_opening_of_an_account_is_booked_once(anybody: Program) -> None:
    body = {"account": ACCOUNT, "amount_minor": 20_000, "at": START.isoformat()}
    assert [anybody.post("/reconciliation/opening", body).status_code for _ in range(2)] == [201, 201]
    assert anybody.post("/reconciliation/opening", {**body, "amount_minor": 1}).json()["code"] == "MG-P067"
    assert anybody.post("/reconciliation/opening", {**body, "amount_minor": 0}).json()["code"] == "MG-P074"


def test_a_key_to_read_hands_nothing_in_and_closes_nothing(service: Service) -> None:
    reader = service.program("read")
    assert hand_in(reader, Paper()).status_code == 403
    for path, body in (("/reconciliation/runs", MARCH), ("/months/mpesa:600638/2026-03/close", {})):
        assert reader.post(path, body).status_code == 403
