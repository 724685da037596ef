"""Meters with a keypad over HTTP: keys in, tokens out, and nothing secret in any answer or record."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from microgrid import actions
from microgrid.customers.records import Connection, Fit, Meter
from microgrid.group_commit import GroupCommit
from microgrid.sealing import SealedKeys
from tests.api.service import Program, Service, confirmation
from tests.flows.lamps import KEY_HEX
from tests.flows.village import START

DEVICE = {"starting_code": "949214826", "key": KEY_HEX}
GIVEN = {"kind": "add", "id": "r-1", "energy_wh": 300, "note": "three dark days"}


@pytest.fixture
def lamp(service: Service) -> Service:
    """Return a service in which one home has a lamp that takes tokens only."""
    core = replace(service.village.core, keys=SealedKeys(bytes(32)))
    state = service.client.app.state  # type: ignore[attr-defined]  # of the application
    service.village.core = state.core = core
    state.book = GroupCommit(core).book
    actions.remove_meter(core, "f-K-104", START, 1000, "test")
    actions.add_meter(core, Meter("L-1", "T"), "test")
    actions.add_connection(core, Connection("p-L", "K-104", "kisiju"), "test")
    actions.fit_meter(core, Fit("f-L", "L-1", "p-L", 1, START, 0), "test")
    return service


@pytest.fixture
def program(lamp: Service) -> Program:
    """Return a program that keeps meters and takes payments."""
    return lamp.program("read", "meters", "payments", "readings")


def code_of(response: Any, status: int) -> str:
    assert response.status_code == status, response.text
    assert KEY_HEX[:8] not in response.text
    return str(response.json()["code"])


def test_from_the_maker_s_key_to_the_digits_of_a_payment(lamp: Service, program: Program) -> None:
    assert program.get("/meters/L-1/tokens").json()["device"] is None
    made = program.post("/meters/L-1/token-device", DEVICE)
    assert made.status_code == 201
    assert made.json()["outstanding"] == 0
    assert KEY_HEX[:8] not in made.text
    assert "949214826" not in made.text
    lamp.provider("confirmation", confirmation("RKT1", "75.00"))
    (token,) = program.get("/payments/mpesa:600638:RKT1").json()["tokens"]
    assert (token["gives"], token["count"], token["may_be_typed"]) == ("0.3 kWh", 2, True)
    listed = program.get("/meters/L-1/tokens").json()
    assert (listed["tokens"], listed["next"], listed["waiting"]) == ([{**token, "issued_at": local(token)}], None, [])
    again = program.post("/meters/L-1/tokens", {"kind": "payment", "payment_id": "mpesa:600638:RKT1"}).json()
    assert [each["digits"] for each in again["tokens"]] == [token["digits"]]
    assert program.get("/meters/L-1/supply").json()["why"].startswith("This meter takes keypad tokens only")
    assert program.post("/meters/L-1/typed", {"count": 2}).json()["outstanding"] == 0
    assert program.get("/payments/mpesa:600638:RKT1").json()["tokens"][0]["may_be_typed"] is False
    lamp.village.are_books_true()


def local(token: dict[str, Any]) -> str:
    assert token["issued_at"] == "2026-03-02T06:00:00+00:00"
    return "2026-03-02T09:00:00+03:00"


def test_tokens_are_paged(program: Program) -> None:
    program.post("/meters/L-1/token-device", DEVICE)
    for number in range(5):
        assert program.post("/meters/L-1/tokens", {**GIVEN, "id": f"r-{number}"}).status_code == 201
    seen, after = [], ""
    while True:
        page = program.get(f"/meters/L-1/tokens?limit=2&after={after}").json()
        seen += [token["count"] for token in page["tokens"]]
        if page["next"] is None:
            break
        after = page["next"]
    assert seen == [2, 4, 6, 8, 10]


def test_a_request_that_comes_again_gives_the_same_token(program: Program) -> None:
    program.post("/meters/L-1/token-device", DEVICE)
    first, again = (program.post("/meters/L-1/tokens", GIVEN).json() for _ in range(2))
    assert first == again
    assert code_of(program.post("/meters/L-1/tokens", {**GIVEN, "energy_wh": 400}), 409) == "MG-K008"


def test_no_key_is_in_any_answer_or_kept_open(lamp: Service, program: Program) -> None:
    repeat = {"Idempotency-Key": "one"}
    assert program.post("/meters/L-1/token-device", DEVICE, **repeat).status_code == 201
    assert program.post("/meters/L-1/token-device", DEVICE, **repeat).status_code == 201
    other = {**DEVICE, "key": "00" * 16}
    assert code_of(program.post("/meters/L-1/token-device", other, **repeat), 409) == "MG-A006"
    assert code_of(program.post("/meters/L-1/token-device", other), 409) == "MG-K051"
    for wrong in (KEY_HEX[:31], KEY_HEX * 20, 12345678901234567890, [KEY_HEX], {"key": KEY_HEX}, None):
        code_of(program.post("/meters/L-1/token-device", {**DEVICE, "key": wrong}), 422)
    for wrong in ("94921482699", -949214826, "x949214826", ["949214826"]):
        answer = program.post("/meters/L-1/token-device", {**DEVICE, "starting_code": wrong})
        assert answer.status_code == 422
        assert "949214826" not in answer.text
    with lamp.village.store.read() as uow:
        kept = [repr(row) for table in (uow.raw_events, uow.audit, uow.token_devices) for row in table.page(limit=500)]
    assert [row for row in kept if KEY_HEX[:8] in row or "949214826" in row] == []
    assert bytes.fromhex(KEY_HEX) not in b"".join(row.encode() for row in kept)


def test_an_unlock_for_ever_is_refused_while_no_contract_is_paid_off(program: Program) -> None:
    program.post("/meters/L-1/token-device", DEVICE)
    asked = program.post("/meters/L-1/tokens", {"kind": "disable", "note": "she asked"})
    assert code_of(asked, 422) == "MG-K006"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"kind": "add", "id": "r", "days": 1, "note": "why"}, 422, "MG-K058"),
        ({"kind": "add", "id": "r", "days": -1, "note": "why"}, 422, "MG-A007"),
        ({"kind": "add", "id": "r", "energy_wh": 100}, 422, "MG-A007"),
        ({"kind": "unlock", "note": "why"}, 422, "MG-A007"),
        ({"kind": "payment", "payment_id": "mpesa:1:X"}, 404, "MG-A001"),
    ],
)
def test_what_cannot_be_meant_is_refused(program: Program, body: dict[str, Any], status: int, code: str) -> None:
    program.post("/meters/L-1/token-device", DEVICE)
    assert code_of(program.post("/meters/L-1/tokens", body), status) == code


def test_each_scope_for_what_it_is(lamp: Service) -> None:
    reader, keeper = lamp.program("read"), lamp.program("meters")
    assert code_of(reader.post("/meters/L-1/token-device", DEVICE), 403) == "MG-A005"
    assert code_of(keeper.post("/meters/L-1/tokens", GIVEN), 403) == "MG-A005"
    assert code_of(reader.post("/meters/L-1/typed", {"count": 2}), 403) == "MG-A005"
    assert code_of(keeper.post("/meters/L-1/typed", {"count": 2}), 422) == "MG-K050"
