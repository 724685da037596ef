"""Contracts, prices and sites over HTTP and at the keyboard."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from microgrid.__main__ import main
from microgrid.cli.moments import day
from microgrid.cli.serving import open_core
from microgrid.errors import InvalidInput
from microgrid.store.memory import MemoryStore
from tests.api.service import Program, Service, make_service

Captured = pytest.CaptureFixture[str]
LAMP = {
    "plan_id": "lamp",
    "effective_from": "2026-01-01T00:00:00+03:00",
    "currency": "KES",
    "rules": {"kind": "lease", "deposit_minor": 2000, "instalment_minor": 500, "days": 1, "instalments": 10},
}
DEAR = {"currency": "KES", "rules": {"kind": "energy", "blocks": [{"price_milli_minor_per_kwh": 50_000_000}]}}
ADD_SITE = "site add kisiju Kisiju --timezone Africa/Nairobi --currency KES --exponent 2"
SCHEDULE = "tariff schedule plan.yaml --plan home --from 2100-01-01T00:00+03:00 --note diesel"
PLAN = """\
currency: KES
rules: {kind: energy, blocks: [{price_milli_minor_per_kwh: 50000000}]}
tax: {rate_ppm: 160000, included: false, levies: [{name: rural, rate_ppm: 50000}]}
class_taxes: {business: {rate_ppm: 180000}}
"""


@pytest.fixture
def service() -> Service:
    return make_service(MemoryStore())


def anybody(service: Service) -> Program:
    return service.program("read", "customers", "meters", "plans", "payments", "approvals")


def test_a_contract_is_signed_shown_listed_and_paid_off(service: Service) -> None:
    office = anybody(service)
    assert office.post("/plans", LAMP).status_code == 201
    body = {"id": "L-1", "account_id": "K-104", "plan": "lamp", "started_on": "2026-03-02", "device": "LAMP-7"}
    assert office.post("/contracts", body).json()["terms"]["deposit_minor"] == 2000
    assert office.post("/contracts", body).status_code == 201
    shown = office.get("/contracts/L-1").json()
    assert (shown["owed_minor"], shown["left_minor"], shown["next_due_on"]) == (2500, 7000, "2026-03-03")
    assert shown["payoff"] == {"amount_minor": 7000, "ahead_minor": 4500, "waived_minor": 0}
    assert shown["contract"]["signed_at"].endswith("+03:00")
    assert [one["id"] for one in office.get("/accounts/K-104/contracts").json()["items"]] == ["L-1"]
    assert office.get("/contracts?state=owned").json()["items"] == []
    refused = office.post("/contracts/L-1/payoff", None)
    assert (refused.status_code, refused.json()["code"]) == (422, "MG-P213")
    service.village.pay("A", 8000)
    assert office.post("/contracts/L-1/payoff", None).json()["state"] == "owned"
    assert [one["id"] for one in office.get("/contracts?state=owned").json()["items"]] == ["L-1"]
    service.village.are_books_true()


def test_a_contract_is_given_up_by_two_people(service: Service) -> None:
    office = anybody(service)
    office.post("/plans", LAMP)
    office.post("/contracts", {"id": "L-1", "account_id": "K-104", "plan": "lamp", "started_on": "2026-03-02"})
    asked = office.post("/contracts/L-1/write-off", {"note": "moved away"}).json()
    own = office.post(f"/approvals/{asked['id']}/grant", None)
    assert own.json()["code"] == "MG-A017"
    assert service.program("approvals").post(f"/approvals/{asked['id']}/grant", None).status_code < 300
    shown = office.get("/contracts/L-1").json()
    assert (shown["contract"]["state"], shown["owed_minor"]) == ("written_off", 0)
    assert service.village.balance_minor("bad_debt:kisiju") == 2500
    assert service.village.balance_minor("receivable:lease:L-1") == 0
    assert office.post("/contracts/L-1/write-off", {"note": "again"}).json()["code"] == "MG-P215"
    service.village.pay("A", 3000)
    assert service.village.credit_minor() == 3000  # nothing is due any more
    service.village.are_books_true()


def test_a_price_is_previewed_and_asked_for(service: Service) -> None:
    office = anybody(service)
    service.village.clock.pass_(days=1)
    service.village.use(1200)
    service.village.clock.pass_(days=1)
    found = office.post("/plans/preview", {**DEAR, "plan_id": "home"}).json()
    assert found["largest"] == [{"account_id": "K-104", "before_minor": 5000, "after_minor": 10_000}]
    body = {**DEAR, "plan_id": "home", "effective_from": "2026-05-01T00:00:00+03:00", "note": "diesel"}
    asked = office.post("/plans/schedule", body)
    assert (asked.status_code, asked.json()["action"]) == (201, "tariff")
    service.program("approvals").post(f"/approvals/{asked.json()['id']}/grant", None)
    assert [one["version"] for one in office.get("/plans").json()["items"]] == [1, 2]
    alone = office.post("/plans", {**DEAR, "plan_id": "home", "version": 3, "effective_from": body["effective_from"]})
    assert alone.json()["code"] == "MG-P220"


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ({"kind": "lease", "deposit_minor": 0, "instalment_minor": 1, "instalments": 1}, "an instalment pays"),
        ({"kind": "energy", "blocks": [{"price_milli_minor_per_kwh": 1}], "power_limit_w": 0}, "power_limit_w"),
    ],
)
def test_a_plan_with_a_mistake_is_refused(service: Service, rules: dict[str, Any], said: str) -> None:
    refused = anybody(service).post("/plans", {**LAMP, "rules": rules})
    assert refused.status_code == 422
    assert said in refused.text


def test_levies_and_classes_of_a_plan_keep_their_names(service: Service) -> None:
    office = anybody(service)
    twice = {"rate_ppm": 1, "levies": [{"name": "rural", "rate_ppm": 1}] * 2}
    refused = office.post("/plans", {**LAMP, "tax": twice})
    assert refused.json()["code"] == "MG-P210"


def test_a_site_is_run_over_http(service: Service) -> None:
    office = anybody(service)
    assert office.get("/sites/kisiju/policy").json()["policy"]["notice_days"] == 30
    changed = office.send("PUT", "/sites/kisiju/policy", {"quiet_from_minute": 1320, "quiet_to_minute": 360})
    assert (changed.status_code, changed.json()["policy"]["spread_s"]) == (200, 900)
    assert office.send("PUT", "/sites/kisiju/policy", {"quiet_from_minute": 1441}).status_code == 422
    assert office.send("PUT", "/sites/kisiju/shed", {"level": 2}).json()["shed_level"] == 2
    dark = {"id": "o-1", "site_id": "kisiju", "from_at": "2026-03-02T01:00:00+03:00"}
    assert office.post("/outages", dark).status_code == 201
    assert office.post("/outages/o-1/end", {"to_at": "2026-03-02T08:00:00+03:00"}).status_code == 201
    assert [one["id"] for one in office.get("/sites/kisiju/outages").json()["items"]] == ["o-1"]
    crossing = {**dark, "id": "o-2", "to_at": "2026-03-02T02:00:00+03:00"}
    assert office.post("/outages", crossing).json()["code"] == "MG-M042"
    assert office.post("/meters/M-K-104/seal", {"seal": "tampered", "note": "cover off"}).status_code == 202
    assert "opened or bypassed" in office.get("/meters/M-K-104/supply").json()["why"]


# At the keyboard --------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "organisation.yaml").write_text("database: books.db\n", encoding="utf-8")
    (tmp_path / "plan.yaml").write_text(PLAN, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert main(["db", "upgrade"]) == 0
    assert main(ADD_SITE.split()) == 0
    return tmp_path


def typed(capsys: Captured, *words: str) -> Any:
    capsys.readouterr()
    assert main(list(words)) == 0
    return json.loads(capsys.readouterr().out)


def test_a_site_is_run_at_the_keyboard(folder: Path, capsys: Captured) -> None:
    assert [one["id"] for one in typed(capsys, "site", "list")["sites"]] == ["kisiju"]
    typed(capsys, "site", "policy", "kisiju", "--quiet", "22:00-06:00")
    found = typed(capsys, "site", "policy", "kisiju", "--lifeline-w", "20", "--lifeline-s", "3600")["site"]["policy"]
    assert (found["quiet_from_minute"], found["quiet_to_minute"], found["lifeline_w"]) == (1320, 360, 20)
    assert typed(capsys, "site", "policy", "kisiju")["site"]["policy"] == found
    assert main(["site", "shed", "kisiju", "1"]) == 0
    begun = typed(capsys, "site", "outage", "kisiju", "o-1", "--from", "2026-01-02T10:00+03:00", "--cause", "storm")
    assert begun["outage"]["to_at"] is None
    typed(capsys, "site", "outage-end", "o-1", "--to", "2026-01-02T12:00+03:00")
    core = open_core(folder)
    with core.store.read() as uow:
        state = uow.site_states.get("kisiju")
    assert state is not None
    assert state.shed_level == 1
    assert state.outage_ended_at is not None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("site policy kisiju --quiet 25:00-06:00", "'25:00-06:00' after --quiet is not two times of the day"),
        ("site outage kisiju o --from yesterday", "'yesterday' after --from is not a moment"),
        ("site add x X --timezone Mars --currency KES --exponent 2", "timezone: no time zone of this name"),
        ("contract sign c K-1 lamp --from soon", "'soon' after --from is not a day"),
        ("tariff preview plan.yaml --plan home --days 0", "0 days cannot be reckoned"),
        ("tariff preview plan.yaml --plan home", "there is no plan 'home'"),
        ("tariff schedule plan.yaml --plan home --from 2026-12-01 --note ?", "not a moment with its offset"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_what_cannot_be_meant_is_said_with_what_to_type(capsys: Captured, words: str, said: str) -> None:
    assert main(words.split()) == 2
    told = capsys.readouterr().err
    assert said in told
    assert "MG-" in told


def test_odd_days_have_a_code_of_their_own() -> None:
    with pytest.raises(InvalidInput, match="MG-M043"):
        day("soon", "--from")


def test_a_plan_file_has_a_schema_and_every_mistake_is_said(folder: Path, capsys: Captured) -> None:
    described = typed(capsys, "schema", "plan", "--json")["json_schema"]
    assert set(described["required"]) == {"currency", "rules"}
    (folder / "plan.yaml").write_text(PLAN.replace("rate_ppm: 50000", "rate_ppm: -1").replace("tax:", "taxes:", 1))
    assert main(["tariff", "preview", "plan.yaml", "--plan", "home"]) == 2
    told = capsys.readouterr().err
    assert "MG-C001" in told
    assert "levies.rate_ppm must be" in told or "rate_ppm" in told


def test_a_contract_and_a_price_go_through_two_people_at_the_keyboard(
    folder: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    from microgrid import actions
    from microgrid.api.bodies import PlanBody
    from microgrid.customers.records import Account, Customer
    from tests.flows.village import START

    core = open_core(folder)
    actions.add_customer(core, Customer("c", "Amina"), "test")
    actions.add_account(core, Account("K-1", "c", "kisiju", START), "test")
    for body in (LAMP, {**DEAR, "plan_id": "home", "effective_from": LAMP["effective_from"]}):
        actions.add_plan(core, PlanBody.model_validate(body).record(), "test")
    monkeypatch.setenv("SUDO_USER", "asha")
    signed = typed(capsys, "contract", "sign", "L-1", "K-1", "lamp", "--from", "2026-01-02")
    assert signed["contract"]["plan"] == "lamp@1"
    shown = typed(capsys, "contract", "show", "L-1")
    assert shown["why"].startswith("Supply is off because the deposit is not paid yet")
    assert main(["contract", "pay-off", "L-1"]) == 2
    asked = typed(capsys, "contract", "give-up", "L-1", "--note", "moved away")
    preview = typed(capsys, "tariff", "preview", "plan.yaml", "--plan", "home")
    assert (preview["accounts"], preview["largest"]) == (0, [])
    price = typed(capsys, *SCHEDULE.split())
    monkeypatch.setenv("SUDO_USER", "juma")
    for approval in (asked, price):
        assert main(["approval", "grant", approval["id"]]) == 0
    assert typed(capsys, "contract", "show", "L-1")["contract"]["state"] == "written_off"
    with core.store.read() as uow:
        assert [one.version for one in uow.plans.where(plan_id="home")] == [1, 2]
        assert uow.plans.get("home@2").tax.levies[0].name == "rural"  # type: ignore[union-attr]  # it is there
